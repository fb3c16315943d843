"""Entry points of the change analysis: which states are compared, and what a signature's rules make of the differences."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import Final

from signing_core.pdf.revisions import FileStructure, Finding, Lock, Severity
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.kinds import subtype_of
from signing_core.pdf.structure.mentions import Mentions, of_file
from signing_core.verification import drawn, one_reading
from signing_core.verification.changes.catalog import compare_documents
from signing_core.verification.changes.change import Change, ChangeLevel, ChangeReport, Kind
from signing_core.verification.changes.pair import Owned, Pair
from signing_core.verification.changes.values import judge_values
from signing_core.verification.changes.walk import Walk
from signing_core.verification.changes.widgets import paints

_OPEN: Final = frozenset({"change-not-judged", "change-ambiguous-object", "change-looks-unknown"})
"""Findings that leave open whether anything but the permitted was changed, also after a lock of everything."""
_EFFECTS: Final = {
    drawn.Effect.HIDES: (Kind.FORBIDDEN, "change-hides-content"),
    drawn.Effect.REVEALS: (Kind.FORBIDDEN, "change-reveals-content"),
    drawn.Effect.COVERS: (Kind.UNKNOWN, "change-covers-text"),
    drawn.Effect.UNCLEAR: (Kind.UNKNOWN, "change-looks-unknown"),
    drawn.Effect.STILL_HIDES: (Kind.UPKEEP, "change-hidden-content"),
}
_MOST_PAGES: Final = 20
"""Of the pages that share something which was written anew and is equal, so many are drawn and compared."""
_ADDS: Final = frozenset(
    {
        "change-signature",
        "change-signature-field",
        "change-time-stamp",
        "change-annotation-added",
        "change-validation-data",
    }
)
"""Changes that take nothing away and replace nothing that was seen."""
_LIES_OVER: Final = frozenset({"change-covers-text", "change-hides-content", "change-looks-unknown"})
"""What such an addition may do to what is below it, which is there all the same: for earlier signers the last state tells as much."""


class History:
    """The comparisons of the states of one file, each made once, whoever asks."""

    def __init__(self, structure: FileStructure, mentions: Mentions | None = None) -> None:
        self.structure = structure
        self._mentions = mentions
        self._owned: dict[Owned, bool] = {}
        self._changes: dict[tuple[int, int], list[Change]] = {}

    @cached_property
    def shown_otherwise(self) -> Finding | None:
        return one_reading.shown_otherwise(self.structure)

    def changes(self, signed: int, later: int) -> list[Change]:
        """What differs between two states, before any rule of a signature is applied. Raises `LimitReached`."""
        if (signed, later) not in self._changes:
            mentions = self._mentions or of_file(self.structure)
            self._changes[signed, later] = compare(Pair(self.structure, signed, later, mentions, self._owned))
        return self._changes[signed, later]

    def states_after(self, revision: int) -> list[int]:
        """The states that what was signed in `revision` is held against: the last, and those of all later signers.

        A state to which the last one only adds says nothing that the last does not say.
        """
        last = len(self.structure.revisions)
        signed = {record.covered_revision for record in self.structure.signatures}
        later = sorted(state for state in signed if state is not None and revision < state < last)
        return [
            *(
                state
                for state in later
                if not all(
                    change.kind is Kind.VALIDATION
                    or change.code in _LIES_OVER
                    or (change.code in _ADDS and change.kind <= Kind.ANNOTATION)
                    for change in self.changes(state, last)
                )
            ),
            *([last] if revision < last else []),
        ]


def compare(pair: Pair) -> list[Change]:
    """The walk, what it found painted, and the books."""
    walk = Walk(pair)
    compare_documents(walk)
    for number in sorted(pair.changed):
        if pair.structure.ambiguous(number, pair.later):
            message = f"Object {number} has an entry twice: viewers may show different things."
            walk.changes.append(
                Change(Kind.UNKNOWN, "change-ambiguous-object", message, revision=pair.revision_of(number))
            )
    judge_values(walk)
    paints(walk)
    if not any(change.kind is Kind.FORBIDDEN for change in walk.changes):
        for message, owner in walk.ledger.balance():
            text = f"Something was changed that cannot be judged: {message}."
            walk.changes.append(Change(Kind.UNKNOWN, "change-not-judged", text, revision=pair.revision_of(owner)))
    if walk.paints and not any(change.kind is Kind.FORBIDDEN for change in walk.changes):
        observations = drawn.judge(pair.structure, pair.signed, pair.later, walk.paints)
        walk.changes += [_seen(pair, observation) for observation in observations]
    # The net below everything: what the books call untouched has to look untouched.
    rewritten = walk.pages_rewritten
    if 0 in rewritten:
        rewritten = {*range(1, min(pages.count(pair.structure, pair.signed) or 0, _MOST_PAGES) + 1)}
    for page in sorted(rewritten):
        boxes = [item for item in walk.paints if item.page == page]
        differs = drawn.untouched_page_differs(pair.structure, pair.signed, pair.later, page, boxes)
        if differs is None:
            message = f"Page {page}, which was written anew, cannot be drawn."
            walk.changes.append(Change(Kind.UNKNOWN, "change-looks-unknown", message, page=page))
        elif differs:
            message = f"Page {page} does not look as it did when it was signed."
            walk.changes.append(Change(Kind.UNKNOWN, "change-page-differs", message, page=page))
    return walk.changes


def _seen(pair: Pair, observation: drawn.Observation) -> Change:
    """What an observation on a page is among the changes."""
    paint, effect = observation.paint, observation.effect
    kind, code = _EFFECTS[effect]
    if effect is drawn.Effect.STILL_HIDES and paint.field is not None:
        kind = Kind.FORM
    subtype = subtype_of(pair.structure, paint.annotation, pair.later) or subtype_of(
        pair.structure, paint.former, pair.signed
    )
    return Change(
        kind, code, observation.message, paint.field, paint.page, paint.revision,
        annotation=subtype if paint.field is None else None, warning=effect is drawn.Effect.STILL_HIDES,
    )  # fmt: skip


@lru_cache(maxsize=2)
def history(structure: FileStructure) -> History:
    """The history of a file. The last two are kept: one file is asked about several times in a row."""
    return History(structure)


def since(structure: FileStructure, revision: int, *, signature: int | None = None) -> ChangeReport:
    """Judge everything that came after `revision`, under the rules that signatures up to it set.

    Args:
        structure: from `signing_core.pdf.revisions.parse`.
        revision: the revision a signature covers (`SignatureRecord.covered_revision`).
        signature: index into `structure.signatures` of the signature to judge for; without it the rules of all
            signatures that cover `revision` apply.

    Never raises for what the file contains.
    """
    return judge(history(structure), revision, signature)


def judge(states: History, revision: int, signature: int | None = None) -> ChangeReport:
    """`since`, with the history to use."""
    structure = states.structure
    if not structure.revisions or not 1 <= revision <= len(structure.revisions):
        return _report([(ChangeLevel.UNKNOWN, _doubt("There is no such revision to compare with."))])
    verdicts: list[_Verdict] = []
    rules = Rules.of(structure, revision, signature)
    last = len(structure.revisions)
    if revision < last:
        verdicts.append((ChangeLevel.PERMITTED, None))
    before = structure.budget.start()
    try:
        for finding in one_reading.problems(structure, revision):
            level = ChangeLevel.FORBIDDEN if finding.severity is Severity.ERROR else ChangeLevel.UNKNOWN
            verdicts.append((level, finding))
        for state in states.states_after(revision):
            verdicts += [rules.judged(change, final=state == last) for change in states.changes(revision, state)]
        if states.shown_otherwise is not None:
            verdicts.append((ChangeLevel.UNKNOWN, states.shown_otherwise))
    except LimitReached as error:
        structure.limit(error)
        verdicts.append((ChangeLevel.UNKNOWN, _doubt(f"The changes could not be judged: {error}.")))
    finally:
        structure.budget.stop(before)
    forbidden = any(level is ChangeLevel.FORBIDDEN for level, _ in verdicts)
    if not structure.readable and not forbidden and revision < last:
        verdicts.append(
            (ChangeLevel.UNKNOWN, _doubt("The file cannot be read as a whole, so its changes cannot be judged."))
        )
    return _report(verdicts)


_Verdict = tuple[ChangeLevel, Finding | None]


def _report(verdicts: list[_Verdict]) -> ChangeReport:
    level = max((level for level, _ in verdicts), key=[*ChangeLevel].index, default=ChangeLevel.NONE)
    findings = dict.fromkeys(finding for _, finding in verdicts if finding is not None)
    return ChangeReport(level, tuple(sorted(findings, key=lambda finding: [*Severity].index(finding.severity))))


def _doubt(message: str) -> Finding:
    return Finding("change-not-judged", Severity.WARNING, message)


class Rules:
    """What a signature permits: the strictest DocMDP /P, and all locks (12.8.2.2, 12.8.2.4)."""

    def __init__(self, permission: int | None, certified: frozenset[str], locks: list[Lock]) -> None:
        self._permission = permission
        self._certified = certified
        """Names of the fields that there were when the document was certified."""
        self._locks = locks

    @classmethod
    def of(cls, structure: FileStructure, revision: int, signature: int | None) -> Rules:
        """Those that bind a signature covering `revision`: its own, and those of a certification before it."""
        permissions: list[int] = []
        locks: list[Lock] = []
        certified: set[str] = set()
        for number, record in enumerate(structure.signatures):
            own = number == signature if signature is not None else record.covered_revision == revision
            if not own and not (record.certification and record.revision <= revision):
                continue
            if record.doc_mdp is not None:
                permissions.append(record.doc_mdp)
            if record.certification:
                certified |= {field.name for field in structure.form(record.covered_revision or record.revision).fields}
            locks += record.field_mdp
        return cls(min(permissions, default=None), frozenset(certified), locks)

    def judged(self, change: Change, *, final: bool) -> _Verdict:
        """The level and the finding that a change comes to; `final`: the later state is the last one."""
        kind = change.kind
        if kind is Kind.EMPTY_FIELD and not final:
            return ChangeLevel.PERMITTED, None  # only in the last state is it certain that nobody signs it
        if kind is Kind.FORBIDDEN:
            return ChangeLevel.FORBIDDEN, _finding(change, Severity.ERROR)
        if kind is Kind.UNKNOWN and (self._permission != 1 or change.code in _OPEN):
            return ChangeLevel.UNKNOWN, _finding(change, Severity.WARNING)
        refused = self._refused(change)
        if refused:
            return ChangeLevel.FORBIDDEN, _finding(change, Severity.ERROR, refused)
        return ChangeLevel.PERMITTED, _finding(change, Severity.WARNING if change.warning else Severity.INFO)

    def _refused(self, change: Change) -> str:
        kind, permission = change.kind, self._permission
        if permission == 1 and kind is not Kind.VALIDATION:
            return "the document was locked, but for validation data"
        locked = change.field is not None and not change.new_field
        if (
            locked
            and kind in (Kind.FORM, Kind.OVERWRITE)
            and any(lock.covers(change.field or "") for lock in self._locks)
        ):
            return "an earlier signature locked this field"
        if self._locks and change.code == "change-need-appearances":
            return "an earlier signature locked fields"
        if kind is Kind.EMPTY_FIELD and permission == 2:
            return "the certification permits no new fields"
        if kind is Kind.OVERWRITE and not (change.field in self._certified and permission in (2, 3)):
            return "it changes what the signer saw"
        if kind is Kind.ANNOTATION and permission not in (None, 3):
            return "the certification permits no annotations"
        if kind is Kind.ANNOTATION_EDIT and permission != 3:
            return "it changes what the signer saw"
        return ""


def _finding(change: Change, severity: Severity, reason: str = "") -> Finding:
    message = change.message if not reason else f"{change.message.rstrip('.')}: {reason}."
    return Finding(change.code, severity, message, change.field, change.revision, change.page)
