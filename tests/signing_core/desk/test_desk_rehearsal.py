"""What is found before anybody is asked to sign: odd documents that come through, and those that are refused with one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from bombs import plain
from desk_steps import NAMES, REQUEST
from pdf_parts import stream

from signing_core.desk import rehearsal, taking_in
from signing_core.errors import DocumentRefused
from signing_core.pdf.places import Placement
from signing_core.pdf.prepare import FieldRequest, Prepared, PrepareRequest, prepare
from signing_core.verdict import Indication, Integrity


def taken(source: bytes, *, template_id: str | None = None) -> taking_in.TakenIn:
    return taking_in.take_in(source, REQUEST, name="offer.pdf", names=NAMES, template_id=template_id)


def refused(source: bytes) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as caught:
        taken(source)
    assert str(caught.value).startswith("offer.pdf ")
    return caught.value


@pytest.mark.parametrize(
    "marks",
    [
        b"<< /Type /MarkInfo /Marked true >>",  # Chrome, Edge
        b"<< /Marked true /LetterspaceFlags 0 >>",  # PDFMaker for Word
        b"<< /Marked true /Suspects false /Unknown (kept) >>",
        b"<< /Marked 30 0 R >>",
    ],
    ids=["type", "letterspace", "unknown", "indirect"],
)
def test_what_a_document_says_of_its_tags_does_not_keep_it_from_its_seal(marks: bytes) -> None:
    found = taken(plain(b"/MarkInfo " + marks, more={30: b"true"}))
    assert found.programs[0] == "PDFium"
    assert not found.differences


def test_a_direct_annotation_comes_through() -> None:
    note = b" /Annots [<< /Type /Annot /Subtype /Link /Rect [60 700 120 720] /Border [0 0 0] /A << /S /URI /URI (https://example.org) >> >>]"
    assert not taken(plain(page=note)).differences


def test_a_page_that_looks_different_when_it_is_prepared_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def without_price(source: bytes, request: PrepareRequest, *, name: str) -> Prepared:
        return prepare(plain(more={4: stream(b"BT /F1 11 Tf 60 700 Td (Something else.) Tj ET")}), request, name=name)

    monkeypatch.setattr(rehearsal, "prepare", without_price)
    with pytest.raises(DocumentRefused, match=r"offer\.pdf would not look the same when .*\(page 1\)") as caught:
        rehearsal.take_in(plain(), REQUEST, "offer.pdf", NAMES, True)
    assert caught.value.code == "unlike"


def test_a_document_that_would_not_verify_is_refused_with_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal.judging, "why_not_complete", lambda verdict, _: "its signatures are those of nobody")
    with pytest.raises(DocumentRefused, match=r"cannot be signed so that it verifies.*are those of nobody") as caught:
        rehearsal.take_in(plain(), REQUEST, "offer.pdf", NAMES, True)
    assert caught.value.code == "not-signable"


def test_a_signature_over_words_is_refused_by_its_place() -> None:
    over = FieldRequest("client", "Sample Client", Placement(page=1, x=60, y=842 - 720, width=180, height=40))
    request = replace(REQUEST, fields=(REQUEST.fields[0], over))
    with pytest.raises(
        DocumentRefused, match=r"offer\.pdf: the signature of the client would lie over .* of page 1; "
    ) as caught:
        rehearsal.take_in(plain(), request, "offer.pdf", NAMES, True)
    assert caught.value.code == "place"


def test_two_parsers_that_disagree_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal.two_readings, "different", lambda source: 2)
    with pytest.raises(DocumentRefused, match=r"differently by different programs.*page 2") as caught:
        rehearsal.take_in(plain(), REQUEST, "offer.pdf", NAMES, True)
    assert caught.value.code == "ambiguous"


def test_what_a_verdict_says_is_never_an_empty_reason() -> None:
    from datetime import UTC, datetime

    from signing_core.policy import Policy
    from signing_core.verification.undecided import undecided

    verdict = undecided(None, datetime.now(UTC), Policy())
    assert (verdict.integrity, verdict.indication) == (Integrity.INDETERMINATE, Indication.INDETERMINATE)
    why = rehearsal.judging._because(verdict)
    assert why.rstrip(".: ").endswith("no finding says why")


def test_a_template_is_rehearsed_once() -> None:
    first, second = (taken(plain(), template_id="01KAX9YJ7M3RP2S5T8V1W4X6T1") for _ in range(2))
    assert first.programs and not second.programs
    assert first.prepared == second.prepared
