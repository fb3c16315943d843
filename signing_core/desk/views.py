"""What can be shown of a document without deciding anything. Contacts are masked here, once for every reader."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from signing_core.audit_log import events as audit
from signing_core.audit_log import personal
from signing_core.delivery import contacts
from signing_core.desk import records
from signing_core.flow import Role, State, Status
from signing_core.flow.values import Party
from signing_core.storage.database import reading
from signing_core.storage.schema import documents, outbox
from signing_core.storage.workspace import Workspace

if TYPE_CHECKING:
    from signing_core.pdf.conversion import MadeFrom

_NEXT = {
    Status.DRAFT: "The author sends it.",
    Status.AWAITING_FIRST_PARTY: "The first party opens its link and signs.",
    Status.AWAITING_CLIENT: "The client opens its link and signs.",
    Status.SIGNING: "A consent waits for its time-stamped signature; background work makes it.",
    Status.SEALING: "Both have signed; background work seals the document.",
    Status.COMPLETED: "Nothing; the document is complete.",
    Status.DECLINED: "Nothing; a party declined.",
    Status.EXPIRED: "Nothing; its time is over.",
    Status.VOIDED: "Nothing; the author withdrew it.",
}


def when(time: datetime | None) -> str | None:
    """RFC 3339 in UTC to the second, or None."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None


def status(workspace: Workspace, document_id: str) -> dict[str, Any]:
    """Everything that is known of a document, as JSON values. Raises `DocumentUnknown`."""
    with reading(workspace.engine) as connection:
        row = records.load(connection, document_id)
        people = records.parties(connection, document_id)
        stored = records.files(connection, document_id)
        origin = made_from(connection, document_id)
        sent = connection.execute(
            sa.select(outbox).where(outbox.c.document_id == document_id).order_by(outbox.c.id)
        ).all()
    state = State.from_json(row.state)
    return {
        "document_id": row.id,
        "title": row.title,
        "status": row.status,
        "next": _NEXT[Status(row.status)],
        "language": row.language,
        "pages": row.pages,
        "made_from": asdict(origin) if origin else None,
        "changed_in_preparing": told(row, origin),
        "embedded_files": row.embedded,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
        "expires_at": when(row.expires_at),
        "completed_at": when(row.completed_at),
        "author": people["author"].name,
        "parties": {str(role): _party(state.party(role), people[role]) for role in Role},
        "files": {step: {"sha256": file.sha256, "length": file.length} for step, file in stored.items()},
        "certificate_id": row.certificate_id,
        "signed_prefix": {"sha256": row.prefix_sha256, "length": row.prefix_length} if row.prefix_sha256 else None,
        "final": {"sha256": row.final_sha256, "length": row.final_length} if row.final_sha256 else None,
        "supersedes": row.supersedes,
        "messages": [
            {
                "kind": message.kind,
                "role": message.role,
                "channel": message.channel,
                "state": message.state,
                "attempts": message.attempts,
                "delivered_at": when(message.delivered_at),
                "last_error": message.last_error,
            }
            for message in sent
        ],
    }


def made_from(connection: sa.Connection, document_id: str) -> MadeFrom | None:
    """What the document was given as, when that was no PDF: by the log. Names that were erased are None."""
    from signing_core.pdf.conversion import MadeFrom

    recorded = audit.of_document(connection, document_id)
    created = next((event.data for event in recorded if event.type == "document.created"), {})
    if not created.get("made_from"):
        return None
    beside = personal.reveal(created.get("file_names"), personal.opened(connection, document_id))
    return MadeFrom.from_json(created["made_from"], beside)


def told(row: sa.Row[Any], origin: MadeFrom | None) -> list[dict[str, str]]:
    """What converting and preparing a document changed: code, and what it says in English and German."""
    from signing_core.pdf.preparation_notes import sentence

    notes = [{"code": code, "en": sentence(code, "en"), "de": sentence(code, "de")} for code in row.told]
    if origin:
        notes.insert(0, {"code": origin.code, "en": origin.sentence("en"), "de": origin.sentence("de")})
    return notes


def _party(party: Party, person: sa.Row[Any]) -> dict[str, Any]:
    return {
        "name": person.name,
        "organisation": person.organisation,
        "contact": contacts.mask(person.contact),
        "channel": person.channel,
        "opened_at": when(party.opened_at),
        "code_confirmed_at": when(party.confirmation.at) if party.confirmation else None,
        "consented_at": when(party.consent.at) if party.consent else None,
        "signed_at": when(party.signed.at) if party.signed else None,
        "link_expires_at": when(party.link.expires_at) if party.link else None,
        "locked_until": when(party.locked_until),
        "reminders": party.reminders,
    }


def listing(workspace: Workspace, status: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """The latest documents, newest first."""
    query = sa.select(documents).order_by(documents.c.id.desc()).limit(limit)
    if status:
        query = query.where(documents.c.status == status)
    with reading(workspace.engine) as connection:
        rows = connection.execute(query).all()
    return [
        {
            "document_id": row.id,
            "title": row.title,
            "status": row.status,
            "created_at": when(row.created_at),
            "updated_at": when(row.updated_at),
        }
        for row in rows
    ]


def history(workspace: Workspace, document_id: str) -> list[dict[str, Any]]:
    """The document's events, oldest first, as they stand in the log; what is kept beside it under `personal`."""
    with reading(workspace.engine) as connection:
        records.load(connection, document_id)
        recorded = audit.of_document(connection, document_id)
        opened = personal.opened(connection, document_id)
    shown = []
    for event in recorded:
        content = event.content
        beside = {}
        for key, value in content["data"].items():
            if isinstance(value, dict) and set(value) == {"commitment"} and value["commitment"] in opened:
                beside[key] = _masked(key, opened[value["commitment"]])
        shown.append({**content, "sha256": event.sha256, "personal": beside})
    return json.loads(json.dumps(shown))  # type: ignore[no-any-return]


def _masked(key: str, value: Any) -> Any:
    return contacts.mask(value) if key.endswith(("contact", "email")) and isinstance(value, str) else value


def file_name(title: str, document_id: str) -> str:
    """A file name that every system takes: the title's letters and digits, then the document id."""
    plain = re.sub(r"[^\w]+", "-", title).strip("-_")[:60].strip("-_")
    return f"{plain or 'document'}-{document_id}.pdf"
