"""Many documents from one table: what can be made of it is shown before anything is made."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import streamlit as st

from dashboards import bulk, look, prepared, session
from dashboards.words import t
from signing_core.access import Access, Right, acting
from signing_core.desk import Author, NewDocument, Signer, sources
from signing_core.errors import SealtrailError
from signing_core.pdf.conversion import Converted
from signing_core.storage import directory
from signing_core.storage.database import reading


def show(mine: Access, parties: Callable[[], tuple[Signer | None, Author | None]]) -> None:
    """The page; `parties` asks for the first party and the author, who are the same for all."""
    with reading(mine.workspace.engine) as connection:
        known = {one.name: one for one in directory.templates(connection)}
    left, right = st.columns(2, gap="large")
    with left:
        given = st.file_uploader(t("What everybody signs"), accept_multiple_files=True, key="many_pdf")
        made = prepared.uploaded(mine.workspace, given)
        if made is not None and made.made_from:
            prepared.changes([], made.made_from)
        chosen = None
        if known:
            chosen = st.selectbox(
                t("Or a template, filled from the table"), list(known), index=None, key="many_template"
            )
        fields = tuple(field["name"] for field in known[chosen].fields) if chosen else ()
        table = st.file_uploader(t("Table (CSV or Excel)"), type=["csv", "xlsx"], key="many_table")
        st.caption(t("Columns: {columns}", columns=", ".join((*bulk.COLUMNS, *fields))))
    with right:
        first, author = parties()
    if table is None or not (made or chosen):
        return
    try:
        lines = bulk.read(table.getvalue(), table.name, region=mine.workspace.settings.phone_region, fields=fields)
    except SealtrailError as error:
        st.error(str(error), icon=":material/error:")
        return
    bad = [line for line in lines if line.problems]
    look.html(
        look.chip(t("{number} lines can be made", number=len(lines) - len(bad)), "good")
        + " "
        + (look.chip(t("{number} lines have errors", number=len(bad)), "bad") if bad else "")
    )
    look.listing(
        [t("Line"), t("Title"), t("Client"), t("Contact"), t("Errors")],
        [
            [
                str(line.number),
                escape(line.values["title"]),
                escape(line.values["client_name"]),
                escape(line.values["client_contact"]),
                escape("; ".join(line.problems)) or look.chip(t("none"), "good"),
            ]
            for line in sorted(lines, key=lambda one: (not one.problems, one.number))[:100]
        ],
        caption=t("Lines of the table"),
    )
    send = st.toggle(t("Send them at once"), key="many_send")
    if st.button(
        t("Create {number} documents", number=len(lines) - len(bad)),
        type="primary",
        disabled=not (first and author and len(lines) > len(bad)),
    ):
        assert first is not None and author is not None  # noqa: S101  the button is disabled without them
        good = [line for line in lines if not line.problems]
        _make_many(mine, good, made, chosen, first, author, send)


def _make_many(
    mine: Access,
    lines: list[bulk.Line],
    given: Converted | None,
    template: str | None,
    first: Signer,
    author: Author,
    send: bool,
) -> None:
    mine.require(Right.CREATE)
    failed, made = [], 0
    bar = st.progress(0.0)
    for number, line in enumerate(lines, start=1):
        try:
            source, template_id = given.pdf if given else None, None
            if template is not None:
                filled = sources.from_template(mine.workspace, template, line.data, language=session.language())
                source, template_id = filled.pdf, filled.template_id
            values = line.values
            client = Signer(
                values["client_name"],
                values["client_contact"],
                values["client_organisation"] or None,
                values["client_email"] or None,
            )
            assert source is not None  # noqa: S101  the caller has one of the two
            acting.create(
                mine,
                NewDocument(
                    source=source,
                    title=values["title"],
                    author=author,
                    first_party=first,
                    client=client,
                    made_from=given.made_from if given and template is None else None,
                    template_id=template_id,
                    template_data=dict(line.data) or None,
                ),
                send=send,
            )
            made += 1
        except SealtrailError as error:
            failed.append((line.number, str(error)))
        bar.progress(number / len(lines))
    bar.empty()
    st.success(t("{number} documents were created.", number=made))
    for number, why in failed:
        st.error(t("Line {number}: {why}", number=number, why=why))
