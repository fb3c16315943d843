"""What becomes of the files that an author gives: their PDF, what preparing it changes or changed, and the files inside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from dashboards import look, session
from dashboards.words import t
from signing_core.desk import sources
from signing_core.errors import SealtrailError
from signing_core.pdf import preparation_notes
from signing_core.pdf.conversion import Converted, MadeFrom
from signing_core.storage.workspace import Workspace


def uploaded(workspace: Workspace, given: Sequence[Any]) -> Converted | None:
    """One PDF of the files of an uploader; None where there are none or they were refused, which is said."""
    if not given:
        return None
    files = [(file.name, file.getvalue()) for file in given]
    known = [(name, hashlib.sha256(data).hexdigest()) for name, data in files]
    try:
        with st.spinner(t("Making its pages …")):
            return _converted(known, workspace.settings.paper, workspace, files)
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")
        return None


@st.cache_data(max_entries=8, show_spinner=False)
def _converted(
    known: list[tuple[str, str]], paper: str, _workspace: Workspace, _files: list[tuple[str, bytes]]
) -> Converted:
    return sources.from_files(_workspace, _files)


def changes(told: Sequence[str], made_from: MadeFrom | None = None) -> None:
    """What a file was made from and the sentences of codes, as a list; nothing where there are none."""
    language = session.language()
    made = [made_from.sentence(language)] if made_from else []
    sentences([*made, *(preparation_notes.sentence(code, language) for code in told)])


def sentences(said: Sequence[str]) -> None:
    if said:
        st.markdown("\n".join(f"- {sentence}" for sentence in said))


def files(inside: Sequence[tuple[str, int, str]]) -> None:
    """A table of name, length and SHA-256; nothing where there are no files."""
    if inside:
        look.listing(
            [t("File inside it"), t("Bytes"), "SHA-256"],
            [[escape(name), f"{length:,}", look.mono(sha256)] for name, length, sha256 in inside],
            caption=t("Files inside the document"),
        )
