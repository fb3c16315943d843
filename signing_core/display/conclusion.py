"""What an audit in a notebook ends with: a sentence and the figures under it, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from signing_core.display.parts import badge, facts, fold, paragraph
from signing_core.display.tags import card

CONCLUSION_TYPE: Final = "application/vnd.sealtrail.conclusion+json"
"""Media type under which an executed notebook carries its conclusion."""

_FEW: Final = 6
"""Entries of a list that are shown at once."""


@dataclass(frozen=True)
class Conclusion:
    """The end of an audit.

    `in_order` is the answer, `statement` says it in a sentence or two, `figures` are what it rests on: JSON values by name.
    """

    in_order: bool
    statement: str
    figures: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"in_order": self.in_order, "statement": self.statement, "figures": dict(self.figures)}

    def __repr__(self) -> str:
        return f"<Conclusion {'in order' if self.in_order else 'exceptions'}: {self.statement}>"

    def _repr_html_(self) -> str:
        mark = badge("in order", "good") if self.in_order else badge("exceptions", "bad")
        shown = {name.replace("_", " "): _figure(value) for name, value in self.figures.items()}
        return card(paragraph("Conclusion ", mark, cls="title"), paragraph(self.statement), facts(shown))

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """For Jupyter: text, HTML, and the figures for whoever reads the executed notebook by program."""
        return {"text/plain": repr(self), "text/html": self._repr_html_(), CONCLUSION_TYPE: self.to_json()}


def _figure(value: Any) -> object:
    """A figure for people: lists one after the other, long ones folded, groups with their names."""
    if isinstance(value, Mapping):
        return "; ".join(f"{str(key).replace('_', ' ')}: {_brief(one)}" for key, one in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        said = ", ".join(map(_brief, value)) or "none"
        return said if len(value) <= _FEW else fold(f"{len(value)}", said)
    return value


def _brief(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{str(key).replace('_', ' ')} {_brief(one)}" for key, one in value.items())
    return ", ".join(map(_brief, value)) if isinstance(value, (list, tuple)) else str(value)
