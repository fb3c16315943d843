"""Rows of an audit as a table that can be read: whole hashes, text to the left, and how many rows are not shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from signing_core.display.parts import moment, paragraph, short, table
from signing_core.display.tags import card

_SHA256: Final = re.compile("[0-9a-f]{64}")
_PLAIN: Final = 12
"""Rows of the plain text."""


@dataclass(frozen=True)
class Listing:
    """A table for a notebook. `frames.listing` makes one of a DataFrame."""

    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    limit: int = 100
    """Rows that are shown."""

    def __repr__(self) -> str:
        lines = [" | ".join(str(value) for value in row) for row in (self.head, *map(_plain, self.rows[:_PLAIN]))]
        left = len(self.rows) - _PLAIN
        return "\n".join(
            [*([self.caption] if self.caption else []), *lines, *([f"and {left} more"] if left > 0 else [])]
        )

    def _repr_html_(self) -> str:
        left = len(self.rows) - self.limit
        said = f"And {left:,} more rows." if left > 0 else "No rows." if not self.rows else ""
        return card(
            table(self.head, (list(map(_shown, row)) for row in self.rows[: self.limit]), caption=self.caption),
            *((paragraph(said),) if said else ()),
        )


def _shown(value: object) -> object:
    return short(value, 64) if isinstance(value, str) and _SHA256.fullmatch(value) else value


def _plain(row: Sequence[object]) -> list[object]:
    return [
        "not recorded" if value is None else moment(value) if isinstance(value, datetime) else value for value in row
    ]
