"""How results look in a notebook: escaped HTML with one stylesheet, folds instead of scripts, light and dark.

Standard library only, so that plain values such as `signing_core.verdict` may use it. Every piece is a `Html`, a string that
is safe already; whatever else goes in is text and is escaped.
"""

from signing_core.display.conclusion import CONCLUSION_TYPE, Conclusion
from signing_core.display.listing import Listing
from signing_core.display.parts import Tone, badge, facts, fold, moment, paragraph, short, table
from signing_core.display.picture import Picture
from signing_core.display.tags import Html, card, element, stylesheet

__all__ = [
    "CONCLUSION_TYPE",
    "Conclusion",
    "Html",
    "Listing",
    "Picture",
    "Tone",
    "badge",
    "card",
    "element",
    "facts",
    "fold",
    "moment",
    "paragraph",
    "short",
    "stylesheet",
    "table",
]
