"""Interactive forms (12.7.3, 12.7.4): the form as a whole and its tree of fields, compared node by node.

New fields have to be signature fields; no field may go. What happens to one field is judged by `rules_field`.
"""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure import signatures
from signing_core.pdf.structure.values import Ref, Stream, Value, integer, text
from signing_core.verification.changes.context import Context
from signing_core.verification.changes.rules_field import compare_field, drawn, inherit, signed
from signing_core.verification.changes.step import Kind

_MAX_DEPTH: Final = 32


def compare_forms(context: Context, old: Value, new: Value) -> None:
    """/AcroForm of the catalog."""
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    if before is None and after is None:
        return
    if not isinstance(after, dict) or not isinstance(before, dict | None):
        context.forbid("change-form", "The form was removed.")
        return
    before = before or {}
    compare_fields(context, before.get("Fields"), after.get("Fields"))
    for key in sorted(before.keys() | after.keys()):
        first, second = before.get(key), after.get(key)
        if key == "Fields":
            continue
        if key == "SigFlags":
            was, now = integer(compare.before(first)) or 0, integer(compare.after(second)) or 0
            if was & ~now & 3:
                context.note(Kind.FORM, "change-signature-flags", "The form's /SigFlags no longer tell of signatures.")
        elif key == "NeedAppearances":
            if compare.after(second) is True and compare.before(first) is not True:
                # Viewers will draw every field anew from its value: all of them must show their values now.
                context.redrawn = True
                context.note(Kind.FORM, "change-need-appearances", "Viewers are asked to draw all form fields anew.")
        elif key == "DR":
            _compare_resources(context, first, second)
        elif key in ("DA", "Q"):
            if not compare.same(first, second):
                if isinstance(compare.after(second), dict | list | Stream):
                    context.forbid("change-form", f"The form's /{key} is no simple value.")
                elif compare.before(first) is not None:
                    # Fields that inherit it look otherwise as soon as a viewer draws them anew: white on white, say.
                    context.require_same(first, second, "change-form", f"The form's /{key}")
        elif key == "XFA":
            if not compare.same(first, second):
                context.note(Kind.UNKNOWN, "change-xfa", "The XFA form was changed, which cannot be judged.")
        else:
            context.require_same(first, second, "change-form", f"The form's /{key}")


def _compare_resources(context: Context, old: Value, new: Value) -> None:
    """Default resources: names may be added, what a name stood for must stay.

    All but fonts is of use only to appearances without resources of their own, which few writers make.
    """
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    before = before if isinstance(before, dict) else {}
    after = after if isinstance(after, dict) else {}
    for category in sorted(before):
        first, second = compare.before(before[category]), compare.after(after.get(category))
        what = f"The form's resources (/{category}"
        if not isinstance(first, dict) or not isinstance(second, dict):
            context.require_same(before[category], after.get(category), "change-form-resources", what + ")")
            continue
        for name in sorted(first):
            if category not in ("Font", "Encoding") and not compare.same(first[name], second.get(name)):
                if _relies_on_defaults(context):
                    context.forbid("change-form-resources", f"{what} /{name}) was changed.")
                continue
            context.require_same(first[name], second.get(name), "change-form-resources", f"{what} /{name})")


def _relies_on_defaults(context: Context) -> bool:
    """Whether any form field has an appearance without resources of its own."""
    compare = context.compare
    for field in context.structure.form(compare.old).fields:
        for widget in field.widgets:
            states = context.structure.resolve(widget.dict.get("AP"), compare.old)
            for state in states.values() if isinstance(states, dict) else ():
                drawn = context.structure.resolve(state, compare.old)
                streams = drawn.values() if isinstance(drawn, dict) else (drawn,)
                for stream in streams:
                    resolved = context.structure.resolve(stream, compare.old)
                    if (
                        isinstance(resolved, Stream)
                        and "Resources" not in resolved.dict
                        and resolved.end > resolved.start
                    ):
                        return True
    return False


# -- the field tree ---------------------------------------------------------------------------------------------------


def compare_fields(context: Context, old: Value, new: Value) -> None:
    """/Fields of the form, and everything below."""
    compare = context.compare
    pending: list[tuple[Value, Value, str, tuple[dict[str, Value], dict[str, Value]], int]] = []
    _compare_kids(context, old, new, "", ({}, {}), 0, pending)
    seen: set[tuple[int, int]] = set()
    while pending:
        first, second, prefix, inherited, depth = pending.pop()
        if isinstance(first, Ref) and isinstance(second, Ref):
            pair = (first.number, second.number)
            if pair in seen:
                continue
            seen.add(pair)
        context.structure.budget.step()
        a, b = compare.before(first), compare.after(second)
        if not isinstance(a, dict) or not isinstance(b, dict):
            _no_field(context, first, second, prefix)
            continue
        if depth > _MAX_DEPTH:
            context.note(Kind.UNKNOWN, "change-form", f"Form fields below {prefix} are nested too deeply to be judged.")
            continue
        part = text(compare.before(a.get("T")))
        name = prefix if part is None else f"{prefix}.{part}" if prefix else part
        compare_field(context, a, b, name, inherited, first, second)
        below = (inherit(inherited[0], a), inherit(inherited[1], b))
        if "Kids" in a or "Kids" in b:
            _compare_kids(context, a.get("Kids"), b.get("Kids"), name, below, depth + 1, pending)


def _no_field(context: Context, old: Value, new: Value, prefix: str) -> None:
    """A node of the tree that is no field, before or now: nobody else looks at it, so it has to be what it was."""
    compare = context.compare
    if isinstance(compare.before(old), dict):
        _field_removed(context, old, prefix)
    elif old != new or (isinstance(old, Ref) and old.number in compare.changed):
        context.forbid("change-form", "Something that was no form field was changed in the form's tree.")


def _compare_kids(
    context: Context,
    old: Value,
    new: Value,
    prefix: str,
    inherited: tuple[dict[str, Value], dict[str, Value]],
    depth: int,
    pending: list[tuple[Value, Value, str, tuple[dict[str, Value], dict[str, Value]], int]],
) -> None:
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    before = before if isinstance(before, list) else []
    after = after if isinstance(after, list) else []
    left: list[Value | None] = list(after)
    by_number = {item.number: index for index, item in reversed(list(enumerate(after))) if isinstance(item, Ref)}
    for item in before:
        index = by_number.get(item.number) if isinstance(item, Ref) else None
        if index is None:
            index = _by_name(context, item, after)
        if index is None:
            _field_removed(context, item, prefix)
            continue
        left[index] = None
        pending.append((item, after[index], prefix, inherited, depth))
    known = {item.number for item in before if isinstance(item, Ref)}
    for item in left:
        if item is None or (isinstance(item, Ref) and item.number in known):
            continue
        _field_added(context, item, prefix, inherited[1], depth)


def _by_name(context: Context, item: Value, after: list[Value]) -> int | None:
    value = context.compare.before(item)
    name = text(value.get("T")) if isinstance(value, dict) else None
    if name is None:
        return None
    for index, other in enumerate(after):
        resolved = context.compare.after(other)
        if isinstance(resolved, dict) and text(resolved.get("T")) == name:
            return index
    return None


def _field_removed(context: Context, item: Value, prefix: str) -> None:
    value = context.compare.before(item)
    if not isinstance(value, dict):
        return  # it was a reference to nothing
    part = text(context.compare.before(value.get("T")))
    name = f"{prefix}.{part}" if prefix and part else part or prefix or "?"
    if signatures.is_signature(context.compare.before(value.get("V"))):
        context.forbid("change-signature-removed", f"The signature in field {name} was removed.", field=name)
    else:
        context.forbid("change-field-removed", f"Form field {name} was removed.", field=name)


def _field_added(context: Context, item: Value, prefix: str, inherited: dict[str, Value], depth: int) -> None:
    """New fields are signature fields, with everything in them new."""
    compare = context.compare
    pending: list[tuple[Value, str, dict[str, Value], int]] = [(item, prefix, inherited, depth)]
    seen: set[int] = set()
    while pending:
        node, above, given, level = pending.pop()
        if isinstance(node, Ref):
            if node.number in seen:
                continue
            seen.add(node.number)
        context.structure.budget.step()
        value = compare.after(node)
        if value is None:
            continue
        if not isinstance(value, dict) or level > _MAX_DEPTH:
            context.forbid("change-field-added", "Something that is no field was added to the form.")
            continue
        part = text(compare.after(value.get("T")))
        name = above if part is None else f"{above}.{part}" if above else part
        given = inherit(given, value)
        kids = compare.after(value.get("Kids"))
        if isinstance(kids, list) and kids and "FT" not in given and "V" not in given:
            pending.extend((kid, name, given, level + 1) for kid in kids)
            continue
        if isinstance(node, Ref) and compare.structure.location(node.number, compare.old) is not None:
            old = compare.before(node)
            if (
                isinstance(old, dict)
                and old.get("Subtype") == "Widget"
                and not signatures.is_signature(compare.before(old.get("V")))
            ):
                pass  # a widget that was on the page already and now joins the form
            elif old is not None:
                context.forbid(
                    "change-field-added", f"An object of the signed document was made form field {name}.", field=name
                )
                continue
        _new_field(context, node, value, name, given, kids if isinstance(kids, list) else [])


def _new_field(
    context: Context, node: Value, value: dict[str, Value], name: str, given: dict[str, Value], kids: list[Value]
) -> None:
    compare = context.compare
    signature = compare.after(given.get("V"))
    if compare.after(given.get("FT")) != "Sig":
        context.forbid("change-field-added", f"Form field {name} was added.", field=name)
        return
    for place in [node, *kids]:
        widget = compare.after(place)
        if not isinstance(widget, dict):
            continue
        if "A" in widget or "AA" in widget:
            context.forbid("change-field-added", f"New signature field {name} comes with an action.", field=name)
            return
        if widget is not value or not kids:
            drawn(context, name, None, widget, place, signature=True)
    if signature is None:
        context.note(
            Kind.FORM,
            "change-signature-field",
            f"An empty signature field {name} was added.",
            field=name,
            new_field=True,
        )
        return
    signed(context, signature, name, new_field=True)
