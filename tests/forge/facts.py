"""What a file says besides what it draws: accessible text, values, signatures, bookmarks, actions, attachments, information.

Read from the objects as they were written, by walkers that know nothing of ours (ISO 32000-2:2020, 12.3, 12.5, 12.6, 12.7, 14.7).
"""

from __future__ import annotations

import collections
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from scene import box_of, kind
from signing import Box
from state import State
from values import Name, Ref, Stream, Value, entries_of, written


@dataclass(frozen=True)
class Widget:
    number: int
    page: int
    """Index."""
    box: Box | None
    """Where it may draw: its rectangle, with its border where viewers draw it by themselves, all around where it does not turn
    with the page (12.5.3)."""
    subtype: str


@dataclass(frozen=True)
class Field:
    number: int
    sort: str
    value: Value
    tool_tip: Value
    flags: Value


@dataclass(frozen=True)
class Facts:
    accessible: tuple[str, ...]
    fields: dict[str, Field]
    shared_names: tuple[str, ...]
    """Names that more than one field has (12.7.4.2 allows none)."""
    signatures: dict[int, tuple[int, ...]]
    """Signature dictionary -> fields and widgets that have it as value."""
    widgets: tuple[Widget, ...]
    outline: str
    actions: tuple[str, ...]
    attachments: str
    information: str
    metadata: bytes
    presentation: str


def gathered(state: State) -> Facts:
    widgets = tuple(_widgets(state))
    catalog = entries_of(state.catalog()) or {}
    named = list(_fields(state))
    fields = dict(reversed(named))  # of several the first, which viewers go by
    shared = tuple(
        sorted(
            name
            for name, count in collections.Counter(
                name for name, _ in {(name, field.number) for name, field in named}
            ).items()
            if count > 1
        )
    )
    return Facts(
        tuple(_spoken(state)), fields, shared, _signatures(state, widgets), widgets, _plain(state, state.catalog("Outlines"), 6),
        tuple(sorted(_actions(state))), _plain(state, state.catalog("Names", "EmbeddedFiles"), 6) + _plain(state, state.catalog("AF"), 4),
        _information(state), _metadata(state),
        " ".join(f"{key}: {_plain(state, catalog.get(key), 4)}" for key in ("PageLabels", "OCProperties", "Lang", "Collection", "Legal", "Threads", "Dests")),
    )  # fmt: skip


def _plain(state: State, value: Value, depth: int, seen: frozenset[int] = frozenset()) -> str:
    """Notation with references followed, as deep as asked; parents and pages are left as they are."""
    if isinstance(value, Ref):
        if value.number in seen:
            return written(value).decode()
        seen = seen | {value.number}
        if kind(state.get(value)) in ("page", "pages", "struct", "catalog"):
            return written(value).decode()
        value = state.get(value)
    if depth < 0 or value is None:
        return ""
    if isinstance(value, list):
        return "[" + " ".join(_plain(state, item, depth - 1, seen) for item in value) + "]"
    entries = entries_of(value)
    if entries is not None:
        inside = " ".join(
            f"/{key} {_plain(state, entries[key], depth - 1, seen)}"
            for key in sorted(entries)
            if key not in ("Parent", "P", "Prev") and state.get(entries[key]) is not None  # null is no entry (7.3.7)
        )
        return f"<<{inside}>>" + (value.data.hex()[:200] if isinstance(value, Stream) else "")
    return written(value).decode("latin-1")


def _information(state: State) -> str:
    """Without the date of the last change, which every program writes. An entry that is null is none (7.3.7)."""
    info = entries_of(state.get(state.trailer.get("Info"))) or {}
    said = {key: _plain(state, info[key], 2) for key in sorted(info) if key != "ModDate"}
    return " ".join(f"{key}: {value}" for key, value in said.items() if value)


def _metadata(state: State) -> bytes:
    stream = state.catalog("Metadata")
    return stream.content() if isinstance(stream, Stream) else b""


# -- structure ------------------------------------------------------------------------------------------------------------


def _spoken(state: State) -> Iterator[str]:
    root = entries_of(state.catalog("StructTreeRoot"))
    if root is None:
        return
    roles = entries_of(state.get(root.get("RoleMap"))) or {}
    yield from (f"role {key} is {role}" for key, role in sorted(roles.items()) if isinstance(role, Name))
    for key, value in _numbered(state, root.get("ParentTree"), 0):
        yield f"parents {key} {_plain(state, value, 2)}"
    yield from _element(state, root, set(), 0)


def _numbered(state: State, node: Value, depth: int) -> Iterator[tuple[Value, Value]]:
    """Pairs of a number tree (7.9.7); only those whose value is an array, which is about the content of a page."""
    entries = entries_of(state.get(node)) or {}
    pairs = state.get(entries.get("Nums"))
    if isinstance(pairs, list):
        yield from ((k, v) for k, v in zip(pairs[::2], pairs[1::2], strict=False) if isinstance(state.get(v), list))
    kids = state.get(entries.get("Kids"))
    for kid in kids if isinstance(kids, list) and depth < 10 else ():
        yield from _numbered(state, kid, depth + 1)


def _element(state: State, element: dict[str, Value], seen: set[int], depth: int) -> Iterator[str]:
    if depth > 30:
        return
    words = {
        key: value
        for key in ("ActualText", "Alt", "E", "T", "Lang")
        if isinstance(value := state.get(element.get(key)), bytes)
    }
    said = " ".join(f"{key}={_plain(state, value, 1)}" for key, value in words.items())
    if "S" in element:
        said = f"{_plain(state, element['S'], 1)} {said} {_plain(state, element.get('Pg'), 1)}"
    elif not words.keys() & {"ActualText", "Alt", "E"}:
        said = ""  # what is no structure element says nothing
    kids = state.get(element.get("K"))
    listed = kids if isinstance(kids, list) else [element.get("K")] if kids is not None else []
    contents, objects, below = [], [], []
    for kid in listed:
        value = state.get(kid)
        entries = entries_of(value)
        if entries is None:
            contents.append(_plain(state, value, 1))
        elif "Obj" in entries:
            objects.append(entries["Obj"])
        elif "MCID" in entries:
            contents.append(_plain(state, value, 2))
        elif not isinstance(kid, Ref) or kid.number not in seen:
            if isinstance(kid, Ref):
                seen.add(kid.number)
            below.append(entries)
    if depth and (contents or (said and not objects) or words.keys() & {"ActualText", "E"}):
        yield f"{depth} {said} {contents}"
    for entries in below:
        yield from _element(state, entries, seen, depth + 1)


# -- fields, annotations --------------------------------------------------------------------------------------------------


def _widgets(state: State) -> Iterator[Widget]:
    for index, page in enumerate(state.pages()):
        for item in state.annotations(page):
            entries = entries_of(state.get(item)) or {}
            number = item.number if isinstance(item, Ref) else -1
            subtype = entries.get("Subtype")
            yield Widget(number, index, _reach(state, page, entries), str(subtype) if isinstance(subtype, Name) else "")


def _reach(state: State, page: int, entries: dict[str, Value]) -> Box | None:
    box = box_of(state.get(entries.get("Rect")))
    if box is None or entries.get("Subtype") == "Widget":
        return box
    flags, room = entries.get("F"), 0.0
    if state.entry(entries.get("AP"), "N") is None:
        border = state.get(entries.get("Border"))
        widths = [state.entry(entries.get("BS"), "W"), border[2] if isinstance(border, list) and len(border) > 2 else 1]
        room = max((float(width) for width in widths if isinstance(width, (int, float))), default=1)
        if entries.get("Subtype") == "Text":
            room = 24.0  # an icon, as large as the viewer likes
        if entries.get("Subtype") == "Highlight":
            room = max(room, (box[3] - box[1]) / 4)  # with round ends
    turned = any((entries_of(node) or {}).get("Rotate") for node in _above(state, page))
    if turned and (entries.get("Subtype") == "Text" or (isinstance(flags, int) and flags & 16)):
        room += max(box[2] - box[0], box[3] - box[1])
    return box[0] - room, box[1] - room, box[2] + room, box[3] + room


def _above(state: State, page: int) -> Iterator[Value]:
    """The page and what it inherits from."""
    node: Value = Ref(page)
    for _ in range(10):
        entries = entries_of(state.get(node))
        if entries is None:
            return
        yield entries
        node = entries.get("Parent")


def _fields(state: State) -> Iterator[tuple[str, Field]]:
    listed = state.catalog("AcroForm", "Fields")
    for item in listed if isinstance(listed, list) else ():
        yield from _field(state, item, "", {}, 0, set())


def _field(
    state: State, item: Value, above: str, inherited: dict[str, Value], depth: int, seen: set[int]
) -> Iterator[tuple[str, Field]]:
    entries = entries_of(state.get(item))
    if entries is None or depth > 30 or (isinstance(item, Ref) and item.number in seen):
        return
    if isinstance(item, Ref):
        seen.add(item.number)
    own = state.get(entries.get("T"))
    name = above + ("." if above and own is not None else "") + (_plain(state, own, 1) if own is not None else "")
    inherited = inherited | {key: entries[key] for key in ("FT", "V", "Ff") if key in entries}
    kids = state.get(entries.get("Kids"))
    if own is not None:
        number = item.number if isinstance(item, Ref) else -1
        sort = state.get(inherited.get("FT"))
        yield (
            name,
            Field(
                number,
                str(sort),
                state.get(inherited.get("V")),
                state.get(entries.get("TU")),
                state.get(inherited.get("Ff")),
            ),
        )
    for kid in kids if isinstance(kids, list) else ():
        yield from _field(state, kid, name, inherited, depth + 1, seen)


def _signatures(state: State, widgets: tuple[Widget, ...]) -> dict[int, tuple[int, ...]]:
    """Filled signature values that a reader meets from form or page, by the number of their dictionary."""
    found: dict[int, set[int]] = {}

    def meet(item: Value, depth: int, seen: set[int]) -> None:
        entries = entries_of(state.get(item))
        number = item.number if isinstance(item, Ref) else -1
        if entries is None or depth > 30 or number in seen:
            return
        seen.add(number)
        value = entries.get("V")
        inside = entries_of(state.get(value))
        if (
            inside is not None
            and "Contents" in inside
            and ("ByteRange" in inside or inside.get("Type") in ("Sig", "DocTimeStamp"))
        ):
            found.setdefault(value.number if isinstance(value, Ref) else -number, set()).add(number)
        kids = state.get(entries.get("Kids"))
        for kid in kids if isinstance(kids, list) else ():
            meet(kid, depth + 1, seen)
        if isinstance(entries.get("Parent"), Ref) and "FT" not in entries:
            meet(entries["Parent"], depth + 1, seen)

    listed = state.catalog("AcroForm", "Fields")
    for item in listed if isinstance(listed, list) else ():
        meet(item, 0, set())
    for page in state.pages():
        for item in state.annotations(page):
            if (entries_of(state.get(item)) or {}).get("Subtype") == "Widget":
                meet(item, 0, set())
    return {value: tuple(sorted(fields)) for value, fields in found.items()}


def _actions(state: State) -> Iterator[str]:
    """Everything that happens by itself or on a click, with what it hangs on."""
    for key in ("OpenAction", "AA"):
        if state.catalog(key) is not None:
            yield f"catalog {key} {_plain(state, state.catalog(key), 5)}"
    scripts = state.catalog("Names", "JavaScript")
    if scripts is not None:
        yield f"scripts {_plain(state, scripts, 6)}"
    for page in state.pages():
        holders: list[tuple[int, Any]] = [(page, state.get(Ref(page)))]
        holders += [(item.number if isinstance(item, Ref) else -1, state.get(item)) for item in state.annotations(page)]
        for number, holder in holders:
            entries = entries_of(holder) or {}
            for key in ("A", "AA", "Dest"):
                if key in entries:
                    yield f"{number} {key} {_plain(state, entries[key], 5)}"
