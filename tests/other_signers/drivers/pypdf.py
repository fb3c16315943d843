"""pypdf, in its incremental mode: fills in forms and adds comments."""

from __future__ import annotations

from pypdf import PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import NameObject, NumberObject

from ..documents import BOX, CHOICE, COMMENT, RADIO, TEXT
from ..workshop import Step, Tool, Workshop


def fill(workshop: Workshop, step: Step) -> None:
    writer = PdfWriter(step.source, incremental=True)
    values = {TEXT: "Vienna", BOX: "/Yes", CHOICE: "green", RADIO: "/courier"}
    writer.update_page_form_field_values(writer.pages[0], values, auto_regenerate=False)
    writer.write(step.target)


def comment(workshop: Workshop, step: Step) -> None:
    writer = PdfWriter(step.source, incremental=True)
    note = FreeText(text="Please check.", rect=COMMENT, border_color=None, background_color=None)
    note[NameObject("/F")] = NumberObject(4)  # printed (12.5.3)
    writer.add_annotation(0, note)
    writer.write(step.target)


def _ready(workshop: Workshop) -> None:
    """It is one of our own dependencies."""


TOOL = Tool("pypdf", "PyPI", _ready, fill=fill, comment=comment)
