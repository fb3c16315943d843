"""The stamp of a company that has none as a picture."""

from __future__ import annotations

import functools

from signing_core import typesetting
from signing_core.marks import scripts
from signing_core.marks.mark import STAMP_INK, Mark
from signing_core.marks.written import readable


def default_stamp(organisation: str, *, place: str | None = None) -> Mark:
    """A stamp with the organisation's name, and its place of business below it where one is given: SVG, two frames.

    Raises `MarkRefused` as `from_name` does.
    """
    name = readable(organisation)
    below = readable(place) if place else None
    families = scripts.text_families(name + (below or ""))
    data = {"name": name, "place": below, "families": families, "ink": STAMP_INK, "rtl": scripts.right_to_left(name)}
    return Mark("stamp", "image/svg+xml", typesetting.compile_svg(_template(), data))


@functools.cache
def _template() -> str:
    return typesetting.load_template("signing_core.marks", "stamp.typ")
