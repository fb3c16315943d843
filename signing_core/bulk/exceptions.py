"""The exceptions of a run: what needs somebody's attention, once for each document or file, with everything found about it.

One cause shows in many places: a changed byte breaks the hash, the seal and the registry. So findings are gathered by what they are
about, and the exception is named after the gravest of them: what the archive's own comparison says, before what the file says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from signing_core.bulk import results
from signing_core.controls import CATALOGUE, ControlFinding
from signing_core.findings import Standing, key_of

_RANK: Final = {"error": 0, "warning": 1, "info": 2}
_ORDER: Final = {code: number for number, code in enumerate(CATALOGUE)}

SCHEMA: Final = pa.schema(
    [
        ("subject", pa.string()),
        ("document_id", pa.string()),
        ("files", pa.list_(pa.string())),
        ("batches", pa.list_(pa.string())),
        ("code", pa.string()),
        ("severity", pa.string()),
        ("owner", pa.string()),
        ("disposition", pa.string()),
        ("message", pa.string()),
        ("action", pa.string()),
        ("codes", pa.list_(pa.string())),
        ("findings", pa.list_(pa.struct([("code", pa.string()), ("message", pa.string())]))),
        ("evidence", pa.list_(pa.string())),
    ]
)
_SETTLED: Final = ("accepted", "false-alarm")


@dataclass
class Case:
    """One exception."""

    subject: str
    """A document's id, a file's SHA-256, a batch's key or `audit-log`."""
    document_id: str | None = None
    files: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    findings: list[ControlFinding] = field(default_factory=list)
    disposition: str = "open"

    @cached_property
    def gravest(self) -> ControlFinding:
        return min(self.findings, key=lambda one: (_RANK[one.severity], _ORDER[one.code]))

    @property
    def code(self) -> str:
        return self.gravest.code

    @property
    def severity(self) -> str:
        return self.gravest.severity

    @property
    def codes(self) -> list[str]:
        return list(dict.fromkeys(one.code for one in self.findings))

    @property
    def evidence(self) -> list[str]:
        return list(dict.fromkeys(text for one in self.findings for text in one.evidence))

    @property
    def settled(self) -> bool:
        """It was decided that it needs no more attention."""
        return self.disposition in _SETTLED

    def decide(self, standing: Mapping[str, Standing]) -> None:
        """Take over what stands about its findings: it is settled when all that count are, remarks aside."""
        count = [one for one in self.findings if one.severity != "info"] or self.findings
        told = [standing.get(key_of(one), "open") for one in count]
        waiting = [one for one in told if one not in _SETTLED]
        if waiting:
            # What is still found is not fixed, whatever was said of it.
            self.disposition = "proposed" if set(waiting) == {"proposed"} else "open"
        else:
            self.disposition = standing.get(key_of(self.gravest), told[0])

    def row(self) -> dict[str, Any]:
        kind = CATALOGUE[self.code]
        return {
            "subject": self.subject,
            "document_id": self.document_id,
            "files": self.files,
            "batches": self.batches,
            "code": self.code,
            "severity": kind.severity,
            "owner": kind.owner,
            "disposition": self.disposition,
            "message": self.gravest.message,
            "action": kind.action,
            "codes": self.codes,
            "findings": [{"code": one.code, "message": one.message} for one in self.findings],
            "evidence": self.evidence,
        }


class Cases:
    """The cases of a run, by subject."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self.made_at: dict[str, datetime] = {}
        """When the results were made that findings come from, by the key of the batch or the name of what else was looked at."""
        self._looked_at: dict[str, datetime] = {}

    def add(
        self,
        subject: str,
        code: str,
        message: str,
        *,
        document_id: str | None = None,
        files: Iterable[str] = (),
        batch: str | None = None,
        evidence: Iterable[str] = (),
        source: str | None = None,
    ) -> None:
        """`evidence` of what is of no document names what it is about; see `ControlFinding`. `source` is where it was found, the
        batch when not given."""
        case = self._cases.setdefault(subject, Case(subject))
        case.document_id = case.document_id or document_id
        case.files += [one for one in files if one not in case.files]
        if batch and batch not in case.batches:
            case.batches.append(batch)
        finding = ControlFinding(code, document_id, message, tuple(evidence))
        if finding not in case.findings:
            case.findings.append(finding)
        if (at := self.made_at.get(source or batch or "")) is not None:
            key = key_of(finding)
            self._looked_at[key] = max(at, self._looked_at.get(key, at))

    def looked_at(self, finding: ControlFinding) -> datetime | None:
        """When was looked for it: the newest of the results that it was found in."""
        return self._looked_at.get(key_of(finding))

    def findings(self) -> Iterator[ControlFinding]:
        for case in self:
            yield from case.findings

    def sorted(self, standing: Mapping[str, Standing]) -> list[Case]:
        """The gravest first; what was settled comes last. Mere remarks are on the work list, and no exceptions."""
        for case in self:
            case.decide(standing)
        order = lambda case: (case.settled, _RANK[case.severity], _ORDER[case.code], case.subject)  # noqa: E731
        return sorted((case for case in self if case.severity != "info"), key=order)

    def __contains__(self, subject: str) -> bool:
        return subject in self._cases

    def __iter__(self) -> Iterator[Case]:
        return iter(self._cases.values())


def write(file: Path, cases: Iterable[Case], context: Mapping[str, Any]) -> None:
    results.write(file, pa.Table.from_pylist([case.row() for case in cases], schema=SCHEMA), context)
