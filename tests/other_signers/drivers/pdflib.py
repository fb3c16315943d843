"""pdf-lib for JavaScript. It writes files anew, so it fills in only before anybody has signed."""

from __future__ import annotations

from ..workshop import Step, Tool, Workshop


def fill(workshop: Workshop, step: Step) -> None:
    workshop.node("pdflib.mjs", [step.source, step.target])


def _ready(workshop: Workshop) -> None:
    workshop.node_modules  # noqa: B018  made ready by asking


TOOL = Tool("pdf-lib", "npm", _ready, fill=fill, signs_first_only=True)
