"""Killed at every point, gone on with: one completed document, one certificate, one message for each party."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from signing_core.testing import contract

PARTS = 4
PROGRAM = Path(__file__).with_name("killed_flow.py")


def run_part(blank: Path, work: Path, part: int, *more: str) -> list[dict[str, object]]:
    command = [sys.executable, str(PROGRAM), str(blank), str(work), str(part + 1), str(PARTS), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="session")
def start(blank_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills")
    shutil.copytree(blank_workspace, folder / "blank")
    (folder / "source.pdf").write_bytes(contract())
    return folder / "blank"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_every_point_with_the_outbox_folder(start: Path, tmp_path: Path, part: int) -> None:
    lines = run_part(start, tmp_path, part)
    assert not [line for line in lines if line.get("wrong") or line.get("error")]
    assert "points" in lines[-1], "the last run is the one that no kill reached"
    assert len(lines) > 20
