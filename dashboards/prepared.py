"""What preparing a document changes or changed, and the files inside it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboards import look, session
from dashboards.words import t
from signing_core.pdf import preparation_notes


def changes(codes: Sequence[str]) -> None:
    """The sentences of codes, as a list; nothing where there are none."""
    if codes:
        language = session.language()
        st.markdown("\n".join(f"- {preparation_notes.sentence(code, language)}" for code in codes))


def files(inside: Sequence[tuple[str, int, str]]) -> None:
    """A table of name, length and SHA-256; nothing where there are no files."""
    if inside:
        look.listing(
            [t("File inside it"), t("Bytes"), "SHA-256"],
            [[escape(name), f"{length:,}", look.mono(sha256)] for name, length, sha256 in inside],
            caption=t("Files inside the document"),
        )
