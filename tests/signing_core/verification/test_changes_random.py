"""Hundreds of updates put together at random: what PDFium shows differently is never permitted without a word."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import random_updates
from PIL import Image, ImageChops

from signing_core.pdf import render
from signing_core.pdf.revisions import parse
from signing_core.verification.changes import ChangeLevel, since

TEXT_FIELD = (60, 200, 260, 230)
SIGNATURES = ((60, 100, 260, 160), (300, 100, 500, 160), (50, 600, 300, 780), (300, 20, 500, 80), (0, 0, 40, 50))
CHECK_BOX = (299, 199, 321, 221)
"""Where something may look different that was permitted to: in points, left, bottom, right, top."""


def shown(data: bytes) -> list[Image.Image]:
    with render.opened(data) as document:
        return [render.picture(document, page, dpi=72).convert("L") for page in range(1, len(document) + 1)]


def unexplained(one: Image.Image, other: Image.Image, codes: set[str]) -> tuple[int, int, int, int] | None:
    """Around what differs, in pixels, beyond the places where it may."""
    differs = ImageChops.difference(one, other).point([255 if value > 40 else 0 for value in range(256)])
    allowed = [TEXT_FIELD] if "change-field-filled" in codes else []
    allowed += [*SIGNATURES, TEXT_FIELD] if codes & {"change-signature", "change-time-stamp"} else []
    allowed += [CHECK_BOX] if "change-need-appearances" in codes else []
    for left, bottom, right, top in allowed:
        differs.paste(0, (left - 2, 842 - top - 2, right + 2, 842 - bottom + 2))
    return differs.getbbox()


def judge(seed: int, make: Callable[[int], tuple[bytes, bytes]] = random_updates.updated) -> ChangeLevel:
    base, data = make(seed)
    structure = parse(data)
    index, record = next(
        (index, record)
        for index, record in enumerate(structure.signatures)
        if record.byte_range and record.covered_revision and sum(record.byte_range[-2:]) <= len(base) + 2
    )
    report = since(structure, record.covered_revision or 0, signature=index)
    if report.level in (ChangeLevel.NONE, ChangeLevel.PERMITTED):
        before, after = shown(base), shown(data)
        codes = {finding.code for finding in report.findings}
        assert [page.size for page in before] == [page.size for page in after], (seed, codes)
        for one, other in zip(before, after, strict=True):
            assert unexplained(one, other, codes) is None, (seed, codes)
    return report.level


@pytest.mark.parametrize("first", range(0, 240, 40))
def test_what_looks_different_is_not_permitted(first: int) -> None:
    levels = [judge(seed) for seed in range(first, first + 40)]
    assert ChangeLevel.FORBIDDEN in levels and ChangeLevel.PERMITTED in levels


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_what_was_laid_out_before_signing_changes_nothing(first: int) -> None:
    levels = [judge(seed, random_updates.shadowed) for seed in range(first, first + 50)]
    assert ChangeLevel.FORBIDDEN in levels and ChangeLevel.PERMITTED in levels


@pytest.mark.parametrize("seed", [36, 69, 229, 360, 386])
def test_a_field_that_became_a_stream_is_gone(seed: int) -> None:
    """Found by this: a stream has a dictionary, but is none, so that the field vanishes from every viewer."""
    judge(seed)
