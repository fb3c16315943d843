"""Whether something drawn after signing hides what the signer saw.

Signing a field, filling one in and adding a comment all draw something. The standard permits them whatever they look like;
laid over the content, an opaque appearance replaces it (shadow attacks, "evil annotation" and "sneaky signature").
"""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes import painted
from signing_core.verification.changes.context import Context, FilledWidget
from signing_core.verification.changes.mentions import Mentions, holders
from signing_core.verification.changes.painted import Box
from signing_core.verification.changes.step import Kind

_UNSEEN: Final = 2 | 32
"""Hidden, NoView (12.5.3)."""
_TOLERATED: Final = 25
"""Pixels at 100 dpi: less than one character of eight points."""
_PAINT_NOTHING: Final = frozenset({"Link", "Popup"})


def judge_drawn(context: Context, mentions: Mentions) -> None:
    """Look at everything that this revision drew, and at what it took away."""
    for item in context.drawn:
        where = _pages(context, mentions, item)
        if where:
            context.locate(item.field, where[0][0])
        _judge_uncovered(context, item, where)
        box = _shown(context, item.new)
        if box is None:
            continue
        if where:
            context.show(item.field)
        for number, ref, page in where:
            what = f"The appearance of field {item.field}"
            _judge(context, page, ref, number, box, item, what, field=item.field)
    for number, annotation in context.unmade:
        if not any(change.kind is Kind.FORBIDDEN for change in context.changes):  # else drawing pages tells nothing new
            _judge_lost(context, number, annotation)
    for place, page_ref, annotation in context.annotated:
        subtype = annotation.get("Subtype")
        box = _shown(context, annotation)
        if box is None and not (subtype == "Link" or subtype == "Popup" or "AP" in annotation):
            box = painted.rectangle(context.structure, annotation.get("Rect"), context.compare.new)
        if box is None or place is None or (subtype in _PAINT_NOTHING and "AP" not in annotation):
            continue
        page = context.structure.resolve(page_ref, context.compare.new)
        if isinstance(page, dict):
            _judge(context, page, page_ref, place, box, None, f"An annotation ({subtype}) added")


def _judge_uncovered(
    context: Context, item: FilledWidget, where: list[tuple[int, Ref | None, dict[str, Value]]]
) -> None:
    """A field that was drawn over the content when it was signed must not give way to it (shadow attack, hide)."""
    structure, compare = context.structure, context.compare
    box = _shown(context, item.old, old=True) if item.old is not None else None
    for number, ref, page in where if box is not None else ():
        marks = _painted(context, page, ("boxes", ref.number if ref is not None else -number, compare.old))
        if box is None or (marks is not None and not any(painted.meet(box, mark) for mark in marks)):
            continue
        bare = _shown(context, item.new) is None
        revealed = structure.revealed_ink(compare.old, compare.new, number, box, bare=bare)
        structure.budget.check()
        what = f"The appearance that field {item.field} had"
        if revealed is None:
            message = f"{what} lay over content of page {number}, which cannot be rendered."
            context.note(Kind.UNKNOWN, "change-looks-unknown", message, field=item.field, page=number)
        elif revealed > _TOLERATED:
            message = f"{what} covered content of page {number} that shows now."
            context.forbid("change-reveals-content", message, field=item.field, page=number)


def _judge_lost(context: Context, number: int, annotation: dict[str, Value]) -> None:
    """An annotation that was there when it was signed is part of what the signer saw, and so is what it covered."""
    structure, compare = context.structure, context.compare
    box = _shown(context, annotation, old=True)
    if box is None:
        return
    lost = structure.hidden_ink(compare.old, compare.new, number, box, content_only=False)
    revealed = structure.revealed_ink(compare.old, compare.new, number, box, bare=False)
    structure.budget.check()
    what = f"An annotation ({annotation.get('Subtype')}) of page {number}"
    if lost is None or revealed is None:
        context.note(
            Kind.UNKNOWN, "change-looks-unknown", f"{what} was changed, which cannot be rendered.", page=number
        )
    elif lost > _TOLERATED or revealed > _TOLERATED:
        context.forbid("change-hides-content", f"{what} no longer shows what it showed.", page=number)


def _shown(context: Context, annotation: dict[str, Value], *, old: bool = False) -> Box | None:
    """Where an annotation's appearance shows; None when there is nothing to see."""
    structure, new = context.structure, context.compare.old if old else context.compare.new
    flags = structure.resolve(annotation.get("F"), new)
    if isinstance(flags, int) and flags & _UNSEEN:
        return None
    box = painted.rectangle(structure, annotation.get("Rect"), new)
    if box is None or box[2] - box[0] < 0.5 or box[3] - box[1] < 0.5:
        return None
    states = structure.resolve(annotation.get("AP"), new)
    drawn = structure.resolve(states.get("N"), new) if isinstance(states, dict) else None
    given = drawn.values() if isinstance(drawn, dict) else (drawn,)
    streams = [structure.resolve(item, new) for item in given]
    if not any(isinstance(stream, Stream) and _paints(context, stream, new) for stream in streams):
        return None
    return box


def _paints(context: Context, stream: Stream, revision: int) -> bool:
    body = context.structure.decoded(stream, revision)
    return body is None or bool(body.strip(b"\0\t\n\f\r qQ"))


def _judge(
    context: Context,
    page: dict[str, Value],
    ref: Ref | None,
    number: int,
    box: Box,
    item: FilledWidget | None,
    what: str,
    field: str | None = None,
) -> None:
    structure, compare = context.structure, context.compare
    others = _others(context, page, item, box)
    key = ("boxes", ref.number if ref is not None else -number, compare.old)
    marks = _painted(context, page, key)
    if marks is not None and not others and not any(painted.meet(box, mark) for mark in marks):
        return
    # What the field itself looked like before does not count; what other fields and annotations show does.
    content_only = item is not None and item.old is not None and not others
    hidden = structure.hidden_ink(compare.old, compare.new, number, box, content_only=content_only)
    structure.budget.check()
    if hidden is None:
        context.note(
            Kind.UNKNOWN,
            "change-looks-unknown",
            f"{what} lies over other content of page {number}, which cannot be rendered.",
            field=field,
            page=number,
        )
    elif hidden > _TOLERATED:
        context.forbid("change-hides-content", f"{what} hides content of page {number}.", field=field, page=number)


def _painted(context: Context, page: dict[str, Value], key: tuple[str, int, int]) -> list[Box] | None:
    cache = context.structure.analysed
    if key not in cache:
        cache[key] = painted.boxes(context.structure, page, context.compare.old)
    found: list[Box] | None = cache[key]
    return found


def _others(context: Context, page: dict[str, Value], item: FilledWidget | None, box: Box) -> bool:
    """Whether other annotations of the old page show something inside `box`."""
    structure, old = context.structure, context.compare.old
    listed = structure.resolve(page.get("Annots"), old)
    for ref in listed if isinstance(listed, list) else ():
        annotation = structure.resolve(ref, old)
        if not isinstance(annotation, dict) or (item is not None and annotation is item.old):
            continue
        if item is not None and isinstance(ref, Ref) and context.widgets.get(ref.number) == item.field:
            continue
        place = painted.rectangle(structure, annotation.get("Rect"), old)
        if (
            place is not None
            and painted.meet(place, box)
            and annotation.get("Subtype") not in _PAINT_NOTHING
            and "AP" in annotation
        ):
            return True
    return False


def _pages(context: Context, mentions: Mentions, item: FilledWidget) -> list[tuple[int, Ref | None, dict[str, Value]]]:
    """(number, reference, page of the old revision) of every page that lists the widget, whatever its /P says."""
    structure, old = context.structure, context.compare.old
    if item.number is None:
        return _listing(context, item.widget)
    refs = set(context.placed.get(item.number, ()))
    for holder in holders(structure, mentions, item.number, old):
        for number in (holder, *_around(context, mentions, holder)):
            refs.add(Ref(number, structure.entry(number, old).generation))
    found: list[tuple[int, Ref | None, dict[str, Value]]] = []
    for ref in refs:
        place = context.page_number(ref)
        page = structure.resolve(ref, old)
        if place is not None and isinstance(page, dict):
            found.append((place, ref, page))
    return sorted(found, key=lambda page: page[0])


def _around(context: Context, mentions: Mentions, holder: int) -> set[int]:
    """Who holds an array of annotations that is an object of its own."""
    structure, old = context.structure, context.compare.old
    value = structure.load(Ref(holder, structure.entry(holder, old).generation), old)
    return holders(structure, mentions, holder, old) if isinstance(value, list) else set()


def _listing(context: Context, widget: dict[str, Value]) -> list[tuple[int, Ref | None, dict[str, Value]]]:
    """Pages that have a widget written into their /Annots."""
    structure, new = context.structure, context.compare.new
    found: list[tuple[int, Ref | None, dict[str, Value]]] = []
    for number, (ref, page) in enumerate(pages.walk(structure, new), 1):
        listed = structure.resolve(page.get("Annots"), new)
        if isinstance(listed, list) and any(structure.resolve(item, new) is widget for item in listed):
            found.append((number, ref, page))
    return found
