"""Where an annotation shows anything, and whether programs agree on what it shows (12.5.5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from signing_core.pdf.page_ink import Box
from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.kinds import subtype_of
from signing_core.pdf.structure.values import Ref, Stream, Value, integer
from signing_core.pdf.text.operations import Unreadable, operations

TEXT_MARKUP: Final = frozenset({"Highlight", "Underline", "Squiggly", "StrikeOut"})
_HIDDEN, _NO_ROTATE, _TOGGLE_NO_VIEW = 2, 16, 256  # 12.5.3, Table 167
_ICONS: Final = frozenset({"Text", "FileAttachment", "Sound", "Movie"})
_ICON: Final = 24.0
"""Points: programs draw icons without looks at a size of their own, from the upper left corner."""
_THIN: Final = 3.0
"""Points: less high or wide than what is to be read."""
_EVERYWHERE: Final[Box] = (-1e6, -1e6, 1e6, 1e6)
_EMPTY: Final = re.compile(
    rb"(?:[\0\t\n\f\r ]++|%[^\r\n]*+(?=[\r\n]|$)|(?:[+-]?(?:\d++\.?\d*+|\.\d++)|/[A-Za-z0-9_.+-]*+"
    rb"|cm|q|Q|gs|w|J|j|M|i|ri|re|m|l|h|W\*?|n|BT|ET|Tf|Td|TD|Tm|T\*|Tc|Tw|Tz|TL|Ts|Tr|[gG]|rg|RG|k|K|cs|CS|BMC|EMC|BX|EX)"
    rb"(?=[\0\t\n\f\r %/]|$))*+"
)
"""Content that is known to draw nothing: states, paths that nobody paints, marks. What is not read as a whole may draw."""
_NESTED: Final = re.compile(_EMPTY.pattern.replace(rb"|BX|EX)", rb"|BX|EX|Do)"))
_ALIKE: Final = frozenset({"Normal", "Compatible", "Multiply"})
_ASIDE: Final = frozenset({"Metadata", "PieceInfo", "OPI", "P", "Parent"})
"""Entries that draw nothing, or lead back."""
_DEEPEST: Final = 8
_MOST_STREAMS: Final = 500


def box_of(structure: FileStructure, annotation: dict[str, Value], revision: int, *, turned: bool = True) -> Box | None:
    """Where an annotation shows anything, on screen or on paper; None when nothing of it can be seen.

    `turned`: its page may be shown turned (/Rotate), with which some annotations do not turn.
    """
    known: dict[tuple[int, int, bool], tuple[dict[str, Value], Box | None]]
    known = structure.analysed.setdefault(("boxes",), {})
    key = id(annotation), revision, turned
    if key not in known:  # with the annotation itself, whose address would be another's otherwise
        known[key] = annotation, _box_of(structure, annotation, revision, turned)
    return known[key][1]


def _box_of(structure: FileStructure, annotation: dict[str, Value], revision: int, turned: bool) -> Box | None:
    flags = flags_of(structure.resolve(annotation.get("F"), revision)) or 0
    if flags & _HIDDEN:  # NoView is followed by few programs
        return None
    box = rectangle(structure, annotation.get("Rect"), revision)
    states = _dictionary(structure, annotation.get("AP"), revision)
    aside = [look for key in ("R", "D") for look in _streams(structure, states.get(key), revision)]
    looks = [look for look in aside if _paints(structure, look, revision)]
    if not _current(structure, annotation, revision)[0]:  # poppler draws a field by itself in a state without a look
        own = _own_look(structure, annotation, box, revision)
        if own is not None or not looks:
            return own
    looks += [look for look in _current(structure, annotation, revision)[0] if _paints(structure, look, revision)]
    if any(rectangle(structure, look.dict.get("BBox"), revision) is None for look in looks):
        return _EVERYWHERE  # PDFium then cuts nothing off
    if not looks:
        return None
    if box is None or min(box[2] - box[0], box[3] - box[1]) < _THIN:
        return _EVERYWHERE  # PDFium draws text of a look that is pressed flat, and cuts nothing off
    # Looks are cut to /Rect (12.5.5), which does not turn with the page if it is not to.
    side = max(box[2] - box[0], box[3] - box[1]) if flags & _NO_ROTATE and turned else 0
    return (box[0] - side, box[3] - side, box[0] + side, box[3] + side) if side else box


def flags_of(value: Value) -> int | None:
    """The flags of an annotation (12.5.3); None where programs read something else than we would: no integer, or too large."""
    if value is None:
        return 0
    return value if type(value) is int and 0 <= value < 1 << 31 else None


def unlooked(structure: FileStructure, annotation: dict[str, Value], revision: int) -> bool:
    """Whether it has no usable appearance, so that programs draw it by themselves or not."""
    states = _dictionary(structure, annotation.get("AP"), revision)
    normal = structure.resolve(states.get("N"), revision)
    widget = subtype_of(structure, annotation, revision) == "Widget"
    if widget and isinstance(normal, dict) and _field_type(structure, annotation, revision)[0] == "Btn":
        return False  # a box that is not ticked has no look
    return not _current(structure, annotation, revision)[0]


def rectangle(structure: FileStructure, value: Value, revision: int) -> Box | None:
    """A rectangle (7.9.5) with its corners in order; what is no number reads as 0, as in PDFium. None when it is none."""
    value = structure.resolve(value, revision)
    if not isinstance(value, list) or len(value) != 4:
        return None
    x1, y1, x2, y2 = (_number(structure.resolve(item, revision)) for item in value)
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


def differs_among_programs(
    structure: FileStructure, annotation: dict[str, Value], revision: int, former: dict[str, Value] | None, signed: int
) -> bool:
    """Whether what is seen depends on who shows it, or on a pointer above it."""
    states = _dictionary(structure, annotation.get("AP"), revision)
    looks, clear = _current(structure, annotation, revision)
    flags = integer(structure.resolve(annotation.get("F"), revision)) or 0
    popup = subtype_of(structure, annotation, revision) == "Popup"
    if not looks or not clear or "OC" in annotation or popup or flags & _TOGGLE_NO_VIEW:
        return True
    seen: set[int] = set()
    if any(
        _unusual(structure, look, revision, seen, 0) or not _decodes_alike(structure, look, revision) for look in looks
    ):
        return True
    earlier = _dictionary(structure, former.get("AP"), signed) if former else {}
    for key in ("R", "D"):
        look = states.get(key)
        if look is None or look == states.get("N"):
            continue
        locations = (
            {structure.location(look.number, when) for when in (signed, revision)} if isinstance(look, Ref) else ()
        )
        if look == earlier.get(key) and len(locations) == 1:
            continue
        if any(_paints(structure, stream, revision) for stream in _streams(structure, look, revision)):
            return True
    return False


def _current(structure: FileStructure, annotation: dict[str, Value], revision: int) -> tuple[list[Stream], bool]:
    """(the looks it may have as it is, whether that is clear)."""
    states = _dictionary(structure, annotation.get("AP"), revision)
    normal = structure.resolve(states.get("N"), revision)
    if isinstance(normal, dict):
        state = structure.resolve(annotation.get("AS"), revision)
        if not isinstance(state, str):
            return _streams(structure, normal, revision), False
        normal = structure.resolve(normal.get(state), revision)
    return [normal] if isinstance(normal, Stream) else [], True


def _streams(structure: FileStructure, look: Value, revision: int) -> list[Stream]:
    look = structure.resolve(look, revision)
    items = [structure.resolve(item, revision) for item in look.values()] if isinstance(look, dict) else [look]
    return [item for item in items if isinstance(item, Stream)]


def _paints(structure: FileStructure, stream: Stream, revision: int) -> bool:
    """Whether a look draws anything; Acrobat nests empty ones."""
    key = ("paints", stream.start, revision)
    if key not in structure.analysed:
        structure.analysed[key] = _draws(structure, stream, revision)
    return bool(structure.analysed[key])


def _draws(structure: FileStructure, stream: Stream, revision: int) -> bool:
    waiting, seen = [stream], set[int]()
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        body = structure.decoded(item, revision) if item.dict.get("Subtype") != "Image" else None
        if body is None or len(seen) > _MOST_STREAMS or not structure.decodes_alike(item, revision):
            return True
        if _EMPTY.fullmatch(body):
            continue
        if _NESTED.fullmatch(body) is None:
            return True
        # Acrobat nests looks: one that only draws others draws what they draw.
        resources = _dictionary(structure, item.dict.get("Resources"), revision)
        drawn = _streams(structure, _dictionary(structure, resources.get("XObject"), revision), revision)
        if not drawn:
            return True  # without resources of its own, a look draws with those of the page
        waiting += drawn
    return False


def _unusual(structure: FileStructure, stream: Stream, revision: int, seen: set[int], depth: int) -> bool:
    """Whether a look uses what programs are known to draw differently: soft masks, blending, layers, boxes of no size."""
    if id(stream) in seen:
        return False
    seen.add(id(stream))
    if depth > _DEEPEST or len(seen) > _MOST_STREAMS or "OC" in stream.dict:
        return True
    if stream.dict.get("Subtype") == "Image":
        return False
    if not _read_alike(structure.decoded(stream, revision)):
        return True
    box = rectangle(structure, stream.dict.get("BBox"), revision)
    if "PatternType" not in stream.dict and (box is None or box[0] == box[2] or box[1] == box[3]):
        return True
    resources = _dictionary(structure, stream.dict.get("Resources"), revision)
    for item in _dictionary(structure, resources.get("ExtGState"), revision).values():
        state = _dictionary(structure, item, revision)
        mode = structure.resolve(state.get("BM", "Normal"), revision)
        opacity = [structure.resolve(state.get(key, 1), revision) for key in ("CA", "ca")]
        if not all(isinstance(part, int | float) and not isinstance(part, bool) for part in opacity):
            return True
        if structure.resolve(state.get("SMask", "None"), revision) != "None":
            return True
        if not all(isinstance(name, str) and name in _ALIKE for name in (mode if isinstance(mode, list) else [mode])):
            return True
    fonts = _dictionary(structure, resources.get("Font"), revision).values()
    kinds = (structure.resolve(_dictionary(structure, font, revision).get("Subtype"), revision) for font in fonts)
    if "Type3" in kinds:
        return True  # its glyphs are content streams of their own
    for item in _dictionary(structure, resources.get("Properties"), revision).values():
        if structure.resolve(_dictionary(structure, item, revision).get("Type"), revision) in ("OCG", "OCMD"):
            return True
    inner = [
        item
        for key in ("XObject", "Pattern")
        for item in _streams(structure, _dictionary(structure, resources.get(key), revision), revision)
    ]
    return any(_unusual(structure, item, revision, seen, depth + 1) for item in inner)


def _decodes_alike(structure: FileStructure, look: Stream, revision: int) -> bool:
    """Whether programs agree on all data that a look draws with: content, pictures, fonts, functions."""
    pending: list[Value] = [look]
    seen: set[Ref] = set()
    while pending:
        structure.budget.step()
        item = pending.pop()
        if isinstance(item, Ref):
            if item in seen:
                continue
            seen.add(item)
            item = structure.resolve(item, revision)
        if isinstance(item, Stream):
            picture = item.dict.get("Subtype") == "Image"
            if len(seen) > _MOST_STREAMS or not structure.decodes_alike(item, revision, picture=picture):
                return False
            item = item.dict
        inner = item.items() if isinstance(item, dict) else enumerate(item) if isinstance(item, list) else ()
        pending.extend(value for key, value in inner if key not in _ASIDE)
    return True


def _read_alike(body: bytes | None) -> bool:
    """Whether content is written as all programs read it, and draws nothing that is written into it."""
    if body is None:
        return False
    try:
        return all(operator in _OPERATORS for operator, _ in operations(body))
    except Unreadable:
        return False


_OPERATORS: Final = frozenset(
    [
        r'"',
        r"'",
        r"B",
        r"B*",
        r"BDC",
        r"BMC",
        r"BT",
        r"BX",
        r"CS",
        r"DP",
        r"Do",
        r"EMC",
        r"ET",
        r"EX",
        r"F",
        r"G",
        r"J",
        r"K",
        r"M",
        r"MP",
        r"Q",
        r"RG",
        r"S",
        r"SC",
        r"SCN",
        r"T*",
        r"TD",
        r"TJ",
        r"TL",
        r"Tc",
        r"Td",
        r"Tf",
        r"Tj",
        r"Tm",
        r"Tr",
        r"Ts",
        r"Tw",
        r"Tz",
        r"W",
        r"W*",
        r"b",
        r"b*",
        r"c",
        r"cm",
        r"cs",
        r"d",
        r"d0",
        r"d1",
        r"f",
        r"f*",
        r"g",
        r"gs",
        r"h",
        r"i",
        r"j",
        r"k",
        r"l",
        r"m",
        r"n",
        r"q",
        r"re",
        r"rg",
        r"ri",
        r"s",
        r"sc",
        r"scn",
        r"sh",
        r"v",
        r"w",
        r"y",
    ]
)
"""Operators of content streams (Annex A), but for inline images."""


# -- what programs draw without a look ----------------------------------------------------------------------------------------


def _own_look(structure: FileStructure, annotation: dict[str, Value], box: Box | None, revision: int) -> Box | None:
    subtype = subtype_of(structure, annotation, revision)
    style = _dictionary(structure, annotation.get("BS"), revision)
    border = structure.resolve(annotation.get("Border"), revision)
    thick = style.get("W", border[2] if isinstance(border, list) and len(border) > 2 else 1)
    width = min(abs(_number(structure.resolve(thick, revision))), 1000.0)
    if subtype == "Popup" or (subtype == "Link" and not width):
        return None
    if subtype == "Widget":
        return box if _fills_itself(structure, annotation, revision) else None
    points = [] if box is None else [(box[0], box[1]), (box[2], box[3])]
    if subtype != "Link":
        for key in ("QuadPoints", "Vertices", "L", "CL", "InkList", "Path"):
            numbers = [*_numbers(structure, annotation.get(key), revision)]
            points += zip(numbers[::2], numbers[1::2], strict=False)
    if subtype in _ICONS and box is not None:
        points += [(box[0], box[3] - _ICON), (box[0] + _ICON, box[3])]
    if not points:
        return None
    room = width * (10 if "LE" in annotation else 1)  # arrows
    xs, ys = zip(*points, strict=True)
    if subtype == "Highlight":
        room = max(room, (max(ys) - min(ys)) / 4)  # some draw it with round ends
    return min(xs) - room, min(ys) - room, max(xs) + room, max(ys) + room


def _fills_itself(structure: FileStructure, widget: dict[str, Value], revision: int) -> bool:
    """Whether a field without a look has something to show: a value, a background, a border."""
    characteristics = _dictionary(structure, widget.get("MK"), revision)
    if any(structure.resolve(characteristics.get(key), revision) for key in ("BG", "BC")):
        return True
    kind, value = _field_type(structure, widget, revision)
    return kind in ("Tx", "Ch") and bool(value)


def _field_type(structure: FileStructure, widget: dict[str, Value], revision: int) -> tuple[Value, Value]:
    """Type and value of a field, its own or inherited (12.7.4)."""
    node, kind, value = widget, None, None
    for _ in range(32):
        kind = kind if kind is not None else structure.resolve(node.get("FT"), revision)
        value = value if value is not None else structure.resolve(node.get("V"), revision)
        node = _dictionary(structure, node.get("Parent"), revision)
        if not node:
            break
    return kind, value


def _numbers(structure: FileStructure, value: Value, revision: int, depth: int = 0) -> Iterator[float]:
    value = structure.resolve(value, revision)
    if isinstance(value, list) and depth < 4:
        structure.budget.step(len(value))
        for item in value:
            yield from _numbers(structure, item, revision, depth + 1)
    elif isinstance(value, int | float):
        yield _number(value)


def _number(value: Value) -> float:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    return min(max(float(value), -1e7), 1e7) if usable else 0.0


def _dictionary(structure: FileStructure, value: Value, revision: int) -> dict[str, Value]:
    value = structure.resolve(value, revision)
    return value if isinstance(value, dict) else {}
