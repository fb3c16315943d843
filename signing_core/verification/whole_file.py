"""Why a file as a whole leaves its integrity undecided, whatever its signatures say."""

from __future__ import annotations

from signing_core.pdf.revisions import FileStructure


def why_undecided(structure: FileStructure, data: bytes) -> str | None:
    """The code of the finding that says so, None for a file that can be judged."""
    if structure.locked:
        return "encrypted"
    if structure.limited:
        return "limit-exceeded"
    if not structure.revisions:
        return "not-a-pdf"
    if not structure.readable:
        return "limit-exceeded"
    if structure.signatures:
        return None
    if _remains(structure, data):
        return "signature-unreachable"
    if structure.damaged and not structure.pages:
        return "not-a-pdf"  # the rest of a file: what was signed may be what is missing
    return None


def _remains(structure: FileStructure, data: bytes) -> bool:
    """Whether there is a byte range that is no usage rights signature's (ISO 32000-2, 12.8.6)."""
    position = 0
    for span in structure.usage_rights:
        if data.find(b"/ByteRange", position, span.start) >= 0:
            return True
        position = max(position, span.end)
    return data.find(b"/ByteRange", position) >= 0
