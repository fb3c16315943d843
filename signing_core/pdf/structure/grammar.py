"""Objects as all programs read them: every token plain (7.2, 7.3).

Programs disagree about nearly everything else: `90-0`, `99- 0 R`, numbers of 25 digits, names with 0x80 in them (white space for PDFium)
or with #00 (an end for poppler), words that mean nothing. Our lexer reads such things somehow; behind a signature they are doubt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Final

LARGEST_NUMBER: Final = 4_194_304
"""Of an object: PDFium's limit; others allow 8,388,607 (Annex C)."""

_WS: Final = rb"[\t\n\f\r ]"
_END: Final = rb"(?=[\t\n\f\r ()<>\[\]/%]|$)"
_STRING = rb"\((?:[^()\\]++|\\.)*+\)"
for _ in range(3):  # brackets in brackets
    _STRING = rb"\((?:[^()\\]++|\\.|" + _STRING + rb")*+\)"
_REGULAR: Final = rb"[^\0\t\n\f\r ()<>\[\]{}/%#\x80\xff]*+"
_INTEGER: Final = rb"(?:[01]\d{9}|\d{1,9})"
_TOKENS: Final = (
    rb"(?>"
    + _WS + rb"++"
    + rb"|/" + _REGULAR + rb"(?>#(?!00)[0-9A-Fa-f]{2}" + _REGULAR + rb")*+" + _END
    + rb"|(?:\d{1,5}+ (?=\d)(?!\d{1,5}" + _WS + rb"++R))++"  # widths of fonts: nothing that the two below would not take, but faster
    + rb"|\d{1,7}" + _WS + rb"++\d{1,5}" + _WS + rb"++R" + _END
    + rb"|[+-]?(?>\d{1,10}\.\d{0,20}|\.\d{1,20}|" + _INTEGER + rb")" + _END
    + rb"|<<|>>|\[|\]"
    + rb"|(?>true|false|null)" + _END
    + rb"|<[0-9A-Fa-f\0\t\n\f\r ]*+>"
    + rb"|" + _STRING
    + rb")*+"
)  # fmt: skip
_PLAIN: Final = re.compile(_TOKENS, re.DOTALL)
_HEAD: Final = re.compile(rb"(\d{1,7}) (\d{1,5}) obj(?![A-Za-z0-9])")
_INDIRECT_TYPE: Final = re.compile(rb"/Type" + _WS + rb"++\d")
_NUMBERS: Final = re.compile(_WS + rb"*+(?:\d{1,7}" + _WS + rb"++\d{1,10}(?:" + _WS + rb"++|$))*+")
_BETWEEN: Final = b"\0\t\n\f\r +-.0123456789\x80\xff"
"""What some program reads over, or takes for part of a number, between the numbers of an object and `obj`."""
_DIGIT: Final = re.compile(rb"\d")
_TWO_NUMBERS: Final = re.compile(rb"\d[\d.]*+[^\d.]++[\d.]*?\d")
_NEAR, _FAR = 60, 4000
_COMMENT: Final = re.compile(rb"%[^\r\n]*+")
_LINE: Final = re.compile(rb"[\r\n]")


def is_plain(written: bytes) -> bool:
    """Whether all of it is tokens that every program reads alike, and no comments; /Type, where there is one, is written out."""
    return _PLAIN.fullmatch(written) is not None and _INDIRECT_TYPE.search(written) is None


def head_of(data: bytes, start: int) -> int | None:
    """Where an object's value begins, whose `number generation obj` is written plainly; None where it is not."""
    match = _HEAD.match(data, start)
    return match.end() if match is not None else None


def are_numbers(written: bytes) -> bool:
    """Whether it is pairs of plain numbers, as the head of an object stream."""
    return _NUMBERS.fullmatch(written) is not None


def odd_reference(number: int) -> re.Pattern[bytes]:
    """Matches whatever some program may take for a reference to an object: a few runs of what may stand between its parts.

    Each run is taken whole, and their number is small, so that numbers upon numbers are searched in one pass.
    """
    gap = rb"(?:[\0\t\n\f\r ]{1,4000}+|[+\-.0-9\x80\xff]{1,40}+|%[^\r\n]{0,4000}+[\r\n]){1,12}+"
    return re.compile(rb"(?<![0-9.A-Za-z])0*+(?:%d|%d)(?![0-9])%bR(?![A-Za-z0-9])" % (number, number + (1 << 32), gap))


def _ends_in_number(near: bytes) -> bool:
    run = near[len(near.rstrip(_BETWEEN)) :]
    return len(run) == len(near) or _DIGIT.search(run) is not None


def _is_head(data: bytes, start: int, at: int) -> bool:
    """Whether two numbers stand in front of `at`, comments aside. One alone is no head; it stands in front of these three letters by
    chance in one of some thousand compressed files."""
    text = _COMMENT.sub(b" ", data[start:at])
    before = text.rstrip(_BETWEEN)
    run = text[len(before) :]
    if _TWO_NUMBERS.search(run) is not None:
        return True
    # A run of blanks may have begun further ahead, or a comment, which then ends with a line: ASCII85 without lines is neither.
    return at - start >= _FAR and (not before or (_LINE.search(run) is not None and _LINE.search(before) is None))


def seems_object(data: bytes, start: int, end: int, heads: Container[int], check: Callable[[], None]) -> list[int]:
    """Where, between `start` and `end`, something stands that some program may take for the beginning of an object.

    `heads` are positions behind `obj` where an object is known to begin. `check` is called now and then; may raise.
    """
    found = []
    position = start
    while (at := data.find(b"obj", position, end)) != -1:
        position = at + 3
        if position in heads or data[at - 3 : at] == b"end":
            continue
        check()
        if _ends_in_number(data[max(start, at - _NEAR) : at]) and _is_head(data, max(start, at - _FAR), at):
            found.append(at)
    return found
