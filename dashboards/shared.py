"""Choices that stand in the address of the page, so that it can be shared.

Streamlit's own binding writes what is *shown* into the address, which is another text in another language; here it is the
value. A link that leads to the same page with another value wins over what was chosen before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st


def segmented(label: str, options: Sequence[str], *, key: str, default: str | None = None, **more: Any) -> str | None:
    """`st.segmented_control`; with a default there is always something chosen."""
    _take(key, options, default)
    value = st.segmented_control(label, options, key=key, required=default is not None, **more)
    return _keep(key, value, default)


def select(label: str, options: Sequence[str], *, key: str, default: str | None = None, **more: Any) -> str | None:
    """`st.selectbox`; without a default nothing is chosen at first."""
    _take(key, options, default)
    if default is None:
        more["index"] = None
    return _keep(key, st.selectbox(label, options, key=key, **more), default)


def opened(key: str) -> str:
    """What the address names to be looked at closer, such as a finding; empty when there is nothing.

    A link to the page that is shown already leaves the browser's address as it was, so the address is written anew.
    """
    chosen = str(st.query_params.get(key) or "")
    if chosen != st.session_state.get(f"opened {key}", ""):
        st.query_params.from_dict(st.query_params.to_dict())
        st.session_state[f"opened {key}"] = chosen
    return chosen


def first_page(key: str) -> Callable[[], None]:
    """For `on_change` of filters: the list begins at its first page again."""

    def change() -> None:
        st.session_state[key] = 1

    return change


def _take(key: str, options: Sequence[str], default: str | None) -> None:
    given = st.query_params.get(key)
    known = f"address of {key}"
    if key in st.session_state and given == st.session_state.get(known):
        return
    if given in options:
        st.session_state[key] = given
    elif key not in st.session_state or st.session_state.get(known) is not None:
        st.session_state[key] = default
    st.session_state[known] = given


def _keep(key: str, value: str | None, default: str | None) -> str | None:
    shown = None if value == default else value
    if shown is None:
        st.query_params.pop(key, None)
    else:
        st.query_params[key] = shown
    st.session_state[f"address of {key}"] = shown
    return value if value is not None else default
