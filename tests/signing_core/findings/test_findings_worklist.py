"""The work list: one row for one state of affairs, and two people for every decision."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from signing_core import findings
from signing_core.access import Access, Person, Role
from signing_core.audit_log import events
from signing_core.controls import ControlFinding
from signing_core.desk import Desk
from signing_core.errors import AccessDenied, ConcurrentChange, UsageError
from signing_core.findings import deciding, recording
from signing_core.storage import schema
from signing_core.storage.database import reading, writing
from signing_core.storage.workspace import Workspace
from signing_core.testing import CLIENT, DIRECTOR, ManualClock, Play, contract


@pytest.fixture
def document(workspace: Workspace) -> str:
    return Play(Desk(workspace)).create(contract(1), client=replace(CLIENT, contact=DIRECTOR.contact, copy_email=None))


def analyst(workspace: Workspace, name: str, role: Role = Role.ANALYST) -> Access:
    return Access(workspace, Person(f"{name}@example.org", name, frozenset({role})))


def rows(workspace: Workspace) -> list[sa.Row[Any]]:
    with reading(workspace.engine) as connection:
        return list(connection.execute(sa.select(schema.findings)))


def types(workspace: Workspace, document: str) -> list[str]:
    with reading(workspace.engine) as connection:
        return [event.type for event in events.of_document(connection, document)]


def test_the_controls_fill_the_list_once_and_name_nobody(workspace: Workspace, document: str) -> None:
    first = findings.refresh(workspace)
    again = findings.refresh(workspace)
    assert (first.found, first.new, again.new, again.gone) == (1, 1, 0, 0)
    (row,) = rows(workspace)
    assert (row.code, row.document_id, row.state, row.team) == ("parties-share-contact", document, "open", "compliance")
    assert CLIENT.name not in row.message and DIRECTOR.name not in row.message


def test_what_is_no_longer_found_says_since_when(workspace: Workspace, document: str, clock: ManualClock) -> None:
    findings.refresh(workspace)
    Desk(workspace).replace_contact(document, "client", CLIENT.contact)  # type: ignore[arg-type]
    clock.forward(hours=1)
    assert findings.refresh(workspace).gone == 1
    assert rows(workspace)[0].gone_at == clock.now


def test_more_events_of_the_same_thing_are_the_same_finding(
    workspace: Workspace, document: str, clock: ManualClock
) -> None:
    def found(*evidence: str) -> ControlFinding:
        return ControlFinding("verified-as-altered", document, "Checks found it altered.", evidence)

    with writing(workspace.engine) as connection:
        assert findings.record(connection, [found("event 3")], [document], clock.now)[1] == 1
        assert findings.record(connection, [found("event 3", "event 9")], [document], clock.now)[1] == 0
        two = [
            ControlFinding("mailed-file-differs", document, "Message differs.", (f"message {n}",)) for n in ("A", "B")
        ]
        assert findings.record(connection, two, [document], clock.now)[1] == 2


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (
            ControlFinding("log-inconsistent", None, "Another root.", ("log checkpoint-root 100",)),
            ControlFinding("log-inconsistent", None, "Not one of ours.", ("log checkpoint-signature 5000",)),
        ),
        (
            ControlFinding("log-inconsistent", None, "Event 100 was altered.", ("event 100",)),
            ControlFinding("log-inconsistent", None, "Event 5000 was altered.", ("event 5000",)),
        ),
        (
            ControlFinding("batch-stopped", None, "30 of 30 files are not in order.", ("batch 2026-11-25/inbox-001",)),
            ControlFinding("batch-stopped", None, "3 of 30 files are missing.", ("batch 2026-11-25/inbox-001",)),
        ),
        (
            ControlFinding("batch-stopped", None, "3 of 30 files are missing.", ("batch 2026-11-25/inbox-001",)),
            ControlFinding("batch-stopped", None, "3 of 30 files are missing.", ("batch 2026-11-25/inbox-002",)),
        ),
        (
            ControlFinding("code-confirmed-late", "D1", "The code of the client.", ("event 3",)),
            ControlFinding("code-confirmed-late", "D1", "The code of the first party.", ("event 9",)),
        ),
        (
            ControlFinding("event-changed", "D1", "Event 3 is not what was appended.", ("event 3",)),
            ControlFinding("event-changed", "D1", "Event 9 is not what was appended.", ("event 9",)),
        ),
        (
            ControlFinding("registry-differs-from-log", "D1", f"The registry names {'a' * 64}.", ("event 9",)),
            ControlFinding("registry-differs-from-log", "D1", f"The registry names {'b' * 64}.", ("event 9",)),
        ),
        (
            ControlFinding("stored-file-changed", "D1", f"It now hashes to {'a' * 64}.", ("object abc",)),
            ControlFinding("stored-file-changed", "D1", f"It now hashes to {'b' * 64}.", ("object abc",)),
        ),
    ],
    ids=lambda one: one.message,
)
def test_closing_one_settles_no_other(
    workspace: Workspace, document: str, clock: ManualClock, first: ControlFinding, other: ControlFinding
) -> None:
    if first.document_id:
        first, other = (replace(one, document_id=document) for one in (first, other))
    with writing(workspace.engine) as connection:
        findings.record(connection, [first], None, clock.now, codes=())
    (row,) = rows(workspace)
    findings.propose(analyst(workspace, "one"), row.id, "false-alarm", "It was our own restore.")
    findings.close(analyst(workspace, "two"), row.id)
    with writing(workspace.engine) as connection:
        assert findings.record(connection, [first, other], None, clock.now, codes=())[1] == 1
        stands = findings.standing(connection, [first, other])
    assert stands == {findings.key_of(first): "false-alarm", findings.key_of(other): "open"}


def test_a_batch_that_stopped_for_the_same_reason_is_the_same_finding() -> None:
    def stopped(message: str) -> str:
        return findings.key_of(ControlFinding("batch-stopped", None, message, ("batch 2026-11-25/inbox-001",)))

    one = "Its files were read last at 2026-11-25 02:00 UTC; every night was to look at them anew."
    assert stopped("30 of 30 files are missing.") == stopped("29 of 30 files are missing.")
    assert stopped(one) == stopped(one.replace("25 02:00", "26 02:05"))


def test_the_row_says_what_was_found_last_until_it_is_closed(workspace: Workspace, clock: ManualClock) -> None:
    def find(count: int) -> str:
        one = ControlFinding("verified-as-altered", None, f"{count} checks found it altered.", ("file abc",))
        clock.forward(minutes=1)
        with writing(workspace.engine) as connection:
            findings.record(connection, [one], None, clock.now, codes=())
        return str(rows(workspace)[0].message)

    def close(disposition: str) -> None:
        findings.propose(analyst(workspace, "one"), rows(workspace)[0].id, disposition, "because")
        findings.close(analyst(workspace, "two"), rows(workspace)[0].id)

    assert [find(1), find(2)] == ["1 checks found it altered.", "2 checks found it altered."]
    close("fixed")
    assert find(3) == "3 checks found it altered."  # open again
    close("accepted")
    assert find(4) == "3 checks found it altered."  # what was decided on


def test_only_what_was_looked_for_is_gone(workspace: Workspace, document: str, clock: ManualClock) -> None:
    one = ControlFinding("stuck", document, "It waits.", ("event 3",))
    two = ControlFinding("file-foreign", None, "Somebody else's.", ("file abc",))
    with writing(workspace.engine) as connection:
        findings.record(connection, [one, two], None, clock.now)
        assert findings.record(connection, [], [document], clock.now, codes={"parties-share-ip"})[3] == 0
        assert findings.record(connection, [], [document], clock.now, codes={"stuck"})[3] == 1
        assert findings.record(connection, [], None, clock.now, codes={"file-foreign"})[3] == 1
        assert findings.standing(connection, [one, two]) == {findings.key_of(one): "open", findings.key_of(two): "open"}


def test_thousands_are_recorded_a_few_hundred_at_a_time(
    workspace: Workspace, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: list[int] = []

    def counted(connection: sa.Connection, found: list[ControlFinding], *given: Any, **more: Any) -> Any:
        together.append(len(found))
        return findings.record(connection, found, *given, **more)

    def named(count: int) -> list[ControlFinding]:
        return [ControlFinding("file-unsigned", None, "unsigned.", (f"file {number}",)) for number in range(count)]

    monkeypatch.setattr(recording, "record", counted)
    for count in (450, 448):
        clock.forward(hours=24)
        now = clock()
        recording.record_of_all(
            workspace, [*named(count), *named(count)], now, codes=("file-unsigned",), looked_at=lambda _: clock()
        )
    assert together == [200, 200, 50, 200, 200, 48]
    kept = [row for row in rows(workspace) if row.code == "file-unsigned"]
    assert len(kept) == 450
    assert {row.evidence[0] for row in kept if row.gone_at == now} == {"file 448", "file 449"}
    assert {row.last_seen_at for row in kept if row.gone_at is None} == {now}


def test_what_was_decided_after_the_look_stands(workspace: Workspace, document: str, clock: ManualClock) -> None:
    one = ControlFinding("file-unsigned", None, "unsigned.", ("file abc",))
    looked_at = clock.now
    with writing(workspace.engine) as connection:
        findings.record(connection, [one], None, clock.now)
    clock.forward(minutes=1)
    (row,) = rows(workspace)
    findings.propose(analyst(workspace, "one"), row.id, "fixed", "The signed one has come.")
    findings.close(analyst(workspace, "two"), row.id)
    for looked, reopened in ((looked_at, 0), (clock.forward(minutes=1), 1)):
        with writing(workspace.engine) as connection:
            assert findings.record(connection, [one], None, clock.now, looked_at=lambda _, at=looked: at)[2] == reopened


def test_two_people_close_a_finding(workspace: Workspace, document: str, clock: ManualClock) -> None:
    findings.refresh(workspace)
    one, two = analyst(workspace, "one"), analyst(workspace, "two")
    finding = rows(workspace)[0].id
    findings.assign(one, finding, assignee="one@example.org", due_at=clock.now + timedelta(days=3))
    with pytest.raises(UsageError, match="Nothing is proposed"):
        findings.close(two, finding)
    with pytest.raises(UsageError, match="Say why"):
        findings.propose(one, finding, "accepted", "  ")
    findings.propose(one, finding, "accepted", "They share an office mailbox.")
    with pytest.raises(AccessDenied, match="second person"):
        findings.close(one, finding)
    findings.close(two, finding)
    (row,) = rows(workspace)
    assert (row.state, row.disposition, row.proposed_by, row.closed_by) == (
        "closed",
        "accepted",
        "one@example.org",
        "two@example.org",
    )
    steps = ["finding.assigned", "finding.proposed", "access.denied", "finding.closed"]
    assert [type for type in types(workspace, document) if type.startswith(("finding", "access"))] == steps
    with pytest.raises(UsageError, match="closed already"):
        findings.propose(two, finding, "fixed", "again")


def test_what_is_sent_back_is_open_again(workspace: Workspace, document: str) -> None:
    findings.refresh(workspace)
    finding = rows(workspace)[0].id
    findings.propose(analyst(workspace, "one"), finding, "false-alarm", "Not the same mailbox.")
    findings.send_back(analyst(workspace, "two"), finding, "It is; look at the address.")
    (row,) = rows(workspace)
    assert (row.state, row.disposition, row.proposed_by) == ("open", None, None)


def test_a_fixed_finding_that_comes_back_is_open_again_and_an_accepted_one_is_not(
    workspace: Workspace, document: str
) -> None:
    findings.refresh(workspace)
    finding = rows(workspace)[0].id
    for disposition, state in (("fixed", "open"), ("accepted", "closed")):
        findings.propose(analyst(workspace, "one"), finding, disposition, "because")
        findings.close(analyst(workspace, "two"), finding)
        findings.refresh(workspace)
        assert rows(workspace)[0].state == state
    assert types(workspace, document).count("finding.reopened") == 1


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.AUTHOR, Role.FIRST_PARTY])
def test_others_decide_nothing(workspace: Workspace, document: str, role: Role) -> None:
    findings.refresh(workspace)
    finding = rows(workspace)[0].id
    with pytest.raises(AccessDenied):
        findings.propose(analyst(workspace, "other", role), finding, "accepted", "because")
    assert rows(workspace)[0].state == "open"
    assert "access.denied" in types(workspace, document)


def test_two_decisions_at_the_same_moment(workspace: Workspace, document: str, monkeypatch: pytest.MonkeyPatch) -> None:
    findings.refresh(workspace)
    finding = rows(workspace)[0]
    one = analyst(workspace, "one")
    findings.propose(one, finding.id, "accepted", "first")
    monkeypatch.setattr(deciding, "_load", lambda *_: finding)  # as it was read before the first was written
    with pytest.raises(ConcurrentChange):
        findings.propose(analyst(workspace, "two"), finding.id, "fixed", "second")
    assert rows(workspace)[0].disposition == "accepted"


def test_a_completed_document_whose_row_was_deleted_is_found(completed: Any, tmp_path: Path) -> None:
    """By "look at everything again" as by the pipelines: both look through one driver, at what any record knows."""
    from signing_core.bulk import flow_controls
    from signing_core.bulk.results import Results, rows_of

    folder = Path(shutil.copytree(completed.folder, tmp_path / "workspace"))
    with sqlite3.connect(folder / "database.sqlite") as connection:
        connection.execute("DELETE FROM documents")
    with Workspace.open(folder) as workspace:
        assert findings.refresh(workspace).documents == 1
        (row,) = rows(workspace)
        assert (row.code, row.document_id) == ("registry-differs-from-log", completed.document_id)
        store = Results(workspace.path / "results")
        flow_controls.make(workspace, store)
        assert [one["code"] for one in rows_of(store.folder / "controls.parquet")] == ["registry-differs-from-log"]
        assert [(one.id, one.gone_at) for one in rows(workspace)] == [(row.id, None)]
