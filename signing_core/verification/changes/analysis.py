"""Entry points of the change analysis."""

from __future__ import annotations

from signing_core.pdf.revisions import FileStructure
from signing_core.verification.changes.report import ChangeReport, Difference


def since(structure: FileStructure, revision: int, *, signature: int | None = None) -> ChangeReport:
    """Judge what every revision after `revision` did, under the rules that signatures up to it set.

    Args:
        structure: from `signing_core.pdf.revisions.parse`.
        revision: the revision a signature covers (`SignatureRecord.covered_revision`).
        signature: index into `structure.signatures` of the signature to judge for; without it the rules of all
            signatures that cover `revision` apply.

    Never raises for what the file contains.
    """
    raise NotImplementedError


def difference(structure: FileStructure, revision: int) -> Difference:
    """Pages, fields and annotations that differ between `revision` and the newest state."""
    raise NotImplementedError
