"""Fields filled in as viewers and libraries do it, in several languages, fonts and encodings (12.7.4.3, 12.7.5)."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

from edits_values import line, shown_by, text_fields
from fonts import embedded, hebrew
from scene import Filled, Scene
from signing import HELVETICA
from state import Update
from values import Name, Ref, Value, text_string, written

Allowed = Callable[[Ref], bool]
LATIN: Final = (
    "Anna Schmidt",
    "Éloïse Lefèvre",
    "1035.00",
    "100 €",
    "10 May 2027",
    "(see annex)",
    "A\\B",
    "12 %",
    "x",
    "Müller & Söhne",
)
EASTERN: Final = ("Małgorzata Łukasik", "Tomáš Šimek", "Živa Zidanšek", "Žofie")
WIDE: Final = ("Yıldız Işık", "Иванов", "Győző", "Małgorzata", "Anna", "Đorđe")
PDF_DOC: Final = {"Ł": (0x95, "Lslash"), "ł": (0x9B, "lslash"), "Š": (0x97, "Scaron"), "š": (0x9D, "scaron"), "Ž": (0x99, "Zcaron"),
                  "ž": (0x9E, "zcaron"), "ı": (0x9A, "dotlessi"), "Œ": (0x96, "OE"), "€": (0xA0, "Euro")}  # fmt: skip
"""PDFDocEncoding (Annex D.3) where it is not Latin-1."""


def fill(scene: Scene, r: random.Random, allowed: Allowed) -> str | None:
    update = scene.update
    express = scene.permission in (2, 3)
    fields = [f for f in text_fields(update) if allowed(f) and (express or not (update.get(f) or {}).get("V"))]
    if not fields:
        return None
    field = r.choice(fields)
    entries = update.entries(field)
    calculated = "AA" in entries
    comb = bool(entries.get("Ff", 0) & 1 << 24)
    way = r.choice(("winansi", "winansi", "pdfdoc", "identity", "ranges", "hebrew", "japanese", "form"))
    if calculated or comb:
        way = "number" if calculated else "comb"
    text, content, fonts = _WAYS[way](update, r)
    entries["V"] = text_string(text)
    entries["AP"] = {"N": shown_by(update, field, content, fonts)}
    if r.random() < 0.2:
        entries.setdefault("MK", {})
    scene.events.append(Filled(field.number, text))
    return f"field {field.number} = {text!r}, {way}"


Written = tuple[str, bytes, dict[str, Value] | None]


def _winansi(update: Update, r: random.Random) -> Written:
    text = r.choice(LATIN)
    return text, line(written(text.encode("cp1252")), colour=r.choice((b"0 g", b"0 0 1 rg", b""))), None


def _form(update: Update, r: random.Random) -> Written:
    """With the font of the form's resources."""
    text = r.choice(LATIN)
    shared = update.entry(update.root.get("AcroForm"), "DR", "Font")
    font = (shared or {}).get("Helv") if isinstance(shared, dict) else None
    return text, line(written(text.encode("cp1252"))), {"Helv": font} if font else None


def _pdfdoc(update: Update, r: random.Random) -> Written:
    """As Acrobat does it: Helvetica under PDFDocEncoding."""
    text = r.choice(EASTERN)
    differences: list[Value] = []
    for code, name in sorted(PDF_DOC.values()):
        differences += [code, Name(name)]
    font = update.add(
        {
            **HELVETICA,
            "Encoding": {"Type": Name("Encoding"), "BaseEncoding": Name("WinAnsiEncoding"), "Differences": differences},
        }
    )
    codes = bytes(PDF_DOC[letter][0] if letter in PDF_DOC else letter.encode("latin-1")[0] for letter in text)
    return text, line(written(codes)), {"Helv": font}


def _identity(update: Update, r: random.Random, *, ranges: bool = False) -> Written:
    text = r.choice(WIDE)
    font, write = embedded(update, ranges=ranges)
    known = "".join(letter if _knows(write, letter) else "" for letter in text)
    return known, line(write(known), b"V"), {"V": font}


def _knows(write: Callable[[str], bytes], letter: str) -> bool:
    try:
        write(letter)
    except KeyError:
        return False
    return True


def _ranges(update: Update, r: random.Random) -> Written:
    return _identity(update, r, ranges=True)


def _hebrew(update: Update, r: random.Random) -> Written:
    """The value in reading order, the glyphs from left to right."""
    text = r.choice(("שלום", "אבי", "שלום 12"))
    font, write = embedded(update, hebrew())
    visual = text[::-1] if not any(letter.isdigit() for letter in text) else "12 " + text[:4][::-1]
    return text, line(write(visual), b"He"), {"He": font}


def _japanese(update: Update, r: random.Random) -> Written:
    """Through a predefined CMap, the font not embedded (9.7.5.2)."""
    text = r.choice(("契約書", "東京都"))
    descriptor = update.add({
        "Type": Name("FontDescriptor"), "FontName": Name("KozMinPr6N-Regular"), "Flags": 6, "FontBBox": [-500, -300, 1500, 1200],
        "ItalicAngle": 0, "Ascent": 880, "Descent": -120, "CapHeight": 700, "StemV": 80,
    })  # fmt: skip
    below = update.add({
        "Type": Name("Font"), "Subtype": Name("CIDFontType0"), "BaseFont": Name("KozMinPr6N-Regular"), "DW": 1000, "FontDescriptor": descriptor,
        "CIDSystemInfo": {"Registry": b"Adobe", "Ordering": b"Japan1", "Supplement": 6},
    })  # fmt: skip
    font = update.add({
        "Type": Name("Font"), "Subtype": Name("Type0"), "BaseFont": Name("KozMinPr6N-Regular-UniJIS-UTF16-H"), "Encoding": Name("UniJIS-UTF16-H"),
        "DescendantFonts": [below],
    })  # fmt: skip
    return text, line(b"<" + text.encode("utf-16-be").hex().encode() + b">", b"Koz"), {"Koz": font}


def _number(update: Update, r: random.Random) -> Written:
    """Shown rounded by the field's own format."""
    text, shown = r.choice(
        (("119.047619047619", b"119.05"), ("7", b"7.00"), ("1234.5", b"1,234.50"), ("-3.456", b"-3.46"))
    )
    return text, line(written(shown)), None


def _comb(update: Update, r: random.Random) -> Written:
    """One letter to a cell."""
    text = r.choice(("1234", "DE88", "20270510"))
    cell = 110 / 8
    pieces = b" ".join(b"%s Tj %g 0 Td" % (written(letter.encode()), cell) for letter in text)
    return text, b"/Tx BMC q BT /Helv 9 Tf 0 g 4 4.5 Td " + pieces + b" ET Q EMC", None


_WAYS: Final[dict[str, Callable[[Update, random.Random], Written]]] = {
    "winansi": _winansi, "form": _form, "pdfdoc": _pdfdoc, "identity": _identity, "ranges": _ranges, "hebrew": _hebrew,
    "japanese": _japanese, "number": _number, "comb": _comb,
}  # fmt: skip


def tick(scene: Scene, r: random.Random, allowed: Allowed) -> str | None:
    """A box, a radio button or a choice; with the look that was there, or a new one of the program's own."""
    update = scene.update
    widgets = [
        Ref(n) for n in update.numbers() if isinstance(v := update.get(Ref(n)), dict) and v.get("Subtype") == "Widget"
    ]
    boxes = [w for w in widgets if "AS" in update.get(w) and allowed(w)]
    choices = [w for w in widgets if update.get(w).get("FT") == "Ch" and "V" not in update.get(w) and allowed(w)]
    if not boxes and not choices:
        return None
    if choices and (r.random() < 0.3 or not boxes):
        field = r.choice(choices)
        text = r.choice(("red", "green", "blue"))
        entries = update.entries(field)
        entries["V"] = b"b" if text == "blue" else text.encode()
        entries["AP"] = {"N": shown_by(update, field, line(written(text.encode())))}
        if r.random() < 0.5:
            entries["I"] = [("red", "green", "blue").index(text)]
        return f"choice {field.number} = {text}"
    field = r.choice(boxes)
    entries = update.entries(field)
    parent = entries.get("Parent")
    on = next(name for name in update.entry(field, "AP", "N") if name != "Off")
    if isinstance(parent, Ref):
        if scene.permission is None and update.entry(parent, "V") not in (None, "Off"):
            return None
        for kid in update.entries(parent)["Kids"]:
            update.entries(kid)["AS"] = Name(on) if kid == field else Name("Off")
        update.entries(parent)["V"] = Name(on)
    elif entries.get("V") not in (None, "Off"):
        return None
    else:
        entries |= {"V": Name(on), "AS": Name(on)}
    if r.random() < 0.3:
        zapf = {"ZaDb": {"Type": Name("Font"), "Subtype": Name("Type1"), "BaseFont": Name("ZapfDingbats")}}
        look = shown_by(update, field, b"q BT /ZaDb 10 Tf 2 2 Td (4) Tj ET Q", zapf)
        normal = update.inner(update.inner(entries, "AP"), "N")
        normal[on] = look
    return f"button {field.number} is {on}"


def full_name(update: Update, widget: Ref) -> bytes:
    """Fully qualified (12.7.4.2)."""
    parts: list[bytes] = []
    node: Value = widget
    while isinstance(entries := update.get(node), dict) and len(parts) < 10:
        if isinstance(entries.get("T"), bytes):
            parts.insert(0, entries["T"])
        node = entries.get("Parent")
    return b".".join(parts)
