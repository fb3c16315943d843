"""What codes and glyph names stand for without a word of the font: the standard's encodings and lists (Annex D, 9.7.5.2)."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from signing_core.pdf.structure.values import pdf_doc

SYMBOL: Final = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_\0αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼" + "\0" * 33
    + "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…\0\0↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑" + "\0" * 10 + "\0⟩∫" + "\0" * 13
)  # fmt: skip
"""The built-in encoding of Symbol from code 32 on (Annex D.5)."""
_DINGBATS: Final = {
    0x20: " ", 0x25: "☎", 0x2A: "☛", 0x2B: "☞", 0x48: "★", 0x6C: "●", 0x6E: "■", 0x73: "▲", 0x74: "▼", 0x75: "◆", 0x77: "◗",
    0xA8: "♣", 0xA9: "♦", 0xAA: "♥", 0xAB: "♠", 0xD5: "→", 0xD6: "↔", 0xD7: "↕", **dict(enumerate("①②③④⑤⑥⑦⑧⑨⑩", 0xAC)),
}  # fmt: skip
"""Where ZapfDingbats (Annex D.6) is not in the order of Unicode's block of that name."""
CODECS: Final = {
    "UCS2": "utf-16-be", "UTF16": "utf-16-be", "UTF8": "utf-8", "UTF32": "utf-32-be", "90ms-RKSJ": "cp932", "90msp-RKSJ": "cp932",
    "EUC": "euc_jp", "GBK-EUC": "gbk", "GBKp-EUC": "gbk", "GBK2K": "gb18030", "GB-EUC": "gb2312", "ETen-B5": "cp950",
    "B5pc": "big5", "HKscs-B5": "big5hkscs", "KSCms-UHC": "cp949", "KSCms-UHC-HW": "cp949", "KSC-EUC": "euc_kr",
}  # fmt: skip
"""Python's codecs for predefined CMaps (Table 116)."""
UNICODE_MAP: Final = re.compile(
    r"Uni(?:JIS|JIS2004|JISX0213|JISX02132004|GB|CNS|KS)(?:Pro)?-(UCS2|UTF8|UTF16|UTF32)(?:-HW)?"
)


def character_of(name: str, *, dingbats: bool = False) -> str:
    """What a glyph of that name shows, by the Adobe Glyph List; nothing when it tells nothing."""
    from fontTools import agl  # reads its lists when it is imported

    return str(agl.toUnicode(name, isZapfDingbats=dingbats))


def _standard() -> dict[int, str]:
    from fontTools.encodings.StandardEncoding import StandardEncoding

    return {code: character for code, name in enumerate(StandardEncoding) if (character := character_of(name))}


@cache
def dingbat_encoding() -> dict[int, str]:
    codes = [*range(0x20, 0x7F), *range(0xA1, 0xF0), *range(0xF1, 0xFF)]
    return {code: _DINGBATS.get(code, chr(code + (0x26E0 if code < 0x80 else 0x26C0))) for code in codes}


def _table(codec: str) -> dict[int, str]:
    decoded = {code: bytes((code,)).decode(codec, "ignore") for code in range(32, 256) if code != 127}
    return {code: c for code, c in decoded.items() if c}


BASES: Final = {
    "StandardEncoding": cache(_standard),
    "MacRomanEncoding": cache(lambda: _table("mac-roman") | {0xCA: " "}),
    "WinAnsiEncoding": cache(
        lambda: _table("cp1252") | {0xA0: " ", 0xAD: "-"} | dict.fromkeys((0x7F, 0x81, 0x8D, 0x8F, 0x90, 0x9D), "•")
    ),
    "PDFDocEncoding": cache(lambda: {code: pdf_doc(bytes((code,))) for code in range(24, 256)}),
}
"""What a font may name as its encoding (Annex D.2, Table 112)."""
