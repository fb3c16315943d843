"""Commands in process, on a workspace whose clock the test sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from signing_core.cli import sealtrail
from signing_core.storage import workspace as storage
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock


@dataclass(frozen=True)
class Ran:
    status: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


@pytest.fixture
def run(workspace: Workspace, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """`run("keys", "show")`."""
    opening = Workspace.open.__func__  # type: ignore[attr-defined]

    def at_the_tests_time(cls: type[Workspace], path: Any, **options: Any) -> Workspace:
        return opening(cls, path, **{"clock": clock, **options})  # type: ignore[no-any-return]

    monkeypatch.setattr(storage.Workspace, "open", classmethod(at_the_tests_time))

    def invoke(*arguments: object) -> Ran:
        done = CliRunner().invoke(
            sealtrail,
            [str(one) for one in arguments],
            env={"SEALTRAIL_WORKSPACE": str(workspace.path)},
            catch_exceptions=False,
        )
        return Ran(done.exit_code, done.stdout, done.stderr)

    return invoke
