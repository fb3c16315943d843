"""Documents: find, filter, share the address of what was found, take it away."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import streamlit as st

from dashboards import files, look, queries, session, shared
from dashboards.lists import head, line
from dashboards.queries import DocumentRow, Filters
from dashboards.words import t
from signing_core.access import Access, Right
from signing_core.flow import Status

SIZE = 25


def page() -> None:
    mine = session.guard(Right.SEE_OWN)
    st.title(t("Documents"))
    filters = _filters(mine)
    number = min(int(st.session_state.get("page") or 1), queries.MOST_COUNTED // SIZE)
    found = queries.search(mine, filters, page=number, size=SIZE)
    _above(mine, filters, found)
    if not found.rows:
        look.nothing(t("No document matches. Take a filter away, or search for a part of the title or of a name."))
        return
    with st.container(gap=None, key="list"):
        head()
        for row in found.rows:
            line(row)
    pages = -(-min(found.total, queries.MOST_COUNTED) // SIZE)
    if pages > 1:
        st.pagination(pages, key="page", bind="query-params")
    if number >= pages and (found.more or found.total > queries.MOST_COUNTED):
        look.nothing(t("There are more than can be paged through: search, or narrow the dates under “More filters”."))


_back_to_first = shared.first_page("page")


def _filters(mine: Access) -> Filters:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            t("Search"),
            key="q",
            bind="query-params",
            placeholder=t("Title, party, contact, id or SHA-256"),
            on_change=_back_to_first,
            width=310,
        )
        status = shared.select(
            t("Status"),
            ["open", *(str(status) for status in Status)],
            placeholder=t("Any"),
            format_func=t,
            key="status",
            on_change=_back_to_first,
            width=190,
        )
        sort = shared.select(
            t("Order"), queries.SORTS, default="newest", format_func=t, key="sort", on_change=_back_to_first, width=175
        )
        with st.popover(t("More filters"), icon=":material/tune:"):
            language = shared.segmented(
                t("Language of the document"), ["en", "de"], format_func=t, key="written", on_change=_back_to_first
            )
            since = st.date_input(
                t("Created from"), None, key="since", bind="query-params", on_change=_back_to_first, format="YYYY-MM-DD"
            )
            until = st.date_input(
                t("Created until"),
                None,
                key="until",
                bind="query-params",
                on_change=_back_to_first,
                format="YYYY-MM-DD",
            )
        problems = False
        if mine.may(Right.SEE_FINDINGS):
            problems = st.toggle(t("With open findings"), key="problems", bind="query-params", on_change=_back_to_first)
    zone = session.workspace().zone

    def moment(day: object, at: time) -> datetime | None:
        return datetime.combine(day, at, zone).astimezone(UTC) if isinstance(day, date) else None

    return Filters(text, status, problems, language, moment(since, time.min), moment(until, time.max), sort or "newest")


def _above(mine: Access, filters: Filters, found: queries.Found) -> None:
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        number = f"{found.total:,}".replace(",", " ")
        look.html(
            look.muted(
                t("More than {number} found", number=number) if found.more else t("{number} found", number=number)
            )
        )
        with st.popover(t("Export"), icon=":material/download:", disabled=not found.rows):
            st.caption(
                t(
                    "What the filters find: up to {rows} lines, up to {files} PDFs.",
                    rows=files.MOST_ROWS,
                    files=files.MOST_FILES,
                )
            )

            def rows(most: int = files.MOST_ROWS) -> tuple[DocumentRow, ...]:
                return queries.matching(mine, filters, most=most)

            files.downloads(lambda: files.table(rows()), "documents")
            st.download_button(
                t("PDFs (zip)"),
                lambda: files.as_zip(mine, rows(files.MOST_FILES)),
                "documents.zip",
                "application/zip",
                on_click="ignore",
            )


page()
