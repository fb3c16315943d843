"""What all tests may ask for: a blank workspace to copy, a completed document to look at, and the real parts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import inputs
import pytest
from hypothesis import HealthCheck, settings
from real_parts import authority, gateway, mail_server, postgresql_server, postgresql_url, token
from seeded import seeded, seeded_copy

from signing_core.testing import Play, contract, make_workspace

__all__ = [
    "authority",
    "gateway",
    "mail_server",
    "postgresql_server",
    "postgresql_url",
    "seeded",
    "seeded_copy",
    "token",
]


# How long an example takes says how busy the machine is: tests that judge a time say so themselves.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def no_settings_from_outside() -> None:
    """A developer's own SEALTRAIL_ variables must not reach the workspaces of the tests."""
    for name in [name for name in os.environ if name.startswith("SEALTRAIL_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """The builders of tests/shared/inputs.py, by name."""
    return SimpleNamespace(**{name: value for name, value in vars(inputs).items() if not name.startswith("_")})


@pytest.fixture(scope="session")
def blank_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new workspace to be copied: making keys takes longer than most tests."""
    folder = tmp_path_factory.mktemp("blank") / "workspace"
    make_workspace(folder).close()
    return folder


@pytest.fixture
def blank_copy(blank_workspace: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies of it, with text added to their settings: `blank_copy("name", '[mail]\\n...')`."""

    def copy(name: str = "workspace", settings: str = "") -> Path:
        folder = tmp_path / name
        shutil.copytree(blank_workspace, folder)
        with (folder / "sealtrail.toml").open("a") as file:
            file.write(settings)
        return folder

    return copy


@dataclass(frozen=True)
class Completed:
    """A document that went through all phases; `folder` is its workspace, to be read only."""

    folder: Path
    document_id: str
    final: bytes
    steps: dict[str, bytes]
    """The file after each step: prepared, first-party, client, final."""

    @property
    def public(self) -> Path:
        """For `--trust`."""
        return self.folder / "keys" / "public"

    @property
    def signed(self) -> bytes:
        """As the client signed it."""
        return self.steps["client"]


def complete(folder: Path, source: bytes | None = None, *, title: str = "Service agreement") -> Completed:
    """Take a document through all phases in the workspace at `folder`."""
    from signing_core.desk import Desk
    from signing_core.storage.workspace import Workspace

    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(source or contract(), title=title)
        play.to_completion(document_id)
        files = play.desk.status(document_id)["files"]
        steps = {step: workspace.objects.get(file["sha256"]) for step, file in files.items() if step != "source"}
    return Completed(folder, document_id, steps["final"], steps)


@pytest.fixture(scope="session")
def completed(blank_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Completed]:
    folder = tmp_path_factory.mktemp("completed") / "workspace"
    shutil.copytree(blank_workspace, folder)
    yield complete(folder)


@pytest.fixture(scope="session")
def another_completed(completed: Completed, tmp_path_factory: pytest.TempPathFactory) -> Completed:
    """Another document of the same company, in a copy of the workspace: `completed` stays as it is."""
    folder = tmp_path_factory.mktemp("another") / "workspace"
    shutil.copytree(completed.folder, folder)
    return complete(folder, contract(text="Another sample contract"), title="Another agreement")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    """Playwright for the tests of one module. Its event loop counts as running for as long as it is open, so that nothing
    else in the process could run one: it ends with the module, and no test opens another."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as opened:
        yield opened
