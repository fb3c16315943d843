"""Whether what a signature covers says by itself what the whole file makes of it.

Readers find the objects of a signed revision by what was appended since. Whoever appends must not be able to give the signed bytes
another meaning: by leading to a cross-reference section that stood hidden in them, or by breaking the way so that they are searched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing_core.pdf.structure.model import SectionKind
from signing_core.pdf.structure.xref import closing, last_start

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure


def differs(structure: FileStructure, revision: int, alone: FileStructure | None = None) -> str | None:
    """What the bytes up to the end of a revision, read alone, have otherwise than the whole file; None when nothing.

    `alone` is that reading, where it was made before. Raises `LimitReached`.
    """
    end = structure.revisions[revision - 1].end_with_eol
    if end >= len(structure.data) or (alone is None and _same_way(structure, revision, end)):
        return None
    if alone is None:
        alone = type(structure)(structure.data[:end], structure.password, structure.limits)
    last = len(alone.revisions)
    if not last:
        return "the signed bytes, read alone, are no PDF"
    if alone.trailer(last).get("Root") != structure.trailer(revision).get("Root"):
        return "the signed bytes, read alone, have another document catalog"
    numbers = {number for update in (*alone.updates, *structure.updates[:revision]) for number in update.entries}
    structure.budget.step(len(numbers))
    for number in sorted(numbers):
        if alone.location(number, last) != structure.location(number, revision):
            return f"object {number} is another one than in the signed bytes, read alone"
    return None


def _same_way(structure: FileStructure, revision: int, end: int) -> bool:
    """Whether a reader of the signed bytes goes through the same sections: it begins at the same, and none lies outside."""
    updates = structure.updates[:revision]
    sections = [section for update in updates for section in update.sections]
    if any(update.kind is SectionKind.RECONSTRUCTED for update in updates) or any(s.restarts for s in sections):
        return False
    if any(high > end for section in sections for span in section.spans for high in span):
        return False
    start = last_start(structure.data, end)
    newest = updates[-1].sections[0].offset
    return start is not None and start[1] == newest and closing(structure.data, start[0])[0] == updates[-1].end
