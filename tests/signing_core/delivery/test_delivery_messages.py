from __future__ import annotations

import html as html_module
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing_core.delivery import tokens
from signing_core.delivery.messages import KINDS, MessageKind, compose, segments
from signing_core.delivery.messages.gsm7 import simplified
from signing_core.errors import UsageError

UNTIL = datetime(2026, 11, 25, 13, 5, 59, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
LINK = "https://sign.example.org/s/" + tokens.new_token()[0]


def written(kind: MessageKind, language: str = "en", **facts: Any) -> Any:
    given: dict[str, Any] = {
        "organisation": "Sample Company GmbH",
        "title": "Framework Contract 2026",
        "document_id": "01JDOCUMENT000000000000000",
        "recipient_name": "Erika Mustermann",
        "zone": BERLIN,
        "expires_at": UNTIL,
        "declined_by": "Sample Client",
    }
    if kind in ("link", "reminder", "download"):
        given["link"] = LINK
    if kind == "code":
        given["code"] = "042917"
    return compose(kind, language, **(given | facts))


class Reader(HTMLParser):
    """The visible text, the elements and the links of an HTML mail."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words += data.split()


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_names_organisation_and_document_in_every_form(kind: MessageKind, language: str) -> None:
    content = written(kind, language)
    assert "Framework Contract 2026" in content.subject
    for form in (content.text, content.sms, " ".join(Reader(content.html).words)):
        assert "Sample Company GmbH" in form
        assert "Framework Contract 2026" in form
        assert "{" not in form and "None" not in form
    assert "01JDOCUMENT000000000000000" in content.text
    assert "Erika Mustermann" in content.text
    assert f'<html lang="{language}">' in content.html
    assert "\n\n\n" not in content.text


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_text_and_html_say_the_same(kind: MessageKind, language: str) -> None:
    content = written(
        kind, language, reason="The price", completed_at=UNTIL, verify_url="https://sign.example.org/verify"
    )
    shown = " ".join(Reader(content.html).words)
    for paragraph in re.split(r"\n\s*\n", content.text.partition("-- \n")[0]):
        if not re.match(r"[\w -]+: ", paragraph):  # rows of facts are laid out as a table there
            assert " ".join(paragraph.split()) in shown


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_html_loads_nothing_and_links_nowhere_else(kind: MessageKind, language: str) -> None:
    reader = Reader(written(kind, language).html)
    assert not {"img", "script", "link", "iframe", "form", "style"} & set(reader.tags)
    assert set(reader.links) <= {LINK}


def test_a_code_message_says_how_long_and_asks_for_no_click() -> None:
    content = written("code", verify_url="https://sign.example.org/verify", link=None)
    german = written("code", "de")
    for form in (content.text, content.sms, " ".join(Reader(content.html).words)):
        assert "042 917" in form
        assert "valid for five minutes, until 14:05 (UTC+01:00)" in form.lower().replace("utc", "UTC")
        assert "http" not in form and "www" not in form
        assert "click" not in form.lower()
    for form in (german.text, german.sms):
        assert "fünf Minuten" in form and "bis 14:05 (UTC+01:00)" in " ".join(form.split())
        assert "http" not in form
    assert Reader(content.html).links == []
    assert content.expires_at == UNTIL


def test_the_code_is_not_in_the_subject_that_a_locked_screen_shows() -> None:
    assert "042" not in written("code").subject


def test_times_carry_their_offset() -> None:
    assert "25 November 2026, 14:05 (UTC+01:00)" in written("link").text
    assert "25. November 2026, 14:05 Uhr (UTC+01:00)" in written("link", "de").text
    assert "13:05 (UTC)" in written("link", zone=UTC).text
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert "14:00 (UTC+02:00)" in written("link", expires_at=summer).text
    assert (
        "08:30 (UTC-03:30)"
        in written("link", zone=ZoneInfo("America/St_Johns"), expires_at=summer.replace(month=1)).text
    )


def test_only_what_ends_has_an_end() -> None:
    assert {kind for kind in KINDS if written(kind).expires_at} == {"link", "code", "reminder", "download"}


def test_a_completed_message_names_attachment_hash_and_where_to_check() -> None:
    content = written(
        "completed", attachment_name="Contract.pdf", file_sha256="ab" * 32, verify_url="https://sign.example.org/verify"
    )
    for part in ("Contract.pdf", "ab" * 32, "https://sign.example.org/verify", "is attached"):
        assert part in content.text


def test_missing_facts_are_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="needs code"):
        written("code", code=None)
    with pytest.raises(ValueError, match="needs link, expires_at"):
        written("link", link=None, expires_at=None)
    with pytest.raises(ValueError, match="no message of the kind"):
        written("greeting")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="language 'fr'"):
        written("link", "fr")


def test_markup_in_facts_stays_text() -> None:
    evil = "<script>alert(1)</script> & <b>bold</b>"
    content = written("declined", title=evil, reason=evil, organisation=evil, recipient_name=evil, declined_by=evil)
    reader = Reader(content.html)
    assert not {"script", "b"} & set(reader.tags)
    assert content.html.count(html_module.escape(evil)) >= 5
    assert evil in content.text


def test_template_syntax_in_facts_stays_text() -> None:
    assert "{{ 7 * 7 }}" in written("link", title="{{ 7 * 7 }}").text


@pytest.mark.parametrize(
    "evil", ["Contract\r\nBcc: all@example.org", "Con\x00tract\u2028Next", "Con\u202etcart", "a\n\nb"]
)
def test_line_breaks_and_directions_in_facts_disappear(evil: str) -> None:
    content = written("link", title=evil, organisation=evil)
    for form in (content.subject, content.sms):
        assert form.isprintable()
    assert "\r" not in content.text and "\u202e" not in content.text + content.html


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", KINDS)
def test_text_messages_fit_in_two_segments_codes_in_one(kind: MessageKind, language: str) -> None:
    content = written(
        kind, language, title="Rahmenvertrag über die Lieferung von Maschinen – “Werk Süd”, Nachtrag № 4" * 2,
        organisation="Muster & Söhne Maschinenbau GmbH & Co. Kommanditgesellschaft", reason="zu teuer " * 40,
    )  # fmt: skip
    cost = segments(content.sms)
    assert cost.encoding == "gsm-7"
    assert cost.count <= (1 if kind == "code" else 2)
    if kind in ("link", "reminder", "download"):
        assert content.sms.endswith(LINK)
    if kind == "code":
        assert "042 917" in content.sms


def test_other_scripts_go_as_ucs2_and_are_cut_to_the_budget() -> None:
    content = written("code", title="Договор о поставке оборудования и материалов" * 3)
    assert segments(content.sms).encoding == "ucs-2"
    assert "Договор" in content.sms and "042 917" in content.sms
    assert segments(content.sms).count <= 3


@pytest.mark.parametrize(
    ("text", "encoding", "count"),
    [
        ("", "gsm-7", 1),
        ("a" * 160, "gsm-7", 1),
        ("a" * 161, "gsm-7", 2),
        ("a" * 306, "gsm-7", 2),
        ("a" * 307, "gsm-7", 3),
        ("€" * 80, "gsm-7", 1),
        ("€" * 81, "gsm-7", 2),
        ("a" * 151 + "€" + "a" * 153, "gsm-7", 2),
        ("a" * 152 + "€" + "a" * 152, "gsm-7", 3),  # an escaped character is not torn in two
        ("€" * 153, "gsm-7", 3),  # 76 to a segment
        ("ж" * 70, "ucs-2", 1),
        ("ж" * 71, "ucs-2", 2),
        ("ж" * 134, "ucs-2", 2),
        ("😀" * 35, "ucs-2", 1),
        ("😀" * 36, "ucs-2", 2),
        ("ç", "ucs-2", 1),  # GSM 7-bit has the capital only
    ],
)
def test_segments_are_counted_as_networks_do(text: str, encoding: str, count: int) -> None:
    cost = segments(text)
    assert (cost.encoding, cost.count) == (encoding, count)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("„Süd“ – ‘x’…", "\"Süd\" - 'x'..."),
        ("Łódź, Đorđe, ç, œ", "Lodz, Dorde, c, oe"),
        ("Straße €5 [1]", "Straße €5 [1]"),
        ("Договор", "Договор"),
        ("a\u00a0b", "a b"),
        ("e\u0301", "é"),
    ],
)
def test_typographic_signs_and_accents_give_way_to_seven_bits(text: str, plain: str) -> None:
    assert simplified(text) == plain


names = st.text(max_size=120)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(["en", "de"]), names, names, names, names)
def test_no_fact_breaks_a_message(
    kind: MessageKind, language: str, title: str, organisation: str, recipient: str, reason: str
) -> None:
    content = written(
        kind, language, title=title, organisation=organisation, recipient_name=recipient, reason=reason,
        expires_at=UNTIL + timedelta(days=1), declined_by="x" + reason,
    )  # fmt: skip
    assert "\n" not in content.subject and "\r" not in content.subject
    content.text.encode()
    content.sms.encode()
    assert set(Reader(content.html).links) <= {LINK}
    assert {"html", "body", "p"} <= set(Reader(content.html).tags)
    assert "script" not in Reader(content.html).tags
    if kind == "code":
        assert "042 917" in content.sms
