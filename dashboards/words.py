"""Words in English and German. A text is known by its English wording; `words_de` has the German one of each.

Values of the core (`awaiting-client`, `TOTAL-PASSED`) are known by themselves; `NAMES` says how they read in English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, get_args

import streamlit as st

from dashboards.words_de import GERMAN

Language = Literal["en", "de"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

NAMES: Final[Mapping[str, str]] = {
    "awaiting-first-party": "awaiting first party",
    "awaiting-client": "awaiting client",
    "first-party": "first party",
    "false-alarm": "false alarm",
    "not-checked": "not checked",
    "whole-file": "whole file",
    "whole-revision": "whole revision",
    "document-timestamp": "document time-stamp",
    "open": "open",
    "newest": "newest first",
    "oldest": "oldest first",
    "updated": "last changed first",
    "title": "by title",
    "expiring": "next to expire",
    "sms": "text message",
    "email": "e-mail",
    "en": "English",
    "de": "German",
    "live": "open or proposed",
    "time-stamp": "time-stamp",
    "embedded": "embedded (own clock)",
    "typst": "Typst template",
    "pdf-form": "PDF form",
    "not_started": "not started",
    "qr": "QR code",
}


def language() -> Language:
    """The session's language."""
    return "de" if st.session_state.get("speaks") == "de" else "en"


def t(text: str, **values: object) -> str:
    """The text in the session's language, `{name}` filled in."""
    text = GERMAN.get(text, NAMES.get(text, text)) if language() == "de" else NAMES.get(text, text)
    return text.format(**values) if values else text
