"""What notebooks show: escaped, in one stylesheet, and plain text that says the verdict and its first reason."""

from __future__ import annotations

import base64
import dataclasses
import json
import subprocess
import sys
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeded import Seeded

import signing_core
from signing_core import display
from signing_core.audit_log import notes
from signing_core.audit_log.events import Event
from signing_core.audit_log.log import AuditLog
from signing_core.audit_log.proofs import Proof
from signing_core.verdict import Finding


class Tags(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.words: list[str] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1))
def test_whatever_goes_in_is_text(hostile: str) -> None:
    markup = display.card(display.facts({hostile: hostile}), display.fold(hostile, hostile))
    tags = Tags(markup)
    assert set(tags.seen) <= {"div", "style", "table", "tbody", "tr", "th", "td", "details", "summary"}
    assert "".join(tags.words).count(hostile) >= 4


def test_script_and_direction_characters_do_nothing() -> None:
    markup = str(display.badge("<script>alert(1)</script>\u202e", "bad"))
    assert "<script" not in markup
    assert "\u202e" not in markup


def test_every_rule_of_the_stylesheet_is_ours_and_both_schemes_are_there() -> None:
    sheet = display.stylesheet()
    selectors = [line.split("{")[0] for line in sheet.splitlines() if "{" in line and not line.startswith("@")]
    assert all(".sealtrail" in part for selector in selectors for part in selector.split(","))
    assert "prefers-color-scheme: dark" in sheet
    assert 'data-jp-theme-light="false"' in sheet
    assert "url(" not in sheet


def test_display_needs_the_standard_library_alone() -> None:
    program = (
        "import sys, signing_core.display, signing_core.display.verdicts; "
        "print([m for m in sys.modules if m.split('.')[0] in ('pandas', 'sqlalchemy', 'pyhanko', 'jinja2')])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_conclusion_tells_people_and_programs() -> None:
    bundle = signing_core.Conclusion(False, "One of two is wrong.", {"wrong": ["a"]})._repr_mimebundle_()
    assert bundle["text/plain"] == "<Conclusion exceptions: One of two is wrong.>"
    assert bundle[display.CONCLUSION_TYPE]["figures"] == {"wrong": ["a"]}


@pytest.fixture(scope="module")
def workspace(seeded: Seeded) -> signing_core.Workspace:
    return signing_core.Workspace.open(seeded.folder)


def test_a_batch_and_its_verdicts_say_the_first_reason(seeded: Seeded, workspace: signing_core.Workspace) -> None:
    wanted = [seeded.document("changed-byte"), seeded.document("missing-file"), seeded.document("same-contact-twice")]
    report = signing_core.verify_archive(workspace, wanted)
    assert (report.counts["altered"], report.counts["intact"], report.counts["not judged"]) == (1, 1, 1)
    assert not report.in_order
    [bad] = report.exceptions
    assert bad.document_id == wanted[0]
    assert repr(bad).startswith(f"<DocumentVerdict {wanted[0]}: altered, TOTAL-FAILED")
    assert bad.why is not None and bad.why in repr(bad)
    assert repr(report).startswith("<BatchReport of 3 documents: 1 intact, 1 altered, 1 not judged; ")
    for shown in (report, bad):
        assert shown._repr_html_().count("<style>") == 1
        assert "script" not in Tags(shown._repr_html_()).seen


def test_a_trail_shows_the_edited_event_and_keeps_persons_out(
    seeded: Seeded, workspace: signing_core.Workspace
) -> None:
    document_id = seeded.document("log-event-edited")
    trail = signing_core.AuditTrail.of(workspace, document_id)
    assert not trail.in_order
    assert "consent.given" in repr(trail)
    assert "Sample Client" not in trail._repr_html_()
    opened = signing_core.AuditTrail.of(workspace, document_id, with_personal=True)
    assert "Sample Client" in opened._repr_html_()
    honest = signing_core.AuditTrail.of(workspace, seeded.document("changed-byte"))
    assert honest.in_order and honest.reason is None


def test_a_proof_says_whether_its_event_is_included(seeded: Seeded, workspace: signing_core.Workspace) -> None:
    proof = AuditLog(workspace).prove_document(seeded.document("changed-byte"))
    assert "its event is included" in repr(proof)
    assert "not included" not in proof._repr_html_()
    forged = Proof(proof.index, proof.path, proof.note, (proof.extra or b"") + b" ")
    assert forged.reason is not None
    assert forged.reason in repr(forged)
    assert "not included" in forged._repr_html_()


HOSTILE = "</td></table><script>alert(1)</script><img src=x onerror=alert(1)>\u202e&lt;\x00"
SAFE = {
    "div",
    "style",
    "p",
    "span",
    "table",
    "caption",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
    "code",
    "pre",
}


def nothing_of_it_is_markup(markup: str) -> None:
    tags = Tags(markup)
    assert set(tags.seen) <= SAFE
    assert "<script" not in markup
    assert "\u202e" not in markup
    assert "\x00" not in markup
    assert markup.count("<style>") == 1


def hostile_verdict() -> signing_core.DocumentVerdict:
    """As a verdict on a foreign file may be: names and messages come from whoever made it."""
    honest = signing_core.verify(b"no pdf", at=datetime(2026, 11, 1, tzinfo=UTC))
    finding = Finding(code=HOSTILE, severity="error", message=HOSTILE, field=HOSTILE)
    return dataclasses.replace(honest, path=HOSTILE, document_id=HOSTILE, sha256=HOSTILE, findings=(finding,))


def test_a_verdict_and_a_batch_of_a_hostile_file_show_text() -> None:
    verdict = hostile_verdict()
    nothing_of_it_is_markup(verdict._repr_html_())
    report = signing_core.BatchReport.of([verdict], not_judged=[(HOSTILE, HOSTILE)])
    nothing_of_it_is_markup(report._repr_html_())


def test_a_trail_of_hostile_events_shows_text() -> None:
    body = json.dumps(
        {"seq": 0, "prev": None, "type": HOSTILE, "actor": HOSTILE, "data": {"role": HOSTILE, "sha256": HOSTILE}}
    )
    event = Event(0, HOSTILE, HOSTILE, datetime(2026, 11, 1, tzinfo=UTC), body.encode())
    nothing_of_it_is_markup(signing_core.AuditTrail(HOSTILE, (event,), broken=(0,))._repr_html_())


def test_a_proof_by_a_log_with_a_hostile_name_shows_text() -> None:
    name = "<script>alert(1)</script>"
    note = notes.parse(f"{name}\n1\n{'A' * 43}=\n\n\u2014 {name} {base64.b64encode(bytes(68)).decode()}\n")
    proof = Proof(0, (), note, HOSTILE.encode())
    nothing_of_it_is_markup(proof._repr_html_())
    assert "not included" in proof._repr_html_()
    without = Proof(0, (), note, None)
    assert "not with it" in without._repr_html_().replace("&#x27;", "'")
    assert "badge good" not in without._repr_html_()


def test_a_conclusion_a_listing_and_a_picture_show_text() -> None:
    figures = {HOSTILE: [HOSTILE] * 9, "group": {HOSTILE: {HOSTILE: HOSTILE}}, "none": [], "missing": None}
    nothing_of_it_is_markup(signing_core.Conclusion(False, HOSTILE, figures)._repr_html_())
    nothing_of_it_is_markup(display.Listing([HOSTILE], [[HOSTILE]], HOSTILE)._repr_html_())
    markup = display.Picture(b"png", HOSTILE, HOSTILE)._repr_html_()
    tags = Tags(markup)
    assert tags.seen.count("img") == 1
    assert set(tags.seen) <= {*SAFE, "figure", "img", "figcaption"}


def test_a_listing_says_what_is_missing_and_how_much_is_not_shown() -> None:
    digest = "ab" * 32
    listing = display.Listing(("a", "b"), [(None, digest), *[(1, "x")] * 4], "Few", limit=2)
    shown = "".join(Tags(listing._repr_html_()).words)
    assert "not recorded" in shown
    assert digest in shown, "a hash is shown whole"
    assert "And 3 more rows." in shown
    assert repr(listing).splitlines()[:3] == ["Few", "a | b", f"not recorded | {digest}"]
    assert "No rows." in display.Listing(("a",), [])._repr_html_()
