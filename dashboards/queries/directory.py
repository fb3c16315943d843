"""The directory of parties."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from dashboards.queries.documents import DocumentRow, rows_of
from signing_core.access import Access, Right
from signing_core.storage.database import reading
from signing_core.storage.schema import document_parties, documents, parties


def directory(access: Access, text: str = "", *, page: int = 1, size: int = 25) -> tuple[list[sa.Row[Any]], int]:
    """One page of the parties and their number of documents."""
    access.require(Right.SEE_DIRECTORY)
    conditions: list[sa.ColumnElement[bool]] = [parties.c.forgotten_at.is_(None)]
    if text.strip():
        columns = (parties.c.name, parties.c.organisation, parties.c.email, parties.c.phone)
        conditions.append(sa.or_(*(column.icontains(text.strip(), autoescape=True) for column in columns)))
    counted = (
        sa.select(sa.func.count())
        .select_from(document_parties)
        .where(document_parties.c.party_id == parties.c.id)
        .scalar_subquery()
    )
    query = sa.select(parties, counted.label("documents")).where(*conditions).order_by(parties.c.name, parties.c.id)
    with reading(access.workspace.engine) as connection:
        total = connection.execute(sa.select(sa.func.count()).select_from(parties).where(*conditions)).scalar_one()
        return list(connection.execute(query.limit(size).offset((page - 1) * size))), int(total)


def choices(access: Access, kind: str, text: str = "", *, most: int = 100) -> tuple[list[sa.Row[Any]], bool]:
    """Parties who sign as this kind, to choose from, by name; and whether there are more than `most`."""
    access.require(Right.SEE_DIRECTORY)
    query = sa.select(parties).where(parties.c.forgotten_at.is_(None), parties.c.kind.in_([kind, "both"]))
    if text.strip():
        columns = (parties.c.name, parties.c.organisation, parties.c.email, parties.c.phone)
        query = query.where(sa.or_(*(column.icontains(text.strip(), autoescape=True) for column in columns)))
    with reading(access.workspace.engine) as connection:
        found = list(connection.execute(query.order_by(parties.c.name, parties.c.id).limit(most + 1)))
    return found[:most], len(found) > most


def documents_of_party(access: Access, party_id: str, *, most: int = 50) -> tuple[DocumentRow, ...]:
    """The newest documents of a party in the directory, of those that the person sees."""
    access.require(Right.SEE_DIRECTORY)
    named = sa.select(document_parties.c.document_id).where(document_parties.c.party_id == party_id)
    query = sa.select(documents.c.id).where(access.visible(), documents.c.id.in_(named)).order_by(documents.c.id.desc())
    with reading(access.workspace.engine) as connection:
        return rows_of(connection, access, list(connection.execute(query.limit(most)).scalars()))
