"""From what happened to who is told: each event's message is put into the outbox in the event's own transaction.

Messages that no longer say the truth (a voided code, a replaced link) are cancelled in the same way, if they have not been
handed over yet.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from signing_core.audit_log import events as audit
from signing_core.delivery import outbox, tokens
from signing_core.delivery.channels import choice
from signing_core.delivery.messages import compose
from signing_core.delivery.mime import Companion
from signing_core.desk import certificate_facts, logged_file, proof_files, records
from signing_core.desk.views import file_name
from signing_core.flow import Role
from signing_core.flow.commands import Event, EventType
from signing_core.pdf import succession
from signing_core.storage.schema import links
from signing_core.storage.workspace import Workspace

if TYPE_CHECKING:
    from signing_core.desk.steps import Taken

_ENDINGS = {EventType.DECLINED: "declined", EventType.VOIDED: "voided", EventType.EXPIRED: "expired"}


def follow(
    workspace: Workspace,
    connection: sa.Connection,
    row: sa.Row[Any],
    taken: Taken,
    link_token: str | None,
    code_digits: str | None,
    now: datetime,
    reason: str = "",
) -> None:
    """Put into the outbox what the step's events call for, and cancel what they made untrue."""
    people = records.parties(connection, row.id)
    for event in taken.events:
        role = str(event.role) if event.role else ""
        match event.type:
            case EventType.LINK_ENDED:
                outbox.cancel(connection, document_id=row.id, role=role, kinds=("link", "reminder"))
            case EventType.CODE_VOIDED:
                outbox.cancel(connection, document_id=row.id, role=role, kinds=("code",))
            case EventType.LINK_ISSUED if link_token is not None:
                _send_link(workspace, connection, row, people[role], taken, event, link_token, now)
            case EventType.CODE_ISSUED if code_digits is not None:
                _send(
                    workspace,
                    connection,
                    row,
                    people[role],
                    "code",
                    now,
                    code=code_digits,
                    expires_at=datetime.fromisoformat(str(event.data["expires_at"])),
                )
            case EventType.DECLINED | EventType.VOIDED | EventType.EXPIRED:
                _tell_the_end(workspace, connection, row, people, event, now, reason)
            case EventType.COMPLETED:
                _send_completed(workspace, connection, row, people, taken, now)


def _send_link(
    workspace: Workspace,
    connection: sa.Connection,
    row: sa.Row[Any],
    person: sa.Row[Any],
    taken: Taken,
    event: Event,
    token: str,
    now: datetime,
) -> None:
    link = taken.state.party(Role(person.role)).link
    if link is None:
        return
    kind = "reminder" if event.data["because"] == "reminder" else "link"
    url = f"{workspace.settings.base_url}/s/{token}"
    _send(workspace, connection, row, person, kind, now, link=url, expires_at=link.expires_at)


def _tell_the_end(
    workspace: Workspace,
    connection: sa.Connection,
    row: sa.Row[Any],
    people: dict[str, sa.Row[Any]],
    event: Event,
    now: datetime,
    reason: str,
) -> None:
    """The author, and every party that had already been sent a link, except the one who did it."""
    reached = set(connection.execute(sa.select(links.c.role).where(links.c.document_id == row.id)).scalars())
    told = {"author", *reached} - {str(event.role)}
    if event.type is EventType.VOIDED:
        told.discard("author")
    declined_by = people[str(event.role)].name if event.role else ""
    for role in sorted(told):
        _send(
            workspace,
            connection,
            row,
            people[role],
            _ENDINGS[event.type],
            now,
            reason=reason,
            declined_by=declined_by,
            author=people["author"].name,
        )


def tell_former_contact(
    workspace: Workspace, connection: sa.Connection, document_id: str, role: Role, now: datetime
) -> None:
    """Before a contact is replaced: whoever had been sent a link there learns that it no longer works."""
    reached = (
        sa.select(links.c.token_hash).where(links.c.document_id == document_id, links.c.role == str(role)).limit(1)
    )
    person = records.parties(connection, document_id).get(role)
    if person is not None and connection.execute(reached).first() is not None:
        _send(workspace, connection, records.load(connection, document_id), person, "contact-replaced", now)


def _send_completed(
    workspace: Workspace,
    connection: sa.Connection,
    row: sa.Row[Any],
    people: dict[str, sa.Row[Any]],
    taken: Taken,
    now: datetime,
) -> None:
    """The finished PDF to everybody: attached, or as a download link where there is no address or the file is too large."""
    settings = workspace.settings
    completed = next(event for event in taken.events if event.type is EventType.COMPLETED)
    sha256, length = str(completed.data["sha256"]), int(str(completed.data["length"]))
    attachable = length <= settings.limits.attachment_bytes
    facts: dict[str, Any] = {
        "completed_at": now,
        "file_sha256": sha256,
        "author": people["author"].name,
        "verify_url": f"{settings.base_url}/verify",
    }
    for role in ("author", str(Role.FIRST_PARTY), str(Role.CLIENT)):
        person = people[role]
        email = person.contact if person.channel == "email" else person.copy_email
        if email is not None and attachable:
            name = file_name(row.title, row.id)
            _send(
                workspace,
                connection,
                row,
                person,
                "completed",
                now,
                recipient=email,
                attachment=(sha256, name),
                attachment_name=name,
                **facts,
            )
            continue
        token, token_hash = tokens.new_token()
        expires_at = now + timedelta(days=settings.limits.download_days)
        records.add_link(connection, row.id, role, "download", token_hash, now, expires_at)
        _send(
            workspace,
            connection,
            row,
            person,
            "download",
            now,
            recipient=email or person.contact,
            link=f"{settings.base_url}/d/{token}",
            expires_at=expires_at,
            copy="too-large" if not attachable else "no-email",
            **facts,
        )


def _send(
    workspace: Workspace,
    connection: sa.Connection,
    row: sa.Row[Any],
    person: sa.Row[Any],
    kind: Any,
    now: datetime,
    *,
    recipient: str | None = None,
    attachment: tuple[str, str] | None = None,
    **facts: Any,
) -> None:
    recipient = recipient or person.contact
    content = compose(
        kind,
        person.language,
        organisation=workspace.settings.organisation,
        title=row.title,
        document_id=row.id,
        recipient_name=person.name,
        zone=workspace.zone,
        **facts,
    )
    outbox.enqueue(
        connection,
        workspace.keys().server_key,
        domain=choice.sender_of(workspace.settings).domain,
        document_id=row.id,
        role=person.role,
        channel="email" if "@" in recipient else "sms",
        recipient=recipient,
        recipient_name=person.name,
        content=content,
        attachment_sha256=attachment[0] if attachment else None,
        attachment_name=attachment[1] if attachment else None,
        now=now,
    )


def deliver(workspace: Workspace, *, document_id: str | None = None) -> list[outbox.Outcome]:
    """Hand over what is due (of one document, or of all); each outcome is an audit event, written with its state."""
    return outbox.deliver_due(
        workspace.engine,
        choice.channels_of(workspace),
        workspace.objects,
        workspace.keys().server_key,
        workspace.clock,
        document_id=document_id,
        on_outcome=_record,
        companions_of=lambda row: _companions(workspace, row),
    )


def _companions(workspace: Workspace, row: sa.Row[Any]) -> list[Companion]:
    """With every finished PDF: the certificate in words, for those who cannot see its page, and the proof.

    Raises `FileNotAsLogged` when what is attached is not the completed file.
    """
    if row.kind != "completed" or row.document_id is None:
        return []
    logged_file.standing(workspace, row.document_id, row.attachment_sha256, step=succession.COMPLETED)
    proof = proof_files.proof_of(workspace, row.document_id)
    return [
        Companion(f"{row.document_id}.txt", certificate_facts.in_words(workspace, row.document_id)),
        Companion(proof_files.file_name(row.document_id), proof, verbatim=True),
    ]


def _record(connection: sa.Connection, _before: sa.Row[Any], outcome: outbox.Outcome) -> None:
    audit.append(
        connection,
        type=f"message.{outcome.state}",
        time=outcome.at,
        document_id=outcome.document_id,
        actor="system",
        data={
            "message": outcome.outbox_id,
            "message_id": outcome.message_id,
            "kind": outcome.kind,
            "role": outcome.role,
            "channel": outcome.channel,
            "via": outcome.via,
            "try": outcome.attempts,
            "because": outcome.error,
            "sent_sha256": outcome.sent_sha256,
            "attachment_sha256": outcome.attachment_sha256,
        },
    )
