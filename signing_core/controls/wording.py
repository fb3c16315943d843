"""What a code means and what is to be done, in the reader's language.

Messages of findings are records and stay as they were written, in English, and so does what machines read.
"""

from __future__ import annotations

from typing import NamedTuple

from signing_core.controls.catalogue import CATALOGUE
from signing_core.controls.catalogue_de import GERMAN


class Wording(NamedTuple):
    meaning: str
    action: str


def in_words(code: str, language: str) -> Wording:
    """In `en` or `de`; English for any other language. Raises `KeyError` for a code that is not in the catalogue."""
    if language == "de":
        return Wording(*GERMAN[code])
    kind = CATALOGUE[code]
    return Wording(kind.meaning, kind.action)
