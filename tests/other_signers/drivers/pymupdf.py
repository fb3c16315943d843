"""PyMuPDF, saving incrementally: fills in forms and adds comments."""

from __future__ import annotations

from ..documents import COMMENT, PAGE_HEIGHT
from ..workshop import Step, Tool, Workshop


def fill(workshop: Workshop, step: Step) -> None:
    workshop.python("edit_with_pymupdf.py", ["fill", step.source, step.target])


def comment(workshop: Workshop, step: Step) -> None:
    left, bottom, right, top = COMMENT
    from_above = (left, PAGE_HEIGHT - top, right, PAGE_HEIGHT - bottom)
    workshop.python("edit_with_pymupdf.py", ["comment", step.source, step.target, *map(str, from_above)])


def _ready(workshop: Workshop) -> None:
    workshop.venv_python  # noqa: B018  made ready by asking


TOOL = Tool("PyMuPDF", "PyPI", _ready, fill=fill, comment=comment)
