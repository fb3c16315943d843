"""Revisions, objects and signatures of a PDF file, read by a parser of our own.

Usual readers repair what they can and show the newest state. A verifier needs the opposite: every state the file ever
had, where each byte belongs, and what does not fit. `parse` never raises for what is in a file::

    structure = parse(data)
    structure.revisions           # 1 = original, one for each incremental update
    structure.signatures          # every filled signature field reachable in any revision
    structure.unexplained         # bytes that no parsed revision accounts for
    structure.problems            # what is odd, broken or over a limit
    structure.revision_bytes(2)   # the file as it was after the first update

Clauses are of ISO 32000-2:2020.
"""

from __future__ import annotations

from signing_core.pdf.structure.document import FileStructure, parse
from signing_core.pdf.structure.model import (
    Coverage,
    Finding,
    Limits,
    Lock,
    Revision,
    SectionKind,
    Severity,
    SignatureRecord,
    Span,
)

__all__ = [
    "Coverage",
    "FileStructure",
    "Finding",
    "Limits",
    "Lock",
    "Revision",
    "SectionKind",
    "Severity",
    "SignatureRecord",
    "Span",
    "parse",
]
