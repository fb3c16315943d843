"""Which installed font draws which characters: so that a name is set in a font that has all of it, or refused.

Typst draws an empty box, without a warning, for a character that no font has. The character tables of the fonts are
therefore asked before anything is set.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from signing_core import typesetting

HAND = {"caveat": ("Caveat", "Dancing Script"), "dancing-script": ("Dancing Script", "Caveat")}
"""The script fonts of each style: the style's own, then the one to take where that lacks letters (Caveat has Cyrillic,
Dancing Script has Vietnamese)."""

_BOOK = ("EB Garamond", "Amiri", "Frank Ruhl Libre", "Noto Sans", "Noto Sans Arabic")
"""For scripts that no script font of ours has: an italic for Greek, a Naskh hand for Arabic, a book face for Hebrew."""
_ITALIC = frozenset({"EB Garamond"})
_TEXT_EXTRA = ("Frank Ruhl Libre",)

_JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiners: invisible themselves, but Persian and the scripts of India cannot be spelled without."""


@dataclass(frozen=True)
class Run:
    """Neighbouring characters that one font draws."""

    text: str
    family: str

    def to_json(self) -> dict[str, str]:
        return {"text": self.text, "family": self.family, "style": "italic" if self.family in _ITALIC else "normal"}


def tidy(text: str) -> str:
    """One line in Unicode normal form C, single spaces, without control and formatting characters.

    Direction overrides among them: with one, a name could be shown as another.
    """
    kept = (c if c in _JOINERS else " " if unicodedata.category(c) == "Cc" else c for c in text)
    visible = "".join(c for c in kept if c in _JOINERS or unicodedata.category(c) not in ("Cf", "Cs", "Co", "Cn"))
    return " ".join(unicodedata.normalize("NFC", visible).split())


def runs(text: str, families: Sequence[str]) -> list[Run] | None:
    """`text` split among the first families that have its characters: whole, else by words, else by clusters.

    A name in one hand looks like one; only where no font has all of it is it mixed. None when something is in no font.
    """
    if family := _first_with(text, families):
        return [Run(text, family)]
    result: list[Run] = []
    words = text.split(" ")
    for index, word in enumerate(words):
        spaced = word if index == len(words) - 1 else word + " "
        if family := _first_with(spaced, families):
            result.append(Run(spaced, family))
            continue
        for cluster in _clusters(spaced):
            if not (family := _first_with(cluster, families)):
                return None
            result.append(Run(cluster, family))
    return _joined(result)


def unreadable(text: str, families: Sequence[str]) -> str:
    """The characters of `text` that none of the families has, each once, in order."""
    return "".join(dict.fromkeys(c for c in text if not _first_with(c, families)))


def hand_families(style: str, text: str) -> list[str]:
    """What to set a signature in: the style's script fonts, then book faces for scripts that these lack."""
    return [name for name in (*HAND[style], *_BOOK, _cjk_family(text)) if name in typesetting.installed_families()]


def text_families(text: str) -> list[str]:
    """What to set `text` in as plain text. Chinese, Japanese and Korean shapes differ, so the text decides which come first."""
    families = [name for name in typesetting.text_families() if " CJK " not in name]
    return families + [name for name in (*_TEXT_EXTRA, _cjk_family(text)) if name in typesetting.installed_families()]


def right_to_left(text: str) -> bool:
    """Whether the first character with a direction runs from right to left (UAX #9, rules P2 and P3)."""
    directions = (unicodedata.bidirectional(c) for c in text)
    return next((d in ("R", "AL") for d in directions if d in ("L", "R", "AL")), False)


def cjk_missing(characters: Iterable[str]) -> bool:
    """Whether one of the characters is Chinese, Japanese or Korean, and so a matter of the extra `cjk`."""
    return any(
        unicodedata.name(c, "").startswith(("CJK ", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO")) for c in characters
    )


def _cjk_family(text: str) -> str:
    names = {unicodedata.name(c, "").split(" ")[0] for c in text}
    region = "JP" if names & {"HIRAGANA", "KATAKANA"} else "KR" if "HANGUL" in names else "SC"
    return f"Noto Sans CJK {region}"


def _first_with(text: str, families: Sequence[str]) -> str | None:
    points = {ord(c) for c in text if c not in _JOINERS and not c.isspace() and not _selector(c)}
    return next((family for family in families if points <= _coverage(family)), None)


def _selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f"


def _clusters(text: str) -> list[str]:
    """Characters with the marks, joiners and selectors that belong to them."""
    clusters: list[str] = []
    for c in text:
        if clusters and (unicodedata.category(c).startswith("M") or c in _JOINERS or _selector(c)):
            clusters[-1] += c
        else:
            clusters.append(c)
    return clusters


def _joined(parts: list[Run]) -> list[Run]:
    result: list[Run] = []
    for part in parts:
        if result and result[-1].family == part.family:
            result[-1] = Run(result[-1].text + part.text, part.family)
        else:
            result.append(part)
    return result


@functools.cache
def _coverage(family: str) -> frozenset[int]:
    """The code points that every file of the family has: its italic may have fewer than its upright."""
    if family not in typesetting.installed_families():
        return frozenset()
    from fontTools.ttLib import TTFont

    faces = [TTFont(file, fontNumber=number, lazy=True) for file, number in _faces()[family]]
    return frozenset.intersection(*(frozenset(face.getBestCmap()) for face in faces))


@functools.cache
def _faces() -> dict[str, list[tuple[Path, int]]]:
    """Which file, and which font in it (from 0), belongs to which family. Reads names only, for the tables of one Chinese font take 0.1 s."""
    from fontTools.ttLib import TTFont

    faces: dict[str, list[tuple[Path, int]]] = {}
    for file in typesetting.font_files():
        count = TTFont(file, fontNumber=0, lazy=True).reader.numFonts if file.suffix == ".ttc" else 1
        for number in range(count):
            family = TTFont(file, fontNumber=number, lazy=True)["name"].getBestFamilyName()
            faces.setdefault(family, []).append((file, number))
    return faces
