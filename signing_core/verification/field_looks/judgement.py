"""Whether a field shows its value, and what says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Look(StrEnum):
    VALUE = "value"
    """The field shows its value."""
    OTHER = "other"
    """It shows something else, for certain."""
    UNKNOWN = "unknown"
    """It cannot be told."""


@dataclass(frozen=True, slots=True)
class Judgement:
    look: Look
    reason: str = ""
    """A short phrase for an analyst; for `VALUE` what it rests on, empty where the letters themselves tell."""


VALUE: Final = Judgement(Look.VALUE)


def other(reason: str) -> Judgement:
    return Judgement(Look.OTHER, reason)


def unknown(reason: str) -> Judgement:
    return Judgement(Look.UNKNOWN, reason)


def quoted(value: str) -> str:
    """A value for an analyst, cut to a line."""
    printable = "".join(c if c.isprintable() else " " for c in value)
    return f"“{printable[:77]}...”" if len(printable) > 80 else f"“{printable}”"
