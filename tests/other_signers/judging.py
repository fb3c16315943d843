"""What our own verification says of each file."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from signing_core.verdict import DocumentVerdict, Finding
from signing_core.verification import verify

from .manifest import Entry


@dataclass(frozen=True)
class Judged:
    entry: Entry
    integrity: str
    """`intact`, `altered`, ...; empty when there is no file."""
    reasons: tuple[str, ...]
    """The findings that stand against it: signature, code, field and message."""
    codes: frozenset[str]
    """Their codes alone."""


def judge(entries: Sequence[Entry], folder: Path, jobs: int) -> list[Judged]:
    """Each entry with its verdict; verdicts.csv says the same."""
    paths = [str(folder / entry.path) if entry.path else "" for entry in entries]
    if jobs > 1:
        with ProcessPoolExecutor(jobs) as pool:
            answers = list(pool.map(_answer, paths, chunksize=20))
    else:
        answers = [_answer(path) for path in paths]
    judged = [Judged(entry, *answer) for entry, answer in zip(entries, answers, strict=True)]
    with (folder / "verdicts.csv").open("w", newline="") as lines:
        writer = csv.writer(lines)
        writer.writerow(["path", "document", "steps", "kind", "damaged", "integrity", "reasons"])
        for item in judged:
            entry = item.entry
            writer.writerow(
                [
                    entry.path,
                    entry.document,
                    entry.steps,
                    entry.kind,
                    entry.damaged,
                    item.integrity,
                    " | ".join(item.reasons),
                ]
            )
    return judged


def _answer(path: str) -> tuple[str, tuple[str, ...], frozenset[str]]:
    if not path:
        return "", (), frozenset()
    verdict = verify(path, at=datetime.now(UTC))
    if verdict.integrity == "intact":
        return str(verdict.integrity), (), frozenset()
    against = list(_against(verdict))
    reasons = dict.fromkeys(f"{where}{_said(finding)}" for where, finding in against)
    return str(verdict.integrity), tuple(reasons), frozenset(finding.code for _, finding in against)


def _against(verdict: DocumentVerdict) -> Iterator[tuple[str, Finding]]:
    for number, signature in enumerate(verdict.signatures, 1):
        yield from ((f"signature {number}: ", finding) for finding in signature.findings if _counts(finding))
    yield from (("", finding) for finding in verdict.findings if _counts(finding))


_NOT_ABOUT_INTEGRITY = ("algorithm-", "no-anchors", "signing-certificate-", "revocation-", "time-", "cms-signers")


def _counts(finding: Finding) -> bool:
    return finding.severity != "info" and not finding.code.startswith(_NOT_ABOUT_INTEGRITY)


def _said(finding: Finding) -> str:
    where = f" (field {finding.field})" if finding.field else ""
    return f"{finding.code}{where} {finding.message}"
