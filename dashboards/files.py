"""What can be taken away: lists as CSV and Excel, PDFs as one zip."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

import streamlit as st

from dashboards.queries import DocumentRow
from signing_core.access import Access, Right
from signing_core.desk import verifying, views
from signing_core.errors import SealtrailError

MOST_ROWS: Final = 10_000
MOST_FILES: Final = 200
_COLUMNS: Final = (
    "id",
    "title",
    "status",
    "author",
    "first_party",
    "client",
    "pages",
    "created_at",
    "updated_at",
    "expires_at",
    "completed_at",
    "certificate_id",
    "final_sha256",
    "last_verdict",
    "open_findings",
)


def table(rows: Sequence[DocumentRow]) -> list[dict[str, Any]]:
    return [{name: _value(getattr(row, name)) for name in _COLUMNS} for row in rows]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """UTF-8 with a byte order mark, for spreadsheets. A cell that a spreadsheet would compute is marked as text."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    if rows:
        writer.writerow(rows[0].keys())
    for row in rows:
        writer.writerow([_plain(value) for value in row.values()])
    return text.getvalue().encode("utf-8-sig")


def as_excel(rows: Sequence[Mapping[str, Any]], *, sheet: str = "Sealtrail") -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell

    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.freeze_panes = "A2"
    if rows:
        page.append(list(rows[0].keys()))
    for row in rows:
        cells = []
        for value in row.values():
            plain = value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
            cell = WriteOnlyCell(page, value=plain)
            if isinstance(plain, str):
                cell.data_type = "s"  # never a formula
            cells.append(cell)
        page.append(cells)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def downloads(
    rows: Sequence[Mapping[str, Any]] | Callable[[], Sequence[Mapping[str, Any]]], name: str, *, disabled: bool = False
) -> None:
    """The two buttons of a table that can be taken away. Rows given as a function are made when asked for."""
    for label, ending, mime, form in (
        ("CSV", "csv", "text/csv", as_csv),
        ("Excel", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", as_excel),
    ):
        st.download_button(
            label,
            partial(_made, form, rows),
            f"{name}.{ending}",
            mime,
            icon=":material/download:",
            on_click="ignore",
            disabled=disabled,
            key=f"{name}.{ending}",
        )


def _made(
    form: Callable[[Sequence[Mapping[str, Any]]], bytes],
    rows: Sequence[Mapping[str, Any]] | Callable[[], Sequence[Mapping[str, Any]]],
) -> bytes:
    return form(rows() if callable(rows) else rows)


def as_zip(access: Access, rows: Sequence[DocumentRow]) -> bytes:
    """The finished PDFs, as they are stored, with a list of hashes; what is not there is named in the list."""
    access.require(Right.SEE_OWN)
    data = io.BytesIO()
    listed: list[dict[str, Any]] = []
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for row in rows[:MOST_FILES]:
            if row.final_sha256 is None:
                continue
            name = views.file_name(row.title, row.id)
            try:
                archive.writestr(name, verifying.stored_file(access.workspace, row.final_sha256))
                there = "included"
            except SealtrailError as error:
                there = str(error)
            listed.append({"file": name, "document_id": row.id, "sha256": row.final_sha256, "state": there})
        archive.writestr("files.csv", as_csv(listed))
    return data.getvalue()


def _value(value: Any) -> Any:
    return views.when(value) if isinstance(value, datetime) else value


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
