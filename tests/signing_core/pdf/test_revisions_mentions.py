"""The two searches for references give the same answers: the plain one for small files, the one for large files."""

from __future__ import annotations

import random

import pytest

from signing_core.pdf.revisions import parse
from signing_core.pdf.structure import mentions
from signing_core.pdf.structure.mentions import ScannedMentions

PIECES = [
    b"1 0 R", b"[12 0 R 12 0 R]", b"/P 9999999999 0 R", b"/A 7\n0\nR", b"3 2 R", b"00000000000000000000000000000000000000000003 0 R",
    b"/K[0 0 R/N 5 0 R]", b" R", b"0 R", b"8 0  R", b"4 %x\n0 R", b"6 0 RG", b"\x00R\x0cR", b"11 0\x00R", b"(text R)", b"%",
]  # fmt: skip


def answers(data: bytes, monkeypatch: pytest.MonkeyPatch, small: int) -> tuple[bool, list[list[int]]]:
    monkeypatch.setattr(mentions, "_SMALL", small)
    scanned = ScannedMentions(parse(data))
    return scanned.doubtful, [sorted(scanned._plain.of(number)) for number in (*range(14), 9_999_999_999)]


@pytest.mark.parametrize("seed", range(30))
def test_small_and_large_files_are_searched_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = random.Random(seed)
    data = b" ".join(chosen.choices(PIECES, k=chosen.randint(1, 60)))
    assert answers(data, monkeypatch, 1_000_000) == answers(data, monkeypatch, 0)


def test_a_reference_at_the_very_start_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for small in (1_000_000, 0):
        assert answers(b"[10 0 R]", monkeypatch, small)[1][10] == [6]
