"""iText 5 and PDFBox 2, each a small program of ours against Debian's jars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ..documents import COMMENT
from ..keys import PASSWORD
from ..workshop import Step, Tool, Workshop

_BOUNCY_CASTLE: Final = ("bcprov.jar", "bcpkix.jar", "bcutil.jar")
_ITEXT: Final = ("itext5.jar", *_BOUNCY_CASTLE)
_PDFBOX: Final = ("pdfbox2.jar", "fontbox2.jar", "commons-logging.jar", *_BOUNCY_CASTLE)


def _tool(name: str, program: str, jars: Sequence[str]) -> Tool:
    def run(workshop: Workshop, what: str, step: Step, *more: str | Path) -> None:
        workshop.java(program, jars, [what, step.source, step.target, *more])

    def sign(workshop: Workshop, step: Step) -> None:
        field = ["existing", step.own_field] if step.own_field else ["new", step.new_field]
        box = ",".join(map(str, step.visible)) if step.visible and not step.plain_field else ""
        run(workshop, "sign", step, step.keys.p12(step.signer), PASSWORD, step.signer, *field, box)

    def fill(workshop: Workshop, step: Step) -> None:
        run(workshop, "fill", step)

    def comment(workshop: Workshop, step: Step) -> None:
        run(workshop, "comment", step, ",".join(map(str, COMMENT)))

    def ready(workshop: Workshop) -> None:
        workshop.compiled(program, jars)

    return Tool(name, "Debian", ready, sign, fill, comment)


ITEXT = _tool("iText 5", "IText", _ITEXT)
PDFBOX = _tool("PDFBox 2", "PdfBox", _PDFBOX)
