"""The four-way reconciliation: stored bytes = registry = audit event = attachment as it was mailed.

And what the certificate prints = what the events say: the page is set again from the events and compared with the page in the
file as pictures; a page of an earlier layout is held against the events fact by fact.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from signing_core.audit_log import authentication, contents, files
from signing_core.audit_log import events as audit
from signing_core.audit_log.events import Event
from signing_core.controls import log_rules
from signing_core.controls.finding import ControlFinding
from signing_core.controls.history import History, documents_there
from signing_core.delivery import mime
from signing_core.desk import certificate_facts
from signing_core.errors import (
    DocumentRefused,
    LogInconsistent,
    ObjectDamaged,
    ObjectMissing,
    SealtrailError,
    TypesettingFailed,
    UsageError,
)
from signing_core.flow import Status
from signing_core.flow.values import spoken
from signing_core.pdf import succession
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace

Printed = Literal["match", "facts-match", "mismatch", "erased", "not-checked"]
"""`facts-match`: the page was set with an earlier layout, and every fact of the log was found in its text; `erased`: personal
data was erased, so nothing is left to compare with."""

_DPI: Final = 100
_TOLERANCE: Final = 64
"""Grey levels of 255. Both pages are drawn by the same program; they differ by rounding only, a digit by far more."""


@dataclass(frozen=True)
class Reconciliation:
    """One completed document. Hashes are SHA-256 in hexadecimal; None is what could not be had."""

    document_id: str
    stored: str | None
    registry: str | None
    logged: str | None
    mailed: dict[str, str | None] = field(default_factory=dict)
    """By role of the recipient, recomputed from the message as it was sent."""
    printed: Printed = "not-checked"
    findings: tuple[ControlFinding, ...] = ()

    @property
    def in_order(self) -> bool:
        return not self.findings


def reconcile(
    workspace: Workspace, histories: Iterable[History], *, now: datetime, printed: bool = True
) -> Iterator[Reconciliation]:
    """Reconcile the completed documents among `histories`, one after the other: those that the registry or the log calls so.

    `printed` also sets each certificate again, which takes about 40 ms a document. Raises what is a fault of the run, such
    as `KeyUnavailable`: it says nothing of a document.
    """
    for history in histories:
        if history.row.status == Status.COMPLETED or history.logged("document.completed") is not None:
            yield _one(workspace, history, now, printed)


def standing(workspace: Workspace, history: History) -> list[ControlFinding]:
    """What is wrong with the file of a document that is not completed: in the store, in the registry, by the log."""
    found: list[ControlFinding] = []
    registry = _registered(history)
    data, _ = _stored(workspace, registry, history.document_id, found)
    found += _as_logged(history, registry, data, with_revisions=True)
    return found


def _registered(history: History) -> str | None:
    """The file that the registry has for a document that is not completed."""
    state = history.row.state
    sha256 = state.get("document_sha256") if isinstance(state, dict) else None
    return sha256 if isinstance(sha256, str) else None


def _as_logged(
    history: History, registry: str | None, data: bytes | None, *, with_revisions: bool
) -> Iterator[ControlFinding]:
    """The stored file against the states that the events name. That an event cannot be read is a finding of its own."""
    try:
        known = [one for one in files.of(history.events) if one.stage.step != succession.RENEWED]
    except files.ConsentElsewhere as error:
        yield _differs(history, f"The audit log {error}.", registry)
        return
    except files.Unreadable:
        return
    if not known:
        return
    last, stages = known[-1], [one.stage for one in known]
    if registry != last.sha256:
        if last.stage.step != succession.COMPLETED:  # of a completed document, `registry-differs-from-log` says so
            yield _differs(
                history, f"The registry names {registry}, event {last.event.seq} names {last.sha256}.", registry
            )
        return
    if data is None:
        return
    wrong = succession.not_a_prefix(data, stages)
    if wrong is not None:
        yield _differs(history, f"The object {registry} {wrong}.", registry)
    elif with_revisions and (wrong := succession.other_revisions(data, stages)) is not None:
        message = f"The object {registry} {wrong}."
        yield ControlFinding("revisions-beyond-steps", history.document_id, message, (f"object {registry}",))


def _differs(history: History, message: str, registry: str | None) -> ControlFinding:
    return ControlFinding("file-differs-from-log", history.document_id, message, (f"object {registry}",))


def reconcile_without_row(workspace: Workspace, document_ids: Sequence[str]) -> Iterator[Reconciliation]:
    """Of documents that were completed, those that the registry does not know any more: what the log says of each."""
    with reading(workspace.engine) as connection:
        known = documents_there(connection, document_ids)
        gone = [one for one in document_ids if one not in known]
        logs = {one: audit.of_document(connection, one) for one in gone}
        key = authentication.at_hand(connection)
        forged = {one: authentication.forged(connection, log, key) for one, log in logs.items()} if key else {}
    for document_id, log in logs.items():
        yield _rowless(workspace, document_id, log, forged.get(document_id))


def _rowless(workspace: Workspace, document_id: str, log: Sequence[Event], forged: Event | None) -> Reconciliation:
    completed = next((event for event in log if event.type == "document.completed"), None)
    evidence: tuple[str, ...] = ()
    if completed is not None:
        message = f"The registry has no such document, the event of completion {completed.seq} says completed."
        evidence = (f"event {completed.seq}",)
    elif log:
        message = f"The registry has no such document, the audit log has {len(log)} events of it and no completion."
        evidence = (f"event {log[-1].seq}",)
    else:
        message = "Neither registry nor audit log knows the document, and other records name it."
    found = [ControlFinding("registry-differs-from-log", document_id, message, evidence)]
    logged = stored = None
    changed = next((event for event in log if contents.problem(event) is not None), None)
    if changed is not None:
        text = f"Event {changed.seq} ({changed.type}) is not what was appended, or does not follow its predecessor."
        found.append(ControlFinding("event-changed", document_id, text, (f"event {changed.seq}",)))
    elif forged is not None:
        text = authentication.said(forged.seq, forged.type)
        found.append(ControlFinding("event-changed", document_id, text, (f"event {forged.seq}",)))
    if completed is not None and contents.problem(completed) is None:
        logged = completed.data.get("sha256")
        _, stored = _stored(workspace, logged, document_id, found)
    return Reconciliation(document_id, stored, None, logged, findings=tuple(found))


def _one(workspace: Workspace, history: History, now: datetime, with_page: bool) -> Reconciliation:
    document_id, registry = history.document_id, history.row.final_sha256
    found = [*log_rules.findings(history), *log_rules.facts_differ(history)]
    completed = next(iter(history.of("document.completed")), None)
    logged: str | None = completed.data.get("sha256") if completed else None
    data, stored = _stored(workspace, registry, document_id, found)
    found += _as_logged(history, registry, data, with_revisions=with_page)
    found += _renewed(workspace, history, data)
    mailed = dict(_mailed(workspace, history, logged or registry, now, found))
    page: Printed = "not-checked"
    if with_page and data is not None and completed is not None and _told(history, completed):
        page = _printed(workspace, history, data, completed)
        if page == "mismatch":
            message = "The certificate set again from the audit log is not the one in the file."
            found.append(ControlFinding("certificate-differs-from-log", document_id, message, (f"object {registry}",)))
        elif page == "not-checked":
            message = "The certificate could not be set again to compare it with the one in the file."
            found.append(ControlFinding("certificate-not-compared", document_id, message, (f"object {registry}",)))
    return Reconciliation(document_id, stored, registry, logged, mailed, page, tuple(found))


def _told(history: History, completed: Event) -> bool:
    """Whether all events that the certificate states can be read; `event-changed` says which cannot."""
    return all(event.seq > completed.seq for event in history.unreadable)


def _stored(
    workspace: Workspace, registry: str | None, document_id: str, found: list[ControlFinding]
) -> tuple[bytes | None, str | None]:
    if registry is None:
        return None, None
    try:
        data = workspace.objects.get(registry)
    except (ObjectMissing, ValueError):  # a name that no object can have is not there either
        message = f"The object {registry} is not in the store."
        found.append(ControlFinding("stored-file-missing", document_id, message, (f"object {registry}",)))
        return None, None
    except ObjectDamaged:
        try:
            actual = hashlib.sha256(workspace.objects.path(registry).read_bytes()).hexdigest()
        except (OSError, ObjectMissing) as error:  # a disk that fails, rights that are wrong, a folder in its place
            why = error.strerror if isinstance(error, OSError) else "it is no file"
            message = f"The object {registry} cannot be read: {why}."
            found.append(ControlFinding("stored-file-missing", document_id, message, (f"object {registry}",)))
            return None, None
        message = f"The object {registry} now hashes to {actual}."
        found.append(ControlFinding("stored-file-changed", document_id, message, (f"object {registry}",)))
        return None, actual
    return data, registry


def _renewed(workspace: Workspace, history: History, completed: bytes | None) -> Iterator[ControlFinding]:
    """Files with renewed archive time-stamps: each is that of its event, the newest is there and begins with the completed one."""
    logged = tuple(str(event.data.get("sha256")) for event in history.of("document.renewed"))
    if not history.renewed and not logged:
        return
    problem = None
    if history.renewed != logged:
        problem = f"The registry names {len(history.renewed)} renewed files, the events {len(logged)}, and they differ."
    else:
        try:
            newest = workspace.objects.get(logged[-1])
        except (ObjectMissing, ObjectDamaged, ValueError):
            problem = f"The object {logged[-1]} is gone or has changed."
        else:
            if completed is not None and not newest.startswith(completed):
                problem = f"The object {logged[-1]} does not begin with the completed file."
            elif (wrong := _beyond_its_steps(history, newest)) is not None:
                problem = f"The object {logged[-1]} {wrong}."
    if problem:
        evidence = tuple(f"object {sha256}" for sha256 in (history.renewed or logged)[-1:])
        yield ControlFinding("renewed-file-differs", history.document_id, problem, evidence)


def _beyond_its_steps(history: History, newest: bytes) -> str | None:
    try:
        stages = [one.stage for one in files.of(history.events)]
    except files.Unreadable:
        return None  # a finding of its own
    return succession.not_a_prefix(newest, stages) or succession.other_revisions(newest, stages)


def _mailed(
    workspace: Workspace, history: History, expected: str | None, now: datetime, found: list[ControlFinding]
) -> Iterator[tuple[str, str | None]]:
    """What each completion message as sent really carries."""
    keep = timedelta(days=workspace.settings.limits.sent_messages_days)
    for message in history.messages:
        if message.kind != "completed" or message.state != "delivered" or message.sent_sha256 is None:
            continue
        try:
            attached = mime.attachment_sha256(workspace.objects.get(message.sent_sha256))
        except (SealtrailError, ValueError):
            yield message.role, None
            if message.delivered_at is not None and now - message.delivered_at < keep:
                text = f"The message to the {spoken(message.role)} as it was sent is not in the store."
                evidence = (f"message {message.id}", f"object {message.sent_sha256}")
                found.append(ControlFinding("mailed-message-missing", history.document_id, text, evidence))
            continue
        yield message.role, attached
        if attached != expected:
            text = f"The message to the {spoken(message.role)} carries {attached or 'no file'}, not {expected}."
            found.append(ControlFinding("mailed-file-differs", history.document_id, text, (f"message {message.id}",)))


def _printed(workspace: Workspace, history: History, final: bytes, completed: Event) -> Printed:
    import numpy

    from signing_core.certificate import layout, page
    from signing_core.pdf import render, same_page
    from signing_core.pdf.names import SEAL_FIELD

    if any(value is None for value in _names(history)):
        return "erased"
    try:
        with reading(workspace.engine) as connection:
            data, url = certificate_facts.as_issued(workspace, connection, history.document_id, completed)
        if completed.data.get("layout") != layout.identifier():
            shown = render.text(final, _last_page(final), fields=True)
            return "mismatch" if layout.not_printed(shown, data, url) else "facts-match"
        typeset = page.typeset(data, url, history.row.language)
        if same_page.shows_only(final, SEAL_FIELD, typeset):
            return "match"
        again = render.render(typeset, 1, dpi=_DPI).convert("L")
        stands = render.render(final, _last_page(final), dpi=_DPI).convert("L")
    except (LogInconsistent, UsageError, DocumentRefused):
        return (
            "mismatch"  # the log does not tell what was printed, or no QR code; or the file is no PDF that can be read
        )
    except TypesettingFailed:
        return "not-checked"
    if again.size != stands.size:
        return "mismatch"
    difference = numpy.abs(numpy.asarray(again, dtype=numpy.int16) - numpy.asarray(stands, dtype=numpy.int16))
    return "mismatch" if int(difference.max()) > _TOLERANCE else "match"


def _last_page(final: bytes) -> int:
    from signing_core.pdf import render

    count = render.page_count(final)
    if count == 0:
        raise DocumentRefused("The stored PDF has no pages; compare it with a backup.", code="no-pages")
    return count


def _names(history: History) -> list[Any]:
    created = next(iter(history.of("document.created")), None)
    if created is None:
        return [None]
    return [history.value(created, key) for key in ("title", "first_party_name", "client_name")]
