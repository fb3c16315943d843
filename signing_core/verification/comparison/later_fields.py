"""Where a later signature is expected to show: signature fields that are empty in one state of a document and filled in another.

A field that was there empty shows where it stood *then*, wherever the newer state says it is. One that came with its signature
counts where nothing was hidden by it; else what it covers was changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from signing_core.pdf.revisions import FileStructure
from signing_core.pdf.structure import looks, pages
from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.forms import Widget
from signing_core.pdf.structure.values import Ref

_TOLERATED: Final = 25
"""Pixels at 100 dpi: less than one character of eight points."""

Rect = tuple[float, float, float, float]
"""Left, bottom, right, top in points of default user space."""


@dataclass(frozen=True)
class State:
    """A file as of one of its revisions."""

    data: bytes
    structure: FileStructure
    revision: int

    def filled(self) -> set[str]:
        """Names of the fields that hold a signature."""
        records = self.structure.signatures
        return {name for record in records if record.revision <= self.revision for name in record.fields}


@dataclass(frozen=True)
class LaterField:
    name: str
    page: int
    """From 1."""
    rect: Rect
    added: bool
    """It was not there before: it came with its signature."""


def between(before: State, after: State) -> tuple[LaterField, ...]:
    """Fields without a signature in `before` that have one in `after`; none where the files are too much to be looked through."""
    try:
        return tuple(_between(before, after))
    except LimitReached:
        return ()


def _between(before: State, after: State) -> Iterator[LaterField]:
    later = after.filled() - before.filled()
    if not later or not before.revision:
        return
    there = {field.name: field for field in before.structure.form(before.revision).fields if field.name in later}
    new = [field for field in after.structure.form(after.revision).fields if field.name in later - there.keys()]
    for state, fields, added in ((before, [*there.values()], False), (after, new, True)):
        for field in fields:
            for widget in field.widgets:
                page, rect = _page(state, widget), state.structure.resolve(widget.dict.get("Rect"), state.revision)
                if page is not None and (box := _rect(rect)) is not None:
                    yield LaterField(field.name, page, box, added)


def hides(field: LaterField, before: bytes, after: bytes, password: str | None) -> bool:
    """Whether something that was to be seen at the field's place can be seen no more; so too where that cannot be told."""
    hidden = looks.hidden_ink(before, after, field.page, field.rect, content_only=False, password=password)
    return hidden is None or hidden > _TOLERATED


def _page(state: State, widget: Widget) -> int | None:
    """By the widget's own word, else by the page that lists it."""
    structure, revision = state.structure, state.revision
    page = widget.dict.get("P")
    if isinstance(page, Ref) and (number := pages.number_of(structure, page, revision)) is not None:
        return number
    for number, (_, leaf) in enumerate(pages.walk(structure, revision), start=1):
        annotations = structure.resolve(leaf.get("Annots"), revision)
        if widget.ref is not None and isinstance(annotations, list) and widget.ref in annotations:
            return number
    return None


def _rect(value: object) -> Rect | None:
    if not isinstance(value, list) or len(value) != 4:
        return None
    edges = [float(edge) for edge in value if isinstance(edge, int | float)]
    if len(edges) != 4:
        return None
    x0, y0, x1, y1 = edges
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
