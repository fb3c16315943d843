"""The manual lists every type of event that the code writes, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from signing_core.flow.commands import EventType

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("signing_core", "portal", "dashboards", "pipelines")
CALLS = {f"{module}.{name}" for module in ("events", "audit") for name in ("append", "NewEvent")} | {"NewEvent"}
TYPE = re.compile(r"[a-z]+\.[a-z][a-z-]+")


def documented() -> set[str]:
    section = (ROOT / "docs" / "audit-log.md").read_text().partition("## Types of events")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def written() -> Iterator[tuple[str, Path]]:
    """Each type that an event is appended with, as a pattern, and where."""
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(file.read_text())
            for call in ast.walk(tree):
                if isinstance(call, ast.Call) and ast.unparse(call.func) in CALLS:
                    for given in [keyword.value for keyword in call.keywords if keyword.arg == "type"]:
                        yield from ((name, file) for name in _patterns(given, tree))


def _patterns(given: ast.expr, tree: ast.Module) -> list[str]:
    match given:
        case ast.Constant(value=str(name)):
            return [re.escape(name)]
        case ast.JoinedStr(values=parts):
            return ["".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else "[a-z-]+" for p in parts)]
        case ast.Name(id=name) if name.isupper():
            return [re.escape(_constant(name, tree))]
        case ast.Name():  # handed in: by calls in the same module
            texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
            return [re.escape(text) for text in texts if isinstance(text, str) and TYPE.fullmatch(text)]
        case ast.Call() if ast.unparse(given) == "str(event.type)":
            return [re.escape(one) for one in EventType]
    raise AssertionError(f"not understood: {ast.unparse(given)}")


def _constant(name: str, tree: ast.Module) -> str:
    for node in tree.body:
        target = (
            node.target
            if isinstance(node, ast.AnnAssign)
            else node.targets[0]
            if isinstance(node, ast.Assign)
            else None
        )
        if target is not None and ast.unparse(target) == name:
            if isinstance(node.value, ast.Attribute):  # type: ignore[union-attr]
                other = ROOT / "signing_core" / "audit_log" / f"{ast.unparse(node.value.value)}.py"  # type: ignore[union-attr]
                return _constant(node.value.attr, ast.parse(other.read_text()))  # type: ignore[union-attr]
            return str(ast.literal_eval(node.value))  # type: ignore[union-attr]
    raise AssertionError(f"{name} is not a constant of its module")


def test_every_type_that_is_written_is_in_the_manual() -> None:
    names = documented()
    found = list(written())
    assert len({file for _, file in found}) > 10
    missing = {(pattern, file.name) for pattern, file in found if not any(re.fullmatch(pattern, one) for one in names)}
    assert not missing


def test_the_manual_lists_no_type_that_nobody_writes() -> None:
    patterns = {pattern for pattern, _ in written()}
    assert {name for name in documented() if not any(re.fullmatch(pattern, name) for pattern in patterns)} == set()
