"""poppler's pdfsig: signs with NSS, in a new invisible field or in one that is there."""

from __future__ import annotations

from ..workshop import Step, Tool, ToolFailed, Workshop, needs_program


def sign(workshop: Workshop, step: Step) -> None:
    where = (
        ["-sign", step.own_field] if step.own_field else ["-add-signature", "-new-signature-field-name", step.new_field]
    )
    database = ["-nssdir", step.keys.nss, "-nick", step.signer]
    workshop.run(["pdfsig", *database, *where, "-digest", "SHA256", step.source, step.target])
    if not step.target.exists():
        raise ToolFailed("no file was written")


TOOL = Tool(
    "pdfsig", "Debian", needs_program("pdfsig", "certutil", "pk12util", package="poppler-utils, libnss3-tools"), sign
)
