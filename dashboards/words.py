"""Words in English and German. A text is known by its English wording; `words_de` has the German one of each."""

from __future__ import annotations

from typing import Final, Literal, get_args

import streamlit as st

from dashboards.words_de import GERMAN

Language = Literal["en", "de"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)


def t(text: str, **values: object) -> str:
    """The text in the session's language, `{name}` filled in."""
    if st.session_state.get("speaks") == "de":
        text = GERMAN.get(text, text)
    return text.format(**values) if values else text
