"""Which files are made: each tool alone on each document, pairs, and what may come between two signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from .documents import DOCUMENTS, Document
from .workshop import Action, Tool

What = Literal["sign", "fill", "comment", "store", "stamp"]

ALL_PAIRS: Final = ("typst", "chrome")
"""The documents on which every tool signs after every tool; on the others every second pair does."""


@dataclass(frozen=True)
class Part:
    """One step of a chain: what is done, and by which tool."""

    what: What
    tool: Tool

    @property
    def label(self) -> str:
        return f"{self.what} {self.tool.name}"

    @property
    def action(self) -> Action:
        action = getattr(self.tool, self.what)
        assert action is not None
        return action  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Chain:
    """A document and the steps that are done to it in turn."""

    document: Document
    parts: tuple[Part, ...]
    combination: str
    """The row of the table that it counts in."""

    @property
    def label(self) -> str:
        return ", ".join(part.label for part in self.parts)

    @property
    def name(self) -> str:
        """Of the file, without its suffix."""
        return "--".join([self.document.name, *(_plain(part.label) for part in self.parts)])

    def before(self, count: int) -> Chain:
        """The first `count` steps of it."""
        return Chain(self.document, self.parts[:count], self.combination)


def chains(tools: Sequence[Tool]) -> list[Chain]:
    """All of them for the tools that are there, in a fixed order, none twice."""
    every: dict[str, Chain] = {}
    for chain in _all(tools):
        every.setdefault(chain.name, chain)
    return list(every.values())


def _all(tools: Sequence[Tool]) -> Iterator[Chain]:
    signers = [tool for tool in tools if tool.sign and not tool.signs_first_only]
    for document in DOCUMENTS:
        yield from _alone(document, tools)
        for first_number, first in enumerate(signers):
            for second_number, second in enumerate(signers):
                if document.name in ALL_PAIRS or (first_number + second_number) % 2 == 0:
                    yield Chain(document, (Part("sign", first), Part("sign", second)), "sign, sign")
        yield from _between(document, signers, tools)


def _alone(document: Document, tools: Sequence[Tool]) -> Iterator[Chain]:
    for tool in tools:
        if tool.sign and not (tool.signs_first_only and document.certified):
            yield Chain(document, (Part("sign", tool),), "sign")
    for filler in (tool for tool in tools if tool.fill and tool.signs_first_only):
        for signer in (tool for tool in tools if tool.sign and document.form and not document.certified):
            yield Chain(document, (Part("fill", filler), Part("sign", signer)), "fill, sign")


def _between(document: Document, signers: Sequence[Tool], tools: Sequence[Tool]) -> Iterator[Chain]:
    """Something after a signature, and a second signature by the next tool after it."""
    kinds: list[tuple[What, Sequence[Tool]]] = [("store", tools), ("stamp", tools)]
    if document.form:
        kinds.append(("fill", [tool for tool in tools if not tool.signs_first_only]))
    if not document.certified:
        kinds.append(("comment", tools))
    for what, candidates in kinds:
        able = [tool for tool in candidates if getattr(tool, what)]
        for number, first in enumerate(signers):
            for offset, tool in enumerate(able):
                if what != "fill" and (number + offset + DOCUMENTS.index(document)) % 2:
                    continue  # every second one
                steps = (Part("sign", first), Part(what, tool))
                if offset == number % len(able) or len(able) == 1:
                    yield Chain(document, steps, f"sign, {what}")
                second = Part("sign", signers[(number + 1 + offset) % len(signers)])
                yield Chain(document, (*steps, second), f"sign, {what}, sign")


def _plain(label: str) -> str:
    return label.lower().replace("@", "").replace(" ", "-")
