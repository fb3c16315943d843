"""What a workspace knows of a document: to hold a scanned code against, and to show what to compare by eye."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from signing_core.certificate.payload import QrClaims

if TYPE_CHECKING:
    import sqlalchemy as sa

Answer = Literal["known", "unknown", "mismatch"]


@dataclass(frozen=True, slots=True)
class RegisteredDocument:
    document_id: str
    certificate_id: str | None
    title: str
    pages: int
    """Without the certificate page."""
    status: str
    parties: tuple[tuple[str, str], ...]
    """Role and name, in signing order."""
    signed_sha256: str | None
    signed_length: int | None

    def answer(self, claims: QrClaims) -> Answer:
        """Whether these are the claims that were made for this document."""
        same = (
            self.certificate_id == claims.certificate_id
            and self.signed_sha256 == claims.prefix_sha256.hex()
            and self.signed_length == claims.prefix_length
        )
        return "known" if same else "mismatch"


class Registry(Protocol):
    def find(self, document_id: str) -> RegisteredDocument | None: ...


class WorkspaceRegistry:
    """The documents of one workspace's database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, document_id: str) -> RegisteredDocument | None:
        """None when there is no such document."""
        import sqlalchemy as sa

        from signing_core.storage.database import reading
        from signing_core.storage.schema import document_parties, documents

        with reading(self._engine) as connection:
            row = connection.execute(sa.select(documents).where(documents.c.id == document_id)).one_or_none()
            if row is None:
                return None
            people = connection.execute(
                sa.select(document_parties.c.role, document_parties.c.name).where(
                    document_parties.c.document_id == document_id,
                    document_parties.c.role.in_(("first-party", "client")),
                )
            ).all()
        return RegisteredDocument(
            document_id=row.id,
            certificate_id=row.certificate_id,
            title=row.title,
            pages=row.pages - 1,
            status=row.status,
            parties=tuple(sorted(((role, name) for role, name in people), key=lambda party: party[0] == "client")),
            signed_sha256=row.prefix_sha256,
            signed_length=row.prefix_length,
        )
