"""What each signer saw beside the file as it is now.

Two sources, kept apart: what the change analysis found in the structure of the file (pages, fields and annotations that
differ), and what is seen when both states are drawn by PDFium and compared point by point. The second asks nothing of the
first, so that each shows what the other may miss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from signing_core.pdf.revisions import FileStructure, SignatureRecord, parse
from signing_core.pdf.structure.model import Finding
from signing_core.verification.changes import ChangeLevel, since
from signing_core.verification.comparison import later_fields
from signing_core.verification.comparison.difference import Difference, difference
from signing_core.verification.comparison.later_fields import State
from signing_core.verification.comparison.page import PageComparison
from signing_core.verification.comparison.two_states import TwoStates

_LOOKED_AT: Final = 50
"""Pages that are drawn and compared although the structure gives no reason to."""
_LOOKED_AT_DOUBTED: Final = 500
"""The same where changes are forbidden or could not be judged."""


@dataclass(frozen=True)
class SignedState:
    """The revision that one signature covers, to be held against the file."""

    index: int
    """Of the signature, from 0, in signing order: the same as in `DocumentVerdict.signatures`."""
    record: SignatureRecord
    revision: int | None
    """The covered revision, from 1; None when the byte range is not one that a revision can have."""
    data: bytes | None
    """The file as it was signed: a prefix of the file. None without a covered revision."""
    changes: ChangeLevel
    findings: tuple[Finding, ...]
    """Of the change analysis, permitted steps included."""
    differing: Difference | None
    """Pages, fields and annotations that differ by structure."""

    @property
    def sha256(self) -> str | None:
        return hashlib.sha256(self.data).hexdigest() if self.data is not None else None


class Comparison:
    """A file and every state of it that was signed. Never raises for what the file contains."""

    def __init__(self, data: bytes, *, password: str | None = None) -> None:
        self.data = data
        self._password = password
        self._structure = parse(data, password=password)
        self.states: tuple[SignedState, ...] = tuple(
            _state(self._structure, index, record) for index, record in enumerate(self._structure.signatures)
        )

    def pages(self, state: SignedState) -> Iterator[PageComparison]:
        """Every page that differs, drawn, in order; those that structure names also when they look the same.

        Raises `DocumentRefused` when one of the two states cannot be opened by PDFium.
        """
        if state.data is None or state.differing is None or not self.data[len(state.data) :].strip():
            return
        last = len(self._structure.revisions)
        later = later_fields.between(
            State(state.data, self._structure, state.revision or 0), State(self.data, self._structure, last)
        )
        two = TwoStates(state.data, self.data, password=self._password, later=later)
        yield from two.pages(self._looked_at(state, two.page_count()), even_so=state.differing.pages)

    def left_out(self, state: SignedState) -> int:
        """How many pages were neither named by the structure nor drawn, since the document has so many."""
        if state.data is None or state.differing is None or not self.data[len(state.data) :].strip():
            return 0
        total = max(state.differing.pages_before or 0, state.differing.pages_after or 0)
        return total - len(self._looked_at(state, total))

    @staticmethod
    def _looked_at(state: SignedState, total: int) -> list[int]:
        most = _LOOKED_AT if state.changes in (ChangeLevel.NONE, ChangeLevel.PERMITTED) else _LOOKED_AT_DOUBTED
        named = {page for page in state.differing.pages if 1 <= page <= total} if state.differing else set()
        return sorted(named | set(range(1, min(total, most) + 1)))


def compare(data: bytes, *, password: str | None = None) -> Comparison:
    """The states of a file that were signed: see `Comparison`."""
    return Comparison(data, password=password)


def _state(structure: FileStructure, index: int, record: SignatureRecord) -> SignedState:
    covered = record.covered_revision
    if covered is None:
        return SignedState(index, record, None, None, ChangeLevel.UNKNOWN, (), None)
    report = since(structure, covered, signature=index)
    data = structure.data[: max((end for _, end in record.digest_ranges), default=0)]
    return SignedState(index, record, covered, data, report.level, report.findings, difference(structure, covered))
