"""A template and a table become documents: bad rows by row and column, good rows whatever happens, nothing twice."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

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
    from dataclasses import replace

    done = creation.create(
        workspace, results(workspace), table(tmp_path / "leases.csv", GOOD[0]), replace(ORDER, send=True)
    )
    assert Desk(workspace).state(done.documents[2]).status == "awaiting-first-party"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"name,contact\nA,b\n", "no column client_name"),
        (b"client_name,client_contact,rent,rent\n", "two columns rent"),
        (b"client_name,client_contact\nM\xfcller,m@example.net\n", "not UTF-8 text in line 2"),
        (b'client_name,client_contact\n"A,b\n', "not a CSV table"),
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


def test_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\ufeffClient Name;client_contact;Stadt\nErika Mustermann;e@example.net;Köln\n")
    (row,) = party_table.read(tmp_path / "t.csv")
    assert row.values == {"client_name": "Erika Mustermann", "client_contact": "e@example.net", "stadt": "Köln"}
    assert row.fields == {"stadt": "Köln"}
