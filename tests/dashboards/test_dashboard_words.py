"""Everything that a page says exists in German, and says the same blanks."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import dashboards
from dashboards import trail
from dashboards.words import NAMES
from dashboards.words_de import GERMAN
from signing_core.access import Right, Role
from signing_core.flow import Status

FOLDER = Path(dashboards.__file__).parent


def spoken() -> set[str]:
    """Texts given to `t` as literals."""
    found = set()
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_is_there_in_german() -> None:
    texts = spoken() | set(trail._TITLES.values()) | set(trail._SHOWN.values())
    values = {*map(str, Status), *map(str, Role), *map(str, Right)} | set(NAMES)
    assert sorted((texts | values) - GERMAN.keys()) == []


def test_the_german_has_the_same_blanks() -> None:
    assert [text for text, german in GERMAN.items() if not blanks(german) <= blanks(text)] == []
    assert [text for text in spoken() if blanks(text) != blanks(GERMAN[text])] == []
