"""Which tables there are, their columns, and the query behind each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from signing_core.errors import UsageError
from signing_core.frames.types import Kind
from signing_core.storage import schema


@dataclass(frozen=True)
class Table:
    columns: Mapping[str, tuple[Kind, sa.ColumnElement[Any]]]
    time: str
    """The column that `since` and `until` are about."""
    order: tuple[sa.ColumnElement[Any], ...]
    source: sa.FromClause
    hidden: frozenset[str] = frozenset()
    """Columns that come only when they are named: large ones, and personal data."""

    def chosen(self, names: tuple[str, ...] | None) -> dict[str, tuple[Kind, sa.ColumnElement[Any]]]:
        """The named columns in their order; without names, all that are not hidden. Raises `UsageError`."""
        if names is None:
            return {name: column for name, column in self.columns.items() if name not in self.hidden}
        unknown = sorted(set(names) - set(self.columns))
        if unknown:
            raise UsageError(f"There is no column {unknown[0]} here; the columns are {', '.join(self.columns)}.")
        return {name: self.columns[name] for name in names}


_documents, _parties, _events = schema.documents.c, schema.document_parties.c, schema.audit_events.c
_outbox, _findings, _checkpoints = schema.outbox.c, schema.findings.c, schema.checkpoints.c
_anchors, _files = schema.anchors.c, schema.document_files.c
_OUTSIDE: Final = ("time-stamp", "witness")


def _anchored(*kinds: str) -> sa.ColumnElement[Any]:
    same = (_anchors.origin == _checkpoints.origin, _anchors.size == _checkpoints.size)
    query = sa.select(sa.func.count()).where(*same, _anchors.kind.in_(kinds))
    return query.correlate(schema.checkpoints).scalar_subquery()


TABLES: Final[dict[str, Table]] = {
    "documents": Table(
        {
            "document_id": ("text", _documents.id),
            "title": ("text", _documents.title),
            "status": ("word", _documents.status),
            "language": ("word", _documents.language),
            "created_at": ("time", _documents.created_at),
            "updated_at": ("time", _documents.updated_at),
            "expires_at": ("time", _documents.expires_at),
            "completed_at": ("time", _documents.completed_at),
            "pages": ("number", _documents.pages),
            "certificate_id": ("text", _documents.certificate_id),
            "prefix_sha256": ("hash", _documents.prefix_sha256),
            "prefix_length": ("number", _documents.prefix_length),
            "final_sha256": ("hash", _documents.final_sha256),
            "final_length": ("number", _documents.final_length),
            "template_id": ("text", _documents.template_id),
            "supersedes": ("text", _documents.supersedes),
            "author": ("text", _documents.author),
        },
        "created_at",
        (_documents.id,),
        schema.documents,
        frozenset({"author"}),
    ),
    "parties": Table(
        {
            "document_id": ("text", _parties.document_id),
            "role": ("word", _parties.role),
            "party_id": ("text", _parties.party_id),
            "channel": ("word", _parties.channel),
            "language": ("word", _parties.language),
            "pseudonym": ("text", _parties.pseudonym),
            "document_created_at": ("time", _documents.created_at),
            "name": ("text", _parties.name),
            "organisation": ("text", _parties.organisation),
            "contact": ("text", _parties.contact),
            "copy_email": ("text", _parties.copy_email),
        },
        "document_created_at",
        (_parties.document_id, _parties.role),
        schema.document_parties.join(schema.documents, _documents.id == _parties.document_id),
        frozenset({"name", "organisation", "contact", "copy_email"}),
    ),
    "files": Table(
        {
            "document_id": ("text", _files.document_id),
            "step": ("word", _files.step),
            "sha256": ("hash", _files.sha256),
            "length": ("number", _files.length),
            "created_at": ("time", _files.created_at),
        },
        "created_at",
        (_files.document_id, _files.created_at, _files.step),
        schema.document_files,
    ),
    "events": Table(
        {
            "seq": ("number", _events.seq),
            "document_id": ("text", _events.document_id),
            "type": ("word", _events.type),
            "time": ("time", _events.time),
            "leaf_hash": ("hash", _events.leaf_hash),
            "body": ("json", _events.body),
        },
        "time",
        (_events.seq,),
        schema.audit_events,
        frozenset({"body"}),
    ),
    "messages": Table(
        {
            "message": ("text", _outbox.id),
            "document_id": ("text", _outbox.document_id),
            "role": ("word", _outbox.role),
            "kind": ("word", _outbox.kind),
            "channel": ("word", _outbox.channel),
            "state": ("word", _outbox.state),
            "attempts": ("number", _outbox.attempts),
            "created_at": ("time", _outbox.created_at),
            "due_at": ("time", _outbox.due_at),
            "delivered_at": ("time", _outbox.delivered_at),
            "attachment_sha256": ("hash", _outbox.attachment_sha256),
            "sent_sha256": ("hash", _outbox.sent_sha256),
            "sent_attachment_sha256": ("hash", _outbox.sent_attachment_sha256),
        },
        "created_at",
        (_outbox.id,),
        schema.outbox,
    ),
    "findings": Table(
        {
            "finding": ("text", _findings.id),
            "code": ("word", _findings.code),
            "severity": ("word", _findings.severity),
            "team": ("word", _findings.team),
            "document_id": ("text", _findings.document_id),
            "message": ("text", _findings.message),
            "first_seen_at": ("time", _findings.first_seen_at),
            "last_seen_at": ("time", _findings.last_seen_at),
            "gone_at": ("time", _findings.gone_at),
            "state": ("word", _findings.state),
            "due_at": ("time", _findings.due_at),
            "disposition": ("word", _findings.disposition),
            "closed_at": ("time", _findings.closed_at),
            "reason": ("text", _findings.reason),
            "assignee": ("text", _findings.assignee),
            "proposed_by": ("text", _findings.proposed_by),
            "closed_by": ("text", _findings.closed_by),
        },
        "first_seen_at",
        (_findings.id,),
        schema.findings,
        frozenset({"assignee", "proposed_by", "closed_by"}),
    ),
    "checkpoints": Table(
        {
            "origin": ("word", _checkpoints.origin),
            "size": ("number", _checkpoints.size),
            "root": ("hash", _checkpoints.root),
            "created_at": ("time", _checkpoints.created_at),
            "anchors": ("number", _anchored("time-stamp", "embedded", "witness")),
            "outside_anchors": ("number", _anchored(*_OUTSIDE)),
            "note": ("text", _checkpoints.note),
        },
        "created_at",
        (_checkpoints.created_at, _checkpoints.size),
        schema.checkpoints,
        frozenset({"note"}),
    ),
}


def table(name: str) -> Table:
    """Raises `UsageError`."""
    if name not in TABLES:
        raise UsageError(f"There is no table {name}; there are {', '.join(TABLES)}.")
    return TABLES[name]
