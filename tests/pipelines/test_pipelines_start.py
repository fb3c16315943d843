"""`make pipelines`: what keeps it from starting is one sentence, and what was killed does not stay under way."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from pipeline_runs import Runs
from servers import free_port

from pipelines import alive
from pipelines.defs.runs import lost_runs
from pipelines.resources import Sealtrail
from signing_core.storage.locks import file_lock

ROOT = Path(__file__).resolve().parents[2]
_HOLDS = """
import sys, time
from pathlib import Path
from pipelines import places
places._hold(Path(sys.argv[1]), "3000")
print("held", flush=True)
time.sleep(600)
"""


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines.places", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
    )


def refused(*arguments: str, **environment: str) -> str:
    done = start(*arguments, **environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr  # one sentence
    return done.stderr


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = refused("-p", str(taken.getsockname()[1]), DAGSTER_HOME=str(tmp_path))
    assert "in use" in said
    assert "PORT=" in said


@pytest.mark.parametrize("port", ["0", "65536", "-1", "web", ""])
def test_what_is_no_port(port: str, tmp_path: Path) -> None:
    assert "PORT=" in refused(f"-p{port}" if port else "--port=", DAGSTER_HOME=str(tmp_path))


@pytest.mark.parametrize("home", ["relative", "/nowhere/at/all"])
def test_a_home_that_is_none(home: str) -> None:
    assert home in refused("-p", str(free_port()), DAGSTER_HOME=home)


def test_a_workspace_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name in ("none", "file"):
        said = refused("-p", str(free_port()), DAGSTER_HOME=str(tmp_path), SEALTRAIL_WORKSPACE=str(tmp_path / name))
        assert str(tmp_path / name) in said
        assert "sealtrail init" in said


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDS, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_one_at_a_time_in_a_home(holder: subprocess.Popen[str], blank_workspace: Path, tmp_path: Path) -> None:
    home = {"DAGSTER_HOME": str(tmp_path), "SEALTRAIL_WORKSPACE": str(tmp_path / "none")}
    said = refused("-p", str(free_port()), **home)
    assert f"process {holder.pid} on port 3000" in said
    holder.kill()
    holder.wait()
    assert "There is no workspace" in refused("-p", str(free_port()), **home)  # a step further


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_started_in_the_background_of_a_script_it_ends_whole(
    how: signal.Signals, blank_copy: Callable[..., Path], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.places", "-p", str(port)],
        cwd=ROOT,
        env={**os.environ, "DAGSTER_HOME": str(home), "SEALTRAIL_WORKSPACE": str(blank_copy())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # as a shell does for `make pipelines &`
    )
    try:
        assert within(120, lambda: answers(port))
        process.send_signal(how)
        assert within(60, lambda: process.poll() is not None and not group(process.pid))
        told = process.communicate()[0]
        assert f"http://localhost:{port}" in told
        assert "superseded" not in told
    finally:
        if group(process.pid):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def group(leader: int) -> list[str]:
    """Those of its processes that still run."""
    listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if re.match(rf"\s*{leader}\s+[^Z]", line)]


def within(seconds: float, happened: Callable[[], object]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.5)
    return False


@dg.job
def nothing() -> None:
    pass


def under_way(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run that was begun an hour ago, as its lock's file shows."""
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
    file = Path(instance.root_directory) / "alive" / run.run_id
    file.parent.mkdir(exist_ok=True)
    file.touch()
    os.utime(file, (time.time() - 3_600,) * 2)
    return run


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_only_a_run_whose_process_is_gone_is_marked_as_failed(instance: dg.DagsterInstance) -> None:
    gone, at_work, just_begun = (under_way(instance) for _ in range(3))
    os.utime(Path(instance.root_directory) / "alive" / just_begun.run_id)
    unheard_of = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)  # on another machine, say
    with dg.build_sensor_context(instance) as context:
        with file_lock(Path(instance.root_directory) / "alive" / at_work.run_id, 0):
            said = lost_runs(context)
        assert isinstance(said, dg.SkipReason)
        assert gone.run_id in str(said.skip_message)
    assert status(instance, gone) is dg.DagsterRunStatus.FAILURE
    failure = instance.all_logs(gone.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)[0]
    assert failure.dagster_event is not None
    assert failure.dagster_event.message == alive.GONE
    for run in (at_work, just_begun, unheard_of):
        assert status(instance, run) is dg.DagsterRunStatus.STARTED
    assert alive.fail_those_gone(instance) == []


def test_a_run_is_known_to_be_alive_while_it_works(
    blank_copy: Callable[..., Path], instance: dg.DagsterInstance
) -> None:
    folder = Path(instance.root_directory) / "alive"
    held: list[tuple[str, bool]] = []

    @dg.asset
    def looks(sealtrail: Sealtrail) -> None:
        (file,) = folder.iterdir()
        with file_lock(file, 0) as free:
            held.append((file.name, not free))

    done = Runs(blank_copy(), instance).materialize([looks])
    assert done.success
    assert held == [(done.run_id, True)]
    assert list(folder.iterdir()) == []
