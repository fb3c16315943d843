"""The six notebooks run on a seeded workspace, once for all test processes."""

from __future__ import annotations

import fcntl
import shutil

import pytest
from notebook_runs import ROOT, Ran, photograph, run_by_nbmake
from seeded import Seeded

from signing_core.auditing import notebooks


@pytest.fixture(scope="session")
def ran(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Ran:
    """All six, each on its defaults."""
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "notebooks-run"
    shared.mkdir(exist_ok=True)
    workspace, copies, done = shared / "workspace", shared / "notebooks", shared / "done"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            for folder in (workspace, copies):
                shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(seeded.folder, workspace)
            photograph(workspace, seeded)
            shutil.copytree(ROOT / "notebooks", copies, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
            run_by_nbmake(workspace, copies)
            done.touch()
    conclusions = {}
    for file in copies.glob("*.ipynb"):
        conclusion = notebooks.conclusion_of(file.read_bytes())
        assert conclusion is not None, file.name
        conclusions[file.stem] = conclusion
    return Ran(workspace, copies, conclusions)
