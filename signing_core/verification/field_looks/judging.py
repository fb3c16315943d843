"""Whether a filled form field shows its value (12.7.4.3, 12.7.5): what it says and what it shows must not differ.

A value is compared whole: white space, compatibility forms (NFKC) and kinds of hyphen aside, with sign and decimal point. `OTHER`
is said only where the text was read with certainty; whatever cannot be read is `UNKNOWN`.

A field without an appearance shows its value by construction, since viewers draw it themselves. One whose appearance is empty
although it has a value shows nothing: some programs leave the former appearance and set /NeedAppearances instead, so that is
open where the appearance is still the signed one, and a difference where it was made anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Stream, Value, integer, text
from signing_core.pdf.text import bidi
from signing_core.pdf.text.operations import Unreadable
from signing_core.pdf.text.shown_text import Drawing, Glyph, read
from signing_core.verification.field_looks import formats
from signing_core.verification.field_looks.buttons import judge_button
from signing_core.verification.field_looks.judgement import VALUE, Judgement, Look, other, quoted, unknown
from signing_core.verification.field_looks.shapes import (
    background,
    contrasts,
    crosses,
    ground,
    holds,
    inked,
    overlap,
    strikes,
)
from signing_core.verification.field_looks.style import colour, middle, partly_framed
from signing_core.verification.field_looks.widget import Widget

_PASSWORD, _COMB = 1 << 13, 1 << 24
_COMBO: Final = 1 << 17
_BULLETS: Final = frozenset("*•●·∙.")
_HYPHENS: Final = dict.fromkeys(map(ord, "\u2010\u2011\u2212\ufe63\uff0d"), "-") | dict.fromkeys(
    map(ord, "\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"), None
)
_BRACKETS: Final = str.maketrans("([{<«", ")]}>»")
_BY_ITS_FONT: Final = Judgement(
    Look.VALUE, "an embedded font says what letters it draws, and there is nothing to hold them against"
)


def judge(
    structure: FileStructure, revision: int, widget: dict[str, Value], signed: tuple[int, dict[str, Value]] | None
) -> Judgement:
    """Whether a widget of a text, choice or button field shows the field's value in `revision`.

    `widget` and the dictionary in `signed` (of the same widget in the signed revision; None for a new one) are merged with what
    they inherit. Flags, options and format scripts count as they were signed. `LimitReached` passes, nothing else is raised.
    """
    field = Widget(structure, revision, widget, signed)
    try:
        kind = field.at(field.now.get("FT"))
        if signed is not None and field.rule("FT") != kind:
            return unknown("it became a field of another type")
        if kind == "Btn":
            return judge_button(field)
        return _judge_text(field, listed=kind == "Ch") if kind in ("Tx", "Ch") else VALUE
    except Unreadable as error:
        return unknown(f"what it shows cannot be read: {error}")
    except (RecursionError, OverflowError, ArithmeticError):
        return unknown("what it shows cannot be read: damaged content")


def _judge_text(field: Widget, *, listed: bool) -> Judgement:
    value = field.at(field.now.get("V"))
    if isinstance(value, Stream):
        value = field.structure.decoded(value, field.revision)
    values = [text(field.at(item)) or "" for item in (value if isinstance(value, list) else [value])]
    looks, former = field.looks(), field.looks(signed=True)
    if not looks:
        if field.signed is not None and not field.same(field.signed.get("DA"), field.now.get("DA")):
            return unknown("it has no appearance, and viewers are told to draw it otherwise than they were")
        return VALUE
    kept = {name for name, look in looks.items() if name in former and field.same(former[name], look)}
    if field.signed is not None and len(kept) == len(looks) and field.same(field.signed.get("V"), field.now.get("V")):
        return VALUE  # it is as it was signed
    if looks.keys() - kept - {""}:
        raise Unreadable("several looks of one value")
    stayed = field.signed is not None and field.same(field.signed.get("V"), field.now.get("V"))
    judgements = []
    for name, look in looks.items():
        drawing = _drawing(field, look)
        if stayed and name not in kept and (not listed or field.flags & _COMBO):
            _style_stayed(field, former.get(name), drawing)
        if not any(values) and name not in kept and any(crosses(shape, drawing) for shape in drawing.shapes):
            raise Unreadable("a line across an empty field")
        judgement = _judge_list(field, drawing, values) if listed and not field.flags & _COMBO else None
        judgement = judgement or _judge_line(field, drawing, values, listed=listed)
        if judgement.look is Look.OTHER and name in kept and field.needs_appearances:
            judgement = unknown("its appearance was not made anew; viewers are told to do so")
        judgements.append(judgement)
    return max(judgements, key=lambda judgement: (Look.VALUE, Look.UNKNOWN, Look.OTHER).index(judgement.look))


def _drawing(field: Widget, look: Stream) -> Drawing:
    """What is drawn, looked through for what could be seen as text though it is none, or hides text. Raises `Unreadable`."""
    drawing = read(field.structure, field.revision, look)
    _upright(field, drawing)
    for shape in drawing.shapes:
        if not background(shape, drawing, comb=bool(field.flags & _COMB)):
            raise Unreadable("something drawn that is no text")
        if any(overlap(box, glyph) for box in inked(shape) for glyph in drawing.glyphs[: shape.after]):
            raise Unreadable("something drawn over text")
        if strikes(shape, drawing):
            raise Unreadable("a line through text")
    letters = [glyph for glyph in drawing.glyphs if glyph.text.strip()]
    scale = _scale(field, drawing)
    for glyph in letters:
        if glyph.size > 1.7 * drawing.height or (scale and glyph.size * scale < 2.5):
            raise Unreadable("text too large or too small")
        if not contrasts(glyph.colour, ground(drawing, glyph)):
            raise Unreadable("text in the colour of its background")
    return drawing


def _style_stayed(field: Widget, former: Stream | None, drawing: Drawing) -> None:
    """What is drawn anew around a value that stayed. Raises `Unreadable` where it is more than a frame, a rule below it, and the
    ground that it had or that the signed style (/MK) gives it."""
    was = read(field.structure, field.signed_revision, former) if former is not None else None
    characteristics = field.rule("MK")
    style = characteristics if isinstance(characteristics, dict) else {}
    grounds = middle(was), colour(field.structure.resolve(style.get("BG"), field.signed_revision))
    if all(contrasts(middle(drawing), ground) for ground in grounds):
        raise Unreadable("its box is filled otherwise than it was")
    if partly_framed(was, drawing, bare=True, comb=bool(field.flags & _COMB)):
        raise Unreadable("a part of a frame")


def _judge_line(field: Widget, drawing: Drawing, values: list[str], *, listed: bool) -> Judgement:
    glyphs = [glyph for glyph in drawing.glyphs if glyph.text.strip()]
    displayed = "".join(_lines(glyphs))
    cut_off = any(not glyph.inside for glyph in glyphs)
    if field.flags & _PASSWORD and not listed:
        hidden = set(displayed) <= _BULLETS and (not values[0] or len(displayed) in (0, len(values[0])))
        hidden = hidden or _equal(displayed, values[0])
        return VALUE if hidden else unknown("a password field shows something else than one bullet for each character")
    candidates = ["".join(values)]
    if listed:
        candidates.append("".join(_displayed(field, values)))
    if any(_equal(displayed, candidate) for candidate in candidates):
        if cut_off:
            return unknown("its text reaches beyond its box")
        return VALUE if drawing.sure else _BY_ITS_FONT
    value = candidates[0]
    wanted, seen = _folded(value), _folded(displayed)
    script = field.script()
    if script is not None and (form := formats.parse(script)) is not None and not cut_off:
        red = bool(glyphs) and all(g.colour[0] > 0.6 and max(g.colour[1:]) < 0.4 for g in glyphs)
        if formats.shows(form, value, seen, red=red):
            return VALUE
    reason = _contrast(value, displayed)
    if not drawing.sure:
        return unknown(f"{reason}, as far as an embedded font tells")
    if formats.agree(wanted, seen):
        return unknown(f"{reason}: the same number in a format that the signed form does not give")
    if script is not None and formats.agree(wanted, seen) is None and (seen or not wanted):
        return unknown(f"{reason}: its format script is not known")
    if bidi.has_right_to_left(value) and sorted(wanted.translate(_BRACKETS)) == sorted(seen.translate(_BRACKETS)):
        return unknown(f"{reason}: the same letters in another order")
    whole = max((glyph.base for glyph in glyphs), default=0.0), min((glyph.base for glyph in glyphs), default=0.0)
    if seen and wanted.startswith(seen) and len(seen) > 20 and whole[0] - whole[1] > 0.5 * drawing.height:
        return unknown("the end of its text has no room in its box")
    if any(glyph.vertical for glyph in glyphs) or cut_off:
        return unknown(reason)
    return other(reason)


def _judge_list(field: Widget, drawing: Drawing, values: list[str]) -> Judgement | None:
    """A list box shows its options, the selected ones marked (12.7.5.4). None when it shows something else than that."""
    glyphs = [glyph for glyph in drawing.glyphs if glyph.text.strip() and glyph.inside]
    lines = _rows(glyphs)
    displays = {_folded(display) for _, display in _options(field)}
    selected = {_folded(display) for display in _displayed(field, values) if display}
    rows = [(_folded("".join(_lines(row))), row) for row in lines]
    if not rows or any(row not in displays for row, _ in rows):
        return None
    marks = [s for s in drawing.shapes if s.kind == "rectangle" and s.box[3] - s.box[1] < 0.7 * drawing.height]
    marked = {row for row, row_glyphs in rows if any(holds(mark.box, row_glyphs[0]) for mark in marks)}
    if marked:
        return VALUE if marked == selected else other(f"it marks other options than {quoted('; '.join(values))}")
    shows = selected <= {row for row, _ in rows}  # some programs mark nothing
    return VALUE if shows else unknown("it does not show which of its options is selected")


def _options(field: Widget) -> Iterator[tuple[str, str]]:
    """(export value, text shown) of the options of a choice field."""
    resolve, revision = field.structure.resolve, field.signed_revision
    options = field.rule("Opt")
    for option in options[:10_000] if isinstance(options, list) else ():
        option = resolve(option, revision)
        pair = option if isinstance(option, list) and len(option) == 2 else [option, option]
        export, display = (text(resolve(part, revision)) or "" for part in pair)
        yield export, display


def _displayed(field: Widget, values: list[str]) -> list[str]:
    exported: dict[str, str] = {}
    for export, display in _options(field):
        exported.setdefault(export, display)
    return [exported.get(value, value) for value in values]


def _rows(glyphs: list[Glyph]) -> list[list[Glyph]]:
    """Glyphs by line from top to bottom, each from left to right. Raises `Unreadable` where they stand upon each other."""
    rows: list[list[Glyph]] = []
    for glyph in sorted(glyphs, key=lambda glyph: -glyph.base):
        if rows and rows[-1][0].base - glyph.base < 0.5 * max(rows[-1][0].size, glyph.size):
            rows[-1].append(glyph)
        else:
            rows.append([glyph])
    result = []
    for row in rows:
        line: list[Glyph] = []
        for glyph in sorted(row, key=lambda glyph: (glyph.left, glyph.right)):
            if line and not _mark(glyph.text) and not _mark(line[-1].text):
                # Widths are the font's word, too: no letter is narrower than a fifth of its size.
                widths = [max(letter.right - letter.left, 0.2 * letter.size) for letter in (line[-1], glyph)]
                if line[-1].left + widths[0] - glyph.left > 0.6 * min(widths):
                    if glyph.text == line[-1].text and glyph.left - line[-1].left < 0.05 * glyph.size:
                        continue  # drawn twice to look bold
                    raise Unreadable("text upon text")
            line.append(glyph)
        result.append(line)
    return result


def _lines(glyphs: list[Glyph]) -> list[str]:
    lines = []
    for row in _rows(glyphs):
        parts = (unicodedata.normalize("NFKC", glyph.text) for glyph in row)
        lines.append("".join(part[::-1] if len(part) > 1 and bidi.has_right_to_left(part) else part for part in parts))
    return [re.sub(r"\s", "", line) for line in lines]


def _mark(shown: str) -> bool:
    return all(unicodedata.combining(c) for c in shown)


def _folded(value: str) -> str:
    """Without white space, in compatibility form, with one kind of hyphen."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", value.translate(_HYPHENS)).translate(_HYPHENS))


def _equal(displayed: str, value: str) -> bool:
    """Whether `displayed`, as it stands from left to right, shows the value."""
    seen = _folded(displayed)
    if not bidi.has_right_to_left(value):
        return seen == _folded(value)
    paragraphs = [unicodedata.normalize("NFKC", part.translate(_HYPHENS)) for part in re.split(r"[\r\n]+", value)]
    try:
        orders = {"".join(bidi.visual(part, base) for part in paragraphs) for base in (None, 0, 1)}
    except bidi.Unsupported:
        return False
    return seen.translate(_BRACKETS) in {_folded(order).translate(_BRACKETS) for order in orders}


def _contrast(value: str, displayed: str) -> str:
    if not displayed:
        return f"it has the value {quoted(value)} and shows nothing"
    return (
        f"it has the value {quoted(value)} and shows {quoted(displayed)}"
        if value
        else f"it is empty and shows {quoted(displayed)}"
    )


def _scale(field: Widget, drawing: Drawing) -> float:
    """Points on the page for one unit of the appearance, 0 for a field that is not seen (12.5.5, algorithm 8.1)."""
    rect = field.at(field.now.get("Rect"))
    sides = [field.at(side) for side in rect] if isinstance(rect, list) else []
    if len(sides) != 4 or not all(isinstance(side, int | float) for side in sides):
        return 0.0
    width, height = abs(sides[2] - sides[0]), abs(sides[3] - sides[1])
    if abs(drawing.matrix[0]) < abs(drawing.matrix[1]):
        width, height = height, width
    if not width or not height:
        return 0.0
    across, up = width / max(drawing.width, 1e-6), height / max(drawing.height, 1e-6)
    if not 0.25 < across / up < 4:
        raise Unreadable("an appearance that is drawn out")
    return float(min(across, up))


def _upright(field: Widget, drawing: Drawing) -> None:
    """An appearance turned otherwise than the field can show other digits: 6 and 9. Raises `Unreadable`."""
    a, b, c, d = drawing.matrix[:4]
    characteristics = field.rule("MK")
    turn = characteristics.get("R") if isinstance(characteristics, dict) else None
    rotation = (integer(field.structure.resolve(turn, field.signed_revision)) or 0) % 360
    turned = {0: a > 0 and d > 0, 90: b > 0 > c, 180: a < 0 and d < 0, 270: b < 0 < c}
    diagonal, other = (a, d), (b, c)
    straight = max(map(abs, other)) < 1e-6 if rotation in (0, 180) else max(map(abs, diagonal)) < 1e-6
    if not straight or not turned.get(rotation, False):
        raise Unreadable("an appearance that is turned otherwise than its field")
