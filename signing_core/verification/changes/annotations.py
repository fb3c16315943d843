"""The annotations of a page (12.5): added, edited, removed; those of form fields are judged with their field."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from signing_core.pdf.structure.field_entries import means_default
from signing_core.pdf.structure.kinds import is_signature, kind_of, subtype_of
from signing_core.pdf.structure.values import Ref, Value
from signing_core.verification.changes import widgets
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.pair import Pair
from signing_core.verification.changes.walk import DRAWS, NOTED, SAME, Place, Walk
from signing_core.verification.drawn import Maker, Paint, box_of

COMMENTS: Final = frozenset(
    {
        "Text", "FreeText", "Highlight", "Underline", "Squiggly", "StrikeOut", "Ink", "Line", "Square", "Circle", "Polygon",
        "PolyLine", "Stamp", "Caret", "Popup", "Link", "FileAttachment",
    }
)  # fmt: skip
"""Markup annotations and what goes with them (12.5.6.2); films, models and the like are no comments."""
_EDITED: Final = frozenset(
    {
        "Contents", "M", "NM", "C", "IC", "Border", "BS", "BE", "RD", "Rect", "QuadPoints", "Vertices", "L", "LE", "LL", "LLE",
        "LLO", "Cap", "CP", "CO", "InkList", "CL", "DA", "DS", "RC", "Q", "Subj", "T", "CreationDate", "Name", "Open", "State",
        "StateModel", "F", "AP", "AS", "Popup", "IRT", "RT", "IT", "Lang", "Sy", "H", "StructParent", "P", "Parent",
    }
)  # fmt: skip
"""Entries that an edit of a comment changes (Tables 166, 172, 175 to 187); another may mean something else to whoever reads the
same dictionary as an action or a page."""
_BACK: Final = frozenset({"P", "Parent", "Popup", "IRT"})


def compare_annotations(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/Annots of a page."""
    before, after, place = walk.open(old, new, place, Use.FORM)
    if not isinstance(before, list | None) or not isinstance(after, list | None):
        return walk.unknown(f"Page {place.page}: /Annots is no array.", place)
    pairs, added, removed, moved = _matched(walk, before or [], after or [])
    if moved and _overlap(walk, [new for _, new in pairs]):
        message = f"Page {place.page}: annotations that lie over one another were put in another order."
        walk.note(Kind.ANNOTATION_EDIT, "change-annotation-order", message, place)
    for first, second in pairs:
        _compare(walk, first, second, place)
    for item in removed:
        _removed(walk, item, place)
    for item in added:
        _added(walk, item, place)
    return NOTED


def _matched(
    walk: Walk, before: list[Value], after: list[Value]
) -> tuple[list[tuple[Value, Value]], list[Value], list[Value], bool]:
    """(pairs, added, removed, whether the order of those that stayed changed)."""
    where: dict[int, list[int]] = {}
    alike: dict[str, list[int]] = {}
    for index, item in enumerate(after):
        if isinstance(item, Ref):
            where.setdefault(item.number, []).append(index)
        alike.setdefault(_corner(walk, item, walk.pair.later), []).append(index)
    pairs: list[tuple[Value, Value]] = []
    positions: list[int] = []
    removed: list[Value] = []
    taken: set[int] = set()
    for item in before:
        places = where.get(item.number) if isinstance(item, Ref) else None
        at = next((n for n in places or () if n not in taken), None)
        if not places:
            # Written in place before and now an object, or the other way round: matched by content.
            others = (
                n
                for n in alike.get(_corner(walk, item, walk.pair.signed), ())
                if n not in taken and not (isinstance(after[n], Ref) and isinstance(item, Ref))
            )
            at = next((n for n in others if walk.query.same(item, after[n])), None)
        if at is None:  # also one of two: listed twice, it was drawn twice
            if walk.pair.before(item) is not None:
                removed.append(item)
            continue
        taken.add(at)
        positions.append(at)
        pairs.append((item, after[at]))
    added = [item for at, item in enumerate(after) if at not in taken]
    return pairs, added, removed, positions != sorted(positions)


def _corner(walk: Walk, item: Value, revision: int) -> str:
    """What annotations of the same content have in common, quickly: kind and place."""
    structure = walk.pair.structure
    annotation = structure.resolve(item, revision)
    if not isinstance(annotation, dict):
        return ""
    rectangle = structure.resolve(annotation.get("Rect"), revision)
    sides = [structure.resolve(side, revision) for side in rectangle] if isinstance(rectangle, list) else []
    numbers = [float(side) for side in sides if isinstance(side, int | float)]
    return f"{subtype_of(structure, annotation, revision)} {numbers}"


def _overlap(walk: Walk, items: list[Value]) -> bool:
    pair = walk.pair
    annotations = [value for item in items if isinstance(value := pair.after(item), dict)]
    boxes = sorted(box for value in annotations if (box := box_of(pair.structure, value, pair.later)))
    for at, a in enumerate(boxes):
        for b in boxes[at + 1 :]:
            if b[0] >= a[2]:
                break
            if a[1] < b[3] and b[1] < a[3]:
                return True
    return False


def _compare(walk: Walk, first: Value, second: Value, place: Place) -> None:
    """An annotation that was there when it was signed."""
    if walk.settled(first, second):
        return
    pair = walk.pair
    if (
        isinstance(first, Ref)
        and first == second
        and first.number in pair.form_before.numbers & pair.form_after.numbers
    ):
        walk.ledger.entry(f"{place.path}/{first.number}", "a form field, compared in the form")
        return
    a, b, place = walk.open(first, second, place, Use.FORM)
    if not isinstance(a, dict) or not isinstance(b, dict):
        if not walk.same(a, b, Use.FORM):
            walk.unknown(f"Page {place.page}: something in /Annots that is no annotation was changed.", place)
        return
    subtype = _subtype(pair, a, pair.signed)
    if subtype == "Widget":
        widgets.compare_loose_widget(walk, a, b, place)
        return
    edited = False
    for key in sorted(a.keys() | b.keys()):
        x, y = a.get(key), b.get(key)
        if walk.settled(x, y):
            continue
        where = place.at(key)
        if key in _BACK and (x == y or (x is None and key in ("P", "Parent"))):
            walk.ledger.entry(where.path, "leads to what is compared in its own place")
            continue
        if means_default(key, x, y) or (walk.same_look(x, y) if key == "AP" else walk.same(x, y, Use.FORM)):
            walk.ledger.entry(where.path, SAME)
            continue
        walk.take_in(y, Use.LOOK if key == "AP" else Use.FORM, x)
        message = f"Page {place.page}: {subtype} annotation, /{key} was changed."
        if key in ("A", "AA") or _subtype(pair, b, pair.later) != subtype:
            reason = walk.forbid("change-annotation", message, place)
        else:
            popup = subtype == "Popup" and key in ("Open", "Rect", "M", "F")
            kind = Kind.ANNOTATION if popup else Kind.ANNOTATION_EDIT
            reason = walk.note(
                kind, "change-annotation", message, place, annotation=subtype, warning=kind is Kind.ANNOTATION_EDIT
            )
            edited |= kind is Kind.ANNOTATION_EDIT
            if key in DRAWS or key not in _EDITED:
                walk.unknown(f"{message.rstrip('.')}, which can change what is drawn.", place)
        walk.ledger.entry(where.path, reason)
    if edited:
        _paint(walk, b, place, f"An annotation ({subtype}) that was changed", former=a)


def _paint(
    walk: Walk, annotation: dict[str, Value], place: Place, what: str, former: dict[str, Value] | None = None
) -> None:
    pair = walk.pair
    box = box_of(pair.structure, annotation, pair.later) if annotation else None
    if box is None and former is not None:
        box = box_of(pair.structure, former, pair.signed)
    if box is not None and place.page is not None:
        revision = pair.revision_of(place.owner)
        walk.paints.append(Paint(place.page, box, Maker.ANNOTATION, what, None, revision, annotation, former))


def _removed(walk: Walk, item: Value, place: Place) -> None:
    annotation = walk.pair.before(item)
    subtype = _subtype(walk.pair, annotation, walk.pair.signed)
    walk.ledger.entry(f"{place.path}/removed", "removed from the page")
    if subtype == "Widget":
        walk.forbid("change-annotation-removed", f"Page {place.page}: a form field was taken off the page.", place)
        return
    kind = Kind.ANNOTATION if subtype == "Popup" else Kind.ANNOTATION_EDIT
    what = "a pop-up" if subtype == "Popup" else f"an annotation ({subtype})"
    message = f"Page {place.page}: {what} was removed."
    walk.note(kind, "change-annotation-removed", message, place, annotation=subtype, warning=subtype != "Popup")
    if isinstance(annotation, dict):
        _paint(walk, {}, place, f"An annotation ({subtype}) that was removed", former=annotation)


def _added(walk: Walk, item: Value, place: Place) -> None:
    """An annotation that the page did not have: new, and for one page only (12.5.2)."""
    pair = walk.pair
    number = item.number if isinstance(item, Ref) else None
    annotation = pair.after(item)
    path = f"{place.path}/{number if number is not None else 'direct'}"
    walk.ledger.entry(path, "added")
    if annotation is None:
        return None
    place = replace(place, owner=number if number is not None else place.owner)
    subtype = _subtype(pair, annotation, pair.later)

    def refuse(what: str) -> None:
        walk.forbid("change-annotation-added", f"Page {place.page}: {what}.", place)

    if not isinstance(annotation, dict) or "Subtype" not in annotation:
        return refuse("something that is no annotation was added to /Annots")
    if number is not None and pair.existed(number) and not (subtype == "Widget" and widgets.unplaced(walk, number)):
        return refuse(f"an object that the signed document has elsewhere ({_kind(pair, number)}) was put on the page")
    if subtype == "Widget":
        return widgets.place_widget(walk, item, annotation, place)
    brought = [part for part in walk.take_in(item, Use.FORM) if isinstance(part, dict)]
    if subtype not in COMMENTS:
        refuse(f"an annotation ({subtype}) that is no comment was added")
    elif any(kind_of(part) == "annotation" and not part.keys().isdisjoint(("A", "AA")) for part in brought):
        refuse(f"an annotation ({subtype}) with an action was added")
    else:
        message = f"Page {place.page}: an annotation ({subtype}) was added."
        walk.note(Kind.ANNOTATION, "change-annotation-added", message, place, annotation=subtype)
        _paint(walk, annotation, place, f"An annotation ({subtype}) that was added")
    if is_signature(pair.after(annotation.get("V"))):
        refuse(f"an annotation ({subtype}) that carries a signature was added")
    return None


def _kind(pair: Pair, number: int) -> str:
    value, kind = pair.old(number), kind_of(pair.old(number))
    return _subtype(pair, value, pair.signed) if kind == "annotation" else kind or type(value).__name__.lower()


def _subtype(pair: Pair, annotation: Value, revision: int) -> str:
    return subtype_of(pair.structure, annotation, revision) or "unknown"
