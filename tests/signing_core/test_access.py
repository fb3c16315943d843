"""Rights are held in the core: what a person may not see is not in any answer, and a denied try leaves an event."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from signing_core import access as who
from signing_core.access import LOCAL_ADMINISTRATOR, RIGHTS, Access, Person, Right, Role
from signing_core.audit_log import events
from signing_core.desk import Author, Desk
from signing_core.errors import AccessDenied, DocumentUnknown, UsageError
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import AUTHOR, DIRECTOR, ManualClock, Play, contract


@pytest.fixture
def workspace(blank_workspace: Path, tmp_path: Path) -> Iterator[Workspace]:
    folder = tmp_path / "workspace"
    shutil.copytree(blank_workspace, folder)
    with Workspace.open(folder, clock=ManualClock()) as opened:
        yield opened


def person(role: Role, subject: str = "somebody@example.org") -> Person:
    return Person(subject, "Sample Person", frozenset({role}))


def denied(workspace: Workspace) -> list[events.Event]:
    with reading(workspace.engine) as connection:
        return events.of_type(connection, "access.denied")


def seen(access: Access) -> set[str]:
    with reading(access.workspace.engine) as connection:
        return set(connection.execute(sa.select(documents.c.id).where(access.visible())).scalars())


def test_an_author_sees_its_own_documents_and_nobody_elses(workspace: Workspace) -> None:
    play = Play(Desk(workspace))
    mine = play.create(contract(1))
    other = play.create(contract(1), author=Author("Sample Author Two", "author.two@example.org"))
    author = Access(workspace, person(Role.AUTHOR, AUTHOR.email))
    assert seen(author) == {mine}
    assert author.document(mine).id == mine
    with pytest.raises(DocumentUnknown) as hidden:
        author.document(other)
    with pytest.raises(DocumentUnknown) as absent:
        author.document("0" * 26)
    assert str(hidden.value).replace(other, "") == str(absent.value).replace("0" * 26, "")
    assert [(event.document_id, event.data["because"]) for event in denied(workspace)] == [(other, "not-own-document")]


def test_the_first_party_sees_what_it_signs(workspace: Workspace) -> None:
    mine = Play(Desk(workspace)).create(contract(1))
    assert seen(Access(workspace, person(Role.FIRST_PARTY, DIRECTOR.contact))) == {mine}
    assert seen(Access(workspace, person(Role.FIRST_PARTY, AUTHOR.email))) == set()
    assert seen(Access(workspace, person(Role.AUDITOR))) == {mine}
    assert seen(Access(workspace, Person("x", "x", frozenset()))) == set()


@pytest.mark.parametrize("role", list(Role))
def test_every_right_that_a_role_lacks_is_denied_and_recorded(workspace: Workspace, role: Role) -> None:
    access = Access(workspace, person(role))
    lacking = set(Right) - RIGHTS[role]
    for right in Right:
        if right in lacking:
            with pytest.raises(AccessDenied):
                access.require(right)
        else:
            access.require(right)
    recorded = denied(workspace)
    assert {event.data["right"] for event in recorded} == {str(right) for right in lacking}
    assert all(event.actor == role and b"somebody@example.org" not in event.body for event in recorded)


def test_an_auditor_changes_nothing() -> None:
    changing = {
        Right.CREATE,
        Right.STEER,
        Right.RECORD,
        Right.DECIDE,
        Right.CHANGE_DIRECTORY,
        Right.RUN,
        Right.ADMINISTER,
    }
    assert not RIGHTS[Role.AUDITOR] & changing


def test_granting_and_revoking_are_events(workspace: Workspace) -> None:
    administrator = Access(workspace, LOCAL_ADMINISTRATOR)
    who.grant(administrator, "Analyst@Example.org", Role.ANALYST)
    who.grant(administrator, "analyst@example.org", Role.ANALYST)
    assert who.person_of(workspace, "ANALYST@example.org", "Sample Analyst").roles == {Role.ANALYST}
    who.revoke(administrator, "analyst@example.org", Role.ANALYST)
    assert who.person_of(workspace, "analyst@example.org", "").roles == frozenset()
    with reading(workspace.engine) as connection:
        assert len(events.of_type(connection, "role.granted")) == 1
        assert len(events.of_type(connection, "role.revoked")) == 1
    with pytest.raises(UsageError, match="e-mail"):
        who.grant(administrator, "no address", Role.ANALYST)
    with pytest.raises(AccessDenied):
        who.grant(Access(workspace, person(Role.ANALYST)), "a@example.org", Role.ADMINISTRATOR)


def test_the_settings_name_the_first_administrator(workspace: Workspace) -> None:
    chosen = workspace.settings.access.model_copy(update={"administrators": ("Boss@example.org",)})
    workspace.settings = workspace.settings.model_copy(update={"access": chosen})
    assert who.person_of(workspace, "boss@example.org", "").roles == {Role.ADMINISTRATOR}
    assert dataclasses.asdict(LOCAL_ADMINISTRATOR)["roles"] == {Role.ADMINISTRATOR}
