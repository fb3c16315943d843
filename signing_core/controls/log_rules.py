"""What a document's history alone tells of log and registry, whatever state the document is in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from signing_core.audit_log import authentication, facts
from signing_core.audit_log.events import Event
from signing_core.audit_log.tree import leaf_hash
from signing_core.controls.finding import ControlFinding
from signing_core.controls.history import History
from signing_core.flow import State, Status

CODES: Final = frozenset({"event-changed", "registry-differs-from-log"})
"""What `check` and `reconcile` both find, in the same words."""


def findings(history: History) -> Iterator[ControlFinding]:
    yield from _events_in_order(history)
    yield from _registry_differs(history)


def _events_in_order(history: History) -> Iterator[ControlFinding]:
    unreadable = {event.seq for event in history.unreadable}
    previous: str | None = None
    for event, stored in zip(history.events, history.leaf_hashes, strict=True):
        if event.seq in unreadable or leaf_hash(event.body) != stored or not _follows(event, previous):
            message = f"Event {event.seq} ({event.type}) is not what was appended, or does not follow its predecessor."
        elif event == history.forged:
            message = authentication.said(event.seq, event.type)
        else:
            previous = event.sha256
            continue
        yield ControlFinding("event-changed", history.document_id, message, (f"event {event.seq}",))
        return  # what follows a changed event does not chain either; one finding is enough to look


def _follows(event: Event, previous: str | None) -> bool:
    content = event.content
    return content.get("prev") == previous and content.get("seq") == event.seq


def _registry_differs(history: History) -> Iterator[ControlFinding]:
    completed = history.logged("document.completed")
    if completed is None:
        return
    status, registry = history.row.status, history.row.final_sha256
    said = []
    if status != Status.COMPLETED:
        said.append(f"The registry says {status}, the event of completion {completed.seq} says completed.")
    if completed not in history.unreadable and registry != (logged := completed.data.get("sha256")):
        said.append(f"The registry names {registry}, the event of completion {logged}.")
    if said:
        evidence = (f"event {completed.seq}",)
        yield ControlFinding("registry-differs-from-log", history.document_id, " ".join(said), evidence)


def facts_differ(history: History) -> Iterator[ControlFinding]:
    """Names, contacts, and what the state says that the parties did. Nothing is concluded while an event cannot be read."""
    if history.unreadable:
        return
    try:
        state = State.from_json(history.row.state)
    except (KeyError, TypeError, ValueError, AttributeError):
        message = "The registry's state of the document cannot be read."
        yield ControlFinding("registry-differs-from-log", history.document_id, message, ())
        return
    said = facts.differences(
        history.events, history.opened, title=history.row.title, people=history.parties, state=state
    )
    if message := " ".join(said):
        evidence = tuple(f"event {event.seq}" for event in history.of("document.created"))
        yield ControlFinding("registry-differs-from-log", history.document_id, message, evidence)
