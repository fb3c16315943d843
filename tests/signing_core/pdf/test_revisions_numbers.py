"""Numbers as a hostile file has them, and cross-reference sections that lead nowhere or list everything anew."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pdf_parts as parts
import pytest
from pdf_parts import CATALOG, CONTENT, EMPTY_SIGNATURE, FORM, PAGE, TEXT, contract_objects

from signing_core.pdf.revisions import Coverage, SectionKind, parse
from signing_core.pdf.structure.values import Ref
from signing_core.verification import verify

AT = datetime(2026, 6, 1, tzinfo=UTC)
OBJECTS = contract_objects()


def codes_of(data: bytes) -> set[str]:
    verdict = verify(data, at=AT)
    return {f.code for f in verdict.findings} | {f.code for s in verdict.signatures for f in s.findings}


def with_stream(data: bytes, entries: bytes, body: bytes = b"") -> bytes:
    """An update that is a cross-reference stream and nothing else."""
    (previous,) = re.findall(rb"startxref\s+(\d+)", data)[-1:]
    start = len(data)
    more = b"/Type /XRef /Size 91 /Root 1 0 R /Prev %s %s" % (previous, entries)
    return data + b"90 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (parts.stream(body, more), start)


@pytest.mark.parametrize(
    ("entries", "body"),
    [
        (b"/W [0 0 0]", b""),
        (b"/W [0 0 0] /Index []", b""),
        (b"/W [0 0 0] /Index [0 0]", b""),
        (b"/W [0 0 0] /Index [0 5]", b"12345"),
        (b"/W [1 2 1] /Index [0 9]", b""),
    ],
)
def test_a_cross_reference_stream_without_entries_changes_nothing(entries: bytes, body: bytes) -> None:
    data = with_stream(parts.signed(), entries, body)
    structure = parse(data)
    assert [revision.kind for revision in structure.revisions] == [
        SectionKind.TABLE,
        SectionKind.TABLE,
        SectionKind.STREAM,
    ]
    assert structure.revisions[2].added == structure.revisions[2].overridden == structure.revisions[2].freed == set()
    (record,) = structure.signatures
    assert (record.coverage, record.covered_revision) == (Coverage.WHOLE_REVISION, 2)
    assert "internal-error" not in codes_of(data)


@pytest.mark.parametrize(
    "data",
    [
        with_stream(parts.signed(), b"/W [1 8 2] /Index [3 1]", b"\1" + b"\xff" * 8 + b"\0\0"),
        with_stream(parts.signed(), b"/W [1 8 8] /Index [3 1]", b"\2" + b"\xff" * 16),
        with_stream(parts.signed(), b"/W [8 8 8] /Index [3 1]", b"\xff" * 24),
        with_stream(parts.signed(), b"/W [1 2 1] /Index [99999999999999999999 1]", b"\1\0\1\0"),
        with_stream(parts.signed(), b"/W [1 -1 1] /Index [3 1]", b"\1\0"),
        with_stream(parts.signed(), b"/W [1 2 1] /Index [3 -1]", b"\1\0\1\0"),
        with_stream(parts.signed(), b"/W [1 2 1] /Index [3 1] /Length 99999999999999999999", b"\1\0\1\0"),
        parts.update(parts.signed(), {40: b"<< >>"}, trailer=b" /XRefStm 99999999999999999999"),
        parts.update(parts.signed(), {40: b"<< >>"}, trailer=b" /XRefStm -99999999999999999999"),
        parts.update(parts.signed(), {40: b"<< >>"}, trailer=b" /XRefStm 1e300"),
    ],
    ids=range(10),
)
def test_numbers_too_large_for_the_machine(data: bytes) -> None:
    assert "internal-error" not in codes_of(data)


EXTREMES = (b"0", b"-1", b"9223372036854775808", b"18446744073709551616", b"9" * 40, b"0.5", b"9" * 60 + b".0", b"null")


@pytest.mark.parametrize(
    "base",
    [parts.signed(parts.original(xref="stream", packed=True), xref="stream"), parts.filled(parts.signed())],
    ids=["streams", "tables"],
)
def test_any_number_may_be_any_other(base: bytes) -> None:
    """Outside of page content, which nobody counts with. Each seventh place for each value, another one for each."""
    streams = [match.span(1) for match in re.finditer(rb"stream\n(.*?)endstream", base, re.DOTALL)]
    places = [
        match.span()
        for match in re.finditer(rb"(?<![\w.<])-?\d+(?![\w>])", base)
        if not any(low <= match.start() < high for low, high in streams)
    ]
    assert len(places) > 80
    for index, value in enumerate(EXTREMES):
        for start, end in places[index % 7 :: 7]:
            assert "internal-error" not in codes_of(base[:start] + value + base[end:]), (start, value)


# -- a table of everything, without /Prev -----------------------------------------------------------------------------


def listed_anew(data: bytes, objects: dict[int, bytes], *, leave_out: tuple[int, ...] = ()) -> bytes:
    """`data` with an update as PoDoFo writes it behind cross-reference streams: all objects in one table, no /Prev."""
    structure = parse(data)
    last = len(structure.revisions)
    out = bytearray(data)
    rows: dict[int, int] = {}
    for number in sorted(set().union(*(revision.added for revision in structure.revisions))):
        place = structure.location(number, last)
        if isinstance(place, int) and number not in leave_out:
            rows[number] = place
    for number, body in objects.items():
        rows[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in sorted(rows.items()):
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    out += b"trailer\n<< /Size 100 /Root 1 0 R /Info 12 0 R /ID [<00112233445566778899aabbccddeeff> <00>] >>\n"
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


FILLED = OBJECTS[TEXT][:-2] + b"/V (1000) >>"
UNPACKED = parts.original(xref="stream")


def test_a_table_of_everything_is_one_more_revision() -> None:
    signed = parts.signed(UNPACKED, xref="stream")
    data = listed_anew(signed, {TEXT: FILLED})
    structure = parse(data)
    assert [revision.kind for revision in structure.revisions] == [
        SectionKind.STREAM,
        SectionKind.STREAM,
        SectionKind.TABLE,
    ]
    assert structure.revision_bytes(2) == signed
    assert structure.unlinked == structure.unexplained == ()
    (record,) = structure.signatures
    assert (record.revision, record.covered_revision, record.coverage) == (2, 2, Coverage.WHOLE_REVISION)
    assert structure.revisions[2].overridden == {TEXT}
    assert structure.load(Ref(TEXT, 0), 3)["V"] == b"1000"
    assert "xref-restarts" in {finding.code for finding in structure.problems}


def test_what_such_a_table_leaves_out_is_gone() -> None:
    data = listed_anew(parts.signed(UNPACKED, xref="stream"), {TEXT: FILLED}, leave_out=(CONTENT,))
    structure = parse(data)
    assert structure.load(Ref(CONTENT, 0), 2) is not None
    assert structure.load(Ref(CONTENT, 0), 3) is None
    assert CONTENT in structure.revisions[2].freed


def test_a_table_of_nothing_new_takes_away_as_well() -> None:
    """The field of the first signature is left out in a save of its own, and somebody else signs what is left."""
    data = parts.second_signature(listed_anew(parts.signed(), {}, leave_out=(EMPTY_SIGNATURE,)))
    first, second = parse(data).signatures
    assert (first.fields, second.fields) == (("client",), ("second",))
    assert "signature-hidden" in {finding.code for finding in first.findings}


def test_a_signature_whose_value_alone_is_still_listed_counts() -> None:
    """/Prev skips the signed revision, whose signature dictionary is listed again: nothing that is in sight leads to it."""
    data = parts.signed()
    original = int(re.findall(rb"startxref\s+(\d+)", data)[0])
    out = data + b"xref\n20 1\n%010d 00000 n \n" % data.index(b"20 0 obj")
    out += b"trailer\n<< /Size 60 /Root 1 0 R /Info 12 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        original,
        len(data),
    )
    data = parts.second_signature(out)
    assert [record.fields for record in parse(data).signatures] == [("client",), ("second",)]


def test_objects_of_object_streams_are_written_again() -> None:
    packed = parts.signed(parts.original(xref="stream", packed=True), xref="stream")
    again = {number: OBJECTS[number] for number in (1, 2, PAGE, 5, 6, 11, 12)}
    again |= {FORM: parts.newest(packed, FORM), EMPTY_SIGNATURE: parts.newest(packed, EMPTY_SIGNATURE), TEXT: FILLED}
    structure = parse(listed_anew(packed, again))
    assert len(structure.revisions) == 3
    assert [record.covered_revision for record in structure.signatures] == [2]
    assert structure.catalog(3)["Type"] == "Catalog"
    assert structure.revision_bytes(2) == packed


def test_an_update_behind_it_and_one_before_are_read_as_well() -> None:
    data = parts.filled(listed_anew(parts.filled(parts.signed(UNPACKED, xref="stream")), {TEXT: FILLED}))
    assert len(parse(data).revisions) == 5


def test_a_whole_other_file_behind_a_signed_one_is_a_change() -> None:
    """Readers see the second file alone. The signature is in the first, and nothing of it may pass for the second."""
    signed = parts.signed(UNPACKED, xref="stream")
    other = {number: body for number, body in OBJECTS.items() if number not in (FORM, EMPTY_SIGNATURE)}
    other[CATALOG] = b"<< /Type /Catalog /Pages 2 0 R >>"
    other[PAGE] = re.sub(rb"/Annots \[[^]]*\]", b"", OBJECTS[PAGE])
    data = listed_anew(signed, other, leave_out=(FORM, EMPTY_SIGNATURE, 20, 21))
    (record,) = parse(data).signatures
    assert record.hidden_in_later_revision
    assert verify(data, at=AT).integrity in ("altered", "indeterminate")


def test_a_file_of_one_revision_is_still_one() -> None:
    stream = b"startxref\n9\n%%EOF\nxref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 1 >>\nstartxref\n99\n%%EOF\n"
    data = parts.original({**OBJECTS, 60: parts.stream(stream)})
    assert len(parse(data).revisions) == 1
