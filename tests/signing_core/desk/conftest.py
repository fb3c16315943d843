from __future__ import annotations

import pytest

from signing_core.desk import Desk
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, contract


@pytest.fixture
def desk(workspace: Workspace) -> Desk:
    return Desk(workspace)


@pytest.fixture
def play(desk: Desk) -> Play:
    return Play(desk)


@pytest.fixture(scope="session")
def source() -> bytes:
    return contract()
