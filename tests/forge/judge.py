"""One case judged: what we say of it, and what is true."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from cases import Case, planned, played
from scene import Scene
from state import State
from truth import Difference, differences

from signing_core.verdict import DocumentVerdict, Integrity
from signing_core.verification import verify

_SAME: Final = frozenset({"print outside", "poppler picture outside", "poppler ink hidden"})
"""Seen a second time, where something else differs already."""
AT: Final = datetime(2026, 12, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Judged:
    case: Case
    integrity: str
    finds: tuple[Difference, ...] = ()
    log: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    steps: int = 0
    """How many were played, where some were left out."""
    kept: frozenset[int] | None = field(default=None)

    @property
    def kind(self) -> str:
        """What finds of one sort have in common: what differs, and the moves that it takes."""
        moves = sorted(
            {
                step.name
                for n, step in enumerate(self.case.steps)
                if self._plays(n) and step.what not in ("save", "author")
            }
        )
        codes = {find.code for find in self.finds}
        for code in _SAME & codes:
            if codes - _SAME:
                codes -= {code}
        refused = [find.detail.split(" ")[1] for find in self.finds if find.code.startswith("honest refused")]
        return f"{self.case.generator} | {'+'.join([*sorted(codes), *refused])} | {'+'.join(moves)}"

    def _plays(self, number: int) -> bool:
        return self.kept is None or number in self.kept


def judged(
    case: Case, kept: frozenset[int] | None = None, *, poppler: bool | None = None
) -> tuple[Judged, Scene, State]:
    scene, final = played(case, kept)
    verdict = verify(final.data, at=AT)
    finds: list[Difference] = []
    if case.generator == "honest" and verdict.integrity is not Integrity.INTACT:
        finds = [Difference("honest refused", _worst(verdict))]
    verdicts = [verdict]
    if scene.start.trust is not None:
        verdicts.append(verify(final.data, at=AT, trust=scene.start.trust))
        if verdicts[1].integrity is not verdict.integrity and case.generator == "honest" and not finds:
            finds = [Difference("honest refused with keys", _worst(verdicts[1]))]
    passed = next((v for v in verdicts if v.integrity in (Integrity.INTACT, Integrity.UNSIGNED)), None)
    if passed is not None:
        if passed.integrity is Integrity.UNSIGNED:
            finds.append(Difference("called unsigned"))
        sampled = _sampled(case) if poppler is None else poppler
        finds += differences(scene, final, _listed(passed), poppler=sampled)
    codes = tuple(
        dict.fromkeys(
            finding.code for finding in (*verdict.findings, *(f for s in verdict.signatures for f in s.findings))
        )
    )
    faults = [code for code in codes if code == "internal-error"]
    finds += [Difference(code) for code in faults]
    said = Judged(case, str(verdict.integrity), tuple(finds), tuple(scene.log), codes, len(case.steps), kept)
    return said, scene, final


def _sampled(case: Case) -> bool:
    """Poppler is asked where viewers are known to differ, and of every eighth case besides."""
    return case.number % 8 == 0 or any(
        step.name in ("annotation", "repaint") for step in case.steps if step.what == "edit"
    )


def _listed(verdict: DocumentVerdict) -> int:
    return len(verdict.signatures)


def _worst(verdict: DocumentVerdict) -> str:
    found = verdict.reason
    return (
        f"{verdict.integrity}: {found.code} {re.sub(r'[0-9]+', 'N', found.message)[:160]}"
        if found
        else str(verdict.integrity)
    )


def judged_or_fault(title: str) -> Judged:
    """Never raises: a generator or a verification that does is a find."""
    case = planned(title)
    try:
        return judged(case)[0]
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{type(error).__name__} at {place.filename.rsplit('/', 1)[-1]}:{place.lineno}"
        return Judged(case, "fault", (Difference("exception", where),))


def minimal(case: Case, codes: frozenset[str], seconds: float = 20) -> frozenset[int]:
    """The steps without which it would be no find of these sorts any more: one after the other is left out."""
    import time

    end = time.monotonic() + seconds
    kept = frozenset(range(len(case.steps)))
    for number in reversed(range(len(case.steps))):
        if time.monotonic() > end or case.steps[number].what == "author":
            continue
        try:
            said, _, _ = judged(case, kept - {number}, poppler=any(code.startswith("poppler") for code in codes))
        except Exception:
            continue
        if {find.code for find in said.finds} & codes:
            kept -= {number}
    return kept
