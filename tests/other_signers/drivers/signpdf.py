"""@signpdf for Node, with both of its placeholders: the plain one appends, the one of pdf-lib writes the file anew."""

from __future__ import annotations

from ..keys import PASSWORD
from ..workshop import Step, Tool, Workshop


def _sign(placeholder: str, workshop: Workshop, step: Step) -> None:
    box = ",".join(map(str, step.visible)) if step.visible else "0,0,0,0"
    key = [step.keys.p12(step.signer), PASSWORD, step.signer]
    workshop.node("signpdf.mjs", [placeholder, step.source, step.target, *key, box])


def sign(workshop: Workshop, step: Step) -> None:
    _sign("plain", workshop, step)


def sign_rewritten(workshop: Workshop, step: Step) -> None:
    _sign("pdf-lib", workshop, step)


def _ready(workshop: Workshop) -> None:
    workshop.node_modules  # noqa: B018  made ready by asking


TOOL = Tool("@signpdf plain", "npm", _ready, sign)
WITH_PDF_LIB = Tool("@signpdf pdf-lib", "npm", _ready, sign_rewritten, signs_first_only=True)
