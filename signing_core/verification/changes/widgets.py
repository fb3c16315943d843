"""Widgets, the places where form fields show (12.5.6.19): on which page they are, and what their looks lie over."""

from __future__ import annotations

from dataclasses import replace

from signing_core.pdf.structure.kinds import is_signature
from signing_core.pdf.structure.model import Coverage
from signing_core.pdf.structure.values import Ref, Value, text
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.fields import FieldPair, inherit
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.new_fields import add_field
from signing_core.verification.changes.walk import DrawnWidget, Place, Walk
from signing_core.verification.drawn import Maker, Paint, box_of


def unplaced(walk: Walk, number: int) -> bool:
    """Whether an object of the signed state is a widget of its form that no page had."""
    return number in walk.pair.form_before.numbers and not walk.pair.pages_with(number)


def place_widget(walk: Walk, item: Value, annotation: dict[str, Value], place: Place) -> None:
    """A widget that a page did not have: of a field of the form, or a signature that its program left out of the form."""
    number = item.number if isinstance(item, Ref) else None
    if number is not None:
        walk.placed.setdefault(number, []).append(place.page or 0)
        if len(walk.placed[number]) > 1:
            walk.forbid(
                "change-annotation-added", f"Page {place.page}: a form field that another page shows was added.", place
            )
    if number is not None and number in walk.pair.form_after.numbers:
        if walk.pair.existed(number):  # of a field that no page showed: it need not have changed itself to show now
            message = f"Page {place.page}: a form field that no page showed was put on the page."
            walk.note(Kind.FORM, "change-annotation-added", message, place, annotation="Widget")
            walk.appearing[number] = DrawnWidget("", number, None, annotation, ({}, {}), place)
        return  # its field is compared in the form; `paints` asks whether it was
    handed = inherit({}, annotation)
    if walk.pair.after(handed.get("FT")) == "Sig" and is_signature(walk.pair.after(handed.get("V"))):
        add_field(walk, item, "", {}, place)
        return
    name = text(annotation.get("T")) or "?"
    walk.take_in(item, Use.FORM)
    walk.forbid(
        "change-annotation-added", f"Page {place.page}: a form field ({name}) outside of the form was added.", place
    )


def compare_loose_widget(walk: Walk, a: dict[str, Value], b: dict[str, Value], place: Place) -> None:
    """A widget on a page that is in the form of one state only, or of none."""
    name = text(walk.pair.before(a.get("T"))) or "?"
    FieldPair(walk, name, (a, b), ({}, {}), place).compare()


def paints(walk: Walk) -> None:
    """What all new and changed looks of widgets lie over: handed to the walk's list of paint."""
    pair = walk.pair
    judged = {widget.number for widget in walk.widgets}
    walk.widgets += [widget for number, widget in walk.appearing.items() if number not in judged]
    for number, pages in walk.placed.items():
        if number not in judged and number not in walk.appearing:
            message = f"Page {pages[0]}: a form field was added that its form does not show there."
            walk.unknown(message, Place("", number, pages[0]), code="change-annotation-added")
    pages_of: dict[str, int] = {}
    for widget in walk.widgets:
        page_numbers = walk.placed.get(widget.number, []) if widget.number is not None else []
        if widget.number is not None:
            page_numbers = sorted({*page_numbers, *pair.pages_with(widget.number)})
        elif widget.place.page is not None:
            page_numbers = [widget.place.page]
        box = box_of(pair.structure, widget.widget, pair.later)
        former = box_of(pair.structure, widget.former, pair.signed) if widget.former is not None else None
        field = widget.name
        if box is not None and page_numbers and widget.former is None and not widget.signed:
            message = f"Form field {field} is new and shows something, and nobody signed in it."
            walk.forbid("change-field-paints", message, replace(widget.place, page=page_numbers[0]), field=field)
        maker = Maker.FIELD
        if pair.after(widget.after.get("FT")) == "Sig":
            maker = Maker.SIGNATURE if widget.signed and covered(walk, widget) else Maker.ANNOTATION
        for page in page_numbers if box is not None or former is not None else ():
            walk.paints.append(
                Paint(
                    page, box or former or (0, 0, 0, 0), maker, f"The appearance of field {field}", field,
                    pair.revision_of(widget.number), widget.widget, widget.former,
                )
            )  # fmt: skip
        if page_numbers:
            pages_of.setdefault(field, page_numbers[0])
    walk.changes[:] = [
        replace(change, page=pages_of[change.field]) if change.page is None and change.field in pages_of else change
        for change in walk.changes
    ]


def covered(walk: Walk, widget: DrawnWidget) -> bool:
    """Whether the signature in a field covers the look of its widget."""
    value = widget.after.get("V")
    made = walk.pair.revision_of(widget.number) or 0
    for record in walk.pair.structure.signatures:
        same = record.object_number == value.number if isinstance(value, Ref) else widget.name in record.fields
        if same and record.coverage in (Coverage.WHOLE_FILE, Coverage.WHOLE_REVISION):
            return (record.covered_revision or 0) >= made
    return False
