"""Who may do what, as a table: every action for every role, and an event for every denied try."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from dashboards import queries
from signing_core import access as who
from signing_core import findings
from signing_core.access import Access, Person, Role, acting
from signing_core.audit_log import events
from signing_core.desk import Author, Desk, NewDocument, Signer
from signing_core.errors import AccessDenied, DocumentUnknown, SendingLimited
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace
from signing_core.testing import contract
from signing_core.verification import verify

AUTHOR, DIRECTOR = "author1@example.org", "director.one@example.org"
SUBJECTS = {Role.AUTHOR: AUTHOR, Role.FIRST_PARTY: DIRECTOR}
A, F, N, U, X = Role.AUTHOR, Role.FIRST_PARTY, Role.ANALYST, Role.AUDITOR, Role.ADMINISTRATOR
EVERYBODY = {A, F, N, U, X}


@dataclass
class Case:
    """One person and what there is to act on: documents that author and first party see as their own, and a finding."""

    access: Access
    completed: str
    finding: str

    def draft(self, *, sent: bool = False) -> str:
        desk = Desk(self.access.workspace)
        document_id = desk.create(new(AUTHOR))
        if sent:
            desk.send(document_id)
        return document_id

    @property
    def verdict(self) -> Any:
        return verify(contract(1), at=self.access.workspace.clock())


def resend(case: Case) -> None:
    with suppress(SendingLimited):  # it was sent just now: that is not for lack of a right
        acting.resend(case.access, case.draft(sent=True))


def new(author: str) -> NewDocument:
    return NewDocument(
        source=contract(1),
        title="Sample draft",
        author=Author("Sample Author 1", author),
        first_party=Signer("Sample Director One", DIRECTOR),
        client=Signer("Sample Client", "client@example.net"),
    )


ACTIONS: dict[str, tuple[Callable[[Case], Any], set[Role]]] = {
    "list documents": (lambda c: queries.search(c.access, queries.Filters()), EVERYBODY),
    "export a list": (lambda c: queries.matching(c.access, queries.Filters(), most=5), EVERYBODY),
    "today": (lambda c: queries.today(c.access, since=None), EVERYBODY),
    "open a document": (lambda c: c.access.document(c.completed), EVERYBODY),
    "evidence pack": (lambda c: acting.evidence(c.access, c.completed), EVERYBODY),
    "create": (lambda c: acting.create(c.access, new(c.access.person.subject)), {A, X}),
    "send": (lambda c: acting.send(c.access, c.draft()), {A, N, X}),
    "resend": (lambda c: resend(c), {A, N, X}),
    "void": (lambda c: acting.void(c.access, c.draft(), "A sample reason"), {A, N, X}),
    "verify on record": (lambda c: acting.verify(c.access, c.completed, via="test"), {A, N, X}),
    "record a verdict": (lambda c: acting.record(c.access, c.completed, c.verdict, via="test"), {A, N, X}),
    "work list": (lambda c: queries.find_findings(c.access, queries.FindingFilters()), {N, U, X}),
    "one finding": (lambda c: queries.finding(c.access, c.finding), {N, U, X}),
    "findings by kind": (lambda c: queries.findings_by_code(c.access), {N, U, X}),
    "assign": (lambda c: findings.assign(c.access, c.finding, assignee="x@example.org", due_at=None), {N, X}),
    "propose": (lambda c: findings.propose(c.access, c.finding, "accepted", "A sample reason"), {N, X}),
    "verdicts over time": (lambda c: queries.verdicts_by_day(c.access), {N, U, X}),
    "directory": (lambda c: queries.directory(c.access), {A, N, U, X}),
    "choose from the directory": (lambda c: queries.choices(c.access, "client"), {A, N, U, X}),
    "add a party": (
        lambda c: acting.add_party(c.access, kind="client", name="Sample", language="en", email="s@example.net"),
        {X},
    ),
    "add a template": (lambda c: acting.add_template(c.access, "Sample", b"= Sample", kind="typst", fields=[]), {X}),
    "audit log": (lambda c: queries.log_page(c.access), {N, U, X}),
    "checkpoints": (lambda c: queries.checkpoint_rows(c.access), {N, U, X}),
    "anchors": (lambda c: queries.anchor_rows(c.access), {N, U, X}),
    "start a run": (lambda c: acting.started_run(c.access, "full_replay", "0" * 8, None), {N, X}),
    "grant a role": (lambda c: who.grant(c.access, "new@example.org", Role.AUDITOR), {X}),
    "revoke a role": (lambda c: who.revoke(c.access, "new@example.org", Role.AUDITOR), {X}),
}


@pytest.fixture(scope="module")
def workspace(furnished: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    import shutil

    folder = tmp_path_factory.mktemp("rights") / "workspace"
    shutil.copytree(furnished.folder, folder)
    with Workspace.open(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def subjects_documents(workspace: Workspace) -> tuple[str, str]:
    """A completed document of author 1 with director 1, and a finding."""
    from signing_core.testing import Play

    play = Play(Desk(workspace))
    document_id = play.create(contract(1), author=Author("Sample Author 1", AUTHOR))
    play.to_completion(document_id)
    with reading(workspace.engine) as connection:
        finding = connection.exec_driver_sql("SELECT id FROM findings ORDER BY id").scalar()
    return document_id, str(finding)


def denied(workspace: Workspace) -> list[events.Event]:
    with reading(workspace.engine) as connection:
        return events.of_type(connection, "access.denied")


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_table(workspace: Workspace, subjects_documents: tuple[str, str], action: str, role: Role) -> None:
    act, allowed = ACTIONS[action]
    completed, finding = subjects_documents
    subject = SUBJECTS.get(role, f"{role}@example.org")
    case = Case(Access(workspace, Person(subject, "Sample Person", frozenset({role}))), completed, finding)
    if role is Role.FIRST_PARTY:
        # What this person signs, not what the director of the sample play signs.
        case.completed = _signed_by(workspace, DIRECTOR) or completed
    before = len(denied(workspace))
    if role in allowed:
        act(case)
        assert len(denied(workspace)) == before
    else:
        with pytest.raises(AccessDenied):
            act(case)
        (event,) = denied(workspace)[before:]
        assert event.actor == str(role)
        assert "commitment" in event.data["person"]  # who it was stands beside the log


def _signed_by(workspace: Workspace, contact: str) -> str | None:
    with reading(workspace.engine) as connection:
        found = connection.exec_driver_sql(
            "SELECT d.id FROM documents d JOIN document_parties p ON p.document_id = d.id "
            "WHERE p.contact = ? AND p.role = 'first-party' AND d.status = 'completed' ORDER BY d.id",
            (contact,),
        ).scalars()
        return next((str(one) for one in found if _stored(workspace, str(one))), None)


def _stored(workspace: Workspace, document_id: str) -> bool:
    final = Desk(workspace).status(document_id)["final"]
    return final is not None and workspace.objects.exists(final["sha256"])


def test_what_is_not_ones_own_is_as_if_it_were_not_there(workspace: Workspace, subjects_documents: Any) -> None:
    stranger = Access(workspace, Person("author5@example.org", "Sample Person", frozenset({Role.AUTHOR})))
    completed, _ = subjects_documents
    for act in (
        lambda: stranger.document(completed),
        lambda: acting.evidence(stranger, completed),
        lambda: acting.verify(stranger, completed, via="test"),
        lambda: acting.void(stranger, completed, "A sample reason"),
    ):
        before = len(denied(workspace))
        with pytest.raises(DocumentUnknown, match="among those you may see"):
            act()
        assert [event.data["because"] for event in denied(workspace)[before:]] == ["not-own-document"]


def test_an_author_creates_in_its_own_name_only(workspace: Workspace) -> None:
    author = Access(workspace, Person(AUTHOR, "Sample Author 1", frozenset({Role.AUTHOR})))
    before = len(denied(workspace))
    with pytest.raises(AccessDenied, match="own name"):
        acting.create(author, new("author2@example.org"))
    assert [event.data["because"] for event in denied(workspace)[before:]] == ["not-own-name"]
