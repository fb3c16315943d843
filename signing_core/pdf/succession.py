"""From one state of a document's file to the next lie exactly the revisions that the step between them adds.

A document of ours only grows: each step appends incremental updates (ISO 32000-2, 7.5.6) to the file as it was, so every
state is a byte prefix of all later ones. What a step appends is known beforehand: a signature in its own field, and behind
seal and renewal validation data with a document time-stamp. Anything else between two states was put there by somebody else,
however well it is signed over afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from signing_core.pdf.names import FIELD_OF_ROLE
from signing_core.pdf.revisions import FileStructure, parse

PREPARED: Final = "prepared"
COMPLETED: Final = "completed"
RENEWED: Final = "renewed"

_TIME_STAMP: Final = "document-timestamp"
_DATA: Final = "validation data"
_ADDED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    PREPARED: (("",),),
    "first-party": ((FIELD_OF_ROLE["first-party"],),),
    "client": ((FIELD_OF_ROLE["client"],),),
    COMPLETED: ((FIELD_OF_ROLE["seal"], _TIME_STAMP), (FIELD_OF_ROLE["seal"], _TIME_STAMP, _DATA)),
    RENEWED: ((_TIME_STAMP,), (_TIME_STAMP, _DATA)),
}
"""By step: what its revisions bring, one entry each. What validates a new authority's time-stamp follows in one of its own."""


class Stage(NamedTuple):
    """The file as one step left it."""

    step: str
    """`prepared`, `first-party`, `client`, `completed` or `renewed`."""
    sha256: str
    length: int
    """In octets."""


def not_a_prefix(data: bytes, stages: Sequence[Stage]) -> str | None:
    """Why `data` does not end each step as it was recorded to, as the end of a sentence about it; None when it does.

    `stages` oldest first; the last one is the whole of `data`.
    """
    length = 0
    for stage in stages:
        if not length < stage.length <= len(data):
            return f"is {len(data)} bytes long, of which step {stage.step} left {stage.length}"
        length = stage.length
        if hashlib.sha256(memoryview(data)[:length]).hexdigest() != stage.sha256:
            return f"does not begin with the {length} bytes that step {stage.step} left"
    return None if length == len(data) else f"has {len(data) - length} bytes more than its last step left"


def other_revisions(data: bytes, stages: Sequence[Stage]) -> str | None:
    """What else lies between two states than the revisions of the step between them, as the end of a sentence; else None."""
    structure = parse(data)
    brought = _brought(structure)
    ends = [(revision.end, revision.end_with_eol) for revision in structure.revisions]
    done = 0
    for stage in stages:
        until = next((number for number, (end, eol) in enumerate(ends, 1) if end <= stage.length <= eol), None)
        if until is None:
            return f"has no revision that ends where step {stage.step} ended"
        if tuple(brought[done:until]) not in _ADDED.get(stage.step, ()):
            return f"has other revisions than step {stage.step} adds ({', '.join(brought[done:until]) or 'none'})"
        done = until
    return None if done == len(brought) else f"has {len(brought) - done} revisions more than its steps add"


def _brought(structure: FileStructure) -> list[str]:
    """What each revision brings: the field of its signature, a document time-stamp, validation data alone, or nothing (the original)."""
    found: list[list[str]] = [[] for _ in structure.revisions]
    for record in structure.signatures:
        what = _TIME_STAMP if record.kind == _TIME_STAMP else "+".join(record.fields)
        found[record.revision - 1].append(what)
    return [" and ".join(names) or (_DATA if number else "") for number, names in enumerate(found)]
