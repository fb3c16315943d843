"""Whether something visible is hidden by something drawn later, seen on the rendered page.

Both revisions are rendered and the edges of what the first one shows are looked for in the second: a transparent stamp or
a highlight leaves the edges of the text below it, an opaque box does not.
"""

from __future__ import annotations

import re
from typing import Any, Final

from PIL import Image, ImageChops, ImageFilter

from signing_core.errors import SealtrailError
from signing_core.pdf import render
from signing_core.pdf.page_ink import placed

_SCALE: Final = 100 / 72
"""Pixels for each point: 100 dpi."""
_EDGE: Final = 48
"""Least step of brightness, of 255, that counts as an edge; half of that still counts as its remains."""
_RULE: Final = re.compile(rb"\xff{40,}")
"""Long straight lines: signature lines and frames of forms, which signing covers by custom."""
_MAX_SIDE: Final = 4000


def hidden_ink(
    before: bytes,
    after: bytes,
    page: int,
    box: tuple[float, float, float, float],
    *,
    content_only: bool,
    password: str | None,
) -> int | None:
    """Edge pixels inside `box` (points, default user space) that `before` shows and `after` does not; None when unknown.

    `content_only` leaves annotations and form fields of `before` out: for a field that is drawn anew, its former looks do
    not count.
    """
    try:
        first = _picture(before, page, box, annotations=not content_only, password=password)
        second = _picture(after, page, box, annotations=True, password=password)
    except (SealtrailError, ValueError, RuntimeError, OSError):
        return None
    if first is None or second is None or first.size != second.size:
        return None
    edges = _edges(first, _EDGE)
    remains = _edges(second, _EDGE // 2).filter(ImageFilter.MaxFilter(3))
    lost = ImageChops.subtract(_without_rules(edges), remains)
    return int(lost.histogram()[255])


def _picture(
    data: bytes, page: int, box: tuple[float, float, float, float], *, annotations: bool, password: str | None
) -> Image.Image | None:
    with render.opened(data, password=password, forms=annotations) as document:
        if not 1 <= page <= len(document):
            return None
        handle: Any = document[page - 1]
        try:
            width, height = handle.get_size()
            if max(width, height) * _SCALE > _MAX_SIDE * 4:
                return None
            bitmap = handle.render(
                scale=_SCALE, may_draw_forms=annotations, draw_annots=annotations, grayscale=True, rev_byteorder=True
            )
            try:
                drawn: Image.Image = bitmap.to_pil().convert("L")
            finally:
                bitmap.close()
            return drawn.crop(pixels(handle, box, drawn.size, _SCALE))
        finally:
            handle.close()


def pixels(
    page: Any, box: tuple[float, float, float, float], size: tuple[int, int], scale: float
) -> tuple[int, int, int, int]:
    """`box` (points, default user space) in pixels of the page rendered at `scale`, turned and cut as the page says."""
    left, top, right, bottom = placed(box, page.get_bbox(), (page.get_rotation() // 90) % 4, scale)
    bounds = (left - 1, top - 1, right + 1, bottom + 1)
    low_x, low_y = (int(min(max(value, 0), limit - 1)) for value, limit in zip(bounds[:2], size, strict=True))
    high_x, high_y = (int(min(max(value, 1), limit)) for value, limit in zip(bounds[2:], size, strict=True))
    return low_x, low_y, max(high_x, low_x + 1), max(high_y, low_y + 1)


def _edges(picture: Image.Image, least: int) -> Image.Image:
    """White where brightness steps to the right or downwards."""
    right = ImageChops.difference(picture, ImageChops.offset(picture, -1, 0))
    down = ImageChops.difference(picture, ImageChops.offset(picture, 0, -1))
    steps = ImageChops.lighter(right, down)
    # `offset` wraps around: what is at the rim is no edge.
    width, height = steps.size
    steps.paste(0, (width - 1, 0, width, height))
    steps.paste(0, (0, height - 1, width, height))
    return steps.point([255 if value >= least else 0 for value in range(256)])


def _without_rules(edges: Image.Image) -> Image.Image:
    for _ in range(2):
        width, height = edges.size
        rows = edges.tobytes()
        cleaned = b"".join(
            _RULE.sub(lambda run: bytes(len(run[0])), rows[at : at + width]) for at in range(0, width * height, width)
        )
        edges = Image.frombytes("L", edges.size, cleaned).transpose(Image.Transpose.TRANSPOSE)
    return edges
