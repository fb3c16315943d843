"""Texts from outside as a report may show them: a character that nobody sees, or no font holds, is written out (`\\u202e`).

File names and what stands in foreign X.509 certificates reach the report as they are. A direction mark would let a name show as
another, and PDF/A refuses the whole page over one character without a glyph.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from signing_core import typesetting

_JOINERS: Final = "\u200c\u200d"  # Persian, Indic scripts and compound emoji are spelled with them
_OGHAM_SPACE: Final = "\u1680"  # the one space that is drawn, as a line
_UNSEEN: Final = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")


def printable(text: str) -> str:
    """Control characters, direction marks, line breaks and the bytes of a name that is not UTF-8 written out."""
    return "".join(_written_out(c) if unicodedata.category(c) in _UNSEEN and c not in _JOINERS else c for c in text)


def drawable(text: str) -> str:
    """The same, and what none of the installed text families can draw."""
    shown = printable(text)
    missing = typesetting.unsupported(shown) + _OGHAM_SPACE
    return "".join(_written_out(c) if c in missing else c for c in shown)


def throughout(how: Callable[[str], str], value: Any) -> Any:
    """`value`, anything JSON can hold, with each text in it made so; keys stay."""
    if isinstance(value, str):
        return how(value)
    if isinstance(value, Mapping):
        return {key: throughout(how, one) for key, one in value.items()}
    if isinstance(value, Sequence):
        return [throughout(how, one) for one in value]
    return value


def _written_out(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
