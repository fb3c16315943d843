"""Batches from intake to report, with Dagster and without it: documents per second, overhead, memory, events database.

    python benchmarks/pipelines.py [--documents 10000] [--jobs 2] [--folder DIR]

All documents are really sealed (`archive.py`), about three a second and processor; with `--folder` they are kept for the next time.
Each way of running takes the same steps on a copy of the workspace without results, in a process of its own, so that its peak
memory is its own; they take turns, and the median of the rounds counts. Processor time is that of all processes together: where
others use the machine as well, it says more than the clock does.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import math
import multiprocessing
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
AIMS = {"overhead": 0.15, "growth_mb": 2.0}
_PR_SET_CHILD_SUBREAPER = 36


def core(folder: Path, jobs: int, batch: int) -> dict[str, Any]:
    """Every step by direct call."""
    from datetime import timedelta

    from signing_core.bulk import (
        certificates,
        checks,
        flow_controls,
        intake,
        inventory,
        log_state,
        reconciling,
        registry,
        report,
        signatures,
    )
    from signing_core.bulk.ledger import Ledger, Size
    from signing_core.bulk.results import Results
    from signing_core.bulk.watched import Watched
    from signing_core.storage.workspace import Workspace

    # As the resource of the pipelines has it.
    multiprocessing.set_forkserver_preload(["signing_core.verification.document"])
    start = time.perf_counter()
    results = Results(folder / "results")
    watched = Watched(str(folder / "inbox"))
    with Workspace.open(folder) as workspace, Ledger(results.folder / "intake.sqlite") as ledger:
        for one in intake.take_completed(workspace, ledger, size=Size(batch), gather=timedelta(0)):
            inventory.make(workspace, results, ledger, watched, one.key)
            checks.inventory_complete(results, ledger, one.key)
            signatures.make(workspace, results, watched, one.key, signatures.Work(jobs=jobs))
            checks.verdict_for_every_document(results, one.key)
            checks.failed_within_bounds(results, one.key)
            certificates.make(results, one.key)
            registry.make(workspace, results, one.key)
            reconciling.make(workspace, results, one.key, jobs=jobs)
        flow_controls.make(workspace, results)
        log_state.replay(workspace, results, jobs=jobs)
        made = report.make(workspace, results, ledger, run_id="benchmark")
    return {"seconds": time.perf_counter() - start, "exceptions": made.summary["exceptions"]}


def dagster(folder: Path, jobs: int, batch: int) -> dict[str, Any]:
    """The same through the sensor and the assets, on an instance that is stored on the disk."""
    # In place of this folder, where `pipelines` would be this file.
    sys.path[:1] = [str(ROOT), str(ROOT / "tests" / "shared")]
    import dagster as dg
    from pipeline_runs import Runs

    home = folder / "dagster"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as instance:
        runs = Runs(folder, instance, jobs=jobs, largest_batch=batch, gather_minutes=0)
        before = size(home)
        start = time.perf_counter()
        runs.everything()
        seconds = time.perf_counter() - start
    return {"seconds": seconds, "exceptions": len(runs.exceptions()), "growth": size(home) - before}


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def run(way: str, workspace: Path, jobs: int, batch: int) -> dict[str, Any]:
    """One way in a process of its own."""
    with tempfile.TemporaryDirectory(dir=workspace.parent) as base:
        folder = Path(base) / "workspace"
        # Objects are many and never written to: linked, not copied.
        ignored = shutil.ignore_patterns("database*", "secrets", "outbox*", "results", "inbox")
        shutil.copytree(workspace, folder, copy_function=os.link, ignore=ignored)
        shutil.copytree(workspace / "secrets", folder / "secrets")
        with (
            contextlib.closing(sqlite3.connect(workspace / "database.sqlite")) as source,
            contextlib.closing(sqlite3.connect(folder / "database.sqlite")) as copy,
        ):
            source.backup(copy)
        before = processor_seconds()
        command = [sys.executable, __file__, "--way", way, "--jobs", str(jobs), "--batch", str(batch), str(folder)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            sys.exit(f"The way {way} failed:\n{done.stderr[-4000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return {**found, "processor": processor_seconds() - before}


def adopt_orphans() -> None:
    """Workers whose parent ended become children of this process, so that their processor time is counted here (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def processor_seconds() -> float:
    """Of all processes that this one started and that have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--batch", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="kept for the next time")
    parser.add_argument("--way", choices=["core", "dagster"], help=argparse.SUPPRESS)
    parser.add_argument("workspace", nargs="?", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        way = {"core": core, "dagster": dagster}[given.way]
        found = way(given.workspace, given.jobs, given.batch)
        own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        print(json.dumps({**found, "peak_mb": own / 1024, "worker_peak_mb": children / 1024}))
        return
    import archive  # not at the top: worker processes of the ways load this file and not the folder it is in

    adopt_orphans()
    with tempfile.TemporaryDirectory() as temporary:
        workspace = (given.folder or Path(temporary)) / "workspace"
        workspace.parent.mkdir(parents=True, exist_ok=True)
        compare(workspace, archive.make(workspace, given.documents, jobs=given.jobs), given)


def compare(workspace: Path, documents: int, given: argparse.Namespace) -> None:
    rounds: dict[str, list[dict[str, Any]]] = {"core": [], "dagster": []}
    for _ in range(given.rounds):
        for way, found in rounds.items():
            found.append(run(way, workspace, given.jobs, given.batch))
            print(f"  {way}: {json.dumps(found[-1])}", flush=True)

    def median(way: str, what: str) -> float:
        return statistics.median(float(one[what]) for one in rounds[way])

    # It grows by runs, and by nothing that comes once for each document.
    each = rounds["dagster"][-1]["growth"] / 1e6 / (math.ceil(documents / given.batch) + 2)
    growth = each * (math.ceil(10_000 / given.batch) + 2)
    print(f"{documents} documents, batches of {given.batch}, {given.jobs} processes, median of {given.rounds} rounds")
    for way, found in rounds.items():
        seconds, processor, last = median(way, "seconds"), median(way, "processor"), found[-1]
        print(
            f"  {way:8} {seconds:8.1f} s  {documents / seconds:8.1f} documents/s  "
            f"{processor / documents * 1e3:6.1f} ms of processor each  peak {last['peak_mb']:.0f} MB, "
            f"of a worker {last['worker_peak_mb']:.0f} MB  {last['exceptions']} exceptions"
        )
    for name, what in (("clock", "seconds"), ("processor", "processor")):
        overhead = median("dagster", what) / median("core", what) - 1
        print(f"  overhead of the orchestration by the {name}: {overhead:.1%} (aim: under {AIMS['overhead']:.0%})")
    print(
        f"  events database {growth:.2f} MB for 10,000 documents (aim: under {AIMS['growth_mb']:g} MB), {each:.2f} a run"
    )


if __name__ == "__main__":
    main()
