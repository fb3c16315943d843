"""What a result was made by: the version of the code that judged. What a killed run was writing, when the next one writes."""

from __future__ import annotations

import ast
import importlib.metadata
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

import signing_core
from signing_core.bulk import flow_controls, log_state
from signing_core.bulk.results import Results
from signing_core.storage.workspace import Workspace
from signing_core.verification.made_by import LIBRARIES, code_version, library_versions

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
    ["policy/rules.py", "verdict/folding.py", "verification/document.py", "certificate/scan.py", "pdf/revisions.py"],
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


STORES: Final = {"sqlalchemy", "pyarrow", "click", "httpx"}
"""Used around judging: tables, output, the network that a batch does not use."""


def test_every_library_that_judges_has_its_version_in_the_rules() -> None:
    imported: set[str] = set()
    for package in ("certificate", "pdf", "verdict", "verification"):
        for file in (BASE / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {one.name.partition(".")[0] for one in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module.partition(".")[0])
    imported -= {*sys.stdlib_module_names, "signing_core"}
    by_import = importlib.metadata.packages_distributions()
    named = {one: {name.lower().replace("_", "-") for name in found} for one, found in by_import.items()}
    used = set().union(*(named.get(one, ()) for one in imported))
    assert used - STORES == set(LIBRARIES) & set().union(*named.values())  # some are of an extra


@pytest.mark.parametrize("library", ["pyhanko", "cryptography", "pypdf", "pypdfium2"])
def test_another_version_of_a_library_is_another_rule(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    installed = importlib.metadata.version
    told = {}
    for version in ("1", "2", None):

        def of(name: str, version: str | None = version) -> str:
            if name == library and version is None:
                raise importlib.metadata.PackageNotFoundError(name)
            return version if name == library and version else installed(name)

        monkeypatch.setattr(importlib.metadata, "version", of)
        told[version] = library_versions.__wrapped__()
    assert len(set(told.values())) == 3


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (flow_controls.make, "controls.parquet"),
        (log_state.replay, "audit_log.parquet"),
        (log_state.anchor, "last-checkpoint.json"),
        (log_state.consistency, "log_consistency.json"),
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
        assert (store.folder / name).is_file()
        assert [file.name for file in store.folder.glob(".*")] == [".another.parquet.0123456789ab"]
