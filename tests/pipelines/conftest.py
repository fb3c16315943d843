"""An instance of its own for each test, and runs on a workspace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.defs_state.base import set_defs_state_storage
from pipeline_runs import Runs


@pytest.fixture(scope="session", autouse=True)
def no_home_from_outside() -> None:
    """A developer's own DAGSTER_HOME must not be written to."""
    os.environ.pop("DAGSTER_HOME", None)


@pytest.fixture(autouse=True)
def no_instance_of_an_earlier_test() -> Iterator[None]:
    """A sensor's context that is collected late makes the instance current again that its own test has closed."""
    with set_defs_state_storage(None):
        yield


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as made:
        yield made


@pytest.fixture
def runs_on(instance: dg.DagsterInstance) -> Callable[..., Runs]:
    def make(folder: Path, **settings: Any) -> Runs:
        return Runs(folder, instance, **settings)

    return make
