"""Whether a filled form field shows its value: what it says and what it shows must not differ."""

from __future__ import annotations

import unicodedata
from typing import Final

from signing_core.pdf.structure.values import Stream, Value, integer, text
from signing_core.verification.changes.context import Context, FilledWidget
from signing_core.verification.changes.shown_text import Unreadable, shown_text
from signing_core.verification.changes.step import Kind

_PASSWORD: Final = 1 << 13
_COMBO: Final = 1 << 17
_MAX_DEPTH: Final = 32


def judge_values(context: Context) -> None:
    """Look at every form field that this revision filled in or drew anew."""
    items = list(context.drawn)
    if context.redrawn:
        known = {item.field for item in items}
        items += [
            FilledWidget(field.name, widget.dict, {**field.attributes, **widget.dict}, widget.dict, None, False)
            for field in context.structure.form(context.compare.new).fields
            if field.name not in known and field.type in ("Tx", "Ch")
            for widget in field.widgets
        ]
    for item in items:
        if item.signature:
            continue
        kind = context.compare.after(item.new.get("FT"))
        if kind == "Btn":
            _judge_button(context, item)
        elif kind in ("Tx", "Ch"):
            _judge_text(context, item, listed=kind == "Ch")
            _judge_former_text(context, item)


def _streams(context: Context, widget: dict[str, Value], *, old: bool) -> dict[str, Value]:
    """The normal appearances, by state; the empty name where there are no states."""
    resolve = context.compare.before if old else context.compare.after
    states = resolve(widget.get("AP"))
    drawn = resolve(states.get("N")) if isinstance(states, dict) else None
    if isinstance(drawn, dict):
        return dict(drawn)
    return {"": states.get("N")} if isinstance(drawn, Stream) and isinstance(states, dict) else {}


def _judge_button(context: Context, item: FilledWidget) -> None:
    compare = context.compare
    before, after = _streams(context, item.old or {}, old=True), _streams(context, item.new, old=False)
    if any(name not in before or not compare.same(before[name], after[name]) for name in after) and before:
        context.forbid(
            "change-button-appearance", f"Button {item.field} got other looks than it had.", field=item.field
        )
    state, value = compare.after(item.new.get("AS")), compare.after(item.new.get("V"))
    if isinstance(state, str) and state != "Off" and isinstance(value, str) and state != value:
        context.forbid(
            "change-value-mismatch",
            f"Button {item.field} has the value {value!r} and shows {state!r}.",
            field=item.field,
        )


def _judge_text(context: Context, item: FilledWidget, *, listed: bool) -> None:
    compare, structure = context.compare, context.structure
    flags = integer(compare.after(item.new.get("Ff"))) or 0
    streams = [compare.after(stream) for stream in _streams(context, item.new, old=False).values()]
    if flags & _PASSWORD or not streams:
        return
    value = compare.after(item.new.get("V"))
    wanted = [text(compare.after(entry)) or "" for entry in (value if isinstance(value, list) else [value])]
    shown = ""
    try:
        for stream in streams:
            if isinstance(stream, Stream):
                shown += shown_text(structure, stream, compare.new)
    except Unreadable:
        context.note(
            Kind.UNKNOWN,
            "change-value-unread",
            f"What form field {item.field} shows cannot be compared with its value.",
            field=item.field,
        )
        return
    if listed:
        wanted = _displayed(context, item, wanted, everything=not flags & _COMBO)
    unshown = context.redrawn and not _plain(shown) and bool(_plain("".join(wanted)))
    if unshown or not _fits(_plain(shown), _plain("".join(wanted)), scripted="AA" in item.new, listed=listed):
        context.forbid(
            "change-value-mismatch", f"Form field {item.field} shows something else than its value.", field=item.field
        )


def _judge_former_text(context: Context, item: FilledWidget) -> None:
    """A field that showed another text than its value when it was signed: that text was content, and is gone now.

    Fields with a script of their own are left out: those show hints, such as the form of a date, until they are filled in.
    """
    compare, structure = context.compare, context.structure
    if item.old is None or compare.after(item.new.get("FT")) != "Tx" or _former(context, item.old, "AA") is not None:
        return
    flags = integer(compare.after(item.new.get("Ff"))) or 0
    shown = ""
    try:
        for reference in _streams(context, item.old, old=True).values():
            if isinstance(stream := compare.before(reference), Stream):
                shown += shown_text(structure, stream, compare.old)
    except Unreadable:
        return
    value = _former(context, item.old, "V")
    if isinstance(value, Stream) or flags & _PASSWORD:
        return
    if _plain(shown) not in _plain(text(value) or ""):
        message = (
            f"Form field {item.field} showed something else than its value when it was signed, and no longer does."
        )
        context.forbid("change-hides-content", message, field=item.field)


def _former(context: Context, node: dict[str, Value], key: str) -> Value:
    """What a field had, or inherited, in the old revision."""
    for _ in range(_MAX_DEPTH):
        if key in node:
            return context.compare.before(node[key])
        parent = context.compare.before(node.get("Parent"))
        if not isinstance(parent, dict):
            break
        node = parent
    return None


def _displayed(context: Context, item: FilledWidget, wanted: list[str], *, everything: bool) -> list[str]:
    """Choices show the second part of an option, and lists show all options (12.7.5.4)."""
    compare = context.compare
    options = compare.after(item.new.get("Opt"))
    result = [] if everything else list(wanted)
    for option in options if isinstance(options, list) else ():
        resolved = compare.after(option)
        pair = resolved if isinstance(resolved, list) and len(resolved) == 2 else [resolved, resolved]
        export, display = (text(compare.after(part)) or "" for part in pair)
        if everything or (export in wanted and display != export):
            result.append(display)
    return result or wanted


def _plain(shown: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", shown).casefold() if c.isalnum())


def _fits(shown: str, wanted: str, *, scripted: bool, listed: bool) -> bool:
    """Whether `shown` shows nothing but the value; long texts may be cut off."""
    if shown in wanted:
        return True
    if listed:
        return all(part in wanted for part in (shown[: len(wanted)], shown[len(wanted) :]))
    if scripted:  # formatted by a script of the signed document: the digits have to be the same
        digits = "".join(c for c in shown if c.isdigit())
        return digits != "" and digits.rstrip("0") == "".join(c for c in wanted if c.isdigit()).rstrip("0")
    return False
