"""Objects from bytes: everything that can be written is read back, and nothing takes more than linear time."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.values import HexString, Ref

NAMES = st.text(st.characters(max_codepoint=255, exclude_characters="\0"), min_size=1, max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(-1e6, 1e6, allow_nan=False).map(lambda number: round(number, 4))
    | st.binary(max_size=12)
    | NAMES
    | st.builds(Ref, st.integers(0, 10**7), st.integers(0, 65535))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)


def written(value: Any, between: bytes = b" ") -> bytes:
    if value is None:
        return b"null"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, Ref):
        return b"%d %d R" % value
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, float):
        return f"{value:.4f}".encode()
    if isinstance(value, str):
        return b"/" + "".join(c if c.isascii() and c.isalnum() else f"#{ord(c):02X}" for c in value).encode()
    if isinstance(value, bytes):
        return b"<" + value.hex().encode() + b">" if len(value) % 2 else b"(" + _escaped(value) + b")"
    if isinstance(value, list):
        return b"[" + between.join(written(item, between) for item in value) + between + b"]"
    entries = [written(part, between) for entry in value.items() for part in entry]
    return b"<<" + between + between.join(entries) + between + b">>"


def _escaped(value: bytes) -> bytes:
    return b"".join(b"\\%03o" % byte if byte in b"()\\\r\n" else bytes((byte,)) for byte in value)


@given(VALUES, st.sampled_from([b"", b" ", b"\r\n", b"% a comment\n"]))
def test_what_is_written_is_read(value: Any, before: bytes) -> None:
    data = before + written(value) + b" "
    read, end = parse_value(data, 0)
    assert read == value
    assert type(read) is type(value) or isinstance(value, bytes | dict | list)
    assert data[end:].strip() == b""


@given(VALUES, st.sampled_from([b" ", b"\n", b"\0", b" \0\r"]))
def test_what_is_read_at_once_is_read_like_what_comments_keep_apart(value: Any, between: bytes) -> None:
    at_once = parse_value(written(value, between), 0)[0]
    assert repr(at_once) == repr(parse_value(written(value, b"%\n"), 0)[0])


@given(st.binary(max_size=200) | st.text("()<>[]{}/%\\ 0123456789R\n+-.#", max_size=80).map(str.encode))
@settings(max_examples=400)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        _, end = parse_value(data, 0)
    except Malformed:
        return
    assert 0 < end <= len(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"(a(b)c\\)\\\nd\\101\\n)", b"a(b)c)dA\n"),
        (b"(a\r\nb\rc)", b"a\nb\nc"),
        (b"<4 1 4>", b"A@"),
        (b"4 % of the page\n0 %\nR", Ref(4, 0)),
        (b"0004 0 R", Ref(4, 0)),
        (b"[1 0 R 2 0 R]", [Ref(1, 0), Ref(2, 0)]),
        (b"[1 2 3 R]", [1, Ref(2, 3)]),
        (b"[1 0 R 2]", [Ref(1, 0), 2]),
        (b"[ 1\0000\n R 2 0 R\t]", [Ref(1, 0), Ref(2, 0)]),
        (b"[1 0 Rx]", [1, 0, None]),
        (b"[+1 -2 00.50 -0.25]", [1, -2, 0.5, -0.25]),
        (b"[1 2.x]", [1, None]),
        (
            b"<</A 1 0 R/B 1.5/C +7/D<<>>/E[/F/G 1]/H(i)/J/K/L 1 0/M 3>>",
            {
                "A": Ref(1, 0),
                "B": 1.5,
                "C": 7,
                "D": {},
                "E": ["F", "G", 1],
                "H": b"i",
                "J": "K",
                "L": 1,
                "M": 3,
            },
        ),
        (b"[-.5 +3 4. --7]", [-0.5, 3, 4.0, -7]),
        (b"<</A 1/B/C>>", {"A": 1, "B": "C"}),
        (b"<</A#42 null>>", {"AB": None}),
        (b"[/A/B]", ["A", "B"]),
    ],
)
def test_ways_of_writing(data: bytes, value: Any) -> None:
    assert parse_value(data, 0)[0] == value


def test_a_long_hex_string_knows_its_place() -> None:
    value, end = parse_value(b"  <" + b"41" * 40 + b"> ", 0)
    assert isinstance(value, HexString)
    assert (value.start, value.end, value.clean, end) == (2, 84, True, 84)
    assert parse_value(b"<" + b"4x" * 40 + b">", 0)[0].clean is False


def test_a_key_written_twice_is_noticed() -> None:
    doubled: list[str] = []
    value, _ = parse_value(b"<</B<</A 1/A 2>>>>", 0, doubled=doubled)
    assert (value, doubled) == ({"B": {"A": 2}}, ["A"])


def test_nesting_is_limited() -> None:
    with pytest.raises(Malformed, match="nested"):
        parse_value(b"[" * 200 + b"]" * 200, 0)
    for innermost in (b"[1 2]", b"[1 0 R]", b"[/A]", b"<</A 1>>"):
        with pytest.raises(Malformed, match="nested"):
            parse_value(b"<</A " * 99 + b"/B [" + innermost + b"]" + b">>" * 99, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"0" * 200_000 + b"x",
        b"[" + b"-" * 200_000,
        b"(" * 200_000,
        b"%" * 200_000,
        b"% % \t" * 60_000,
        b"<" + b"0" * 200_000,
        b"[" + b"1 " * 100_000,
        b"<<" + b"/A" * 100_000,
        b"\\" * 200_000,
    ],
)
def test_time_is_linear(data: bytes) -> None:
    """Quadratic time would need minutes for these."""
    began = time.thread_time()
    with pytest.raises(Malformed):
        parse_value(data, 0)
    assert time.thread_time() - began < 2
