"""The table of docs/other-signers.md, and the sums that decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from .judging import Judged

BEGIN: Final = "<!-- written by tests/other_signers/run.py -->"
END: Final = "<!-- end -->"


@dataclass(frozen=True)
class Counts:
    """Of honest files."""

    files: int
    intact: int
    damaged: int
    """Refused, and broken by a tool."""
    refused: int
    """Refused, and not broken by a tool."""
    broken_intact: int
    """Called intact though a tool broke something."""
    no_file: int
    """The tool gave none."""

    @classmethod
    def of(cls, judged: Iterable[Judged]) -> Counts:
        items = list(judged)
        files = [item for item in items if item.entry.path]
        intact = [item for item in files if item.integrity == "intact"]
        refused = [item for item in files if item.integrity != "intact"]
        return cls(
            len(files),
            len(intact),
            sum(item.entry.damaged == "yes" for item in refused),
            sum(item.entry.damaged == "no" for item in refused),
            sum(item.entry.damaged == "yes" for item in intact),
            len(items) - len(files),
        )

    def row(self, name: str) -> str:
        return f"| {name} | {self.files} | {self.intact} | {self.refused} | {self.damaged} | {self.no_file} |"


@dataclass(frozen=True)
class Summary:
    share_intact: float
    """Of the honest files that no tool damaged."""
    accepted: list[Judged]
    """Altered files that are called intact."""
    text: str


def summary(judged: Sequence[Judged]) -> Summary:
    counts = Counts.of(_honest(judged))
    altered = [item for item in judged if item.entry.kind != "honest"]
    accepted = [item for item in altered if item.integrity == "intact"]
    sound = counts.intact - counts.broken_intact
    share = sound / max(1, sound + counts.refused)
    lines = [
        f"{counts.files} honest files: {counts.intact} intact, {counts.refused} refused, {counts.damaged} refused that a tool "
        f"damaged, {counts.broken_intact} intact though a tool damaged something; {counts.no_file} were not made.",
        f"{share:.1%} of those that no tool damaged are intact.",
        f"{len(altered)} altered files: {len(accepted)} intact.",
        *(f"  ACCEPTED {item.entry.path} ({item.entry.kind})" for item in accepted),
    ]
    return Summary(share, accepted, "\n".join(lines))


def markdown(judged: Sequence[Judged]) -> str:
    honest = _honest(judged)
    alone = [item for item in honest if item.entry.combination == "sign"]
    sections = [
        summary(judged).text,
        _table("each tool alone", alone, lambda item: [_tools(item)[0]]),
        _table("files with the tool in any step", honest, lambda item: sorted(set(_tools(item)))),
        _table("combination", honest, lambda item: [item.entry.combination]),
        _table("document", honest, lambda item: [item.entry.document]),
        _kinds(judged),
        _refusals(honest),
        _damage(honest),
    ]
    return "\n\n".join(sections) + "\n"


def placed(page: str, table: str) -> str:
    """The page with the table between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError("the page has no marks for the table")
    return f"{before}{BEGIN}\n\n{table}\n{END}{after}"


def _honest(judged: Sequence[Judged]) -> list[Judged]:
    return [item for item in judged if item.entry.kind == "honest"]


def _tools(item: Judged) -> list[str]:
    return [step.split(" ", 1)[1] for step in item.entry.steps.split(", ")]


def _table(name: str, items: Sequence[Judged], keys: Callable[[Judged], Sequence[str]]) -> str:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in items:
        for key in keys(item):
            groups[key].append(item)
    lines = [
        f"| {name} | files | intact | refused | refused, damaged by a tool | no file |",
        "|---|---|---|---|---|---|",
    ]
    lines += [Counts.of(group).row(key) for key, group in groups.items()]
    lines.append(Counts.of(items).row("**all**"))
    return "\n".join(lines)


def _kinds(judged: Sequence[Judged]) -> str:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in judged:
        if item.entry.kind != "honest":
            groups[item.entry.kind].append(item)
    lines = ["| altered | files | intact |", "|---|---|---|"]
    lines += [
        f"| {kind} | {len(group)} | {sum(item.integrity == 'intact' for item in group)} |"
        for kind, group in groups.items()
    ]
    return "\n".join(lines)


def _refusals(honest: Sequence[Judged]) -> str:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in honest:
        if item.entry.path and item.integrity != "intact" and item.entry.damaged == "no":
            groups[", ".join(sorted({f"`{code}`" for code in item.codes}))].append(item)
    lines = ["| refused, damaged by no tool: finding | files | for example |", "|---|---|---|"]
    lines += [
        f"| {codes} | {len(group)} | {group[0].entry.document}: {group[0].entry.steps} |"
        for codes, group in sorted(groups.items(), key=lambda pair: -len(pair[1]))
    ]
    return "\n".join(lines)


def _damage(honest: Sequence[Judged]) -> str:
    groups: dict[str, list[Judged]] = defaultdict(list)
    for item in honest:
        if item.entry.damaged == "yes":
            step, _, criteria = item.entry.criterion.partition(": ")
            groups[f"{step} | {criteria}"].append(item)
    lines = ["| damaged by | criterion | files | of them intact |", "|---|---|---|---|"]
    lines += [
        f"| {kind} | {len(group)} | {sum(item.integrity == 'intact' for item in group)} |"
        for kind, group in sorted(groups.items())
    ]
    return "\n".join(lines)
