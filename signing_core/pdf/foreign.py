"""Foreign files and templates, looked at in limited processes (`signing_core.limited`): what is asked of one before it is prepared.

Whoever opens what a stranger gave asks here, and not `intake`, `forms`, `templates` or `render` themselves. What takes more than its
size is worth is refused with one sentence, code `too-costly`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from signing_core import limited
from signing_core.errors import DocumentRefused, TypesettingFailed
from signing_core.limited import Allowance
from signing_core.pdf.attachments import EmbeddedFile
from signing_core.pdf.intake import Inspection
from signing_core.pdf.templates import TemplateField

_WORK: Final = "signing_core.pdf.foreign_work"
_FIRST_LOOK: Final = 2.5
"""Seconds of processor time for a small file."""
_TEMPLATE_SECONDS: Final = 8.0
_TEMPLATE_MEMORY: Final = 1 << 30


def inspect(data: bytes, *, name: str) -> Inspection:
    """`intake.inspect`. Raises `DocumentRefused`."""
    answer = _asked("inspect", data, name, subject=name, size=len(data))
    attachments = tuple(EmbeddedFile(**file) for file in answer.pop("attachments"))
    return Inspection(**{**answer, "told": tuple(answer["told"])}, attachments=attachments)


def declared(data: bytes, *, name: str) -> list[dict[str, Any]]:
    """The fields of a form that can be filled in, as a template declares them. Raises `DocumentRefused`."""
    found: list[dict[str, Any]] = _asked("declared", data, name, subject=name, size=len(data))
    return found


def fill(data: bytes, values: Mapping[str, Any], *, name: str) -> bytes:
    """`forms.fill`. Raises `DataRefused`, `DocumentRefused`."""
    filled: bytes = _asked("fill", data, dict(values), name, subject=name, size=len(data))
    return filled


def page(data: bytes, number: int, *, dpi: float, name: str = "The PDF") -> bytes:
    """One page, counted from 1, as a PNG. Raises `DocumentRefused`, `UsageError`."""
    picture: bytes = _asked("page", data, number, dpi, subject=name, size=len(data))
    return picture


def typeset(
    template: str, values: Mapping[str, Any], fields: Iterable[TemplateField], *, language: str, name: str
) -> bytes:
    """`templates.render`. Raises `DataRefused`, and `TypesettingFailed` for a template that does not come to an end in time."""
    given = [field.to_json() for field in fields]
    try:
        pdf: bytes = limited.call(
            f"{_WORK}:typeset", template, dict(values), given, language, name,
            allowance=Allowance(_TEMPLATE_SECONDS, _TEMPLATE_MEMORY),
        )  # fmt: skip
    except limited.Exceeded as exceeded:
        raise TypesettingFailed(
            f"{name} could not be set: setting it {exceeded.reason}; look for a loop or a length that has no end."
        ) from None
    return pdf


def _asked(work: str, *arguments: Any, subject: str, size: int) -> Any:
    try:
        return limited.call(f"{_WORK}:{work}", *arguments, allowance=Allowance(first_look(size)))
    except limited.Exceeded as exceeded:
        raise too_costly(subject, exceeded) from None


def first_look(size: int) -> float:
    """Seconds of processor time for looking at a file of so many bytes."""
    return _FIRST_LOOK + 5.0 * size / 1e6


def too_costly(name: str, exceeded: limited.Exceeded) -> DocumentRefused:
    """What the author of a file is told whose limits stopped the work on it."""
    return DocumentRefused(
        f"{name} cannot be taken in: looking at it {exceeded.reason}. Save it again with the program that made it, or print it "
        "to a PDF, and take that.",
        code="undecided" if exceeded.code == "hung" else "too-costly",
    )
