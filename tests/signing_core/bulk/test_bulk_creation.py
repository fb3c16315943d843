"""A template and a table become documents: bad rows by row and column, good rows whatever happens, nothing twice."""

from __future__ import annotations

import csv
import re
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from signing_core.bulk import creation, party_table
from signing_core.bulk.creation import Order
from signing_core.bulk.results import Results
from signing_core.desk import Author, Desk, Signer, sources, views
from signing_core.errors import UsageError
from signing_core.storage.workspace import Workspace

TEMPLATE = """#let data = json(bytes(sys.inputs.data))
= Lease
Rent: #data.fields.rent
Rooms: #data.fields.rooms
"""
HEADER = ("client_name", "client_contact", "rent", "rooms")
GOOD = (
    ("Sample Client A", "client.a@example.net", "1850.00", "3"),
    ("Sample Client B", "+4917139200001", "920.50", "2"),
    ("Sample Client C", "client.c@example.net", "1100.00", "1"),
)
ORDER = Order(
    template="lease",
    author=Author("Sample Author", "author@example.org"),
    first_party=Signer("Sample Director", "director@example.org", "Sample Seals GmbH"),
)


@pytest.fixture
def workspace(blank_copy: Callable[..., Path]) -> Iterator[Workspace]:
    with Workspace.open(blank_copy()) as opened:
        fields = [{"name": "rent", "type": "decimal"}, {"name": "rooms", "type": "integer"}]
        sources.add_template(opened, "lease", TEMPLATE.encode(), kind="typst", fields=fields)
        yield opened


def results(workspace: Workspace) -> Results:
    return Results(workspace.path / "results")


def table(file: Path, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER) -> Path:
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return file


def excel(file: Path, *rows: tuple[object, ...], header: tuple[str, ...] = HEADER) -> Path:
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.active.append(row)
    book.save(file)
    return file


def test_rows_become_drafts_with_their_data(workspace: Workspace, tmp_path: Path) -> None:
    done = creation.create(workspace, results(workspace), table(tmp_path / "leases.csv", *GOOD), ORDER)
    assert sorted(done.documents) == [2, 3, 4]
    assert not done.bad
    status = views.status(workspace, done.documents[3])
    assert (status["title"], status["status"]) == ("lease, Sample Client B", "draft")
    assert status["parties"]["client"]["channel"] == "sms"
    assert status["parties"]["first-party"]["name"] == "Sample Director"


def test_excel_gives_the_same(workspace: Workspace, tmp_path: Path) -> None:
    file = excel(tmp_path / "leases.xlsx", ("Sample Client A", "client.a@example.net", "1850.00", 3.0), (None,) * 4)
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert list(done.documents) == [2]
    assert not done.bad


def test_bad_rows_are_reported_by_row_and_column_and_good_rows_go_on(workspace: Workspace, tmp_path: Path) -> None:
    file = table(
        tmp_path / "leases.csv",
        GOOD[0],
        ("Sample Client X", "not a contact", "1.00", "1"),
        ("Sample Client Y", "y@example.net", "a lot", "1"),
        ("", "z@example.net", "1.00", "1"),
        ("Sample Client V", "v@example.net", "1.00", "many"),
        GOOD[1],
    )
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert sorted(done.documents) == [2, 7]
    assert [(one.row, one.column) for one in done.bad] == [
        (3, "client_contact"),
        (4, "rent"),
        (5, "client_name"),
        (6, "rooms"),
    ]
    assert done.folder is not None
    written = list(csv.reader((done.folder / "bad_rows.csv").open()))
    assert written[1][:3] == ["leases.csv", "3", "client_contact"]


def test_the_same_table_again_makes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    file = table(tmp_path / "leases.csv", *GOOD)
    first = creation.create(workspace, results(workspace), file, ORDER)
    again = creation.create(workspace, results(workspace), file, ORDER)
    assert (first.made_now, again.made_now) == (3, 0)
    assert again.documents == first.documents


def test_a_table_whose_bad_rows_were_corrected_makes_those_alone(workspace: Workspace, tmp_path: Path) -> None:
    bad = ("Sample Client X", "not a contact", "1.00", "1")
    first = creation.create(workspace, results(workspace), table(tmp_path / "leases.csv", GOOD[0], bad, GOOD[1]), ORDER)
    corrected = (GOOD[2], GOOD[0], ("Sample Client X", "x@example.net", "1.00", "1"), GOOD[1])
    again = creation.create(workspace, results(workspace), excel(tmp_path / "corrected.xlsx", *corrected), ORDER)
    assert (first.made_now, again.made_now) == (2, 2)
    assert (again.documents[3], again.documents[5]) == (first.documents[2], first.documents[4])
    assert len(views.listing(workspace)) == 4


def test_the_same_row_twice_in_a_table_is_two_documents(workspace: Workspace, tmp_path: Path) -> None:
    file = table(tmp_path / "leases.csv", GOOD[0], GOOD[1], GOOD[0])
    first = creation.create(workspace, results(workspace), file, ORDER)
    assert len(set(first.documents.values())) == 3
    assert creation.create(workspace, results(workspace), file, ORDER).documents == first.documents
    other = replace(ORDER, first_party=Signer("Another Director", "another@example.org"))
    assert creation.create(workspace, results(workspace), file, other).made_now == 3


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (replace(ORDER, author=Author("Sample Author", "nobody")), "The author cannot be reached: “nobody”"),
        (replace(ORDER, author=Author(" ", "author@example.org")), "The author has no name; give one"),
        (replace(ORDER, first_party=Signer("Sample Director", "")), "The first party cannot be reached"),
        (replace(ORDER, language="fr"), "The language fr is not available; use en or de"),
        (replace(ORDER, template="rent"), "no template rent"),
    ],
)
def test_an_order_that_no_row_can_be_made_of_is_refused_once(
    workspace: Workspace, tmp_path: Path, order: Order, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason):
        creation.create(workspace, results(workspace), table(tmp_path / "leases.csv", *GOOD), order)
    assert views.listing(workspace) == []


@pytest.mark.parametrize("rooms", ["--2", "²", "9" * 5_000, "2.5", "-"])
def test_what_is_no_whole_number_is_the_fault_of_its_row_alone(
    workspace: Workspace, tmp_path: Path, rooms: str
) -> None:
    file = table(tmp_path / "leases.csv", ("Sample Client X", "x@example.net", "1.00", rooms), GOOD[0])
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert [(one.row, one.column) for one in done.bad] == [(2, "rooms")]
    assert sorted(done.documents) == [3]


def test_the_language_of_a_row_is_a_column_like_others(workspace: Workspace, tmp_path: Path) -> None:
    header = (*HEADER, "language")
    file = table(tmp_path / "leases.csv", (*GOOD[0], "fr"), (*GOOD[1], "DE"), header=header)
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert [(one.row, one.column) for one in done.bad] == [(2, "language")]
    assert views.status(workspace, done.documents[3])["language"] == "de"


def test_the_table_of_bad_rows_holds_no_formula(workspace: Workspace, tmp_path: Path) -> None:
    header = (*HEADER, "=1+1")
    done = creation.create(
        workspace, results(workspace), table(tmp_path / "-leases.csv", (*GOOD[0], "x"), header=header), ORDER
    )
    assert done.folder is not None
    (row,) = list(csv.reader((done.folder / "bad_rows.csv").open()))[1:]
    assert row[:3] == ["'-leases.csv", "2", "'=1+1"]


def test_a_row_that_was_made_and_not_written_down_is_found_again(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(tmp_path / "leases.csv", *GOOD)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(creation, "_remember", killed)
        creation.create(workspace, results(workspace), file, ORDER)
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert done.made_now == 2
    assert len(views.listing(workspace)) == 3


def test_sent_at_once(workspace: Workspace, tmp_path: Path) -> None:
    done = creation.create(
        workspace, results(workspace), table(tmp_path / "leases.csv", GOOD[0]), replace(ORDER, send=True)
    )
    assert Desk(workspace).state(done.documents[2]).status == "awaiting-first-party"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The first row of t.csv is empty; it names the columns"),
        (b"\nclient_name,client_contact\n", "The first row of t.csv is empty"),
        (b"name,contact\nA,b\n", "no column client_name"),
        (b"client_name,client_contact,rent,rent\n", "two columns rent"),
        (b"client_name,client_contact\nM\xfcller,m@example.net\n", "not UTF-8 text in line 2"),
        (b'client_name,client_contact\n"A,b\n', "not a CSV table"),
        (b",,\nclient_name,client_contact,rent\n", "The first row of t.csv is empty"),
        ("client_name;client_contact\nA;b\n".encode("utf-16"), "not UTF-8 text in line 1; save it as CSV UTF-8"),
        ("client_name;client_contact\nA;b\n".encode("utf-16-le"), "not UTF-8 text; save it as CSV UTF-8"),
        (b"client_name,client_contact,Rent,rent\n", "two columns rent"),
        (b"client_name|client_contact\nA|b\n", "no column client_name"),
        (b"client_name,client_contact\n" + b"x" * 200_000 + b",b\n", "not a CSV table: field larger"),
    ],
)
def test_tables_that_are_none(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(UsageError, match=reason):
        party_table.read(tmp_path / "t.csv")


def test_an_excel_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"client_name,client_contact\n")
    with pytest.raises(UsageError, match="not an Excel file"):
        party_table.read(tmp_path / "t.xlsx")
    (tmp_path / "t.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(5_000))
    with pytest.raises(UsageError, match=r"t\.xlsx is an old \.xls or has a password; save it as \.xlsx without one"):
        party_table.read(tmp_path / "t.xlsx")


def test_an_excel_file_that_unpacks_to_what_no_table_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = excel(tmp_path / "t.xlsx", *GOOD)
    assert len(party_table.read(file)) == 3
    monkeypatch.setattr(party_table, "_MOST_UNPACKED", 5_000)
    with pytest.raises(UsageError, match="unpacks to more than a gigabyte"):
        party_table.read(file)


def test_a_hidden_sheet_is_not_taken_for_the_table(tmp_path: Path) -> None:
    file = excel(tmp_path / "t.xlsx", *GOOD)
    book = openpyxl.load_workbook(file)
    hidden = book.create_sheet("last year", 0)
    hidden.append(HEADER)
    hidden.append(("Old Client", "old@example.net", "1", "1"))
    hidden.sheet_state = "hidden"
    book.save(file)
    assert [row.values["client_name"] for row in party_table.read(file)] == [row[0] for row in GOOD]


def test_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\ufeffClient Name;client_contact;Stadt\nErika Mustermann;e@example.net;Köln\n")
    (row,) = party_table.read(tmp_path / "t.csv")
    assert row.values == {"client_name": "Erika Mustermann", "client_contact": "e@example.net", "stadt": "Köln"}
    assert row.fields == {"stadt": "Köln"}


def test_a_table_without_rows_makes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    done = creation.create(workspace, results(workspace), table(tmp_path / "leases.csv"), ORDER)
    assert (done.documents, done.bad, done.made_now) == ({}, [], 0)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("Sample Client X,x@example.net,Street 1, Berlin,2", "E"),
        ("Sample Client X,x@example.net,Street 1, Berlin,", "E"),  # shifted all the same
        ("Sample Client X,x@example.net,1.00,2,,,Berlin", "E"),
    ],
)
def test_a_row_with_more_cells_than_the_header_becomes_no_document(
    workspace: Workspace, tmp_path: Path, row: str, column: str
) -> None:
    file = table(tmp_path / "leases.csv", GOOD[0])
    file.write_text(file.read_text() + row + "\n,,,,,\n" + ",".join(GOOD[1]) + "\n")
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert sorted(done.documents) == [2, 5]
    (bad,) = done.bad
    assert (bad.row, bad.column) == (3, column)
    assert re.match(
        r"The row has \d cells and the first row names 4; put a text with a separator in quotes\.", bad.message
    )


def test_text_under_no_name_is_a_fault(tmp_path: Path) -> None:
    names = ("client_name", "client_contact", "")
    for file in (
        table(tmp_path / "t.csv", ("A", "a@example.net", "note"), ("B", "b@example.net", ""), header=names),
        excel(tmp_path / "t.xlsx", ("A", "a@example.net", "note"), ("B", "b@example.net", None, None), header=names),
    ):
        first, second = party_table.read(file)
        assert first.faults == (("C", "There is text in a column that the first row does not name; name it."),)
        assert second.faults == ()


def test_columns_are_named_as_programs_do() -> None:
    assert [party_table._letters(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_two_runs_of_one_table_make_each_document_once(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(tmp_path / "leases.csv", *GOOD)
    make = creation._make
    started = threading.Barrier(2)

    def slowly(*given: Any) -> str:
        time.sleep(0.1)
        return make(*given)

    def run(_: int) -> creation.Created:
        with Workspace.open(workspace.path) as opened:
            started.wait(30)
            return creation.create(opened, results(opened), file, replace(ORDER, send=True))

    monkeypatch.setattr(creation, "_make", slowly)
    with ThreadPoolExecutor(2) as together:
        one, other = together.map(run, range(2))
    assert sorted((one.made_now, other.made_now)) == [0, 3]
    assert one.documents == other.documents
    assert len(views.listing(workspace)) == 3


def test_dates_and_numbers_of_excel_are_as_it_shows_them(tmp_path: Path) -> None:
    header = ("client_name", "client_contact", "from", "at", "rent", "rooms", "furnished")
    row = ("A", "a@example.net", date(2026, 12, 1), datetime.fromisoformat("2026-12-01T10:30"), 1850.1 * 3, 3.0, True)
    (read,) = party_table.read(excel(tmp_path / "t.xlsx", row, header=header))
    assert list(read.fields.values()) == ["2026-12-01", "2026-12-01T10:30:00", "5550.3", "3", "true"]


def calculated(file: Path, result: str) -> Path:
    """The formula of cell C2 with this result, as Excel keeps it."""
    with zipfile.ZipFile(file) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet], count = re.subn(rb'<c r="C2"([^>]*)><f>([^<]*)</f><v ?/?>(</v>)?</c>', result.encode(), parts[sheet])
    assert count == 1
    with zipfile.ZipFile(file, "w") as target:
        for name, data in parts.items():
            target.writestr(name, data)
    return file


def test_formulas_of_excel_give_their_results_or_a_fault(tmp_path: Path) -> None:
    header = ("client_name", "client_contact", "rent")
    row = ("A", "a@example.net", "=1850*2")
    (never,) = party_table.read(excel(tmp_path / "never.xlsx", row, header=header))
    assert never.faults == (("rent", "The cell has a formula without a result; open the table in Excel and save it."),)
    file = calculated(excel(tmp_path / "t.xlsx", row, header=header), '<c r="C2"><f>1850*2</f><v>3700</v></c>')
    assert party_table.read(file)[0].fields == {"rent": "3700"}
    file = calculated(excel(tmp_path / "e.xlsx", row, header=header), '<c r="C2" t="e"><f>1/0</f><v>#DIV/0!</v></c>')
    assert party_table.read(file)[0].faults == (("rent", "The cell has the error #DIV/0! in it."),)


def test_what_an_excel_file_says_of_its_size_is_not_believed(tmp_path: Path) -> None:
    file = excel(tmp_path / "t.xlsx", GOOD[0], (None,) * 4, GOOD[1])
    with zipfile.ZipFile(file) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:B2"', parts[sheet])
    with zipfile.ZipFile(file, "w") as target:
        for name, data in parts.items():
            target.writestr(name, data)
    assert [(row.number, len(row.values)) for row in party_table.read(file)] == [(2, 4), (4, 4)]


def test_a_broken_sheet_of_excel_is_said_to_be_broken(tmp_path: Path) -> None:
    file = excel(tmp_path / "t.xlsx", *GOOD)
    with zipfile.ZipFile(file) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    with zipfile.ZipFile(file, "w") as target:
        for name, data in parts.items():
            target.writestr(name, data[:-40] if name.endswith("sheet1.xml") else data)
    with pytest.raises(UsageError, match="not an Excel file that can be read"):
        party_table.read(file)
