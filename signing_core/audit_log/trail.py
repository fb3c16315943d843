"""A document's own events from first to last, checked against one another: what an auditor reads as its audit trail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from signing_core.audit_log import authentication, events, personal, signer
from signing_core.audit_log.events import Event
from signing_core.audit_log.tree import leaf_hash
from signing_core.display import badge, card, facts, fold, moment, paragraph, short, table
from signing_core.errors import DocumentUnknown
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace

_SHOWN = ("role", "channel", "kind", "because", "via", "method", "integrity", "indication", "sha256", "document_sha256")
"""What of an event's data the table shows; the whole body is in a fold."""


@dataclass(frozen=True)
class AuditTrail:
    """The events of one document, oldest first."""

    document_id: str
    events: tuple[Event, ...]
    broken: tuple[int, ...] = ()
    """Sequence numbers of events that are not what was appended, or do not follow their predecessor."""
    signed: int = 0
    """Events of the whole log under its newest checkpoint: those with a smaller number are covered."""
    opened: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Personal values by commitment; empty unless they were asked for."""

    @classmethod
    def of(cls, workspace: Workspace, document_id: str, *, with_personal: bool = False) -> AuditTrail:
        """The trail as stored now, checked: each body against its stored hash, against the one before it, and, where the key ring
        is at hand, for who wrote it.

        Whether the log as a whole is what was signed of it is `audit_log.verification`'s question. `with_personal` opens
        names, addresses and devices, which the display otherwise leaves closed: a kept copy of a notebook cannot forget.
        Raises `DocumentUnknown`.
        """
        query = sa.select(audit_events).where(audit_events.c.document_id == document_id).order_by(audit_events.c.seq)
        with reading(workspace.engine) as connection:
            rows = connection.execute(query).all()
            last = signer.latest(connection, workspace.log_origin)
            opened = personal.opened(connection, document_id) if with_personal else {}
            found = tuple(events.Event(row.seq, row.document_id, row.type, row.time, row.body) for row in rows)
            key = authentication.at_hand(connection)
            forged = authentication.forged(connection, found, key) if key else None
        if not rows:
            raise DocumentUnknown(
                f"The audit log has no event of a document {document_id}; look up the id with `sealtrail list`."
            )
        stored = [bytes(row.leaf_hash) for row in rows]
        broken = set(_broken(found, stored)) | ({forged.seq} if forged else set())
        return cls(document_id, found, tuple(sorted(broken)), last.checkpoint.size if last else 0, opened)

    @property
    def in_order(self) -> bool:
        return not self.broken

    @property
    def reason(self) -> str | None:
        """What is wrong, in a sentence; None when nothing is."""
        if not self.broken:
            return None
        first = next(event for event in self.events if event.seq == self.broken[0])
        return f"Event {first.seq} ({first.type}) is not what was appended, or does not follow its predecessor."

    @property
    def uncovered(self) -> tuple[int, ...]:
        """Events that no checkpoint covers yet."""
        return tuple(event.seq for event in self.events if event.seq >= self.signed)

    def value(self, event: Event, key: str) -> Any:
        """A value of an event's data; a personal one only when it was opened and not erased, else None."""
        held = event.data.get(key)
        return self.opened.get(held["commitment"]) if isinstance(held, dict) and "commitment" in held else held

    def __repr__(self) -> str:
        first, last = self.events[0], self.events[-1]
        said = self.reason or f"{first.type} at {moment(first.time)} to {last.type} at {moment(last.time)}"
        state = "in order" if self.in_order else "NOT in order"
        return f"<AuditTrail {self.document_id}: {len(self.events)} events {state}: {said}>"

    def _repr_html_(self) -> str:
        mark = badge("in order", "good") if self.in_order else badge("not in order", "bad")
        rows = [self._row(event, before) for event, before in zip(self.events, (None, *self.events), strict=False)]
        bodies = [(event.seq, short(event.sha256), event.body.decode("utf-8", "replace")) for event in self.events]
        missing = len(self.uncovered)
        return card(
            paragraph(f"Audit trail of {self.document_id} ", mark, cls="title"),
            *((paragraph(self.reason),) if self.reason else ()),
            facts(
                {
                    "Events": len(self.events),
                    "From": self.events[0].time,
                    "To": self.events[-1].time,
                    "Under a checkpoint": "all" if not missing else f"all but {missing}",
                }
            ),
            fold("Events", table(("Event", "Time", "After", "Actor", "What", "Facts", ""), rows), opened=True),
            fold("Bodies as stored", table(("Event", "SHA-256", "Body"), bodies)),
        )

    def _row(self, event: Event, before: Event | None) -> tuple[object, ...]:
        content = _content(event)
        data = content.get("data")
        shown = [f"{key} {_brief(data[key])}" for key in _SHOWN if isinstance(data, dict) and data.get(key)]
        shown += [f"{key} {_brief(value)}" for key, value in self._personal(data)]
        after = "" if before is None else _span((event.time - before.time).total_seconds())
        mark = badge("changed", "bad") if event.seq in self.broken else ""
        return event.seq, moment(event.time), after, content.get("actor", "?"), event.type, ", ".join(shown), mark

    def _personal(self, data: object) -> list[tuple[str, Any]]:
        if not isinstance(data, dict):
            return []
        held = ((key, one["commitment"]) for key, one in data.items() if isinstance(one, dict) and "commitment" in one)
        return [(key, self.opened[commitment]) for key, commitment in held if commitment in self.opened]


def _broken(found: tuple[Event, ...], stored: list[bytes]) -> tuple[int, ...]:
    broken: list[int] = []
    previous: str | None = None
    for event, leaf in zip(found, stored, strict=True):
        content = _content(event)
        if leaf_hash(event.body) != leaf or content.get("prev") != previous or content.get("seq") != event.seq:
            broken.append(event.seq)
        previous = event.sha256
    return tuple(broken)


def _content(event: Event) -> Mapping[str, Any]:
    """The parsed body; empty for one that somebody made unreadable."""
    try:
        content = event.content
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _brief(value: object) -> str:
    words = str(value)
    return words if len(words) <= 24 else f"{words[:16]}…"


def _span(seconds: float) -> str:
    if abs(seconds) < 120:
        return f"{seconds:.1f} s"
    if abs(seconds) < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if abs(seconds) < 172_800 else f"{seconds / 86_400:.0f} d"
