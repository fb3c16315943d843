"""Pages as PNG, drawn once for all sessions."""

from __future__ import annotations

import io

import streamlit as st
from PIL import Image

from signing_core.pdf import foreign


@st.cache_data(max_entries=48, show_spinner=False)
def page(sha256: str, number: int, _data: bytes, dpi: int = 88) -> bytes:
    """One page, counted from 1. Raises `DocumentRefused`."""
    return foreign.page(_data, number, dpi=dpi)


def png(picture: Image.Image) -> bytes:
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=3)  # of a page faster than more, and no larger
    return data.getvalue()
