"""What is read in a picture of a page and in another one of the same place: characters and other ink, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from signing_core.pdf.page_ink import UNKNOWN, Area, Character, Picture

Mask: TypeAlias = npt.NDArray[np.bool_]
Plane: TypeAlias = npt.NDArray[np.int32]

_CONTRAST: Final = 40
"""Least step of brightness, of 255, between ink and paper: below, nothing is read."""
_FAINT: Final = 8
"""The same for characters that the page draws in so pale a colour. Nothing else that is pale is read: not tints, nor a scanner's noise."""
_DEVIATION: Final = 0.2
"""How much of that step a pixel may deviate."""
_LEAST: Final = 3
"""Pixels that deviate. At 300 dpi a decimal point of 6 points has 6; where nothing is drawn, two pictures do not differ at all."""
_REACH, _AROUND, _TILE = 1.5, 32.0, 3.0
"""Points: around ink that is no text, more than lies between the digits of an amount; around a difference; side of a tile."""
_THICK, _GAP, _LONG, _LONG_IN_BOX = 3.0, 8.0, 29.0, 14.0
"""Points: thickest line to sign on, widest gap between its dots, shortest line, shortest line of the comb of a field."""
_FILLED: Final = 0.6
"""Part of its box that the ink of a dot fills."""
_ENOUGH: Final = 40
"""Places that are covered: more are not looked for."""
_TO_TICK: Final = frozenset(
    "\u25a1\u2610\u25a2\u25af\u25cb\u25ef\u25fb\u25fd\u2b1c\u274f\u2750\u2751\u2752\uf06f\uf0a8\uf071\uf072"
)


@dataclass(slots=True)
class Reading:
    """What became of ink that was signed."""

    covered: int = 0
    """In how many places something is read no more, or otherwise."""
    added_only: bool = True
    """All that is covered is still seen, with something added."""
    revealed: bool = False
    """Something is read now that lay hidden."""
    hidden: bool = False
    """Something lay hidden and still does."""
    drawn: bool = False
    """There is a difference at all."""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a page: pixels at `scale` for each point as people see it, beginning at `origin` of the page."""

    origin: tuple[int, int]
    scale: float
    characters: Callable[[], Sequence[Character]]
    own_box: bool
    """It was made to be filled: there the space between words is no content."""
    markup: str | None
    """`Subtype` of the text markup (12.5.6.10) that is drawn there."""
    check: Callable[[], None]
    """Called now and then; may raise."""


def compare(base: Picture, before: Picture, after: Picture, area: Area, place: Place) -> Reading:
    """What is read inside of `area` (pixels of the pictures): as signed without what was changed later, as signed, and later."""
    changed = np.zeros(base.shape[:2], np.bool_)
    inside = slice(area[1], area[3]), slice(area[0], area[2])
    first, second, third = (packed(picture[inside]) for picture in (base, before, after))
    changed[inside] = (third != first) | (second != first)
    rows, columns = (np.flatnonzero(changed.any(axis=axis)) for axis in (1, 0))
    reading = Reading(drawn=bool(rows.size))
    if not rows.size:
        return reading
    same = before is base
    room = round(_AROUND * place.scale)
    top, left = max(int(rows[0]) - room, 0), max(int(columns[0]) - room, 0)
    part = slice(top, int(rows[-1]) + room + 1), slice(left, int(columns[-1]) + room + 1)
    changed = changed[part]
    base, before, after = (picture[part] for picture in (base, before, after))
    paper, ink = _paper_and_ink(base)
    text, words, faint = np.zeros_like(ink), np.zeros_like(ink), np.zeros_like(ink)
    pale = _unlike(base, paper, _FAINT // 2)
    characters = list(_near(place, (place.origin[0] + left, place.origin[1] + top), ink, pale, text))
    for character in characters:
        part = _part(character.area)
        words[part] |= not _of_a_line(character.code, ink[part])
        step = max(abs(a - b) for a, b in zip(character.colour, paper, strict=True))
        if _FAINT <= step < _CONTRAST or (character.painted and _is_pale(base[part], paper, pale[part])):
            faint[part] = pale[part]
    ink |= faint
    reach = round(_REACH * place.scale)
    zones = [_part(zone) for zone in _zones(characters, own_box=place.own_box)]
    if not any(changed[zone].any() for zone in zones) and not (changed & _spread(ink, reach)).any():
        return reading
    kept = _lines(ink & ~words, place.scale, _LONG)
    if place.own_box:
        kept |= _lines(ink & ~text, place.scale, _LONG_IN_BOX)
    read = ink & ~kept
    letters = [character for character in characters if read[_part(character.area)].any()]
    zones = [_part(zone) for zone in _zones(letters, own_box=place.own_box)]
    if place.markup is not None:
        kept |= _tinted(base, after, ink)
    if place.markup == "Underline":
        kept |= _below(letters, ink.shape) & _lines(changed, place.scale, _LONG_IN_BOX)
    after = np.where(kept[:, :, None], base, after)
    before = base if same else np.where(kept[:, :, None], base, before)
    changed &= ~kept
    tiles = _tiles(changed & ~text & _spread(ink & ~text & ~kept, reach), round(_TILE * place.scale))
    for zone in (*zones, *tiles):
        if changed[zone].any():
            place.check()
            least = _FAINT if faint[zone].any() else _CONTRAST
            then = 0 if same else _read(base[zone], before[zone], least)
            now = _read(base[zone], after[zone], least)
            if now and then < 2 and ((then, now) != (1, 1) or not np.array_equal(before[zone], after[zone])):
                reading.covered += 1
                reading.added_only &= now < 2
            reading.revealed |= then == 2 and now < 2
            reading.hidden |= then == now == 2
            if reading.covered >= (1 if same and not reading.added_only else _ENOUGH):
                break
    return reading


def packed(picture: Picture) -> npt.NDArray[np.uint32]:
    """One number for each pixel."""
    return np.ascontiguousarray(picture).view(np.uint32)[:, :, 0]


def _read(base: Picture, other: Picture, least: int) -> int:
    """0: what `base` shows can be read in `other`; 1: with something added; 2: not, or not all of it.

    A colour laid over all of it changes brightness in proportion, so what deviates from that was drawn or taken away.
    """
    planes = zip(_planes(base), _planes(other), strict=True)
    was, now = next(((was, now) for was, now in planes if np.ptp(was) >= least), (None, None))
    if was is None or now is None:
        return 0
    middle = (int(was.min()) + int(was.max())) / 2
    dark = was < middle
    if np.median(np.concatenate((was[0], was[-1], was[:, 0], was[:, -1]))) < middle:
        dark = ~dark  # light ink on dark paper
    (paper, ink), (paper_now, ink_now) = ((np.median(side[~dark]), np.median(side[dark])) for side in (was, now))
    left = (paper_now - ink_now) / (paper - ink)
    if left < 0.4:
        return 2
    depth, depth_now = (paper - was) / (paper - ink), (paper_now - now) / (paper_now - ink_now)
    if np.count_nonzero((depth > 0.25) & (depth_now < 0.6 * depth)) >= _LEAST:
        return 2
    return int(np.count_nonzero(np.abs(depth_now - depth) > _DEVIATION) >= _LEAST)


def _planes(picture: Picture) -> Iterator[Plane]:
    """Brightness, then blue, green and red."""
    blue, green, red = (picture[:, :, plane].astype(np.int32) for plane in range(3))
    yield from ((29 * blue + 150 * green + 77 * red) >> 8, blue, green, red)


def _paper_and_ink(picture: Picture) -> tuple[tuple[int, ...], Mask]:
    """The colour of the paper, which is the most frequent one, and whatever has another."""
    colours, counts = np.unique(packed(picture)[::3, ::3], return_counts=True)
    most = int(colours[np.argmax(counts)])
    paper = tuple(most >> 8 * plane & 255 for plane in range(3))
    return paper, _unlike(picture, paper, _CONTRAST - 8)


def _unlike(picture: Picture, colour: tuple[int, ...], least: int) -> Mask:
    mask: Mask = np.zeros(picture.shape[:2], np.bool_)
    for plane, level in enumerate(colour):
        side = picture[:, :, plane]
        mask |= np.maximum(side, np.uint8(level)) - np.minimum(side, np.uint8(level)) >= least
    return mask


# -- characters -----------------------------------------------------------------------------------------------------------


def _is_pale(base: Picture, paper: tuple[int, ...], pale: Mask) -> bool:
    """Whether a character is no darker than a tint on paper, whatever colour it is said to be filled with."""
    if not pale.any() or pale.all() or _unlike(base, paper, _CONTRAST).any():
        return False
    return bool(_unlike(base, paper, _FAINT).any())


def _near(place: Place, origin: tuple[int, int], ink: Mask, pale: Mask, text: Mask) -> Iterator[Character]:
    """The characters of a picture that begins at `origin`, in its pixels. Marks in `text` where they are."""
    height, width = ink.shape
    x, y = origin
    for code, (left, top, right, bottom), base, upright, colour, painted in place.characters():
        room = 2 * max(bottom - top, right - left)
        if right <= left or not (x - room < right and left < x + width + room):
            continue
        if y - room < bottom and top < y + height + room:
            character = Character(code, (left - x, top - y, right - x, bottom - y), base - y, upright, colour, painted)
            if code.isspace() and not pale[_part(character.area, room=-2)].any():
                continue
            part = _part(character.area)
            text[part] = True
            # What a character is called is up to whoever made the file: a box to tick is as wide as high, and empty.
            if not (place.own_box and code in _TO_TICK and _hollow(ink[part])):
                yield character


def _of_a_line(code: str, ink: Mask) -> bool:
    """Whether a character may be a part of a line to sign on: an underscore, a dot, a dash, which fill their box, whatever they are
    called. Small print is no line."""
    if code.isalnum() or not ink.any():
        return False
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    box = (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    return bool(np.count_nonzero(ink) > _FILLED * box)


def _zones(characters: Sequence[Character], *, own_box: bool) -> Iterator[tuple[float, float, float, float]]:
    """Each character, and each two of a line with the space between them, where a point or a digit is read with them."""
    for character in characters:
        left, top, right, bottom = character.area
        code = character.code
        if (
            code.isdigit() or code.isspace() or code == UNKNOWN
        ) and not own_box:  # what looks like a blank may be a digit
            aside = 0.7 * (bottom - top if character.upright else right - left)
            across, along = (aside, 0.0) if character.upright else (0.0, aside)
            left, top, right, bottom = left - across, top - along, right + across, bottom + along
        yield left, top, right, bottom
    for one, other in pairwise(characters):
        if one.upright == other.upright and (not own_box or (one.code + other.code).isdigit()):
            a, b = one.area, other.area
            along, across = (0, 1) if one.upright else (1, 0)
            high = max(area[across + 2] - area[across] for area in (a, b))
            gap, apart = (max(a[axis] - b[axis + 2], b[axis] - a[axis + 2]) for axis in (along, across))
            if gap < 1.1 * high and apart < 0.7 * high:
                yield min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3])


def _part(area: tuple[float, float, float, float], *, room: int = 2) -> tuple[slice, slice]:
    left, top, right, bottom = area
    up, low, first, last = int(top) - room, int(bottom) + room + 1, int(left) - room, int(right) + room + 1
    return slice(max(up, 0), max(low, 0)), slice(max(first, 0), max(last, 0))


def _hollow(ink: Mask) -> bool:
    height, width = ink.shape
    return 0.8 < width / max(height, 1) < 1.25 and not ink[height // 4 : -height // 4, width // 4 : -width // 4].any()


# -- what is no content ---------------------------------------------------------------------------------------------------


def _lines(ink: Mask, scale: float, least: float) -> Mask:
    """Lines to sign on, frames and combs: solid, dashed or dotted, at least so many points long, straight along the page."""
    mask = np.zeros_like(ink)
    gap, thick, tick = (int(points * scale) + 1 for points in (_GAP, _THICK, 1))
    for along in (1, 0):
        closed = ~_long(~ink, gap, along)
        crossed = _long(closed, thick, 1 - along)
        thin = closed & ~crossed
        thin |= crossed & ~_long(crossed, tick, along)  # by the ticks of a comb
        mask |= ink & _long(thin, ceil(least * scale), along)
    return _spread(mask, 2)


def _tinted(base: Picture, after: Picture, ink: Mask) -> Mask:
    """Where a colour lies over paper and ink alike, like a marker's, and ink still stands out."""
    changed = packed(base) != packed(after)
    blank, inked = changed & ~ink, _spread(changed, 2) & ink
    if not blank.any():
        return np.zeros_like(ink)
    was, now = base[:, :, :3].astype(np.float32), after[:, :, :3].astype(np.float32)
    light, light_now = (np.median(side[blank], axis=0) for side in (was, now))
    dark, dark_now = (np.percentile(side[inked], 10, axis=0) if inked.any() else np.zeros(3) for side in (was, now))
    weights = np.array([0.11, 0.59, 0.3])
    contrast = abs((light - dark) @ weights)
    if abs((light_now - dark_now) @ weights) < 0.4 * contrast or abs((light - light_now) @ weights) > 0.5 * contrast:
        return np.zeros_like(ink)
    tinted = light_now + (light_now - dark_now) * (was - light) / np.where(np.abs(light - dark) < 1, 1, light - dark)
    between: Mask = np.all((now >= np.minimum(was, tinted) - 6) & (now <= np.maximum(was, tinted) + 6), axis=2)
    return between


def _below(characters: Sequence[Character], shape: tuple[int, int]) -> Mask:
    """What is below the baseline of characters."""
    mask = np.zeros(shape, np.bool_)
    for character in characters:
        left, top, right, bottom = character.area
        room = bottom - top if character.upright else 0
        mask[_part((left - room, character.base + 4, right + room, bottom + room))] = True
    return mask


def _long(mask: Mask, least: int, axis: int) -> Mask:
    """What of the mask is in runs of at least so many pixels along an axis."""
    inside = mask.copy()
    line = inside.T if axis else inside
    steps, done = [], 1
    while done < least:
        steps.append(min(done, least - done))
        done += steps[-1]
    for step in steps:  # where such a run begins,
        line[:-step] &= line[step:]
        line[-step:] = False
    for step in steps:  # and all of it
        line[step:] |= line[:-step]
    return inside


def _spread(mask: Mask, reach: int) -> Mask:
    """The mask and what is up to `reach` pixels from it, along and across."""
    for _ in range(2):
        done = 0
        while done < reach:
            step = min(done + 1, reach - done)
            wider = mask.copy()
            wider[step:] |= mask[:-step]
            wider[:-step] |= mask[step:]
            mask, done = wider, done + step
        mask = mask.T
    return mask


def _tiles(mask: Mask, side: int) -> Iterator[tuple[slice, slice]]:
    """Overlapping squares around where the mask is true."""
    rows, columns = np.nonzero(mask)
    for row, column in sorted({*zip((rows // side).tolist(), (columns // side).tolist(), strict=True)}):
        top, left = row * side, column * side
        yield slice(max(top - side, 0), top + 2 * side), slice(max(left - side, 0), left + 2 * side)
