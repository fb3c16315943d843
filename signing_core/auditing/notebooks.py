"""Audit notebooks as periodic reports: run with parameters, the executed copy kept as evidence, its hash in the audit log."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import signing_core
from signing_core import __version__
from signing_core.audit_log import events
from signing_core.display import CONCLUSION_TYPE
from signing_core.errors import NotebookFailed, UsageError
from signing_core.storage.database import writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.workspace import Workspace

EXECUTED: Final = "notebook.executed"
FOLDER: Final = Path(signing_core.__file__).resolve().parents[1] / "notebooks"
"""Beside the package, checked out and installed alike."""

_NEEDED: Final = ("papermill", "ipykernel", "pandas", "duckdb", "matplotlib")
_KERNEL: Final = {"KernelManager": {"transport": "ipc"}} if os.name == "posix" else {}
"""Sockets in the file system, which nobody else on the machine can listen to."""


@dataclass(frozen=True)
class Run:
    """One notebook that was run to its end."""

    name: str
    data: bytes
    """The executed notebook, as it is in the object store."""
    sha256: str
    event: events.Event
    """What the audit log says of it."""
    conclusion: dict[str, Any]
    """`in_order`, `statement` and `figures`."""

    @property
    def in_order(self) -> bool:
        return bool(self.conclusion["in_order"])


def available() -> dict[str, Path]:
    """The notebooks that come with the project, by name."""
    return {file.stem: file for file in sorted(FOLDER.glob("*.ipynb"))}


def run(workspace: Workspace, name: str, parameters: Mapping[str, str], *, progress: bool = False) -> Run:
    """Run a notebook on the workspace in a process of its own, keep the executed copy and record it.

    `name` is one of `available`, or a file of one's own that ends with a `Conclusion`. `parameters` are texts; they become
    numbers where the notebook's own values are. Raises `UsageError` for an unknown notebook or parameter and for missing
    packages, and `NotebookFailed`, with nothing kept, when a cell fails.
    """
    source = _source(name)
    given = _typed(source, parameters)
    data = _execute(source, {**given, **_workspace(source, workspace)}, progress)
    conclusion = conclusion_of(data)
    if conclusion is None:
        raise NotebookFailed(
            f"{source.name} ended without a conclusion; let its last cell give a signing_core.Conclusion."
        )
    sha256 = workspace.objects.put(data)
    now = workspace.clock()
    with writing(workspace.engine) as connection:
        event = events.append(
            connection,
            type=EXECUTED,
            time=now,
            actor="verifier",
            data={
                "run": new_id(now),
                "name": source.stem,
                "notebook_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
                "parameters": given,
                "tool_version": __version__,
                "in_order": bool(conclusion["in_order"]),
                "statement": str(conclusion["statement"]),
                "sha256": sha256,
            },
        )
    return Run(source.stem, data, sha256, event, conclusion)


def conclusion_of(data: bytes) -> dict[str, Any] | None:
    """The conclusion that an executed notebook carries; None when it has none."""
    for cell in reversed(json.loads(data)["cells"]):
        for output in cell.get("outputs", ()):
            found: dict[str, Any] | None = output.get("data", {}).get(CONCLUSION_TYPE)
            if found is not None:
                return found
    return None


def _source(name: str) -> Path:
    known = available()
    if name in known:
        return known[name]
    file = Path(name)
    if file.suffix == ".ipynb" and file.is_file():
        return file
    raise UsageError(f"There is no notebook {name}; there are {', '.join(known)}, or give a .ipynb file of your own.")


def _defaults(source: Path) -> dict[str, Any]:
    """The values in the cell that is tagged `parameters`; one that is computed there counts as text."""
    found: dict[str, Any] = {}
    try:
        for cell in json.loads(source.read_text("utf-8"))["cells"]:
            if "parameters" in cell.get("metadata", {}).get("tags", ()):
                for line in ast.parse("".join(cell["source"])).body:
                    if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
                        constant = isinstance(line.value, ast.Constant)
                        found[line.targets[0].id] = ast.literal_eval(line.value) if constant else ""
                break
    except (ValueError, SyntaxError, KeyError, TypeError, AttributeError):
        raise UsageError(
            f"{source.name} is not a notebook that can be read; open it in JupyterLab and save it."
        ) from None
    return found


def _typed(source: Path, parameters: Mapping[str, str]) -> dict[str, Any]:
    known = {key: value for key, value in _defaults(source).items() if key != "workspace"}
    typed: dict[str, Any] = {}
    for key, value in parameters.items():
        if key not in known:
            there = f"its parameters are {', '.join(known)}" if known else "it has none"
            raise UsageError(f"{source.stem} has no parameter {key}; {there}.")
        kind = type(known[key])
        try:
            typed[key] = kind(value) if kind in (int, float) else value
        except ValueError:
            raise UsageError(f"{value} is no number, which {key} has to be, such as {known[key]}.") from None
    return typed


def _workspace(source: Path, workspace: Workspace) -> dict[str, str]:
    return {"workspace": str(workspace.path)} if "workspace" in _defaults(source) else {}


def _execute(source: Path, parameters: dict[str, Any], progress: bool) -> bytes:
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise UsageError(
            "Running notebooks needs more packages; install them with `pip install 'sealtrail[notebooks]'`."
        )
    import papermill
    from traitlets.config import Config

    with tempfile.TemporaryDirectory(prefix="sealtrail-notebook-") as folder:
        output = Path(folder) / source.name
        try:
            # In the caller's folder, so that relative paths among the parameters are what the caller means.
            papermill.execute_notebook(
                str(source), str(output), parameters, kernel_name="python3", progress_bar=progress, cwd=str(Path.cwd()),
                config=Config(_KERNEL), extra_arguments=["--log-level=CRITICAL"],
            )  # fmt: skip
        except papermill.PapermillExecutionError as error:
            if error.ename == "UsageError":
                raise UsageError(f"{source.stem}: {error.evalue}") from None
            cell = error.exec_count - bool(parameters)  # without the cell that brought them in
            raise NotebookFailed(_why(source, cell, error.ename, error.evalue)) from None
        except RuntimeError:  # the kernel's process ended
            raise NotebookFailed(
                f"{source.stem} stopped because its process ended, for want of memory perhaps; open {source} and run it there."
            ) from None
        return output.read_bytes()


def _why(source: Path, cell: int, name: str, said: str) -> str:
    """What went wrong and where; with what a notebook says on leaving, that is enough."""
    if name == "SystemExit":
        return f"{source.stem}: {said}"
    message = " ".join(f"{source.stem} stopped at cell {cell}: {name}: {said}".split()).rstrip(".")
    return f"{message}. Open {source} and run it there to see why."
