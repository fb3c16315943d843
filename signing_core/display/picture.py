"""A plot or photograph with words for those who do not see it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import Any, Final

from signing_core.display.tags import card, element

_DPI: Final = 100


@dataclass(frozen=True)
class Picture:
    """A PNG picture with its alternative text, and a caption that says what it shows."""

    png: bytes = field(repr=False)
    alt: str
    caption: str = ""

    @classmethod
    def of(cls, figure: Any, *, alt: str, caption: str = "") -> Picture:
        """Of a Matplotlib figure. `alt` says in words what the plot shows, with its numbers."""
        held = io.BytesIO()
        figure.savefig(held, format="png", dpi=_DPI, facecolor="white")
        return cls(held.getvalue(), alt, caption)

    def __repr__(self) -> str:
        return f"<Picture: {self.alt}>"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.png).decode("ascii")
        image = element("img", alt=self.alt, src=f"data:image/png;base64,{data}")
        return card(element("figure", image, *((element("figcaption", self.caption),) if self.caption else ())))
