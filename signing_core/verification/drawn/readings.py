"""Whether a viewer shows what was judged, where a file is damaged or odd: its own reading against ours, written out clean."""

from __future__ import annotations

from typing import Final

from signing_core.pdf import page_ink, render
from signing_core.pdf.page_ink import FAILURES
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.rewritten import rewritten

_ODD: Final = ("xref-", "revision", "file-header")
"""Beginnings of the codes of what makes readers repair a file, each in its own way."""
_SCALE: Final = 1.0
_MOST_PIXELS: Final = 4_000_000


def is_odd(structure: FileStructure) -> bool:
    """Whether the file is not written as every reader reads it."""
    return structure.damaged or any(problem.code.startswith(_ODD) for problem in structure.problems)


def shown_otherwise(structure: FileStructure) -> str | None:
    """How what PDFium shows of the file as it is differs from what was read of it; None where it does not, or cannot be told.

    Raises `LimitReached`.
    """
    clean = rewritten(structure, len(structure.revisions))
    if clean is None:
        return None
    try:
        with render.opened(structure.data, password=structure.text_password) as theirs, render.opened(clean) as ours:
            if len(theirs) != len(ours):
                return f"it has {len(theirs)} pages there, and {len(ours)} were judged"
            states = page_ink.State(theirs), page_ink.State(ours)
            for number in range(1, len(theirs) + 1):
                structure.budget.check()
                first, second = (state.page(number) for state in states)
                if (first.shown, first.size) != (second.shown, second.size):
                    return f"page {number} is of another size there"
                scale = min(_SCALE, (_MOST_PIXELS / max(first.size[0] * first.size[1], 1)) ** 0.5)
                area = first.area(first.shown, scale)
                if area is not None and (first.picture(area, scale) != second.picture(area, scale)).any():
                    return f"page {number} looks otherwise there"
    except FAILURES:
        return None  # what nobody can draw, nobody sees
    return None
