"""What a verification found, for everybody: by the stable code of the finding, in the reader's language.

The verification itself speaks to people who examine signatures, and what it says is a record that stays as it was written, in
English. Here each code of the catalogue has what it means for the reader, and the one thing to do about it.
"""

from __future__ import annotations

from typing import NamedTuple

from signing_core.verification.wording.advice import ADVICE
from signing_core.verification.wording.sentences import MEANINGS


class Wording(NamedTuple):
    meaning: str
    action: str


def in_words(code: str, language: str) -> Wording:
    """In `en` or `de`; English for any other language. Raises `KeyError` for a code that is not in the catalogue."""
    english, german, advice = MEANINGS[code]
    in_english, in_german = ADVICE[advice]
    return Wording(german, in_german) if language == "de" else Wording(english, in_english)
