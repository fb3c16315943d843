"""Before a step relies on the rows of a document: they say what the audit log says (`audit_log.facts`), and the log what the program
wrote (`audit_log.authentication`), or it is not taken."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import authentication, contents, facts, personal
from signing_core.audit_log import events as audit
from signing_core.desk import records
from signing_core.errors import RecordNotAsLogged
from signing_core.flow import Role, State
from signing_core.flow.values import spoken


def check(connection: sa.Connection, row: sa.Row[Any], state: State, *, pictures_of: Role | None = None) -> None:
    """Raises `RecordNotAsLogged` where the rows differ; with `pictures_of` also where that party gave other pictures."""
    log = audit.of_document(connection, row.id)
    unreadable = next((event for event in log if contents.problem(event) is not None), None)
    if unreadable is not None:
        raise _refused(row.id, f"Event {unreadable.seq} {contents.problem(unreadable)}.")
    forged = authentication.forged(connection, log)
    if forged is not None:
        raise _refused(row.id, authentication.said(forged.seq, forged.type))
    opened = personal.opened(connection, row.id)
    people = records.parties(connection, row.id)
    for difference in facts.differences(log, opened, title=row.title, people=people, state=state):
        raise _refused(row.id, difference)
    if pictures_of is not None:
        given = records.marks_of(connection, row.id, pictures_of)
        pictures = {part: hashlib.sha256(mark.data).hexdigest() for part, mark in given.items()}
        if facts.other_pictures(log, opened, pictures_of, pictures):
            raise _refused(
                row.id, f"The signature or stamp of the {spoken(pictures_of)} is another one than the log's."
            )


def _refused(document_id: str, why: str) -> RecordNotAsLogged:
    return RecordNotAsLogged(
        f"What the database has of document {document_id} is not what the audit log says. {why} Nothing was done with it; find out "
        "who can write to the database, and restore it from a backup."
    )
