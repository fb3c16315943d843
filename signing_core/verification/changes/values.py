"""Whether form fields that were filled in or drawn anew show their values (12.7.4.3)."""

from __future__ import annotations

import re
from typing import Final

from signing_core.pdf.structure.values import Stream, Value, integer, text
from signing_core.verification.changes.appearance import box_of, unlooked
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.walk import DrawnWidget, Place, Walk

_COLOUR: Final = re.compile(r"((?:\d*\.?\d+\s+)+)(g|rg|k)\b")
_FONT: Final = re.compile(r"/(\S+)\s+-?\d*\.?\d+\s+Tf\b")
_COMB: Final = 1 << 24
_LIGHT: Final = 0.6
"""Of white: text of that colour may be seen no more."""


def judge_values(walk: Walk) -> None:
    """Look at every form field whose looks or value changed; at all of them where viewers will draw them anew."""
    widgets = list(walk.widgets)
    if walk.redrawn:
        known = {widget.name for widget in widgets}
        widgets += [
            DrawnWidget(
                field.name,
                widget.ref.number if widget.ref else None,
                None,
                widget.dict,
                ({}, field.attributes),
                False,
                Place("form"),
            )
            for field in walk.pair.form_after.fields
            if field.name not in known and field.type in ("Tx", "Ch")
            for widget in field.widgets
        ]
    for widget in widgets:
        if walk.pair.after(widget.after.get("FT")) != "Sig":
            _judge(walk, widget)
        elif widget.signed and widget.former is not None and says_words(walk, widget.former):
            message = f"Signature field {widget.name} showed words when the document was signed, and no longer does."
            walk.unknown(message, widget.place, code="change-value-unread", field=widget.name)


def _judge(walk: Walk, widget: DrawnWidget) -> None:
    from signing_core.verification.field_looks import Look, judge

    pair, name = walk.pair, widget.name

    def doubt(why: str) -> None:
        message = f"What form field {name} shows cannot be compared with its value: {why}."
        walk.unknown(message, widget.place, code="change-value-unread", field=name)

    kind = pair.after(widget.after.get("FT"))
    if kind not in ("Tx", "Ch", "Btn"):
        return doubt("it is of no known type")
    states = pair.after(widget.after.get("AP"))
    if isinstance(states, dict) and "N" in states and pair.after(states["N"]) is None and not draws_itself(walk):
        return doubt("its appearance is missing")  # then some programs draw its value, and others nothing
    signed = (pair.signed, widget.before) if widget.before is not None else None
    judgement = judge(pair.structure, pair.later, widget.after, signed)
    if judgement.look is Look.OTHER:
        message = f"Form field {name} shows something else than its value: {judgement.reason}."
        walk.forbid("change-value-mismatch", message, widget.place, field=name)
    elif judgement.look is Look.UNKNOWN:
        doubt(judgement.reason)
    elif (
        kind != "Btn"
        and (draws_itself(walk) or unlooked(pair.structure, widget.widget, pair.later))
        and not made_plainly(walk, widget.after)
    ):
        doubt("programs draw it by themselves, and not in a plain way")
    elif judgement.reason:
        message = f"Form field {name} shows its value as far as can be told: {judgement.reason}."
        walk.note(Kind.FORM, "change-value-by-font", message, widget.place, field=name, warning=True)
    # What it showed when it was signed was content, whatever its value said. Fields with a script of their own are left
    # out: those show hints, such as the form of a date, until they are filled in.
    if widget.former is None or widget.before is None or box_of(pair.structure, widget.former, pair.signed) is None:
        return None
    if kind == "Btn":
        words = says_words(walk, widget.former) or says_words(walk, widget.widget, new=True)
        return doubt("its looks say words") if words else None
    if unlooked(pair.structure, widget.former, pair.signed):
        return None
    former, actions = judge(pair.structure, pair.signed, widget.before, None), pair.before(widget.before.get("AA"))
    if isinstance(actions, dict) and "F" in actions:
        hints = looks_say(walk, widget.former)
        if hints is not None and not any(c.isdigit() for hint in hints for c in hint):
            return None
    if former.look is Look.OTHER:
        message = f"Form field {name} showed something else than its value when it was signed, and no longer does."
        walk.forbid("change-hides-content", message, widget.place, field=name)
    elif former.look is Look.UNKNOWN:
        doubt(f"when it was signed, {former.reason}")
    return None


def looks_say(walk: Walk, widget: dict[str, Value], *, new: bool = False) -> list[str] | None:
    """The text of each look of a widget, in all its states; None where one cannot be read."""
    from signing_core.pdf.text.fonts import Unreadable
    from signing_core.pdf.text.shown_text import read

    pair = walk.pair
    resolve, revision = (pair.after, pair.later) if new else (pair.before, pair.signed)
    states = resolve(widget.get("AP"))
    looks = resolve(states.get("N")) if isinstance(states, dict) else None
    streams = [resolve(look) for look in (looks.values() if isinstance(looks, dict) else [looks])]
    try:
        drawings = [read(pair.structure, revision, stream) for stream in streams if isinstance(stream, Stream)]
    except Unreadable:
        return None
    return ["".join(glyph.text for glyph in drawing.glyphs).strip() for drawing in drawings]


def says_words(walk: Walk, widget: dict[str, Value], *, new: bool = False) -> bool:
    """Whether a look of a widget, of any state, shows more than one character: then it is content and no mark."""
    texts = looks_say(walk, widget, new=new)
    return texts is None or any(len(text) > 1 for text in texts)


def draws_itself(walk: Walk) -> bool:
    """Whether viewers are asked to draw fields by themselves, or were."""
    form = walk.pair.after(walk.pair.structure.catalog(walk.pair.later).get("AcroForm"))
    return walk.redrawn or (isinstance(form, dict) and walk.pair.after(form.get("NeedAppearances")) is True)


def made_plainly(walk: Walk, field: dict[str, Value]) -> bool:
    """Whether a field's value is what programs show that draw the field by themselves (12.7.4.3): with a colour that is seen,
    a font that means what it says, and not another text of an option."""
    from signing_core.pdf.text.fonts import Font, Unreadable

    pair = walk.pair
    form = pair.after(pair.structure.catalog(pair.later).get("AcroForm"))
    form = form if isinstance(form, dict) else {}
    if pair.after(field.get("V")) in (None, b""):
        return True
    value, most = text(pair.after(field.get("V"))) or "", pair.after(field.get("MaxLen"))
    comb = (integer(pair.after(field.get("Ff"))) or 0) & _COMB
    if len(value) > most if isinstance(most, int) else comb:
        return False
    look = pair.after(field.get("MK"))
    ground = pair.after(look.get("BG")) if isinstance(look, dict) else None
    if isinstance(ground, list) and not all(isinstance(part, int | float) and part > _LIGHT for part in ground):
        return False
    options = pair.after(field.get("Opt"))
    if isinstance(options, list) and any(isinstance(pair.after(option), list) for option in options):
        return False
    style = text(pair.after(field.get("DA", form.get("DA")))) or ""
    for numbers, operator in _COLOUR.findall(style):
        parts = [float(part) for part in numbers.split()]
        if operator == "k":
            parts = [1 - min(1.0, part + parts[-1]) for part in parts[:-1]]
        if parts and min(parts) > _LIGHT:
            return False
    names = _FONT.findall(style)
    resources = pair.after(form.get("DR"))
    fonts = pair.after(resources.get("Font")) if isinstance(resources, dict) else None
    font = pair.after(fonts.get(names[-1])) if names and isinstance(fonts, dict) else None
    if font is None:
        return True  # then programs take one of their own
    try:
        letters = bytes(range(0x20, 0x7F))
        return isinstance(font, dict) and letters.decode() == "".join(
            letter.text for letter in Font(pair.structure, pair.later, font).letters(letters)
        )
    except Unreadable:
        return False
