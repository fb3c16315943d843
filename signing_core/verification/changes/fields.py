"""One form field or its widget (12.7.4): signed, filled in, or otherwise changed; and new fields.

A field may be filled in or signed; nothing else about it may change, but for what software writes along with that. A value
belongs to the field it was signed in (12.7.5.5), a name to one field (12.7.4.2), a widget to one page (12.5.2).
"""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure import forms
from signing_core.pdf.structure.field_entries import fits_entry, means_default
from signing_core.pdf.structure.kinds import is_signature, is_time_stamp, subtype_of
from signing_core.pdf.structure.mentions import references
from signing_core.pdf.structure.values import Ref, Stream, Value, integer, text
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.walk import SAME, DrawnWidget, Place, Rule, Walk, back, back_or_new, uncovered
from signing_core.verification.drawn import box_of, flags_of, unlooked

_READ_ONLY: Final = 1
_VISIBILITY: Final = 1 | 2 | 32
"""Invisible, Hidden, NoView (12.5.3)."""
_PRINT: Final = 4
INHERITABLE: Final = (*forms.INHERITABLE, "AA")
_WITH_VALUE: Final = frozenset({"DA", "Q", "DS", "I", "TI", "M", "MK"})
_WITH_SIGNATURE: Final = frozenset(
    {"MK", "M", "DA", "Q", "Border", "BS", "H", "TU", "DR", "NM", "Lang", "Subtype", "StructParent", "Contents"}
)
_NOTHING: Final[tuple[Value, ...]] = (None, b"", b"\xfe\xff", [], "Off", "")
USES: Final = {"V": Use.SIGNATURE, "DV": Use.SIGNATURE, "AP": Use.LOOK, "DR": Use.LOOK, "MK": Use.LOOK}
_SHOWN: Final = 60


def inherit(above: dict[str, Value], node: dict[str, Value]) -> dict[str, Value]:
    """What a node hands down to its kids (12.7.4.1)."""
    return {**above, **{key: node[key] for key in INHERITABLE if key in node}}


class FieldPair:
    """A field, or one of its widgets, before and after."""

    def __init__(
        self,
        walk: Walk,
        name: str,
        own: tuple[dict[str, Value], dict[str, Value]],
        above: tuple[dict[str, Value], dict[str, Value]],
        place: Place,
        kids: Rule = uncovered,
    ) -> None:
        self.walk, self.name, self.place, self._kids = walk, name, place, kids
        self.a, self.b = own
        pair = walk.pair
        self.before, self.after = inherit(above[0], self.a), inherit(above[1], self.b)
        self.was, self.now = pair.before(self.before.get("V")), pair.after(self.after.get("V"))
        self.filled = not walk.query.same(self.before.get("V"), self.after.get("V"))
        self.is_signature = "Sig" in (pair.before(self.before.get("FT")), pair.after(self.after.get("FT")))
        self.is_signature |= is_signature(self.was)
        self.signed_now = self.is_signature and self.filled and not is_signature(self.was) and is_signature(self.now)
        self.looks = False

    def compare(self) -> None:
        """Everything but its kids."""
        rules: dict[str, Rule] = {
            "V": self._value, "AP": self._look, "AS": self._look, "Ff": self._flags, "F": self._visibility,
            "Rect": self._rectangle, "Parent": back, "P": back_or_new, "T": self._frozen, "FT": self._frozen, "Kids": self._kids,
        }  # fmt: skip
        pair = self.walk.pair
        self.walk.entries(self.a, self.b, self.place, rules, self._other)
        if self.looks or (
            self.filled
            and not pair.after(self.b.get("Kids"))
            and (not self.is_signature or "AP" in self.a or "AP" in self.b)
        ):
            handed = self.before, self.after
            self.walk.widgets.append(
                DrawnWidget(self.name, self.place.owner, self.a, self.b, handed, self.place, self.signed_now)
            )

    # -- entries --------------------------------------------------------------------------------------------------------

    def _value(self, walk: Walk, old: Value, new: Value, place: Place) -> str:
        use = Use.SIGNATURE if self.is_signature else Use.FORM
        if walk.same(old, new, use) or (not self.filled and walk.same(self.before.get("V"), self.after.get("V"), use)):
            return SAME
        walk.take_in(new, use, old)
        name = self.name
        if self.is_signature:
            if self.signed_now:
                return note_signature(walk, self.after.get("V"), name, place, new_field=False)
            if is_signature(self.was):
                if self.now is None:
                    message = f"The signature in field {name} was removed."
                    return walk.forbid("change-signature-removed", message, place, field=name)
                message = f"The signature in field {name} was replaced."
                return walk.forbid("change-signature-replaced", message, place, field=name)
            return walk.forbid("change-signature", f"Field {name} got a value that is no signature.", place, field=name)
        if isinstance(self.now, dict | Stream) or isinstance(self.was, dict):
            return walk.forbid(
                "change-field-value", f"Field {name} got a value that is no text, name or list.", place, field=name
            )
        if self.was in _NOTHING:
            return walk.note(Kind.FORM, "change-field-filled", f"Form field {name} was filled in.", place, field=name)
        message = (
            f"Form field {name} had the value {readable(self.was)} when it was signed and has {readable(self.now)} now."
        )
        kind = Kind.FORM if self._was_default() or self._calculated() else Kind.OVERWRITE
        return walk.note(kind, "change-field-overwritten", message, place, field=name, warning=True)

    def _was_default(self) -> bool:
        default = self.walk.pair.before(self.before.get("DV"))
        return default is not None and bool(default == self.was)

    def _calculated(self) -> bool:
        """Whether the signed form calculates the field (/CO, Table 224) and has a script for it (/C, Table 199)."""
        pair = self.walk.pair
        actions = pair.before(self.before.get("AA"))
        if not isinstance(actions, dict) or "C" not in actions:
            return False
        form = pair.before(pair.structure.catalog(pair.signed).get("AcroForm"))
        order = pair.before(form.get("CO")) if isinstance(form, dict) else None
        listed = {item.number for item in order if isinstance(item, Ref)} if isinstance(order, list) else set()
        return any(
            field.name == self.name and field.ref is not None and field.ref.number in listed
            for field in pair.form_before.fields
        )

    def _look(self, walk: Walk, old: Value, new: Value, place: Place) -> str:
        if walk.same_look(old, new):
            return SAME
        walk.take_in(new, Use.LOOK, old)
        states = walk.pair.after(new)
        if (
            place.path.endswith("/AP")
            and states is not None
            and not (isinstance(states, dict) and states.keys() <= {"N", "R", "D"})
        ):
            return walk.unknown(
                f"Form field {self.name}: its looks are no dictionary of looks.", place, field=self.name
            )
        pair = walk.pair
        shows = box_of(pair.structure, self.a, pair.signed), box_of(pair.structure, self.b, pair.later)
        if self.is_signature and shows == (None, None):
            message = f"Signature field {self.name} shows nothing, before and after."
            return walk.note(Kind.FORM, "change-field-appearance", message, place, field=self.name)
        self.looks = True
        if place.path.endswith("/AS") and walk.pair.before(self.before.get("FT")) in ("Tx", "Ch"):
            message = f"Form field {self.name}, which has one value, was given another of several looks."
            return walk.unknown(message, place, code="change-value-unread", field=self.name)
        if place.path.endswith("/AS") and not isinstance(states, str):
            message = f"Form field {self.name} no longer says which of its looks it shows: that is up to each program."
            return walk.unknown(message, place, code="change-value-unread", field=self.name)
        looked = not unlooked(pair.structure, self.a, pair.signed), not unlooked(pair.structure, self.b, pair.later)
        if looked == (True, False) and not self.filled and not self.is_signature and self.now not in (None, b""):
            message = f"Form field {self.name} lost its look: what it shows is up to each program."
            return walk.unknown(message, place, code="change-value-unread", field=self.name)
        if self.is_signature and not self.signed_now:
            message = f"The appearance of signature field {self.name} was changed."
            return walk.forbid("change-signature-appearance", message, place, field=self.name)
        if shared_outside(walk, old):
            message = f"The appearance that form field {self.name} had is used outside of form fields, too."
            return walk.unknown(message, place, code="change-shared-appearance", field=self.name)
        if not self.is_signature and not self.filled:
            message = f"Form field {self.name} was drawn anew."
            return walk.note(Kind.FORM, "change-field-appearance", message, place, field=self.name)
        return "the look of the new value"

    def _flags(self, walk: Walk, old: Value, new: Value, place: Place) -> str:
        was = integer(walk.pair.before(self.before.get("Ff"))) or 0
        now = integer(walk.pair.after(self.after.get("Ff"))) or 0
        if was == now:
            return SAME
        if was | _READ_ONLY == now:  # no change to what a lock protects, so it names no field
            return walk.note(Kind.FORM, "change-field-locked", f"Form field {self.name} was made read-only.", place)
        return walk.forbid("change-field", f"Form field {self.name}: its flags were changed.", place, field=self.name)

    def _visibility(self, walk: Walk, old: Value, new: Value, place: Place) -> str:
        was, now = (flags_of(value) for value in (walk.pair.before(old), walk.pair.after(new)))
        if was == now:
            return SAME
        self.looks = True
        message = f"Form field {self.name} was hidden or shown."
        if was is None or now is None:
            return walk.forbid("change-field-visibility", message, place, field=self.name)
        nothing = box_of(walk.pair.structure, {**self.a, "F": 0}, walk.pair.signed) is None
        if self.signed_now and (nothing or not now & _VISIBILITY):
            return "shown with its signature"
        # A field that is not seen on the screen may not come to be printed, and none may vanish from paper.
        printed = was & ~now & _PRINT or (now & ~was & _PRINT and was & _VISIBILITY)
        if printed or (was ^ now) & _VISIBILITY:
            return walk.forbid("change-field-visibility", message, place, field=self.name)
        message = f"Form field {self.name}: whether it is printed or may be edited was changed."
        return walk.note(Kind.FORM, "change-field", message, place, field=self.name)

    def _rectangle(self, walk: Walk, old: Value, new: Value, place: Place) -> str:
        """Programs give an invisible field a rectangle when they sign it; a visible one stays where it was signed to be."""
        pair = walk.pair
        if walk.same(old, new, Use.FORM):
            return SAME
        empty, now = [_area(pair.before(old)), _area(pair.after(new))], pair.after(new)
        shown = isinstance(now, list) and len(now) == 4  # else it is up to each program where it is drawn
        invisible = empty[0] == 0 or (empty[1] == 0 and box_of(pair.structure, self.a, pair.signed) is None)
        if self.signed_now and shown and invisible:
            self.looks = True
            return "a rectangle for the signature"
        if empty == [0, 0]:
            return "shows nothing, before and after"
        return walk.forbid("change-field", f"Form field {self.name} was moved.", place, field=self.name)

    def _frozen(self, walk: Walk, old: Value, new: Value, place: Place) -> str:
        if walk.same(old, new, Use.FORM):
            return SAME
        key = place.path.rsplit("/", 1)[-1]
        if key == "FT" and old is None and walk.pair.before(self.before.get("FT")) == walk.pair.after(new):
            return SAME
        return walk.forbid("change-field", f"Form field {self.name}: /{key} was changed.", place, field=self.name)

    def _other(self, walk: Walk, old: Value, new: Value, place: Place) -> str | None:
        key = place.path.rsplit("/", 1)[-1]
        if key in INHERITABLE:  # what a field says itself or inherits counts, not at which level
            old, new = self.before.get(key), self.after.get(key)
        if means_default(key, old, new) or walk.same(old, new, USES.get(key, Use.FORM)):
            return SAME
        fits = new is None or fits_entry(key, walk.pair.after(new))
        if key in ("Lock", "SV"):  # a lock that comes with a signature binds only what comes after it (12.7.5.5)
            allowed = self.signed_now and (old is None if key == "Lock" else new is None)
        else:
            allowed = (self.signed_now and key in _WITH_SIGNATURE) or (
                self.filled and not self.is_signature and key in _WITH_VALUE
            )
        if allowed and fits:
            walk.take_in(new, USES.get(key, Use.FORM), old)
            self.looks |= key == "MK"
            return "written along with the value"
        message = f"Form field {self.name}: /{key} was changed."
        if key == "RV":
            return walk.unknown(message, place, code="change-value-unread", field=self.name)
        if fits and old is None and key in ("StructParent", "M", "NM"):
            return walk.note(Kind.UPKEEP, "change-field", message, place)
        return walk.forbid("change-field", message, place, field=self.name)


def shared_outside(walk: Walk, look: Value) -> bool:
    """Whether the signed state uses an appearance for more than widgets and the form's default resources: then it may be
    part of the content, whatever a widget calls it."""
    pair = walk.pair
    states = pair.before(look)
    parts = [look, *(states.values() if isinstance(states, dict) else ())]
    parts += [state for part in parts[1:] if isinstance(inner := pair.before(part), dict) for state in inner.values()]
    numbers = {part.number for part in parts if isinstance(part, Ref)}
    catalog = pair.structure.catalog(pair.signed)
    form = catalog.get("AcroForm")
    resources = pair.before(form).get("DR") if isinstance(pair.before(form), dict) else None
    inner = pair.before(resources)
    allowed = {
        part.number
        for part in (form, resources, *(inner.values() if isinstance(inner, dict) else ()))
        if isinstance(part, Ref)
    }
    trailer = pair.structure.trailer(pair.signed)
    elsewhere = (
        {key: item for key, item in trailer.items() if key not in ("Root", "Info")},
        {**catalog, "AcroForm": None},
    )
    if not numbers.isdisjoint(references(list(elsewhere))):
        return True
    root = trailer.get("Root")
    allowed |= numbers | ({root.number} if isinstance(root, Ref) else set())  # a form may be written into the catalog
    return any(
        holder not in allowed and subtype_of(pair.structure, pair.old(holder), pair.signed) != "Widget"
        for number in numbers
        for holder in pair.holders(number, pair.signed)
    )


def _area(rectangle: Value) -> float:
    if not isinstance(rectangle, list) or len(rectangle) != 4 or not all(isinstance(n, int | float) for n in rectangle):
        return 0
    left, bottom, right, top = (float(number) for number in rectangle)
    return abs((right - left) * (top - bottom))


def readable(value: Value) -> str:
    """A value for an analyst, cut to a line."""
    if isinstance(value, list):
        return "[" + ", ".join(readable(item) for item in value[:5]) + "]"
    words = text(value) if isinstance(value, bytes | str) else None
    if value is None:
        return "nothing"
    shown = repr(words if words is not None else value)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"


def note_signature(
    walk: Walk, value: Value, name: str, place: Place, *, new_field: bool, widget: dict[str, Value] | None = None
) -> str:
    """A field got a signature or document time-stamp: its own, made for it."""
    pair = walk.pair
    signature = pair.after(value)
    if not is_signature(signature):
        return walk.forbid("change-signature", f"Field {name} got a value that is no signature.", place, field=name)
    number = value.number if isinstance(value, Ref) else None
    if number is not None and (pair.existed(number) or len(_fields_with(walk, number)) > 1):
        message = f"Field {name} shows a signature that belongs to another field or was made before."
        return walk.forbid("change-signature-borrowed", message, place, field=name)
    if not is_time_stamp(pair.after(signature.get("Type")), pair.after(signature.get("SubFilter"))):
        message = f"A signature was added ({name})."
        return walk.note(Kind.FORM, "change-signature", message, place, field=name, new_field=new_field)
    fields = [field for field in pair.form_after.fields if field.name == name]
    looks = [place.dict for field in fields for place in field.widgets] + ([widget] if widget is not None else [])
    visible = any(box_of(pair.structure, look, pair.later) for look in looks)
    kind = Kind.FORM if visible or not new_field else Kind.VALIDATION
    message = f"A document time-stamp was added ({name})."
    return walk.note(kind, "change-time-stamp", message, place, field=name, new_field=new_field)


def _fields_with(walk: Walk, number: int) -> set[str]:
    """Names of the fields whose value a signature is."""
    names = {
        field.name
        for field in walk.pair.form_after.fields
        if isinstance(field.attributes.get("V"), Ref) and field.attributes["V"].number == number
    }
    for record in walk.pair.structure.signatures:
        if record.object_number == number:
            names |= set(record.fields)
    return names
