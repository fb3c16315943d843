"""Attacks on the signature itself, on files that were really signed: universal signature forgery, signature wrapping,
incremental saving, and the signed bytes reached in another way. None may come out as `intact` or `unsigned`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import signed_samples as made
from signed_samples import How, Pdf

from signing_core.verdict import DocumentVerdict, Integrity

Judge = Callable[..., DocumentVerdict]
Change = Callable[[bytes], bytes]

RANGE = re.compile(rb"/ByteRange\[0 (\d+) (\d+) (\d+) *\]")
CONTENTS = re.compile(rb"/Contents<[0-9a-fA-F]+>")
OTHER = b"BT /F1 12 Tf 72 720 Td (Another contract) Tj ET"


@pytest.fixture(scope="module")
def signed(world) -> bytes:
    return made.signed(world.signer, stamp=world.stamp())


def numbers(data: bytes) -> tuple[int, int, int]:
    found = RANGE.search(data)
    assert found is not None
    return int(found[1]), int(found[2]), int(found[3])


def with_range(entry: bytes) -> Change:
    """Another /ByteRange in the same room: nothing else moves."""

    def change(data: bytes) -> bytes:
        found = RANGE.search(data)
        assert found is not None
        begin, second, rest = numbers(data)
        body = entry % {b"a": begin, b"b": second, b"c": rest, b"size": len(data)} if b"%(" in entry else entry
        assert len(body) <= len(found[0])
        return data[: found.start()] + body.ljust(len(found[0])) + data[found.end() :]

    return change


def with_contents(entry: bytes) -> Change:
    def change(data: bytes) -> bytes:
        found = CONTENTS.search(data)
        assert found is not None
        return data[: found.start()] + entry.ljust(len(found[0])) + data[found.end() :]

    return change


def replaced(data: bytes) -> bytes:
    """The page's content exchanged in place, in a stream of the same length: what a forger wants to have signed."""
    found = re.search(rb"4 0 obj\n<</Length (\d+)/Filter/FlateDecode>>\nstream\n(.*?)\nendstream", data, re.DOTALL)
    assert found is not None
    plain = b"4 0 obj\n<</Length %d>>\nstream\n%s\nendstream"
    room = found.end() - found.start() - len(plain % (10, b""))
    return data[: found.start()] + plain % (room, OTHER.ljust(room)) + data[found.end() :]


def appended(objects: dict[int, bytes], data: bytes, *, previous: int | None = None, trailer: bytes = b"") -> bytes:
    out, rows = bytearray(data), []
    for number, body in objects.items():
        rows.append(b"%d 1\n%010d 00000 n \n" % (number, len(out)))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    found = int(re.findall(rb"startxref\n(\d+)", data)[-1]) if previous is None else previous
    start = len(out)
    out += b"xref\n" + b"".join(rows) + b"trailer\n<</Size 60/Root 1 0 R/Info 6 0 R/Prev %d%s>>\n" % (found, trailer)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % start


def stream(body: bytes) -> bytes:
    return b"<</Length %d>>\nstream\n%s\nendstream" % (len(body), body)


def moved_range(data: bytes) -> bytes:
    """Signature wrapping (SWA): the second part of what was signed is moved to the end, the room between is the forger's."""
    begin, second, rest = numbers(data)
    tail = data[second : second + rest]
    forged = b"\n4 0 obj\n" + stream(OTHER) + b"\nendobj\n"
    at = len(data[:second]) + len(forged)
    moved = data[:second] + forged + tail
    return with_range(b"/ByteRange[0 %d %d %d]" % (begin, at, rest))(moved)


def moved_range_that_is_read(data: bytes) -> bytes:
    """The same as it is done well: where the last `startxref` points, in what was moved as well, stands the forger's section."""
    begin, second, rest = numbers(data)
    tail = data[second : second + rest]
    wanted = int(re.findall(rb"startxref\n(\d+)", tail)[0])
    own = {1: b"<</Type/Catalog/Pages 2 0 R/AcroForm<</SigFlags 3/Fields[7 0 R]>>>>", 4: stream(OTHER)}
    own[7] = b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature1)/V 8 0 R/F 132/Rect[0 0 0 0]/P 3 0 R>>"
    section = b"xref\n1 1\n%010d 00000 n \n4 1\n%010d 00000 n \n7 2\n%010d 00000 n \n%010d 00000 n \n"
    section += b"trailer\n<</Size 9/Root 1 0 R/Info 6 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n"
    previous = int(re.findall(rb"/Prev (\d+)", tail)[0])
    at, places, bodies = wanted + len(section % (0, 0, 0, 0, previous, wanted)), {}, b""
    for number, body in own.items():
        places[number] = at + len(bodies)
        bodies += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    value = data.rindex(b"8 0 obj", 0, begin)
    head = (data[:second] + b">>\nendobj").ljust(wanted)
    assert len(head) == wanted
    forged = head + section % (places[1], places[4], places[7], value, previous, wanted)
    at -= len(section % (0, 0, 0, 0, previous, wanted)) - len(forged) + wanted
    forged += bodies
    return with_range(b"/ByteRange[0 %d %d %d]" % (begin, len(forged), rest))(forged + tail)


def second_signature_dictionary(data: bytes) -> bytes:
    """The forged document brings the old signature's bytes along in a stream, and a dictionary that points there."""
    begin, second, rest = numbers(data)
    contents = CONTENTS.search(data)
    assert contents is not None
    value = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/ByteRange[0 %d %d %d]%s>>" % (
        begin, second, rest, contents[0],
    )  # fmt: skip
    return appended({4: stream(OTHER), 8: value}, data)


FORGED: dict[str, Change] = {
    # universal signature forgery: information that readers need is missing or senseless
    "range-missing": with_range(b""),
    "range-empty": with_range(b"/ByteRange[]"),
    "range-null": with_range(b"/ByteRange null"),
    "range-zeros": with_range(b"/ByteRange[0 0 0 0]"),
    "range-negative": with_range(b"/ByteRange[0 -1 %(b)d %(c)d]"),
    "range-nothing-behind": with_range(b"/ByteRange[0 %(a)d %(b)d 0]"),
    "range-of-two": with_range(b"/ByteRange[0 %(a)d]"),
    "range-of-three": with_range(b"/ByteRange[0 %(a)d %(b)d]"),
    "range-of-six": with_range(b"/ByteRange[0 9 9 %(a)d %(b)d 9]"),
    "range-of-reals": with_range(b"/ByteRange[0 %(a)d.5 %(b)d %(c)d]"),
    "range-of-names": with_range(b"/ByteRange[/a /b /c /d]"),
    "range-as-text": with_range(b"/ByteRange(0 1 2 3)"),
    "range-as-reference": with_range(b"/ByteRange 6 0 R"),
    "range-beyond-the-end": with_range(b"/ByteRange[0 %(a)d %(b)d 99999]"),
    "range-from-one": with_range(b"/ByteRange[1 %(a)d %(b)d %(c)d]"),
    "range-overlapping": with_range(b"/ByteRange[0 %(b)d %(a)d %(c)d]"),
    "range-huge": with_range(b"/ByteRange[0 4294967296 0 0]"),
    "range-twice": with_range(b"/ByteRange[0 9 9 9]/ByteRange[0 9 9 9]"),
    "contents-missing": with_contents(b""),
    "contents-empty": with_contents(b"/Contents<>"),
    "contents-null": with_contents(b"/Contents null"),
    "contents-zero": with_contents(b"/Contents<00>"),
    "contents-zeros": with_contents(b"/Contents<" + b"00" * 64 + b">"),
    "contents-text": with_contents(b"/Contents(0)"),
    "contents-name": with_contents(b"/Contents/0"),
    "contents-reference": with_contents(b"/Contents 6 0 R"),
    "both-missing": lambda data: with_contents(b"")(with_range(b"")(data)),
    "sub-filter-missing": lambda data: data.replace(b"/SubFilter/ETSI.CAdES.detached", b"/SubFilteR/ETSI.CAdES.detached"),
    "filter-missing": lambda data: replaced(data.replace(b"/Filter/Adobe.PPKLite", b"/FilteR/Adobe.PPKLite")),
    "type-missing-and-replaced": lambda data: replaced(data.replace(b"/Type/Sig", b"/Type/Sog")),
    # the signed bytes themselves
    "content-replaced-in-place": replaced,
    "range-and-content": lambda data: replaced(with_range(b"/ByteRange[0 0 0 0]")(data)),
    "no-range-and-content": lambda data: replaced(with_range(b"")(data)),
    "no-contents-and-content": lambda data: replaced(with_contents(b"")(data)),
    "empty-contents-and-content": lambda data: replaced(with_contents(b"/Contents<>")(data)),
    # signature wrapping
    "wrapped": moved_range,
    "wrapped-and-read": moved_range_that_is_read,
    # incremental saving, with and without what belongs to it
    "appended-object": lambda data: appended({4: stream(OTHER)}, data),
    "appended-without-xref": lambda data: data + b"4 0 obj\n" + stream(OTHER) + b"\nendobj\n",
    "appended-without-trailer": lambda data: data + b"4 0 obj\n" + stream(OTHER) + b"\nendobj\nxref\n4 1\n0000000009 00000 n \n",
    "appended-with-end-only": lambda data: data + b"4 0 obj\n" + stream(OTHER) + b"\nendobj\n%%EOF\n",
    "appended-with-copied-signature": second_signature_dictionary,
    "appended-with-comment": lambda data: data + b"%4 0 obj\n%" + stream(OTHER).replace(b"\n", b"\n%") + b"\n%endobj\n",
    "prev-skips-the-signed-revision": lambda data: appended(
        {1: b"<</Type/Catalog/Pages 2 0 R>>", 3: b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>", 4: stream(OTHER)},
        data, previous=int(re.findall(rb"startxref\n(\d+)", data)[0])),
    "field-emptied": lambda data: appended(
        {7: b"<</Type/Annot/Subtype/Widget/FT/Sig/T(Signature1)/F 132/Rect[0 0 0 0]/P 3 0 R>>", 4: stream(OTHER)}, data),
    "form-removed": lambda data: appended({1: b"<</Type/Catalog/Pages 2 0 R>>", 4: stream(OTHER)}, data),
    "value-freed": lambda data: appended({7: b"null", 4: stream(OTHER)}, data),
    "root-exchanged": lambda data: appended(
        {50: b"<</Type/Catalog/Pages 51 0 R>>", 51: b"<</Type/Pages/Kids[52 0 R]/Count 1>>",
         52: b"<</Type/Page/Parent 51 0 R/MediaBox[0 0 595 842]/Contents 53 0 R/Resources<</Font<</F1 5 0 R>>>>>>", 53: stream(OTHER)},
        data).replace(b"/Root 1 0 R/Info 6 0 R/Prev %d" % int(re.findall(rb"startxref\n(\d+)", data)[-1]),
                      b"/Root 50 0 R/Info 6 0 R/Prev %d" % int(re.findall(rb"startxref\n(\d+)", data)[-1])),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_signature_is_never_in_order(name: str, signed: bytes, judge: Judge) -> None:
    data = FORGED[name](signed)
    assert data != signed
    verdict = judge(data)
    assert verdict.integrity in (Integrity.ALTERED, Integrity.INDETERMINATE), verdict.to_json()
    assert not verdict.in_order
    assert any(finding.severity == "error" for one in (verdict, *verdict.signatures) for finding in one.findings)


MOSTLY_ALTERED = {
    name for name in FORGED if not name.startswith(("contents-", "sub-filter", "both")) and name != "wrapped"
}


@pytest.mark.parametrize("name", sorted(MOSTLY_ALTERED))
def test_what_is_known_to_be_forged_is_called_altered(name: str, signed: bytes, judge: Judge) -> None:
    assert judge(FORGED[name](signed)).integrity is Integrity.ALTERED


def test_an_old_signature_carried_over_to_another_document(world, judge: Judge) -> None:
    """The whole /Contents of a good signature in a file that it never covered."""
    good = made.signed(world.signer)
    contents = CONTENTS.search(good)
    assert contents is not None
    other = Pdf.new("Another contract")
    other.sign(lambda _: bytes.fromhex(contents[0][10:-1].decode()))
    verdict = judge(other.data)
    assert (verdict.integrity, verdict.signatures[0].intact) == (Integrity.ALTERED, False)


def test_a_weak_digest_does_not_hide_a_forgery(world, judge: Judge) -> None:
    assert judge(replaced(made.signed(world.signer, How(digest="sha1")))).integrity is Integrity.ALTERED
