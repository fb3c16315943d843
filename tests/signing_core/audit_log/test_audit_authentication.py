"""Somebody who can write to the database and has no key appends, moves, copies, brings back and takes away events."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import forged_events
import pytest
import sqlalchemy as sa

from signing_core.audit_log import authentication, events
from signing_core.audit_log.events import NewEvent
from signing_core.audit_log.trail import AuditTrail
from signing_core.cli import main
from signing_core.errors import KeyUnavailable, LogInconsistent
from signing_core.storage.database import reading, with_event_key, writing
from signing_core.storage.schema import audit_events
from signing_core.storage.workspace import Workspace

House = Any
WRITTEN = r"Event {} \({}\) was not written with the keys of this workspace"


def consent(house: House, document: str) -> NewEvent:
    return NewEvent("consent.given", house.clock.forward(seconds=1), "client", document, {"role": "client"})


def refused(house: House, seq: int, type: str) -> None:
    """No checkpoint is signed over it, and the verification names it."""
    before = house.log.memory.read_bytes()
    with pytest.raises(LogInconsistent, match=WRITTEN.format(seq, type)) as error:
        house.log.checkpoint()
    assert "--accept-restored" in str(error.value)
    assert house.log.memory.read_bytes() == before
    assert seq in [f.seq for f in house.verify().findings if f.code == "event-unauthenticated"]


@pytest.mark.parametrize("code", [None, b"", bytes(32), "the one before"])
def test_an_event_that_somebody_without_the_keys_appended_is_not_signed(house: House, code: Any) -> None:
    house.log.checkpoint()
    if code == "the one before":
        code = house.query("SELECT mac FROM audit_events WHERE seq = 8")[0][0]
    document = house.documents[1]
    (forged,) = forged_events.append(house.workspace.engine, consent(house, document), code=code)
    refused(house, forged.seq, "consent.given")
    assert AuditTrail.of(house.workspace, document).broken == (forged.seq,)
    house.append(document=document)  # and what is written after it does not make it good
    refused(house, forged.seq, "consent.given")


def test_an_event_copied_from_another_document_is_not_believed(house: House) -> None:
    house.log.checkpoint()
    (row,) = forged_events.of(house.workspace.engine, [6])
    (copy,) = forged_events.append(house.workspace.engine, consent(house, house.documents[0]), code=row.mac)
    refused(house, copy.seq, "consent.given")
    # As it is, and listed as the other document's.
    values = {"body": row.body, "leaf_hash": row.leaf_hash, "mac": row.mac}
    with writing(house.workspace.engine) as connection:
        connection.execute(sa.update(audit_events).where(audit_events.c.seq == copy.seq).values(**values))
    assert house.codes() & {"event-columns", "event-unauthenticated"}
    with reading(house.workspace.engine) as connection:
        log = events.of_document(connection, house.documents[0])
        assert authentication.forged(connection, log) == log[-1]


def test_a_genuine_event_that_is_listed_as_another_one_is_not_believed(house: House) -> None:
    """Queries and steps go by the columns: a page that was opened would be a consent."""
    opened = house.append("link.opened", house.documents[0], role="client")
    house.sql("UPDATE audit_events SET type = 'consent.given' WHERE seq = ?", opened.seq)
    with reading(house.workspace.engine) as connection:
        forged = authentication.forged(connection, events.of_document(connection, house.documents[0]))
    assert forged is not None and forged.seq == opened.seq
    checked = house.append("document.verified", house.documents[0])
    house.sql("UPDATE audit_events SET mac = NULL, type = 'access.denied' WHERE seq = ?", checked.seq)
    with reading(house.workspace.engine) as connection:
        row = forged_events.of(house.workspace.engine, [checked.seq])[0]
        assert not authentication.holds(house.workspace.keys().event_key, "access.denied", None, row.body, None)


def test_an_old_event_put_back_is_not_believed(house: House) -> None:
    """Cut off, and put back where the program has written others since: before and behind."""
    house.log.checkpoint()
    document = house.documents[0]
    first, second = house.append("code.confirmed", document), house.append("consent.given", document)
    old = {row.seq: row for row in forged_events.of(house.workspace.engine, [first.seq, second.seq])}
    forged_events.cut_off(house.workspace.engine, first.seq)
    house.append(document=house.documents[1])
    house.append(document=house.documents[1])
    for seq in (second.seq, first.seq):
        now = forged_events.of(house.workspace.engine, [seq])[0]
        with writing(house.workspace.engine) as connection:
            connection.execute(sa.update(audit_events).where(audit_events.c.seq == seq).values(**old[seq]._mapping))
        with pytest.raises(LogInconsistent):
            house.log.checkpoint()
        # The old one first, and the new one behind it; or the new one first, and the old one behind it.
        assert second.seq in [f.seq for f in house.verify().findings if f.code == "event-unauthenticated"]
        with writing(house.workspace.engine) as connection:
            connection.execute(sa.update(audit_events).where(audit_events.c.seq == seq).values(**now._mapping))
    house.log.checkpoint()


def test_an_event_taken_away_is_missed_as_soon_as_another_one_follows(house: House) -> None:
    """The document whose event it was does not miss it; the one that comes next in the log does, and every checkpoint."""
    house.log.checkpoint()
    wrong, after = house.append("code.wrong", house.documents[0]), house.append("link.opened", house.documents[1])
    (row,) = forged_events.of(house.workspace.engine, [after.seq])
    forged_events.cut_off(house.workspace.engine, wrong.seq)
    moved = NewEvent(after.type, after.time, "client", after.document_id)
    forged_events.append(house.workspace.engine, moved, code=row.mac)
    refused(house, wrong.seq, "link.opened")
    forged_events.cut_off(house.workspace.engine, wrong.seq)
    house.log.checkpoint()  # the newest ones, that nothing refers to yet: nobody misses them
    assert house.codes() == set()


def test_a_type_that_is_new_has_a_code_and_only_what_looks_goes_without(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.log.checkpoint()
    forged_events.append(house.workspace.engine, NewEvent("document.verified", house.clock(), "verifier"))
    house.log.checkpoint()
    assert house.codes() == set()
    forged_events.append(house.workspace.engine, NewEvent("document.verified", house.clock(), "x"), code=bytes(32))
    assert house.codes() == {"event-unauthenticated"}, "a code that does not hold is none"
    house.workspace.close()
    monkeypatch.delenv("SEALTRAIL_PASSPHRASE")
    with Workspace.open(house.workspace.path, clock=house.clock) as without, writing(without.engine) as connection:
        for type in sorted(authentication.OPEN):
            events.append(connection, type=type, time=house.clock(), actor="system")
        for type in ("consent.given", "a.new-type"):
            with pytest.raises(KeyUnavailable):
                events.append(connection, type=type, time=house.clock(), actor="system")


def test_what_is_asked_of_the_flow_is_none_of_the_open_types() -> None:
    from signing_core.audit_log import files, signer
    from signing_core.flow.commands import EventType

    read = (
        {str(type) for type in EventType}
        | files.MAKING
        | {*signer.RESTS_ON, *signer.RESTS_ON.values(), signer.RESTORED}
    )
    assert not authentication.OPEN & (read | {"contact.replaced", "code.confirmed", "party.forgotten"})


def test_without_the_key_ring_it_is_said_that_nobody_looked(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    house.log.checkpoint()
    forged_events.append(house.workspace.engine, consent(house, house.documents[0]))
    house.workspace.close()
    monkeypatch.delenv("SEALTRAIL_PASSPHRASE")
    with pytest.raises(SystemExit) as ended:
        main(["audit", "verify", "--workspace", str(house.workspace.path)])
    assert not ended.value.code
    assert "Who wrote the events was not checked" in capsys.readouterr().out


def test_no_renewal_and_no_new_passphrase_takes_the_codes_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from signing_core.keys import vault

    ring = house.workspace.keys()
    for purpose in ("first-party", "seal", "time-stamp", "qr", "checkpoint"):
        ring.renew(purpose)
    ring.succeed_ca()
    house.append()
    house.workspace.close()
    vault.change_passphrase(ring.folder, os.environ["SEALTRAIL_PASSPHRASE"], "another passphrase for tests", work=10)
    monkeypatch.setenv("SEALTRAIL_PASSPHRASE", "another passphrase for tests")
    with Workspace.open(house.workspace.path, clock=house.clock) as again:
        house.workspace = again
        house.append()
        house.log.checkpoint()
        assert house.codes() == set()


def test_a_forged_event_can_be_declared_and_the_log_goes_on(house: House) -> None:
    house.log.checkpoint()
    forged_events.append(house.workspace.engine, consent(house, house.documents[0]))
    with pytest.raises(LogInconsistent):
        house.log.checkpoint()
    house.log.accept_restored("somebody wrote into the database; no backup is older")
    house.append()
    house.log.checkpoint()
    report = house.verify()
    assert report.in_order
    assert {(f.code, f.severity) for f in report.findings if f.seq == 9} == {("event-unauthenticated", "warning")}
    (loss,) = house.query("SELECT body FROM audit_events WHERE type = 'log.restored'")
    assert b"Event 9 (consent.given) was not written" in loss[0]
    # A declaration that somebody wrote himself declares nothing.
    (forged,) = forged_events.append(house.workspace.engine, consent(house, house.documents[0]))
    found = {"origins_before": [], "origin": house.log.origin, "reason": "x", "found": {"size": forged.seq}}
    forged_events.append(house.workspace.engine, NewEvent("log.restored", house.clock(), "operator", None, found))
    assert "event-unauthenticated" in house.codes()


def test_another_ring_is_another_author(house: House, make_house: Callable[..., House]) -> None:
    other = with_event_key(house.workspace.engine, lambda: bytes(32))
    with writing(other) as connection:
        event = events.append(connection, type="document.sent", time=house.clock(), actor="author")
    assert event.seq in [f.seq for f in house.verify().findings if f.code == "event-unauthenticated"]
