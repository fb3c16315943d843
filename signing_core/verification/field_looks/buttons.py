"""Whether a check box or radio button is drawn as it is: on or off (12.7.5.2)."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.values import Stream, Value, text
from signing_core.pdf.text.operations import Unreadable
from signing_core.pdf.text.shown_text import read
from signing_core.verification.field_looks.judgement import VALUE, Judgement, Look, other, quoted, unknown
from signing_core.verification.field_looks.shapes import contrasts, frame, ground, overlap, visible
from signing_core.verification.field_looks.style import draws, middle, partly_framed
from signing_core.verification.field_looks.widget import Widget

_RADIO, _PUSH = 1 << 15, 1 << 16
_CHECKS: Final = frozenset("✓✔✕✖✗✘●❍■❏❑❒★◆✦✩✪✫✬✭✮✯✰✚✛✜▲▼◗")


def judge_button(field: Widget) -> Judgement:
    """Whether a button shows its state, and that is its value. Raises `Unreadable`."""
    looks, former = field.looks(), field.looks(signed=True)
    kept = {name for name, look in looks.items() if name in former and field.same(former[name], look)}
    if field.flags & _PUSH:
        changed = field.signed is not None and kept != looks.keys() | former.keys()
        return unknown("a push button was drawn anew") if changed else VALUE
    agreement = _judge_state(field, looks)
    if agreement is not None:
        return agreement
    states = _state(field.rule("AS")), _state(field.at(field.now.get("AS")))
    stays = states[0] == states[1]
    stayed = field.signed is not None and (stays or field.same(field.signed.get("V"), field.now.get("V")))
    if stayed and not (stays and states[1] in kept):
        shown, shows = former.get(states[0]), looks.get(states[1])
        was = read(field.structure, field.signed_revision, shown) if shown is not None else None
        now = read(field.structure, field.revision, shows) if shows is not None else None
        if draws(was) and not draws(now):
            return unknown("it no longer shows the box or mark that it showed")
        if contrasts(middle(was), middle(now)):
            return unknown("its box is filled otherwise than it was")
        if partly_framed(was, now):
            return unknown("only a part of its frame is left, or its frame is thick")
    judgements = []
    for name, look in looks.items():
        if name in kept:
            continue
        try:
            drawn = _drawn_on(field, look, looks.get("Off") if name != "Off" else None)
        except Unreadable as error:
            drawn, reason = None, f"its appearance cannot be read: {error}"
        else:
            reason = f"its appearance {quoted(name)} is no known mark"
        if drawn is None or (drawn != (name != "Off") and name != states[1]):
            judgements.append(unknown(reason))
        elif drawn != (name != "Off"):
            judgements.append(other(f"it is {'off' if drawn else 'on'} and drawn as {'on' if drawn else 'off'}"))
    return max(judgements, key=lambda judgement: judgement.look is Look.OTHER, default=VALUE)


def _judge_state(field: Widget, looks: dict[str, Stream]) -> Judgement | None:
    """What speaks against value and state agreeing (12.7.5.2.3, 12.7.5.2.4); None when they do."""
    value, state = _state(field.at(field.now.get("V"))), _state(field.at(field.now.get("AS")))
    own = {name for name in looks if name not in ("Off", "")}
    if not looks:
        return None if value == "Off" and state == "Off" else unknown("it has no appearances to tell on from off")
    if "" in looks:
        return unknown("it looks the same whether it is on or off")
    if state != "Off":
        if state != value:
            return other(f"it has the value {quoted(value)} and shows {quoted(state)}")
        return None if state in own else other(f"it is on and has no appearance {quoted(state)}")
    if value == "Off":
        return None
    if value in own:
        reason = f"it has the value {quoted(value)} and is drawn as off"
        return unknown(reason) if field.flags & _RADIO and len(_siblings(field)) > 1 else other(reason)
    if value in {name for sibling in _siblings(field) for name in sibling}:
        return None
    return unknown(f"its value {quoted(value)} is the name of no state")


def _siblings(field: Widget) -> list[set[str]]:
    """The states of each widget of the field."""
    parent = field.at(field.now.get("Parent"))
    kids = field.at(parent.get("Kids")) if isinstance(parent, dict) else None
    states = []
    for kid in kids[:1000] if isinstance(kids, list) else ():
        resolved = field.at(kid)
        if isinstance(resolved, dict):
            states.append(set(Widget(field.structure, field.revision, resolved, None).looks()))
    return states


def _state(value: Value) -> str:
    return text(value) or "Off"


def _drawn_on(field: Widget, look: Stream, off: Stream | None) -> bool | None:
    """Whether a button is drawn as on: True for exactly one mark in its box, False for none, None for anything else.

    What the appearance for off draws as well is no mark.
    """
    drawing = read(field.structure, field.revision, look)
    drawn_anyway = (
        {(shape.box, shape.fill) for shape in read(field.structure, field.revision, off).shapes} if off else set()
    )
    glyphs = [glyph for glyph in drawing.glyphs if glyph.text.strip()]
    marks = [
        shape for shape in drawing.shapes if (shape.box, shape.fill) not in drawn_anyway and not frame(shape, drawing)
    ]
    if len(glyphs) > 1 or any(not glyph.dingbats or glyph.text not in _CHECKS or not glyph.inside for glyph in glyphs):
        return None
    if glyphs:
        glyph = glyphs[0]
        covered = any(shape.fill is not None and overlap(shape.box, glyph) for shape in drawing.shapes if shape.after)
        plain = contrasts(glyph.colour, ground(drawing, glyph)) and not covered and not marks
        return True if plain and glyph.size > 0.3 * drawing.height else None
    if not marks:
        return False
    segments = sum(shape.segments for shape in marks)
    simple = segments <= (40 if len(marks) == 1 else 12) and len(marks) <= 2
    return True if simple and all(visible(shape, drawing) for shape in marks) else None
