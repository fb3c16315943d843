"""Searching by what the text looks like: a document or certificate id, a SHA-256, a contact, else a part of a title or of a
party's name.

A part of a text can stand anywhere, so nothing but looking at every title and every name finds it. That is done in indexes that
hold nothing else, for a million documents in a fifth of a second. What matches very often is not looked for to the end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import sqlalchemy as sa

from signing_core.access import Access, Right
from signing_core.storage.database import reading
from signing_core.storage.schema import document_files, document_parties, documents

_RECENT: Final = 4_000
"""The newest documents, which are looked through first: what is in many of them need not be looked for in all."""


def exactly(text: str) -> sa.ColumnElement[bool] | None:
    """The condition for what names documents directly; None for a part of a title or of a name."""
    if re.fullmatch(r"[0-9a-fA-F]{64}", text):
        stored = sa.select(document_files.c.document_id).where(document_files.c.sha256 == text.lower())
        return documents.c.id.in_(stored)
    if re.fullmatch(r"[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}", text):
        return sa.or_(documents.c.id == text.upper(), documents.c.certificate_id == text.upper())
    if "@" in text or re.fullmatch(r"\+[\d ]{5,}", text):
        contact = text.replace(" ", "") if text.startswith("+") else text
        reached = sa.select(document_parties.c.document_id).where(document_parties.c.contact == contact)
        return documents.c.id.in_(reached)
    return None


def contains(access: Access, text: str) -> sa.ColumnElement[bool]:
    """The condition that title or a party's name holds the text, to be asked of few documents."""
    named = sa.select(document_parties.c.document_id).where(
        document_parties.c.document_id == documents.c.id, like(access, document_parties.c.name, text)
    )
    return sa.or_(like(access, documents.c.title, text), named.exists())


def newest_matches(connection: sa.Connection, access: Access, text: str, most: int) -> list[str]:
    """Ids of the newest documents whose title or party's name holds the text, newest first, up to `most`."""
    if not access.may(Right.SEE_ALL):
        query = sa.select(documents.c.id).where(access.visible(), contains(access, text))
        return list(connection.execute(query.order_by(documents.c.id.desc()).limit(most)).scalars())
    recent = sa.select(documents.c.id).order_by(documents.c.id.desc()).limit(_RECENT).scalar_subquery()
    query = sa.select(documents.c.id).where(documents.c.id.in_(recent), contains(access, text))
    frequent = list(connection.execute(query.order_by(documents.c.id.desc()).limit(most)).scalars())
    if len(frequent) == most:
        return frequent
    with ThreadPoolExecutor(1) as beside:  # the database does both at once, on two connections
        named = beside.submit(_newest_named, access, text, most)
        # Sorting by an expression keeps the database from walking through the documents themselves, which are large.
        titles = sa.select(documents.c.id).where(like(access, documents.c.title, text))
        titles = titles.order_by((documents.c.id + "").desc()).limit(most)
        found = set(connection.execute(titles).scalars()) | named.result()
    return sorted(found, reverse=True)[:most]


def _newest_named(access: Access, text: str, most: int) -> set[str]:
    """Ids of the newest documents with a party of such a name, up to `most` of each name of the company's own people."""
    clients = sa.select(document_parties.c.document_id).where(
        document_parties.c.role == "client", like(access, document_parties.c.name, text)
    )
    order = (document_parties.c.document_id + "").desc()
    with reading(access.workspace.engine) as connection:
        found = set(connection.execute(clients.order_by(order).limit(most)).scalars())
        for role in ("first-party", "author"):
            for name in _names(connection, role):
                if text.lower() in name.lower():
                    query = sa.select(document_parties.c.document_id).where(
                        document_parties.c.role == role, document_parties.c.name == name
                    )
                    query = query.order_by(document_parties.c.document_id.desc()).limit(most)
                    found.update(connection.execute(query).scalars())
    return found


def _names(connection: sa.Connection, role: str) -> Iterator[str]:
    """The different names in a role: few of the company's own people stand in very many documents, so the index is jumped
    through from name to name."""
    column = document_parties.c.name
    first = sa.select(sa.func.min(column).label("name")).where(document_parties.c.role == role)
    names = first.cte("names", recursive=True)
    following = sa.select(sa.func.min(column)).where(document_parties.c.role == role, column > names.c.name)
    names = names.union_all(sa.select(following.scalar_subquery()).where(names.c.name.is_not(None)))
    yield from connection.execute(sa.select(names.c.name).where(names.c.name.is_not(None))).scalars()


def like(access: Access, column: sa.Column[Any], text: str) -> sa.ColumnElement[bool]:
    """The condition that the column holds the text somewhere, whatever the case of its letters."""
    # SQLite's LIKE takes no notice of case by itself, and is three times as fast as lower() on both sides.
    pattern = "%" + re.sub(r"([%_\\])", r"\\\1", text) + "%"
    sqlite = access.workspace.engine.dialect.name == "sqlite"
    return column.like(pattern, escape="\\") if sqlite else column.ilike(pattern, escape="\\")
