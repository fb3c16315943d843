"""A table of parties, CSV or Excel: one row for each document that is to be made.

The first row names the columns. `client_name` and `client_contact` are needed; `title`, `client_organisation`, `client_email`
(where the finished PDF goes when the contact is a number), `language` and the `first_party_...` columns may be there; every other
column is a field of the template.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from signing_core.errors import UsageError

NEEDED: Final = ("client_name", "client_contact")
KNOWN: Final = (
    "title",
    *NEEDED,
    "client_organisation",
    "client_email",
    "first_party_name",
    "first_party_contact",
    "first_party_organisation",
    "language",
)
_MOST_ROWS: Final = 100_000


@dataclass(frozen=True)
class PartyRow:
    number: int
    """As the program shows it in which the table was made: the first row below the header is 2."""
    values: dict[str, str]
    """By column; empty cells are left out."""

    def known(self, column: str) -> str | None:
        return self.values.get(column)

    @property
    def fields(self) -> dict[str, str]:
        """What is meant for the template."""
        return {name: value for name, value in self.values.items() if name not in KNOWN}


def read(file: Path) -> list[PartyRow]:
    """The rows that are not empty. Raises `UsageError` for a file that is no such table."""
    suffix = file.suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        raise UsageError(f"{file.name} is neither .csv nor .xlsx; save the table as one of them.")
    try:
        rows = list(_csv(file) if suffix == ".csv" else _excel(file))
    except OSError as error:
        raise UsageError(f"The table {file} cannot be read: {error.strerror or error}.") from error
    if not rows:
        raise UsageError(f"{file.name} is empty; its first row names the columns.")
    header = _header(file, rows[0])
    if len(rows) - 1 > _MOST_ROWS:
        raise UsageError(f"{file.name} has more than {_MOST_ROWS} rows; share it out among several files.")
    found = []
    for number, cells in enumerate(rows[1:], start=2):
        values = {name: text for name, text in zip(header, cells, strict=False) if name and text}
        if values:
            found.append(PartyRow(number, values))
    return found


def _header(file: Path, cells: Sequence[str]) -> list[str]:
    header = [cell.strip().lower().replace(" ", "_") for cell in cells]
    for name in NEEDED:
        if name not in header:
            raise UsageError(f"{file.name} has no column {name}; its first row names the columns.")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise UsageError(f"{file.name} has two columns {sorted(twice)[0]}; rename one of them.")
    return header


def _csv(file: Path) -> Iterator[list[str]]:
    data = file.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{file.name} is not UTF-8 text in line {line}; save it as CSV UTF-8.") from None
    first = text.partition("\n")[0]
    delimiter = max((";", ",", "\t"), key=first.count)
    try:
        yield from (
            [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
        )
    except csv.Error as error:
        raise UsageError(f"{file.name} is not a CSV table: {error}.") from None


def _excel(file: Path) -> Iterator[list[str]]:
    import zipfile

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise UsageError(f"{file.name} is not an Excel file that can be read: {error}.") from None
    try:
        rows: Iterable[Sequence[Any]] = book.worksheets[0].iter_rows(values_only=True)
        yield from ([_text(cell) for cell in row] for row in rows)
    finally:
        book.close()


def _text(cell: Any) -> str:
    """A cell as somebody would have written it into a CSV file."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime) and (cell.hour, cell.minute, cell.second) == (0, 0, 0):
        return cell.date().isoformat()
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()
