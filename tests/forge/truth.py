"""What differs between a signed state and the final one that must not, whatever anybody's rules say.

Asked of a case that was called intact. Permitted to differ are: the box of a field that was signed later, rightly; the box of a field
that was filled in later, when what it draws is its value; the box of a comment, when nothing forbids comments; and no signed ink may be
hidden below the last two. Metadata may differ unless the signed state was locked (/P 1).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from facts import Facts, gathered
from places import letters
from scene import Checkpoint, Filled, Scene, Signed, box_of
from sight import SCALE, Page, bare, differing, grey, look, remembered, remembered_second, second, text_in
from signing import Box
from state import State
from values import Name, Ref, entries_of

COMMENTS: Final = frozenset((
    "Text", "FreeText", "Stamp", "Square", "Circle", "Line", "Polygon", "PolyLine", "Highlight", "Underline", "StrikeOut", "Squiggly",
    "Ink", "Caret", "FileAttachment", "Popup", "Link",
))  # fmt: skip
_DARK, _LIGHT = 140, 190
_PALE: Final = 60


@dataclass(frozen=True)
class Permitted:
    page: int
    box: Box
    covers: bool
    """Whether it may hide what is below: a field that was already there for it."""
    own: bool = False
    """Whether what was drawn there was its own: only what the page itself has below counts."""


@dataclass(frozen=True)
class Difference:
    code: str
    """A few words that name the sort."""
    detail: str = ""


def differences(scene: Scene, final: State, listed: int, *, poppler: bool) -> list[Difference]:
    """`listed`: how many signatures the verdict names."""
    after = look(final.data)
    if after is None:
        return [Difference("unreadable", "PDFium cannot open it")]
    facts = gathered(final)
    found: list[Difference] = []
    reachable = len(facts.signatures)
    if reachable > listed:
        found.append(Difference("unlisted signature", f"{reachable} can be reached, {listed} are listed"))
    for number, checkpoint in enumerate(scene.checkpoints):
        later = scene.events[checkpoint.events :]
        if number and checkpoint.state.data == final.data:
            continue
        found += _since(checkpoint, gathered(checkpoint.state), final, facts, after, later, poppler and not found)
    return list({(d.code, d.detail): d for d in found}.values())


def _since(
    checkpoint: Checkpoint, old: Facts, final: State, new: Facts, after: Any, events: list[Any], poppler: bool
) -> Iterator[Difference]:
    before = remembered(checkpoint.state.data)
    if before is None:
        yield Difference("unreadable", "PDFium cannot open the signed state")
        return
    if len(before.pages) != len(after.pages):
        yield Difference("pages", f"{len(before.pages)} and now {len(after.pages)}")
        return
    yield from _said(checkpoint, old, new, events, checkpoint.permission == 1)
    if checkpoint.permission == 1 and before.meta != after.meta:
        yield Difference("information after lock", f"{before.meta} {after.meta}")
    permitted = [*_permitted(checkpoint, old, final, new, events), *_arrows(checkpoint.state, old, final, after)]
    for index, (a, b) in enumerate(zip(before.pages, after.pages, strict=True)):
        if a.text != b.text:
            yield Difference("page text", f"page {index + 1}")
        inside = [p for p in permitted if p.page == index]
        anew = _drawn_anew(checkpoint, old, index)
        yield from _pictured(a.picture, b.picture, (inside, anew), a, f"page {index + 1}", checkpoint.state, index)
        printed = differing(a.printed, b.printed)
        if (
            printed is None
            or (printed & ~_mask(printed.shape, inside, a) & ~_pale(a.printed, b.printed, anew, a)).any()
        ):
            yield Difference("print outside", f"page {index + 1}")
    yield from _values_shown(checkpoint.state, old, final, new, events)
    if poppler:
        yield from _second_opinion(checkpoint, old, final, permitted, before)


# -- what is said ---------------------------------------------------------------------------------------------------------


def _said(checkpoint: Checkpoint, old: Facts, new: Facts, events: list[Any], locked: bool) -> Iterator[Difference]:
    signed = {event.field for event in events if isinstance(event, Signed)}
    lost = [line for line in old.accessible if line not in new.accessible]
    fresh = [line for line in new.accessible if line not in old.accessible]
    if lost or fresh:
        yield Difference("accessible text", f"{lost[:1]} {fresh[:1]}")
    elif [line for line in new.accessible if line in old.accessible] != list(old.accessible):
        yield Difference("reading order")
    for what in ("outline", "attachments", "presentation"):
        if getattr(old, what) != getattr(new, what):
            yield Difference(what, f"{getattr(old, what)[:80]} -> {getattr(new, what)[:80]}")
    gone = {
        action for action in old.actions if action not in new.actions and not _with_comment(checkpoint, action, new)
    }
    if gone or set(new.actions) - set(old.actions):
        yield Difference("actions", str([a for a in new.actions if a not in old.actions][:2]))
    if locked and old.information != new.information:
        yield Difference("information after lock", new.information[:100])
    if locked and old.metadata.split() != new.metadata.split():
        yield Difference("metadata after lock")
    if more_names := set(new.shared_names) - set(old.shared_names):
        yield Difference("name of two fields", str(sorted(more_names)))
    yield from _values(checkpoint, old, new, signed)
    for value, fields in new.signatures.items():
        if value in old.signatures and set(fields) - set(old.signatures[value]):
            yield Difference("borrowed signature", f"value {value} of {fields}, signed as {old.signatures[value]}")
    stamps = {event.value for event in events if isinstance(event, Signed) and event.stamp}
    if locked and (more := set(new.signatures) - set(old.signatures) - stamps):
        yield Difference("signature after lock", str(more))
    if locked and len(new.widgets) - len(old.widgets) > len(stamps):
        yield Difference("annotation after lock")


def _with_comment(checkpoint: Checkpoint, action: str, new: Facts) -> bool:
    """Whether an action hung on an annotation that may go, and did (/P 3)."""
    number = action.split(" ", 1)[0]
    return checkpoint.permission == 3 and number.isdigit() and int(number) not in {w.number for w in new.widgets}


def _values(checkpoint: Checkpoint, old: Facts, new: Facts, signed: set[int]) -> Iterator[Difference]:
    for name, field in old.fields.items():
        now = new.fields.get(name)
        if now is None:
            yield Difference("field lost", name)
            continue
        if field.tool_tip != now.tool_tip:
            yield Difference("tool tip", name)
        if field.sort != now.sort:
            yield Difference("field type", f"{name} {field.sort} {now.sort}")
        if field.value == now.value or now.number in signed or field.sort == "Sig":
            continue
        if checkpoint.permission == 1 or checkpoint.locked:
            yield Difference("value after lock", f"{name}: {field.value!r} {now.value!r}")
        elif checkpoint.permission is None and field.value not in (None, b"", Name("Off")):
            yield Difference("value overwritten", f"{name}: {field.value!r} {now.value!r}")


# -- what is seen ---------------------------------------------------------------------------------------------------------


def _permitted(checkpoint: Checkpoint, old: Facts, final: State, new: Facts, events: list[Any]) -> Iterator[Permitted]:
    signed = {event.field: event for event in events if isinstance(event, Signed)}
    known = {widget.number for widget in old.widgets}
    boxes = {(widget.number, widget.page): widget.box for widget in old.widgets}
    asked = [state.get(state.catalog("AcroForm", "NeedAppearances")) is True for state in (checkpoint.state, final)]
    redrawn = asked == [False, True]  # viewers draw all fields by themselves, from values that are looked at elsewhere
    for widget in new.widgets:
        if widget.box is None:
            continue
        event = signed.get(widget.number)
        if (
            event is not None
            and (not event.new_field or checkpoint.permission != 1)
            and not (event.stamp and checkpoint.permission == 1)
        ):
            yield Permitted(widget.page, widget.box, widget.number in known)
        if checkpoint.permission == 1:
            continue
        here = boxes.get((widget.number, widget.page))
        if widget.subtype == "Widget" and here == widget.box and redrawn and not checkpoint.locked:
            yield Permitted(widget.page, widget.box, True)
        if (
            widget.subtype == "Widget"
            and here == widget.box
            and not checkpoint.locked
            and _filled(old, final, new, widget.number)
        ):
            yield Permitted(widget.page, widget.box, True)
        if (
            widget.subtype in COMMENTS
            and checkpoint.permission in (None, 3)
            and (widget.number not in known or checkpoint.permission == 3)
        ):
            yield Permitted(widget.page, widget.box, False, widget.number in known)
    if checkpoint.permission == 3:  # an edited or deleted comment leaves the place that it had
        for widget in old.widgets:
            if widget.subtype in COMMENTS and widget.box is not None:
                yield Permitted(widget.page, widget.box, False, True)


def _arrows(before: State, old: Facts, final: State, after: Any) -> Iterator[Permitted]:
    """The arrow that PDFium alone draws at the right of a choice field without an appearance, where nothing is in its place."""
    choices = {field.number for field in old.fields.values() if field.sort == "Ch"}
    for widget in old.widgets:
        if widget.number in choices and widget.box and "AP" not in (entries_of(before.get(Ref(widget.number))) or {}):
            _, bottom, right, top = widget.box
            arrow, page = Permitted(widget.page, (right - 14, bottom, right, top), True), after.pages[widget.page]
            mask = _mask(page.picture.shape, [arrow], page)
            if not (differing(bare(final.data, widget.page), page.picture) & mask).any():
                yield arrow


def _filled(old: Facts, final: State, new: Facts, number: int) -> bool:
    """Whether the value of the widget's field is another than it was."""
    numbers = {number}
    parent = (entries_of(final.get(Ref(number))) or {}).get("Parent")
    if isinstance(parent, Ref):
        numbers.add(parent.number)
    before = {field.number: field.value for field in old.fields.values()}
    return any(
        f.number in numbers and f.sort != "Sig" and f.number in before and before[f.number] != f.value
        for f in new.fields.values()
    )


def _pictured(
    before: Any,
    after: Any,
    boxes: tuple[list[Permitted], list[Permitted]],
    page: Page,
    where: str,
    state: State,
    index: int,
) -> Iterator[Difference]:
    """`boxes`: those that may differ, and those that may differ a little."""
    permitted, anew = boxes
    changed = differing(before, after)
    if changed is None:
        yield Difference("page size", where)
        return
    if not changed.any():
        return
    outside = changed & ~_mask(changed.shape, permitted, page) & ~_pale(before, after, anew, page)
    if outside.any():
        rows, columns = np.nonzero(outside)
        scale = changed.shape[0] / page.height
        left, top = page.corner[0], page.corner[1] + page.height
        box = (
            left + columns.min() / scale,
            top - rows.max() / scale,
            left + columns.max() / scale,
            top - rows.min() / scale,
        )
        shown = letters(state.data)
        covered = "".join(
            letter.text for letter in (shown[index] if index < len(shown) else ()) if _meets(letter.box, box)
        )[:30]
        yield Difference("picture outside", f"{where}, {[round(float(n)) for n in box]} over {covered!r}")
        return
    for one in permitted:
        inside = _mask(changed.shape, [one], page)
        below = bare(state.data, index) if one.own else before
        if one.covers or _of_leader(state, index, one.box):
            continue
        if one.own and _hidden(below, before, inside):
            continue  # it hid the page when that was signed
        if hidden := _hidden(below, after, inside & changed if one.own else inside):
            yield Difference("ink hidden", f"{where}, {[round(n) for n in one.box]}: {hidden}")


def _drawn_anew(checkpoint: Checkpoint, facts: Facts, index: int) -> list[Permitted]:
    """The boxes of fields that may be drawn anew: with a pale ground, or with other edges where it is the same again."""
    if checkpoint.locked:
        return []
    return [
        Permitted(w.page, w.box, True) for w in facts.widgets if w.page == index and w.box and w.subtype == "Widget"
    ]


def _pale(before: Any, after: Any, boxes: list[Permitted], page: Page) -> Any:
    """Where pictures differ so little inside the boxes that nothing is read otherwise."""
    return _mask(before.shape[:2], boxes, page) & (abs(grey(before) - grey(after)) < _PALE)


def _of_leader(state: State, index: int, box: Box) -> bool:
    """Whether all letters in a box are dots of a dotted line, which is no content."""
    shown = letters(state.data)
    page = shown[index] if index < len(shown) else ()
    met = [letter for letter in page if _meets(letter.box, box) and letter.text.strip()]
    row = [letter for letter in page if met and letter.text == "." and abs(letter.box[1] - met[0].box[1]) < 1]
    return bool(met) and all(letter.text == "." for letter in met) and len(row) >= 10


def _hidden(before: Any, after: Any, inside: Any) -> str:
    """What of the ink in a box cannot be read any more: paled, or no longer apart from what is around it."""
    was, now = grey(before), grey(after)
    ink = (was < _DARK) & inside
    if ink.any() and (paled := int((now[ink] > _LIGHT).sum())):
        return f"{paled} of {int(ink.sum())} pixels of ink paled"
    near = np.zeros_like(ink)
    every = was < _DARK
    near[1:-1, 1:-1] = every[:-2, 1:-1] | every[2:, 1:-1] | every[1:-1, :-2] | every[1:-1, 2:]
    around = near & (was > _LIGHT)
    around &= inside
    drowned = int((around & (now < _DARK)).sum())
    return (
        f"{drowned} of {int(around.sum())} pixels around ink darkened" if drowned > max(4, 0.4 * around.sum()) else ""
    )


def _mask(shape: tuple[int, ...], permitted: list[Permitted], page: Page) -> Any:
    """True inside of the boxes and a pixel around them."""
    mask = np.zeros(shape, bool)
    for one in permitted:
        x0, y0, x1, y1 = one.box
        if x1 - x0 > 0 and y1 - y0 > 0:
            top, bottom, left, right = (max(0, n) for n in page.pixels(one.box, shape))
            mask[top:bottom, left:right] = True
    return mask


def _meets(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


# -- values against looks -------------------------------------------------------------------------------------------------


def _values_shown(before: State, old: Facts, final: State, new: Facts, events: list[Any]) -> Iterator[Difference]:
    last = {event.field: event for event in events if isinstance(event, Filled)}
    by_number = {field.number: field for field in old.fields.values()}
    for name, field in new.fields.items():
        if field.sort != "Tx" or field.number not in by_number or not isinstance(field.value, bytes):
            continue
        was = by_number[field.number].value
        event = last.get(field.number)
        if was == field.value and event is None:
            continue
        for widget in new.widgets:
            if widget.number == field.number and widget.box is not None:
                below = text_in(before.data, widget.page, widget.box) if was in (None, b"") else ""
                yield from _value_shown(final, name, field.value, widget, event, below)


def _value_shown(
    final: State, name: str, value: bytes, widget: Any, event: Filled | None, below: str
) -> Iterator[Difference]:
    """`below`: what the page itself has there, which may be read along, once or twice where letters meet."""
    text = value[2:].decode("utf-16-be", "replace") if value[:2] == b"\xfe\xff" else value.decode("latin-1")
    if event is not None and event.reference is None and event.value == text:
        return  # an honest look that PDFium may not read back; its pixels were looked at where it was made
    shown = text_in(final.data, widget.page, widget.box)
    if _letters(text) != _letters(shown) and not _beside(text, shown, below):
        yield Difference("value and look", f"{name}: value {text!r}, shown {shown!r}")
    elif (
        event is not None and event.reference and event.value == text and shown.split() == text.split()
    ):  # spaces are none
        honest = remembered(event.reference)
        drawn = look(final.data)
        if honest is None or drawn is None or widget.page >= len(honest.pages):
            return
        a, b = honest.pages[widget.page], drawn.pages[widget.page]
        changed = differing(a.picture, b.picture)
        mask = _mask(changed.shape, [Permitted(widget.page, widget.box, True)], a) if changed is not None else None
        if changed is None or (changed & mask).any():
            yield Difference("value and picture", f"{name}: value {text!r} drawn as {shown!r}")


def _beside(text: str, shown: str, below: str) -> bool:
    """Whether the text was drawn among words of the page, all of which are still there."""
    seen, own, under = (Counter(_letters(part)) for part in (shown, text, below))
    return bool(under) and under <= seen <= under + own and own <= seen


def _letters(text: str) -> list[str]:
    """Without spaces, each as it is looked up; sorted, because of bidirectional text."""
    return sorted(re.sub(r"[\s\ufffe\x00-\x1f]", "", unicodedata.normalize("NFKC", text)))


# -- poppler --------------------------------------------------------------------------------------------------------------


def _second_opinion(
    checkpoint: Checkpoint, facts: Facts, final: State, permitted: list[Permitted], first: Any
) -> Iterator[Difference]:
    old, new = remembered_second(checkpoint.state.data), second(final.data)
    if old is None or new is None:
        if (old is None) != (new is None):
            yield Difference("poppler cannot read it")
        return
    if len(old.pictures) != len(new.pictures):
        yield Difference("poppler pages")
        return
    for index, (a, b) in enumerate(zip(old.pictures, new.pictures, strict=True)):
        changed = differing(a, b)
        inside = [p for p in permitted if p.page == index]
        page = first.pages[index]
        if changed is not None:
            changed &= ~_pale(a, b, _drawn_anew(checkpoint, facts, index), page)
        if changed is None or (changed & ~_mask(changed.shape, inside, page)).any():
            yield Difference("poppler picture outside", f"page {index + 1}")
        else:
            for one in inside:
                if not one.covers and not one.own and _hidden(a, b, _mask(changed.shape, [one], page)):
                    yield Difference("poppler ink hidden", f"page {index + 1}")


__all__ = ["SCALE", "Difference", "box_of", "differences"]
