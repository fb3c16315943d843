"""Every page, for every role and in both languages: what it shows, what it does, what it refuses."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from dashboard_parts import ANNA, BEN, PEOPLE, told
from PIL import Image
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, RectangleObject
from streamlit.testing.v1 import AppTest

from dashboards import look, queries, session
from signing_core.access import LOCAL_ADMINISTRATOR, Access
from signing_core.audit_log import events
from signing_core.controls import in_words
from signing_core.desk import Desk
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, contract
from signing_core.verification import wording
from signing_core.verification.findings import CATALOGUE

Show = Callable[..., AppTest]
TITLES = {
    "today": ("Today", "Heute"),
    "documents": ("Documents", "Dokumente"),
    "document": ("Document", "Dokument"),
    "findings": ("Findings", "Befunde"),
    "check": ("Verify", "Prüfen"),
    "new": ("New document", "Neues Dokument"),
    "directory": ("Parties and templates", "Parteien und Vorlagen"),
    "runs": ("Runs", "Läufe"),
    "log": ("Audit log", "Prüfprotokoll"),
    "people": ("People and roles", "Personen und Rollen"),
}
ALLOWED = {
    "administrator": set(TITLES),
    "analyst": set(TITLES) - {"new", "people"},
    "auditor": set(TITLES) - {"new", "people"},
    "author": {"today", "documents", "document", "check", "new", "directory"},
    "first-party": {"today", "documents", "document", "check"},
}


def types(folder: Path, document_id: str | None = None) -> list[str]:
    with Workspace.open(folder) as workspace, reading(workspace.engine) as connection:
        found = events.select(connection, events.EVENTS)
        return [event.type for event in found if document_id in (None, event.document_id)]


@pytest.mark.parametrize("page", TITLES)
def test_every_page_in_both_languages(furnished: Any, show: Show, page: str) -> None:
    english, german = TITLES[page]
    for language, title in (("en", english), ("de", german)):
        test = show(furnished.folder, page, language=language)
        assert title in told(test)
        assert not test.error


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The X.509 certificate of the seal (Sample Seals GmbH Seal) ends on "),
        ("de", "Das X.509-Zertifikat des Siegels (Sample Seals GmbH Seal) läuft am "),
    ],
)
def test_today_says_which_keys_end(
    blank_copy: Callable[..., Path], show: Show, monkeypatch: pytest.MonkeyPatch, language: str, said: str
) -> None:
    folder = blank_copy()
    clock = ManualClock()
    with Workspace.open(folder, clock=clock) as opened:
        monkeypatch.setitem(session._open, folder.absolute(), opened)
        assert said not in told(show(folder, "today", language=language))
        clock.now = opened.keys().seal.certificate.not_valid_after_utc - timedelta(days=6)
        shown = told(show(folder, "today", language=language))
        assert said in shown
        assert "sealtrail keys renew seal" in shown


@pytest.mark.parametrize("role", ALLOWED)
def test_what_a_role_may_not_open_is_refused_and_recorded_once(furnished_copy: Any, show: Show, role: str) -> None:
    person = next((subject for subject, had in PEOPLE.items() if had == role), LOCAL_ADMINISTRATOR.subject)
    before = types(furnished_copy.folder).count("access.denied")
    refused = set()
    for page in TITLES:
        test = show(furnished_copy.folder, page, person=person)
        test.run()  # as every click does: no second event
        if test.error:
            refused.add(page)
    assert refused == set(TITLES) - ALLOWED[role]
    assert types(furnished_copy.folder).count("access.denied") - before == len(refused)


def test_the_list_finds_by_title_party_contact_id_and_hash(furnished: Any, show: Show) -> None:
    with Workspace.open(furnished.folder) as workspace:
        row = Access(workspace, LOCAL_ADMINISTRATOR).document(furnished.documents["altered"])
    for text in (row.title, row.id, row.id.lower(), row.certificate_id, row.final_sha256, row.title[3:].upper()):
        test = show(furnished.folder, "documents", q=text)
        assert row.title in [one.label for one in test.get("page_link")] or row.title in str(test.main), text
    assert "No document matches" in told(show(furnished.folder, "documents", q="%"))


def test_filters_come_from_the_address(furnished: Any, show: Show) -> None:
    test = show(furnished.folder, "documents", status="sealing")
    assert "1 found" in told(test)
    assert test.session_state["status"] == "sealing"
    assert "25 found" in told(show(furnished.folder, "documents", status="no such status"))


def test_a_person_finds_the_altered_page(furnished: Any, show: Show) -> None:
    altered = furnished.documents["altered"]
    overview = show(furnished.folder, "document", id=altered)
    assert "altered" in overview.error[0].value
    seen = show(furnished.folder, "document", id=altered, view="seen")
    said = "\n".join(one.value for one in seen.error)
    assert "Page 1 shows something else than the client saw." in said
    assert "18,500.00" in told(seen)
    assert "changed (" in told(seen)


def test_an_honest_document_shows_what_was_seen(furnished: Any, show: Show) -> None:
    test = show(furnished.folder, "document", id=honest(furnished).id, view="seen", signer="first-party")
    assert not test.error
    assert "Every page shows what the first party saw" in test.success[0].value
    assert "signature field filled later" in told(test) or "no difference" in told(test)


def honest(furnished: Any) -> Any:
    """A completed document that nothing was done to."""
    with Workspace.open(furnished.folder) as workspace, reading(workspace.engine) as connection:
        query = sa.select(documents).where(
            documents.c.status == "completed", documents.c.id.not_in(furnished.documents.values())
        )
        return connection.execute(query).first()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("The page is of another size: ", "mm then, 216 × 279 mm now. Changes are enlarged at the same scale")),
        (
            "de",
            (
                "Die Seite hat eine andere Größe: damals ",
                " mm, jetzt 216 × 279 mm. Änderungen sind im gleichen Maßstab",
            ),
        ),
    ],
)
def test_a_file_on_other_paper_is_held_against_ours(
    furnished: Any, show: Show, language: str, said: tuple[str, ...]
) -> None:
    """Printed anew on letter paper, with a word more."""
    with Workspace.open(furnished.folder) as workspace:
        other = PdfWriter(clone_from=BytesIO(workspace.objects.get(honest(furnished).final_sha256)))
    first, written = other.pages[0], BytesIO()
    more = b"q BT /Added 11 Tf 1 0 0 1 300 500 Tm (of 9,000.00 Euro) Tj ET Q"
    font = {"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica"}
    first["/Resources"].setdefault(NameObject("/Font"), DictionaryObject()).get_object()[NameObject("/Added")] = (
        DictionaryObject({NameObject(key): NameObject(value) for key, value in font.items()})
    )
    content = DecodedStreamObject()
    content.set_data(first.get_contents().get_data() + b"\n" + more)
    first[NameObject("/Contents")] = other._add_object(content)
    first.mediabox = RectangleObject((0, 0, 612, 792))
    first.pop("/CropBox", None)
    other.write(written)
    test = show(furnished.folder, "check", language=language)
    test.file_uploader[0].set_value([("other.pdf", written.getvalue(), "application/pdf")]).run()
    assert not test.exception, test.exception[0].stack_trace
    warned = "\n".join(one.value for one in test.warning)
    assert all(part in warned for part in said), warned
    assert "9,000.00" in told(test)
    assert ("Change 1: what is there now" if language == "en" else "Änderung 1: was jetzt dort steht") in told(test)


@pytest.mark.parametrize("view", ["overview", "seen", "trail", "signatures", "pages", "hashes", "checks"])
@pytest.mark.parametrize("kind", ["changed-byte", "missing-file", "swapped-certificate-page", "stuck-in-sealing"])
def test_every_view_of_every_damaged_document(furnished: Any, show: Show, kind: str, view: str) -> None:
    test = show(furnished.folder, "document", id=furnished.documents[kind], view=view, language="de")
    assert test.session_state["view"] == view


def test_the_trail_says_how_good_its_evidence_is(furnished: Any, show: Show) -> None:
    said = told(show(furnished.folder, "document", id=furnished.documents["altered"], view="trail"))
    assert "Client opened the document" in said
    for grade in ("observed", "asserted"):
        assert f"<span class='st-grade'>{grade}</span>" in said
    assert "+02:00" in said or "+01:00" in said


def test_verify_now_is_recorded(furnished_copy: Any, show: Show) -> None:
    altered = furnished_copy.documents["altered"]
    test = show(furnished_copy.folder, "document", person=ANNA, id=altered)
    next(one for one in test.button if one.label == "Verify now").click().run()
    assert not test.exception
    assert "document.verified" in types(furnished_copy.folder, altered)
    assert "altered" in told(show(furnished_copy.folder, "document", id=altered, view="checks"))


def test_an_auditor_has_no_buttons_that_change(furnished: Any, show: Show) -> None:
    test = show(furnished.folder, "document", person="ada.auditor@example.org", id=furnished.documents["altered"])
    assert [one.label for one in test.button] == []


def test_withdrawing_a_document(furnished_copy: Any, show: Show) -> None:
    with Workspace.open(furnished_copy.folder) as workspace:
        running = Play(Desk(workspace)).create(contract(1))
    test = show(furnished_copy.folder, "document", id=running)
    next(one for one in test.text_input if one.key == "void_reason").input("A sample reason").run()
    next(one for one in test.button if one.label == "Withdraw the document").click().run()
    assert not test.exception
    assert "document.voided" in types(furnished_copy.folder, running)


def test_two_people_close_a_finding(furnished_copy: Any, show: Show) -> None:
    with Workspace.open(furnished_copy.folder) as workspace:
        altered = furnished_copy.documents["altered"]
        found = queries.findings_of(Access(workspace, LOCAL_ADMINISTRATOR), altered)
        finding = next(row for row in found if row.code == "stored-file-changed")
    test = show(furnished_copy.folder, "findings", person=ANNA, finding=finding.id)
    assert "stored-file-changed" in told(test)
    test.text_area[0].input("The original was restored from the backup.")
    next(one for one in test.button if one.label == "Propose").click().run()
    assert "A second person has to agree" in told(test)
    next(one for one in test.button if one.label == "Agree and close").click().run()
    assert "second person" in test.error[0].value
    test = show(furnished_copy.folder, "findings", person=BEN, finding=finding.id)
    next(one for one in test.button if one.label == "Agree and close").click().run()
    assert "closed" in told(test) and BEN in told(test)
    steps = [one for one in types(furnished_copy.folder, altered) if one.startswith(("finding", "access"))]
    assert steps == ["finding.proposed", "access.denied", "finding.closed"]


@pytest.mark.parametrize(("language", "other"), [("en", "de"), ("de", "en")])
def test_a_finding_is_explained_in_the_language_of_the_session(
    furnished: Any, show: Show, language: str, other: str
) -> None:
    with Workspace.open(furnished.folder) as workspace:
        rows, _ = queries.find_findings(Access(workspace, LOCAL_ADMINISTRATOR), queries.FindingFilters(), size=100)
    ids = {row.code: row.id for row in rows}
    assert {"event-changed", "stored-file-missing", "stuck"} <= ids.keys()
    for code in ("event-changed", "stored-file-missing", "stuck"):
        said = told(show(furnished.folder, "findings", language=language, finding=ids[code]))
        shown = [look.with_commands(one) for one in in_words(code, language)]
        assert all(f"<td>{one}</td>" in said for one in shown), code
        assert not any(look.with_commands(one) in said for one in in_words(code, other))
    assert next(row.message for row in rows if row.code == "stuck") in said  # a record, as it was written


@pytest.mark.parametrize(("language", "other"), [("en", "de"), ("de", "en")])
@pytest.mark.parametrize("view", ["overview", "signatures"])
def test_a_stored_file_that_is_not_in_order_says_why_in_the_language_of_the_session(
    furnished: Any, show: Show, view: str, language: str, other: str
) -> None:
    changed = furnished.documents["changed-byte"]
    test = show(furnished.folder, "document", language=language, id=changed, view=view)
    said = told(test)
    assert wording.in_words("digest-mismatch", language).meaning in test.error[0].value, "what decided comes first"
    for code in ("seal-broken", "digest-mismatch"):
        shown = (
            f"{wording.in_words(code, language).meaning}<br><span class='st-muted' lang='en'>{CATALOGUE[code].message}"
        )
        assert shown in said  # and beneath, what the verification said, with its particulars
        assert wording.in_words(code, other).meaning not in said
    control = in_words("stored-file-changed", language).meaning
    assert f"{control}<br><span class='st-muted' lang='en'>The object " in said
    assert in_words("stored-file-changed", other).meaning not in said


def test_reasons_stand_in_the_order_in_which_verify_says_them(furnished: Any, show: Show) -> None:
    said = told(show(furnished.folder, "document", id=furnished.documents["altered"], view="signatures"))
    reasons = said[said.index("Reasons") :]
    codes = ("change-page", "registry-mismatch")
    assert [*codes] == sorted(codes, key=lambda code: reasons.index(CATALOGUE[code].message))


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_file_is_judged_in_the_language_of_the_session(furnished: Any, show: Show, language: str) -> None:
    test = show(furnished.folder, "check", language=language)
    given = [
        (name, (furnished.folder / "inbox" / name).read_bytes(), "application/pdf")
        for name in ("foreign.pdf", "expired-certificate.pdf", "unsigned.pdf")
    ]
    test.file_uploader[0].set_value(given).run()
    assert not test.exception, test.exception[0].stack_trace
    said = told(test)
    # An error, and where there is none the gravest warning, are the reason; a file that nobody signed needs none.
    for code in ("house-unknown", "certificate-missing"):
        assert f"<td>{wording.in_words(code, language).meaning}</td>" in said
        assert f"<td>{CATALOGUE[code].message}" not in said
    untrusted = wording.in_words("chain-not-found", language).meaning.replace("'", "&#x27;")
    assert (
        f"{untrusted}<br><span class='st-muted' lang='en'>{CATALOGUE['chain-not-found'].message.replace(chr(39), '&#x27;')}"
        in said
    )


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "Ada Auditor has no right to administer; ask an administrator for the role."),
        ("de", "Ada Auditor hat nicht das Recht „verwalten“; bitten Sie einen Administrator um die Rolle."),
    ],
)
def test_a_refusal_is_in_the_language_of_the_session(furnished_copy: Any, show: Show, language: str, said: str) -> None:
    test = show(furnished_copy.folder, "people", person="ada.auditor@example.org", language=language)
    assert [one.value for one in test.error] == [said]
    unknown = show(furnished_copy.folder, "document", language=language, id="01UNKNOWN")
    assert ("Unter den Dokumenten" in told(unknown)) == (language == "de")


def test_the_trail_speaks_german(furnished: Any, show: Show) -> None:
    said = told(show(furnished.folder, "document", language="de", id=furnished.documents["altered"], view="trail"))
    assert "Kanal: <b>E-Mail</b>" in said and "Weil: <b>Einladung</b>" in said and "Weil: <b>verwendet</b>" in said
    assert not re.search(r"<b>(email|sms|invitation|requested|used)</b>", said)


def test_the_work_list_and_its_filters(furnished: Any, show: Show) -> None:
    test = show(furnished.folder, "findings")
    assert " found" in told(test) and "stored-file-missing" in str(test.main)
    assert "Nothing is open" in told(show(furnished.folder, "findings", state="closed"))


def test_files_are_judged_and_not_stored(furnished_copy: Any, show: Show) -> None:
    inbox = furnished_copy.folder / "inbox"
    before = types(furnished_copy.folder)
    objects = sorted((furnished_copy.folder / "objects").rglob("*"))
    test = show(furnished_copy.folder, "check", person=ANNA)
    given = [(name, (inbox / name).read_bytes(), "application/pdf") for name in ("unsigned.pdf", "encrypted.pdf")]
    test.file_uploader[0].set_value(given).run()
    assert not test.exception
    assert "unsigned.pdf" in told(test) and "indeterminate" in told(test)
    assert types(furnished_copy.folder) == before
    assert sorted((furnished_copy.folder / "objects").rglob("*")) == objects


def test_a_scan_is_called_a_scan(furnished_copy: Any, show: Show) -> None:
    scan = BytesIO()
    Image.new("L", (850, 1100), 240).save(scan, "PDF", resolution=100)
    test = show(furnished_copy.folder, "check", person=ANNA)
    test.file_uploader[0].set_value([("scan.pdf", scan.getvalue(), "application/pdf")]).run()
    assert not test.exception
    assert wording.in_words("looks-like-scan", "en").meaning in told(test)


def test_the_text_of_a_code_is_judged(furnished: Any, show: Show) -> None:
    with Workspace.open(furnished.folder) as workspace:
        from signing_core.desk import certificate_facts

        document_id = furnished.documents["altered"]
        with reading(workspace.engine) as connection:
            completed = next(
                event for event in events.of_document(connection, document_id) if event.type == "document.completed"
            )
            _, url = certificate_facts.as_issued(workspace, connection, document_id, completed)
    test = show(furnished.folder, "check", way="text")
    test.text_area[0].input(url).run()
    assert "valid" in told(test) and document_id in told(test)


def test_the_log_is_replayed_and_an_event_proven(furnished_copy: Any, show: Show) -> None:
    test = show(furnished_copy.folder, "log", logview="replay")
    next(one for one in test.button if one.label == "Replay now").click().run()
    assert "The log is not in order." in test.error[0].value  # an event was edited on purpose
    with Workspace.open(furnished_copy.folder) as workspace:
        from signing_core.audit_log.log import AuditLog

        AuditLog(workspace).checkpoint()
    test = show(furnished_copy.folder, "log", logview="prove", seq="3")
    assert "Hashes on the way" in told(test)


def test_a_role_is_granted(furnished_copy: Any, show: Show) -> None:
    test = show(furnished_copy.folder, "people")
    test.text_input[0].input("new.analyst@example.org")
    next(one for one in test.button if one.label == "Grant").click().run()
    assert "new.analyst@example.org" in told(test)
    assert types(furnished_copy.folder).count("role.granted") == len(PEOPLE) + 1


def test_exports_hold_what_the_filters_find(furnished: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from openpyxl import load_workbook

    from dashboards import files, queries

    with Workspace.open(furnished.folder) as workspace:
        mine = Access(workspace, LOCAL_ADMINISTRATOR)
        rows = queries.matching(mine, queries.Filters(status="completed"), most=100)
        table = files.table(rows)
        lines = files.as_csv(table).decode("utf-8-sig").splitlines()
        assert len(lines) == len(rows) + 1
        sheet = load_workbook(BytesIO(files.as_excel(table))).active
        assert sheet is not None and sheet.max_row == len(rows) + 1
        with zipfile.ZipFile(BytesIO(files.as_zip(mine, rows))) as archive:
            listed = archive.read("files.csv").decode("utf-8-sig")
            assert "not there" in listed  # the file that is missing on purpose
            assert len(archive.namelist()) == len(rows)
    formula = [{"title": "=1+1"}]
    assert "'=1+1" in files.as_csv(formula).decode("utf-8-sig")
    cell = load_workbook(BytesIO(files.as_excel(formula))).active["A2"]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


@pytest.mark.parametrize(
    ("host", "headers", "loopback", "local"),
    [
        ("localhost:8501", (), True, True),
        ("127.0.0.1", (), True, True),
        ("[::1]:8501", (), True, True),
        ("sealtrail.example.org", (), True, False),
        ("localhost.example.org:8501", (), True, False),
        ("", (), True, False),
        ("localhost:8501", ("x-forwarded-for",), True, False),
        ("localhost:8501", ("forwarded",), True, False),
        ("localhost:8501", ("via",), True, False),
        ("localhost:8501", ("x-forwarded-port",), True, False),
        ("localhost:8501", ("cf-connecting-ip",), True, False),
        ("localhost:8501", (), False, False),
    ],
)
def test_the_local_administrator_is_on_this_machine_only(
    host: str, headers: tuple[str, ...], loopback: bool, local: bool
) -> None:
    assert session.Connection(host, frozenset({"host", *headers}), loopback).local is local


def test_from_elsewhere_there_is_nothing_to_see(furnished: Any, show: Show, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "connection", lambda: session.Connection("sign.example.org", frozenset(), True))
    monkeypatch.setenv("SEALTRAIL_WORKSPACE", str(furnished.folder))
    test = AppTest.from_file(Path(session.__file__).with_name("app.py"), default_timeout=600).run()
    assert "only in a browser on the same machine" in test.error[0].value
    assert "access" not in test.session_state
