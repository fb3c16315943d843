"""The sensor: what arrives is in exactly one batch, whatever is lost in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import fsspec
import pytest
from pipeline_runs import Runs

from pipelines import places
from pipelines.defs.intake import new_documents, no_workspace
from pipelines.resources import Sealtrail
from signing_core.bulk.results import rows_of
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


def test_batches_are_limited_and_numbered_within_the_day(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf", "deep/c.PDF", "d.pdf", "notes.txt", ".part.pdf")
    assert numbers(runs.tick()) == ["inbox-001", "inbox-002"]
    assert runs.tick() == []
    drop(runs, "e.pdf")
    assert numbers(runs.tick()) == ["inbox-003"]


def test_a_changed_file_is_taken_in_again(runs: Runs) -> None:
    drop(runs, "a.pdf")
    runs.tick()
    drop(runs, "a.pdf", text="Another text, longer than before,")
    keys = runs.tick()
    assert numbers(keys) == ["inbox-002"]


def test_an_instance_that_served_another_workspace_hears_of_all(
    runs: Runs, blank_copy: Callable[..., Path], instance: dg.DagsterInstance
) -> None:
    drop(runs, "a.pdf", "b.pdf", "c.pdf", "d.pdf")
    assert numbers(runs.tick()) == ["inbox-001", "inbox-002"]
    other = Runs(blank_copy("other"), instance, largest_batch=3)
    (other.folder / "inbox").mkdir()
    drop(other, "e.pdf")
    other._cursor = runs._cursor  # the kept instance knows one cursor for the sensor
    context = dg.build_sensor_context(instance, cursor=runs._cursor, resources={"sealtrail": other.sealtrail})
    result = new_documents(context)
    assert isinstance(result, dg.SensorResult)
    asked = {request.run_key for request in result.run_requests or ()}
    assert numbers(other.tick()) == ["inbox-001"]
    # A run key that was used once is never run again: those of two workspaces differ.
    first = new_documents(dg.build_sensor_context(instance, resources={"sealtrail": runs.sealtrail}))
    assert isinstance(first, dg.SensorResult)
    assert not asked & {request.run_key for request in first.run_requests or ()}


def test_a_lost_tick_announces_its_batches_again(runs: Runs) -> None:
    drop(runs, "a.pdf")
    context = dg.build_sensor_context(runs.instance, resources={"sealtrail": runs.sealtrail})
    new_documents(context)  # killed before Dagster heard of it
    assert numbers(runs.tick()) == ["inbox-001"]


def test_a_new_instance_hears_of_all_batches(runs: Runs) -> None:
    drop(runs, "a.pdf", "b.pdf")
    runs.tick()
    with dg.DagsterInstance.local_temp() as another:
        assert numbers(Runs(runs.folder, another).tick()) == ["inbox-001"]


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


def test_without_a_workspace_the_sample_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "SAMPLE", tmp_path / "workspace")
    context = dg.build_sensor_context(resources={"sealtrail": Sealtrail()})
    assert isinstance(new_documents(context), dg.SkipReason)
    assert isinstance(no_workspace(context), dg.RunRequest)
    named = dg.build_sensor_context(resources={"sealtrail": Sealtrail(workspace=str(tmp_path / "other"))})
    assert isinstance(no_workspace(named), dg.SkipReason)


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


def test_links_are_not_followed(runs: Runs, tmp_path: Path) -> None:
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(contract(1))
    (runs.folder / "inbox" / "link.pdf").symlink_to(secret)
    assert runs.tick() == []
