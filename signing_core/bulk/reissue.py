"""Re-issue: a certificate that is to be replaced gets a successor, a new document that names the one it supersedes.

A sealed document cannot be given another page, and what two people signed cannot be signed again in their name. So the successor is
made of the same source for the same parties and goes through the three phases; its event of creation names its predecessor, which
stays in the archive as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from signing_core.bulk.one_by_one import reason_of
from signing_core.desk import Author, Desk, NewDocument, Signer, records, views
from signing_core.errors import StepNotAllowed, UsageError
from signing_core.flow import Role, Status
from signing_core.flow.values import spoken
from signing_core.storage.database import reading
from signing_core.storage.locks import document_lock
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace

_ENDED = (str(Status.DECLINED), str(Status.EXPIRED), str(Status.VOIDED))


@dataclass
class Reissued:
    successors: dict[str, str] = field(default_factory=dict)
    """By the document that each supersedes."""
    made_now: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Document id, and why."""


def reissue_all(workspace: Workspace, document_ids: Sequence[str], *, send: bool = False) -> Reissued:
    """Re-issue each of them once. One that cannot be done does not stop the others. Raises `UsageError` for an empty list."""
    wanted = dict.fromkeys(one.strip() for one in document_ids)
    if not wanted:
        raise UsageError("The list of documents is empty; name the ids of completed documents.")
    done = Reissued()
    for document_id in wanted:
        try:
            done.successors[document_id], made = _reissue(workspace, document_id, send)
            done.made_now += made
        except Exception as error:
            done.failed[document_id] = reason_of(error, f"Document {document_id}")
    return done


def reissue(workspace: Workspace, document_id: str, *, send: bool = False) -> str:
    """The id of the successor, a draft or sent; one that is already there and not ended is returned as it is.

    Raises `StepNotAllowed` for a document that is not completed or whose parties were erased, `DocumentUnknown`,
    `ObjectMissing` and `ObjectDamaged` when the source cannot be had, `ConcurrentChange` when the document is worked on.
    """
    return _reissue(workspace, document_id, send)[0]


def _reissue(workspace: Workspace, document_id: str, send: bool) -> tuple[str, bool]:
    """And whether it was made now."""
    desk = Desk(workspace)
    with reading(workspace.engine) as connection:
        records.load(connection, document_id)  # what is no id at all is unknown too, and nothing to lock
    with document_lock(workspace, document_id):  # or two at the same time would make two successors, or send one twice
        successor, made = _successor(desk, document_id)
        if send and desk.state(successor).status is Status.DRAFT:
            desk.send(successor)
    return successor, made


def _successor(desk: Desk, document_id: str) -> tuple[str, bool]:
    workspace = desk.workspace
    with reading(workspace.engine) as connection:
        row = records.load(connection, document_id)
        people = records.parties(connection, document_id)
        files = records.files(connection, document_id)
        origin = views.made_from(connection, document_id)
        query = sa.select(documents.c.id).where(
            documents.c.supersedes == document_id, documents.c.status.not_in(_ENDED)
        )
        successor = connection.execute(query.order_by(documents.c.id)).scalars().first()
    if row.status != Status.COMPLETED:
        raise StepNotAllowed(
            f"Document {document_id} is {row.status}; only a completed one can be superseded. Create a new document instead."
        )
    made = successor is None
    if made:
        successor = desk.create(
            NewDocument(
                source=workspace.objects.get(files["source"].sha256),
                title=row.title,
                author=Author(row.author, _contact(people, "author", document_id)),
                first_party=_signer(people, str(Role.FIRST_PARTY), document_id),
                client=_signer(people, str(Role.CLIENT), document_id),
                language=row.language,
                source_name=row.title,
                made_from=origin,
                template_id=row.template_id,
                supersedes=document_id,
            )
        )
    return str(successor), made


def _signer(people: dict[str, sa.Row[tuple[object, ...]]], role: str, document_id: str) -> Signer:
    person = people[role]
    return Signer(
        person.name,
        _contact(people, role, document_id),
        person.organisation,
        person.copy_email,
        person.language,
        party_id=person.party_id,
    )


def _contact(people: dict[str, sa.Row[tuple[object, ...]]], role: str, document_id: str) -> str:
    contact = str(people[role].contact or "")
    if not contact:
        raise StepNotAllowed(f"The {spoken(role)} of document {document_id} was erased; make a new document instead.")
    return contact
