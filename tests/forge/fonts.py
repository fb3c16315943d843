"""Fonts cut down to the letters that are needed, embedded in the ways that documents have them (ISO 32000-2:2020, 9.6 to 9.8)."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from state import Update
from values import Name, Ref, stream

_LETTERS: Final = (
    "".join(map(chr, range(32, 127))) + "äöüßéèëïášŠžŽřłŁąęıİğşčćőű€" + "שלוםאבגדרת" + "אביהו" + "АБВГДИванов"
)


@dataclass(frozen=True)
class Program:
    """A TrueType program and what its glyphs are."""

    data: bytes
    glyphs: dict[str, int]
    widths: dict[str, int]
    """In thousandths of the size."""


@cache
def program() -> Program:
    """DejaVu's predecessor Vera has no Hebrew, so letters come from the packaged Noto Sans and Frank Ruhl Libre where they have them."""
    return _cut("fontpkg_noto_sans", _LETTERS)


@cache
def hebrew() -> Program:
    return _cut("fontpkg_frank_ruhl_libre", " שלוםאבגדרתיהו0123456789.")


def _cut(package: str, letters: str) -> Program:
    import importlib

    from fontTools import subset
    from fontTools.ttLib import TTFont

    folder = Path(importlib.import_module(package).__file__ or "").parent
    files = sorted(
        folder.rglob("*.[to]tf"), key=lambda path: ("Regular" not in path.name, "Italic" in path.name, path.name)
    )
    font = TTFont(files[0])
    options = subset.Options(
        layout_features=[],
        hinting=False,
        notdef_outline=True,
        name_IDs=[],
        drop_tables=["GSUB", "GPOS", "GDEF", "DSIG"],
    )
    cutter = subset.Subsetter(options)
    cutter.populate(text=letters)
    cutter.subset(font)
    if "fvar" in font:
        from fontTools.varLib import instancer

        font = instancer.instantiateVariableFont(font, {axis.axisTag: axis.defaultValue for axis in font["fvar"].axes})
    out = io.BytesIO()
    font.save(out)
    mapped = font.getBestCmap()
    scale = 1000 / font["head"].unitsPerEm
    names = {chr(code): name for code, name in mapped.items()}
    return Program(
        out.getvalue(),
        {letter: font.getGlyphID(name) for letter, name in names.items()},
        {letter: round(font["hmtx"][name][0] * scale) for letter, name in names.items()},
    )


def embedded(update: Update, cut: Program | None = None, *, ranges: bool = False) -> tuple[Ref, Callable[[str], bytes]]:
    """A Type 0 font whose codes are glyphs, with a ToUnicode map; and how to write text in it."""
    cut = cut or program()
    descriptor = _descriptor(update, cut, "ABCDEF+Sample")
    below = update.add(
        {
            "Type": Name("Font"),
            "Subtype": Name("CIDFontType2"),
            "BaseFont": Name("ABCDEF+Sample"),
            "CIDSystemInfo": {"Registry": b"Adobe", "Ordering": b"Identity", "Supplement": 0},
            "DW": 600,
            "W": [
                item
                for letter, glyph in sorted(cut.glyphs.items(), key=lambda pair: pair[1])
                for item in (glyph, [cut.widths[letter]])
            ],
            "FontDescriptor": descriptor,
            "CIDToGIDMap": Name("Identity"),
        }
    )
    font = update.add(
        {
            "Type": Name("Font"),
            "Subtype": Name("Type0"),
            "BaseFont": Name("ABCDEF+Sample"),
            "Encoding": Name("Identity-H"),
            "DescendantFonts": [below],
            "ToUnicode": update.add(stream(unicode_map({g: c for c, g in cut.glyphs.items()}, ranges=ranges))),
        }
    )
    return font, lambda text: b"<" + b"".join(b"%04X" % cut.glyphs[letter] for letter in text) + b">"


def simple_embedded(update: Update) -> tuple[Ref, Callable[[str], bytes]]:
    """A TrueType font with WinAnsiEncoding."""
    cut = program()
    font = update.add(
        {
            "Type": Name("Font"),
            "Subtype": Name("TrueType"),
            "BaseFont": Name("ABCDEG+Simple"),
            "Encoding": Name("WinAnsiEncoding"),
            "FirstChar": 32,
            "LastChar": 126,
            "Widths": [cut.widths.get(chr(code), 600) for code in range(32, 127)],
            "FontDescriptor": _descriptor(update, cut, "ABCDEG+Simple", flags=32),
        }
    )
    return font, lambda text: b"(" + text.encode("cp1252") + b")"


def _descriptor(update: Update, cut: Program, name: str, flags: int = 4) -> Ref:
    file = update.add(stream(cut.data, {"Length1": len(cut.data)}, deflate=True))
    return update.add(
        {
            "Type": Name("FontDescriptor"),
            "FontName": Name(name),
            "Flags": flags,
            "FontBBox": [-100, -300, 1200, 1000],
            "ItalicAngle": 0,
            "Ascent": 900,
            "Descent": -200,
            "CapHeight": 700,
            "StemV": 80,
            "FontFile2": file,
        }
    )


def unicode_map(letters: dict[int, str], *, ranges: bool = False) -> bytes:
    """A ToUnicode CMap from code to text (9.10.3)."""
    lines = []
    for code, letter in sorted(letters.items()):
        target = letter.encode("utf-16-be").hex().upper()
        lines.append(f"<{code:04X}> <{code:04X}> <{target}>" if ranges else f"<{code:04X}> <{target}>")
    word = "bfrange" if ranges else "bfchar"
    blocks = "\n".join(
        f"{len(part)} begin{word}\n" + "\n".join(part) + f"\nend{word}"
        for part in (lines[n : n + 100] for n in range(0, len(lines), 100))
    )
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        f"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n{blocks}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()
