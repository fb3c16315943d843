"""What a result was made by: the version of the code that judged. What a killed run was writing, when the next one writes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import signing_core
from signing_core.bulk import flow_controls, log_state
from signing_core.bulk.results import Results, code_version
from signing_core.storage.workspace import Workspace

BASE = Path(signing_core.__file__).parent


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The core's code in a place where it may be changed."""
    copy = shutil.copytree(BASE, tmp_path / "signing_core", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(signing_core, "__file__", str(copy / "__init__.py"))
    code_version.cache_clear()
    yield copy
    code_version.cache_clear()


@pytest.mark.parametrize(
    "changed",
    ["policy.py", "verdict/folding.py", "verification/document.py", "certificate/scan.py", "pdf/revisions.py"],
)
def test_code_version_follows_all_code_that_judges(copied: Path, changed: str) -> None:
    before = code_version()
    with (copied / changed).open("a") as file:
        file.write("# changed\n")
    code_version.cache_clear()
    assert code_version() != before


def test_code_version_of_named_packages_follows_them_and_the_verdict_and_nothing_else(copied: Path) -> None:
    before = code_version("desk")
    for changed, differs in (("flow/machine.py", False), ("keys/ring.py", False), ("verdict/terms.py", True)):
        with (copied / changed).open("a") as file:
            file.write("# changed\n")
        code_version.cache_clear()
        assert (code_version("desk") != before) is differs, changed


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (flow_controls.make, "controls.parquet"),
        (log_state.replay, "audit_log.parquet"),
        (log_state.anchor, "last-checkpoint.json"),
    ],
)
def test_what_a_killed_run_was_writing_is_removed_by_the_next(
    blank_copy: Callable[..., Path], make: Callable[[Workspace, Results], object], name: str
) -> None:
    with Workspace.open(blank_copy()) as workspace:
        store = Results(workspace.path / "results")
        store.folder.mkdir()
        (store.folder / f".{name}.0123456789ab").write_bytes(b"PAR1")
        (store.folder / ".another.parquet.0123456789ab").write_bytes(b"PAR1")
        make(workspace, store)
        assert sorted(file.name for file in store.folder.iterdir()) == [".another.parquet.0123456789ab", name]
