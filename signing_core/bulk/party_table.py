"""A table of parties, CSV or Excel: one row for each document that is to be made.

The first row names the columns. `client_name` and `client_contact` are needed; `title`, `client_organisation`, `client_email`
(where the finished PDF goes when the contact is a number), `client_place` (where the client signs, see `pdf.places`), `language`
and the `first_party_...` columns may be there; every other column is a field of the template.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from signing_core import limited
from signing_core.errors import UsageError
from signing_core.limited import Allowance

NEEDED: Final = ("client_name", "client_contact")
KNOWN: Final = (
    "title",
    *NEEDED,
    "client_organisation",
    "client_email",
    "client_place",
    "first_party_name",
    "first_party_contact",
    "first_party_organisation",
    "first_party_place",
    "language",
)
_CONTACTS: Final = ("client_contact", "first_party_contact")
_MOST_ROWS: Final = 100_000
_MOST_COLUMNS: Final = 256
_MOST_CELLS: Final = 2_000_000
_MOST_BYTES: Final = 20 << 20
_MOST_UNPACKED: Final = 256 << 20
"""Bytes of all parts of an Excel file: far more than so many cells need."""
_SECONDS: Final = 8.0
"""Of processor time for a small table."""
_SECONDS_PER_MEGABYTE: Final = 6.0
_OLE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
"""What .xls begins with, and an .xlsx that Excel has encrypted."""
_HINT: Final = re.compile(r'"?sep=(.)"?[;,\t ]*(\r\n|\r|\n|$)', re.IGNORECASE)
"""A first line for Excel alone, which shows the second as row 1."""
_SHARED: Final = "ÄÉÓÖÜßäéóöü"
"""The letters for which the Windows code pages of western, central and northern Europe and Turkey, and ISO 8859-1, -2 and -15,
have the same byte."""
_SHORTENED: Final = re.compile(r"\d[\d.,]*E\+?\d+", re.IGNORECASE)
_MOST_DIGITS: Final = 10**15
"""Of a larger number Excel keeps the first 15 digits."""


@dataclass(frozen=True)
class PartyRow:
    number: int
    """As the program shows it in which the table was made: the first row below the header is 2."""
    values: dict[str, str]
    """By column; empty cells are left out."""
    faults: tuple[tuple[str, str], ...] = ()
    """Column and sentence for each cell that cannot be used: the row is not to become a document."""

    def known(self, column: str) -> str | None:
        return self.values.get(column)

    @property
    def fields(self) -> dict[str, str]:
        """What is meant for the template."""
        return {name: value for name, value in self.values.items() if name not in KNOWN}


@dataclass(frozen=True)
class _Unusable:
    """A cell of which nobody can say what is to be in the document."""

    why: str


class _Number(str):
    """A cell that Excel holds as a number: if a `+` or zeros were typed before it, they are gone."""


_Cell = str | _Unusable


def read(file: Path) -> list[PartyRow]:
    """The rows that are not empty, read in a limited process. Raises `UsageError` for a file that is no such table."""
    suffix = file.suffix.lower()
    if suffix not in (".csv", ".xlsx"):
        raise UsageError(f"{file.name} is neither .csv nor .xlsx; save the table as one of them.")
    if file.exists() and not file.is_file():
        raise UsageError(f"{file} is not a file; name the CSV or Excel file with the table.")
    try:
        with file.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"The table {file} cannot be read: {error.strerror or error}; check its path and rights."
        ) from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{file.name} is larger than {_MOST_BYTES >> 20} MB; share it out among several files.")
    allowance = Allowance(_SECONDS + _SECONDS_PER_MEGABYTE * len(data) / 1e6)
    try:
        rows = limited.call("signing_core.bulk.party_table:rows", file.name, data, suffix, allowance=allowance)
    except limited.Exceeded as exceeded:
        raise UsageError(
            f"{file.name} cannot be read: reading it {exceeded.reason}; copy the rows that are meant into a new table."
        ) from None
    return [PartyRow(number, values, tuple(faults)) for number, values, faults in rows]


def rows(name: str, data: bytes, suffix: str) -> list[tuple[int, dict[str, str], list[tuple[str, str]]]]:
    """What `read` reads, as plain values, in the limited process."""
    table = _bounded(name, _csv(name, data) if suffix == ".csv" else _excel(name, data))
    header = _header(name, next(table, []))
    found: list[tuple[int, dict[str, str], list[tuple[str, str]]]] = []
    for number, cells in enumerate(table, start=2):
        row = _row(number, header, cells, exact=suffix == ".csv")
        if row.values or row.faults:
            found.append((row.number, {name: str(value) for name, value in row.values.items()}, list(row.faults)))
    return found


def _bounded(name: str, table: Iterator[Sequence[_Cell]]) -> Iterator[Sequence[_Cell]]:
    """The rows, up to the first that is too much: of columns, rows or cells."""
    left = _MOST_CELLS
    for number, cells in enumerate(table, start=1):
        left -= len(cells)
        if len(cells) > _MOST_COLUMNS:
            raise UsageError(
                f"{name} has something in column {_letters(len(cells) - 1)} of row {number}, and {_MOST_COLUMNS} columns are "
                "read; delete what is not part of the table."
            )
        if number > _MOST_ROWS + 1 or left < 0:
            what = f"{_MOST_ROWS} rows" if left >= 0 else f"{_MOST_CELLS} cells"
            raise UsageError(f"{name} has more than {what}; share it out among several files.")
        yield cells


def _row(number: int, header: Sequence[str], cells: Sequence[_Cell], *, exact: bool) -> PartyRow:
    """`exact`: cells beyond the header are wrong even when they are empty, for an address with a comma and no quotes shifts
    what follows it into the wrong columns, the last of which may have been empty."""
    values: dict[str, str] = {}
    faults = []
    if exact and len(cells) > len(header) and any(cells):
        message = f"The row has {len(cells)} cells and the first row names {len(header)}; put a text with a separator in quotes."
        faults.append((_letters(len(header)), message))
    for index, cell in enumerate(cells):
        name = header[index] if index < len(header) else ""
        if not cell:
            continue
        if not name:
            faults.append((_letters(index), "There is text in a column that the first row does not name; name it."))
        elif isinstance(cell, _Unusable):
            faults.append((name, cell.why))
        elif name in _CONTACTS and (isinstance(cell, _Number) or _SHORTENED.fullmatch(cell)):
            # Which country's number it was cannot be told any more, and a guess would reach somebody else.
            faults.append((name, _LOST))
        else:
            values[name] = cell
    return PartyRow(number, values, tuple(faults))


_LOST: Final = (
    "The telephone number was kept as a number, which has no + and no zeros before it; format the column as text and type the "
    "number again in full, for example +49 171 3920012."
)


def _letters(index: int) -> str:
    """A column as programs show it: A, B, ... Z, AA."""
    letters = ""
    while index >= 0:
        index, digit = divmod(index, 26)
        letters = chr(ord("A") + digit) + letters
        index -= 1
    return letters


def _header(table: str, cells: Sequence[_Cell]) -> list[str]:
    header = ["" if isinstance(cell, _Unusable) else "_".join(cell.lower().split()) for cell in cells]
    if not any(header):
        raise UsageError(f"The first row of {table} is empty; it names the columns.")
    for name in NEEDED:
        if name not in header:
            raise UsageError(f"{table} has no column {name}; its first row names the columns.")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise UsageError(f"{table} has two columns {sorted(twice)[0]}; rename one of them.")
    return header


def _csv(name: str, data: bytes) -> Iterator[Sequence[_Cell]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        windows = _of_windows(data)
        if windows is None:
            raise UsageError(f"{name} is not UTF-8 text in line {line}; save it as CSV UTF-8.") from None
        text = windows
    if "\0" in text:  # UTF-16 without its mark decodes as UTF-8
        raise UsageError(f"{name} is not UTF-8 text; save it as CSV UTF-8.")
    hint = _HINT.match(text)
    text = text[hint.end() :] if hint else text
    first = text.partition("\n")[0]
    delimiter = hint[1] if hint else max((";", ",", "\t"), key=first.count)
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise UsageError(f"{name} is not a CSV table: {error}.") from None


def _of_windows(data: bytes) -> str | None:
    """What Excel saved as "CSV" on a German Windows, if it can be read in one way only.

    Other code pages have other letters at the same bytes, and a name that is read wrongly would be signed: so nothing but the
    letters in which they agree, each in a word with letters of ASCII, as it would not be in Greek or Cyrillic, and the euro sign
    outside of words, where other systems have letters.
    """
    text = data.decode("cp1252", errors="replace")
    if any(letter > "\x7f" and letter not in _SHARED + "€" for letter in text):
        return None
    words = re.findall(f"[A-Za-z{_SHARED}€]+", text)
    usual = all(word == "€" or ("€" not in word and re.search("[A-Za-z]", word)) for word in words)
    return text if usual else None


def _excel(name: str, data: bytes) -> Iterator[Sequence[_Cell]]:
    import zipfile
    import zlib
    from xml.etree.ElementTree import ParseError

    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    broken = (
        *(InvalidFileException, zipfile.BadZipFile, zlib.error, ParseError),
        *(KeyError, IndexError, ValueError, TypeError, AttributeError, EOFError, NotImplementedError),
    )
    if data.startswith(_OLE):
        raise UsageError(f"{name} is an old .xls or has a password; save it as .xlsx without one.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > _MOST_UNPACKED:
                raise UsageError(
                    f"{name} unpacks to more than {_MOST_UNPACKED >> 20} MB; share it out among several files."
                )
        with ExitStack() as books:
            # The results of formulas, and the formulas: one that was never calculated has an empty cell for its result.
            results, formulas = (
                openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=only) for only in (True, False)
            )
            books.callback(results.close)
            books.callback(formulas.close)
            if not results.worksheets:
                raise UsageError(f"{name} has no worksheet, only charts; put the table on a worksheet.")
            # The first worksheet that its author sees; what is hidden was not meant.
            shown = next((number for number, one in enumerate(results.worksheets) if one.sheet_state == "visible"), 0)
            sheets = (results.worksheets[shown], formulas.worksheets[shown])
            for sheet in sheets:
                sheet.reset_dimensions()  # what the file says of its size can be wrong, and rows would be left out
            for row in zip(*(sheet.iter_rows() for sheet in sheets), strict=True):
                yield [_excel_cell(*cells) for cells in zip(*row, strict=True)]
    except broken as error:
        raise UsageError(f"{name} is not an Excel file that can be read: {error}.") from None


def _excel_cell(result: Any, formula: Any) -> _Cell:
    if result.data_type == "e":
        return _Unusable(f"The cell has the error {result.value} in it.")
    if result.value is None and formula.data_type == "f":
        return _Unusable("The cell has a formula without a result; open the table in Excel and save it.")
    number = result.value
    if isinstance(number, int | float) and not isinstance(number, bool):
        if abs(number) >= _MOST_DIGITS:
            return _Unusable(
                "The cell is a number of more than 15 digits, of which Excel keeps 15; format it as text and type it again."
            )
        text = _text(number)
        if text.isdecimal() and re.fullmatch("0{2,}", str(result.number_format)):
            text = text.zfill(len(result.number_format))  # a postal code, as Excel shows it
        return _Number(text)
    return _text(number)


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
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else f"{cell:.15g}"  # as many digits as Excel shows
    return str(cell).strip()
