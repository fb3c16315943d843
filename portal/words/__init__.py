"""What the pages say, by language, and which language a browser likes best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from portal.words import english, german

LANGUAGES: Final = {"en": "English", "de": "Deutsch"}

_WORDS: Final = {"en": english.WORDS, "de": german.WORDS}


def words(language: str) -> Mapping[str, str]:
    return _WORDS[language]


def preferred(header: str) -> str | None:
    """The language of ours that an Accept-Language header (RFC 9110, section 12.5.4) likes best; None when it names none."""
    ranked = []
    for position, part in enumerate(header[:500].split(",")):
        tag, _, parameters = part.strip().partition(";")
        quality = parameters.strip().removeprefix("q=") or "1"
        try:
            weight = float(quality)
        except ValueError:
            continue
        name = tag.strip().lower().partition("-")[0]
        if name in LANGUAGES and 0 < weight <= 1:
            ranked.append((-weight, position, name))
    return min(ranked)[2] if ranked else None
