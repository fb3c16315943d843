"""What is found before anybody is asked to sign: odd documents that come through, and those that are refused with one sentence."""

from __future__ import annotations

import resource
import zlib
from collections.abc import Callable

import pytest
from pdf_parts import contract_objects, original, stream

from signing_core.desk import rehearsal, taking_in
from signing_core.errors import DocumentRefused
from signing_core.pdf.prepare import FieldRequest, Prepared, PrepareRequest, prepare
from signing_core.verdict import Indication, Integrity

NAMES = {"first-party": "Sample Director", "client": "Sample Client"}
REQUEST = PrepareRequest(
    document_id="01KAX9YJ7M3RP2S5T8V1W4X6Z0",
    title="Sample contract",
    language="en",
    fields=(FieldRequest("first-party", "Sample Director"), FieldRequest("client", "Sample Client")),
)


def taken(source: bytes, *, template_id: str | None = None) -> taking_in.TakenIn:
    return taking_in.take_in(source, REQUEST, name="offer.pdf", names=NAMES, template_id=template_id)


def refused(source: bytes) -> DocumentRefused:
    with pytest.raises(DocumentRefused) as caught:
        taken(source)
    assert str(caught.value).startswith("offer.pdf ")
    return caught.value


def plain(catalog: bytes = b"", page: bytes = b"", more: dict[int, bytes] | None = None) -> bytes:
    """Two pages without a form, with more entries in the catalog and on the first page."""
    objects = {number: body for number, body in contract_objects().items() if number not in (8, 9, 10, 11)}
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog
    objects[3] = objects[3].replace(b" /Annots [9 0 R 10 0 R 11 0 R]", page)
    return original(objects | (more or {}))


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


def deep_forms() -> bytes:
    """Form XObjects that each draw the next one ten times, ten deep."""
    more = {
        number: stream(b"/X Do " * 10, b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X %d 0 R >> >>" % (number + 1))
        for number in range(30, 40)
    }  # fmt: skip
    more[40] = stream(b"0 0 1 1 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    more[4] = stream(b"/X Do")
    page = contract_objects()[3].replace(b" /Annots [9 0 R 10 0 R 11 0 R]", b"")
    more[3] = page.replace(b"/Resources <<", b"/Resources << /XObject << /X 30 0 R >>")
    return plain(more=more)


def huge_stream(levels: int = 2) -> bytes:
    body = b"0 0 1 1 re f " * (60 << 20)
    for _ in range(levels):
        body = zlib.compress(body, 9)
    return plain(more={4: stream(body, b"/Filter [%s]" % (b"/FlateDecode " * levels))})


def huge_picture() -> bytes:
    picture = stream(
        zlib.compress(bytes(1 << 20), 9),
        b"/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode",
    )
    page = contract_objects()[3].replace(b" /Annots [9 0 R 10 0 R 11 0 R]", b"")
    page = page.replace(b"/Resources <<", b"/Resources << /XObject << /X 30 0 R >>")
    return plain(more={3: page, 30: picture, 4: stream(b"500 0 0 500 0 0 cm /X Do")})


def huge_object_stream() -> bytes:
    body = zlib.compress(zlib.compress(b"1 0 " * (100 << 20), 9), 9)
    objects = stream(body, b"/Type /ObjStm /N 100000000 /First 419430400 /Filter [/FlateDecode /FlateDecode]")
    return plain(catalog=b"/Names 31 0 R", more={30: objects})


def many_pages() -> bytes:
    return plain(more={2: b"<< /Type /Pages /Count 3000 /Kids [%s] >>" % (b"3 0 R " * 3000)})


def endless_pattern() -> bytes:
    tiny = stream(
        b"0 0 .01 .01 re f",
        b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 .02 .02] /XStep .02 /YStep .02 /Resources << >>",
    )
    page = contract_objects()[3].replace(b" /Annots [9 0 R 10 0 R 11 0 R]", b"")
    page = page.replace(b"/Resources <<", b"/Resources << /Pattern << /P 30 0 R >>")
    return plain(more={3: page, 30: tiny, 4: stream(b"/Pattern cs /P scn 0 0 595 842 re f")})


def many_strokes() -> bytes:
    body = zlib.compress(b"0 0 m 595 842 l S 9 9 500 700 re B* " * 1_500_000, 9)
    return plain(more={4: stream(body, b"/Filter /FlateDecode")})


BOMBS: list[Callable[[], bytes]] = [
    deep_forms,
    huge_stream,
    huge_picture,
    huge_object_stream,
    many_pages,
    endless_pattern,
    many_strokes,
]


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_bomb_costs_little_and_gets_one_sentence_or_comes_through(bomb: Callable[[], bytes]) -> None:
    source = bomb()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        taken(source)
    except DocumentRefused as error:
        assert str(error).startswith("offer.pdf ")
    from signing_core.limited import calling

    calling._end_all()  # so that what its process took is counted
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = 15.0  # of a process with its libraries, on a busy machine; the limit of ten is kept by the system
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 10 + start + 0.25 * len(source) / 1024
    assert after.ru_maxrss < 1.3 * (1 << 20)  # kilobytes
