"""Which runs are at work. Dagster asks that of a run launcher; the one that starts processes on this machine cannot say.

A run that was killed together with Dagster (no power, no memory) would stay "started" for ever, take the place of another,
and hold back every report, for a report waits until nothing is under way. So a run holds a lock as long as its process
lives, and one whose lock can be taken is gone.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from signing_core.storage.locks import file_lock

_TAKEN_BY_THEN_SECONDS = 60.0
"""Between the making of a lock's file and its being locked, somebody else could take it."""
GONE = "The process of this run was killed, or ended with the machine. What it finished is kept; the next run goes on there."


@contextmanager
def held(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """This process is at work on the run for the block."""
    folder = _folder(instance)
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / run_id, wait=1):  # not got: the run has it already, from a step before
        yield


def fail_those_gone(instance: dg.DagsterInstance) -> list[str]:
    """Marks the runs whose process is gone as failed, so that they are tried again; their ids."""
    failed = []
    for file in _folder(instance).glob("*"):
        try:
            if time.time() - file.stat().st_mtime < _TAKEN_BY_THEN_SECONDS:
                continue
        except FileNotFoundError:
            continue
        with file_lock(file, wait=0) as gone:  # which removes it
            run = instance.get_run_by_id(file.name) if gone else None
            if run is not None and not run.is_finished:
                instance.report_run_failed(run, GONE)
                failed.append(run.run_id)
    return failed


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.root_directory) / "alive"
