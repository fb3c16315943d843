"""The parts that read what an appearance shows: content streams, CMaps, right-to-left text, text strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core.pdf.structure.values import text
from signing_core.pdf.text import bidi
from signing_core.pdf.text.operations import Unreadable, operations
from signing_core.pdf.text.unicode_maps import to_unicode


def test_operators_and_their_operands() -> None:
    content = b"q % (comment) Tj\n/Helv 12 Tf [(a\\)b) -20 <41>] TJ 1 0 0 RG (x)Tj/N gs T* Q"
    assert list(operations(content)) == [
        ("q", []),
        ("Tf", ["Helv", 12]),
        ("TJ", [[b"a)b", -20, b"A"]]),
        ("RG", [1, 0, 0]),
        ("Tj", [b"x"]),
        ("gs", ["N"]),
        ("T*", []),
        ("Q", []),
    ]


@pytest.mark.parametrize("content", [b"1Tj", b"/Name Tj", b"true Tj", b"/a' Tj", b"[/x] TJ", b"2 0 0 1re f", b"- Td"])
def test_what_programs_read_differently_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreadable):
        list(operations(content))


@given(st.binary(max_size=200))
def test_hostile_content_is_read_or_unreadable(content: bytes) -> None:
    try:
        assert all(isinstance(name, str) for name, _ in operations(content))
    except Unreadable as error:
        assert str(error)


@pytest.mark.parametrize(
    ("cmap", "expected"),
    [
        (b"2 beginbfchar <0001> <0041> <0002> <006E> endbfchar", {1: "A", 2: "n"}),
        (b"1 beginbfchar\n<0001>\n<0041>\nendbfchar 1 beginbfchar <0003> <0042> endbfchar", {1: "A", 3: "B"}),
        (b"1 beginbfchar <0001> <00660069> endbfchar", {1: "fi"}),
        (b"1 beginbfrange <0001> <0003> <0041> endbfrange", {1: "A", 2: "B", 3: "C"}),
        (b"1 beginbfrange <0001><0002>[<0041> <D83DDE00>] endbfrange", {1: "A", 2: "\U0001f600"}),
        (b"2 beginbfrange <0001> <0002> <00660041> <0005> <0005> <0061> endbfrange", {1: "fA", 2: "fB", 5: "a"}),
        (b"1 beginbfrange <0005> <0001> <0041> endbfrange", {}),
        (b"1 beginbfchar <01> <0041> endbfchar", {}),
        (b"1 beginbfchar <0001> /Euro endbfchar", {1: "€"}),
        (b"1 beginbfrange <0000> <FFFF> <0000> endbfrange" * 9, {code: chr(code) for code in range(0xD800)}),
    ],
)
def test_maps_to_unicode(cmap: bytes, expected: dict[int, str]) -> None:
    mappings = to_unicode(cmap, 2)
    assert {code: mappings[code] for code in expected} == expected
    assert len(mappings) <= 0x10000 if len(expected) > 3 else mappings == expected


@given(st.binary(max_size=300))
def test_hostile_maps_never_raise(body: bytes) -> None:
    for cmap in (body, b"1 beginbfchar " + body, b"1 beginbfrange <00> <ff> " + body + b" endbfrange"):
        assert all(isinstance(value, str) for value in to_unicode(cmap, 1).values())


@pytest.mark.parametrize(
    ("logical", "base", "visual"),
    [
        ("Anna 12", None, "Anna 12"),
        ("שלום", None, "םולש"),
        ("שלום 123", None, "123 םולש"),
        ("abc שלום def", None, "abc םולש def"),
        ("שלום abc", None, "abc םולש"),
        ("שלום abc", 0, "םולש abc"),
        ("abc", 1, "abc"),
        ("סך -10.50 ש", None, "ש 10.50- ךס"),  # the sign goes with the direction
        ("א 1,234.50", None, "1,234.50 א"),
        ("ب 10/12", None, "10/12 ب"),  # separators between Arabic numbers, W2 and W4
        ("(ab) א", 1, "א )ab("),  # N0; brackets are mirrored by what draws them
        ("א (b) ג", None, "ג )b( א"),
        ("a (ב) c", None, "a (ב) c"),
        ("אa(ב)c", 0, "אa(ב)c"),
        ("١٢٣ ab", None, "١٢٣ ab"),
        ("א!  ", None, "  !א"),  # L1
        ("אא\u05b0ב", None, "ב\u05b0אא"),
    ],
)
def test_order_on_paper(logical: str, base: int | None, visual: str) -> None:
    assert bidi.visual(logical, base) == visual


def test_explicit_directions_are_not_followed() -> None:
    with pytest.raises(bidi.Unsupported):
        bidi.visual("a\u202eb\u202c")


@given(st.text(max_size=40).filter(lambda value: value.isprintable()))
def test_reordering_keeps_all_characters(value: str) -> None:
    try:
        assert sorted(bidi.visual(value)) == sorted(value)
    except bidi.Unsupported:
        assert any(0x202A <= ord(c) <= 0x202E or 0x2066 <= ord(c) <= 0x2069 for c in value)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Ma\x9bgorzata \x95ukasik", "Małgorzata Łukasik"),
        (b"\x99iva Zidan\x9dek", "Živa Zidanšek"),
        (b"Y\x9ald\x9az 100 \xa0", "Yıldız 100 €"),
        (b"\xc9lo\xefse\n", "Éloïse\n"),
        (b"\xfe\xff\x00\x1b\x00d\x00e\x00\x1b\x00A", "A"),
        (b"\xef\xbb\xbf\xc5\x81", "Ł"),
        ("Name", "Name"),
        (7, None),
    ],
)
def test_text_strings(raw: object, expected: str | None) -> None:
    assert text(raw) == expected
