"""Indexes for lists of very many documents and findings: names by role, documents by language, what is open."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("ix_documents_language_id", "documents", ["language", "id"], unique=False)
    op.create_index(
        "ix_document_parties_role_name_document_id", "document_parties", ["role", "name", "document_id"], unique=False
    )
    op.drop_index("ix_document_parties_name_document_id", table_name="document_parties")
    op.drop_index("ix_documents_status", table_name="documents")  # begins as ix_documents_status_id does
    op.create_index(
        "ix_findings_state_gone_at", "findings", ["state", "gone_at", "severity", "code", "first_seen_at"], unique=False
    )
    op.drop_index("ix_findings_state_severity", table_name="findings")
