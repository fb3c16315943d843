"""What the replay finds goes to the document whose event was changed, and to nobody else."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from servers import free_port

from signing_core.audit_log import events
from signing_core.audit_log.log import AuditLog
from signing_core.audit_log.tree import leaf_hash
from signing_core.bulk import gathering, log_state, results
from signing_core.bulk.exceptions import Case
from signing_core.bulk.gathering import Gathered
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results
from signing_core.desk import Desk
from signing_core.errors import TimeStampUnavailable
from signing_core.findings import key_of
from signing_core.keys.tsa_server import serve
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import audit_events
from signing_core.storage.workspace import Workspace
from signing_core.testing import CLIENT, ManualClock, Play, contract

Row = dict[str, Any]


def found(code: str, seq: int | None, message: str = "", severity: str = "error", **more: Any) -> Row:
    message = message or f"Something about {seq}."
    return {"code": code, "seq": seq, "message": message, "severity": severity, "document_id": None, **more}


def root(size: int) -> Row:
    return found(
        "checkpoint-root", size, f"The checkpoint of {size} events was signed over other events than are stored."
    )


def cases(folder: Path, *rows: Row, sound: int = 0) -> dict[str, Case]:
    store = Results(folder)
    table = pa.Table.from_pylist([{"previous": None, **row} for row in rows], schema=log_state.SCHEMA)
    results.write(store.folder / "audit_log.parquet", table, {"sound": sound})
    gathered = Gathered()
    gathering._log(store, gathered)
    return {case.subject: case for case in gathered.cases}


EDITED = found("event-altered", 100, "Event 100 was altered.", document_id="D1")
AFTER = found("chain-broken", 120, "Event 120 does not follow.", document_id="D1", previous=100)


def test_a_warning_about_a_size_of_the_tree_is_a_remark_about_the_log(tmp_path: Path) -> None:
    message = "The anchor by someone over 500 events is by an authority that nobody told us to trust."
    for others in ((), (EDITED, AFTER)):
        case = cases(tmp_path, *others, found("anchor-untrusted", 500, message, "warning"))["audit-log"]
        assert (case.codes, case.document_id) == (["log-remark"], None)
        assert case.evidence == ["log anchor-untrusted by someone over 500"]


def test_an_edited_event_is_one_finding_with_the_next_that_does_not_chain(tmp_path: Path) -> None:
    told = cases(tmp_path, EDITED, found("event-columns", 100, "Other time.", document_id="D1"), AFTER)
    assert list(told) == ["D1"]
    assert {(one.code, one.evidence) for one in told["D1"].findings} == {("event-changed", ("event 100",))}


@pytest.mark.parametrize("code", ["event-altered", "event-malformed", "chain-broken"])
def test_what_is_wrong_with_one_event_names_its_document(tmp_path: Path, code: str) -> None:
    told = cases(tmp_path, found(code, 7, document_id="D7"))
    assert [(case.subject, case.code, case.evidence) for case in told.values()] == [
        ("D7", "event-changed", ["event 7"])
    ]


def test_an_event_listed_otherwise_is_no_finding_that_the_reconciliation_could_call_gone(tmp_path: Path) -> None:
    told = cases(tmp_path, found("event-columns", 7, document_id="D7"), root(300), found("time-goes-back", 7))
    assert {subject: case.codes for subject, case in told.items()} == {
        "D7": ["log-disagrees"],
        "audit-log": ["log-inconsistent"],  # what is listed is in no hash, so it explains no other root
    }


def test_an_edited_event_of_no_document_is_about_the_log(tmp_path: Path) -> None:
    (case,) = cases(tmp_path, found("event-altered", 7)).values()
    assert (case.subject, case.code, case.evidence) == ("audit-log", "log-inconsistent", ["log event-altered 7"])


def test_the_registry_against_an_event_names_its_document(tmp_path: Path) -> None:
    told = cases(tmp_path, EDITED, found("registry-contradicts", 428, document_id="D2"))
    assert {subject: case.code for subject, case in told.items()} == {"D1": "event-changed", "D2": "log-disagrees"}


def test_what_follows_from_an_edited_event_is_in_its_case(tmp_path: Path) -> None:
    follows = (
        root(101),
        root(300),
        found("anchor-alone", 300, "The anchor by us over 300 events has no good checkpoint that it is about."),
        found("signer-memory", None, "The signer signed 300 other events than are stored."),
        found("node-wrong", 100, "In the tree, node 50 of level 1 is not over its events."),
        found("node-wrong", 0, "In the tree, node 0 of level 8 is not over its events."),
        found("back-dated", 100, "Event 100 claims an earlier time."),
    )
    (case,) = cases(tmp_path, EDITED, AFTER, *follows).values()
    assert (case.subject, case.code) == ("D1", "event-changed")
    keys = {key_of(one) for one in case.findings}
    assert len(keys) == 1 + len(follows)  # in one case, and each to be decided on by itself


@pytest.mark.parametrize(
    "other",
    [
        root(100),  # of the events before it
        found("checkpoint-signature", 300, "The checkpoint of 300 events is not one of ours."),
        found("checkpoint-beyond", 500, "The checkpoint of 600 events was signed, but there are only 500."),
        found("anchor-alone", 300, "The anchor by us over 300 events has no good checkpoint that it is about."),
        found("anchor-invalid", 300, "The anchor by us over 300 events does not verify."),
        found("node-wrong", 104, "In the tree, node 13 of level 3 is not over its events."),
        found("node-missing", 100, "The tree lacks node 50 of level 1."),
        found("signer-memory", None, "The signer's memory is gone although checkpoints were signed."),
        found("events-missing", 300, "Event 300 is missing."),
        found("back-dated", 200, "Event 200 claims an earlier time."),
        found("personal-altered", None, f"The personal value of commitment {'a' * 64} was altered."),
        found("registry-unlogged", None, "Document D9 is completed, but no event says so."),
    ],
    ids=lambda row: f"{row['code']}-{row['seq']}",
)
def test_what_an_edited_event_does_not_explain_is_about_the_log(tmp_path: Path, other: Row) -> None:
    told = cases(tmp_path, EDITED, AFTER, other)
    assert set(told) == {"D1", "audit-log"}
    assert told["audit-log"].code == "log-inconsistent"


def test_where_a_good_checkpoint_is_over_it_an_edited_event_explains_no_other_root(tmp_path: Path) -> None:
    assert set(cases(tmp_path, EDITED, AFTER, root(300), sound=400)) == {"D1", "audit-log"}
    assert set(cases(tmp_path, EDITED, AFTER, root(300), sound=90)) == {"D1"}


def test_where_only_the_chain_is_broken_the_event_before_may_be_the_changed_one(tmp_path: Path) -> None:
    assert set(cases(tmp_path, AFTER, root(110))) == {"D1"}
    assert set(cases(tmp_path, AFTER, root(110), sound=105)) == {"D1"}  # under 105 all is well: it is one from 105 on
    assert set(cases(tmp_path, AFTER, root(100))) == {"D1", "audit-log"}


def test_two_edited_documents_each_have_what_follows_from_theirs(tmp_path: Path) -> None:
    second = found("event-altered", 50, document_id="D2")
    told = cases(tmp_path, EDITED, AFTER, second, root(80), root(300))
    assert (told["D2"].codes, told["D1"].codes) == (["event-changed", "log-disagrees"], ["event-changed"])


def test_a_second_edited_event_of_a_document_is_another_finding(tmp_path: Path) -> None:
    second = found("event-altered", 150, document_id="D1")
    (case,) = cases(tmp_path, EDITED, AFTER, second).values()
    assert len({key_of(one) for one in case.findings}) == 2


def test_different_things_of_the_log_are_different_findings(tmp_path: Path) -> None:
    rows = (
        root(100),
        found("checkpoint-signature", 5000),
        found("checkpoint-signature", 6000),
        *(
            found("checkpoint-beyond", 50, f"The checkpoint of {n} events was signed, but there are only 50.")
            for n in (60, 70)
        ),
        *(found("node-wrong", 0, f"In the tree, node 0 of level {n} is not over its events.") for n in (1, 2)),
        *(found("anchor-invalid", 300, f"The anchor by {n} over 300 events does not verify.") for n in "AB"),
        *(found("personal-altered", None, f"The personal value of commitment {n * 64} was altered.") for n in "ab"),
    )
    (case,) = cases(tmp_path, *rows).values()
    assert len({key_of(one) for one in case.findings}) == len(rows)


def test_the_same_thing_stays_one_finding_while_the_log_grows(tmp_path: Path) -> None:
    keys = set()
    for size in (50, 51):
        row = found("checkpoint-beyond", size, f"The checkpoint of 60 events was signed, but there are only {size}.")
        (one,) = cases(tmp_path, row)["audit-log"].findings
        keys.add(key_of(one))
    assert len(keys) == 1


@pytest.mark.parametrize("leaf", [False, True], ids=["body-only", "with-its-leaf"])
def test_an_event_edited_in_the_database_is_one_exception(workspace: Workspace, leaf: bool) -> None:
    play = Play(Desk(workspace))
    innocent = play.create(contract(1), client=replace(CLIENT, copy_email=None))
    document = play.create(contract(2), client=replace(CLIENT, copy_email=None))
    with writing(workspace.engine) as connection:
        for one in (document, document, innocent):
            events.append(connection, type="document.opened", time=workspace.clock(), document_id=one, actor="system")
    AuditLog(workspace).checkpoint()
    with reading(workspace.engine) as connection:
        event = events.of_document(connection, document)[-2]
    body = event.body.replace(b'"actor":"system"', b'"actor":"nobody"')
    assert body != event.body
    changes = {"body": body, "leaf_hash": leaf_hash(body)} if leaf else {"body": body}
    with writing(workspace.engine) as connection:
        connection.execute(sa.update(audit_events).where(audit_events.c.seq == event.seq).values(**changes))
    store = Results(workspace.path / "results")
    report = log_state.replay(workspace, store)
    assert ("checkpoint-root" in {one.code for one in report.findings}) is leaf
    gathered = Gathered()
    gathering._log(store, gathered)
    assert [(case.subject, case.code) for case in gathered.cases] == [(document, "event-changed")]


def about_the_log(store: Results) -> list[tuple[str, str, list[str]]]:
    gathered = Gathered()
    gathering._log(store, gathered)
    return [(case.subject, case.code, case.evidence) for case in gathered.cases]


def test_a_log_that_was_cut_is_an_exception_before_the_next_replay(blank_copy: Callable[..., Path]) -> None:
    before = blank_copy("before")
    folder = Path(shutil.copytree(before, before.with_name("after")))
    with Workspace.open(folder) as workspace:
        store = Results(folder / "results")
        Play(Desk(workspace)).create(contract(1))
        log_state.anchor(workspace, store)
        assert log_state.consistency(workspace, store).problem is None
        assert about_the_log(store) == []
        with reading(workspace.engine) as connection:
            seen = events.size(connection)
    with Workspace.open(before) as cut:  # the key and everything in the database are as they were a day ago
        assert log_state.consistency(cut, store).problem is not None
        assert about_the_log(store) == [("audit-log", "log-inconsistent", [f"log kept-checkpoint {seen}"])]
        Play(Desk(cut)).create(contract(2))
        log_state.consistency(cut, store)
        assert about_the_log(store) == [("audit-log", "log-inconsistent", [f"log kept-checkpoint {seen}"])]
    with Workspace.open(folder) as workspace:  # restored
        log_state.consistency(workspace, store)
        assert about_the_log(store) == []


def test_a_kept_checkpoint_that_was_forged_is_an_exception(blank_copy: Callable[..., Path]) -> None:
    with Workspace.open(blank_copy()) as workspace:
        store = Results(workspace.path / "results")
        log_state.anchor(workspace, store)
        (store.folder / "last-checkpoint.json").write_text("{}")
        log_state.consistency(workspace, store)
        assert about_the_log(store) == [("audit-log", "log-inconsistent", ["log kept-checkpoint untrusted"])]


@pytest.mark.parametrize("outside", [True, False])
def test_an_old_anchor_is_an_exception_where_somebody_outside_is_to_anchor(
    blank_copy: Callable[..., Path], outside: bool
) -> None:
    settings = f'\n[time_stamps]\nurl = "http://127.0.0.1:{free_port()}/"\n' if outside else ""
    clock = ManualClock()
    with Workspace.open(blank_copy(settings=settings), clock=clock) as workspace:
        store = Results(workspace.path / "results")
        Play(Desk(workspace)).create(contract(1))
        clock.forward(hours=27)
        _, problem = log_state.look_at_protection(workspace, store)
        assert problem is not None
        assert about_the_log(store) == ([("audit-log", "log-remark", ["log anchor-old"])] if outside else [])


def test_an_anchor_ends_that_exception(blank_copy: Callable[..., Path]) -> None:
    port = free_port()
    clock = ManualClock()
    url = f'\n[time_stamps]\nurl = "http://127.0.0.1:{port}/"\n'
    with Workspace.open(blank_copy(settings=url), clock=clock) as workspace:
        store = Results(workspace.path / "results")
        Play(Desk(workspace)).create(contract(1))
        clock.forward(hours=27)
        with pytest.raises(TimeStampUnavailable):
            log_state.anchor(workspace, store)
        assert [one[1] for one in about_the_log(store)] == ["log-remark"]
        with serve(workspace.keys().time_stamp_authority, port=port):
            log_state.anchor(workspace, store)
        assert about_the_log(store) == []


def test_a_damaged_result_of_a_night_says_so(tmp_path: Path) -> None:
    store = Results(tmp_path)
    (tmp_path / "log_consistency.json").write_text("{")
    assert about_the_log(store) == [("audit-log", "log-remark", ["log unreadable log_consistency"])]


def test_a_nightly_finding_was_looked_for_when_it_was_found(blank_copy: Callable[..., Path]) -> None:
    """And not when the log was last replayed: what was closed as fixed since then, and is found again, is open again."""
    clock = ManualClock()
    with Workspace.open(blank_copy(), clock=clock) as workspace:
        store = Results(workspace.path / "results")
        log_state.replay(workspace, store)
        log_state.anchor(workspace, store)
        (store.folder / "last-checkpoint.json").write_text("{}")
        at = clock.forward(days=1)
        log_state.consistency(workspace, store)
        with Ledger(store.folder / "intake.sqlite") as ledger:
            cases = gathering.gather(store, ledger, at).cases
        (found,) = cases.findings()
        assert cases.looked_at(found) == at
