"""What a ByteRange covers: exactly [0 a b c], the gap being this signature's /Contents and nothing else (12.8.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing_core.pdf.structure.model import Coverage, SectionKind, Span
from signing_core.pdf.structure.xref import skip_space

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

Reasons = list[tuple[str, str]]


def judge(
    structure: FileStructure,
    revision: int,
    byte_range: tuple[int, ...] | None,
    contents: Span | None,
    others: list[Span],
) -> tuple[Coverage, int | None, Reasons]:
    """(coverage, the revision covered, why it is not whole).

    `contents` is where the signature's own hex string stands, `others` where those of all signatures do.
    """
    reasons: Reasons = []
    size = len(structure.data)
    if byte_range is None or len(byte_range) != 4:
        found = "missing" if byte_range is None else f"{len(byte_range)} numbers instead of four"
        return Coverage.INVALID, None, [("byte-range-missing", f"The ByteRange is unusable: {found}.")]
    start, first, second, length = byte_range
    end = second + length
    if start != 0:
        reasons.append(("byte-range-start", f"The ByteRange begins at byte {start} instead of 0."))
    if min(byte_range) < 0 or start + first > second:
        reasons.append(("byte-range-overlap", "The parts of the ByteRange overlap."))
    elif contents is None or not _gap_fits(structure.data, start + first, second, contents):
        reasons.append(
            ("byte-range-gap", "The ByteRange leaves out more, or something else, than this signature's /Contents.")
        )
        if any(start + first < other.end and other.start < second and other != contents for other in others):
            reasons.append(("byte-range-overlap", "The ByteRange leaves out bytes of another signature."))
    if end > size:
        reasons.append(("byte-range-end", f"The ByteRange ends at byte {end}, the file at {size}."))
    if reasons:
        return Coverage.INVALID, None, reasons
    if contents is not None and end < contents.end:
        return Coverage.INVALID, None, [("byte-range-end", "The ByteRange ends before its own signature does.")]
    covered = None
    for update in structure.revisions:
        if update.end <= end <= update.end_with_eol or (update.kind is SectionKind.RECONSTRUCTED and end == update.end):
            covered = update.number
    if end == size and (covered is not None or structure.damaged):
        return Coverage.WHOLE_FILE, covered if covered is not None else len(structure.revisions), []
    if covered is not None and covered >= revision:
        return Coverage.WHOLE_REVISION, covered, []
    if structure.damaged and skip_space(structure.data, end) == size:
        return Coverage.WHOLE_REVISION, len(structure.revisions), []
    inside = [update.number for update in structure.revisions if update.end <= end]
    reasons.append(("byte-range-end", f"The ByteRange ends at byte {end}, which is not the end of a revision."))
    return Coverage.PARTIAL, max(inside, default=None), reasons


def _gap_fits(data: bytes, low: int, high: int, contents: Span) -> bool:
    """Exactly `<...>`, or, as some signers do it, only what is between the brackets (which covers more)."""
    return (low, high) in ((contents.start, contents.end), (contents.start + 1, contents.end - 1))
