"""What `foreign` asks, done in a limited process. Answers are plain values."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any, Final

from signing_core import typesetting
from signing_core.errors import TypesettingFailed
from signing_core.pdf import forms, intake, render, templates
from signing_core.pdf.source import MAX_PAGES

_SMALLEST: Final = "#set page(width: 9pt, height: 9pt)\n."


def load() -> None:
    """Fonts and compilers, before the limits of a call count."""
    for foreign in (False, True):
        typesetting.compile_pdf(_SMALLEST, {}, foreign=foreign)
    typesetting.unsupported("a")


def inspect(data: bytes, name: str) -> dict[str, Any]:
    return asdict(intake.inspect(data, name=name))


def declared(data: bytes, name: str) -> list[dict[str, Any]]:
    intake.inspect(data, name=name)
    return [
        {
            "name": field.name,
            "kind": field.kind,
            "label": field.label,
            "options": list(field.options),
            "required": field.required,
        }
        for field in forms.fields(data, name=name)
    ]


def fill(data: bytes, values: dict[str, Any], name: str) -> bytes:
    return forms.fill(data, values, name=name)


def page(data: bytes, number: int, dpi: float) -> bytes:
    picture = io.BytesIO()
    render.render(data, number, dpi=dpi).save(
        picture, "PNG", compress_level=3
    )  # of a page faster than more, and no larger
    return picture.getvalue()


def typeset(template: str, values: dict[str, Any], fields: list[dict[str, Any]], language: str, name: str) -> bytes:
    declared = [templates.TemplateField.from_json(field) for field in fields]
    pdf = templates.render(template, values, declared, language=language, name=name)
    if (pages := render.page_count(pdf)) > MAX_PAGES:
        raise TypesettingFailed(f"{name} could not be set: it makes {pages} pages, and {MAX_PAGES} are taken in.")
    return pdf
