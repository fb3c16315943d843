"""The exceptions of a run: what needs somebody's attention, once for each document or file, with everything found about it.

One cause shows in many places: a changed byte breaks the hash, the seal and the registry. So findings are gathered by what they are
about, and the exception is named after the gravest of them: what the archive's own comparison says, before what the file says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from signing_core.bulk import results
from signing_core.bulk.dispositions import Disposition
from signing_core.controls import CATALOGUE as CONTROLS
from signing_core.controls.finding import Kind

_RANK: Final = {"error": 0, "warning": 1, "info": 2}

FILES: Final[dict[str, Kind]] = {
    "certificate-differs": Kind(
        "error", "compliance", "The authenticity certificate in a stored file is not in order.",
        "Compare the file with the one that was mailed.",
    ),
    "stored-file-fails": Kind(
        "error", "compliance", "The signatures of a stored, completed document do not verify.",
        "Open the verdict: it names signature, revision and page. The audit log has the hash of what was completed.",
    ),
    "not-in-registry": Kind(
        "error", "compliance", "A stored file of the archive is not the one that the registry knows.",
        "Find out who changed the registry or the store.",
    ),
    "log-disagrees": Kind(
        "error", "compliance", "The audit log does not name a stored file, or the document's events do not chain.",
        "Run `sealtrail audit verify`.",
    ),
    "file-altered": Kind(
        "error", "compliance", "A file that came in was changed after it was signed.",
        "Do not rely on it; ask its sender for the original, and look for where the change comes from.",
    ),
    "file-not-the-registered": Kind(
        "error", "compliance", "A file that came in names a document of ours and is another file than that document.",
        "Compare it with the archived document.",
    ),
    "file-foreign": Kind(
        "warning", "compliance", "A file that came in was signed or sealed by somebody whom we do not trust.",
        "Add the signer's X.509 anchor to the trust settings if it is to be trusted; otherwise return the file.",
    ),
    "file-expired-certificate": Kind(
        "warning", "compliance", "A file that came in was signed with an X.509 certificate that was not valid at that time.",
        "Ask for a signature with a valid X.509 certificate, or for a time-stamp that proves an earlier one.",
    ),
    "file-revoked-certificate": Kind(
        "error", "compliance", "A file that came in was signed with a revoked X.509 certificate.",
        "Do not rely on it; ask its sender.",
    ),
    "file-not-judged": Kind(
        "warning", "compliance", "A file that came in cannot be judged.",
        "Open the verdict: it says what is missing, mostly revocation data or an algorithm that we know.",
    ),
    "file-encrypted": Kind(
        "warning", "operations", "A file that came in is encrypted and its password is not known.",
        "Ask its sender for the password or for an open copy.",
    ),
    "file-unsigned": Kind(
        "warning", "operations", "A file that came in has no signature.",
        "Ask its sender for the signed document.",
    ),
    "file-gone": Kind(
        "warning", "operations", "A file that came in is not there any more, or cannot be read.",
        "Restore it, or accept that it was withdrawn.",
    ),
    "duplicate-file": Kind(
        "warning", "operations", "The same file came in more than once.",
        "Find out whether one of them should have been another document.",
    ),
    "log-inconsistent": Kind(
        "error", "compliance", "The audit log contradicts itself or what was signed of it before.",
        "Stop work on the workspace and run `sealtrail audit verify`.",
    ),
    "log-remark": Kind(
        "warning", "operations", "The audit log is whole, but something about it wants attention.",
        "Run `sealtrail audit verify`.",
    ),
    "batch-stopped": Kind(
        "error", "operations", "A batch is not finished: a check stopped it, or a step failed.",
        "Open the batch in the webserver, see why, and run it again.",
    ),
}  # fmt: skip
"""What a run finds besides the controls."""

CATALOGUE: Final = CONTROLS | FILES
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


@dataclass
class Case:
    """One exception."""

    subject: str
    """A document's id, a file's SHA-256, a batch's key or `audit-log`."""
    document_id: str | None = None
    files: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    findings: list[tuple[str, str]] = field(default_factory=list)
    """Code and message."""
    evidence: list[str] = field(default_factory=list)
    disposition: str = "open"

    @cached_property
    def code(self) -> str:
        return min(
            (code for code, _ in self.findings), key=lambda code: (_RANK[CATALOGUE[code].severity], _ORDER[code])
        )

    @property
    def severity(self) -> str:
        return CATALOGUE[self.code].severity

    @property
    def codes(self) -> list[str]:
        return list(dict.fromkeys(code for code, _ in self.findings))

    @property
    def settled(self) -> bool:
        """Somebody decided that it needs no more attention."""
        return self.disposition in ("accepted", "false-alarm")

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
            "message": next(message for code, message in self.findings if code == self.code),
            "action": kind.action,
            "codes": self.codes,
            "findings": [{"code": code, "message": message} for code, message in self.findings],
            "evidence": list(dict.fromkeys(self.evidence)),
        }


class Cases:
    """The cases of a run, by subject."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}

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
    ) -> None:
        case = self._cases.setdefault(subject, Case(subject))
        case.document_id = case.document_id or document_id
        case.files += [one for one in files if one not in case.files]
        if batch and batch not in case.batches:
            case.batches.append(batch)
        if (code, message) not in case.findings:
            case.findings.append((code, message))
        case.evidence += evidence

    def sorted(self, decided: Mapping[tuple[str, str], Disposition]) -> list[Case]:
        """The gravest first; what was settled comes last."""
        for case in self._cases.values():
            held = decided.get((case.subject, case.code))
            if held is not None:
                # What is still found is not resolved, whatever was said of it.
                case.disposition = "open" if held.state == "resolved" else held.state
        order = lambda case: (case.settled, _RANK[case.severity], _ORDER[case.code], case.subject)  # noqa: E731
        return sorted(self._cases.values(), key=order)

    def __iter__(self) -> Iterator[Case]:
        return iter(self._cases.values())


def write(file: Path, cases: Iterable[Case], context: Mapping[str, Any]) -> None:
    results.write(file, pa.Table.from_pylist([case.row() for case in cases], schema=SCHEMA), context)
