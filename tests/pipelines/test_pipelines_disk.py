"""A disk that is full or damaged: one sentence, nothing half-written, and the next run goes on."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import pytest
from pipeline_runs import Runs

from signing_core.bulk import report
from signing_core.bulk.results import rows_of
from signing_core.testing import contract

KINDS = ("inventory", "signatures", "certificates", "registry", "reconciliation")


@pytest.fixture
def runs(blank_copy: Callable[..., Path], instance: dg.DagsterInstance) -> Runs:
    folder = blank_copy()
    (folder / "inbox").mkdir()
    for number in range(3):
        (folder / "inbox" / f"letter-{number}.pdf").write_bytes(contract(1, text=f"Sample letter {number}"))
    return Runs(folder, instance)


def make_report(runs: Runs) -> None:
    """Without Dagster: a step that failed would be tried again after a while."""
    with runs.sealtrail.open() as opened:
        report.make(opened.workspace, opened.results, opened.ledger, run_id=uuid4().hex)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if not one.name.endswith(".lock"))


@pytest.mark.parametrize("part", ["_html", "_pdf", "_record"])
def test_a_report_for_which_there_is_no_space_does_not_appear(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    (key,) = runs.tick()
    assert runs.batch(key).success
    before = names(runs.results.folder)

    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(report, part, full)
        with pytest.raises(RuntimeError) as caught:
            make_report(runs)
    assert str(caught.value) == (
        f"{runs.folder}: No space left on device; check the path, its rights and the free space, and run it again."
    )
    assert names(runs.results.folder) == before
    make_report(runs)
    (folder,) = (runs.results.folder / "reports").iterdir()
    assert names(folder) == ["exceptions.parquet", "report.html", "report.pdf", "summary.json"]
    assert len(runs.exceptions()) == 3


def test_what_a_killed_report_left_is_gone_after_the_next(runs: Runs) -> None:
    left = runs.results.folder / ".report"
    left.mkdir(parents=True)
    (left / "report.html").write_text("half")
    make_report(runs)
    assert not left.exists()


def test_a_damaged_file_of_a_batch_is_reported_and_made_anew(runs: Runs) -> None:
    (key,) = runs.tick()
    assert runs.batch(key).success
    rows = {kind: len(rows_of(runs.results.of(key, kind))) for kind in KINDS}
    for kind, content in zip(KINDS, (b"", b"PAR1 half of it", b"PAR1", bytes(500), b"PAR1PAR1"), strict=True):
        runs.results.of(key, kind).write_bytes(content)
        make_report(runs)
        (stopped,) = (one for one in runs.exceptions() if one["code"] == "batch-stopped")
        assert stopped["message"] == f"The file of its {kind} cannot be read or is damaged; run the batch again."
        assert runs.batch(key).success
        assert {kind: len(rows_of(runs.results.of(key, kind))) for kind in KINDS} == rows
    make_report(runs)
    assert "batch-stopped" not in {one["code"] for one in runs.exceptions()}


@pytest.mark.parametrize("kind", ["signatures", "reconciliation"])
def test_a_damaged_part_of_a_killed_run_is_made_anew(runs: Runs, kind: str) -> None:
    (key,) = runs.tick()
    part = runs.results.batch(key) / "parts" / f"{kind}-00000.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"PAR1 half of it")
    assert runs.batch(key).success
    assert not part.exists()


def test_what_killed_runs_left_of_a_file_is_removed(runs: Runs) -> None:
    (key,) = runs.tick()
    left = [runs.results.batch(key) / f".{kind}.parquet.0a1b2c" for kind in KINDS]
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"PAR1 half of it")
    assert runs.batch(key).success
    assert not [file for file in left if file.exists()]


@pytest.mark.parametrize("name", ["controls.parquet", "audit_log.parquet"])
def test_results_that_no_batch_has_are_not_left_out_when_they_are_damaged(runs: Runs, name: str) -> None:
    runs.everything()
    file = runs.results.folder / name
    file.write_bytes(b"PAR1 half of it")
    with pytest.raises(RuntimeError) as caught:
        make_report(runs)
    assert str(caught.value) == f"{file} cannot be read or is damaged; remove it, and the next run makes it anew."


def test_a_damaged_summary_is_a_gap_in_the_trend(runs: Runs) -> None:
    runs.tick()
    for _ in range(2):
        make_report(runs)
    first, last = sorted((runs.results.folder / "reports").iterdir())
    (first / "summary.json").write_bytes((last / "summary.json").read_bytes()[:100])
    make_report(runs)
    newest = max((runs.results.folder / "reports").iterdir())
    assert (newest / "report.html").read_text().count("<meter") == 2
    assert json.loads((newest / "summary.json").read_bytes())["documents"] == 0


def test_results_that_cannot_be_written_to_are_named(runs: Runs) -> None:
    runs.results.folder.write_text("a file where the folder has to be")
    with pytest.raises(RuntimeError) as caught:
        runs.tick()
    assert str(runs.results.folder) in str(caught.value)
    assert "check the path, its rights and the free space" in str(caught.value)
