"""What the authenticity certificate states, gathered from the document's audit events and nothing else.

The certificate is a reading of the log: what is not in an event is not on the page ("not recorded"), and a later check can
hold one against the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from signing_core.audit_log import contents, personal
from signing_core.audit_log import events as audit
from signing_core.certificate import layout
from signing_core.certificate.facts import AuthorityFacts, CertificateData, CodeEvent, PartyFacts, Picture
from signing_core.delivery import contacts
from signing_core.desk import records
from signing_core.errors import LogInconsistent
from signing_core.flow import Role, State
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace


def gather(
    workspace: Workspace,
    connection: sa.Connection,
    state: State,
    issued_at: datetime,
    *,
    seal_certificate_sha256: str,
    qr_key_id: str,
    time_stamps: AuthorityFacts,
    before: int | None = None,
) -> CertificateData:
    """The certificate's data for a document whose parties have both signed, from its events (those before `before`).

    Raises `LogInconsistent`.
    """
    row = records.load(connection, state.document_id)
    log = [e for e in audit.of_document(connection, state.document_id) if before is None or e.seq < before]
    _readable(log, state.document_id)
    opened = personal.opened(connection, state.document_id)
    signing = client_signing_event(log, state.document_id)
    if signing.data.get("sha256") is None or signing.data.get("length") is None:
        raise LogInconsistent(
            f"Event {signing.seq} of document {state.document_id} does not name the file that the client signed; "
            "run `sealtrail audit verify` before anything else."
        )
    created = _first(log, "document.created")
    return CertificateData(
        certificate_id=row.certificate_id,
        document_id=state.document_id,
        title=row.title,
        pages=row.pages - 1,
        paper=(row.fields["seal"]["width_pt"], row.fields["seal"]["height_pt"]),
        organisation=workspace.settings.organisation,
        host=workspace.settings.host,
        issued_at=issued_at,
        signed_sha256=signing.data["sha256"],
        signed_length=signing.data["length"],
        parties=tuple(_party(workspace, connection, state, role, log, opened) for role in Role),
        time_stamps=time_stamps,
        seal_certificate_sha256=seal_certificate_sha256,
        qr_key_id=qr_key_id,
        created_at=created.time if created else None,
        author=_opened(created, "author_name", opened),
        file_names=_names(created, opened),
        embedded_files=_embedded(created),
        log_sequence=signing.seq,
        zone=workspace.zone,
    )


def circumstances(data: CertificateData, qr_text: str) -> dict[str, Any]:
    """What the event of completion keeps of the certificate, so that it can be set again when settings or keys are others."""
    return {
        "certificate_id": data.certificate_id,
        "issued_at": audit.time_text(data.issued_at),
        "organisation": data.organisation,
        "host": data.host,
        "time_zone": str(data.zone),
        "layout": layout.identifier(),
        "qr_text": qr_text,
        "qr_key_id": data.qr_key_id,
        "seal_x509_sha256": data.seal_certificate_sha256,
        "time_authority": data.time_stamps.name if data.time_stamps else None,
        "time_authority_embedded": data.time_stamps.embedded if data.time_stamps else None,
    }


_KEPT: Final = (
    "certificate_id",
    "issued_at",
    "organisation",
    "host",
    "time_zone",
    "qr_text",
    "qr_key_id",
    "seal_x509_sha256",
    "time_authority",
    "time_authority_embedded",
)
"""Of `circumstances`, what no page can be without."""


def as_issued(
    workspace: Workspace, connection: sa.Connection, document_id: str, completed: audit.Event
) -> tuple[CertificateData, str]:
    """The data of a certificate that was issued, from the events before `completed`, and the text of its QR code.

    Raises `LogInconsistent` when the event lacks what it should keep.
    """
    _readable([completed], document_id)
    kept = completed.data
    try:
        if any(kept[key] is None for key in _KEPT):
            raise ValueError("a value is null")
        data = gather(
            workspace,
            connection,
            State.from_json(records.load(connection, document_id).state),
            datetime.fromisoformat(kept["issued_at"]),
            seal_certificate_sha256=kept["seal_x509_sha256"],
            qr_key_id=kept["qr_key_id"],
            time_stamps=AuthorityFacts(kept["time_authority"], kept["time_authority_embedded"]),
            before=completed.seq,
        )
        return (
            replace(
                data,
                certificate_id=kept["certificate_id"],
                organisation=kept["organisation"],
                host=kept["host"],
                zone=ZoneInfo(kept["time_zone"]),
            ),
            str(kept["qr_text"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise LogInconsistent(
            f"The event of completion of document {document_id} does not say what its certificate was made from; "
            "compare it with a backup."
        ) from error


def in_words(workspace: Workspace, document_id: str) -> str:
    """The certificate of a completed document as plain text, in the document's language, with the text of its QR code.

    Raises `LogInconsistent`.
    """
    from signing_core.certificate import page

    with reading(workspace.engine) as connection:
        log = audit.of_document(connection, document_id)
        completed = _last(log, "document.completed")
        if completed is None:
            raise LogInconsistent(
                f"The audit log has no completion of document {document_id}; run `sealtrail audit verify`."
            )
        data, qr_text = as_issued(workspace, connection, document_id, completed)
        language = records.load(connection, document_id).language
    return f"{page.summary(data, language)}\n\n{qr_text}\n"


def _readable(log: Sequence[audit.Event], document_id: str) -> None:
    for event in log:
        problem = contents.problem(event)
        if problem is not None:
            raise LogInconsistent(
                f"Event {event.seq} of document {document_id} {problem}; run `sealtrail audit verify` before anything else."
            )


def client_signing_event(log: Sequence[audit.Event], document_id: str) -> audit.Event:
    """The event of the client's signature: the QR code names its sequence number. Raises `LogInconsistent`."""
    for event in log:
        if event.type == "signature.made" and event.data.get("role") == Role.CLIENT:
            return event
    raise LogInconsistent(
        f"Document {document_id} counts as signed by the client, but the audit log has no such event; "
        "run `sealtrail audit verify` before anything else."
    )


def _party(
    workspace: Workspace,
    connection: sa.Connection,
    state: State,
    role: Role,
    log: Sequence[audit.Event],
    opened: dict[str, Any],
) -> PartyFacts:
    person = records.parties(connection, state.document_id)[role]
    given = records.marks_of(connection, state.document_id, role)
    mine = [event for event in log if event.data.get("role") == role]
    consent = _last(mine, "consent.given")
    signature = _last(mine, "signature.made")
    link_opened = _first(mine, "link.opened")
    return PartyFacts(
        role=_literal(role),
        name=person.name,
        organisation=person.organisation,
        contact=contacts.mask(person.contact),
        channel=person.channel,
        link_sent_at=_delivered_at(mine, ("link", "reminder")),
        link_opened_at=link_opened.time if link_opened else None,
        link_openings=sum(event.type == "link.opened" for event in mine),
        codes=_codes(mine),
        consented_at=consent.time if consent else None,
        agreed=_agreed(consent),
        copy_to=_copy_to(role, log, consent, opened),
        time_stamped_at=_time(signature, "time_stamped_at"),
        mark_kind=given["signature"].kind if "signature" in given else None,
        mark=_picture(given.get("signature")),
        stamp=_picture(given.get("stamp")),
        ip_address=_opened(consent, "ip", opened),
        device=_opened(consent, "device", opened),
        x509_certificate_sha256=signature.data.get("x509_sha256") if signature else None,
    )


def _codes(mine: Sequence[audit.Event]) -> tuple[CodeEvent, ...]:
    """What happened to each code. A code counts as sent when its message was handed over, not when it was made."""
    found: list[CodeEvent] = []
    number = 0
    for event in mine:
        match event.type:
            case "code.issued":
                number += 1
            case "message.delivered" if event.data.get("kind") == "code":
                found.append(CodeEvent("sent", number, event.time))
            case "message.failed" if event.data.get("kind") == "code":
                found.append(CodeEvent("undelivered", number, event.time))
            case "code.wrong":
                found.append(CodeEvent("failed", number, event.time))
            case "code.confirmed":
                found.append(CodeEvent("confirmed", number, event.time))
            case "step.locked":
                found.append(CodeEvent("locked", number, event.time))
            case "step.refused" if event.data.get("because") == "code-expired":
                found.append(CodeEvent("expired", number, event.time))
    return tuple(found)


def _delivered_at(mine: Sequence[audit.Event], kinds: tuple[str, ...]) -> datetime | None:
    sent = [e for e in mine if e.type == "message.delivered" and e.data.get("kind") in kinds]
    return sent[-1].time if sent else None


def _first(events: Sequence[audit.Event], type: str) -> audit.Event | None:
    return next((event for event in events if event.type == type), None)


def _last(events: Sequence[audit.Event], type: str) -> audit.Event | None:
    return next((event for event in reversed(events) if event.type == type), None)


def _time(event: audit.Event | None, key: str) -> datetime | None:
    text = event.data.get(key) if event else None
    return datetime.fromisoformat(text) if text else None


def _opened(event: audit.Event | None, key: str, opened: dict[str, Any]) -> str | None:
    value = event.data.get(key) if event else None
    found = opened.get(value["commitment"]) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _names(created: audit.Event | None, opened: dict[str, Any]) -> tuple[str, ...]:
    value = created.data.get("file_names") if created else None
    names = opened.get(value["commitment"]) if isinstance(value, dict) else None
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _embedded(created: audit.Event | None) -> int:
    files = created.data.get("embedded_files") if created else None
    return len(files) if isinstance(files, list) else 0


def _agreed(consent: audit.Event | None) -> str | None:
    text = consent.data.get("agreed") if consent else None
    return hashlib.sha256(text.encode()).hexdigest()[:8] if isinstance(text, str) else None


def _copy_to(role: Role, log: Sequence[audit.Event], consent: audit.Event | None, opened: dict[str, Any]) -> str | None:
    """The address that the party gave with its consent, else the one that the author gave."""
    key = f"{role.replace('-', '_')}_copy_email"
    address = _opened(consent, "copy_email", opened) or _opened(_first(log, "document.created"), key, opened)
    return contacts.mask(address) if address else None


def _picture(row: sa.Row[Any] | None) -> Picture | None:
    return Picture(row.media_type, row.data) if row is not None else None


def _literal(role: Role) -> Literal["first-party", "client"]:
    return "first-party" if role is Role.FIRST_PARTY else "client"
