"""A real daemon, with its own processes: files dropped into the watched folder become verdicts and a report."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from signing_core.bulk.results import Results, rows_of
from signing_core.testing import contract

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 480.0
"""Seconds; it takes about a minute on two free processors."""


@pytest.fixture
def daemon(blank_workspace: Path, tmp_path: Path) -> Iterator[Path]:
    """The folder of a workspace that a daemon works on."""
    workspace, home = tmp_path / "workspace", tmp_path / "home"
    shutil.copytree(blank_workspace, workspace)
    (workspace / "inbox").mkdir()
    home.mkdir()
    shutil.copy(ROOT / "pipelines" / "dagster.yaml", home)
    environment = {**os.environ, "DAGSTER_HOME": str(home), "SEALTRAIL_WORKSPACE": str(workspace)}
    program = Path(sys.executable).parent / "dagster-daemon"
    with (tmp_path / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "run", "-w", "workspace.yaml"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield workspace
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_dropped_files_become_verdicts_without_a_hand(daemon: Path, completed: Any, tmp_path: Path) -> None:
    (daemon / "inbox" / "signed.pdf").write_bytes(completed.final)
    (daemon / "inbox" / "letter.pdf").write_bytes(contract(1, text="Sample letter"))
    results = Results(daemon / "results")
    exceptions = results.folder / "exceptions.parquet"
    log = until(lambda: any(results.folder.glob("reports/*/summary.json")), tmp_path)
    keys = [str(file.parent.relative_to(results.folder / "batches")) for file in judged(results)]
    assert len(keys) == 1, log
    verdicts = {row["integrity"] for row in rows_of(results.of(keys[0], "signatures"))}
    assert verdicts == {"intact", "unsigned"}, log
    assert (results.folder / "controls.parquet").is_file()  # the first report has everything in it
    assert (results.folder / "audit_log.parquet").is_file()
    assert files_of(exceptions)["letter.pdf"] == "file-unsigned", log

    (daemon / "inbox" / "second.pdf").write_bytes(contract(1, text="Another sample letter"))
    log = until(lambda: "second.pdf" in files_of(exceptions), tmp_path)
    assert files_of(exceptions)["second.pdf"] == "file-unsigned", log
    assert len(judged(results)) == 1  # the batch that was open has grown


def judged(results: Results) -> list[Path]:
    return list(results.folder.glob("batches/*/*/signatures.parquet"))


def until(happened: Callable[[], bool], folder: Path) -> str:
    """Waits for it; what the daemon said last."""
    end = time.monotonic() + _PATIENCE / 2
    while time.monotonic() < end and not happened():
        time.sleep(0.5)
    return (folder / "daemon.log").read_text(errors="replace")[-4_000:]


def files_of(exceptions: Path) -> dict[str, str]:
    return {" ".join(one["files"]): one["code"] for one in rows_of(exceptions)}
