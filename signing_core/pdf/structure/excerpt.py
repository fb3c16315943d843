"""A file made lighter for a program that draws a few of its pages: the others, which PDFium walks one by one, are left out.

What is drawn and how is the file's own.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.model import SectionKind
from signing_core.pdf.structure.values import Ref, Stream, integer

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_WORTH_IT: Final = 50
"""Pages from which on leaving out the others costs less than the walk."""
_MOST_COPIED: Final = 500
_DRAWN: Final = frozenset({"Contents", "Resources", "MediaBox", "CropBox", "Rotate", "UserUnit", "Group"})
"""What a page without its annotations is drawn from (Table 31)."""
_REFERENCE: Final = re.compile(rb"(\d{1,10})[\0\t\n\f\r ]++(\d{1,5})[\0\t\n\f\r ]++R")

_TRAILER: Final = b"trailer\n<</Size %d/Root %d %d R>>\nstartxref\n%d\n%%%%EOF\n"

Objects = dict[Ref, bytes]


def last_page(structure: FileStructure) -> tuple[bytes, int] | None:
    """(the file with one more update, the number of its last page in it); None where nothing could be left out.

    The page tree is cut to the last page where it has one level and hands nothing down to its pages.
    """
    if structure.encrypted or structure.damaged or not structure.pages:
        return None
    objects = _tree(structure, [structure.pages])
    data = _with(structure, objects) if objects else None
    return (data, 1) if data is not None else None


def some_pages(structure: FileStructure, numbers: list[int]) -> bytes | None:
    """A file with only these pages, counted from 1, to be drawn without annotations; None where that would not pay."""
    if structure.encrypted or structure.damaged or not structure.pages:
        return None
    objects = _tree(structure, numbers)
    return (_alone(structure, objects) or _with(structure, objects)) if objects else None


def _alone(structure: FileStructure, tree: Objects) -> bytes | None:
    """A file of its own with a root of the page tree, its pages, and what those are drawn from, all as they are written.

    None where anything is not plainly written, or where layers (8.11) hang on the catalog: nothing may be missing in it.
    """
    revision = len(structure.revisions)
    ((root, body),) = tree.items()
    if "OCProperties" in structure.catalog(revision):
        return None
    copied = {root: b"%d %d obj\n%s\nendobj" % (*root, body)}
    pending = [Ref(int(number), int(generation)) for number, generation in _REFERENCE.findall(body)]
    while pending:
        ref = pending.pop()
        place = structure.location(ref.number, revision)
        if ref in copied or place is None:
            continue
        written = structure.holder(place) if isinstance(place, int) else None
        if written is None or not written.closed or written.ambiguous or len(copied) > _MOST_COPIED:
            return None
        if (written.number, written.generation) != ref:
            return None
        value = written.value
        head = structure.data[written.start : value.start if isinstance(value, Stream) else written.end]
        if b"%" in head:
            return None
        leads = Counter(Ref(int(number), int(generation)) for number, generation in _REFERENCE.findall(head))
        if isinstance(value, dict) and value.get("Parent") == root:
            aside = [entry if isinstance(entry, list) else [entry] for key, entry in value.items() if key not in _DRAWN]
            leads -= Counter(item for entries in aside for item in entries if isinstance(item, Ref))
        copied[ref] = structure.data[written.start : written.end]
        pending += leads
    parts, rows, at = [b"%PDF-1.7\n"], [], 9
    catalog = Ref(max(ref.number for ref in copied) + 1, 0)
    copied[catalog] = b"%d %d obj\n<</Type/Catalog/Pages %d %d R>>\nendobj" % (*catalog, *root)
    for ref, written_as in copied.items():
        parts.append(written_as + b"\n")
        rows.append(b"%d 1\n%010d %05d n \n" % (ref.number, at, ref.generation))
        at += len(parts[-1])
    return b"".join((*parts, b"xref\n", *rows, _TRAILER % (catalog.number + 1, *catalog, at)))


def _with(structure: FileStructure, objects: Objects) -> bytes | None:
    """The file with these objects in an update of its own kind; None unless that kind is a plain table."""
    revision, last, data = len(structure.revisions), structure.updates[-1], structure.data
    trailer = structure.trailer(revision)
    root, size = trailer.get("Root"), integer(trailer.get("Size"))
    plain = last.kind is SectionKind.TABLE and last.sections and data.startswith(b"%PDF-")
    if not plain or not isinstance(root, Ref) or size is None or size <= max(ref.number for ref in objects):
        return None
    parts, rows, at = [data, b"\n"], [], len(data) + 1
    for ref, body in objects.items():
        parts.append(b"%d %d obj\n%s\nendobj\n" % (*ref, body))
        rows.append(b"%d 1\n%010d %05d n \n" % (ref.number, at, ref.generation))
        at += len(parts[-1])
    previous = max(section.offset for section in last.sections)
    parts.append(
        b"xref\n%strailer\n<</Size %d/Root %d %d R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
        % (b"".join(rows), size, *root, previous, at)
    )
    return b"".join(parts)


def _tree(structure: FileStructure, numbers: list[int]) -> Objects:
    """The root of the page tree with some of its pages only."""
    revision = len(structure.revisions)
    pages = structure.catalog(revision).get("Pages")
    root = structure.resolve(pages, revision)
    kids = structure.resolve(root.get("Kids"), revision) if isinstance(root, dict) else None
    if not isinstance(pages, Ref) or not isinstance(kids, list) or len(kids) < _WORTH_IT:
        return {}
    if root.keys() - {"Type", "Kids", "Count"} or max(numbers) > len(kids):
        return {}
    chosen = [kids[number - 1] for number in numbers]
    for page in chosen:
        leaf = structure.resolve(page, revision)
        if not isinstance(page, Ref) or not isinstance(leaf, dict) or leaf.get("Parent") != pages or "Kids" in leaf:
            return {}
    listed = b" ".join(b"%d %d R" % page for page in chosen)
    return {pages: b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(chosen), listed)}
