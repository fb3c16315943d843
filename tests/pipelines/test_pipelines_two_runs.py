"""Two runs of one batch at the same time, and files that are there and cannot be read."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from pipeline_runs import Runs

from pipelines.defs import integrity
from signing_core.bulk import inventory, results, signatures
from signing_core.bulk.checks import failed_within_bounds, verdict_for_every_document
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results, rows_of
from signing_core.bulk.watched import Watched
from signing_core.errors import ConcurrentChange
from signing_core.storage.workspace import Workspace
from signing_core.testing import contract
from signing_core.verdict import DocumentVerdict
from signing_core.verification.batch import Rules
from signing_core.verification.document import verify

FILES = 12


@pytest.fixture
def runs(blank_copy: Callable[..., Path], instance: dg.DagsterInstance) -> Runs:
    folder = blank_copy()
    (folder / "inbox").mkdir()
    letter = contract(1, text="Sample letter")
    for number in range(FILES):
        # Different bytes after the end: each is a file of its own.
        (folder / "inbox" / f"letter-{number:02d}.pdf").write_bytes(letter + b"%" + b"x" * number + b"\n")
    return Runs(folder, instance, failed_fewest=10)


def listed(runs: Runs) -> str:
    (key,) = runs.tick()
    assert runs.materialize([integrity.inventory], partition_key=key).success
    return key


def judge(runs: Runs, key: str) -> int:
    with Workspace.open(runs.folder) as workspace:
        watched = Watched(str(runs.folder / "inbox"))
        return signatures.make(workspace, runs.results, watched, key, signatures.Work()).judged


def slowly(paths: Iterable[Path], rules: Rules, **_: object) -> Iterator[DocumentVerdict]:
    """In place of `verify_many`: long enough for another run to come in between."""
    for path in paths:
        time.sleep(0.05)
        yield verify(path, at=rules.at, policy=rules.policy, trust=rules.trust)


def test_a_second_run_waits_and_takes_over_what_the_first_did(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    key = listed(runs)
    monkeypatch.setattr(signatures, "PART", 3)
    monkeypatch.setattr(signatures, "verify_many", slowly)
    with ThreadPoolExecutor(3) as together:
        judged = list(together.map(lambda _: judge(runs, key), range(3)))
    assert sorted(judged) == [0, 0, FILES]
    rows = rows_of(runs.results.of(key, "signatures"))
    assert len(rows) == len({row["sha256"] for row in rows}) == FILES
    assert verdict_for_every_document(runs.results, key) is None
    assert not list((runs.results.batch(key) / "parts").iterdir())


def test_a_killed_run_that_was_removing_its_parts_mixes_nothing_up(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    key = listed(runs)
    monkeypatch.setattr(signatures, "PART", 3)
    unlink = Path.unlink

    def killed(file: Path, missing_ok: bool = False) -> None:
        if file.suffix == ".parquet":
            raise KeyboardInterrupt
        unlink(file, missing_ok)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "unlink", killed)
        judge(runs, key)
    (runs.results.batch(key) / "parts" / "signatures-00001.parquet").unlink()
    runs.results.of(key, "signatures").unlink()
    assert judge(runs, key) == 3
    rows = rows_of(runs.results.of(key, "signatures"))
    assert len({row["sha256"] for row in rows}) == FILES


def test_verdicts_are_of_the_inventory_that_they_were_begun_with(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    key = listed(runs)
    before = results.context_of(runs.results.of(key, "inventory"))["at"]

    def with_a_new_inventory(paths: Iterable[Path], rules: Rules, **_: object) -> Iterator[DocumentVerdict]:
        with Workspace.open(runs.folder) as workspace, Ledger(runs.results.folder / "intake.sqlite") as ledger:
            inventory.make(workspace, runs.results, ledger, Watched(str(runs.folder / "inbox")), key)
        return slowly(paths, rules)

    monkeypatch.setattr(signatures, "verify_many", with_a_new_inventory)
    judge(runs, key)
    assert results.context_of(runs.results.of(key, "signatures"))["inventory"] == before
    assert results.context_of(runs.results.of(key, "inventory"))["at"] > before


def test_who_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, key = Results(tmp_path), "2026-11-25/inbox-001"
    there, done = threading.Event(), threading.Event()

    def hold() -> None:
        with store.locked(key, "signatures"):
            there.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert there.wait(30)
        with store.locked(key, "inventory"), store.locked("2026-11-25/inbox-002", "signatures"):
            pass  # another step, another batch
        monkeypatch.setattr(results, "WAIT", 0.05)
        expected = "Another run has been working on the signatures of batch 2026-11-25/inbox-001"
        with pytest.raises(ConcurrentChange, match=expected), store.locked(key, "signatures"):
            pass
    finally:
        done.set()
        holder.join()
    with store.locked(key, "signatures"):
        pass
    assert not list(store.batch(key).iterdir())


def vanishing(*names: str) -> Callable[..., Iterator[DocumentVerdict]]:
    """In place of `verify_many`: these files cannot be opened any more."""

    def judged(paths: Iterable[Path], rules: Rules, **_: object) -> Iterator[DocumentVerdict]:
        for path in paths:
            there = path.with_name("gone.pdf") if path.name in names else path
            yield verify(there, at=rules.at, policy=rules.policy, trust=rules.trust)

    return judged


def test_a_file_that_could_not_be_read_when_it_was_judged_is_tried_again(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = listed(runs)
    with monkeypatch.context() as patched:
        patched.setattr(signatures, "verify_many", vanishing("letter-03.pdf"))
        assert [judge(runs, key), judge(runs, key)] == [FILES, 1]
        assert verdict_for_every_document(runs.results, key) is None
        assert failed_within_bounds(runs.results, key) is None
        states = [row["integrity"] for row in rows_of(runs.results.of(key, "signatures"))]
        assert sorted(states) == ["indeterminate", *["unsigned"] * (FILES - 1)]
    assert [judge(runs, key), judge(runs, key)] == [1, 0]
    assert {row["integrity"] for row in rows_of(runs.results.of(key, "signatures"))} == {"unsigned"}


def test_a_store_that_goes_away_while_judging_stops_the_batch(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    key = listed(runs)
    monkeypatch.setattr(signatures, "verify_many", vanishing(*(f"letter-{n:02d}.pdf" for n in range(4))))
    judge(runs, key)
    assert failed_within_bounds(runs.results, key) == (
        "4 of 12 files could not be read when they were judged; see whether the store is there, and run the batch again."
    )


def in_the_place_of(file: Path, put: Callable[[Path], None] = Path.mkdir) -> None:
    """What cannot be read, whoever runs the tests."""
    file.unlink()
    put(file)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo, lambda file: file.symlink_to(file.with_name("letter-04.pdf"))])
def test_one_file_that_cannot_be_read_does_not_stop_its_batch(runs: Runs, put: Callable[[Path], None]) -> None:
    (key,) = runs.tick()
    in_the_place_of(runs.folder / "inbox" / "letter-05.pdf", put)
    done = runs.materialize([integrity.inventory], partition_key=key)
    assert done.success
    (complete,) = (one for one in done.get_asset_check_evaluations() if one.check_name == "complete")
    assert complete.passed
    states = [row["state"] for row in rows_of(runs.results.of(key, "inventory"))]
    assert states.count("unreadable") == 1
    assert judge(runs, key) == FILES - 1


def test_many_that_are_missing_or_cannot_be_read_do(runs: Runs) -> None:
    (key,) = runs.tick()
    for number in range(2):
        in_the_place_of(runs.folder / "inbox" / f"letter-{number:02d}.pdf")
    (runs.folder / "inbox" / "letter-05.pdf").unlink()
    done = runs.materialize([integrity.inventory], partition_key=key)
    (complete,) = (one for one in done.get_asset_check_evaluations() if one.check_name == "complete")
    assert not complete.passed
    assert complete.description == (
        "3 of 12 files are missing (1) or cannot be read (2); see whether the store is there."
    )
