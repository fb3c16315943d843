"""Bulk creation: a template and a table of parties become documents. A bad row is reported with row and column; good rows go on.

Each row makes one document, whatever happens: what was made is written down by what stands in the row, so that a table whose
bad rows were corrected makes those alone. The document's id is written down before the document is made, so that a process that
dies in between leaves nothing that the next could not find. Two runs would not see what the other has begun: the second waits for
the first.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import json
import re
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import phonenumbers

from signing_core.bulk import party_table, results
from signing_core.bulk.one_by_one import reason_of
from signing_core.bulk.party_table import PartyRow
from signing_core.bulk.results import Results
from signing_core.delivery import contacts
from signing_core.delivery.messages.wording import LANGUAGES
from signing_core.desk import Author, Desk, NewDocument, Signer, records, sources
from signing_core.errors import ContactRefused, DataRefused, DocumentUnknown, UsageError
from signing_core.pdf import places
from signing_core.storage import directory
from signing_core.storage.database import reading
from signing_core.storage.durable import write_file
from signing_core.storage.identifiers import new_id
from signing_core.storage.workspace import Workspace
from signing_core.verification.reports.rows import csv_cell

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS orders (
  content TEXT NOT NULL, number INTEGER NOT NULL, begun_at TEXT NOT NULL, document_id TEXT, PRIMARY KEY (content, number))
"""
_Key = tuple[str, int]
"""What stands in the row, and which of the rows of its table with just that it is."""


@dataclass(frozen=True)
class Order:
    """What is the same for all rows."""

    template: str
    author: Author
    first_party: Signer | None = None
    """For rows that name none."""
    language: str | None = None
    send: bool = False
    """Whether the first party gets its link at once."""


@dataclass(frozen=True)
class BadRow:
    row: int
    column: str | None
    """None when the fault is in no one column."""
    message: str
    """May quote the cell."""
    cause: str
    """The same without a word of the row: for places that no erasure reaches."""


@dataclass
class Created:
    documents: dict[int, str] = field(default_factory=dict)
    """Document id by row."""
    bad: list[BadRow] = field(default_factory=list)
    made_now: int = 0
    folder: Path | None = None
    """Where the table of documents and of bad rows is."""


def create(workspace: Workspace, store: Results, file: Path, order: Order) -> Created:
    """Make what is not made yet.

    Raises `UsageError` for an order that cannot be used at all, `ConcurrentChange` when another run does not come to its end.
    """
    _check(workspace, order)
    rows = party_table.read(file)
    source = hashlib.sha256(file.read_bytes() + order.template.encode()).hexdigest()
    with reading(workspace.engine) as connection:
        template = directory.template(connection, order.template)
    workspace.objects.get(template.source_sha256)  # once, and not as the fault of every row
    folder = store.folder / "created"
    with results.alone(folder / ".lock", "a table of parties"):
        done = _create(workspace, store, rows, order, template)
        done.folder = folder / source[:16]
        _write(done, done.folder, file)
    return done


def _create(
    workspace: Workspace,
    store: Results,
    rows: Sequence[PartyRow],
    order: Order,
    template: directory.Template,
) -> Created:
    desk, done = Desk(workspace), Created()
    seen: Counter[str] = Counter()
    memory = sqlite3.connect(store.folder / "created.sqlite", timeout=30, isolation_level=None)
    try:
        memory.execute(_SCHEMA)
        for row in rows:
            if row.faults:  # not counted: what its cells are is not known
                done.bad += [BadRow(row.number, column, message, message) for column, message in row.faults[:1]]
                continue
            content = _content(row, order)
            seen[content] += 1
            key = (content, seen[content])
            try:
                document_id = _known(workspace, memory, key)
                if document_id is None:
                    document_id = _make(desk, memory, key, row, order, template)
                    done.made_now += 1
                done.documents[row.number] = document_id
                if order.send and desk.state(document_id).status == "draft":
                    desk.send(document_id)
            except _RowRefused as refused:
                done.bad.append(refused.bad)
            except Exception as error:
                message = reason_of(error, f"Row {row.number}")
                done.bad.append(BadRow(row.number, None, message, "The document could not be made."))
    finally:
        memory.close()
    return done


class _RowRefused(Exception):
    def __init__(self, row: PartyRow, column: str | None, message: str, cause: str | None = None) -> None:
        """`cause` where the message quotes what is in the row."""
        super().__init__(message)
        self.bad = BadRow(row.number, column, message, cause or message)


def _check(workspace: Workspace, order: Order) -> None:
    """Once, and not as the fault of every row."""
    people = [("author", order.author.name, order.author.email)]
    if order.first_party is not None:
        people.append(("first party", order.first_party.name, order.first_party.contact))
    for who, name, contact in people:
        if not name.strip():
            raise UsageError(f"The {who} has no name; give one.")
        try:
            if who == "author":
                contacts.parse_email(contact)
            else:
                contacts.parse(contact, region=workspace.settings.phone_region)
        except ContactRefused:
            # The address is not quoted, here or as a cause: what a run fails with is kept where no erasure reaches.
            kind = "e-mail address" if who == "author" else "e-mail address or mobile number"
            raise UsageError(f"The {who} cannot be reached: the contact is no usable {kind}; correct it.") from None
    if order.language is not None and order.language.lower() not in LANGUAGES:
        raise UsageError(f"The language {order.language} is not available; use en or de.")


def _content(row: PartyRow, order: Order) -> str:
    """The same for two rows that ask for the same document."""
    first = order.first_party
    other = [first.name, first.contact] if first and "first_party_name" not in row.values else []
    return hashlib.sha256(json.dumps([order.template, other, sorted(row.values.items())]).encode()).hexdigest()


def _begun(memory: sqlite3.Connection, key: _Key) -> str | None:
    """The id that was written down for this row."""
    query = "SELECT document_id FROM orders WHERE content = ? AND number = ?"
    found = memory.execute(query, key).fetchone()
    return None if found is None else found[0]


def _known(workspace: Workspace, memory: sqlite3.Connection, key: _Key) -> str | None:
    """The document of this row, if it was made."""
    document_id = _begun(memory, key)
    if document_id is None:
        return None
    try:
        with reading(workspace.engine) as connection:
            records.load(connection, document_id)
    except DocumentUnknown:
        return None
    return document_id


def _make(
    desk: Desk, memory: sqlite3.Connection, key: _Key, row: PartyRow, order: Order, template: directory.Template
) -> str:
    workspace = desk.workspace
    client = _signer(workspace, row, "client", None)
    first_party = _signer(workspace, row, "first_party", order.first_party)
    language = (row.known("language") or order.language or workspace.settings.language).lower()
    if language not in LANGUAGES:
        message = f"The language {language} is not available; use en or de."
        raise _RowRefused(row, "language", message, "The language is not available; use en or de.")
    values = _typed(row.fields, template)
    try:
        made = sources.from_template(workspace, order.template, values, version=template.version, language=language)
    except DataRefused as error:
        raise _RowRefused(row, error.field, str(error), "The template does not take the value.") from None
    except UsageError as error:
        raise _RowRefused(row, None, str(error), "The template cannot be filled with the row.") from None
    now = workspace.clock()
    # One that was begun keeps its id: a server database may still be about to commit it, and takes no id twice.
    document_id = _begun(memory, key) or new_id(now)
    memory.execute("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)", (*key, now.isoformat(), document_id))
    return desk.create(
        NewDocument(
            source=made.pdf,
            title=row.known("title") or f"{made.template_name}, {client.name}",
            author=order.author,
            first_party=replace(first_party, placement=_place(row, "first_party")),
            client=replace(client, placement=_place(row, "client")),
            language=language,
            source_name=f"{made.template_name}, row {row.number}",
            template_id=made.template_id,
            template_data=row.fields or None,
            document_id=document_id,
        )
    )


def _signer(workspace: Workspace, row: PartyRow, prefix: str, other: Signer | None) -> Signer:
    name, contact = row.known(f"{prefix}_name"), row.known(f"{prefix}_contact")
    if other is not None and name is None and contact is None:
        return other
    for column, value in ((f"{prefix}_name", name), (f"{prefix}_contact", contact)):
        if value is None:
            raise _RowRefused(row, column, f"The column {column} is empty.")
    copy_email = row.known("client_email") if prefix == "client" else None
    region = workspace.settings.phone_region
    for column, value in ((f"{prefix}_contact", contact), ("client_email", copy_email)):
        try:
            if value is not None and column == "client_email":
                contacts.parse_email(value)
            elif value is not None:
                _check_contact(value, region)
        except ContactRefused as error:
            raise _RowRefused(row, column, str(error), "The contact cannot be used.") from None
    return Signer(str(name), str(contact), row.known(f"{prefix}_organisation"), copy_email)


def _place(row: PartyRow, prefix: str) -> places.Place | None:
    column = f"{prefix}_place"
    text = row.known(column)
    try:
        return None if text is None else places.parse(text)
    except UsageError as error:
        raise _RowRefused(row, column, str(error), "The place is none.") from None


def _check_contact(text: str, region: str) -> None:
    """Raises `ContactRefused`, also for digits that are another country's number with the `+` that spreadsheets take away: as a
    number of this country it would be somebody else's, who would get the document."""
    digits, other = "".join(text.split()), None
    if digits.isdecimal() and not digits.startswith("0"):
        with contextlib.suppress(phonenumbers.NumberParseException):
            other = phonenumbers.parse(f"+{digits}")
    try:
        number = contacts.parse(text, region=region).value
    except ContactRefused:
        number = ""
        if other is None or not phonenumbers.is_valid_number(other):
            raise
    if other is not None and phonenumbers.is_valid_number(other) and number != f"+{digits}":
        shown = phonenumbers.format_number(other, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
        raise ContactRefused(
            f"The number {text} may be {shown} without its +; write it in full, with + and country code."
        )


def _typed(values: Mapping[str, str], template: directory.Template) -> dict[str, Any]:
    """Texts of the table as the template's types want them; what does not fit is left for the template to refuse."""
    types = {field["name"]: field.get("type", "text") for field in template.fields} if template.kind == "typst" else {}
    return {name: _value(text, types.get(name, "text")) for name, text in values.items()}


def _value(text: str, type: str) -> Any:
    if type == "integer" and re.fullmatch("-?[0-9]{1,18}", text):
        return int(text)
    if type == "boolean" and text.lower() in ("true", "false", "yes", "no", "ja", "nein"):
        return text.lower() in ("true", "yes", "ja")
    if type == "list":
        return [one.strip() for one in text.split("|") if one.strip()]
    return text


def _write(done: Created, folder: Path, file: Path) -> None:
    """Two tables beside the results: which row became which document, and what is wrong with the others."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [("row", "document_id"), *sorted(done.documents.items())]
    bad = [
        ("table", "row", "column", "message"),
        *((file.name, one.row, one.column or "", one.message) for one in done.bad),
    ]
    for name, rows in (("documents.csv", made), ("bad_rows.csv", bad)):
        results.clear_unfinished(folder / name)
        text = io.StringIO(newline="")
        csv.writer(text).writerows([csv_cell(value) for value in row] for row in rows)
        write_file(folder / name, text.getvalue().encode())
