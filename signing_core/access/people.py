"""Who of the company may see and do what; held here, so that no page can forget it.

A person has roles, a role gives rights, and two roles see their own documents only: the author those that it created, the
first party those that it signs. Whoever asks for more gets `AccessDenied`, and the try is an event of the audit log. A
document that somebody may not see is refused in the words for one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import sqlalchemy as sa

from signing_core.audit_log import events as audit
from signing_core.errors import AccessDenied, DocumentUnknown, UsageError
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import document_parties, documents, role_grants
from signing_core.storage.workspace import Workspace


class Role(StrEnum):
    AUTHOR = "author"
    FIRST_PARTY = "first-party"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    """Sees everything, changes nothing."""
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    SEE_OWN = "see-own-documents"
    SEE_ALL = "see-all-documents"
    CREATE = "create-documents"
    STEER = "steer-documents"
    """Send, resend, remind, void: of documents that the person sees."""
    VERIFY = "verify"
    RECORD = "record-verifications"
    EVIDENCE = "export-evidence"
    SEE_FINDINGS = "see-findings"
    DECIDE = "decide-findings"
    SEE_DIRECTORY = "see-directory"
    CHANGE_DIRECTORY = "change-directory"
    SEE_LOG = "see-audit-log"
    RUN = "start-runs"
    ADMINISTER = "administer"


_EVERYBODY: Final = frozenset({Right.SEE_OWN, Right.VERIFY})
_AUTHOR: Final = _EVERYBODY | {Right.CREATE, Right.STEER, Right.EVIDENCE, Right.SEE_DIRECTORY, Right.RECORD}
_AUDITOR: Final = _EVERYBODY | {
    Right.SEE_ALL,
    Right.EVIDENCE,
    Right.SEE_FINDINGS,
    Right.SEE_DIRECTORY,
    Right.SEE_LOG,
}
RIGHTS: Final[Mapping[Role, frozenset[Right]]] = {
    Role.FIRST_PARTY: _EVERYBODY | {Right.EVIDENCE},
    Role.AUTHOR: _AUTHOR,
    Role.AUDITOR: _AUDITOR,
    Role.ANALYST: _AUDITOR | {Right.STEER, Right.RECORD, Right.DECIDE, Right.RUN},
    Role.ADMINISTRATOR: frozenset(Right),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the company. `subject` is the verified e-mail address in lower case, or a name of our own."""

    subject: str
    name: str
    roles: frozenset[Role]


LOCAL_ADMINISTRATOR: Final = Person("local-administrator", "Local administrator", frozenset({Role.ADMINISTRATOR}))
"""The one person of a machine on which nothing is configured."""


class Access:
    """What one person may do in a workspace."""

    def __init__(self, workspace: Workspace, person: Person) -> None:
        self.workspace = workspace
        self.person = person
        self.rights: frozenset[Right] = frozenset().union(*(RIGHTS[role] for role in person.roles))

    @property
    def actor(self) -> str:
        """The name of the role for audit events: the most powerful one that the person has."""
        for role in (Role.ADMINISTRATOR, Role.ANALYST, Role.AUDITOR, Role.AUTHOR, Role.FIRST_PARTY):
            if role in self.person.roles:
                return str(role)
        return "nobody"

    def may(self, right: Right) -> bool:
        return right in self.rights

    def require(self, right: Right, *, document_id: str | None = None) -> None:
        """Raises `AccessDenied`, after the try was recorded, when the person lacks the right.

        With a document also `DocumentUnknown`, when there is none or the person does not see it.
        """
        if not self.may(right):
            self.deny(right, document_id)
            raise AccessDenied(
                f"{self.person.name} has no right to {str(right).replace('-', ' ')}; ask an administrator for the role."
            )
        if document_id is not None:
            self.document(document_id)

    def deny(self, right: Right, document_id: str | None = None, *, because: str = "no-right") -> None:
        """Record a denied try."""
        with writing(self.workspace.engine) as connection:
            known = (
                document_id is not None
                and connection.execute(sa.select(documents.c.id).where(documents.c.id == document_id)).scalar()
            )
            audit.append(
                connection,
                type="access.denied",
                time=self.workspace.clock(),
                document_id=document_id if known else None,
                actor=self.actor,
                data={"right": str(right), "because": because},
                personal={"person": self.person.subject},
            )

    def visible(self) -> sa.ColumnElement[bool]:
        """The condition on `documents` that every query of this person carries."""
        if self.may(Right.SEE_ALL):
            return sa.true()
        own = [str(role) for role in (Role.AUTHOR, Role.FIRST_PARTY) if role in self.person.roles]
        mine = sa.select(document_parties.c.document_id).where(
            document_parties.c.contact == self.person.subject, document_parties.c.role.in_(own)
        )
        return documents.c.id.in_(mine)

    def document(self, document_id: str) -> sa.Row[Any]:
        """The row of `documents`. Raises `DocumentUnknown`, also for one that the person may not see."""
        with reading(self.workspace.engine) as connection:
            query = sa.select(documents).where(documents.c.id == document_id)
            row = connection.execute(query.where(self.visible())).one_or_none()
            hidden = row is None and connection.execute(query).one_or_none() is not None
        if row is None:
            if hidden:
                self.deny(Right.SEE_ALL, document_id, because="not-own-document")
            raise DocumentUnknown(f"There is no document {document_id} among those you may see; check the id.")
        return row


def roles_of(connection: sa.Connection, subject: str) -> frozenset[Role]:
    """The roles granted to a person; none for an unknown one."""
    query = sa.select(role_grants.c.role).where(role_grants.c.subject == subject.lower())
    return frozenset(Role(role) for role in connection.execute(query).scalars())


def person_of(workspace: Workspace, email: str, name: str) -> Person:
    """The person that an OpenID provider vouches for by a verified address."""
    subject = email.strip().lower()
    with reading(workspace.engine) as connection:
        roles = roles_of(connection, subject)
    if subject in {address.lower() for address in workspace.settings.access.administrators}:
        roles |= {Role.ADMINISTRATOR}
    return Person(subject, name.strip() or subject, roles)


def grants(connection: sa.Connection) -> list[sa.Row[Any]]:
    """All grants, by person: subject, role, granted_by, granted_at."""
    return list(connection.execute(sa.select(role_grants).order_by(role_grants.c.subject, role_grants.c.role)))


def grant(access: Access, subject: str, role: Role) -> None:
    """Give a person a role. Raises `AccessDenied`, `UsageError`."""
    access.require(Right.ADMINISTER)
    subject = _address(subject)
    now = access.workspace.clock()
    with writing(access.workspace.engine) as connection:
        if role in roles_of(connection, subject):
            return
        connection.execute(
            sa.insert(role_grants).values(
                subject=subject, role=str(role), granted_by=access.person.subject, granted_at=now
            )
        )
        _record(access, connection, "role.granted", subject, role)


def revoke(access: Access, subject: str, role: Role) -> None:
    """Take a role from a person. Raises `AccessDenied`."""
    access.require(Right.ADMINISTER)
    subject = subject.strip().lower()
    with writing(access.workspace.engine) as connection:
        taken = connection.execute(
            sa.delete(role_grants).where(role_grants.c.subject == subject, role_grants.c.role == str(role))
        )
        if taken.rowcount:
            _record(access, connection, "role.revoked", subject, role)


def _record(access: Access, connection: sa.Connection, type: str, subject: str, role: Role) -> None:
    audit.append(
        connection,
        type=type,
        time=access.workspace.clock(),
        actor=access.actor,
        data={"role": str(role)},
        personal={"person": subject, "by": access.person.subject},
    )


def _address(text: str) -> str:
    from signing_core.delivery import contacts
    from signing_core.errors import ContactRefused

    try:
        return contacts.parse_email(text).value.lower()
    except ContactRefused as error:
        raise UsageError(f"A role is granted to an e-mail address: {error}") from None
