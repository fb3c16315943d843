"""Many documents from one table: every line is looked at before the first document is made."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from dashboards.words import t
from signing_core.delivery import contacts
from signing_core.errors import ContactRefused, UsageError

COLUMNS: Final = ("title", "client_name", "client_contact", "client_organisation", "client_email")
REQUIRED: Final = ("title", "client_name", "client_contact")
MOST_LINES: Final = 500


@dataclass(frozen=True)
class Line:
    """One line of the table; `number` as a spreadsheet counts, the heading being 1."""

    number: int
    values: Mapping[str, str]
    data: Mapping[str, str] = field(default_factory=dict)
    """For the template's fields."""
    problems: tuple[str, ...] = ()


def read(content: bytes, name: str, *, region: str, fields: tuple[str, ...] = ()) -> list[Line]:
    """The lines of a CSV or Excel file; `fields` are further columns for a template.

    Raises `UsageError` for a file that is no such table, lacks a column or has too many lines.
    """
    table = _excel(content, name) if name.lower().endswith((".xlsx", ".xlsm")) else _csv(content, name)
    if not table:
        columns = ", ".join(COLUMNS)
        raise UsageError(t("{file} is empty; its first line names the columns: {columns}.", file=name, columns=columns))
    heading = [cell.strip().lower() for cell in table[0]]
    if missing := [column for column in REQUIRED if column not in heading]:
        needed = ", ".join(REQUIRED)
        raise UsageError(
            t("{file} has no column {column}; needed are {needed}.", file=name, column=missing[0], needed=needed)
        )
    lines = [row for row in table[1:] if any(cell.strip() for cell in row)]
    if len(lines) > MOST_LINES:
        raise UsageError(
            t(
                "{file} has {number} lines; at most {most} documents are made at once: split it.",
                file=name,
                number=len(lines),
                most=MOST_LINES,
            )
        )
    found = []
    for number, row in enumerate(table[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = {key: value.strip() for key, value in zip(heading, row, strict=False)}
        values = {column: cells.get(column, "") for column in COLUMNS}
        data = {key: cells[key] for key in fields if key in cells}
        found.append(Line(number, values, data, tuple(_problems(values, region))))
    return found


def _problems(values: Mapping[str, str], region: str) -> list[str]:
    found = [t("{column} is empty", column=column) for column in REQUIRED if not values[column]]
    try:
        if values["client_contact"]:
            contacts.parse(values["client_contact"], region=region)
        if values["client_email"]:
            contacts.parse_email(values["client_email"])
    except ContactRefused as error:
        found.append(str(error))
    return found


def _csv(content: bytes, name: str) -> list[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(t("{file} is not UTF-8 text; save it as CSV in UTF-8.", file=name)) from None
    try:
        dialect: type[csv.Dialect] | csv.Dialect = csv.Sniffer().sniff(text[:4096], delimiters=",;\t")
    except csv.Error:
        dialect = csv.excel
    return [list(row) for row in csv.reader(io.StringIO(text), dialect)]


def _excel(content: bytes, name: str) -> list[list[str]]:
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (BadZipFile, InvalidFileException, KeyError, ValueError):
        raise UsageError(
            t("{file} is not an Excel file that can be read; save it as .xlsx or CSV.", file=name)
        ) from None
    sheet = book.worksheets[0]
    return [
        ["" if cell is None else str(cell) for cell in row]
        for row in sheet.iter_rows(values_only=True, max_row=MOST_LINES + 10)
    ]
