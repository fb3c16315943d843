"""Everything that a page says exists in German, and says the same blanks."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import dashboards
from dashboards import look, trail
from dashboards.words import NAMES
from dashboards.words_de import GERMAN
from signing_core import findings
from signing_core.access import Right, Role
from signing_core.desk import endings
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


def values() -> set[str]:
    """Values of the core and of Dagster that pages show as words; indications stay as the standard writes them."""
    found = {*map(str, Status), *map(str, Role), *map(str, Right), *NAMES, *findings.DISPOSITIONS}
    for tones in (look.STATUS_TONES, look.SEVERITY_TONES, look.FINDING_TONES, look.VERDICT_TONES, look.RUN_TONES):
        found |= set(tones)
    found |= {"system", "verifier", "batch", "command", "upload", "dashboard", "run", "queued", "canceling", "starting"}
    found |= {
        "link",
        "code",
        "reminder",
        "download",
        "waiting",
        "sending",
        "uncertain",
        "delivered",
        "failed",
        "cancelled",
    }
    found |= {"source", "prepared", "final", "compliance", "operations", "observed", "asserted", "not recorded"}
    return {value for value in found if not value.isupper()}


def blanks(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_is_there_in_german() -> None:
    views = ast.parse((FOLDER / "screens" / "document.py").read_text())
    titles = next(
        ast.literal_eval(node.value)
        for node in views.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "TITLES"
    )
    texts = {*endings.WHAT.values(), *endings.WAYS.values(), endings.ENDS, endings.ENDED}
    texts |= spoken() | set(trail._TITLES.values()) | set(trail._SHOWN.values()) | set(titles.values())
    assert sorted((texts | values()) - GERMAN.keys()) == []


def test_the_german_has_the_same_blanks() -> None:
    assert [text for text, german in GERMAN.items() if not blanks(german) <= blanks(text)] == []
    assert [text for text in spoken() if blanks(text) != blanks(GERMAN[text])] == []
