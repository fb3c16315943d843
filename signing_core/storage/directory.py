"""The directory of parties and of templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from signing_core.errors import UsageError
from signing_core.storage import schema
from signing_core.storage.identifiers import new_id

PartyKind = Literal["first-party", "client", "both"]
TemplateKind = Literal["typst", "pdf-form"]


@dataclass(frozen=True, slots=True)
class Party:
    """A person who signs. A forgotten party keeps its id and nothing that names or reaches it."""

    id: str
    kind: PartyKind
    name: str
    organisation: str | None
    email: str | None
    phone: str | None
    language: str
    created_at: datetime
    forgotten_at: datetime | None


@dataclass(frozen=True, slots=True)
class Template:
    """One version of a template; `source_sha256` names its source in the object store."""

    id: str
    name: str
    version: int
    """From 1."""
    kind: TemplateKind
    source_sha256: str
    fields: Any
    """What the template asks for, as JSON."""
    created_at: datetime


def add_party(
    connection: sa.Connection,
    *,
    kind: PartyKind,
    name: str,
    language: str,
    now: datetime,
    organisation: str | None = None,
    email: str | None = None,
    phone: str | None = None,
) -> Party:
    """A new party. `email` and `phone` are normalised by the caller. Raises `UsageError` without a name or a contact."""
    if not name.strip():
        raise UsageError("A party needs a name.")
    if not (email or phone):
        raise UsageError(f"The party {name} needs an e-mail address or a phone number.")
    party = Party(new_id(now), kind, name.strip(), organisation, email, phone, language, now, None)
    connection.execute(
        sa.insert(schema.parties).values(**{column: getattr(party, column) for column in Party.__slots__})
    )
    return party


def party(connection: sa.Connection, party_id: str) -> Party:
    """Raises `UsageError` for an unknown id."""
    row = connection.execute(sa.select(schema.parties).where(schema.parties.c.id == party_id)).first()
    if row is None:
        raise UsageError(
            f"There is no party {party_id} in the directory; `sealtrail party list` shows those there are."
        )
    return Party(**row._mapping)


def parties(
    connection: sa.Connection, text: str = "", *, kind: PartyKind | None = None, forgotten: bool = False
) -> list[Party]:
    """Parties whose name, organisation, address or number contains `text`, by name; forgotten ones only if asked for."""
    table = schema.parties
    query = sa.select(table).order_by(sa.func.lower(table.c.name), table.c.id)
    if text:
        columns = (table.c.name, table.c.organisation, table.c.email, table.c.phone)
        query = query.where(sa.or_(*(column.icontains(text, autoescape=True) for column in columns)))
    if kind is not None:
        query = query.where(table.c.kind.in_({kind, "both"}))
    if not forgotten:
        query = query.where(table.c.forgotten_at.is_(None))
    return [Party(**row._mapping) for row in connection.execute(query)]


def update_party(connection: sa.Connection, party_id: str, **changes: str | None) -> Party:
    """Change name, organisation, email, phone, language or kind. Documents already made keep what they were made with."""
    allowed = {"kind", "name", "organisation", "email", "phone", "language"}
    if unknown := changes.keys() - allowed:
        raise UsageError(f"A party has no {sorted(unknown)[0]} that could be changed.")
    before = party(connection, party_id)
    if before.forgotten_at is not None:
        raise UsageError(f"The party {party_id} was forgotten; add a new one.")
    connection.execute(sa.update(schema.parties).where(schema.parties.c.id == party_id).values(**changes))
    return party(connection, party_id)


def add_template(
    connection: sa.Connection, *, name: str, kind: TemplateKind, source_sha256: str, fields: Any, now: datetime
) -> Template:
    """A new template, or the next version of the one of that name; the same source and fields again add nothing."""
    if not name.strip():
        raise UsageError("A template needs a name.")
    versions = template_versions(connection, name)
    latest = versions[-1] if versions else None
    if latest is not None:
        if latest.kind != kind:
            raise UsageError(f"The template {name} is of the kind {latest.kind}; give the other one another name.")
        if (latest.source_sha256, latest.fields) == (source_sha256, fields):
            return latest
    made = Template(new_id(now), name, latest.version + 1 if latest else 1, kind, source_sha256, fields, now)
    connection.execute(
        sa.insert(schema.templates).values(**{column: getattr(made, column) for column in Template.__slots__})
    )
    return made


def template(connection: sa.Connection, name: str, version: int | None = None) -> Template:
    """That version of a template, by default the newest. Raises `UsageError` when there is none."""
    found = [one for one in template_versions(connection, name) if version in (None, one.version)]
    if not found:
        which = f"version {version} of the template" if version is not None else "template"
        raise UsageError(f"There is no {which} {name}; `sealtrail template list` shows those there are.")
    return found[-1]


def template_versions(connection: sa.Connection, name: str) -> Sequence[Template]:
    """All versions, oldest first."""
    table = schema.templates
    query = sa.select(table).where(table.c.name == name).order_by(table.c.version)
    return [Template(**row._mapping) for row in connection.execute(query)]


def templates(connection: sa.Connection) -> list[Template]:
    """The newest version of every template, by name."""
    table = schema.templates
    newest = sa.select(table.c.name, sa.func.max(table.c.version).label("version")).group_by(table.c.name).subquery()
    query = (
        sa.select(table)
        .join(newest, sa.and_(table.c.name == newest.c.name, table.c.version == newest.c.version))
        .order_by(table.c.name)
    )
    return [Template(**row._mapping) for row in connection.execute(query)]
