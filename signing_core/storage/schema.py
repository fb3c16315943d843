"""The tables. Alembic migrations build the same; a test holds the two together.

Times are UTC. What the flow decides is one JSON value in `documents.state`; the other columns exist to be searched.
Personal data stands only in `document_parties`, `parties`, `personal_data`, `outbox` (encrypted) and `marks`, so that it
can be erased while audit events, which hold salted commitments, stay as they are. The company's own people, who work with
the documents, are named in `role_grants`, `visits` and `findings`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import event

from signing_core.storage.types import UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Sha256 = sa.String(64)
"""Lower-case hexadecimal, 64 characters."""


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, metadata, *columns)


settings = _table(
    "settings",
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What must travel with the database: the workspace id, the version that made it."""

parties = _table(
    "parties",
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),  # first-party, client, both
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text),
    sa.Column("email", sa.Text),
    sa.Column("phone", sa.Text),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("forgotten_at", UtcDateTime),
)
"""The directory of parties."""

templates = _table(
    "templates",
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),  # typst, pdf-form
    sa.Column("source_sha256", Sha256, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("name", "version"),
)

documents = _table(
    "documents",
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("status", sa.String(24), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # optimistic lock
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("author", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
    sa.Column("updated_at", UtcDateTime, nullable=False, index=True),
    sa.Column("expires_at", UtcDateTime, index=True),
    sa.Column("work_due_at", UtcDateTime, index=True),  # when background work looks at it next
    sa.Column("work_failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("pages", sa.Integer, nullable=False),
    sa.Column("fields", sa.JSON, nullable=False),  # by role: page (from 1), width_pt, height_pt of the signature field
    sa.Column("told", sa.JSON, nullable=False, default=list),  # codes of what preparing it changed
    sa.Column("embedded", sa.JSON, nullable=False, default=list),  # files inside it: name, length, sha256
    sa.Column("template_id", sa.String(26), sa.ForeignKey("templates.id")),
    sa.Column("certificate_id", sa.String(26), unique=True),
    sa.Column("prefix_sha256", Sha256, index=True),  # of the file as the client signed it
    sa.Column("prefix_length", sa.BigInteger),
    sa.Column("final_sha256", Sha256, index=True),
    sa.Column("final_length", sa.BigInteger),
    sa.Column("completed_at", UtcDateTime, index=True),
    sa.Column("supersedes", sa.String(26)),
    sa.Index("ix_documents_status_id", "status", "id"),
    sa.Index("ix_documents_title_id", "title", "id"),  # covers searching titles
    sa.Index("ix_documents_language_id", "language", "id"),
)

document_files = _table(
    "document_files",
    sa.Column("document_id", sa.String(26), sa.ForeignKey("documents.id"), primary_key=True),
    sa.Column("step", sa.String(16), primary_key=True),  # source, prepared, first-party, client, final, proof
    sa.Column("sha256", Sha256, nullable=False, index=True),
    sa.Column("length", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

document_parties = _table(
    "document_parties",
    sa.Column("document_id", sa.String(26), sa.ForeignKey("documents.id"), primary_key=True),
    sa.Column("role", sa.String(16), primary_key=True),  # author, first-party, client
    sa.Column("party_id", sa.String(26), sa.ForeignKey("parties.id"), index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text),
    sa.Column("contact", sa.Text, nullable=False, index=True),
    sa.Column("channel", sa.String(8), nullable=False),  # email, sms
    sa.Column("copy_email", sa.Text),  # where the finished PDF goes when the contact is a phone number
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("pseudonym", sa.String(43), nullable=False),
    sa.Index("ix_document_parties_role_name_document_id", "role", "name", "document_id"),  # covers searching names
)

marks = _table(
    "marks",
    sa.Column("document_id", sa.String(26), sa.ForeignKey("documents.id"), primary_key=True),
    sa.Column("role", sa.String(16), primary_key=True),
    sa.Column("part", sa.String(16), primary_key=True),  # signature, stamp
    sa.Column("kind", sa.String(16), nullable=False),  # name, drawn, uploaded
    sa.Column("media_type", sa.String(40), nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

links = _table(
    "links",
    sa.Column("token_hash", Sha256, primary_key=True),
    sa.Column("document_id", sa.String(26), sa.ForeignKey("documents.id"), nullable=False, index=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("purpose", sa.String(16), nullable=False),  # sign, download
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("ended_because", sa.String(24)),  # replaced, used, voided, declined, expired
)

outbox = _table(
    "outbox",
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("message_id", sa.String(120), nullable=False, unique=True),
    sa.Column("document_id", sa.String(26), sa.ForeignKey("documents.id"), index=True),
    sa.Column("role", sa.String(16)),
    sa.Column(
        "kind", sa.String(24), nullable=False
    ),  # link, code, reminder, completed, declined, voided, expired, download
    sa.Column("channel", sa.String(8), nullable=False),  # email, sms
    sa.Column(
        "state", sa.String(16), nullable=False, index=True
    ),  # waiting, sending, uncertain, delivered, failed, cancelled
    sa.Column("sealed_content", sa.LargeBinary),  # recipient and body, encrypted; erased once delivered
    sa.Column("attachment_sha256", Sha256),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("due_at", UtcDateTime, nullable=False, index=True),
    sa.Column("handed_over_at", UtcDateTime),
    sa.Column("delivered_at", UtcDateTime),
    sa.Column("last_error", sa.Text),
    sa.Column("sent_sha256", Sha256),  # of the message as sent; the object is kept for 90 days
    sa.Column("sent_attachment_sha256", Sha256),  # recomputed from the message as sent
)

issued_certificates = _table(
    "issued_certificates",
    sa.Column("serial", sa.String(40), primary_key=True),  # hexadecimal
    sa.Column("issuer", sa.String(64), nullable=False),  # key name of the issuing CA
    sa.Column("purpose", sa.String(16), nullable=False),  # first-party, client, seal, time-stamp
    sa.Column("document_id", sa.String(26), index=True),
    sa.Column("der", sa.LargeBinary, nullable=False),
    sa.Column("not_before", UtcDateTime, nullable=False),
    sa.Column("not_after", UtcDateTime, nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("revocation_reason", sa.String(32)),
)

revocation_lists = _table(
    "revocation_lists",
    sa.Column("issuer", sa.String(64), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("der", sa.LargeBinary, nullable=False),
    sa.Column("this_update", UtcDateTime, nullable=False),
    sa.Column("next_update", UtcDateTime, nullable=False),
)

audit_events = _table(
    "audit_events",
    sa.Column(
        "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
    ),  # from 0
    sa.Column("document_id", sa.String(26)),
    sa.Column("type", sa.String(40), nullable=False, index=True),
    sa.Column("time", UtcDateTime, nullable=False, index=True),
    sa.Column("body", sa.LargeBinary, nullable=False),  # RFC 8785 canonical JSON, verbatim
    sa.Column("leaf_hash", sa.LargeBinary(32), nullable=False),  # RFC 6962: SHA-256(0x00 || body)
    sa.Column("mac", sa.LargeBinary(32)),  # who wrote it: see audit_log.authentication
    sa.Index("ix_audit_events_document_id_seq", "document_id", "seq"),
)

audit_nodes = _table(
    "audit_nodes",
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)
"""Complete inner nodes of the RFC 6962 tree, by their position in post-order, leaves counted (`audit_log.tree.position`)."""

audit_head = _table(
    "audit_head",
    sa.Column("id", sa.Integer, primary_key=True),  # one row, 1: locked by every writer
    sa.Column("size", sa.BigInteger, nullable=False),
)


@event.listens_for(audit_head, "after_create")
def _empty_log(target: sa.Table, connection: sa.Connection, **_: object) -> None:
    connection.execute(sa.insert(target).values(id=1, size=0))


checkpoints = _table(
    "checkpoints",
    sa.Column("origin", sa.String(200), primary_key=True),  # the log's name; another one after a declared loss
    sa.Column("size", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False),  # C2SP signed note with the log's own signature, as time-stamped
    sa.Column("created_at", UtcDateTime, nullable=False),
)

anchors = _table(
    "anchors",
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("origin", sa.String(200), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),  # time-stamp, embedded (no outside anchor), witness
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("evidence", sa.LargeBinary, nullable=False),  # DER TimeStampToken, or the witness's signature line
    sa.Column("created_at", UtcDateTime, nullable=False),
)

personal_data = _table(
    "personal_data",
    sa.Column("commitment", Sha256, primary_key=True),  # SHA-256(salt || canonical JSON of the value)
    sa.Column("salt", sa.LargeBinary(32)),
    sa.Column("value", sa.Text),  # both null once erased
    sa.Column("document_id", sa.String(26), index=True),
    sa.Column("role", sa.String(16)),
    sa.Column("erased_at", UtcDateTime),
)

findings = _table(
    "findings",
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("key", Sha256, nullable=False, unique=True),  # what it is about: the same finding found again is one row
    sa.Column("code", sa.String(64), nullable=False, index=True),
    sa.Column("severity", sa.String(8), nullable=False),
    sa.Column("team", sa.String(16), nullable=False),  # compliance, operations, author
    sa.Column("document_id", sa.String(26), index=True),
    sa.Column("message", sa.Text, nullable=False),  # no names: roles stand for persons
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.Column("first_seen_at", UtcDateTime, nullable=False, index=True),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("gone_at", UtcDateTime),  # since when the controls no longer find it
    sa.Column("state", sa.String(16), nullable=False),  # open, proposed, closed
    sa.Column("version", sa.Integer, nullable=False),  # optimistic lock
    sa.Column("assignee", sa.Text),
    sa.Column("due_at", UtcDateTime),
    sa.Column("disposition", sa.String(16)),  # accepted, fixed, false-alarm
    sa.Column("reason", sa.Text),
    sa.Column("proposed_by", sa.Text),
    sa.Column("proposed_at", UtcDateTime),
    sa.Column("closed_by", sa.Text),
    sa.Column("closed_at", UtcDateTime),
    sa.Index("ix_findings_state_gone_at", "state", "gone_at", "severity", "code", "first_seen_at"),  # covers counting
)
"""The analysts' work list; what is decided on it is in the audit log as well."""

role_grants = _table(
    "role_grants",
    sa.Column("subject", sa.String(320), primary_key=True),  # e-mail address in lower case
    sa.Column("role", sa.String(16), primary_key=True),  # see access.Role
    sa.Column("granted_by", sa.String(320), nullable=False),
    sa.Column("granted_at", UtcDateTime, nullable=False),
)

visits = _table(
    "visits",
    sa.Column("subject", sa.String(320), primary_key=True),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("before", UtcDateTime),  # the visit before that one
)
"""When a person last looked at the dashboard, so that it can say what is new."""
