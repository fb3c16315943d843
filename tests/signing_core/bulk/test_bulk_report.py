"""The report speaks the language of the workspace: what findings mean, what is to be done, what the counts say."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from signing_core.bulk import certificates, gathering, report
from signing_core.bulk.exceptions import Cases
from signing_core.bulk.gathering import Gathered
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.report import Report
from signing_core.bulk.report_words import ANSWERS, WORDS
from signing_core.bulk.results import Results, rows_of
from signing_core.controls import CATALOGUE, in_words
from signing_core.controls.reconciliation import Printed
from signing_core.errors import LogInconsistent
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import audit_events
from signing_core.storage.workspace import Workspace
from signing_core.verdict.terms import AuditLogState, Integrity, RegistryState

HASH = "0123456789abcdef" * 4
SHOWN = [code for code, kind in CATALOGUE.items() if kind.severity != "info"]  # a mere remark is no exception
NAME = "ein-sehr-langer-Dateiname-ohne-Leerzeichen-" * 3 + "Ende.pdf"


@pytest.fixture
def made(request: pytest.FixtureRequest, blank_copy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> Report:
    """A report in the language asked for, with an exception of every code, and every answer counted."""
    language, folder = request.param, blank_copy()
    settings = folder / "sealtrail.toml"
    settings.write_text(f'language = "{language}"\n' + settings.read_text())
    cases = Cases()
    for code in SHOWN:
        cases.add(code, code, f"It hashes to {HASH}.", files=[NAME], evidence=[f"file {code}"])
    counts = {"files": dict.fromkeys(ANSWERS["en"], 1), "indication": {"TOTAL-PASSED": 1}}
    monkeypatch.setattr(gathering, "gather", lambda *_, **__: Gathered(cases, counts))
    with Workspace.open(folder) as workspace, Ledger(folder / "results" / "intake.sqlite") as ledger:
        return report.make(workspace, Results(folder / "results"), ledger, run_id="test-run")


def on_page(made: Report) -> str:
    """The words of the page."""
    body = made.html.read_text("utf-8").partition("<body>")[2]
    body = re.sub(r"</?(?:code|strong|span)\b[^>]*>", "", body)  # within a line; every other tag parts words
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def in_pdf(made: Report) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(made.pdf).pages)


def without_spaces(text: str) -> str:
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize(("made", "language"), [("en", "en"), ("de", "de")], indirect=["made"])
def test_every_finding_is_explained_in_the_language_of_the_workspace(made: Report, language: str) -> None:
    page, pdf = on_page(made), without_spaces(in_pdf(made))
    other = "de" if language == "en" else "en"
    for code in SHOWN:
        for said, unsaid in zip(in_words(code, language), in_words(code, other), strict=True):
            said, unsaid = said.replace("`", ""), unsaid.replace("`", "")  # commands are set in another type
            assert said in page and without_spaces(said) in pdf, code
            assert unsaid not in page, code
    assert f"It hashes to {HASH}." in page  # a record, as it was written


@pytest.mark.parametrize(("made", "language"), [("en", "en"), ("de", "de")], indirect=["made"])
def test_what_is_counted_is_named_and_terms_of_the_standard_stay(made: Report, language: str) -> None:
    page, pdf = on_page(made), in_pdf(made)
    for answer in (*ANSWERS[language].values(), "TOTAL-PASSED"):
        assert re.search(rf"\b{answer} 1\b", page), answer
        assert answer in pdf


@pytest.mark.parametrize("made", ["de"], indirect=True)
def test_what_machines_read_stays_english(made: Report) -> None:
    rows = rows_of(made.folder / "exceptions.parquet")
    assert {row["action"] for row in rows} == {CATALOGUE[code].action for code in SHOWN}


@pytest.mark.parametrize("made", ["de"], indirect=True)
def test_hashes_and_names_are_copied_from_the_pdf_without_hidden_characters(made: Report) -> None:
    text = in_pdf(made)
    assert "\u200b" not in text and "\u00ad" not in text
    assert HASH in without_spaces(text) and NAME in without_spaces(text)


def test_every_answer_has_a_word_in_both_languages() -> None:
    terms = {"present", "missing", "unreadable", "in order", "not in order", "not ours", "none", *map(str, Integrity)}
    for states in (certificates.State, Printed, RegistryState, AuditLogState):
        terms |= set(get_args(states))
    for language in WORDS:
        assert set(ANSWERS[language]) == terms
    assert WORDS["en"].keys() == WORDS["de"].keys()


# --- What was damaged does not keep a report from being made ---


class Reports:
    """A workspace without documents, of which reports are made."""

    def __init__(self, workspace: Workspace, ledger: Ledger) -> None:
        self.workspace, self.ledger = workspace, ledger
        self.store = Results(workspace.path / "results")

    def make(self, run_id: str) -> Report:
        return report.make(self.workspace, self.store, self.ledger, run_id=run_id)

    def trend(self, run_id: str = "the-newest") -> list[str]:
        """When the runs were of which the trend of a new report tells."""
        page = self.make(run_id).html.read_text("utf-8")
        return re.findall(r"<tr><td>([^<]+)</td>", page.partition('class="trend"')[2])


@pytest.fixture
def reports(blank_copy: Callable[..., Path]) -> Iterator[Reports]:
    folder = blank_copy()
    with Workspace.open(folder) as workspace, Ledger(folder / "results" / "intake.sqlite") as ledger:
        yield Reports(workspace, ledger)


@pytest.mark.parametrize(
    "damage",
    [
        "{}",
        "[]",
        "null",
        "not JSON",
        '{"run": "x"}',
        '{"at": "yesterday", "documents": 1, "exceptions": 0, "by_severity": {}}',
        '{"at": "2026-11-25T02:00:00Z", "documents": "many", "exceptions": 0, "by_severity": {}}',
        '{"at": "2026-11-25T02:00:00Z", "documents": 1, "exceptions": 0, "by_severity": []}',
    ],
)
def test_a_damaged_summary_is_a_gap_in_the_trend(reports: Reports, damage: str) -> None:
    (reports.make("first").folder / "summary.json").write_text(damage)
    assert len(reports.trend()) == 1


@pytest.mark.parametrize("field", [b'"run"', b'"sha256"', b'"data"', b"{"])
def test_a_damaged_event_of_a_report_does_not_stop_the_next(reports: Reports, field: bytes) -> None:
    reports.make("first")
    with writing(reports.workspace.engine) as connection:
        kind = audit_events.c.type == report.ISSUED
        (body,) = connection.scalars(sa.select(audit_events.c.body).where(kind))
        connection.execute(sa.update(audit_events).where(kind).values(body=bytes(body).replace(field, b'"other"')))
    reports.make("second")
    with reading(reports.workspace.engine) as connection:
        assert [one["run"] for one in report.issued(connection)] == ["second"]


@pytest.mark.parametrize("cut", ["events", "head"])
def test_a_report_that_the_log_does_not_take_is_there_and_said_not_to_be_on_record(reports: Reports, cut: str) -> None:
    reports.make("first")
    reports.make("second")
    with writing(reports.workspace.engine) as connection:
        if cut == "events":
            connection.execute(sa.delete(audit_events).where(audit_events.c.seq >= 1))
        connection.execute(sa.text("UPDATE audit_head SET size = 1"))
    with pytest.raises(LogInconsistent, match=r"is not on record, .* run `sealtrail audit verify`"):
        reports.make("third")
    (folder,) = (reports.store.folder / "reports").glob("*-third")
    assert {file.name for file in folder.iterdir()} == {
        "report.html",
        "report.pdf",
        "exceptions.parquet",
        "summary.json",
    }


def test_the_trend_is_of_days_and_its_times_have_their_offset(reports: Reports) -> None:
    settings = reports.workspace.path / "sealtrail.toml"
    settings.write_text('time_zone = "Europe/Berlin"\n' + settings.read_text())
    with Workspace.open(reports.workspace.path) as workspace:
        reports.workspace = workspace
        # Two runs on one day, and two in the hour that comes twice when summer time ends.
        runs = ("2026-10-24T02:00", "2026-10-24T20:00", "2026-10-25T00:30", "2026-10-25T01:30")
        for number, at in enumerate(runs):
            now = datetime.fromisoformat(f"{at}:00+00:00")
            workspace.clock = lambda now=now: now  # type: ignore[misc]
            reports.make(f"run-{number}")
        assert reports.trend("run-3") == [
            "2026-10-25 02:30+01:00",
            "2026-10-25 02:30+02:00",
            "2026-10-24 22:00+02:00",
        ]
