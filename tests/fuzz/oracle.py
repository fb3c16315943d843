"""What has to hold for every verdict, whatever the file."""

from __future__ import annotations

import hashlib
import json
import logging
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime

from signing_core.verdict import DocumentVerdict, Indication, Integrity, fold, worst_integrity
from signing_core.verification import findings, verify

AT = datetime(2026, 11, 25, 12, tzinfo=UTC)
_WEAK = ("internal-error", "worker-died")


class Faults(logging.Handler):
    """Remembers where exceptions came from that became the finding `internal-error`."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.places: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            frames = traceback.extract_tb(record.exc_info[2])[-5:]
            where = " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)
            self.places.append(f"{type(record.exc_info[1]).__name__} at {where}")


def listen() -> Faults:
    logger = logging.getLogger("signing_core.verification.document")
    faults = Faults()
    logger.addHandler(faults)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    return faults


def signed_content(data: bytes, verdict: DocumentVerdict) -> set[str]:
    """SHA-256 of what each signature whose value fits covers."""
    return {_covered(data, s.byte_range) for s in verdict.signatures if s.intact and s.byte_range}


def _covered(data: bytes, byte_range: Iterable[int]) -> str:
    numbers = list(byte_range)
    pieces = (data[at : at + length] for at, length in zip(numbers[::2], numbers[1::2], strict=False))
    return hashlib.sha256(b"".join(pieces)).hexdigest()


def judged(data: bytes) -> DocumentVerdict:
    return verify(data, at=AT)


def complaints(data: bytes, verdict: DocumentVerdict, genuine: set[str], faults: Faults) -> list[str]:
    """What is wrong with a verdict on `data`; nobody can have signed other content than that of `genuine`."""
    wrong = [f"exception: {place}" for place in dict.fromkeys(faults.places)]
    everything = [*verdict.findings, *(f for s in verdict.signatures for f in s.findings)]
    wrong += [f"finding {f.code}" for f in everything if f.code in _WEAK and not faults.places]
    wrong += [
        f"over its limit: {f.message}" for f in everything if f.code == "limit-exceeded" and "memory" in f.message
    ]
    wrong += [f"undocumented finding {f.code}" for f in everything if f.code not in findings.CATALOGUE]
    content = verdict.to_json()
    if DocumentVerdict.from_json(json.loads(json.dumps(content))) != verdict:
        wrong.append("the verdict does not survive JSON")
    wrong += _table(verdict)
    for signature in verdict.signatures:
        if signature.intact and _covered(data, signature.byte_range or ()) not in genuine:
            wrong.append(f"{signature.fields} is called intact over content that nobody signed")
    return wrong


def _table(verdict: DocumentVerdict) -> list[str]:
    """The truth table, as far as a document shows it."""
    wrong = []
    state, indication = verdict.integrity, verdict.indication
    folded = fold(verdict.signatures)
    if worst_integrity((folded.integrity, state)) is not state:
        wrong.append(f"{state}, though a signature is {folded.integrity}")
    if state is Integrity.UNSIGNED and (verdict.signatures or indication is not None):
        wrong.append(f"unsigned with {len(verdict.signatures)} signatures and {indication}")
    if state in (Integrity.INTACT, Integrity.ALTERED) and not verdict.signatures and not verdict.document_id:
        wrong.append(f"{state} without a signature")
    if state is Integrity.ALTERED and indication is not Indication.TOTAL_FAILED:
        wrong.append(f"altered, but {indication}")
    if state is Integrity.INDETERMINATE and indication is not Indication.INDETERMINATE:
        wrong.append(f"indeterminate, but {indication}")
    if state is Integrity.INTACT:
        for s in verdict.signatures:
            whole = s.coverage in ("whole-file", "whole-revision") and s.changes in ("none", "permitted")
            if not whole or s.intact is not True:
                wrong.append(f"intact with a signature that is {s.intact}, {s.coverage}, {s.changes}")
    return wrong
