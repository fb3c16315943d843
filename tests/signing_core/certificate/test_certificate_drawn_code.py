"""The code out of the drawing of the page."""

from __future__ import annotations

import re

import pytest

from signing_core.certificate import drawn_code, qr_writer


def drawn(outline: str) -> bytes:
    """The outline of a symbol as Typst writes it into a content stream."""
    content = [b"q 1.6 0 0 -1.6 42 209 cm/c0 cs 0 scn "]
    x = y = 0
    for step, first, second in re.findall(r"([Mhvz])(-?\d+)?(?: (\d+))?", outline):
        if step == "z":
            content.append(b"\nh ")
            continue
        x, y = {"M": (first, second), "h": (x + int(first), y), "v": (x, y + int(first))}[step]
        x, y = int(x), int(y)
        content.append(b"%d %d %s" % (x, y, b"m" if step == "M" else b" l"))
    return b"".join(content).replace(b" l", b" l ").replace(b"m", b" m ").replace(b"  ", b" ").rstrip() + b"\nf*\nQ\n"


@pytest.mark.parametrize("length", [1, 20, 100, 300, 800, 2400])
def test_what_the_writer_draws_is_read(length: int) -> None:
    text = "HTTPS://SIGN.EXAMPLE.ORG/V/" + "A1B2C3D4" * 300
    symbol = qr_writer.write(text[:length])
    assert drawn_code.texts(drawn(symbol.outline())) == [text[:length]]


def test_each_code_is_read() -> None:
    both = drawn(qr_writer.write("ONE").outline()) + drawn(qr_writer.write("TWO").outline())
    assert drawn_code.texts(b"0 g 1 1 m\nf*\n" + both) == ["ONE", "TWO"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"scn \nf*\n", b"\nf*\n", b"scn 4 m\nf*\n", b"scn 4 4 m 900 4 l 900 9 l 4 9 l\nh\nf*\n",
        b"scn 4 4 m 9.5 4 l 9.5 9 l 4 9 l\nh\nf*\n", b"scn 0 0 m 5 0 l 5 5 l 0 5 l\nh\nf*\n",
        b"scn 180 180 m 184 180 l 184 184 l 180 184 l\nh\nf*\n", b"scn 4 4 m 4 4 l\nh\nf*\n" * 100,
    ],
)  # fmt: skip
def test_what_is_drawn_is_no_code(content: bytes) -> None:
    assert drawn_code.texts(content) == []
