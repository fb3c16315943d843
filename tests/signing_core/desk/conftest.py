from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from signing_core.desk import Desk
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, contract


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def workspace(blank_workspace: Path, tmp_path: Path, clock: ManualClock) -> Iterator[Workspace]:
    folder = tmp_path / "workspace"
    shutil.copytree(blank_workspace, folder)
    with Workspace.open(folder, clock=clock) as opened:
        yield opened


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return Desk(workspace)


@pytest.fixture
def play(desk: Desk) -> Play:
    return Play(desk)


@pytest.fixture(scope="session")
def source() -> bytes:
    return contract()
