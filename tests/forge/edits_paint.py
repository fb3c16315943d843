"""Edits that paint: annotations and fields of every kind with every look, on any box (ISO 32000-2:2020, 12.5, 12.7)."""

from __future__ import annotations

import base64
import random
import zlib

from places import over_text
from scene import Moves, Scene, box_of, pick_object, pick_page
from signing import HELVETICA, Box, appearance
from state import Update
from values import Name, Ref, Stream, Value, stream, text_string, written

moves = Moves()
MARKUP = (
    "Text", "FreeText", "Stamp", "Square", "Circle", "Line", "Polygon", "PolyLine", "Highlight", "Underline", "StrikeOut", "Squiggly",
    "Ink", "Caret", "FileAttachment", "Redact", "Watermark", "Link", "Popup", "Screen", "PrinterMark", "TrapNet", "3D", "Sound", "Movie",
    "Projection", "RichMedia",
)  # fmt: skip
SENTENCES = (
    b"Addendum: the buyer also pays EUR 90,000.",
    b"approved",
    b"-10.00",
    b"Signed by the Director",
    b"9888.00",
)
BLANK: tuple[Box, ...] = ((30, 80, 270, 96), (150, 300, 280, 318), (200, 380, 290, 396), (20, 10, 280, 30))


def anywhere(scene: Scene, r: random.Random, page: int) -> tuple[Box, str]:
    """A box: over text, over blank paper, over an annotation that is there, of no size."""
    choice = r.random()
    pages = scene.update.pages()
    index = pages.index(page) if page in pages else 0
    if choice < 0.55:
        return over_text(scene.signed.data if scene.checkpoints else scene.start.state.data, index, r)
    if choice < 0.75:
        return r.choice(BLANK), ""
    if choice < 0.95:
        there = pick_object(scene.update, r, "widget", "annotation")
        box = box_of(scene.update.entry(there, "Rect")) if there else None
        return (box, "") if box else (BLANK[0], "")
    return (0, 0, 0, 0), ""


def painted(update: Update, r: random.Random, box: Box, covers: str = "") -> Value:
    """Something that draws in a box: opaque, words, a dot, a picture, nothing."""
    height = max(4.0, min(12.0, (box[3] - box[1]) / 0.75))
    wrong = "".join(r.choice("0123456789") if letter.isdigit() else letter for letter in covers) or r.choice(
        ("9", "88", "0")
    )
    words = b"0 g BT /Helv %.2f Tf 0 %.2f Td %s Tj ET"
    digits = words % (height, 0.02 * height, written(wrong.encode("cp1252", "replace")))
    sentence = words % (min(height, 9), max(2.0, (box[3] - box[1]) / 3), written(r.choice(SENTENCES)))
    fill = b"%s 0 0 900 900 re f "
    content = (
        r.choice((fill % b"1 g" + digits, fill % b"1 1 1 rg" + sentence, fill % b"1 g", sentence, digits))
        if r.random() < 0.6
        else r.choice(
            (
                fill % b"0 g",
                fill % b"0.97 g",
                b"0 g 0 0 2 2 re f",
                b"1 g 0 0 2 2 re f",
                b"",
                b"% nothing",
                b"q /Im Do Q",
                b"1 w 0 3 m 300 3 l S",
                b"BI /W 1 /H 1 /CS /G /BPC 8 ID \xff EI",
                b"q 900 0 0 900 0 0 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \xff EI Q",
                b"/Sh sh",
                b"q 3 Tr " + digits + b" Q",
                b"/G gs " + fill % b"1 g",
                b"0.9 G 5 w 0 0 m 900 900 l S",
            )
        )
    )
    reference = appearance(update, box, content)
    if r.random() < 0.1:
        update.changed[reference.number] = _encoded(r, content, update.entries(reference))
    entries = update.entries(reference)
    if r.random() < 0.1:
        entries["Matrix"] = r.choice(
            ([2, 0, 0, 2, 0, 0], [0, 1, -1, 0, 0, 0], [1, 0, 0, 1, 50, 50], [1e-6, 0, 0, 1e-6, 0, 0])
        )
    if r.random() < 0.06:
        entries["BBox"] = r.choice(([0, 0, 1, 1], [0, 0, 1000, 1000], [10, 10, 0, 0], [0, 0, 0, 0]))
    entries["Resources"] = {
        "Font": {"Helv": dict(HELVETICA)},
        "ExtGState": {
            "G": {
                "ca": r.choice((0, 0.5, 1)),
                "BM": Name(r.choice(("Normal", "Multiply", "Screen", "Difference", "Darken"))),
            }
        },
    }
    return reference


def _encoded(r: random.Random, content: bytes, entries: dict[str, Value]) -> Value:
    """The same content behind other filters (7.4)."""
    twice = zlib.compress(zlib.compress(content))
    rows = b"".join(b"\0" + content[n : n + 10].ljust(10) for n in range(0, len(content), 10))
    two_ways = (
        b"q Q\n%".hex().encode() + b"?a?a" + content.hex().encode() + b">"
    )  # a comment for PDFium, not for poppler
    data, filters = r.choice((
        (two_ways, {"Filter": Name("ASCIIHexDecode")}), (content.hex("?", 9).encode() + b">", {"Filter": Name("ASCIIHexDecode")}),
        (content.hex().encode() + b">", {"Filter": Name("ASCIIHexDecode")}), (twice, {"Filter": [Name("FlateDecode"), Name("FlateDecode")]}),
        (zlib.compress(rows), {"Filter": Name("FlateDecode"), "DecodeParms": {"Predictor": 12, "Columns": 10}}),
        (base64.a85encode(content) + b"~>", {"Filter": Name("ASCII85Decode")}), (zlib.compress(content), {"Filter": Name("Fl")}),
        (zlib.compress(content)[:-6], {"Filter": Name("FlateDecode")}), (content, {"Filter": Name("Crypt")}),
        (content, {"Filter": []}), (zlib.compress(content), {"Filter": [Name("FlateDecode")], "DecodeParms": [None]}),
    ))  # fmt: skip
    return Stream({**entries, **filters}, data)


def looks(update: Update, r: random.Random, box: Box, covers: str) -> dict[str, Value]:
    """Entries that say how an annotation is drawn: by an appearance, by its own colours, not at all."""
    choice = r.random()
    if choice < 0.6:
        return {"AP": {"N": painted(update, r, box, covers)}}
    if choice < 0.75:
        on, off = painted(update, r, box, covers), painted(update, r, box, "")
        return {"AP": {"N": {"On": on, "Off": off}}, "AS": Name(r.choice(("On", "Off", "Other")))}
    if choice < 0.8:
        return {"AP": {r.choice(("D", "R")): painted(update, r, box, covers)}}
    colour: list[Value] = r.choice(([1, 1, 1], [1], [0, 0, 0], [], [1, 1, 0]))
    width = r.choice((0, 1, 12, 40))
    entries: dict[str, Value] = {"C": colour, "IC": colour, "BS": {"W": width, "S": Name("S")}, "Border": [0, 0, width]}
    x0, y0, x1, y1 = box
    entries |= {"L": [x0, y0, x1, y1], "Vertices": [x0, y0, x1, y0, x1, y1, x0, y1], "InkList": [[x0, y0, x1, y1]]}
    entries |= {
        "QuadPoints": [x0, y1, x1, y1, x0, y0, x1, y0],
        "DA": b"/Helv 9 Tf 0 g",
        "Contents": r.choice(SENTENCES),
    }
    return {key: value for key, value in entries.items() if r.random() < 0.8}


@moves(6)
def annotation(scene: Scene, r: random.Random) -> str:
    update, page = scene.update, pick_page(scene.update, r)
    box, covers = anywhere(scene, r, page)
    subtype = r.choice(MARKUP)
    entries: dict[str, Value] = {
        "Type": Name("Annot"),
        "Subtype": Name(subtype),
        "Rect": list(box),
        **looks(update, r, box, covers),
    }
    entries["F"] = r.choice((4, 4, 4, 0, 1, 2, 32, 68, 132, 64, 28))
    if r.random() < 0.6:
        entries["P"] = Ref(page)
    if r.random() < 0.3:
        entries["Contents"] = r.choice(SENTENCES)
    if r.random() < 0.1:
        entries["OC"] = update.add({"Type": Name("OCG"), "Name": b"x"})
    if r.random() < 0.1:
        entries["A"] = {
            "S": Name(r.choice(("URI", "JavaScript", "Hide", "ResetForm"))),
            "URI": b"https://example.org",
            "JS": b"1",
            "T": b"x",
        }
    update.list_annotation(page, update.add(entries))
    return (
        f"{subtype} at {[round(n) for n in box]} over {covers!r}: {sorted(set(entries) & {'AP', 'C', 'IC', 'A', 'OC'})}"
    )


@moves(9)
def new_field(scene: Scene, r: random.Random) -> str:
    """A field of any kind, with or without a value, its widget any number of levels down."""
    update, page = scene.update, pick_page(scene.update, r)
    box, covers = anywhere(scene, r, page)
    sort = r.choice(("Sig", "Sig", "Tx", "Btn", "Ch"))
    field: dict[str, Value] = {"FT": Name(sort), "T": text_string(_name(scene, r))}
    widget: dict[str, Value] = {
        "Type": Name("Annot"), "Subtype": Name("Widget"), "Rect": list(box), "F": r.choice((4, 4, 132, 0, 2, 1, 32)), "P": Ref(page),
        **looks(update, r, box, covers),
    }  # fmt: skip
    value = _value(scene, r, sort)
    if value is not None:
        (field if r.random() < 0.8 else widget)["V"] = value
    depth = r.choice((0, 0, 0, 1, 1, 2, 3))
    if r.random() < 0.2:
        widget["MK"] = {"BG": [1], "CA": r.choice(SENTENCES)}
    top = child = update.add(field if depth else {**field, **widget})
    for level in range(depth):
        node = update.add({"Parent": child, **(widget if level == depth - 1 else {})})
        update.entries(child)["Kids"] = [node]
        child = node
    where = r.choice(("both", "both", "both", "page", "form"))
    if where != "page":
        parent = pick_object(update, r, "widget") if r.random() < 0.15 else None
        if parent is None:
            update.list_field(top)
        else:
            update.inner(update.entries(parent), "Kids", list).append(top)
            update.entries(top)["Parent"] = parent
    if where != "form":
        update.list_annotation(page, child)
    return f"{sort} field, widget {depth} down, in {where}, at {[round(n) for n in box]} over {covers!r}, /V {value is not None}"


def _name(scene: Scene, r: random.Random) -> str:
    if r.random() < 0.12:
        other = pick_object(scene.update, r, "widget")
        name = scene.update.entry(other, "T") if other else None
        if isinstance(name, bytes):
            return name.decode("latin-1")
    return scene.unique("extra")


def _value(scene: Scene, r: random.Random, sort: str) -> Value:
    if r.random() < 0.55:
        return None
    if sort == "Sig":
        return pick_object(scene.update, r, "signature")
    if sort == "Btn":
        return Name(r.choice(("On", "Off", "Yes")))
    return r.choice((*SENTENCES, b"", Name("On"), pick_object(scene.update, r)))


@moves(2)
def repaint(scene: Scene, r: random.Random) -> str | None:
    """An annotation or a field that is there gets another look, place, flag or subtype."""
    update = scene.update
    there = pick_object(update, r, "widget", "annotation")
    if there is None:
        return None
    entries = update.entries(there)
    box = box_of(entries.get("Rect")) or BLANK[0]
    page = pick_page(update, r)
    match r.choice(("look", "look", "stream", "place", "flag", "subtype", "colour", "state")):
        case "look":
            entries |= looks(update, r, box, "")
        case "stream":
            old = update.entry(there, "AP", "N")
            new = painted(update, r, box)
            reference = (update.entry(there, "AP") or {}).get("N")
            if old is None or not isinstance(reference, Ref):
                return None
            update.changed[reference.number] = update.changed.pop(new.number)
        case "place":
            entries["Rect"] = list(anywhere(scene, r, page)[0])
        case "flag":
            entries["F"] = r.choice((0, 1, 2, 4, 32, 64, 132))
        case "subtype":
            entries["Subtype"] = Name(r.choice(MARKUP))
        case "colour":
            entries["MK"] = {"BG": [1, 1, 1], "BC": [0], "CA": b"9"}
        case "state":
            entries["AS"] = Name(r.choice(("On", "Off", "Yes", "cash", "card")))
    return f"repainted {there.number}: {sorted(entries)}"


@moves(1)
def appearance_stream(scene: Scene, r: random.Random) -> str | None:
    """Content of a stream that is there: words replaced, something painted before or behind."""
    there = pick_object(scene.update, r, "xobject", "content", "stream")
    if there is None:
        return None
    value = scene.update.edit(there.number)
    content = value.content()
    more = r.choice((
        b"\n1 g 0 0 900 900 re f", b"\nBT /Helv 9 Tf 10 10 Td (9888) Tj ET", b"\n0 g 20 300 100 30 re f", b"\n% nothing", b"\n",
        b"\nq Q", b"",
    ))  # fmt: skip
    swapped = content.replace(b"10", b"99", 1) if r.random() < 0.4 else content
    fresh = stream(
        swapped + more if r.random() < 0.7 else more + b"\n" + swapped, value.entries, deflate=r.random() < 0.5
    )
    if "Filter" in fresh.entries and fresh.data[:1] != b"x":
        del fresh.entries["Filter"]
    fresh.entries.pop("DecodeParms", None)
    scene.update.changed[there.number] = fresh
    return f"stream {there.number} with {more[:30]!r}"
