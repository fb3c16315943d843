"""How a text travels by SMS: GSM 7-bit or UCS-2, and in how many segments (3GPP TS 23.038, section 6.2.1)."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # two septets each

_PLAIN: Final = str.maketrans(
    {
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‟": '"', "″": '"',
        "‘": "'", "’": "'", "‚": "'", "‹": "'", "›": "'", "′": "'", "`": "'", "´": "'",
        "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "−": "-", "…": "...", "•": "-", "·": ".",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u00ad": "", "\t": " ",
        "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "ẞ": "SS", "þ": "th", "Þ": "Th",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Segments:
    """What a text costs on the air."""

    encoding: Literal["gsm-7", "ucs-2"]
    count: int


def segments(text: str) -> Segments:
    """160 septets fit in one message, 153 in each of several; in UCS-2 70 and 67 UTF-16 units."""
    if all(character in _BASIC or character in _EXTENDED for character in text):
        return Segments("gsm-7", _pack([2 if character in _EXTENDED else 1 for character in text], 160, 153))
    return Segments("ucs-2", _pack([2 if ord(character) > 0xFFFF else 1 for character in text], 70, 67))


def simplified(text: str) -> str:
    """`text` with typographic signs and foreign accents replaced where GSM 7-bit has no place for them.

    One such sign would cost the whole message its 7-bit coding. What has no Latin base letter (Cyrillic, Chinese)
    stays, and the message goes as UCS-2.
    """
    return "".join(_simplified(character) for character in unicodedata.normalize("NFC", text).translate(_PLAIN))


def _simplified(character: str) -> str:
    if character in _BASIC or character in _EXTENDED:
        return character
    base = unicodedata.normalize("NFKD", character)[0]
    return base if base in _BASIC else character


def _pack(costs: list[int], single: int, part: int) -> int:
    """Segments needed when no character may be torn in two."""
    if sum(costs) <= single:
        return 1
    count, used = 1, 0
    for cost in costs:
        if used + cost > part:
            count, used = count + 1, 0
        used += cost
    return count
