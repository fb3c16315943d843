"""What is drawn in a later state of a file and was not in the signed one: where it is, and what it does to the signed pages."""

from __future__ import annotations

from signing_core.verification.drawn.appearance import box_of, flags_of, unlooked
from signing_core.verification.drawn.paint import Effect, Maker, Observation, Paint
from signing_core.verification.drawn.readings import is_odd, shown_otherwise
from signing_core.verification.drawn.sheet import judge, untouched_page_differs

__all__ = [
    "Effect",
    "Maker",
    "Observation",
    "Paint",
    "box_of",
    "flags_of",
    "is_odd",
    "judge",
    "shown_otherwise",
    "unlooked",
    "untouched_page_differs",
]
