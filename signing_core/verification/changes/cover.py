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
from signing_core.verification.changes.painted import Box
from signing_core.verification.changes.step import Kind

_UNSEEN: Final = 2 | 32
"""Hidden, NoView (12.5.3)."""
_TOLERATED: Final = 25
"""Pixels at 100 dpi: less than one character of eight points."""
_PAINT_NOTHING: Final = frozenset({"Link", "Popup"})


def judge_drawn(context: Context) -> None:
    """Look at everything that this revision drew."""
    where = _Pages(context)
    for item in context.drawn:
        number, page = where.of(item)
        if number is not None:
            context.locate(item.field, number)
        box = _shown(context, item.new)
        if box is None:
            continue
        if number is None or page is None:
            continue  # on no page: shown nowhere
        what = f"The appearance of field {item.field}"
        _judge(context, page, number, box, item, what, field=item.field)
    for number, page_ref, annotation in context.annotated:
        subtype = annotation.get("Subtype")
        box = _shown(context, annotation)
        if box is None and not (subtype == "Link" or subtype == "Popup" or "AP" in annotation):
            box = painted.rectangle(context.structure, annotation.get("Rect"), context.compare.new)
        if box is None or number is None or (subtype in _PAINT_NOTHING and "AP" not in annotation):
            continue
        page = context.structure.resolve(page_ref, context.compare.new)
        if isinstance(page, dict):
            _judge(context, page, number, box, None, f"An annotation ({subtype}) added")


def _shown(context: Context, annotation: dict[str, Value]) -> Box | None:
    """Where an annotation's appearance shows; None when there is nothing to see."""
    structure, new = context.structure, context.compare.new
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
    if not any(isinstance(stream, Stream) and _paints(context, stream) for stream in streams):
        return None
    return box


def _paints(context: Context, stream: Stream) -> bool:
    body = context.structure.decoded(stream, context.compare.new)
    return body is None or bool(body.strip(b"\0\t\n\f\r qQ"))


def _judge(
    context: Context,
    page: dict[str, Value],
    number: int,
    box: Box,
    item: FilledWidget | None,
    what: str,
    field: str | None = None,
) -> None:
    structure, compare = context.structure, context.compare
    before = page if item is None or item.page_ref is None else structure.resolve(item.page_ref, compare.old)
    if not isinstance(before, dict):
        return
    others = _others(context, before, item, box)
    key = ("boxes", item.page_ref.number if item is not None and item.page_ref is not None else id(page), compare.old)
    marks = _painted(context, before, key)
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


class _Pages:
    """The page that a widget is on, from its /P or, where that is missing, from all pages."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[int, tuple[int, Ref | None, dict[str, Value]]] | None = None

    def of(self, item: FilledWidget) -> tuple[int | None, dict[str, Value] | None]:
        context = self._context
        if item.page is not None and item.page_ref is not None:
            page = context.structure.resolve(item.page_ref, context.compare.new)
            return item.page, page if isinstance(page, dict) else None
        if self._found is None:
            self._found = {}
            new = context.compare.new
            for number, (ref, page) in enumerate(pages.walk(context.structure, new), 1):
                listed = context.structure.resolve(page.get("Annots"), new)
                for annotation in listed if isinstance(listed, list) else ():
                    resolved = context.structure.resolve(annotation, new)
                    if isinstance(resolved, dict):
                        self._found.setdefault(id(resolved), (number, ref, page))
        found = self._found.get(id(item.widget))
        if found is None:
            return None, None
        item.page_ref = found[1]
        return found[0], found[2]
