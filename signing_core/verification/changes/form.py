"""The interactive form (12.7.3): the form as a whole, and its tree of fields node by node."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from signing_core.pdf.structure.forms import MAX_DEPTH
from signing_core.pdf.structure.kinds import is_signature
from signing_core.pdf.structure.values import Ref, Stream, Value, integer, text
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.fields import FieldPair, inherit
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.new_fields import add_field
from signing_core.verification.changes.walk import NOTED, SAME, Node, Place, Rule, Walk, drawn
from signing_core.verification.drawn import unlooked

_Above: TypeAlias = tuple[dict[str, Value], dict[str, Value]]


class _Node(NamedTuple):
    """What a node of the form's tree stands below."""

    prefix: str
    above: _Above
    depth: int


def compare_form(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/AcroForm of the catalog."""
    before, after, place = walk.open(old, new, place, Use.FORM)
    if not isinstance(after, dict) or not isinstance(before, dict | None):
        return SAME if before is after is None else walk.forbid("change-form", "The form was removed.", place)
    walk.entries(before or {}, after, place, _FORM, _other)
    return NOTED


def _flags(walk: Walk, old: Value, new: Value, place: Place) -> str:
    was, now = integer(walk.pair.before(old)) or 0, integer(walk.pair.after(new)) or 0
    if was & ~now & 3:
        return walk.note(
            Kind.FORM, "change-signature-flags", "The form's /SigFlags no longer tell of signatures.", place
        )
    return "says that there are signatures"


def _need_appearances(walk: Walk, old: Value, new: Value, place: Place) -> str:
    was, now = walk.pair.before(old) is True, walk.pair.after(new) is True
    if was == now:
        return SAME
    # Viewers draw every field from its value, or no longer do: all of them must show their values.
    walk.redrawn = True
    message = (
        "Viewers are asked to draw all form fields anew." if now else "Viewers no longer draw all form fields anew."
    )
    return walk.note(Kind.FORM, "change-need-appearances", message, place)


def _defaults(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/DA and /Q: fields that inherit them look otherwise as soon as a viewer draws them anew, white on white, say."""
    if walk.same(old, new, Use.FORM):
        return SAME
    if isinstance(walk.pair.after(new), dict | list | Stream):
        return walk.forbid("change-form", "A default of the form is no plain value.", place)
    if not any(field.type in ("Tx", "Ch", "Btn") for field in walk.pair.form_before.fields):
        return walk.note(Kind.UPKEEP, "change-form", "A default was changed that no field of the form uses.", place)
    if walk.pair.before(old) is None and not _relied_on(walk):
        return walk.note(Kind.UPKEEP, "change-form", "The form got a default that it did not have.", place)
    return walk.forbid("change-form", f"The form's /{place.path.rsplit('/', 1)[-1]} was changed.", place)


def _resources(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """Default resources: names may be added, what a name stood for must stay.

    All but fonts is of use only to appearances without resources of their own, which few writers make.
    """
    before, after, place = walk.open(old, new, place, Use.LOOK)
    before, after = (value if isinstance(value, dict) else {} for value in (before, after))
    for category in sorted(before.keys() | after.keys()):
        first, second = walk.pair.before(before.get(category)), walk.pair.after(after.get(category))
        where = place.at(category)
        if category == "ProcSet":
            continue  # obsolete, and read by nobody (14.2)
        if not isinstance(first, dict) or not isinstance(second, dict):
            if first is None:
                walk.take_in(after.get(category), Use.LOOK)
                _added(walk, place)
            elif isinstance(first, dict) and second is None and not _relied_on(walk):
                message = f"Default resources of the form (/{category}) that nothing uses were taken out."
                walk.note(Kind.UPKEEP, "change-form-resources", message, place)
            else:
                drawn("change-form-resources", "The form's resources (/{key})")(walk, first, second, where)
            continue
        walk.open(None, after.get(category), where, Use.LOOK)
        for name in sorted(first.keys() | second.keys()):
            if name not in first:
                walk.take_in(second[name], Use.LOOK)
                _added(walk, place)
            elif (category in ("Font", "Encoding") and name in second) or _relied_on(walk):
                drawn("change-form-resources", f"The form's resources (/{category} /{{key}})")(
                    walk, first[name], second.get(name), where.at(name)
                )
            elif not walk.same(first[name], second.get(name), Use.LOOK):
                walk.take_in(second.get(name), Use.LOOK, first[name])
                message = f"Default resources of the form (/{category}) that nothing uses were changed."
                walk.note(Kind.UPKEEP, "change-form-resources", message, place)
    return NOTED


def _added(walk: Walk, place: Place) -> str:
    if _relied_on(walk):
        message = "Default resources were added to the form, by which programs may draw fields otherwise."
        return walk.unknown(message, place, code="change-form-resources")
    return walk.note(Kind.UPKEEP, "change-form-resources", "The form's default resources were added to.", place)


def _relied_on(walk: Walk) -> bool:
    """Whether any signed form field draws something without resources of its own, or has a value and no look."""
    pair = walk.pair
    for field in pair.form_before.fields:
        valued = field.type in ("Tx", "Ch") and pair.before(field.attributes.get("V")) not in (None, b"")
        for widget in field.widgets:
            if valued and unlooked(pair.structure, widget.dict, pair.signed):
                return True
            states = pair.before(widget.dict.get("AP"))
            looks = [pair.before(state) for state in states.values()] if isinstance(states, dict) else []
            looks += [pair.before(inner) for look in looks if isinstance(look, dict) for inner in look.values()]
            if any(isinstance(s, Stream) and "Resources" not in s.dict and s.end > s.start for s in looks):
                return True
    return False


def _xfa(walk: Walk, old: Value, new: Value, place: Place) -> str:
    if walk.same(old, new, Use.FORM):
        return SAME
    return walk.unknown("The XFA form was changed, which cannot be judged.", place, code="change-xfa")


def _other(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    if walk.same(old, new, Use.FORM):
        return SAME
    key = place.path.rsplit("/", 1)[-1]
    return walk.forbid("change-form", f"The form's /{key} was changed.", place)


# -- the field tree ---------------------------------------------------------------------------------------------------


def _fields(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/Fields, and everything below."""
    pending: list[Node] = []
    _pair_kids(walk, old, new, "", ({}, {}), place, 0, pending)

    def settled(first: Value, second: Value, node: _Node) -> bool:
        return walk.settled(first, second) and handed_alike(walk, node.above)

    for first, second, a, b, where, node in walk.nodes(pending, Use.FORM, settled):
        prefix, above, depth = node
        if not isinstance(a, dict) or not isinstance(b, dict) or depth > MAX_DEPTH:
            if isinstance(a, dict):
                _removed(walk, first, prefix, where)
            elif not walk.same(first, second, Use.FORM):
                walk.unknown("Something that was no form field was changed in the form's tree.", where)
            continue
        part = text(walk.pair.before(a.get("T")))
        name = prefix if part is None else f"{prefix}.{part}" if prefix else part
        below = inherit(above[0], a), inherit(above[1], b)
        kids = _kids_of(name, below, depth + 1, pending)
        FieldPair(walk, name, (a, b), above, where, kids).compare()
        if walk.settled(a.get("Kids"), b.get("Kids")) and not handed_alike(walk, below):
            kids(walk, a.get("Kids"), b.get("Kids"), where)  # what they inherit is another
    return NOTED


def handed_alike(walk: Walk, above: _Above) -> bool:
    """Whether the nodes above hand down the same as before."""
    return all(walk.query.same(above[0].get(key), above[1].get(key)) for key in above[0].keys() | above[1].keys())


def _kids_of(name: str, below: _Above, depth: int, pending: list[Node]) -> Rule:
    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str:
        before, after = walk.pair.before(old), walk.pair.after(new)
        if not (before is after is None or (isinstance(before, list) and isinstance(after, list))):
            # A field with kids is no widget (12.7.4.1): its looks vanish, or come, with the entry.
            message = f"Form field {name} has kids now and had none, or the other way round."
            return walk.unknown(message, place, code="change-field", field=name)
        _pair_kids(walk, old, new, name, below, place, depth, pending)
        return NOTED

    return rule


def _pair_kids(
    walk: Walk, old: Value, new: Value, prefix: str, above: _Above, place: Place, depth: int, pending: list[Node]
) -> None:
    before, after, place = walk.open(old, new, place, Use.FORM)
    before = before if isinstance(before, list) else []
    after = after if isinstance(after, list) else []
    left: list[Value | None] = list(after)
    by_number = {item.number: index for index, item in reversed(list(enumerate(after))) if isinstance(item, Ref)}
    taken: set[Value] = set()
    for item in before:
        if isinstance(item, Ref) and item in taken:
            continue  # listed twice
        taken |= {item} if isinstance(item, Ref) else set()
        index = by_number.get(item.number) if isinstance(item, Ref) else None
        if index is None:
            index = _by_name(walk, item, after)
        if index is None or left[index] is None:
            _removed(walk, item, prefix, place)
            continue
        left[index] = None
        pending.append((item, after[index], place, _Node(prefix, above, depth)))
    for item in left:
        if item is not None and not (isinstance(item, Ref) and item in taken):
            add_field(walk, item, prefix, above[1], place)


def _by_name(walk: Walk, item: Value, after: list[Value]) -> int | None:
    value = walk.pair.before(item)
    name = text(walk.pair.before(value.get("T"))) if isinstance(value, dict) else None
    if name is None:
        return None
    for index, other in enumerate(after):
        resolved = walk.pair.after(other)
        if isinstance(resolved, dict) and text(walk.pair.after(resolved.get("T"))) == name:
            return index
    return None


def _removed(walk: Walk, item: Value, prefix: str, place: Place) -> None:
    value = walk.pair.before(item)
    if not isinstance(value, dict):
        return  # it was a reference to nothing
    part = text(walk.pair.before(value.get("T")))
    name = f"{prefix}.{part}" if prefix and part else part or prefix or "?"
    if is_signature(walk.pair.before(value.get("V"))):
        walk.forbid("change-signature-removed", f"The signature in field {name} was removed.", place, field=name)
    else:
        walk.forbid("change-field-removed", f"Form field {name} was removed.", place, field=name)


_FORM: Final[dict[str, Rule]] = {
    "Fields": _fields,
    "SigFlags": _flags,
    "NeedAppearances": _need_appearances,
    "DR": _resources,
    "DA": _defaults,
    "Q": _defaults,
    "XFA": _xfa,
}
