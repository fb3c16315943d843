"""Edits of what fields hold and show: values with looks that say the same, almost the same, or something else (12.7.4.3)."""

from __future__ import annotations

import random

from fonts import embedded, unicode_map
from scene import Filled, Moves, Scene, box_of, kind, pick_object
from signing import HELVETICA, appearance
from state import Update
from values import Name, Ref, Value, stream, text_string, written

moves = Moves()
PAIRS = (
    ("NOT approved", "approved"), ("-10.00", "1000"), ("-10.00", "10.00"), ("10.00", "1000"), ("1000", "10.00"), ("1,000", "1.000"),
    ("not agreed", "agreed"), ("EUR 5", "EUR 50"), ("Anna Schmidt", "Anna Schmitt"), ("Anna", "Anna Schmidt"), ("", "approved"),
    ("approved", ""), ("1", "l"), ("10", "1O"), ("12.50", "12,50"), ("two", "2"), ("A B", "AB"), ("0.19", "19 %"), ("9", "6"),
    ("10 EUR", "10 USD"), ("100", "0010"), ("1000", "1000 -"), ("5", "5 5"), ("yes", "yes no"), ("Müller", "Muller"), ("10.00", "(10.00)"),
)  # fmt: skip


def text_fields(update: Update) -> list[Ref]:
    """Widgets that are text fields of their own."""
    return [
        Ref(number)
        for number in update.numbers()
        if kind(value := update.get(Ref(number))) == "widget"
        and value.get("FT") == "Tx"
        and isinstance(value.get("T"), bytes)
    ]


def shown_by(update: Update, field: Ref, content: bytes, fonts: dict[str, Value] | None = None) -> Ref:
    box = box_of(update.entry(field, "Rect")) or (0, 0, 100, 16)
    return appearance(update, box, content, fonts)


def line(
    codes: bytes, font: bytes = b"Helv", x: float = 2, y: float = 4.5, size: float = 9, colour: bytes = b"0 g"
) -> bytes:
    return b"/Tx BMC q %s BT /%s %g Tf %g %g Td %s Tj ET Q EMC" % (colour, font, size, x, y, codes)


@moves(5)
def value(scene: Scene, r: random.Random) -> str | None:
    """A text field gets a value and a look; the look may lie by words, by place, by paint or by the map of its font."""
    fields = text_fields(scene.update)
    if not fields:
        return None
    field = r.choice(fields)
    text, other = r.choice(PAIRS)
    if r.random() < 0.5:
        text = other
    lie = r.choice(
        (
            "words",
            "words",
            "place",
            "paint",
            "font",
            "gids",
            "none",
            "more",
            "clip",
            "none",
            "size",
            "strokes",
            "strokes",
        )
    )
    reference = _honest(scene, field, text, embed=lie in ("font", "gids"))
    update = scene.update
    codes = written(text.encode("cp1252"))
    fonts: dict[str, Value] | None = None
    content = line(codes)
    match lie:
        case "words":
            content = line(written(other.encode("cp1252")))
        case "place":
            content = line(codes, x=r.choice((-200, 300, 2)), y=r.choice((-50, 40)))
        case "paint":
            content = line(codes, colour=r.choice((b"1 g", b"3 Tr", b"0.99 g"))) + line(written(other.encode("cp1252")))
        case "size":
            content = line(codes, size=r.choice((0.5, 0.01, 60)))
        case "more":
            content += line(written(r.choice((b"0", b"-", b".", b"NOT", b"1"))), x=r.choice((0, 20, 60)))
        case "strokes":  # letters without text: a one, a minus, a crossing out, words made of bars
            bars = r.choice(
                (
                    b"58 4 1.2 7 re",
                    b"1 6.5 5 1 re",
                    b"0 7 80 1 re",
                    b" ".join(b"%d %d 1 7 re" % (n * 5 + 2, 4) for n in range(12)),
                )
            )
            content = b"q 0 g " + bars + b" f Q " + (content if r.random() < 0.7 else b"")
        case "clip":
            content = b"q 0 0 %d 20 re W n " % r.choice((0, 5, 12)) + content + b" Q"
        case "font" | "gids":
            font, write = embedded(update)
            content, fonts = line(write(text), b"V"), {"V": font}
            _lie(update, r, font, by_map=lie == "font")
    entries = update.entries(field)
    entries["V"] = text_string(text)
    if r.random() < 0.9:
        entries["AP"] = {"N": shown_by(update, field, content, fonts)}
    else:  # viewers draw it by themselves, each in its own way
        reference = b""
    scene.events.append(Filled(field.number, text, reference))
    return f"field {field.number} = {text!r}, shown by {lie}, other {other!r}"


def _lie(update: Update, r: random.Random, font: Ref, *, by_map: bool) -> None:
    if by_map:
        shown = "".join(map(chr, range(32, 127)))
        mapped = {code + 1: r.choice(shown) for code in range(100)}
        update.entries(font)["ToUnicode"] = update.add(stream(unicode_map(mapped)))
        return
    below = update.entries(update.entries(font)["DescendantFonts"][0])
    glyphs = list(range(300))
    r.shuffle(glyphs)
    below["CIDToGIDMap"] = update.add(stream(b"".join(glyph.to_bytes(2, "big") for glyph in glyphs), deflate=True))


def _honest(scene: Scene, field: Ref, text: str, *, embed: bool) -> bytes:
    """The file as it would be with a look that shows the value."""
    update = Update(scene.update.before)
    fonts: dict[str, Value] | None = None
    if embed:
        font, write = embedded(update)
        content, fonts = line(write(text), b"V"), {"V": font}
    else:
        content = line(written(text.encode("cp1252")))
    entries = update.entries(field)
    entries |= {"V": text_string(text), "AP": {"N": shown_by(update, field, content, fonts)}}
    return update.save().data


@moves(2)
def tick(scene: Scene, r: random.Random) -> str | None:
    """Boxes and buttons whose state, value and look do not say the same."""
    update = scene.update
    there = [
        Ref(n) for n in update.numbers() if "AS" in (update.get(Ref(n)) if isinstance(update.get(Ref(n)), dict) else {})
    ]
    if not there:
        return None
    field = r.choice(there)
    entries = update.entries(field)
    names = [Name("Yes"), Name("Off"), Name("cash"), Name("card"), Name("Other")]
    how = r.choice(("value", "state", "both", "swap", "look"))
    if how in ("value", "both"):
        entries["V"] = r.choice(names)
    if how in ("state", "both"):
        entries["AS"] = r.choice(names)
    normal = update.inner(update.inner(entries, "AP"), "N")
    if how == "swap":
        normal |= dict(zip(normal, [*list(normal.values())[1:], next(iter(normal.values()), None)], strict=True))
    if how == "look":
        normal[r.choice(list(normal) or ["Yes"])] = shown_by(
            update, field, r.choice((b"", b"0 g 0 0 12 12 re f", b"1 g 0 0 12 12 re f")), {"Helv": HELVETICA}
        )
    return f"{how} of the button {field.number}"


@moves(1.5)
def field_entry(scene: Scene, r: random.Random) -> str | None:
    """What a field is named, described as, allowed, prefilled with, calculated from."""
    update = scene.update
    field = pick_object(update, r, "widget")
    if field is None:
        return None
    entries = update.entries(field)
    key, new = r.choice((
        ("TU", b"Another tool tip"), ("TM", b"other"), ("T", b"renamed"), ("T", b"client"), ("DV", b"9"), ("MaxLen", 2), ("Ff", 1), ("Ff", 1 << 13),
        ("Ff", 1 << 12), ("Q", 2), ("DA", b"/Helv 30 Tf 1 g"), ("Opt", [b"yes", b"no"]), ("AA", {"F": {"S": Name("JavaScript"), "JS": b"1"}}),
        ("A", {"S": Name("Hide"), "T": b"name"}), ("V", b"9888.00"), ("V", None), ("RV", b"<body>9</body>"), ("I", [1]), ("TI", 2),
        ("FT", Name("Ch")), ("Lock", {"Type": Name("SigFieldLock"), "Action": Name("All")}), ("SV", {"Ff": 1}), ("Kids", []), ("DS", b"font: 9pt"),
    ))  # fmt: skip
    if key == "V" and entries.get("FT") == "Sig" and new is not None:
        return None
    if new is None:
        entries.pop(key, None)
    else:
        entries[key] = new
    return f"/{key} of field {field.number}"


@moves(1)
def form_entry(scene: Scene, r: random.Random) -> str:
    form = scene.update.form
    key, new = r.choice((
        ("NeedAppearances", True), ("SigFlags", r.choice((0, 1, 2))), ("Q", 2), ("DA", b"/Helv 30 Tf 1 g"), ("XFA", stream_of(scene)), ("CO", []),
        ("DR", {"Font": {"Helv": {**HELVETICA, "BaseFont": Name("Symbol")}}}), ("Fields", []),
    ))  # fmt: skip
    if key == "Fields":
        fields = scene.update.inner(form, "Fields", list)
        if fields:
            r.choice((fields.reverse, fields.pop, lambda: fields.append(fields[0]), lambda: fields.pop(0)))()
    else:
        form[key] = new
    return f"/{key} of the form"


def stream_of(scene: Scene) -> Ref:
    return scene.update.add(stream(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'><price>1</price></xdp:xdp>"))
