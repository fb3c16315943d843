"""Signs with other software, judges what it wrote, and prints a table.

    python tests/other_signers/run.py [--out build/other_signers/files] [--jobs 1] [--page PAGE]
        [--tools NAME ...] [--documents NAME ...]

Files are made once: a run that was cut off, or a second run after a change of the verification, takes those that are there.
OUT holds honest/ and altered/ with the files, manifest.csv with what each is, verdicts.csv with what we say of it, and table.md.
Ends with 1 when an altered file is called intact, or fewer than 98 % of the honest ones that no tool damaged are.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from . import keys, report
from .drivers import TOOLS
from .judging import Judged, judge
from .making import Maker
from .manifest import Entry, entries
from .matrix import Chain, chains
from .workshop import Tool, ToolMissing, Workshop

ROOT: Final = Path(__file__).parents[2]
LEAST_INTACT: Final = 0.98
"""Of the honest files that no tool damaged."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "other_signers" / "files")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--page", type=Path, help="a Markdown page whose table is replaced, docs/other-signers.md")
    parser.add_argument("--tools", nargs="*", help="only these, by name")
    parser.add_argument("--documents", nargs="*", help="only these, by name")
    wanted = parser.parse_args()
    workshop = Workshop(ROOT / "build" / "other_signers")
    tools = present(workshop, wanted.tools)
    plan = [chain for chain in chains(tools) if not wanted.documents or chain.document.name in wanted.documents]
    made = make(workshop, wanted.out, plan, wanted.jobs)
    judged = judge(made, wanted.out, wanted.jobs)
    return _reported(judged, wanted.out, wanted.page)


def present(workshop: Workshop, names: list[str] | None = None) -> list[Tool]:
    """The tools that are here, made ready; of the others it says what brings them."""
    tools = []
    for tool in TOOLS:
        if names and tool.name not in names:
            continue
        try:
            tool.ready(workshop)
        except ToolMissing as missing:
            print(f"Left out: {tool.name}; it needs {missing}.", flush=True)
        else:
            tools.append(tool)
    return tools


def make(workshop: Workshop, out: Path, plan: list[Chain], jobs: int) -> list[Entry]:
    maker = Maker(workshop, keys.make(out / "keys"), out)
    return entries(maker, plan, jobs)


def _reported(judged: list[Judged], out: Path, page: Path | None) -> int:
    table = report.markdown(judged)
    if page is not None:
        page.write_text(report.placed(page.read_text(), table))
    (out / "table.md").write_text(table)
    print(table)
    summary = report.summary(judged)
    return 0 if summary.share_intact >= LEAST_INTACT and not summary.accepted else 1
