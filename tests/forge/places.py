"""Where a page shows what: boxes of letters and words, as PDFium finds them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache

import pypdfium2 as pdfium
from signing import Box


@dataclass(frozen=True)
class Letter:
    text: str
    box: Box


@lru_cache(maxsize=64)
def letters(data: bytes) -> tuple[tuple[Letter, ...], ...]:
    """For each page its letters that have a shape."""
    try:
        document = pdfium.PdfDocument(data)
    except pdfium.PdfiumError:
        return ()
    try:
        found = []
        for page in document:
            reader = page.get_textpage()
            texts = reader.get_text_range()
            inside = [(texts[n], reader.get_charbox(n)) for n in range(min(reader.count_chars(), len(texts)))]
            found.append(tuple(Letter(text, box) for text, box in inside if text.strip() and box[2] > box[0]))
            reader.close()
            page.close()
        return tuple(found)
    except pdfium.PdfiumError:
        return ()
    finally:
        document.close()


def over_text(data: bytes, page: int, r: random.Random) -> tuple[Box, str]:
    """A box over something that was written: a letter, a digit, a word, a line, a page; and what it covers."""
    known = letters(data)
    shown = known[page] if page < len(known) else ()
    if not shown:
        return (30, 300, 200, 320), ""
    size = r.choice(("digit", "digit", "letter", "word", "words", "line", "page"))
    if size == "page":
        return (0, 0, 300, 400), ""
    at = r.randrange(len(shown))
    if size == "digit":
        digits = [n for n, letter in enumerate(shown) if letter.text.isdigit() or letter.text in ".-"]
        at = r.choice(digits) if digits else at
    count = {"digit": r.choice((1, 1, 2, 4)), "letter": 1, "word": 6, "words": 16, "line": 45}[size]
    same = [letter for letter in shown[at : at + count] if abs(letter.box[1] - shown[at].box[1]) < 5]
    box = (
        min(letter.box[0] for letter in same), min(letter.box[1] for letter in same),
        max(letter.box[2] for letter in same), max(letter.box[3] for letter in same),
    )  # fmt: skip
    room = r.choice((0.0, 0.3, 1.0, 3.0))
    return (box[0] - room, box[1] - room, box[2] + room, box[3] + room), "".join(letter.text for letter in same)
