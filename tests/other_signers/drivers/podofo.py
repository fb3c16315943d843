"""PoDoFo's podofosign: a visible or invisible new field, or one that is there."""

from __future__ import annotations

from ..documents import PAGE_HEIGHT
from ..workshop import Step, Tool, Workshop, needs_program

_MM = 25.4 / 72


def sign(workshop: Workshop, step: Step) -> None:
    command = ["podofosign", "-in", step.source, "-out", step.target]
    command += ["-cert", step.keys.certificate(step.signer), "-pkey", step.keys.key(step.signer), "-digest", "SHA256"]
    if step.own_field:
        command += ["-field-name", step.own_field, "-field-use-existing"]
    else:
        command += ["-field-name", step.new_field]
        if step.visible:
            left, bottom, right, top = step.visible
            box = (left, PAGE_HEIGHT - top, right - left, top - bottom)
            command += ["-annot-position", ",".join(["1", *(f"{value * _MM:.2f}" for value in box)]), "-annot-print"]
            command += ["-annot-text", f"2,4,Signed by {step.signer}"]
    workshop.run(command)


TOOL = Tool("podofosign", "Debian", needs_program("podofosign", package="libpodofo-utils"), sign)
