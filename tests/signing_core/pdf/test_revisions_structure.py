"""Revisions, objects, bytes and signatures of files of every make, whole and broken."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pdf_parts as parts
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_parts import CATALOG, CONTENT, FORM, PAGE, contract_objects

from signing_core.pdf.revisions import Coverage, Limits, SectionKind, parse
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.values import Ref, Stream
from signing_core.verification.changes import since

OBJECTS = contract_objects()


def qpdf(data: bytes, folder: Path, *options: str) -> bytes:
    (folder / "in.pdf").write_bytes(data)
    done = subprocess.run(["qpdf", *options, folder / "in.pdf", folder / "out.pdf"], capture_output=True, timeout=600)
    assert done.returncode in (0, 3), done.stderr  # 3: with warnings
    return (folder / "out.pdf").read_bytes()


# -- revisions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("xref", ["table", "stream"])
def test_every_update_is_a_revision(xref: str) -> None:
    first = parts.original(xref=xref)
    second = parts.update(first, {CONTENT: parts.stream(b"BT ET"), 40: b"<< >>"}, xref=xref, freed=(7,))
    structure = parse(second)
    assert not structure.problems
    original, later = structure.revisions
    assert (original.start, original.end, later.end) == (0, len(first) - 1, len(second) - 1)
    assert original.kind is later.kind is SectionKind(xref)
    assert {CONTENT} == later.overridden
    assert 40 in later.added
    assert later.freed == {7}
    assert structure.revision_bytes(1) == first
    assert structure.pages == 2


def test_objects_are_seen_as_of_a_revision() -> None:
    structure = parse(parts.update(parts.original(), {CATALOG: b"<< /Type /Catalog /Later true >>"}))
    assert "Later" not in structure.catalog(1)
    assert structure.catalog(2)["Later"] is True
    content = structure.load(Ref(CONTENT, 0), 2)
    assert isinstance(content, Stream)
    assert b"Sample clause" in (structure.decoded(content, 2) or b"")
    assert structure.load(Ref(CONTENT, 1), 2) is None
    assert structure.load(Ref(999, 0), 2) is None


def test_object_streams() -> None:
    structure = parse(parts.original(xref="stream", packed=True))
    assert structure.catalog(1)["Type"] == "Catalog"
    assert [field.name for field in structure.form(1).fields] == ["amount", "client", "agreed"]


def test_a_linearised_file_is_one_revision(tmp_path: Path) -> None:
    data = qpdf(parts.original(), tmp_path, "--linearize", "--object-streams=disable")
    root = re.findall(rb"/Root (\d+) 0 R", data)[0]
    structure = parse(parts.update(data, {90: b"<< >>"}, trailer=b" /Root %s 0 R" % root))
    assert [r.start for r in structure.revisions] == [0, len(data.rstrip())]
    assert len(structure.revisions[0].sections) == 2
    assert structure.pages == 2
    assert not structure.damaged


def test_a_hybrid_file_shows_its_hidden_objects() -> None:
    data = parts.original()
    place = len(data)
    rows = bytes((1, *(place + 300).to_bytes(3, "big"), 0))
    xref = b"90 0 obj\n%s\nendobj\n" % parts.stream(rows, b"/Type /XRef /W [1 3 1] /Index [91 1] /Size 92")
    data += (xref + b"%").ljust(299, b"x") + b"\n91 0 obj\n(hidden from old readers)\nendobj\n"
    previous = re.findall(rb"startxref\s+(\d+)", data)[0]
    start = len(data)
    data += b"xref\n91 1\n0000000000 65535 f \ntrailer\n<< /Size 92 /Root 1 0 R /Prev %s /XRefStm %d >>\n" % (
        previous,
        place,
    )
    data += b"startxref\n%d\n%%%%EOF\n" % start
    structure = parse(data)
    assert structure.revisions[1].kind is SectionKind.HYBRID
    assert structure.load(Ref(91, 0), 2) == b"hidden from old readers"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda data: b"junk before\n" + data, "file-header-late"),
        (lambda data: data.replace(b"%%EOF\n", b""), "eof-marker-missing"),
        (lambda data: data[: data.rindex(b"startxref")] + b"startxref\n0\n%%EOF", "xref-start-unusable"),
        (
            lambda data: re.sub(rb"startxref\n(\d+)", lambda m: b"startxref\n%d" % (int(m[1]) + 3), data),
            "xref-offset-wrong",
        ),
        (lambda data: data.replace(b"xref", b"yref"), "xref-reconstructed"),
        (lambda data: data.replace(b"%PDF-1.7", b"%XYZ-1.7"), "file-header-missing"),
    ],
)
def test_quirks_are_read_and_told(change: Callable[[bytes], bytes], code: str) -> None:
    structure = parse(change(parts.original()))
    assert code in {finding.code for finding in structure.problems}
    assert structure.pages == 2
    assert len(list(pages.walk(structure, 1))) == 2


@pytest.mark.parametrize("end", [b"%%EOF", b"%%EOF\r\n", b"%%EOF\n\n\n", b"%%EOF \n"])
def test_ends_of_file(end: bytes) -> None:
    data = parts.original()[: -len(b"%%EOF\n")] + end
    revision = parse(data).revisions[0]
    assert data[: revision.end].endswith(b"%%EOF")
    assert revision.end_with_eol == len(data)


def test_wrong_offsets_and_lengths_are_survived() -> None:
    data = parts.original()
    place = b"%010d" % data.index(b"3 0 obj")
    structure = parse(data.replace(place, b"%010d" % (int(place) + 11)))
    assert structure.pages == 2
    assert structure.load(Ref(PAGE, 0), 1)["Type"] == "Page"
    assert structure.misplaced == {(1, PAGE)}
    wrong = parse(re.sub(rb"/Length \d+ ", b"/Length 3 ", data, count=1))
    content = wrong.load(Ref(CONTENT, 0), 1)
    assert b"clause 19" in (wrong.decoded(content, 1) or b"")


def test_circles_end() -> None:
    objects = {
        **OBJECTS,
        2: b"<< /Type /Pages /Kids [3 0 R 2 0 R] /Parent 2 0 R >>",
        FORM: b"<< /Fields [8 0 R 13 0 R] /Kids [8 0 R] >>",
    }
    objects |= {13: b"14 0 R", 14: b"13 0 R"}
    structure = parse(parts.original(objects))
    assert len(list(pages.walk(structure, 1))) == 1
    assert structure.resolve(Ref(13, 0), 1) is None
    assert structure.form(1).fields == ()
    looping = parts.update(parts.original(), {}, previous=9)
    looping = re.sub(rb"/Prev \d+", b"/Prev %d" % int(re.findall(rb"startxref\n(\d+)", looping)[-1]), looping)
    assert "xref-chain-broken" in {finding.code for finding in parse(looping).problems}


def test_page_numbers_come_from_the_tree() -> None:
    structure = parse(parts.original())
    assert [pages.number_of(structure, Ref(n, 0), 1) for n in (3, 6, 2, 1, 99)] == [1, 2, None, None, None]
    nested = {**OBJECTS, 2: b"<< /Type /Pages /Kids [13 0 R 6 0 R] /Count 3 >>"}
    nested[13] = b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R 14 0 R] /Count 2 >>"
    nested[14] = nested[6].replace(b"/Parent 2 0 R", b"/Parent 13 0 R")
    nested[3] = nested[3].replace(b"/Parent 2 0 R", b"/Parent 13 0 R")
    structure = parse(parts.original(nested))
    assert [pages.number_of(structure, Ref(n, 0), 1) for n in (3, 14, 6)] == [1, 2, 3]


# -- encryption and limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", ["40", "128", "256"])
def test_encrypted_files_open_with_their_password(tmp_path: Path, bits: str) -> None:
    weak = ["--allow-weak-crypto"] if bits != "256" else []
    data = qpdf(parts.original(), tmp_path, *weak, "--encrypt", "secret", "owner", bits, "--")
    locked = parse(data)
    assert locked.encrypted
    assert locked.locked
    assert not locked.readable
    assert "encrypted" in {finding.code for finding in locked.problems}
    assert not any("secret" in finding.message for finding in locked.problems)
    opened = parse(data, password="secret")
    assert opened.readable
    assert opened.form(1).fields[0].name == "amount"
    assert not parse(data, password="wrong").readable


def test_an_empty_password_needs_none(tmp_path: Path) -> None:
    assert parse(qpdf(parts.original(), tmp_path, "--encrypt", "", "owner", "256", "--")).readable


@pytest.mark.parametrize(
    "limits",
    [
        Limits(file_bytes=100),
        Limits(objects=3),
        Limits(revisions=1),
        Limits(total_stream_bytes=10),
        Limits(seconds=0),
    ],
)
def test_limits_make_a_file_unreadable(limits: Limits) -> None:
    data = parts.filled(parts.signed(parts.original(xref="stream", packed=True), xref="stream"))
    structure = parse(data, limits=limits)
    for record in structure.signatures:
        if record.covered_revision is not None:
            assert since(structure, record.covered_revision).level in ("unknown", "forbidden")
    assert not structure.readable
    assert any(finding.code.startswith(("limit-", "xref-")) for finding in structure.problems)


# -- signatures -------------------------------------------------------------------------------------------------------


def test_a_signature_is_told_as_it_is_written() -> None:
    data = parts.certified(2)
    (record,) = parse(data).signatures
    assert record.fields == ("client",)
    assert (record.sub_filter, record.type, record.filter) == ("ETSI.CAdES.detached", "Sig", "Adobe.PPKLite")
    assert record.contents.startswith(parts.FAKE_CMS)
    assert record.contents[len(parts.FAKE_CMS) :].strip(b"\0") == b""
    assert (record.revision, record.covered_revision, record.coverage) == (2, 2, Coverage.WHOLE_FILE)
    assert (record.doc_mdp, record.certification, record.page) == (2, True, 1)
    assert (record.kind, record.direct, record.placeholder, record.hidden_in_later_revision) == (
        "signature",
        False,
        False,
        False,
    )
    assert record.byte_range is not None
    assert record.contents_span is not None
    assert record.digest_ranges == ((0, record.contents_span.start), (record.contents_span.end, len(data)))
    assert record.findings == ()


def test_signing_order_and_coverage() -> None:
    structure = parse(parts.time_stamped(parts.second_signature(parts.signed())))
    assert [(r.fields[0], r.kind, r.coverage, r.covered_revision) for r in structure.signatures] == [
        ("client", "signature", Coverage.WHOLE_REVISION, 2),
        ("second", "signature", Coverage.WHOLE_REVISION, 3),
        ("stamp50", "document-timestamp", Coverage.WHOLE_FILE, 5),
    ]


def moved_range(start: int = 0, first: int = 0, second: int = 0, length: int = 0) -> bytes:
    data = parts.signed()
    numbers = [int(n) for n in re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", data)[0]]
    wanted = [n + d for n, d in zip(numbers, (start, first, second, length), strict=True)]
    return re.sub(rb"/ByteRange \[[^]]*\]", b"/ByteRange [%d %010d %010d %010d]" % tuple(wanted), data)


@pytest.mark.parametrize(
    ("data", "coverage", "codes"),
    [
        (moved_range(), Coverage.WHOLE_FILE, set()),
        (moved_range(first=1, second=-1, length=1), Coverage.WHOLE_FILE, set()),
        (moved_range(length=-1), Coverage.WHOLE_REVISION, set()),
        (moved_range(length=-3), Coverage.PARTIAL, {"byte-range-end"}),
        (moved_range(length=5), Coverage.INVALID, {"byte-range-end"}),
        (moved_range(start=1, first=-1), Coverage.INVALID, {"byte-range-start"}),
        (moved_range(first=-8), Coverage.INVALID, {"byte-range-gap"}),
        (moved_range(second=8, length=-8), Coverage.INVALID, {"byte-range-gap"}),
        (moved_range(second=-3000), Coverage.INVALID, {"byte-range-overlap"}),
        (re.sub(rb"/ByteRange \[[^]]*\]", b"/ByteRange [0 10]", parts.signed()), Coverage.INVALID, {"byte-range-missing"}),
        (parts.signed().replace(b"/ByteRange", b"/ByteOther"), Coverage.INVALID, {"byte-range-missing"}),
        (parts.signed().replace(b"/Contents <3", b"/Contents <x"), Coverage.INVALID, {"byte-range-gap", "contents-not-hex"}),
        (parts.signed().replace(b"/Contents <", b"/Sontents <"), Coverage.INVALID, {"contents-missing", "byte-range-gap"}),
        (
            parts.update(parts.original(), {20: parts.signature_value(), 10: b"<< /FT /Sig /T (client) /V 20 0 R >>"}),
            Coverage.INVALID,
            {"byte-range-gap", "signature-placeholder"},
        ),
    ],
)  # fmt: skip
def test_coverage(data: bytes, coverage: Coverage, codes: set[str]) -> None:
    (record,) = parse(data).signatures
    assert record.coverage is coverage
    assert codes <= {finding.code for finding in record.findings}
    assert codes or not record.findings


def test_bytes_behind_the_signed_revision() -> None:
    data = parts.signed()
    for added, blank in ((b"\n", True), (b"\n \r\n", True), (b"\0" * 512, True), (b"x", False)):
        structure = parse(data + added)
        (record,) = structure.signatures
        assert (record.coverage, record.covered_revision) == (Coverage.WHOLE_REVISION, 2)
        assert bool(structure.unexplained_after(len(data))) is not blank


def test_a_gap_of_another_signature_is_told() -> None:
    data = parts.second_signature(parts.signed())
    first, second = (
        tuple(map(int, numbers)) for numbers in re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]", data)
    )
    end = second[2] + second[3]
    forged = b"/ByteRange [0 %010d %010d %010d]" % (first[1], first[2], end - first[2])
    at = data.rindex(b"/ByteRange")
    record = parse(data[:at] + forged + data[at + len(forged) :]).signatures[1]
    assert record.coverage is Coverage.INVALID
    assert {"byte-range-gap", "byte-range-overlap"} <= {finding.code for finding in record.findings}


def test_one_signature_of_two_fields_counts_once() -> None:
    form = OBJECTS[FORM].replace(b"11 0 R]", b"11 0 R 60 0 R]")
    twin = b"<< /FT /Sig /T (twin) /V 20 0 R /Type /Annot /Subtype /Widget /Rect [0 0 0 0] >>"
    (record,) = parse(parts.signed(more={FORM: form, 60: twin})).signatures
    assert record.fields == ("client", "twin")
    assert "signature-several-fields" in {finding.code for finding in record.findings}


def test_a_signature_written_into_its_field() -> None:
    field = (
        b"<< /FT /Sig /T (client) /Type /Annot /Subtype /Widget /P 3 0 R /Rect [0 0 0 0] /V %s >>"
        % parts.signature_value()
    )
    (record,) = parse(parts.sealed(parts.update(parts.original(), {10: field}))).signatures
    assert (record.direct, record.coverage, record.object_number) == (True, Coverage.WHOLE_FILE, None)


def test_a_hidden_signature_is_found() -> None:
    without = parts.update(parts.signed(), {FORM: OBJECTS[FORM].replace(b"10 0 R ", b"")})
    (record,) = parse(without).signatures
    assert record.hidden_in_later_revision
    assert "signature-hidden" in {finding.code for finding in record.findings}


def test_a_signature_of_an_annotation_alone_is_found() -> None:
    form = OBJECTS[FORM].replace(b"10 0 R ", b"")
    (record,) = parse(parts.signed(more={FORM: form})).signatures
    assert record.fields == ("client",)
    assert "signature-unlisted" in {finding.code for finding in record.findings}


def test_a_left_over_signature_is_none() -> None:
    """A signature dictionary that nothing ever referred to."""
    assert parse(parts.original({**OBJECTS, 13: parts.signature_value()})).signatures == ()


@pytest.mark.parametrize("sub_filter", [b"/adbe.x509.rsa_sha1", b"/Some.Unknown", b"/ETSI.RFC3161", None])
def test_any_sub_filter_is_told(sub_filter: bytes | None) -> None:
    value = parts.signature_value(sub_filter=sub_filter or b"/X")
    if sub_filter is None:
        value = value.replace(b"/SubFilter /X", b"")
    (record,) = parse(parts.signed(value=value)).signatures
    assert record.sub_filter == (sub_filter.decode()[1:] if sub_filter else None)
    assert record.kind == ("document-timestamp" if sub_filter == b"/ETSI.RFC3161" else "signature")


def test_locks() -> None:
    more = (
        b"/Reference [<< /TransformMethod /FieldMDP /TransformParams << /Action /Include /Fields [(a) (b.c)] >> >>"
        b" << /TransformMethod /DocMDP /TransformParams << >> >>]"
    )
    (record,) = parse(parts.signed(value=parts.signature_value(more))).signatures
    (lock,) = record.field_mdp
    assert [lock.covers(name) for name in ("a", "a.x", "ab", "b", "b.c")] == [True, True, False, False, True]
    assert record.doc_mdp == 2
    assert not record.certification


# -- whatever comes ---------------------------------------------------------------------------------------------------

SEEDS = [
    parts.time_stamped(parts.filled(parts.second_signature(parts.signed()))),
    parts.signed(parts.original(xref="stream", packed=True), xref="stream", packed=True),
    parts.second_signature(parts.certified(2)),
]
TOKENS = [
    b"obj",
    b"endobj",
    b"<<",
    b">>",
    b"[",
    b"(",
    b"R",
    b"xref\n0 1\n",
    b"/Prev 0",
    b"startxref\n0\n",
    b"/Kids",
    b" 0 R",
    b"%",
]


@given(st.integers(0, 2**32), st.integers(1, 30))
@settings(max_examples=150, deadline=None)
def test_mutated_files_are_answered(seed: int, times: int) -> None:
    chance = random.Random(seed)
    data = bytearray(chance.choice(SEEDS))
    for _ in range(times):
        at = chance.randrange(len(data))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at:at] = chance.choice(TOKENS)
        elif kind == 2:
            del data[at : at + chance.randrange(60)]
        elif kind == 3:
            data[at : at + 1] = b"%d" % chance.randrange(100)
        else:
            data += data[at : at + 400]
        if not data:
            return
    structure = parse(bytes(data))
    for index, record in enumerate(structure.signatures):
        if record.covered_revision is not None:
            since(structure, record.covered_revision, signature=index)
    assert isinstance(structure.unexplained, tuple)
    assert structure.pages is None or structure.pages >= 0


@given(st.binary(max_size=400))
def test_any_bytes_are_answered(data: bytes) -> None:
    structure = parse(b"%PDF-1.4\n" + data)
    assert structure.signatures == ()


def test_a_subsection_for_each_object_costs_no_more_than_one_for_all() -> None:
    """What many writers do; quadratic, the 30,000 objects of this file took half a minute."""
    data = parts.original({**parts.contract_objects(), **dict.fromkeys(range(100, 30_100), b"null")})
    started = time.process_time()
    assert len(parse(data).revisions[0].added) == 30_012
    assert time.process_time() - started < 5
