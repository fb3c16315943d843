"""What a signer saw when it consented, beside the file as it is now."""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa
import streamlit as st

from dashboards import comparing, judged, look, shared
from dashboards.words import t
from signing_core.access import Access
from signing_core.desk import verifying
from signing_core.errors import SealtrailError
from signing_core.flow import State


def show(mine: Access, document: sa.Row[Any], data: bytes | None) -> None:
    """What a signer saw when it consented, beside the file as it is now."""
    state = State.from_json(document.state)
    saw = {
        str(party.role): party.consent.document_sha256
        for party in (state.first_party, state.client)
        if party.consent is not None
    }
    if not saw:
        look.nothing(t("Nobody has signed yet, so there is nothing to compare."))
        return
    if data is None:
        look.nothing(t("There is no finished file to compare with."))
        return
    row = st.container(horizontal=True, vertical_alignment="bottom", gap="large")
    with row:
        role = shared.segmented(t("Signer"), list(saw), default=list(saw)[-1], format_func=t, key="signer")
    sha256 = saw[role or next(iter(saw))]
    try:
        before = verifying.stored_file(mine.workspace, sha256)
    except SealtrailError as error:
        st.error(str(error))
        return
    now = hashlib.sha256(data).hexdigest()
    states = comparing.overview(sha256, now, before, data)
    if isinstance(states, str):
        st.error(t("The two states cannot be drawn: {why}", why=states))
        return
    words: dict[str, tuple[look.Tone, str]] = {
        "same": ("good", t("same")),
        "later-signature": ("info", t("signed later")),
        "changed": ("bad", t("changed")),
    }
    changed = [one.page for one in states if one.state == "changed"]
    key = f"seen_page_{role}"
    st.session_state.setdefault(key, changed[0] if changed else 1)
    with row:
        number = st.segmented_control(
            t("Page"),
            [one.page for one in states],
            required=True,
            key=key,
            format_func=lambda one: (
                f"{one} {look.SIGNS[words[states[one - 1].state][0]]} {words[states[one - 1].state][1]}"
            ),
        )
    _result(changed, role or "", in_order=judged.verdict(data).in_order)
    shown = comparing.page(sha256, now, int(number or 1), before, data)
    comparing.show(shown, t("What the {role} saw", role=t(role or "")), t("What the file shows now"))
    look.facts([(t("SHA-256 of what was shown"), look.mono(sha256)), (t("SHA-256 of the file now"), look.mono(now))])


def _result(changed: list[int], role: str, *, in_order: bool) -> None:
    if changed:
        st.error(
            t(
                "Page {pages} shows something else than the {role} saw.",
                pages=", ".join(str(number) for number in changed),
                role=t(role),
            ),
            icon=":material/difference:",
        )
    else:
        told = t("Every page shows what the {role} saw, apart from signatures made later.", role=t(role))
        # Pages that look right prove nothing of a file whose verdict is bad: then no green.
        (st.success if in_order else st.info)(told)
