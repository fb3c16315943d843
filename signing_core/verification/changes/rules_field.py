"""One form field (12.7.4): signed, filled in, or otherwise changed.

A field may be filled in or signed; nothing else about it may change, but for what software writes along with that.
"""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure import signatures
from signing_core.pdf.structure.values import Ref, Stream, Value, integer
from signing_core.verification.changes.context import Context, FilledWidget
from signing_core.verification.changes.mentions import references
from signing_core.verification.changes.step import Kind

_READ_ONLY: Final = 1
_VISIBILITY: Final = 1 | 2 | 32
"""Invisible, Hidden, NoView (12.5.3)."""
_WITH_VALUE: Final = frozenset({"AP", "AS", "DA", "Q", "RV", "DS", "I", "TI", "M", "MK"})
_WITH_SIGNATURE: Final = frozenset({"AP", "AS", "MK", "M", "DA", "Q", "Border", "BS", "H", "TU", "DR", "NM", "Lang"})
_LINKS: Final = frozenset({"Parent", "Kids", "P"})


def inherit(above: dict[str, Value], node: dict[str, Value]) -> dict[str, Value]:
    """What a node hands down to its kids (12.7.4.1)."""
    return {**above, **{key: node[key] for key in ("FT", "V", "Ff", "DA", "Opt") if key in node}}


def signed(context: Context, signature: Value, name: str, *, new_field: bool) -> None:
    """Note the signature or document time-stamp that a field got."""
    if not signatures.is_signature(signature):
        context.forbid("change-signature", f"Field {name} got a value that is no signature.", field=name)
        return
    compare = context.compare
    stamp = (
        "DocTimeStamp" in (compare.after(signature.get("Type")),)
        or compare.after(signature.get("SubFilter")) == "ETSI.RFC3161"
    )
    if stamp:
        context.note(
            Kind.UPKEEP,
            "change-time-stamp",
            f"A document time-stamp was added ({name}).",
            field=name,
            new_field=new_field,
        )
    else:
        context.note(Kind.FORM, "change-signature", f"A signature was added ({name}).", field=name, new_field=new_field)


def drawn(
    context: Context,
    name: str,
    old: dict[str, Value] | None,
    new: dict[str, Value],
    widget: Value,
    *,
    signature: bool,
) -> None:
    """Note that the looks of a widget are new or changed; `widget` is the reference to it or itself."""
    number = widget.number if isinstance(widget, Ref) else None
    own = context.compare.after(widget)
    context.drawn.append(FilledWidget(name, old, new, own if isinstance(own, dict) else new, number, signature))


def compare_field(
    context: Context,
    a: dict[str, Value],
    b: dict[str, Value],
    name: str,
    inherited: tuple[dict[str, Value], dict[str, Value]],
    first: Value,
    second: Value,
) -> None:
    """One node of the field tree; `inherited` is what the nodes above hand down, before and after."""
    compare = context.compare
    if isinstance(first, Ref) and first == second and _untouched(context, first, a):
        return
    before, after = inherit(inherited[0], a), inherit(inherited[1], b)
    kind = compare.before(before.get("FT"))
    was, now = before.get("V"), after.get("V")
    filled = not compare.same(was, now)
    own = "V" in a or "V" in b
    old_value, new_value = compare.before(was), compare.after(now)
    is_signature = kind == "Sig" or signatures.is_signature(old_value)
    signed_now = False
    if filled and own and is_signature:
        if old_value is None:
            signed(context, new_value, name, new_field=False)
            signed_now = True
        elif new_value is None:
            context.forbid("change-signature-removed", f"The signature in field {name} was removed.", field=name)
        else:
            context.forbid("change-signature-replaced", f"The signature in field {name} was replaced.", field=name)
    elif filled and own:
        if isinstance(new_value, dict | Stream):
            context.forbid("change-field-value", f"Field {name} got a value that is no text, name or list.", field=name)
        else:
            context.note(Kind.FORM, "change-field-filled", f"Form field {name} was filled in.", field=name)
    looks = filled
    if filled:
        _visit_appearance(context, a)
    for key in sorted(a.keys() | b.keys()):
        if key in ("V", "Kids", "Parent", "P"):
            if key in ("Parent", "P") and a.get(key) != b.get(key) and key in a:
                context.require_same(a[key], b.get(key), "change-field", f"Form field {name}: /{key}", field=name)
            continue
        looks |= _compare_key(context, key, a.get(key), b.get(key), name, kind, filled, signed_now)
    if looks:
        drawn(context, name, a, {**after, **b}, second, signature=is_signature)


def _visit_appearance(context: Context, node: dict[str, Value]) -> None:
    """The old appearance goes with the old value, however much of it is replaced."""
    states = context.compare.before(node.get("AP"))
    for state in states.values() if isinstance(states, dict) else ():
        inner = context.compare.before(state)
        for drawn in inner.values() if isinstance(inner, dict) else ():
            context.compare.before(drawn)


def _untouched(context: Context, ref: Ref, node: dict[str, Value]) -> bool:
    """Neither the field nor its value can have changed; its kids are looked at in any case."""
    clean = context.compare.clean
    return clean(ref.number) and all(
        clean(number) for key, item in node.items() if key not in _LINKS for number in references(item)
    )


def _compare_key(
    context: Context, key: str, old: Value, new: Value, name: str, kind: Value, filled: bool, signed_now: bool
) -> bool:
    """One entry of a field; true when it changes how the field looks."""
    compare = context.compare
    if compare.same(old, new):
        return False
    before, after = compare.before(old), compare.after(new)
    if key == "Type" and before is None and after == "Annot":
        return False
    if key in ("StructParent", "Subtype") and before is None and not isinstance(after, dict | list | Stream):
        return False
    if key == "Ff":
        was, now = integer(before) or 0, integer(after) or 0
        if was | _READ_ONLY == now:
            context.note(Kind.FORM, "change-field-locked", f"Form field {name} was made read-only.", field=None)
            return False
    elif key == "F":
        was, now = integer(before) or 0, integer(after) or 0
        if not (was ^ now) & _VISIBILITY or (signed_now and not now & _VISIBILITY):
            return True
        context.forbid("change-field-visibility", f"Form field {name} was hidden or shown.", field=name)
        return False
    elif kind == "Sig":
        if signed_now and key in _WITH_SIGNATURE:
            return key in ("AP", "MK", "AS")
        if key in ("AP", "MK", "AS"):
            context.forbid(
                "change-signature-appearance", f"The appearance of signature field {name} was changed.", field=name
            )
            return False
    elif key in ("AP", "AS") or (filled and key in _WITH_VALUE):
        if not filled:
            context.note(Kind.FORM, "change-field-appearance", f"Form field {name} was drawn anew.", field=name)
        return key in ("AP", "AS", "MK")
    context.forbid("change-field", f"Form field {name}: /{key} was changed.", field=name)
    return False
