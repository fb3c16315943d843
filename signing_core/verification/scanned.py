"""Unsigned files that are pictures of paper: what the QR code in the picture says, and no more than that.

A scan of a genuine certificate is no signed document, whoever scanned it: the verdict stays `unsigned`. What is said here tells
the reader what the file is, whom its code speaks of, and to ask for the file itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from signing_core.errors import SealtrailError
from signing_core.pdf.revisions import FileStructure

if TYPE_CHECKING:
    from signing_core.certificate.scan import ScanResult
    from signing_core.trust import TrustStore

_EDGE_PAGES: Final = 10
"""So many of the first and of the last pages have to be pictures; those between are taken to be what these are."""
_READ_PAGES: Final = 3
"""So many of the last pages are looked at for a code: a certificate is last, now and then with a cover sheet behind it."""
_DPI: Final = 200
_SECONDS: Final = 1.5
"""Of processor time for looking harder, where nothing was read at once: most scans have no code. `sealtrail scan` takes longer."""

_CODES: Final = (("invalid", "scan-code-invalid"), ("unknown-key", "scan-code-unknown"), ("valid", "scan-code-valid"))
"""The gravest first."""


def judge(structure: FileStructure, trust: TrustStore, password: str | None) -> tuple[str, str] | None:
    """The code and particulars of the one finding about an unsigned file; None for a file that is no scan. Never raises for it."""
    if not structure.pages or b"/Image" not in structure.data:  # a picture's dictionary always stands open in the file
        return None
    try:
        if not _pictures_only(structure, password):
            return None
        results = list(_codes(structure, trust, password))
    except SealtrailError:  # PDFium cannot open it
        return None
    for state, code in _CODES:
        said = dict.fromkeys(_said(result) for result in results if result.qr == state)
        if said:
            return code, "; ".join(said)
    return "looks-like-scan", ""


def _pictures_only(structure: FileStructure, password: str | None) -> bool:
    from signing_core.pdf import render

    last = structure.pages or 0
    numbers = sorted({*range(1, min(last, _EDGE_PAGES) + 1), *range(max(1, last - _EDGE_PAGES + 1), last + 1)})
    with render.opened(structure.data, password=password, forms=False) as document:
        return all(render.is_picture(document, number) for number in numbers)


def _codes(structure: FileStructure, trust: TrustStore, password: str | None) -> Iterator[ScanResult]:
    """Codes of ours on the last pages that have any."""
    from signing_core.certificate.readers import ZxingReader
    from signing_core.certificate.scan import Judge
    from signing_core.pdf import render

    judge = Judge(trust)
    last = structure.pages or 0
    until = time.thread_time() + _SECONDS
    looks = [(number, False) for number in range(last, max(0, last - _READ_PAGES), -1)]
    for number, hard in (*looks, (last, True)):
        reader = ZxingReader(thorough=hard, seconds=max(0.0, until - time.thread_time()))
        picture = render.render(structure.data, number, dpi=_DPI, password=password)
        ours = [result for code in reader.read(picture) if (result := judge.code(code, page=number)).ours]
        if ours:
            yield from ours
            return


def _said(result: ScanResult) -> str:
    parts = [f"page {result.page}"]
    if result.document_id:
        parts.append(f"document {result.document_id}")
    if result.house or result.issuer:
        parts.append(f"issued by {result.house}" if result.house else f"in the name of {result.issuer}")
    noted = [finding.message.rstrip(".") for finding in result.findings]
    return ". ".join([", ".join(parts), *noted])
