"""What each signer saw beside the file as it is now.

Two sources, kept apart: what the change analysis found in the structure of the file (pages, fields and annotations that
differ), and what is seen when both states are drawn by PDFium and compared point by point. The second asks nothing of the
first, so that each shows what the other may miss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

from PIL import Image

from signing_core.errors import SealtrailError
from signing_core.pdf import render
from signing_core.pdf.revisions import FileStructure, SignatureRecord, parse
from signing_core.pdf.structure import looks, pages
from signing_core.pdf.structure.model import Finding
from signing_core.verification.changes import ChangeLevel, Difference, difference, since
from signing_core.verification.comparison import pictures
from signing_core.verification.comparison.pictures import Box

DPI: Final = 96
_LOOKED_AT: Final = 50
"""Pages that are drawn and compared although the structure gives no reason to."""
_LOOKED_AT_DOUBTED: Final = 500
"""The same where changes are forbidden or could not be judged."""

PageState = Literal["same", "later-signature", "changed"]


@dataclass(frozen=True)
class PageComparison:
    """One page of both states. Pictures are RGB at `DPI`; None for a state that has no such page."""

    page: int
    """From 1."""
    state: PageState
    """`later-signature`: nothing differs but signature fields that were empty and are filled now."""
    boxes: tuple[Box, ...]
    before: Image.Image | None
    after: Image.Image | None

    @cached_property
    def difference(self) -> Image.Image:
        """What is gone red, what is new blue, all else pale."""
        return pictures.overlay(self.before, self.after, self.boxes)


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
        with ExitStack() as stack:
            old = stack.enter_context(render.opened(state.data, password=self._password))
            new = stack.enter_context(render.opened(self.data, password=self._password))
            total = max(len(old), len(new))
            for number in self._looked_at(state, total):
                before, after = _drawn(old, number), _drawn(new, number)
                found, boxes = self._compared(state, new, number, before, after)
                if found != "same" or number in state.differing.pages:
                    yield PageComparison(number, found, boxes, before, after)

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

    def _compared(
        self,
        state: SignedState,
        document: Any,
        number: int,
        before: Image.Image | None,
        after: Image.Image | None,
    ) -> tuple[PageState, tuple[Box, ...]]:
        if before is None or after is None:
            size = (before or after or Image.new("L", (1, 1))).size
            return "changed", ((0, 0, *size),)
        found = pictures.compare(before, after)
        if not found.boxes:
            return "same", ()
        fields = self._later_fields(state, document, number, after.size)
        inside = all(any(_within(box, field) for field in fields) for box in found.boxes)
        return ("later-signature" if inside else "changed"), found.boxes

    def _later_fields(self, state: SignedState, document: Any, number: int, size: tuple[int, int]) -> list[Box]:
        """Where on a page signature fields are that later signatures filled, in pixels."""
        structure, last = self._structure, len(self._structure.revisions)
        later = {
            name for record in structure.signatures if record.revision > (state.revision or 0) for name in record.fields
        }
        found: list[Box] = []
        for field in structure.form(last).fields:
            for widget in field.widgets if field.name in later else ():
                page = widget.dict.get("P")
                rect = structure.resolve(widget.dict.get("Rect"), last)
                if page is None or pages.number_of(structure, page, last) != number or not _is_box(rect):
                    continue
                handle = document[number - 1]
                try:
                    found.append(looks.pixels(handle, tuple(rect), size, DPI / 72))
                finally:
                    handle.close()
        return found


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


def _drawn(document: Any, number: int) -> Image.Image | None:
    if number > len(document):
        return None
    try:
        return render.picture(document, number, dpi=DPI)
    except SealtrailError:
        return None  # a page that cannot be drawn is one that is not there


def _within(box: Box, field: Box) -> bool:
    slack = 10  # boxes are gathered in squares, so they reach a little beyond
    return (
        box[0] >= field[0] - slack and box[1] >= field[1] - slack
        and box[2] <= field[2] + slack and box[3] <= field[3] + slack
    )  # fmt: skip


def _is_box(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(isinstance(edge, int | float) for edge in value)
