"""Form fields that the signed state did not have, and signatures in fields: a value belongs to the field it was signed in
(12.7.5.5), a name to one field (12.7.4.2).
"""

from __future__ import annotations

from dataclasses import replace

from signing_core.pdf.structure.forms import MAX_DEPTH
from signing_core.pdf.structure.kinds import is_signature, kind_of, subtype_of
from signing_core.pdf.structure.values import Ref, Value, text
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.fields import USES, FieldPair, inherit, note_signature
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.walk import DrawnWidget, Place, Walk


def add_field(walk: Walk, item: Value, prefix: str, above: dict[str, Value], place: Place) -> None:
    """A node that the form did not have, with everything below it."""
    pair = walk.pair
    pending: list[tuple[Value, str, dict[str, Value], int]] = [(item, prefix, above, 0)]
    seen: set[int] = set()
    while pending:
        node, parent, inherited, depth = pending.pop()
        number = node.number if isinstance(node, Ref) else None
        if number is not None and number in seen:
            walk.forbid("change-field-added", "A form field was added in two places, or below itself.", place)
            continue
        seen.add(number if number is not None else -1)
        pair.structure.budget.step()
        where = replace(place, owner=number if number is not None else place.owner)
        value = pair.after(node)
        if value is None:
            continue
        if not isinstance(value, dict) or depth > MAX_DEPTH:
            walk.forbid("change-field-added", "Something that is no field was added to the form.", where)
            continue
        part = text(pair.after(value.get("T")))
        name = parent if part is None else f"{parent}.{part}" if parent else part
        if number is not None and pair.existed(number):
            old = pair.old(number)
            subtype = subtype_of(pair.structure, old, pair.signed)
            if not isinstance(old, dict) or subtype != "Widget" or number in pair.form_before.numbers:
                message = f"An object of the signed document ({kind_of(old) or type(old).__name__.lower()}) was made form field {name}."
                walk.forbid("change-field-added", message, where, field=name)
                continue
            walk.ledger.claim(number, Use.FORM)
            FieldPair(walk, name, (old, value), ({}, inherited), where).compare()
            continue
        if number is not None:
            walk.ledger.claim(number, Use.FORM)
        for key, entry in value.items():
            use = USES.get(key, Use.FORM)
            if key not in ("Kids", "Parent", "P"):
                walk.take_in(entry, use)
        handed = inherit(inherited, value)
        kids = walk.open(None, value.get("Kids"), where, Use.FORM)[1]
        if isinstance(kids, list):
            pending.extend((kid, name, handed, depth + 1) for kid in kids)
        is_field, is_widget = "T" in value or "V" in value, not kids or "Subtype" in value
        if is_field or is_widget or not isinstance(kids, list):
            _judge_new(walk, value, handed, name, where, is_widget=is_widget, is_field=is_field)


def _judge_new(
    walk: Walk,
    value: dict[str, Value],
    handed: dict[str, Value],
    name: str,
    place: Place,
    *,
    is_widget: bool,
    is_field: bool,
) -> None:
    pair = walk.pair
    kind, signature = pair.after(handed.get("FT")), handed.get("V")
    signed = is_signature(pair.after(signature))
    if "A" in value or "AA" in value:
        walk.forbid("change-field-added", f"New form field {name} comes with an action.", place, field=name)
    if is_widget:
        walk.widgets.append(DrawnWidget(name, place.owner, None, value, ({}, handed), place, kind == "Sig" and signed))
    if not is_field:
        return
    if walk.names_after[name] > 1 or walk.names_before[name]:
        walk.forbid("change-field-added", f"A second form field of the name {name} was added.", place, field=name)
    if kind == "Sig" and signature is not None:
        note_signature(walk, signature, name, place, new_field=True, widget=value)
    elif kind == "Sig" or pair.after(signature) is None:
        what, code = ("signature", "change-signature-field") if kind == "Sig" else ("form", "change-field-added")
        message = f"An empty {what} field {name} was added."
        walk.note(Kind.EMPTY_FIELD, code, message, place, field=name, new_field=True)
    else:
        walk.forbid("change-field-added", f"Form field {name} was added with a value.", place, field=name)
