"""Whether form fields that were filled in or drawn anew show their values (12.7.4.3)."""

from __future__ import annotations

from signing_core.verification.changes.paint import box_of
from signing_core.verification.changes.walk import DrawnWidget, Place, Walk


def judge_values(walk: Walk) -> None:
    """Look at every form field whose looks or value changed; at all of them where viewers will draw them anew."""
    pair = walk.pair
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
            for field in pair.form_after.fields
            if field.name not in known and field.type in ("Tx", "Ch")
            for widget in field.widgets
        ]
    for widget in widgets:
        kind = pair.after(widget.after.get("FT"))
        if kind == "Sig":
            continue
        if kind not in ("Tx", "Ch", "Btn"):
            message = f"What form field {widget.name} shows cannot be judged: it is of no known type."
            walk.unknown(message, widget.place, code="change-value-unread", field=widget.name)
            continue
        signed = (pair.signed, widget.before) if widget.before is not None else None
        judgement = judge(pair.structure, pair.later, widget.after, signed)
        if judgement.look is Look.OTHER:
            message = f"Form field {widget.name} shows something else than its value: {judgement.reason}."
            walk.forbid("change-value-mismatch", message, widget.place, field=widget.name)
        elif judgement.look is Look.UNKNOWN:
            message = f"What form field {widget.name} shows cannot be compared with its value: {judgement.reason}."
            walk.unknown(message, widget.place, code="change-value-unread", field=widget.name)
        # What it showed when it was signed was content, whatever its value said. Fields with a script of their own are
        # left out: those show hints, such as the form of a date, until they are filled in.
        before = widget.before if "AA" not in (widget.before or {}) else None
        if before is not None and (
            pair.before(before.get("FT")) == "Btn" or box_of(pair.structure, before, pair.signed) is None
        ):
            before = None
        if before is not None and judge(pair.structure, pair.signed, before, None).look is Look.OTHER:
            message = (
                f"Form field {widget.name} showed something else than its value when it was signed, and no longer does."
            )
            walk.forbid("change-hides-content", message, widget.place, field=widget.name)
