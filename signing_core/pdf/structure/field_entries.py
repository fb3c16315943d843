"""Entries of annotations and form fields (Tables 166, 168, 191, 192, 226, 227, 236): what they may be, and what their absence says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from signing_core.pdf.structure.values import Value

_DEFAULTS: Final[dict[str, Value]] = {
    "F": 0, "Type": "Annot", "Border": [0, 0, 1], "BS": {"W": 1, "S": "S"}, "H": "I", "Ff": 0, "MK": {},
    "BE": {"S": "S"}, "CA": 1, "Open": False, "StructParent": -1,
}  # fmt: skip


def means_default(key: str, value: Value, other: Value) -> bool:
    """Whether an entry that only one state has says no more than its absence does (Tables 166, 168, 191, 226)."""
    if value is not None and other is not None:
        return False
    stated = value if other is None else other
    if key == "BS" and isinstance(stated, dict):
        stated = {name: item for name, item in stated.items() if name != "Type"}
        return all(_DEFAULTS["BS"].get(name) == item for name, item in stated.items())
    return key in _DEFAULTS and bool(_DEFAULTS[key] == stated)


def _entries(value: Value, keys: set[str]) -> bool:
    return isinstance(value, dict) and keys.issuperset(value)


def _numbers(value: Value) -> bool:
    items = (
        [part for item in value for part in (item if isinstance(item, list) else [item])]
        if isinstance(value, list)
        else [""]
    )
    return all(isinstance(item, int | float) for item in items)


_TYPES: Final[dict[str, Callable[[Value], bool]]] = {
    **dict.fromkeys(("DA", "DS", "M", "TU", "NM", "Lang", "Contents"), lambda value: isinstance(value, bytes)),
    **dict.fromkeys(("Q", "TI", "StructParent"), lambda value: type(value) is int),
    **dict.fromkeys(("I", "Border"), _numbers),
    "H": lambda value: value in ("N", "I", "O", "P", "T"),
    "BS": lambda value: _entries(value, {"Type", "W", "S", "D"}),
    "MK": lambda value: _entries(value, {"R", "BC", "BG", "CA", "RC", "AC", "I", "RI", "IX", "IF", "TP"}),
    "DR": lambda value: isinstance(value, dict),
    "Subtype": lambda value: value == "Widget",
    "Lock": lambda value: _entries(value, {"Type", "Action", "Fields", "P"}),
}
"""What an entry that software writes along may be (Tables 166, 191, 192, 227, 236): the same dictionary may be read otherwise by
something else, as a graphics state or an action, so nothing else may change in it."""


def fits_entry(key: str, value: Value) -> bool:
    """Whether an entry that software writes along with a value or signature is of its type. `value` is resolved."""
    return key in _TYPES and _TYPES[key](value)
