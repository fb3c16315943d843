"""Taking in a source: inspected, prepared and rehearsed in a limited process, see `rehearsal`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from signing_core import limited
from signing_core.limited import Allowance
from signing_core.pdf import foreign
from signing_core.pdf.attachments import EmbeddedFile
from signing_core.pdf.prepare import FieldBox, Prepared, PrepareRequest

_REHEARSAL: Final = "signing_core.desk.rehearsal:take_in"

_rehearsed: set[tuple[str, str]] = set()
"""Templates, and sources by their SHA-256, with languages, of which this process has seen a document come through."""


def rehearsal_seconds(pages: int, size: int) -> float:
    """Of processor time for a document of so many pages and bytes. A file has no more pages that count than kilobytes.

    A plan of a megabyte on one page takes poppler ten seconds, twice.
    """
    return 5.0 + 0.25 * min(pages, size // 1024 + 1) + 12.0 * size / 1e6


@dataclass(frozen=True, slots=True)
class TakenIn:
    prepared: Prepared
    inspection: Mapping[str, Any]
    """As `intake.Inspection`."""
    programs: tuple[str, ...]
    """That drew source and prepared document for comparison; none where the template was rehearsed before."""
    differences: tuple[tuple[str, int], ...]
    """(program, page) that looked different in one program and the same in another."""
    seconds: float
    """Of processor time that all this took."""


def take_in(
    source: bytes, request: PrepareRequest, *, name: str, names: Mapping[str, str], template_id: str | None = None
) -> TakenIn:
    """`names` are those of the parties by role. A template is rehearsed once for all documents made from it, and the same file
    once.

    Raises `DocumentRefused` with one sentence (`too-costly` when it needs more work than its size is worth), `UsageError`,
    `DataRefused`.
    """
    like = (template_id or hashlib.sha256(source).hexdigest(), request.language)
    whole = like not in _rehearsed
    size = len(source)
    seconds = foreign.first_look(size) + rehearsal_seconds(size // 1024 + 1, size)
    try:
        answer = limited.call(_REHEARSAL, source, request, name, dict(names), whole, allowance=Allowance(seconds))
    except limited.Exceeded as exceeded:
        raise foreign.too_costly(name, exceeded) from None
    if whole:
        if len(_rehearsed) > 10_000:
            _rehearsed.clear()
        _rehearsed.add(like)
    fields = {role: FieldBox(**field) for role, field in answer["fields"].items()}
    return TakenIn(
        Prepared(
            answer["data"],
            answer["pages"],
            fields,
            tuple(answer["told"]),
            tuple(EmbeddedFile(**file) for file in answer["embedded"]),
        ),
        answer["inspection"],
        tuple(answer["programs"]),
        tuple((program, page) for program, page in answer["differences"]),
        answer["seconds"],
    )
