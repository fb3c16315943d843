"""What the log says a document's file is: the events that make one, and the file that the last of them names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from signing_core.audit_log import contents
from signing_core.audit_log.events import Event
from signing_core.pdf import succession
from signing_core.pdf.succession import Stage

_NAMED: Final = {
    "document.created": ("prepared_sha256", "prepared_length", succession.PREPARED),
    "signature.made": ("sha256", "length", None),
    "document.completed": ("sha256", "length", succession.COMPLETED),
    "document.renewed": ("sha256", "length", succession.RENEWED),
}
"""By type: where the event names hash and length, and the step; that of a signature is the role that made it."""
MAKING: Final = frozenset(_NAMED)
"""The events that say what the document's file is from here on."""


@dataclass(frozen=True, slots=True)
class LoggedFile:
    """A state of a document's file, and the event that names it."""

    event: Event
    stage: Stage

    @property
    def sha256(self) -> str:
        return self.stage.sha256


class Unreadable(ValueError):
    """An event of the document cannot be relied on; the message is the end of a sentence about the audit log."""


class ConsentElsewhere(Unreadable):
    """A party consented to another file than the one that was there."""


def of(log: Iterable[Event]) -> list[LoggedFile]:
    """Every state that the events of one document name, oldest first. Raises `Unreadable`, `ConsentElsewhere`.

    The events have to chain: of a document whose history was rewritten, none tells anything.
    """
    found: list[LoggedFile] = []
    previous: str | None = None
    for event in log:
        wrong = contents.problem(event)
        if wrong is not None:
            raise Unreadable(f"holds an event {event.seq} that {wrong}")
        if event.content.get("prev") != previous:
            raise Unreadable(f"holds an event {event.seq} that does not follow its predecessor")
        previous = event.sha256
        shown = event.data.get("document_sha256") if event.type == "consent.given" else None
        if shown is not None and (not found or shown != found[-1].sha256):
            raise ConsentElsewhere(f"holds a consent {event.seq} to another file than the one that was there")
        if event.type in _NAMED:
            found.append(LoggedFile(event, _stage(event)))
    return found


def _stage(event: Event) -> Stage:
    sha256_key, length_key, step = _NAMED[event.type]
    sha256, length = event.data.get(sha256_key), event.data.get(length_key)
    if not isinstance(sha256, str) or not isinstance(length, int):
        raise Unreadable(f"holds an event {event.seq} ({event.type}) that names no file")
    return Stage(step or str(event.data.get("role")), sha256, length)
