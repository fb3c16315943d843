"""People and roles: who may do what, for administrators."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboards import look, session
from dashboards.words import t
from signing_core import access as who
from signing_core.access import RIGHTS, Access, Right, Role
from signing_core.errors import SealtrailError
from signing_core.storage.database import reading


def page() -> None:
    mine = session.guard(Right.ADMINISTER)
    st.title(t("People and roles"))
    left, right = st.columns([5, 4], gap="large")
    with left:
        _granted(mine)
    with right:
        _grant(mine)
        st.subheader(t("What the roles may do"))
        look.listing(
            [t("Role"), t("Rights")],
            [[escape(t(role)), escape(", ".join(t(right) for right in sorted(RIGHTS[role])))] for role in Role],
            caption=t("What the roles may do"),
        )


def _granted(mine: Access) -> None:
    st.subheader(t("Granted roles"))
    with reading(mine.workspace.engine) as connection:
        rows = who.grants(connection)
    named = mine.workspace.settings.access.administrators
    if named:
        look.html(look.muted(t("Administrators by the settings: {names}", names=", ".join(named))))
    if not rows:
        look.nothing(t("No role was granted yet."))
        return
    for row in rows:
        one, other = st.columns([5, 1], vertical_alignment="center")
        with one:
            look.row(
                "minmax(180px,2fr) 120px 1.4fr",
                [escape(row.subject), look.chip(t(row.role), "info"), look.muted(look.when(row.granted_at))],
            )
        if other.button(t("Revoke"), key=f"revoke-{row.subject}-{row.role}"):
            _do(lambda row=row: who.revoke(mine, row.subject, Role(row.role)))


def _grant(mine: Access) -> None:
    st.subheader(t("Grant a role"))
    with st.form("grant", clear_on_submit=True):
        subject = st.text_input(t("E-mail address, as the provider confirms it"))
        role = st.segmented_control(
            t("Role"), [str(role) for role in Role], default=str(Role.ANALYST), required=True, format_func=t
        )
        if st.form_submit_button(t("Grant"), type="primary"):
            _do(lambda: who.grant(mine, subject, Role(role or Role.ANALYST)))


def _do(work: object) -> None:
    try:
        work()  # type: ignore[operator]
    except SealtrailError as error:
        st.error(str(error))
    else:
        st.rerun()


page()
