"""Whether form fields that were filled in or drawn anew show their values (12.7.4.3)."""

from __future__ import annotations

from signing_core.pdf.structure.values import Value
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.walk import DrawnWidget, Place, Walk
from signing_core.verification.drawn import box_of, unlooked


def judge_values(walk: Walk) -> None:
    """Look at every form field whose looks or value changed; at all of them where viewers will draw them anew."""
    pair, widgets = walk.pair, list(walk.widgets)
    if walk.redrawn:
        known = {widget.name for widget in widgets}
        widgets += [
            DrawnWidget(
                field.name,
                widget.ref.number if widget.ref else None,
                None,
                widget.dict,
                ({}, field.attributes),
                Place("form"),
            )
            for field in pair.form_after.fields
            if field.name not in known and field.type in ("Tx", "Ch")
            for widget in field.widgets
        ]
    for widget in widgets:
        if pair.after(widget.after.get("FT")) != "Sig":
            _judge(walk, widget)
        elif widget.signed and widget.former is not None and pair.before(widget.former.get("AP")) is not None:
            _judge_signed(walk, widget, widget.former)


def _judge_signed(walk: Walk, widget: DrawnWidget, former: dict[str, Value]) -> None:
    """A field that was empty and is signed now: what stood in it is gone."""
    from signing_core.verification.field_looks import says_words  # with fonts, which few files need

    if says_words(walk.pair.structure, walk.pair.signed, former):
        message = f"Signature field {widget.name} showed words when the document was signed, and no longer does."
        walk.unknown(message, widget.place, code="change-value-unread", field=widget.name)


def _judge(walk: Walk, widget: DrawnWidget) -> None:
    from signing_core.verification.field_looks import Look, drawn_plainly, judge, says_words, words_of

    pair, name = walk.pair, widget.name

    def doubt(why: str) -> None:
        message = f"What form field {name} shows cannot be compared with its value: {why}."
        walk.unknown(message, widget.place, code="change-value-unread", field=name)

    kind = pair.after(widget.after.get("FT"))
    if kind not in ("Tx", "Ch", "Btn"):
        return doubt("it is of no known type")
    states = pair.after(widget.after.get("AP"))
    if isinstance(states, dict) and "N" in states and not draws_itself(walk):
        none = pair.after(states["N"]) is None or (
            kind != "Btn" and unlooked(pair.structure, widget.widget, pair.later)
        )
        if none:
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
        and not drawn_plainly(pair.structure, pair.later, widget.after)
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
        states = (pair.signed, widget.former), (pair.later, widget.widget)
        words = any(says_words(pair.structure, revision, state) for revision, state in states)
        return doubt("its looks say words") if words else None
    if unlooked(pair.structure, widget.former, pair.signed):
        return None
    former, actions = judge(pair.structure, pair.signed, widget.before, None), pair.before(widget.before.get("AA"))
    if isinstance(actions, dict) and "F" in actions:
        hints = words_of(pair.structure, pair.signed, widget.former)
        if hints is not None and not any(c.isdigit() for hint in hints for c in hint):
            return None
    if former.look is Look.OTHER:
        message = f"Form field {name} showed something else than its value when it was signed, and no longer does."
        walk.forbid("change-hides-content", message, widget.place, field=name)
    elif former.look is Look.UNKNOWN:
        doubt(f"when it was signed, {former.reason}")
    return None


def draws_itself(walk: Walk) -> bool:
    """Whether viewers are asked to draw fields by themselves, or were."""
    form = walk.pair.after(walk.pair.structure.catalog(walk.pair.later).get("AcroForm"))
    return walk.redrawn or (isinstance(form, dict) and walk.pair.after(form.get("NeedAppearances")) is True)
