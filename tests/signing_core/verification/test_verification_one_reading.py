"""One file, one meaning: whoever appends must not give the signed bytes another one, nor write what readers rebuild."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pdf_parts as parts
import pypdfium2 as pdfium
import pytest
from pdf_parts import CATALOG, CONTENT, EMPTY_SIGNATURE, FORM, PAGE

from signing_core.pdf import render
from signing_core.pdf.revisions import parse
from signing_core.pdf.structure import filters, grammar, prefix
from signing_core.pdf.structure.model import Coverage
from signing_core.pdf.structure.rewritten import rewritten
from signing_core.pdf.structure.values import Stream
from signing_core.verification import drawn
from signing_core.verification.changes import ChangeLevel, ChangeReport, since

OBJECTS = parts.contract_objects()
FORGED = parts.stream(b"BT /F1 20 Tf 60 760 Td (OTHER TEXT) Tj ET")
SIGNED = parts.signed()
CERTIFICATE = {60: parts.stream(b"\x30\x82sample", compress=True)}
INFO = {parts.INFO: OBJECTS[parts.INFO].replace(b"2026", b"2027")}
HONEST = parts.update(SIGNED, INFO)


def reported(data: bytes) -> ChangeReport:
    structure = parse(data)
    return since(structure, structure.signatures[0].covered_revision or 0, signature=0)


def spoiled(pattern: bytes, by: bytes | Callable[[re.Match[bytes]], bytes], data: bytes = HONEST) -> bytes:
    """An honest update with a replacement in its own bytes."""
    tail, count = re.subn(pattern, by, data[len(SIGNED) :], count=1, flags=re.DOTALL)
    assert count == 1
    return data[: len(SIGNED)] + tail


def shifted(by: int) -> Callable[[re.Match[bytes]], bytes]:
    return lambda match: match[1] + b"%d" % (int(match[2]) + by)


STREAMED = parts.update(SIGNED, INFO, xref="stream")
PACKED = parts.update(SIGNED, INFO, xref="stream", packed=True)


def rows(data: bytes, change: Callable[[bytes, bytes], tuple[bytes, bytes]]) -> bytes:
    """The update's cross-reference stream with other rows and entries, not compressed."""
    structure = parse(data)
    section = structure.updates[-1].sections[0]
    own = structure.holder(section.offset)
    assert own is not None
    body = structure.decoded(own.value, len(structure.revisions))
    assert body is not None
    size = b"/W [1 4 2] /Size 80 /Root 1 0 R /Info 12 0 R /Prev %d" % structure.updates[-2].sections[0].offset
    index = b"/Index [" + b" ".join(b"%d 1" % n for n in sorted([*INFO, own.number])) + b"]"
    body, index = change(body, index)
    head = data[: section.offset] + b"%d 0 obj\n" % own.number
    written = parts.stream(body, b"/Type /XRef " + size + b" " + index)
    return head + written + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % section.offset


def unlisted(data: bytes, number: int = PAGE, body: bytes = OBJECTS[PAGE]) -> bytes:
    """An object stream in the update that holds an object which nothing lists."""
    head = b"%d 0 " % number
    packed = parts.stream(head + body, b"/Type /ObjStm /N 1 /First %d" % len(head))
    return parts.update(data, {**INFO, 61: packed})


def hybrid(other: bool) -> bytes:
    """Table and stream of the update list the same object, at one place or at two."""
    out = bytearray(SIGNED)
    places = []
    for body in (INFO[parts.INFO], OBJECTS[parts.INFO])[: 2 if other else 1]:
        places.append(len(out))
        out += b"12 0 obj\n%s\nendobj\n" % body
    inner = len(out)
    row = b"\1" + places[-1].to_bytes(4, "big") + b"\0\0"
    out += b"70 0 obj\n" + parts.stream(row, b"/Type /XRef /W [1 4 2] /Index [12 1] /Size 80") + b"\nendobj\n"
    start, previous = len(out), int(re.findall(rb"startxref\s+(\d+)", SIGNED)[-1])
    out += b"xref\n12 1\n%010d 00000 n \n70 1\n%010d 00000 n \n" % (places[0], inner)
    out += b"trailer\n<< /Size 80 /Root 1 0 R /Info 12 0 R /Prev %d /XRefStm %d >>\n" % (previous, inner)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


def regenerated(former: bool) -> bytes:
    """An object is overwritten under another generation; the catalog refers to the new one, or still to the former."""
    data = parts.update(SIGNED, {parts.INFO: INFO[parts.INFO]})
    tail = data[len(SIGNED) :].replace(b"12 0 obj", b"12 1 obj").replace(b" 00000 n \ntrailer", b" 00001 n \ntrailer")
    return data[: len(SIGNED)] + (tail if former else tail.replace(b"/Info 12 0 R", b"/Info 12 1 R"))


IRREGULAR: dict[str, Callable[[], bytes]] = {
    "rows-of-19-bytes": lambda: spoiled(rb" 00000 n \n", b" 00000 n\n"),
    "rows-of-21-bytes": lambda: spoiled(rb" 00000 n \n", b" 00000 n  \n"),
    "places-of-nine-digits": lambda: spoiled(rb"\n0(\d{9}) 00000 n \n", rb"\n\1 00000 n \n"),
    "count-too-large": lambda: spoiled(rb"12 1\n", b"12 2\n"),
    "count-too-small": lambda: spoiled(rb"12 1\n", b"12 0\n"),
    "blank-before-a-subsection": lambda: spoiled(rb"xref\n12", b"xref\n 12"),
    "startxref-early": lambda: spoiled(rb"(startxref\n)(\d+)", shifted(-7)),
    "startxref-late": lambda: spoiled(rb"(startxref\n)(\d+)", shifted(3)),
    "prev-early": lambda: spoiled(rb"(/Prev )(\d+)", shifted(-7)),
    "no-end-of-file": lambda: spoiled(rb"%%EOF\n", b""),
    "comment-around-startxref": lambda: spoiled(rb"(startxref\n\d+\n)", rb"\1%3 0 obj << >> endobj\n"),
    "size-too-small": lambda: spoiled(rb"/Size \d+", b"/Size 5"),
    "root-twice": lambda: spoiled(rb"/Root 1 0 R", b"/Root 1 0 R /Root 3 0 R"),
    "unreadable-xrefstm": lambda: spoiled(rb"/Root", b"/XRefStm 12 /Root"),
    "listed-twice": lambda: spoiled(rb"(xref\n)(12 1\n(\d{10}) 00000 n \n)", rb"\1\2\2"),
    "place-early": lambda: spoiled(rb"(12 1\n)(\d{10})", lambda m: m[1] + b"%010d" % (int(m[2]) - 3)),
    "no-endobj": lambda: spoiled(rb"endobj\n", b""),
    "length-wrong": lambda: spoiled(rb"/Length \d+", b"/Length 3", parts.update(SIGNED, {**INFO, **CERTIFICATE})),
    "another-number-at-the-place": lambda: spoiled(rb"12 0 obj", b"13 0 obj"),
    "former-generation-still-named": lambda: regenerated(True),
    "object-stream-with-a-page-that-nobody-lists": lambda: unlisted(SIGNED),
    "object-stream-with-anything-that-nobody-lists": lambda: unlisted(SIGNED, 77, b"<< /Sample true >>"),
    "object-stream-that-is-said-to-be-empty": lambda: parts.update(
        SIGNED, {**INFO, 61: parts.stream(b"3 0 " + OBJECTS[PAGE], b"/Type /ObjStm /N 1 /First 0")}),
    "spare-page": lambda: parts.update(SIGNED, {**INFO, 61: OBJECTS[PAGE]}),
    "spare-catalog-that-names-itself": lambda: parts.update(
        SIGNED, {**INFO, 61: OBJECTS[CATALOG].replace(b"/Type", b"/Self 61 0 R /Type")}),
    "hybrid-with-two-places": lambda: hybrid(True),
    "stream-with-a-row-too-many": lambda: rows(STREAMED, lambda body, index: (body + body[-7:], index)),
    "stream-with-a-row-missing": lambda: rows(STREAMED, lambda body, index: (body[:-7], index)),
    "stream-with-an-unknown-type": lambda: rows(STREAMED, lambda body, index: (body + b"\5" + body[1:7], index.replace(b"]", b" 70 1]"))),
    "stream-that-lists-twice": lambda: rows(STREAMED, lambda body, index: (body[:7] + body, index.replace(b"[", b"[12 1 "))),
}  # fmt: skip


@pytest.mark.parametrize("name", IRREGULAR)
def test_nothing_is_tolerated_behind_a_signature(name: str) -> None:
    report = reported(IRREGULAR[name]())
    assert report.level in (ChangeLevel.UNKNOWN, ChangeLevel.FORBIDDEN)


# What an attacker found who had not seen the code: every spelling that programs read differently.
ENTRIES = (
    b"/Rotate 90-0", b"/Rotate 000000000000000000000000090", b"/Rotate 90x", b"/CropBox 99- 0- R", b"/UserUnit 3-0",
    b"/MediaBox [0000000000000000000000300 0 595 842]", b"/Contents\x80 99- 0- R", b"/Contents#00 99 0 R", b"/Annots [99 000000 R]",
    b"/Annots [4294967395 0 R]", b"/Annots [+99 0 R]", b"/Sample <zz>", b"/Sample 3 R", b"% comment\n",
)  # fmt: skip
TRAILERS = (
    b"/XRefStm 12-", b"/XRefStm#00 12", b"/Prev\x80 15", b"/Encrypt\x80 null", b"/Root\x80 null", b"/XRefStm null", b"/Sample <zz>", b"word",
)  # fmt: skip
TRIGGERS: dict[str, tuple[bytes, bytes]] = {
    "blanks-before-the-number": (rb"startxref\n", b"startxref" + b" " * 6000 + b"\n"),
    "blanks-behind-the-number": (rb"(startxref\n\d+)", rb"\1" + b" " * 6000),
    "nul-before-the-number": (rb"startxref\n", b"startxref\0"),
    "nothing-before-the-number": (rb"startxref\n", b"startxref"),
    "comment-behind-the-number": (rb"(startxref\n\d+\n)", rb"\1%" + b"x" * 6000 + b"\n"),
    "blanks-behind-the-end": (rb"%%EOF\n", b"%%EOF\n" + b" " * 6000),
    "no-root": (rb" /Root 1 0 R", b""),
    "real-prev": (rb"(/Prev \d+)", rb"\1.0"),
    "enormous-size": (rb"/Size \d+", b"/Size 2000000000"),
    "enormous-number": (rb"xref\n", b"xref\n9000000 1\n0000000000 65535 f \n"),
    "number-beyond-32-bits": (rb"\n12 1\n", b"\n4294967308 1\n"),
    "in-use-at-byte-0": (rb"xref\n", b"xref\n20 1\n0000000000 00000 n \n"),
}
HIDDEN = (
    b"4 000000 obj",
    b"4 0" + b" " * 50 + b"obj",
    b"4" + b" " * 50 + b"0 obj",
    b"4 -0 obj",
    b"4 +0 obj",
    b"4 %x\n0 obj",
    b"4 0\0\0obj",
    b"4 %" + b"x" * 70 + b"\n0 obj",
    b"4 %" + b"x" * 5000 + b"\n0 obj",
    b"4" + b" " * 5000 + b"0 obj",
    b"4.0 0 obj",
    b"4\xff0obj",
)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("packed", [False, True])
def test_every_token_behind_a_signature_is_plain(entry: bytes, packed: bool) -> None:
    page = OBJECTS[PAGE][:-2] + entry + b" >>"
    how = {"xref": "stream", "packed": True} if packed else {}
    assert reported(parts.update(SIGNED, {PAGE: page}, **how)).level is not ChangeLevel.PERMITTED  # type: ignore[arg-type]


@pytest.mark.parametrize("entry", TRAILERS)
def test_so_is_the_trailer(entry: bytes) -> None:
    assert reported(spoiled(rb"/Root 1 0 R", b"/Root 1 0 R " + entry)).level is not ChangeLevel.PERMITTED


@pytest.mark.parametrize("name", TRIGGERS)
def test_nothing_makes_readers_rebuild_the_file(name: str) -> None:
    assert reported(spoiled(*TRIGGERS[name])).level is not ChangeLevel.PERMITTED


@pytest.mark.parametrize("blanks", [b" " * 1100, b"\n" * 6000])
def test_the_end_is_where_readers_look_for_it(blanks: bytes) -> None:
    assert reported(SIGNED + blanks).level is ChangeLevel.UNKNOWN
    assert reported(SIGNED + b"\r\n").level is ChangeLevel.NONE


@pytest.mark.parametrize("hidden", HIDDEN)
def test_nothing_reads_as_an_object_inside_a_stream(hidden: bytes) -> None:
    stream = parts.stream(b"\n" + hidden + OBJECTS[PAGE] + b"\n")
    assert reported(parts.update(SIGNED, {**INFO, 61: stream})).level is not ChangeLevel.PERMITTED


@pytest.mark.parametrize(
    "chance", [b"a" * 5000 + b"7obj", b"x7obj", b"\xff 7obj", b")1obj(", b"\n7 obj", b"obj", b"1 0 endobj"]
)
def test_one_number_in_front_of_these_letters_stands_there_by_chance(chance: bytes) -> None:
    """In one of some thousand files whose streams are compressed, for instance in what sealing appends."""
    stream = parts.stream(b"\n\x9c\x10" + chance + b"\x80\x01\n")
    assert reported(parts.update(SIGNED, {**INFO, 61: stream})).level is ChangeLevel.PERMITTED


@pytest.mark.parametrize(
    "head", [b"0000000000003 0 ", b"3 00000000000000000000 ", b"3\x0b0 ", b"3\x000 ", b"4294967299 0 "]
)
def test_heads_of_object_streams_are_plain(head: bytes) -> None:
    packed = parts.stream(head + OBJECTS[PAGE], b"/Type /ObjStm /N 1 /First %d" % len(head))
    assert reported(parts.update(SIGNED, {**INFO, 61: packed})).level is not ChangeLevel.PERMITTED


@pytest.mark.parametrize("kind", [b"62 0 R", b"/Page"])
def test_a_spare_page_is_one_however_it_says_so(kind: bytes) -> None:
    page = OBJECTS[PAGE].replace(b"/Type /Page", b"/Type " + kind)
    assert reported(parts.update(SIGNED, {**INFO, 61: page, 62: b"/Page"})).level is not ChangeLevel.PERMITTED


REWRITTEN = {
    "stray-character": (b"/Filter /ASCIIHexDecode", lambda body: body.hex().encode() + b"?>"),
    "zlib-that-does-not-end": (b"/Filter /FlateDecode", lambda body: zlib.compress(body)[:-4]),
    "predictor": (b"/Filter /FlateDecode /DecodeParms << /Predictor 000000000000000000000002 >>", zlib.compress),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_what_was_rewritten_decodes_to_the_same_for_everybody(name: str) -> None:
    packed, pack = REWRITTEN[name]
    body = OBJECTS[CONTENT].split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0]
    assert (
        reported(parts.update(SIGNED, {CONTENT: parts.stream(pack(body), packed)})).level is not ChangeLevel.PERMITTED
    )
    plainly = parts.stream(body, compress=True)
    assert reported(parts.update(SIGNED, {CONTENT: plainly})).level is ChangeLevel.PERMITTED


def in_two_ways(seen: bytes, hidden: bytes) -> bytes:
    """ASCIIHex with characters that do not belong there: PDFium leaves them out, and what follows is a comment; poppler reads
    them as 0, so that the comment ends and `hidden` is drawn."""
    return (seen + b"\n%").hex().encode() + b"?a?a" + (hidden + b"\n").hex().encode() + b">"


ENTRIES = b"/Type /XObject /Subtype /Form /BBox [0 0 200 30] /Resources << /Font << /F1 5 0 R >> /XObject << /Im 62 0 R >> >> "
OPAQUE = b"1 g 0 0 200 30 re f 0 g BT /F1 11 Tf 2 8 Td (the price is 9999 Euro) Tj ET"
SHOWN = b"/Tx BMC q BT /F1 11 Tf 2 8 Td (1000) Tj ET Q EMC"


def with_comment(look: bytes, more: bytes = b"null", mask: bytes = b"null") -> bytes:
    """A comment over words of the first page, which is drawn with other objects as well."""
    note = b"<< /Type /Annot /Subtype /FreeText /F 4 /Rect [150 740 350 770] /DA (/F1 11 Tf) /AP << /N 61 0 R >> >>"
    page = parts.newest(SIGNED, PAGE).replace(b"11 0 R]", b"11 0 R 60 0 R]")
    return parts.update(SIGNED, {PAGE: page, 60: note, 61: look, 62: more, 63: mask})


def with_value(look: bytes, data: bytes = SIGNED) -> bytes:
    field = OBJECTS[parts.TEXT][:-2] + b"/V (1000) /AP << /N 60 0 R >> >>"
    return parts.update(data, {parts.TEXT: field, 60: look})


PICTURE = b"/Type /XObject /Subtype /Image /Width 8 /Height 8 /BitsPerComponent 8 /ColorSpace /DeviceGray "
HEX = b"/Filter /ASCIIHexDecode "
TWO_WAYS = {
    "comment": lambda: with_comment(parts.stream(in_two_ways(b"q Q", OPAQUE), ENTRIES + HEX)),
    "picture": lambda: with_comment(
        parts.stream(b"q 200 0 0 30 0 0 cm /Im Do Q", ENTRIES),
        parts.stream(b"\xff" * 64, PICTURE + b"/SMask 63 0 R "),
        parts.stream(b"?" + b"0F" * 64 + b">", PICTURE + HEX),  # nearly transparent, or nearly opaque
    ),
    "font": lambda: with_comment(
        parts.stream(b"BT /F2 11 Tf 180 2 Td (i) Tj ET", ENTRIES.replace(b"/F1 5 0 R", b"/F2 62 0 R")),
        b"<< /Type /Font /Subtype /TrueType /BaseFont /Sample /FirstChar 105 /LastChar 105 /Widths [500] "
        b"/FontDescriptor << /Type /FontDescriptor /FontName /Sample /Flags 32 /FontFile2 63 0 R >> >>",
        parts.stream(b"00010000?>", HEX),
    ),
    "glyphs that are content": lambda: with_comment(
        parts.stream(b"BT /F2 11 Tf 180 2 Td (i) Tj ET", ENTRIES.replace(b"/F1 5 0 R", b"/F2 62 0 R")),
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 105 /LastChar 105 /Widths [1] "
        b"/Encoding << /Differences [105 /i] >> /CharProcs << /i 63 0 R >> /Resources << >> >>",
        parts.stream(b"1 0 d0"),
    ),
    "field": lambda: with_value(parts.stream(in_two_ways(SHOWN, OPAQUE), ENTRIES + HEX)),
    "field that stays": lambda: with_value(
        parts.stream(in_two_ways(SHOWN, OPAQUE), ENTRIES + HEX),
        parts.signed(with_value(parts.stream(SHOWN + b"\n%\xaa\xa3", ENTRIES), parts.original())),
    ),
    "hex string": lambda: with_value(parts.stream(SHOWN.replace(b"(1000)", b"<31?303030>"), ENTRIES)),
    "hex string in an array": lambda: with_value(parts.stream(SHOWN.replace(b"(1000) Tj", b"[<3?1303030>] TJ"), ENTRIES)),
    "hex string with a vertical tab": lambda: with_value(parts.stream(SHOWN.replace(b"(1000)", b"<31\x0b303030>"), ENTRIES)),
    "two signs": lambda: with_value(parts.stream(SHOWN.replace(b"(1000) Tj", b"[(1) --0 (000)] TJ"), ENTRIES)),
    "content of a file elsewhere": lambda: with_value(parts.stream(SHOWN, ENTRIES + b"/F (other.bin) ")),
}  # fmt: skip


@pytest.mark.parametrize("name", TWO_WAYS)
def test_what_is_drawn_later_decodes_to_the_same_for_everybody(name: str) -> None:
    """Found by reading: a comment that PDFium draws as nothing laid other words over the page in poppler, and was permitted."""
    assert reported(TWO_WAYS[name]()).level is ChangeLevel.UNKNOWN


def test_metadata_of_a_locked_document_decodes_to_the_same_for_everybody() -> None:
    packet = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"
    entries = b"/Type /Metadata /Subtype /XML "
    objects = {**OBJECTS, CATALOG: OBJECTS[CATALOG][:-2] + b"/Metadata 60 0 R >>", 60: parts.stream(packet, entries)}
    reference = b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP /TransformParams << /P 1 /V /1.2 >> >>]"
    catalog = objects[CATALOG][:-2] + b"/Perms << /DocMDP 20 0 R >> >>"
    signed = parts.signed(parts.original(objects), value=parts.signature_value(reference), catalog=catalog)
    plainly = parts.update(signed, {60: parts.stream(packet, entries, compress=True)})
    assert reported(plainly).level is ChangeLevel.PERMITTED
    two_ways = packet.hex().encode().replace(b"3e", b"3e??", 1) + b">"
    assert reported(parts.update(signed, {60: parts.stream(two_ways, entries + HEX)})).level is ChangeLevel.FORBIDDEN


@pytest.mark.parametrize(
    "spelling",
    [b"99 000000 R", b"+99 0 R", b"99 +0 R", b"99 -0 R", b"0000000000000000000000099 0 R", b"4294967395 0 R", b"99\x800\x80R",
     b"99 %" + b"x" * 1100 + b"\n0 R"],
)  # fmt: skip
def test_what_was_missing_is_not_supplied_in_another_spelling(spelling: bytes) -> None:
    signed = parts.signed(parts.original({**OBJECTS, PAGE: OBJECTS[PAGE][:-2] + b"/Sample " + spelling + b" >>"}))
    report = reported(parts.update(signed, {**INFO, 99: FORGED}))
    assert report.level is not ChangeLevel.PERMITTED


def test_numbers_upon_numbers_are_searched_in_one_pass() -> None:
    """Found by reading: each of them may begin a reference, and the search went on to the end of the run from each."""
    spelling = grammar.odd_reference(99)
    assert spelling.search(b"99 " * 2_000_000) is None
    assert spelling.search(b"99 +" * 2_000_000) is None
    assert spelling.search(b"[99 %" + b"x" * 3000 + b"\n +0 R]") is not None


def test_a_file_does_not_become_linearised_by_growing() -> None:
    def signed(length: int) -> bytes:
        first = b"<< /Linearized 1 /L %010d /H [0 0] /O 3 /E 0 /N 2 /T 0 >>" % length
        return parts.signed(parts.original({50: first, **OBJECTS}))

    size = len(signed(0))
    assert reported(signed(size + 100) + b"\n" * 100).level is ChangeLevel.UNKNOWN
    assert reported(signed(size + 100)).level is ChangeLevel.NONE


REGULAR: dict[str, Callable[[], bytes]] = {
    "table": lambda: HONEST,
    "stream": lambda: STREAMED,
    "packed": lambda: PACKED,
    "rewritten-stream": lambda: rows(STREAMED, lambda body, index: (body, index)),
    "hybrid-with-one-place": lambda: hybrid(False),
    "startxref-to-the-end-of-line-before": lambda: spoiled(rb"(startxref\n)(\d+)", shifted(-1)),
    "another-generation-and-nobody-names-the-former": lambda: regenerated(False),
    "ends-of-lines-of-two-bytes": lambda: spoiled(rb" 00000 n \n", b" 00000 n\r\n"),
}


@pytest.mark.parametrize("name", REGULAR)
def test_what_is_written_as_it_has_to_be(name: str) -> None:
    assert reported(REGULAR[name]()).level is ChangeLevel.PERMITTED


def words(program: str, path: Path) -> str:
    """The text of a file as a program reads it."""
    if program == "pdfium":
        document = pdfium.PdfDocument(path)
        return " ".join(page.get_textpage().get_text_range() for page in document)
    clean = path.with_suffix(".clean.pdf")
    commands = {
        "poppler": ["pdftotext", "-q", str(path), "-"],
        "mupdf": ["mutool", "draw", "-q", "-F", "txt", str(path)],
        "ghostscript": [
            "gs",
            "-q",
            "-dNOPAUSE",
            "-dBATCH",
            "-dSAFER",
            "-sDEVICE=txtwrite",
            "-sOutputFile=-",
            str(path),
        ],
        "qpdf": ["qpdf", "--warning-exit-0", "--no-warn", str(path), str(clean)],
    }
    done = subprocess.run(commands[program], capture_output=True, timeout=600, check=True)
    return words("pdfium", clean) if program == "qpdf" else done.stdout.decode()


READERS = {
    "pdfium": ("", ""), "poppler": ("pdftotext", "poppler-utils"), "mupdf": ("mutool", "mupdf-tools"),
    "ghostscript": ("gs", "ghostscript"), "qpdf": ("qpdf", "qpdf"),
}  # fmt: skip


@pytest.mark.parametrize("program", READERS)
def test_white_space_before_the_target_is_skipped_by_all(program: str, tmp_path: Path) -> None:
    """The one tolerance behind a signature: startxref, /Prev and entries that lead to white space directly before."""
    command, package = READERS[program]
    if command and shutil.which(command) is None:
        pytest.fail(f"This test needs {command}: apt-get install {package}")
    changed = parts.update(SIGNED, {CONTENT: parts.stream(b"BT /F1 11 Tf 60 760 Td (Of the update.) Tj ET")})
    before = {b"(startxref\n)(\\d+)": -1, rb"(/Prev )(\d+)": -1, b"(4 1\n)(\\d{10})": -1}
    for pattern, by in before.items():
        tail = re.sub(
            pattern, lambda m, by=by: m[1] + b"%0*d" % (len(m[2]), int(m[2]) + by), changed[len(SIGNED) :], count=1
        )  # type: ignore[misc]
        data = changed[: len(SIGNED)] + tail
        path = tmp_path / "case.pdf"
        path.write_bytes(data)
        said = words(program, path)
        assert "Of the update." in said
        assert "The second page." in said
        assert not any(problem.code == "change-irregular-update" for problem in reported(data).findings)


FILTERS = {
    "FlateDecode": zlib.compress,
    "ASCIIHexDecode": lambda body: body.hex(" ", -30).replace(" ", "\n").encode() + b" >",
    "ASCII85Decode": lambda body: base64.a85encode(body, wrapcol=60) + b"~>",
}


@pytest.mark.parametrize(
    "names", [("FlateDecode",), ("ASCIIHexDecode",), ("ASCII85Decode",), ("ASCII85Decode", "FlateDecode")]
)
@pytest.mark.parametrize("program", READERS)
def test_what_decodes_alike_does_so_in_all_programs(program: str, names: tuple[str, ...], tmp_path: Path) -> None:
    command, package = READERS[program]
    if command and shutil.which(command) is None:
        pytest.fail(f"This test needs {command}: apt-get install {package}")
    body = b"BT /F1 11 Tf 60 760 Td (Of the update.) Tj ET" + b"\0" * 8  # which ASCII85 writes as z
    for name in reversed(names):
        body = FILTERS[name](body)
    listed = b" ".join(b"/" + name.encode() for name in names)
    data = parts.update(SIGNED, {CONTENT: parts.stream(body, b"/Filter [" + listed + b"]")})
    structure = parse(data)
    stream = structure.value(CONTENT, 3)
    assert isinstance(stream, Stream) and structure.decodes_alike(stream, 3)
    path = tmp_path / "case.pdf"
    path.write_bytes(data)
    assert "Of the update." in words(program, path)


@pytest.mark.parametrize(
    "behind", [b"more", zlib.compress(b"BT /F1 11 Tf 60 700 Td (Something else.) Tj ET"), b"\rendob\r97 0 ob\r<<"]
)
@pytest.mark.parametrize("program", READERS)
def test_what_stands_behind_the_end_of_flate_is_read_by_nobody(program: str, behind: bytes, tmp_path: Path) -> None:
    command, package = READERS[program]
    if command and shutil.which(command) is None:
        pytest.fail(f"This test needs {command}: apt-get install {package}")
    body = zlib.compress(b"BT /F1 11 Tf 60 760 Td (Of the update.) Tj ET") + behind
    path = tmp_path / "case.pdf"
    path.write_bytes(parts.update(SIGNED, {CONTENT: parts.stream(body, b"/Filter /FlateDecode")}))
    said = words(program, path)
    assert "Of the update." in said and "Something else." not in said
    assert filters.decodes_alike(body, ["FlateDecode"], limit=1000)


SPOILED = {
    "hex with something else in it": ("ASCIIHexDecode", b"30?31>"), "hex without its end": ("ASCIIHexDecode", b"3031"),
    "half a byte": ("ASCIIHexDecode", b"303>"), "hex with more behind it": ("ASCIIHexDecode", b"30>31>"),
    "ASCII85 with something else in it": ("ASCII85Decode", b"87cUR\x7fD]~>"), "its end in two": ("ASCII85Decode", b"87cUR~ >"),
    "no end": ("ASCII85Decode", b"87cUR"), "a group too large": ("ASCII85Decode", b"uuuuu~>"), "z in a group": ("ASCII85Decode", b"87zcUR~>"),
    "one digit left": ("ASCII85Decode", b"87cUR8~>"), "LZW": ("LZWDecode", b"\x80\x0b\x60"), "a short name": ("AHx", b"30>"),
    "nobody's": ("Sample", b"30"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_not_written_to_its_end_decodes_as_programs_like(name: str) -> None:
    used, body = SPOILED[name]
    assert not filters.decodes_alike(body, [used], limit=1000)


# -- the signed bytes by themselves ------------------------------------------------------------------------------------------


def with_more(objects: dict[int, bytes], number: int, entries: bytes) -> dict[int, bytes]:
    return {number: objects[number][:-2] + entries + b" >>"}


SIGNED_FORM = {FORM: OBJECTS[FORM][:-2] + b"/SigFlags 3 >>"}
NOWHERE = parts.signed(parts.original({**OBJECTS, PAGE: OBJECTS[PAGE][:-2] + b"/Sample 99 0 R >>"}))
IN_STREAMS = parts.original({**OBJECTS, PAGE: OBJECTS[PAGE][:-2] + b"/Tabs 99 0 R >>"}, xref="stream", packed=True)
LEADS_NOWHERE: dict[str, Callable[[], bytes]] = {
    "instead-of-something": lambda: parts.update(
        SIGNED, {FORM: SIGNED_FORM[FORM].replace(b"<< /F1 5 0 R >>", b"99 0 R")}),
    "where-nothing-was": lambda: parts.update(SIGNED, with_more(SIGNED_FORM, FORM, b"/NeedAppearances 99 0 R")),
    "from-a-place-that-nobody-asks": lambda: parts.update(NOWHERE, with_more(OBJECTS, PAGE, b"/Tabs 99 0 R")),
    "by-another-generation": lambda: parts.update(SIGNED, with_more(SIGNED_FORM, FORM, b"/NeedAppearances 5 7 R")),
    "packed": lambda: parts.update(
        SIGNED, with_more(SIGNED_FORM, FORM, b"/NeedAppearances 99 0 R"), xref="stream", packed=True),
    "object-freed": lambda: parts.update(
        parts.signed(parts.original({**OBJECTS, **with_more(OBJECTS, PAGE, b"/Tabs 40 0 R"), 40: b"null"})), INFO, freed=(40,)),
    "information": lambda: parts.update(SIGNED, {}, trailer=b" /Root 1 0 R /Info 99 0 R"),
    "table-behind-a-stream": lambda: parts.update(parts.signed(IN_STREAMS, xref="stream"), INFO),
}  # fmt: skip


@pytest.mark.parametrize("name", LEADS_NOWHERE)
def test_nothing_comes_to_lead_nowhere(name: str) -> None:
    """Poppler takes it as damage, under a table, and rebuilds the file: see the next test."""
    report = reported(LEADS_NOWHERE[name]())
    assert report.level is ChangeLevel.UNKNOWN
    assert "change-irregular-update" in {finding.code for finding in report.findings}


def test_what_leads_nowhere_shows_another_document(tmp_path: Path) -> None:
    """A prepared content that nothing lists is what a reader finds that rebuilds the file."""
    if shutil.which("pdftotext") is None:
        pytest.fail("This test needs pdftotext: apt-get install poppler-utils")
    prepared = parts.original()
    at = prepared.index(b"\nxref\n") + 1
    hidden = b"%d 0 obj\n%s\nendobj\n" % (CONTENT, FORGED)
    prepared = (
        prepared[:at] + hidden + prepared[at:].replace(b"\n%d\n%%%%EOF" % at, b"\n%d\n%%%%EOF" % (at + len(hidden)))
    )
    signed = parts.signed(prepared)
    forged = parts.update(signed, with_more(OBJECTS, CATALOG, b"/OCProperties 99 0 R"))
    shown = []
    for data in (signed, forged):
        (tmp_path / "case.pdf").write_bytes(data)
        shown.append(words("poppler", tmp_path / "case.pdf"))
    assert "price" in shown[0]
    assert "OTHER TEXT" in shown[1]
    assert reported(forged).level is ChangeLevel.UNKNOWN


STILL: dict[str, Callable[[], bytes]] = {
    "led-nowhere-in-between": lambda: parts.update(
        parts.update(SIGNED, with_more(SIGNED_FORM, FORM, b"/NeedAppearances 99 0 R")), SIGNED_FORM),
    "led-nowhere-before": lambda: parts.update(NOWHERE, with_more(OBJECTS, PAGE, b"/Sample 99 0 R /Tabs /S")),
    "led-nowhere-before-and-is-not-written-anew": lambda: parts.update(NOWHERE, INFO),
    "freed-and-nobody-asks": lambda: parts.update(parts.signed(parts.original({**OBJECTS, 40: b"<< >>"})), {}, freed=(40,)),
    "table-behind-a-stream": lambda: parts.update(
        parts.signed(parts.original(xref="stream", packed=True), xref="stream"), INFO),
}  # fmt: skip


@pytest.mark.parametrize("name", STILL)
def test_what_led_nowhere_before_may_go_on(name: str) -> None:
    assert reported(STILL[name]()).level is ChangeLevel.PERMITTED


def signed_at_once(more: bytes = b"") -> bytes:
    """A document that was written with its signature, in one revision; `more` stands in a stream of it."""
    field = OBJECTS[EMPTY_SIGNATURE][:-2] + b"/V 20 0 R /AP << /N 21 0 R >> >>"
    objects = {
        **OBJECTS, EMPTY_SIGNATURE: field, FORM: OBJECTS[FORM][:-2] + b"/SigFlags 3 >>",
        20: parts.signature_value(), 21: parts.visible(), 50: parts.stream(more),
    }  # fmt: skip
    return parts.sealed(parts.original(objects))


def shadowed() -> bytes:
    """A stream hides another content, and a section that lists it; the /Prev of an update leads there, and from there on."""
    hidden = b"%d 0 obj\n%s\nendobj\n" % (CONTENT, FORGED)
    listing = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size 60 /Root 1 0 R /Info 12 0 R /Prev %d >>\n"
    data = signed_at_once(hidden + listing % (CONTENT, 0, 10**9))
    for _ in range(2):  # the numbers change nothing but themselves
        start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
        more = hidden + listing % (CONTENT, data.index(hidden), start)
        data = signed_at_once(more.ljust(len(hidden + listing) + 40))
    return parts.update(data, INFO, previous=data.index(b"xref\n%d 1\n" % CONTENT))


def broken_way(lead: int | None) -> bytes:
    """The /Prev of an update leads to itself, or nowhere, so that the signed revision is searched: what stands last wins."""
    hidden = b"\n%d 0 obj\n%s\nendobj\n" % (CONTENT, FORGED)
    data = signed_at_once(hidden)
    start = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    own = parts.update(data, INFO)
    itself = int(re.findall(rb"startxref\s+(\d+)", own)[-1])
    return parts.update(data, INFO, previous=itself if lead is None else start + lead)


@pytest.mark.parametrize(
    "make", [shadowed, lambda: broken_way(None), lambda: broken_way(-700), lambda: broken_way(-7)],
    ids=["shadow-section", "leads-to-itself", "leads-nowhere", "seven-bytes-early"],
)  # fmt: skip
def test_what_was_signed_stands_by_itself(make: Callable[[], bytes]) -> None:
    structure = parse(make())
    (record,) = structure.signatures
    whole = record.coverage in (Coverage.WHOLE_FILE, Coverage.WHOLE_REVISION)
    assert not whole or reported(make()).level in (ChangeLevel.FORBIDDEN, ChangeLevel.UNKNOWN)
    assert parse(signed_at_once()).signatures[0].coverage is Coverage.WHOLE_FILE


def test_an_object_ends_with_its_revision() -> None:
    """The author gives a stream a /Length that reaches to where something can be put later."""
    body = OBJECTS[CONTENT]
    head, content = body.split(b"stream\n", 1)
    for room in range(3000, 3003):
        long = re.sub(rb"/Length \d+", b"/Length %d" % (len(SIGNED) + room), head) + b"stream\n" + content
        signed = parts.signed(parts.original({**OBJECTS, CONTENT: long}))
        begin = signed.index(b"stream\n", signed.index(b"\n4 0 obj")) + 7
        reach = begin + len(SIGNED) + room
        filler = b"Q 1 g 0 0 600 900 re f 0 g BT /F1 20 Tf 60 700 Td (OTHER TEXT) Tj ET\n"
        data = signed + filler + b"@" * (reach - len(signed) - len(filler)) + b"\nendstream\nendobj\n"
        later = parts.update(data, INFO)
        structure = parse(later)
        for revision in (2, 3):
            value = structure.resolve(structure.resolve(structure.catalog(revision), revision).get("Pages"), revision)
            page = structure.resolve(value["Kids"][0], revision)
            shown = structure.decoded(structure.resolve(page["Contents"], revision), revision)
            assert shown is not None
            assert b"OTHER" not in shown
        assert reported(later).level is ChangeLevel.FORBIDDEN


def test_a_prefix_is_read_alone_only_where_the_way_to_it_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    structure = parse(HONEST)
    assert prefix.differs(structure, 2) is None
    assert prefix.differs(structure, 2, parse(HONEST[: structure.revisions[1].end_with_eol])) is None
    other = parts.signed(parts.original({**OBJECTS, CONTENT: FORGED}))
    assert prefix.differs(structure, 2, parse(other)) is not None


# -- what is shown -----------------------------------------------------------------------------------------------------------


def twice_in_one_table() -> bytes:
    """Two objects of one number, both listed: PDFium shows the second."""
    data = parts.original()
    real = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    spare = b"%d 0 obj\n%s\nendobj\n" % (CONTENT, FORGED)
    table = data[real:].replace(b"trailer", b"4 1\n%010d 00000 n \ntrailer" % real)
    grown = data[:real] + spare + re.sub(rb"startxref\n\d+", b"startxref\n%d" % (real + len(spare)), table)
    return parts.signed(grown)


def test_what_was_judged_is_what_is_shown() -> None:
    data = twice_in_one_table()
    structure = parse(data)
    assert drawn.is_odd(structure)
    assert drawn.shown_otherwise(structure) is not None
    report = reported(data)
    assert (report.level, report.findings[0].code) == (ChangeLevel.UNKNOWN, "change-shown-otherwise")
    odd = parse(spoiled(rb"(startxref\n)(\d+)", shifted(-7)))
    assert drawn.is_odd(odd)
    assert drawn.shown_otherwise(odd) is None
    assert not drawn.is_odd(parse(HONEST))


@pytest.mark.parametrize("data", [HONEST, STREAMED, PACKED], ids=["table", "stream", "packed"])
def test_a_state_written_out_clean_shows_the_same(data: bytes) -> None:
    structure = parse(data)
    clean = rewritten(structure, len(structure.revisions))
    assert clean is not None
    again = parse(clean)
    assert not again.problems
    assert len(again.revisions) == 1
    for page in (1, 2):
        first, second = (render.render(file, page, dpi=40) for file in (data, clean))
        assert first.tobytes() == second.tobytes()
