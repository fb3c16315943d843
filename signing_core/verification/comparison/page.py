"""What a comparison of one page gives: how it differs, both pictures with marks, changes close up, words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Literal

from PIL import Image

from signing_core.verification.comparison import pictures
from signing_core.verification.comparison.pictures import Box, Mark
from signing_core.verification.comparison.sheets import Page, Sheet

DPI: Final = 96

PageState = Literal["same", "later-signature", "changed"]


@dataclass(frozen=True)
class PageLook:
    page: int
    """From 1."""
    state: PageState
    """`later-signature`: nothing differs but signature fields that were empty and are filled now."""


@dataclass(frozen=True)
class CloseUp:
    """One change enlarged, at twice `DPI`: the same place of both states at the same scale. What is no part of a page is hatched."""

    number: int
    """Of the change, from 1."""
    before: Image.Image
    after: Image.Image


@dataclass(frozen=True)
class PageComparison(PageLook):
    """One page of both states, RGB at `DPI`; None for a state that has no such page. A very large page is drawn smaller."""

    before: Image.Image | None
    after: Image.Image | None
    marks: tuple[Mark, ...]
    """Where they differ, later signatures first, then changes from the top; on the sheet that both pages lie on."""
    sheet: Sheet | None
    """None where one of the states has no such page."""
    page_before: Page | None
    page_after: Page | None
    close_ups: tuple[CloseUp, ...] = ()
    """Of the first changes; one of half a page and more has none."""
    words_before: tuple[str, ...] = ()
    """Words that only the older state has."""
    words_after: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Box, ...]:
        """Where something was changed: what the numbers of the marks count."""
        return tuple(mark.box for mark in self.marks if mark.kind == "changed")

    @property
    def resized(self) -> tuple[str, str] | None:
        """Then and now, as 210 × 297 mm, where the page is of another size; both as the older one is turned."""
        one, other = self.page_before, self.page_after
        if one is None or other is None or one.same_size(other):
            return None
        before, after = (
            " × ".join(f"{side * 25.4 / 72:.0f}" for side in each.size(one.turns)) + " mm" for each in (one, other)
        )
        return before, after

    @property
    def turned(self) -> int:
        """Degrees clockwise that the page is turned by since."""
        one, other = self.page_before, self.page_after
        return (other.turns - one.turns) % 4 * 90 if one and other else 0

    @property
    def before_marked(self) -> Image.Image | None:
        return self.before and self._marked(self.before, self.sheet.on_before if self.sheet else None)

    @property
    def after_marked(self) -> Image.Image | None:
        return self.after and self._marked(self.after, self.sheet.on_after if self.sheet else None)

    def _marked(self, picture: Image.Image, place: Callable[[Box, Image.Image], Box] | None) -> Image.Image:
        marks = self.marks if place is None else [replace(one, box=place(one.box, picture)) for one in self.marks]
        return pictures.framed(picture, marks)

    @cached_property
    def difference(self) -> Image.Image:
        """Both on one sheet: what is gone red, what is new blue, all else pale."""
        both = (self.sheet.before, self.sheet.after) if self.sheet else (self.before, self.after)
        return pictures.overlay(*both, self.marks)
