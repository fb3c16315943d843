"""What people of the company do, each step under the right it needs: a denied try raises `AccessDenied` and is an event.

Whoever builds something to work with on top of the core calls these and not the desk, so that no button can be pressed past them.
All raise `AccessDenied` without the right, `DocumentUnknown` for a document that the person does not see, and what the desk raises.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from signing_core.access.people import Access, Right, Role
from signing_core.audit_log import events as audit
from signing_core.errors import AccessDenied
from signing_core.storage.database import writing

if TYPE_CHECKING:
    from signing_core.desk import NewDocument
    from signing_core.storage.directory import Party, PartyKind, Template, TemplateKind
    from signing_core.verdict import DocumentVerdict


def create(access: Access, new: NewDocument, *, send: bool = False) -> str:
    """A new document, sent at once where wanted; returns its id. Only an administrator names somebody else as its author."""
    from signing_core.desk import Desk

    access.require(Right.CREATE)
    if Role.ADMINISTRATOR not in access.person.roles and new.author.email.strip().lower() != access.person.subject:
        access.deny(Right.CREATE, because="not-own-name")
        raise AccessDenied(
            f"{access.person.name} creates documents in its own name only; {new.author.email} is another."
        )
    desk = Desk(access.workspace)
    document_id = desk.create(new)
    if send:
        desk.send(document_id)
    return document_id


def send(access: Access, document_id: str) -> None:
    """Send a draft to the first party."""
    from signing_core.desk import Desk

    access.require(Right.STEER, document_id=document_id)
    Desk(access.workspace).send(document_id)


def resend(access: Access, document_id: str) -> None:
    """Send the party whose turn it is a new link; the one before ends."""
    from signing_core.desk import Desk

    access.require(Right.STEER, document_id=document_id)
    Desk(access.workspace).resend(document_id)


def void(access: Access, document_id: str, reason: str) -> None:
    """Withdraw a document that has not ended."""
    from signing_core.desk import Desk

    access.require(Right.STEER, document_id=document_id)
    Desk(access.workspace).void(document_id, reason)


def verify(access: Access, document_id: str, *, via: str) -> DocumentVerdict:
    """Verify the stored file now; the verdict is an event."""
    from signing_core.desk import verifying

    access.require(Right.RECORD, document_id=document_id)
    verdict = verifying.verify_stored(access.workspace, document_id)
    _record(access, document_id, verdict, via)
    return verdict


def record(access: Access, document_id: str, verdict: DocumentVerdict, *, via: str) -> None:
    """Make an event of a verdict on a file that came from somewhere else; the file is not stored."""
    access.require(Right.RECORD, document_id=document_id)
    _record(access, document_id, verdict, via)


def evidence(access: Access, document_id: str) -> bytes:
    """The evidence pack of a completed document, as a zip file."""
    from signing_core.audit_log import evidence as pack

    access.require(Right.EVIDENCE, document_id=document_id)
    return pack.export(access.workspace, document_id)


def add_party(access: Access, *, kind: PartyKind, name: str, language: str, **contacts: str | None) -> Party:
    """A new party of the directory; `organisation`, `email`, `phone` as in `storage.directory.add_party`."""
    from signing_core.storage import directory

    access.require(Right.CHANGE_DIRECTORY)
    with writing(access.workspace.engine) as connection:
        return directory.add_party(
            connection, kind=kind, name=name, language=language, now=access.workspace.clock(), **contacts
        )


def add_template(access: Access, name: str, source: bytes, *, kind: TemplateKind, fields: Any = None) -> Template:
    """A new template, or the next version of the one of that name."""
    from signing_core.desk import sources

    access.require(Right.CHANGE_DIRECTORY)
    return sources.add_template(access.workspace, name, source, kind=kind, fields=fields)


def started_run(access: Access, job: str, run_id: str, batch: str | None, *, at: datetime | None = None) -> None:
    """Make an event of a run of the pipelines that this person started."""
    access.require(Right.RUN)
    with writing(access.workspace.engine) as connection:
        audit.append(
            connection,
            type="run.started",
            time=at or access.workspace.clock(),
            actor=access.actor,
            data={"job": job, "run": run_id, "batch": batch},
            personal={"person": access.person.subject},
        )


def _record(access: Access, document_id: str, verdict: DocumentVerdict, via: str) -> None:
    from signing_core.desk import verifying

    verifying.record(
        access.workspace,
        document_id,
        verdict,
        actor=access.actor,
        via=via,
        personal={"person": access.person.subject},
    )
