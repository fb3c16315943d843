"""MuPDF's mutool: signs fields that are there, named by the object number of their widget."""

from __future__ import annotations

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from ..keys import PASSWORD
from ..workshop import Step, Tool, ToolFailed, Workshop, needs_program


def sign(workshop: Workshop, step: Step) -> None:
    key = ["-s", step.keys.p12(step.signer), "-P", PASSWORD]
    workshop.run(["mutool", "sign", *key, "-o", step.target, step.source, str(_object_number(step))])


def _object_number(step: Step) -> int:
    with step.source.open("rb") as file:
        for name, _value, field in enumerate_sig_fields(PdfFileReader(file, strict=False), filled_status=False):
            if name == step.own_field:
                kids = field.get_object().get("/Kids")
                return int(kids.raw_get(0).idnum if kids else field.idnum)
    raise ToolFailed("the field to be signed is not there")


TOOL = Tool("mutool", "Debian", needs_program("mutool", package="mupdf-tools"), sign, needs_field=True)
