"""The books of the change analysis: a rule that is missing, or that hands its entry to nobody, leaves the verdict open."""

from __future__ import annotations

from collections.abc import Callable

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, CONTENT, FONT, FORM, INFO, PAGE, TEXT, contract_objects

from signing_core.pdf.revisions import parse
from signing_core.pdf.structure.mentions import ParsedMentions, ScannedMentions
from signing_core.pdf.structure.values import Value
from signing_core.verification.changes import ChangeLevel, ChangeReport, catalog, form, page
from signing_core.verification.changes.analysis import History, compare, judge
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.ledger import Ledger, Use
from signing_core.verification.changes.pair import Pair
from signing_core.verification.changes.walk import Place, Walk, simple

OBJECTS = contract_objects()


def noted(data: bytes) -> bytes:
    """With a reader's note in the margin."""
    note = b"<< /Type /Annot /Subtype /Text /F 4 /Rect [560 20 580 40] /Contents (a note) /AP << /N 61 0 R >> >>"
    listed = OBJECTS[PAGE].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    return parts.update(data, {PAGE: listed, 60: note, 61: parts.visible(b"x")})


HONEST: dict[str, tuple[dict[str, object], str, Callable[[], bytes]]] = {
    "a new page annotation": (page._PAGE, "Annots", lambda: noted(parts.signed())),
    "pages": (catalog._CATALOG, "Pages", lambda: noted(parts.signed())),
    "the form": (catalog._CATALOG, "AcroForm", lambda: parts.filled(parts.signed())),
    "its fields": (form._FORM, "Fields", lambda: parts.filled(parts.signed())),
    "validation data": (catalog._CATALOG, "DSS", lambda: parts.time_stamped(parts.signed())),
    "document information": (catalog._TRAILER, "Info", lambda: parts.update(
        parts.signed(), {INFO: OBJECTS[INFO].replace(b"2026", b"2027")})),
    "the catalog": (catalog._TRAILER, "Root", lambda: parts.time_stamped(parts.signed())),
}  # fmt: skip


def verdict(data: bytes) -> ChangeReport:
    structure = parse(data)
    covered = structure.signatures[0].covered_revision
    assert covered is not None
    return judge(History(structure), covered, 0)


@pytest.mark.parametrize("name", HONEST)
def test_a_forgotten_rule_leaves_the_verdict_open(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table, key, make = HONEST[name]
    data = make()
    assert verdict(data).level is ChangeLevel.PERMITTED
    monkeypatch.delitem(table, key)
    report = verdict(data)
    assert report.level in (ChangeLevel.UNKNOWN, ChangeLevel.FORBIDDEN)
    assert report.findings


@pytest.mark.parametrize("name", ["a new page annotation", "pages", "the form", "its fields", "the catalog"])
def test_a_rule_that_trusts_another_to_look_leaves_the_verdict_open(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table, key, make = HONEST[name]
    data = make()
    monkeypatch.setitem(table, key, lambda walk, old, new, place: "judged elsewhere")
    assert verdict(data).level is ChangeLevel.UNKNOWN


def with_entry(entry: bytes, more: dict[int, bytes] | None = None) -> bytes:
    data = parts.signed()
    return parts.update(data, {CATALOG: parts.newest(data, CATALOG)[:-2] + entry + b" >>", **(more or {})})


def test_a_rule_is_added_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/changes.md tells it: a key and a rule that others share."""
    data = with_entry(b"/PageMode /UseOutlines")
    assert verdict(data).level is ChangeLevel.FORBIDDEN
    monkeypatch.setitem(catalog._CATALOG, "PageMode", simple("change-catalog", "How it opens", (str,), Kind.UPKEEP))
    assert verdict(data).level is ChangeLevel.PERMITTED


@pytest.mark.parametrize(
    ("claim", "level"),
    [("nothing", ChangeLevel.UNKNOWN), ("open", ChangeLevel.UNKNOWN), ("take_in", ChangeLevel.PERMITTED)],
)
def test_a_rule_of_ones_own_claims_what_its_entry_brings(
    claim: str, level: ChangeLevel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str:
        if claim == "open":
            walk.open(old, new, place, Use.METADATA)
        elif claim == "take_in":
            walk.take_in(new, Use.METADATA, old)
        return walk.note(Kind.UPKEEP, "change-catalog", "A program's own data was changed.", place)

    data = with_entry(b"/Sample 60 0 R", {60: b"<< /First 61 0 R >>", 61: b"<< /Second true >>"})
    assert verdict(data).level is ChangeLevel.UNKNOWN
    monkeypatch.setitem(catalog._CATALOG, "Sample", rule)
    assert verdict(data).level is level


def pair_of(data: bytes) -> Pair:
    structure = parse(data)
    return Pair(
        structure,
        structure.signatures[0].covered_revision or 0,
        len(structure.revisions),
        ScannedMentions(structure),
        {},
    )


def test_an_entry_that_no_rule_claims_is_in_the_balance() -> None:
    ledger = Ledger(pair_of(noted(parts.signed())))
    ledger.entry("catalog/Sample", None)
    assert "catalog/Sample" in next(ledger.balance())[0]


def test_an_object_in_use_that_no_rule_claims_is_in_the_balance() -> None:
    ledger = Ledger(pair_of(noted(parts.signed())))
    assert {number for _, number in ledger.balance()} == {PAGE, 60, 61}
    for number in (PAGE, 60, 61):
        ledger.claim(number, Use.FORM)
    assert not list(ledger.balance())


def test_an_object_that_nothing_uses_owes_nothing() -> None:
    ledger = Ledger(pair_of(parts.update(parts.signed(), {60: b"<< /Kids [61 0 R] >>", 61: b"<< /Parent 60 0 R >>"})))
    assert not list(ledger.balance())


def test_an_object_of_two_kinds_is_in_the_balance() -> None:
    ledger = Ledger(pair_of(noted(parts.signed())))
    for number in (PAGE, 60, 61):
        ledger.claim(number, Use.FORM)
    ledger.claim(61, Use.VALIDATION)
    (message, number), *rest = ledger.balance()
    assert number == 61 and "validation data" in message and not rest


def test_validation_data_that_is_an_appearance_too_leaves_the_verdict_open() -> None:
    data = noted(parts.signed())
    report = verdict(
        parts.update(data, {CATALOG: parts.newest(data, CATALOG)[:-2] + b"/DSS << /Certs [62 0 R] >> >>",
                            62: parts.stream(b"0\x82a"),
                            60: parts.newest(data, 60).replace(b"61 0 R", b"62 0 R")})
    )  # fmt: skip
    assert report.level is not ChangeLevel.PERMITTED


@pytest.mark.parametrize("name", HONEST)
def test_both_indexes_of_references_lead_to_the_same(name: str) -> None:
    structure = parse(HONEST[name][2]())
    covered, last = structure.signatures[0].covered_revision or 0, len(structure.revisions)
    changes = [
        compare(Pair(structure, covered, last, mentions, {}))
        for mentions in (ScannedMentions(structure), ParsedMentions(structure))
    ]
    assert changes[0] == changes[1]


CONTENT_NAMED_AGAIN = {
    "font as a kid of a new field": b"<< /FT /Sig /T (extra) /Kids [5 0 R] >>",
    "font as the value of a new field": b"<< /FT /Sig /T (extra) /V 5 0 R >>",
    "font as a look of a new field": b"<< /FT /Sig /T (extra) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /AP << /N 5 0 R >> >>",
    "font as a lock of a new field": b"<< /FT /Sig /T (extra) /Lock 5 0 R >>",
    "font as an entry of its own in a new field": b"<< /FT /Sig /T (extra) /Sample 5 0 R >>",
    "content as a kid of a new field": b"<< /FT /Sig /T (extra) /Kids [4 0 R] >>",
}


@pytest.mark.parametrize("name", CONTENT_NAMED_AGAIN)
def test_page_content_stays_page_content_whatever_an_update_calls_it(name: str) -> None:
    other = OBJECTS[FONT].replace(b"/WinAnsiEncoding", b"<< /Differences [48 /nine] >>")
    report = verdict(
        parts.update(
            parts.signed(),
            {60: CONTENT_NAMED_AGAIN[name], FORM: OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R]"), FONT: other,
             CONTENT: OBJECTS[CONTENT].replace(b"1000", b"9000")},
        )
    )  # fmt: skip
    assert report.level is ChangeLevel.FORBIDDEN
    codes = {finding.code for finding in report.findings}
    assert codes & {"change-page", "change-page-content"}


def test_a_walk_says_where_it_stands() -> None:
    walk = Walk(pair_of(parts.filled(parts.signed())))
    assert walk.unknown("Sample.", Place("catalog/Sample", TEXT)) and walk.changes[0].revision == 3
