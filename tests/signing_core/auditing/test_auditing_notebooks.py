"""Notebooks of one's own as evidence: kept and logged when they conclude, nothing left behind when they do not."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from signing_core import Workspace, frames
from signing_core.auditing import notebooks
from signing_core.cli import sealtrail
from signing_core.errors import NotebookFailed, UsageError
from signing_core.storage import schema
from signing_core.storage.database import reading
from signing_core.testing import make_workspace

PARAMETERS = """workspace = ""
file = "count.txt"  # where the number is
factor = 1
"""
CONCLUDES = """from pathlib import Path
from signing_core import Conclusion
number = int(Path(file).read_text()) * factor
Conclusion(number < 10, f"The number is {number}.", {"number": number})"""


def notebook(folder: Path, *cells: str) -> Path:
    made = [
        {"cell_type": "code", "id": f"c{number}", "execution_count": None, "outputs": [], "source": source,
         "metadata": {"tags": ["parameters"]} if source == PARAMETERS else {}}
        for number, source in enumerate(cells)
    ]  # fmt: skip
    file = folder / "my_audit.ipynb"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    file.write_text(json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return file


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with make_workspace(tmp_path / "workspace") as made:
        yield made


def stored(workspace: Workspace) -> tuple[int, int]:
    """Events in the log, and objects in the store."""
    with reading(workspace.engine) as connection:
        events = connection.execute(sa.select(sa.func.count()).select_from(schema.audit_events)).scalar_one()
    return int(events), sum(file.is_file() for file in (workspace.path / "objects").rglob("*"))


def test_a_notebook_of_one_s_own_is_kept_and_logged(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path among the parameters is relative to where the command was given."""
    file = notebook(tmp_path, PARAMETERS, CONCLUDES)
    (tmp_path / "count.txt").write_text("4")
    monkeypatch.chdir(tmp_path)
    done = notebooks.run(workspace, str(file), {"factor": "3"})
    assert not done.in_order
    assert done.conclusion["figures"] == {"number": 12}
    assert hashlib.sha256(done.data).hexdigest() == done.sha256
    assert workspace.objects.get(done.sha256) == done.data
    data = done.event.data
    assert data["notebook_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (data["parameters"], data["statement"]) == ({"factor": 3}, "The number is 12.")
    run = frames.runs(workspace).iloc[0]
    assert (run["name"], run["in_order"], run["sha256"]) == ("my_audit", False, done.sha256)
    assert {key: str(dtype) for key, dtype in frames.runs(workspace).dtypes.items()} == frames.dtypes("runs")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("1 / 0", "my_audit stopped at cell 2: ZeroDivisionError: division by zero. Open "),
        ("'no conclusion'", "my_audit.ipynb ended without a conclusion; let its last cell give a signing_core.Conclusion."),
    ],
)  # fmt: skip
def test_a_notebook_that_does_not_conclude_leaves_nothing_behind(
    workspace: Workspace, tmp_path: Path, last: str, said: str
) -> None:
    before = stored(workspace)
    with pytest.raises(NotebookFailed) as failed:
        notebooks.run(workspace, str(notebook(tmp_path, PARAMETERS, last)), {})
    assert str(failed.value).startswith(said)
    assert "\n" not in str(failed.value)
    assert stored(workspace) == before


@pytest.mark.parametrize(
    ("name", "parameters", "said"),
    [
        ("nothing", {}, "There is no notebook nothing; there are attribute_sampling, "),
        ("own", {"week": "1"}, "my_audit has no parameter week; its parameters are file, factor."),
        ("own", {"workspace": "/elsewhere"}, "my_audit has no parameter workspace; its parameters are file, factor."),
        ("own", {"factor": "much"}, "much is no number, which factor has to be, such as 1."),
        ("broken", {}, "broken.ipynb is not a notebook that can be read; "),
    ],
)
def test_what_cannot_be_run_is_said_in_a_sentence(
    workspace: Workspace, tmp_path: Path, name: str, parameters: dict[str, str], said: str
) -> None:
    broken = tmp_path / "broken.ipynb"
    broken.write_text("{}")
    files = {"own": str(notebook(tmp_path, PARAMETERS, CONCLUDES)), "broken": str(broken)}
    with pytest.raises(UsageError) as refused:
        notebooks.run(workspace, files.get(name, name), parameters)
    assert str(refused.value).startswith(said)


def test_missing_packages_are_named_with_what_brings_them(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "papermill" else find(name))
    with pytest.raises(UsageError, match=r"pip install 'sealtrail\[notebooks\]'"):
        notebooks.run(workspace, str(notebook(tmp_path, PARAMETERS, CONCLUDES)), {})


def test_a_copy_to_nowhere_is_refused_before_anything_runs(workspace: Workspace, tmp_path: Path) -> None:
    before = stored(workspace)
    where = ["-o", str(tmp_path / "absent" / "copy.ipynb"), "-w", str(workspace.path)]
    done = CliRunner().invoke(sealtrail, ["audit", "notebook", "signing_times", *where])
    assert isinstance(done.exception, UsageError)
    assert "There is no folder" in str(done.exception)
    assert stored(workspace) == before
