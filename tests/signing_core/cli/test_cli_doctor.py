from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from signing_core.desk import Desk, health
from signing_core.desk.background import work_once
from signing_core.flow import Role
from signing_core.storage.database import writing
from signing_core.storage.schema import outbox
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, contract


@pytest.fixture
def play(workspace: Workspace) -> Play:
    return Play(Desk(workspace))


def codes(done: Any) -> list[tuple[str, str]]:
    return [(need["code"], need["about"]) for need in done.json["needs"]]


def test_a_new_workspace_needs_nobody(run: Callable[..., Any]) -> None:
    done = run("doctor")
    assert (done.status, done.output) == (0, "Nothing needs an operator.\n")


def test_a_house_at_work_needs_nobody(run: Callable[..., Any], play: Play, clock: ManualClock) -> None:
    play.to_completion(play.create(contract(1)))
    for _ in range(3):
        clock.forward(hours=2)
        work_once(play.desk)
    assert run("doctor", "--json").json == {"needs": []}


def test_what_ends_is_named_with_the_way_on(run: Callable[..., Any], workspace: Workspace, clock: ManualClock) -> None:
    clock.now = workspace.keys().seal.certificate.not_valid_after_utc - timedelta(days=10, hours=1)
    work_once(Desk(workspace))
    done = run("doctor", "--json")
    assert done.status == 1
    assert codes(done) == [("key-ends", "first-party"), ("key-ends", "seal")]
    text = run("doctor").output
    assert "of the seal (Sample Seals GmbH Seal) ends on " in text
    assert " (days left: 10). Run `sealtrail keys renew seal`.\n" in text
    clock.forward(days=11)
    assert "of the seal (Sample Seals GmbH Seal) ended on " in run("doctor").output
    run("keys", "renew", "all")
    assert run("doctor").status == 0


def test_a_house_without_background_work(run: Callable[..., Any], play: Play, clock: ManualClock) -> None:
    document_id = play.create(contract(1))
    play.desk.send(document_id)
    play.consent(document_id, Role.FIRST_PARTY)
    clock.forward(days=9)
    found = codes(run("doctor", "--json"))
    assert ("document-waits", document_id) in found
    assert ("crl-outdated", play.workspace.keys().ca.name) in found
    assert ("log-not-signed", "") in found
    assert "nobody tried" in run("doctor").output


def test_a_document_that_waits_is_named_with_its_reason(
    run: Callable[..., Any], play: Play, clock: ManualClock
) -> None:
    from signing_core.errors import TimeStampUnavailable
    from signing_core.keys.time_stamping import EmbeddedAuthority

    def silent(*_: object) -> bytes:
        raise TimeStampUnavailable("The authority does not answer.")

    document_id = play.create(contract(1))
    play.desk.send(document_id)
    play.consent(document_id, Role.FIRST_PARTY)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(EmbeddedAuthority, "time_stamp", silent)
        play.desk.work_on(document_id)
    clock.forward(hours=2)
    (need,) = [need for need in run("doctor", "--json").json["needs"] if need["code"] == "document-waits"]
    assert need["message"].endswith(" UTC: The authority does not answer.")
    work_once(play.desk)
    assert "document-waits" not in run("doctor").output


def test_a_message_that_was_given_up_until_a_later_one_arrives(
    run: Callable[..., Any], play: Play, clock: ManualClock
) -> None:
    document_id = play.create(contract(1))
    play.desk.send(document_id)
    with writing(play.workspace.engine) as connection:
        connection.execute(sa.update(outbox).values(state="failed", last_error="The mailbox does not exist."))
    (need,) = run("doctor", "--json").json["needs"]
    assert (need["code"], need["about"]) == ("message-failed", document_id)
    assert need["message"].endswith("to the first party was given up: The mailbox does not exist.")
    assert f"sealtrail replace-contact {document_id} first-party CONTACT" in need["way_on"]
    clock.forward(minutes=2)
    play.desk.resend(document_id)
    assert run("doctor").status == 0


def test_keys_that_cannot_be_read(run: Callable[..., Any], workspace: Workspace) -> None:
    (workspace.path / "keys" / "seal.p12").write_bytes(b"damaged")
    done = run("doctor", "--json")
    assert done.status == 1
    assert codes(done) == [("key-unreadable", "seal")]


def test_a_key_in_use_that_no_verifier_is_told_of(run: Callable[..., Any], workspace: Workspace) -> None:
    (workspace.keys().public_folder / "qr.pem").unlink()
    done = run("doctor", "--json")
    assert (done.status, codes(done)) == (1, [("key-not-published", "qr")])


def test_a_passphrase_that_does_not_open(run: Callable[..., Any], workspace: Workspace) -> None:
    file = workspace.path / "secrets" / "passphrase"
    file.write_text("another passphrase\n")
    (need,) = run("doctor", "--json").json["needs"]
    assert need["code"] == "key-unreadable"
    assert "passphrase does not open" in need["message"]


@pytest.mark.parametrize("damaged", [False, True])
def test_a_former_ca_whose_key_is_gone(
    run: Callable[..., Any], workspace: Workspace, play: Play, damaged: bool
) -> None:
    former = workspace.keys().ca.name
    run("keys", "succeed", "ca")
    file = workspace.path / "keys" / f"{former}.p12"
    file.unlink()
    if damaged:
        file.write_bytes(b"damaged")
    assert {code for code, _ in codes(run("doctor", "--json"))} == {"ca-key-missing"}
    play.to_completion(play.create(contract(1)))  # what is signed from now on needs it for nothing


def test_an_older_database_is_only_looked_at(run: Callable[..., Any], workspace: Workspace) -> None:
    with writing(workspace.engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    done = run("doctor", "--json")
    assert codes(done) == [("database-older", "")]
    with writing(workspace.engine) as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "0001"


def test_archive_time_stamps_that_end_are_told_until_they_are_renewed(
    run: Callable[..., Any], play: Play, clock: ManualClock
) -> None:
    play.to_completion(play.create(contract(1)))
    clock.now = play.workspace.keys().certificate("time-stamp").not_valid_after_utc - timedelta(days=60)
    (need,) = [need for need in run("doctor", "--json").json["needs"] if need["code"] == "archive-ends"]
    assert need["message"].startswith(
        "The archive time-stamps of 1 document are by a key whose X.509 certificate ends on "
    )
    assert need["way_on"] == "Run `sealtrail keys renew time-stamp`, then `sealtrail renew`."
    run("keys", "renew", "all")
    assert "Run `sealtrail renew`." in run("doctor").output
    assert run("renew").status == 0
    assert "archive time-stamps" not in run("doctor").output


def test_every_code_is_written_down() -> None:
    text = (Path(__file__).parents[3] / "docs" / "operations.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE) == list(get_args(health.Code))


def test_background_work_says_it_in_its_log(
    run: Callable[..., Any], workspace: Workspace, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert run("work", "--once").errors == ""
    clock.now = workspace.keys().seal.certificate.not_valid_after_utc - timedelta(days=20)
    said = run("work", "--once").errors.splitlines()
    assert len(said) == 2
    assert said[1].startswith("sealtrail: The X.509 certificate of the seal (Sample Seals GmbH Seal) ends on ")
    assert said[1].endswith("; run `sealtrail keys renew seal`.")
