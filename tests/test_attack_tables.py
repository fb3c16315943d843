"""The tables of who can do what, and what catches it, name a test in every row, and every such test is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLES = {"SECURITY.md": "## Who can do what", "docs/audit-log.md": "## What catches what"}


@pytest.mark.parametrize("page", TABLES)
def test_every_row_is_a_test(page: str) -> None:
    there = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    section = (ROOT / page).read_text().partition(TABLES[page])[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    named = [re.findall(r"`(test_\w+)`", row.split("|")[-2]) for row in rows]
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    assert {test for tests in named for test in tests} - there == set()
