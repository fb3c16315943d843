"""What the looks of a form field say, and whether programs that draw it by themselves show its value (12.7.4.3)."""

from __future__ import annotations

import re
from typing import Final

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Stream, Value, integer, text
from signing_core.pdf.text.fonts import Font
from signing_core.pdf.text.operations import Unreadable
from signing_core.pdf.text.shown_text import read

_COLOUR: Final = re.compile(r"((?:\d*\.?\d+\s+)+)(g|rg|k)\b")
_FONT: Final = re.compile(r"/(\S+)\s+-?\d*\.?\d+\s+Tf\b")
_COMB: Final = 1 << 24
_LIGHT: Final = 0.6
"""Of white: text of that colour may be seen no more."""


def words_of(structure: FileStructure, revision: int, widget: dict[str, Value]) -> list[str] | None:
    """The text of each look of a widget, in all its states; None where one cannot be read."""
    states = structure.resolve(widget.get("AP"), revision)
    looks = structure.resolve(states.get("N"), revision) if isinstance(states, dict) else None
    streams = [structure.resolve(look, revision) for look in (looks.values() if isinstance(looks, dict) else [looks])]
    try:
        drawings = [read(structure, revision, stream) for stream in streams if isinstance(stream, Stream)]
    except Unreadable:
        return None
    return ["".join(glyph.text for glyph in drawing.glyphs).strip() for drawing in drawings]


def says_words(structure: FileStructure, revision: int, widget: dict[str, Value]) -> bool:
    """Whether a look of a widget, of any state, shows more than one character: then it is content and no mark."""
    texts = words_of(structure, revision, widget)
    return texts is None or any(len(text) > 1 for text in texts)


def drawn_plainly(structure: FileStructure, revision: int, field: dict[str, Value]) -> bool:
    """Whether a field's value is what programs show that draw the field by themselves: with a colour that is seen, a font
    that means what it says, and not another text of an option."""

    def at(value: Value) -> Value:
        return structure.resolve(value, revision)

    form = at(structure.catalog(revision).get("AcroForm"))
    form = form if isinstance(form, dict) else {}
    if at(field.get("V")) in (None, b""):
        return True
    value, most = text(at(field.get("V"))) or "", at(field.get("MaxLen"))
    comb = (integer(at(field.get("Ff"))) or 0) & _COMB
    if len(value) > most if isinstance(most, int) else comb:
        return False
    look = at(field.get("MK"))
    ground = at(look.get("BG")) if isinstance(look, dict) else None
    if isinstance(ground, list) and not all(isinstance(part, int | float) and part > _LIGHT for part in ground):
        return False
    options = at(field.get("Opt"))
    if isinstance(options, list) and any(isinstance(at(option), list) for option in options):
        return False
    style = text(at(field.get("DA", form.get("DA")))) or ""
    return _seen(style) and _means_letters(structure, revision, style, at(form.get("DR")))


def _seen(style: str) -> bool:
    """Whether text in a /DA is drawn in a colour that stands out from paper."""
    for numbers, operator in _COLOUR.findall(style):
        parts = [float(part) for part in numbers.split()]
        if operator == "k":
            parts = [1 - min(1.0, part + parts[-1]) for part in parts[:-1]]
        if parts and min(parts) > _LIGHT:
            return False
    return True


def _means_letters(structure: FileStructure, revision: int, style: str, resources: Value) -> bool:
    """Whether the font of a /DA draws the letters that its codes say."""
    names = _FONT.findall(style)
    fonts = structure.resolve(resources.get("Font"), revision) if isinstance(resources, dict) else None
    font = structure.resolve(fonts.get(names[-1]), revision) if names and isinstance(fonts, dict) else None
    if font is None:
        return True  # then programs take one of their own
    letters = bytes(range(0x20, 0x7F))
    try:
        return isinstance(font, dict) and letters.decode() == "".join(
            letter.text for letter in Font(structure, revision, font).letters(letters)
        )
    except Unreadable:
        return False
