"""Two states of a document, page by page: which pages differ, and where.

Both states are drawn by PDFium and compared point by point. What lies in a signature field that was filled later is how signing
works, and is marked as such; everything else that differs was changed, whatever the file says about itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Final

from PIL import Image

from signing_core.errors import SealtrailError
from signing_core.pdf import render
from signing_core.pdf.revisions import parse
from signing_core.verification.comparison import close_ups, later_fields, pictures, sheets, texts
from signing_core.verification.comparison.later_fields import LaterField, State
from signing_core.verification.comparison.page import DPI, PageComparison, PageLook, PageState
from signing_core.verification.comparison.pictures import Mark, Mask
from signing_core.verification.comparison.sheets import Page, Sheet

_ROUGH_DPI: Final = 50
_ROUGH_TOLERANCE: Final = 3
"""Grey levels: what differs by `pictures.TOLERANCE` in one pixel at `DPI` differs by more at the rough look."""
_BLEED: Final = 3
"""Pixels that what a field shows may reach beyond it."""


class TwoStates:
    """An older and a newer state, whether one grew from the other or not.

    `later` are the fields of later signatures, where they are known already. All methods raise `DocumentRefused` when one of the
    two cannot be opened by PDFium.
    """

    def __init__(
        self, before: bytes, after: bytes, *, password: str | None = None, later: tuple[LaterField, ...] | None = None
    ) -> None:
        self._before = before
        self._after = after
        self._password = password
        self._given = later
        self._hiding: dict[LaterField, bool] = {}

    def page_count(self) -> int:
        """Of the state that has more."""
        with self._opened() as (old, new):
            return max(len(old), len(new))

    def look(self) -> list[PageLook]:
        """How every page differs; each is drawn small first, and larger only where that leaves a doubt."""
        with self._opened() as (old, new):
            total = max(len(old), len(new))
            return [PageLook(number, self._state(old, new, number)) for number in range(1, total + 1)]

    def page(self, number: int) -> PageComparison:
        """One page of both states."""
        with self._opened() as (old, new):
            return self._compared(old, new, number)

    def pages(self, numbers: Iterable[int], *, even_so: Iterable[int] = ()) -> Iterator[PageComparison]:
        """Those of the pages that differ, and those of `even_so` whatever they look like. Holds PDFium's lock until its end."""
        always = set(even_so)
        with self._opened() as (old, new):
            for number in numbers:
                if number in always or self._state(old, new, number) != "same":
                    yield self._compared(old, new, number)

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        with (
            render.opened(self._before, password=self._password) as old,
            render.opened(self._after, password=self._password) as new,
        ):
            yield old, new

    @cached_property
    def _later(self) -> tuple[LaterField, ...]:
        if self._given is not None:
            return self._given
        old, new = (parse(data, password=self._password) for data in (self._before, self._after))
        return later_fields.between(
            State(self._before, old, len(old.revisions)), State(self._after, new, len(new.revisions))
        )

    def _hides(self, field: LaterField) -> bool:
        if field not in self._hiding:
            self._hiding[field] = later_fields.hides(field, self._before, self._after, self._password)
        return self._hiding[field]

    def _state(self, old: Any, new: Any, number: int) -> PageState:
        one, other = sheets.page(old, number), sheets.page(new, number)
        if one is not None and other is not None and one.like(other):
            rough = sheets.lay((old, new), (one, other), _ROUGH_DPI)
            if rough is not None:
                wrong = pictures.differing(rough.before, rough.after, _ROUGH_TOLERANCE)
                if not wrong.any():
                    return "same"
                self._signed_later(rough, wrong)
                if not wrong.any():
                    return "later-signature"
        return self._exact(old, new, one, other)[0]

    def _exact(
        self, old: Any, new: Any, one: Page | None, other: Page | None
    ) -> tuple[PageState, tuple[Mark, ...], Sheet | None]:
        sheet = sheets.lay((old, new), (one, other), DPI) if one is not None and other is not None else None
        if one is None or other is None or sheet is None:
            return "changed", (), None
        wrong = pictures.differing(sheet.before, sheet.after)
        marks: tuple[Mark, ...] = ()
        if wrong.any():
            marks = self._signed_later(sheet, wrong)
            marks += tuple(Mark("changed", box) for box in pictures.boxes(wrong))
        reshaped = one.turns != other.turns or not one.same_size(other)
        changed = reshaped or any(mark.kind == "changed" for mark in marks)
        return "changed" if changed else "later-signature" if marks else "same", marks, sheet

    def _signed_later(self, sheet: Sheet, wrong: Mask) -> tuple[Mark, ...]:
        """Marks for what differs in fields of later signatures, which is taken out of `wrong`."""
        marks = []
        for field in self._later:
            if field.page != sheet.pages[0].number:
                continue
            left, top, right, bottom = box = sheet.place(field.rect)
            part = wrong[max(0, top - _BLEED) : max(0, bottom + _BLEED), max(0, left - _BLEED) : max(0, right + _BLEED)]
            if part.any() and not (field.added and self._hides(field)):
                marks.append(Mark("later-signature", box, field.name))
                part[...] = False
        return tuple(marks)

    def _compared(self, old: Any, new: Any, number: int) -> PageComparison:
        one, other = sheets.page(old, number), sheets.page(new, number)
        state, marks, sheet = self._exact(old, new, one, other)
        before: Image.Image | None
        after: Image.Image | None
        if sheet is not None and sheet.alike:
            before, after = sheet.before, sheet.after
        else:
            dpi = sheets.resolution(DPI, one, other)
            before, after = sheets.drawn(old, one, dpi), sheets.drawn(new, other, dpi)
        if sheet is None:
            present = after or before
            marks = (Mark("changed", (0, 0, *(present.size if present else (1, 1)))),)
        changes = [mark.box for mark in marks if mark.kind == "changed"]
        enlarged = close_ups.of((old, new), sheet, changes) if sheet is not None else ()
        words: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
        if state == "changed":
            turns = one.turns if one is not None else other.turns if other is not None else 0
            words = texts.differing(self._words(old, one, turns), self._words(new, other, turns))
        return PageComparison(number, state, before, after, marks, sheet, one, other, enlarged, *words)

    @staticmethod
    def _words(document: Any, of: Page | None, turns: int) -> list[str]:
        if of is None:
            return []
        try:
            with sheets.reshaped(document, of, of.box, turns):  # a turned page is read in another order
                return render.page_text(document, of.number).split()
        except SealtrailError:
            return []
