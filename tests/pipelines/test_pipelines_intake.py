"""The sensor: what arrives is in exactly one batch, whatever is lost in between."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import fsspec
import pytest
from pipeline_runs import Runs

from pipelines import places
from pipelines.defs import intake, integrity, reports
from pipelines.defs.intake import Withdrawal, new_documents, no_workspace, withdrawn_files
from pipelines.resources import Sealtrail
from signing_core.audit_log import events
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import rows_of
from signing_core.storage.database import reading, writing
from signing_core.storage.workspace import Workspace
from signing_core.testing import contract


@pytest.fixture
def runs(blank_copy: Callable[..., Path], instance: dg.DagsterInstance) -> Runs:
    folder = blank_copy()
    (folder / "inbox").mkdir()
    return Runs(folder, instance, largest_batch=3)


def drop(runs: Runs, *names: str, text: str = "Sample letter") -> None:
    for name in names:
        file = runs.folder / "inbox" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contract(1, text=f"{text} {name}"))


def numbers(keys: list[str]) -> list[str]:
    return [key.split("/")[1] for key in keys]


def run_keys(runs: Runs, cursor: str | None = None) -> set[str | None]:
    """Of what the sensor asks for, of which nobody hears."""
    with dg.build_sensor_context(runs.instance, cursor=cursor, resources={"sealtrail": runs.sealtrail}) as context:
        result = new_documents(context)
    assert isinstance(result, dg.SensorResult)
    return {request.run_key for request in result.run_requests or ()}


def test_batches_are_limited_and_numbered_within_the_day(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf", "deep/c.PDF", "d.pdf", "notes.txt", ".part.pdf")
    assert numbers(runs.tick()) == ["inbox-001", "inbox-002"]
    assert runs.tick() == []
    drop(runs, "e.pdf")
    assert numbers(runs.tick()) == ["inbox-002"]
    drop(runs, "f.pdf", "g.pdf")
    assert numbers(runs.tick()) == ["inbox-002", "inbox-003"]


def test_a_batch_that_grows_is_judged_again_and_nothing_of_it_twice(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf")
    (key,) = runs.tick()
    assert runs.batch(key).success
    first = {row["name"]: row["first_seen"] for row in rows_of(runs.results.of(key, "inventory"))}
    drop(runs, "c.pdf")
    assert runs.tick() == [key]
    done = runs.batch(key)
    (verdicts,) = done.asset_materializations_for_node("signature_verdicts")
    assert (verdicts.metadata["documents"].value, verdicts.metadata["judged_now"].value) == (3, 1)
    seen = {row["name"]: row["first_seen"] for row in rows_of(runs.results.of(key, "inventory"))}
    assert {name: at for name, at in seen.items() if name in first} == first
    assert seen["c.pdf"] > first["a.pdf"]


def test_a_batch_that_has_grown_is_waiting_until_it_is_judged(runs: Runs) -> None:
    drop(runs, "a.pdf")
    runs.everything()
    drop(runs, "b.pdf")
    (key,) = runs.tick()

    def reported() -> dict[str, int]:
        assert runs.materialize([reports.run_report]).success
        newest = max(runs.results.folder.glob("reports/*/summary.json"))
        states: dict[str, int] = json.loads(newest.read_text())["batches"]
        return states

    assert reported() == {"finished": 0, "waiting": 1, "stopped": 0}
    assert runs.batch(key, selection=[integrity.inventory]).success
    assert reported() == {"finished": 0, "waiting": 1, "stopped": 0}  # what is made from it will be asked for
    assert runs.batch(key).success
    assert reported() == {"finished": 1, "waiting": 0, "stopped": 0}


def test_a_replaced_file_stays_in_its_batch_and_is_reported(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf")
    runs.everything()
    before = {row["name"]: row["sha256"] for row in rows_of(runs.results.of(runs.keys[0], "inventory"))}
    drop(runs, "a.pdf", text="Another text, longer than before,")
    assert runs.tick() == runs.keys
    for _ in range(2):  # and it stays so
        assert runs.batch(runs.keys[0]).success
    runs.everything()
    codes = {" ".join(one["files"]): one["codes"] for one in runs.exceptions()}
    assert codes == {"a.pdf": ["file-replaced", "file-unsigned"], "b.pdf": ["file-unsigned"]}
    (told,) = [one for case in runs.exceptions() for one in case["findings"] if one["code"] == "file-replaced"]
    assert before["a.pdf"] in told["message"]
    (runs.folder / "inbox" / "a.pdf").write_bytes(contract(1, text="Sample letter a.pdf"))
    assert runs.batch(runs.keys[0]).success
    runs.everything()
    assert {" ".join(one["files"]): one["codes"] for one in runs.exceptions()} == {
        "a.pdf": ["file-unsigned"],
        "b.pdf": ["file-unsigned"],
    }


def test_an_instance_that_served_another_workspace_hears_of_all(
    runs: Runs, blank_copy: Callable[..., Path], instance: dg.DagsterInstance
) -> None:
    drop(runs, "a.pdf", "b.pdf", "c.pdf", "d.pdf")
    assert numbers(runs.tick()) == ["inbox-001", "inbox-002"]
    other = Runs(blank_copy("other"), instance, largest_batch=3)
    (other.folder / "inbox").mkdir()
    drop(other, "e.pdf")
    other._cursor = runs._cursor  # the kept instance knows one cursor for the sensor
    asked = run_keys(other, runs._cursor)
    assert numbers(other.tick()) == ["inbox-001"]
    # A run key that was used once is never run again: those of two workspaces differ.
    assert not asked & run_keys(runs)


def test_a_lost_tick_announces_its_batches_again(runs: Runs) -> None:
    drop(runs, "a.pdf")
    run_keys(runs)  # killed before Dagster heard of it
    assert numbers(runs.tick()) == ["inbox-001"]


def test_a_new_instance_hears_of_all_batches(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf")
    runs.tick()
    with dg.DagsterInstance.local_temp() as another:
        assert numbers(Runs(runs.folder, another).tick()) == ["inbox-001"]


@pytest.mark.parametrize("dropped", [1, 7])
def test_a_ledger_restored_from_a_backup_silences_nobody(runs: Runs, dropped: int) -> None:
    def tick() -> set[str]:
        return {str(request.run_key) for request in runs._evaluated()}

    used: set[str] = set()
    file, copy = runs.results.folder / "intake.sqlite", runs.folder / "copy.sqlite"
    for number in range(5):
        drop(runs, f"{number}.pdf")
        used |= tick()
        if number == 1:
            shutil.copy(file, copy)
    shutil.copy(copy, file)
    (runs.folder / "inbox" / "4.pdf").unlink()
    drop(runs, *(f"new-{number}.pdf" for number in range(dropped)))
    again = tick()
    with Ledger(file) as ledger:
        keys = {batch.key for batch in ledger.batches()}
        assert {name for batch in ledger.batches() for name in ledger.contents(batch)} >= {"3.pdf", "new-0.pdf"}
    assert {key.split()[0] for key in again} - {"first"} == keys  # all of them
    assert not again & used  # a run key that was used once is never run again
    assert set(runs.keys) >= keys
    assert runs.tick() == []  # and it is heard of once


def test_a_growing_file_is_left_for_the_next_time(runs: Runs) -> None:
    patient = Runs(runs.folder, runs.instance, settle_seconds=60)
    drop(runs, "a.pdf")
    assert patient.tick() == []
    assert numbers(runs.tick()) == ["inbox-001"]


def test_a_bucket_is_watched_like_a_folder(blank_copy: Callable[..., Path], instance: dg.DagsterInstance) -> None:
    bucket = fsspec.filesystem("memory")
    bucket.pipe("/arrivals/2026/one.pdf", contract(1, text="Sample letter one"))
    bucket.pipe("/arrivals/two.pdf", contract(1, text="Sample letter two"))
    runs = Runs(blank_copy(), instance, inbox="memory://arrivals")
    (key,) = runs.tick()
    assert runs.batch(key).success
    assert [row["name"] for row in rows_of(runs.results.of(key, "inventory"))] == ["2026/one.pdf", "two.pdf"]
    assert {row["integrity"] for row in rows_of(runs.results.of(key, "signatures"))} == {"unsigned"}


def test_without_a_workspace_the_sample_is_asked_for(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SAMPLE", tmp_path / "workspace")
    with dg.build_sensor_context(instance, resources={"sealtrail": Sealtrail()}) as context:
        assert isinstance(new_documents(context), dg.SkipReason)
        assert isinstance(no_workspace(context), dg.RunRequest)
    other = Sealtrail(workspace=str(tmp_path / "other"))
    with dg.build_sensor_context(instance, resources={"sealtrail": other}) as named:
        assert isinstance(no_workspace(named), dg.SkipReason)


def test_a_sample_that_could_not_be_made_is_tried_again(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SAMPLE", tmp_path / "workspace")
    full = [dg.Failure("No space left on device", allow_retries=False)]  # or the test would wait for its three tries

    def make() -> None:
        if full:
            raise full[0]

    monkeypatch.setattr(places, "make_sample", make)

    def asked(later: timedelta = timedelta()) -> dg.RunRequest | dg.SkipReason:
        with (
            dg.build_sensor_context(instance, resources={"sealtrail": Sealtrail()}) as context,
            monkeypatch.context() as m,
        ):
            m.setattr(intake, "_now", lambda: datetime.now(UTC) + later)
            answer = no_workspace(context)
        assert isinstance(answer, dg.RunRequest | dg.SkipReason)
        return answer

    def reason(answer: dg.RunRequest | dg.SkipReason) -> str:
        return str(answer.skip_message) if isinstance(answer, dg.SkipReason) else "asked"

    first = asked()
    assert isinstance(first, dg.RunRequest)
    assert first.run_key is None  # one that was used is never run again
    run = instance.create_run_for_job(intake.sample_workspace, status=dg.DagsterRunStatus.STARTED)
    assert reason(asked()) == "It is being made."
    assert reason(asked(timedelta(hours=2))) == "asked"  # its machine went down with it
    instance.report_run_canceled(run)
    done = intake.sample_workspace.execute_in_process(instance=instance, raise_on_error=False)
    assert not done.success
    assert "tried again" in reason(asked())
    assert reason(asked(timedelta(minutes=11))) == "asked"
    full.clear()
    assert intake.sample_workspace.execute_in_process(instance=instance).success
    assert reason(asked()) == "asked"  # of a folder that was removed afterwards
    assert intake.make_sample_workspace.retry_policy is not None


def test_the_sample_is_made_once_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def seed(folder: Path, **_: object) -> None:
        made.append(folder)
        folder.mkdir()
        (folder / "sealtrail.toml").touch()

    monkeypatch.setattr("signing_core.seeding.seed", seed)
    (tmp_path / "workspace.unfinished" / "objects").mkdir(parents=True)  # a seeding that was killed
    for _ in range(2):
        places.make_sample(tmp_path / "workspace")
    assert len(made) == 1
    assert (tmp_path / "workspace" / "sealtrail.toml").is_file()
    assert not (tmp_path / "workspace.unfinished").exists()


def withdraw(runs: Runs, batch: str, **config: str) -> dg.ExecuteInProcessResult:
    given = Withdrawal(**{"batch": batch, "by": "Sample Analyst", "reason": "Moved to the archive.", **config})
    return runs.materialize([withdrawn_files], run_config=dg.RunConfig(ops={"withdrawn_files": given}))


def test_what_was_taken_away_on_purpose_is_not_missing_for_ever(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf", "c.pdf")
    runs.everything()
    (key,) = runs.keys
    before = {row["name"]: row["sha256"] for row in rows_of(runs.results.of(key, "inventory"))}
    for name in ("a.pdf", "b.pdf"):
        (runs.folder / "inbox" / name).unlink()
    assert runs.batch(key).success
    runs.everything()
    assert [one["code"] for one in runs.exceptions()] == ["file-unsigned", "file-gone", "file-gone"]
    done = withdraw(runs, key)
    assert done.success
    (file,) = runs.results.batch(key).glob("withdrawn-*.parquet")
    listed = {row["name"]: (row["first_sha256"], row["by"], row["reason"]) for row in rows_of(file)}
    said = ("Sample Analyst", "Moved to the archive.")
    assert listed == {name: (before[name], *said) for name in ("a.pdf", "b.pdf")}
    with Workspace.open(runs.folder) as workspace, reading(workspace.engine) as connection:
        (event,) = events.of_type(connection, "files.withdrawn")
    assert event.data == {"batch": key, "files": 2, "list": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert withdraw(runs, key).success  # nothing is missing now
    assert runs.materialize([reports.run_report]).success  # before the batch is looked at again
    assert "batch-stopped" not in {one["code"] for one in runs.exceptions()}
    runs.everything()
    assert [one["code"] for one in runs.exceptions()] == ["file-unsigned"]
    (runs.folder / "inbox" / "c.pdf").unlink()
    assert withdraw(runs, key).success
    runs.everything()  # of the batch nothing is left
    assert runs.exceptions() == []
    assert rows_of(runs.results.of(key, "signatures")) == []
    drop(runs, "a.pdf")
    assert numbers(runs.tick()) == ["inbox-001"]


def test_a_file_that_comes_again_after_it_was_withdrawn_is_not_replaced(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf")
    runs.everything()
    (key,) = runs.keys
    for text in ("Another letter, longer than before,", "A third letter"):  # before the next inventory
        (runs.folder / "inbox" / "a.pdf").unlink()
        assert withdraw(runs, key).success
        drop(runs, "a.pdf", text=text)
        assert numbers(runs.tick()) == ["inbox-001"]
    first, second = (rows_of(file) for file in runs.results.withdrawals(key))
    assert (first[0]["first_sha256"] is None, second[0]["first_sha256"] is None) == (False, True)
    for _ in range(2):
        assert runs.batch(key).success
    runs.everything()
    assert {" ".join(one["files"]): one["codes"] for one in runs.exceptions()} == {
        "a.pdf": ["file-unsigned"],
        "b.pdf": ["file-unsigned"],
    }


def test_a_damaged_list_of_withdrawals_is_reported_and_stops_nothing(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf")
    runs.everything()
    (key,) = runs.keys
    (runs.folder / "inbox" / "a.pdf").unlink()
    assert withdraw(runs, key).success
    (file,) = runs.results.withdrawals(key)
    whole = file.read_bytes()
    file.write_bytes(whole[:50])
    for content, passed in ((whole[:50], False), (whole, True)):
        file.write_bytes(content)
        done = runs.batch(key)
        assert done.success
        (check,) = (one for one in done.get_asset_check_evaluations() if one.check_name == "withdrawals_whole")
        assert check.passed is passed
        assert check.severity is dg.AssetCheckSeverity.WARN
        if not passed:
            assert check.description == (
                f"The list of withdrawn files {file} cannot be read or is damaged, and nothing makes it anew; put back a copy from "
                "a backup: its SHA-256 is in the audit event files.withdrawn."
            )
        runs.everything()
        damaged = [] if passed else ["withdrawals-damaged"]
        assert [one["code"] for one in runs.exceptions()] == [*damaged, "file-unsigned"]
        assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"by": " "}, "Say who withdraws"),
        ({"reason": ""}, "Say who withdraws"),
        ({"batch": "2026-11-25/inbox-009"}, "There is no batch"),
    ],
)
def test_nothing_is_withdrawn_without_a_name_a_reason_and_a_batch(runs: Runs, wrong: dict[str, str], why: str) -> None:
    drop(runs, "a.pdf")
    (key,) = runs.tick()
    done = withdraw(runs, **{"batch": key, **wrong})
    assert not done.success
    (failure,) = [event for event in done.all_events if event.is_step_failure]
    assert why in str(failure.event_specific_data)


def test_files_of_a_place_that_is_not_there_are_not_withdrawn(runs: Runs) -> None:
    drop(runs, "a.pdf")
    (key,) = runs.tick()
    (runs.folder / "inbox").rename(runs.folder / "unmounted")
    elsewhere = Runs(runs.folder, runs.instance, inbox=str(runs.folder / "inbox"))
    assert not withdraw(elsewhere, key).success


def test_links_are_not_followed_and_reported(runs: Runs, tmp_path: Path) -> None:
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(contract(1))
    link = runs.folder / "inbox" / "link.pdf"
    link.symlink_to(secret)
    runs.everything()
    assert runs.keys == []
    (told,) = runs.exceptions()
    assert (told["code"], told["files"]) == ("file-left-out", ["link.pdf"])
    link.unlink()
    link.write_bytes(secret.read_bytes())
    runs.everything()
    assert [one["code"] for one in runs.exceptions()] == ["file-unsigned"]


def test_a_place_that_cannot_be_listed_does_not_hold_up_our_own_documents(
    blank_copy: Callable[..., Path], instance: dg.DagsterInstance
) -> None:
    runs = Runs(blank_copy(), instance, inbox="foo://arrivals", gather_minutes=0)
    with Workspace.open(runs.folder) as workspace, writing(workspace.engine) as connection:
        done = {"sha256": "ab" * 32}
        events.append(
            connection,
            type="document.completed",
            time=workspace.clock(),
            actor="system",
            document_id="D1",
            data=done,
        )
    assert numbers(runs.tick()) == ["archive-001"]
    assert runs.materialize([reports.run_report]).success
    (told,) = runs.exceptions()
    assert (told["code"], told["files"]) == ("file-left-out", ["foo://arrivals"])
    assert "Protocol not known: foo" in told["message"]
