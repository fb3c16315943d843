"""What an entry of an annotation or form field says by its absence: written out, it says no more."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.values import Value

_DEFAULTS: Final[dict[str, Value]] = {
    "F": 0, "Type": "Annot", "Border": [0, 0, 1], "BS": {"W": 1, "S": "S"}, "H": "I", "Ff": 0, "MK": {}, "AS": "Off",
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
    return key in _DEFAULTS and bool(_DEFAULTS[key] == stated) and key != "AS"
