"""A template and a table become documents: bad rows by row and column, good rows whatever happens, nothing twice."""

from __future__ import annotations

import csv
import hashlib
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
from signing_core.desk import Author, Desk, NewDocument, Signer, records, sources, views
from signing_core.errors import ObjectMissing, UsageError
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace

TEMPLATE = """#let data = json(bytes(sys.inputs.data))
= Lease
Rent: #data.fields.rent
Rooms: #data.fields.rooms
"""
TEMPLATE_FIELDS = [{"name": "rent", "type": "decimal"}, {"name": "rooms", "type": "integer"}]
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
        sources.add_template(opened, "lease", TEMPLATE.encode(), kind="typst", fields=TEMPLATE_FIELDS)
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


def test_a_table_and_a_template_say_where_to_sign(workspace: Workspace, tmp_path: Path) -> None:
    marked = TEMPLATE + "\n{{sign:first-party}}\n\nSigned by the client\n#pagebreak()\nThe end"
    sources.add_template(workspace, "lease", marked.encode(), kind="typst", fields=TEMPLATE_FIELDS)
    places = ("1:20,100,80,25", "text:Signed by", "5:1,1", "somewhere")
    rows = [(*row, place) for row, place in zip((*GOOD, GOOD[0]), places, strict=True)]
    file = table(tmp_path / "leases.csv", *rows, header=(*HEADER, "client_place"))
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert sorted(done.documents) == [2, 3]
    assert [(bad.row, bad.column) for bad in done.bad] == [(4, None), (5, "client_place")]
    assert "page 5" in done.bad[0].message and "millimetres" in done.bad[1].message
    with reading(workspace.engine) as connection:
        fields = [records.load(connection, done.documents[row]).fields for row in (2, 3)]
    assert [(one["first-party"]["page"], one["client"]["page"]) for one in fields] == [(1, 1), (1, 1)]
    assert fields[0]["client"]["width_pt"] == pytest.approx(80 / 25.4 * 72)


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
        (replace(ORDER, author=Author("Sample Author", "nobody")), "reached: the contact is no usable e-mail address"),
        (replace(ORDER, author=Author(" ", "author@example.org")), "The author has no name; give one"),
        (replace(ORDER, first_party=Signer("Sample Director", "")), "The first party cannot be reached"),
        (replace(ORDER, language="fr"), "The language fr is not available; use en or de"),
        (replace(ORDER, template="rent"), "no template rent; `sealtrail template list` shows"),
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


@pytest.mark.parametrize("made", [True, False])
def test_a_run_that_is_killed_while_a_row_is_made_makes_it_once(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    file = table(tmp_path / "leases.csv", *GOOD)
    create = Desk.create

    def killed(desk: Desk, new: NewDocument) -> str:
        if made:
            create(desk, new)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Desk, "create", killed)
        creation.create(workspace, results(workspace), file, ORDER)
    # A new version of the template makes no difference to what was begun with the one before.
    sources.add_template(workspace, "lease", TEMPLATE.encode() + b"New", kind="typst", fields=TEMPLATE_FIELDS)
    done = creation.create(workspace, results(workspace), file, ORDER)
    assert done.made_now == (2 if made else 3)
    assert sorted(one["document_id"] for one in views.listing(workspace)) == sorted(done.documents.values())


def test_a_document_made_by_hand_is_not_taken_for_that_of_a_killed_row(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(tmp_path / "leases.csv", GOOD[0])
    create, by_hand = Desk.create, []

    def killed(desk: Desk, new: NewDocument) -> str:
        by_hand.append(create(desk, replace(new, document_id=None, title="Another lease")))
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Desk, "create", killed)
        creation.create(workspace, results(workspace), file, ORDER)
    assert list(creation.create(workspace, results(workspace), file, ORDER).documents.values()) != by_hand
    assert len(views.listing(workspace)) == 2


def test_a_faulty_row_does_not_count_among_those_that_are_the_same(workspace: Workspace, tmp_path: Path) -> None:
    header = ("client_name", "client_contact", "rent", "rooms", "title")
    same = ("Sample Client A", "a@example.net", "1.00", "1", None)
    broken = excel(tmp_path / "t.xlsx", (*same[:4], "=1+1"), same, header=header)
    first = creation.create(workspace, results(workspace), broken, ORDER)
    assert (list(first.documents), [one.row for one in first.bad]) == ([3], [2])
    corrected = excel(tmp_path / "t.xlsx", (*same[:4], "Lease 1"), same, header=header)
    again = creation.create(workspace, results(workspace), corrected, ORDER)
    assert (again.made_now, again.documents[3]) == (1, first.documents[3])


def test_a_fault_with_one_row_stops_no_other(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = Desk.create

    def faulty(desk: Desk, new: NewDocument) -> str:
        if new.client.name == GOOD[1][0]:
            raise IndexError
        return create(desk, new)

    monkeypatch.setattr(Desk, "create", faulty)
    done = creation.create(workspace, results(workspace), table(tmp_path / "leases.csv", *GOOD), ORDER)
    assert sorted(done.documents) == [2, 4]
    (bad,) = done.bad
    assert bad.message.startswith("Row 3: an unexpected IndexError stopped it; see the log")


def test_a_template_whose_source_is_gone_is_said_once(workspace: Workspace, tmp_path: Path) -> None:
    workspace.objects.delete(hashlib.sha256(TEMPLATE.encode()).hexdigest())
    with pytest.raises(ObjectMissing):
        creation.create(workspace, results(workspace), table(tmp_path / "leases.csv", *GOOD), ORDER)


def test_what_a_killed_run_was_writing_is_removed(workspace: Workspace, tmp_path: Path) -> None:
    file = table(tmp_path / "leases.csv", GOOD[0])
    folder = creation.create(workspace, results(workspace), file, ORDER).folder
    assert folder is not None
    (folder / ".bad_rows.csv.0123456789abcdef").write_bytes(b"row")
    creation.create(workspace, results(workspace), file, ORDER)
    assert sorted(one.name for one in folder.iterdir()) == ["bad_rows.csv", "documents.csv"]


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
        ("client_name,client_contact\nMüller,m@example.net\n".encode("cp850"), "not UTF-8 text in line 2"),
        ("client_name,client_contact\nMüller,m@example.net\n".encode("mac_roman"), "not UTF-8 text in line 2"),
        ("client_name,client_contact\nÄrzte,m@example.net\n".encode("mac_roman"), "not UTF-8 text in line 2"),
        ("client_name,client_contact\nИван,m@example.net\n".encode("cp1251"), "not UTF-8 text in line 2"),
        ("client_name,client_contact\nДьяд,m@example.net\n".encode("cp1251"), "not UTF-8 text in line 2"),
        ("client_name,client_contact\nŁukasz,m@example.net\n".encode("cp1250"), "not UTF-8 text in line 2"),
        ("client_name,client_contact\nGuðrún,m@example.net\n".encode("cp1252"), "not UTF-8 text in line 2"),
        (b"sep=;", "The first row of t.csv is empty"),
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
    with pytest.raises(UsageError, match="unpacks to more than 0 MB"):
        party_table.rows(file.name, file.read_bytes(), ".xlsx")


def sheet(file: Path, rows: str) -> Path:
    """An Excel file whose first worksheet has `rows` of XML behind the header."""
    excel(file)
    header = "".join(f'<c r="{"ABCD"[at]}1" t="inlineStr"><is><t>{name}</t></is></c>' for at, name in enumerate(HEADER))
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    data = f'<worksheet xmlns="{namespace}"><sheetData><row r="1">{header}</row>{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(file) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts["xl/worksheets/sheet1.xml"] = data.encode()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return file


def test_a_table_of_endless_width_is_refused_at_its_first_row(tmp_path: Path) -> None:
    cells = "".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(2, 30_002))
    file = sheet(tmp_path / "t.xlsx", cells)
    assert file.stat().st_size < 200_000
    began = time.process_time()
    with pytest.raises(UsageError, match=r"t\.xlsx has something in column XFD of row 2, and 256 columns are read"):
        party_table.rows(file.name, file.read_bytes(), ".xlsx")
    assert time.process_time() - began < 1
    with pytest.raises(UsageError, match="in column XFD of row 2"):
        party_table.read(file)


def test_a_table_of_too_many_rows_or_cells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = b"client_name,client_contact\n" + b"A,a@example.org\n" * 100_001
    with pytest.raises(UsageError, match=r"t\.csv has more than 100000 rows"):
        party_table.rows("t.csv", table, ".csv")
    monkeypatch.setattr(party_table, "_MOST_CELLS", 1000)
    with pytest.raises(UsageError, match=r"t\.csv has more than 1000 cells"):
        party_table.rows("t.csv", table, ".csv")


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


@pytest.mark.parametrize("hint", ["sep=;\r\n", "\ufeffSEP=;\r\n", '"sep=;"\r\n', "sep=;;\r\n", "sep=;\n"])
def test_the_hint_of_excel_names_the_separator_and_is_no_row(tmp_path: Path, hint: str) -> None:
    text = f"{hint}client_name;client_contact;a,b,c,d\r\nB,A;a@example.net;1\r\n"
    (tmp_path / "t.csv").write_bytes(text.encode())
    (row,) = party_table.read(tmp_path / "t.csv")
    assert (row.number, list(row.values.values())) == (2, ["B,A", "a@example.net", "1"])


def test_what_a_german_excel_saves_as_csv(tmp_path: Path) -> None:
    text = "client_name;client_contact;Straße;Miete\r\nJürgen Müßig;j@example.net;Große Öltür 3;1.850 €\r\n"
    (tmp_path / "t.csv").write_bytes(text.encode("cp1252"))
    (row,) = party_table.read(tmp_path / "t.csv")
    assert list(row.values.values()) == ["Jürgen Müßig", "j@example.net", "Große Öltür 3", "1.850 €"]
    assert "straße" in row.fields


def test_a_telephone_number_that_was_kept_as_a_number_is_a_fault(tmp_path: Path) -> None:
    names = ("client_name", "client_contact", "first_party_contact", "house")
    rows = [
        ("A", 491701234567, "d@example.org", 4),
        ("B", 4.91701234567e11, "d@example.org", 4),
        ("C", "4,91701E+11", "d@example.org", 4),
        ("D", "+491701234567", 1701234567, 4),
        ("E", "+491701234567", "+491701234567", 4),
    ]
    first = [row.faults for row in party_table.read(excel(tmp_path / "t.xlsx", *rows, header=names))]
    columns = [[name for name, _ in faults] for faults in first]
    assert columns == [["client_contact"]] * 3 + [["first_party_contact"], []]
    assert {why for faults in first for _, why in faults} == {
        "The telephone number was kept as a number, which has no + and no zeros before it; format the column as text and type "
        "the number again in full, for example +49 171 3920012."
    }
    shortened = ("C", "4.91701E+11", "d@example.org", "4")
    (row,) = party_table.read(table(tmp_path / "t.csv", shortened, header=names))
    assert [name for name, _ in row.faults] == ["client_contact"]


@pytest.mark.parametrize(
    ("number", "message"),
    [
        ("17012345678", "The number 17012345678 may be +1 701-234-5678 without its +; write it in full, with"),
        ("491713920012", "The number 491713920012 may be +49 171 3920012 without its +; write it in full, with"),
        ("4989", "“4989” is not a telephone number that exists in its country"),
        ("1713920012", None),
        ("01713920012", None),
        ("+491713920012", None),
    ],
)
def test_digits_that_are_another_number_with_a_plus_are_a_fault(
    workspace: Workspace, tmp_path: Path, number: str, message: str | None
) -> None:
    file = table(tmp_path / "leases.csv", ("Sample Client X", number, "1.00", "1"))
    done = creation.create(workspace, results(workspace), file, ORDER)
    if message is None:
        assert list(done.documents) == [2]
    else:
        (bad,) = done.bad
        assert bad.column == "client_contact"
        assert bad.message.startswith(message)


def test_a_number_of_which_excel_has_lost_digits_is_a_fault(tmp_path: Path) -> None:
    header = ("client_name", "client_contact", "account")
    (row,) = party_table.read(excel(tmp_path / "t.xlsx", ("A", "a@example.net", 1234567890123450000), header=header))
    assert [(name, why[:45]) for name, why in row.faults] == [
        ("account", "The cell is a number of more than 15 digits, ")
    ]


def test_a_postal_code_keeps_the_zeros_that_excel_shows(tmp_path: Path) -> None:
    file = excel(tmp_path / "t.xlsx", ("A", "a@example.net", 1067), header=("client_name", "client_contact", "code"))
    book = openpyxl.load_workbook(file)
    book.active["C2"].number_format = "00000"
    book.save(file)
    (row,) = party_table.read(file)
    assert row.fields == {"code": "01067"}


def test_charts_are_no_tables(tmp_path: Path) -> None:
    file = excel(tmp_path / "t.xlsx", *GOOD)
    book = openpyxl.load_workbook(file)
    book.create_chartsheet("chart", 0).add_chart(openpyxl.chart.BarChart())
    book.save(file)
    assert [row.number for row in party_table.read(file)] == [2, 3, 4]
    with zipfile.ZipFile(file) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    parts["xl/workbook.xml"], count = re.subn(rb'<sheet [^>]*name="Sheet"[^>]*/>', b"", parts["xl/workbook.xml"])
    assert count == 1
    with zipfile.ZipFile(file, "w") as target:
        for name, data in parts.items():
            target.writestr(name, data)
    with pytest.raises(UsageError, match=r"t\.xlsx has no worksheet, only charts; put the table on a worksheet"):
        party_table.read(file)


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(UsageError, match=r"t\.csv is not a file; name the CSV or Excel file"):
        party_table.read(tmp_path / "t.csv")


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
