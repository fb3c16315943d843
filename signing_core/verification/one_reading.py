"""Whether everybody who opens a file reads what is judged here: one file, one meaning.

Four things are asked for each signature. What it covers has to say by itself what the whole file makes of it (`prefix`). Every update
behind it has to be written as the standard has it, to the byte, for readers rebuild what is not (`strictness`); so they do where
something leads nowhere that did not when it was signed (`dangling`). And where the file was damaged or odd before anybody signed it, a
viewer has to show what was read (`drawn.readings`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from signing_core.pdf.structure import dangling, prefix
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.model import Finding, Severity
from signing_core.pdf.structure.objects import object_starts
from signing_core.pdf.structure.values import integer
from signing_core.verification import drawn

_MOST: Final = 5
"""Deviations of one update that are listed."""
_MOST_OBJECTS: Final = 10
_FARTHEST: Final = 1000
"""Bytes from the last startxref to the end; readers search the last 1,024 (PDF 1.7, Annex H, note 18)."""


def problems(structure: FileStructure, revision: int) -> Iterator[Finding]:
    """What gives the file another meaning to somebody: errors where it is certain, else warnings. Raises `LimitReached`."""
    end = structure.revisions[revision - 1].end
    for span in structure.unexplained_after(end):
        message = f"Bytes {span.start} to {span.end} came after signing and belong to no revision ({span.what})."
        yield Finding("change-unexplained-bytes", Severity.ERROR, message)
    beyond = structure.beyond(revision) if end < len(structure.data) else ()
    for number in beyond[:_MOST_OBJECTS]:
        if structure.location(number, len(structure.revisions)) is not None:
            message = f"Object {number} of the signed revision lies behind its end, where anything could be put later."
            yield Finding("change-object-beyond-revision", Severity.ERROR, message, revision=revision)
    other = prefix.differs(structure, revision)
    if other is not None:
        message = f"The signed revision {revision} does not stand by itself: {other}."
        yield Finding("change-another-reading", Severity.ERROR, message, revision=revision)
    far = len(structure.data) - structure.data.rfind(b"startxref")
    if far > _FARTHEST:
        message = f"The file's last startxref stands {far} bytes before its end: programs search it nearer, and rebuild the file."
        yield Finding("change-irregular-update", Severity.WARNING, message, revision=len(structure.revisions))
    if grown_to_linearised(structure):
        message = "The file was not as long as its first object says when it was signed, and is now: viewers take it as linearised."
        yield Finding("change-irregular-update", Severity.WARNING, message, revision=len(structure.revisions))
    for later in range(revision + 1, len(structure.revisions) + 1):
        for what in structure.deviations(later)[:_MOST]:
            message = (
                f"Revision {later} is not written as it has to be, so that viewers may show something else: {what}."
            )
            yield Finding("change-irregular-update", Severity.WARNING, message, revision=later)
    for what in islice(dangling.since(structure, revision), _MOST):
        message = f"Viewers may rebuild the file and show something else, for something leads nowhere that did not when it was signed: {what}."
        yield Finding("change-irregular-update", Severity.WARNING, message, revision=len(structure.revisions))
    for owner, number in sorted(structure.misplaced):
        if owner > revision:
            message = f"Object {number} is not where its cross-reference entry says: viewers may show different things."
            yield Finding("change-misplaced-object", Severity.ERROR, message, revision=owner)


def grown_to_linearised(structure: FileStructure) -> bool:
    """Whether the first object's /L (Annex F.3.2) is more than the first revision has, and no more than the file has now."""
    first = next(iter(object_starts(structure.data, 0, 1024)), None)
    parameters = structure.holder(first[0]) if first is not None else None
    value = parameters.value if parameters is not None else None
    if not isinstance(value, dict) or "Linearized" not in value:
        return False
    length = integer(value.get("L")) or 0
    return structure.revisions[0].end_with_eol < length <= len(structure.data)


def shown_otherwise(structure: FileStructure) -> Finding | None:
    """Whether a viewer shows another document of a damaged or odd file. Raises `LimitReached`."""
    other = drawn.shown_otherwise(structure) if drawn.is_odd(structure) else None
    if other is None:
        return None
    message = f"The file is damaged or odd, and a viewer shows another document than was judged: {other}."
    return Finding("change-shown-otherwise", Severity.WARNING, message)
