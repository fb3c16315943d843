"""Where a revision and the newest state of a file differ; to be shown side by side."""

from __future__ import annotations

from dataclasses import dataclass

from signing_core.pdf.revisions import FileStructure
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.budget import LimitReached
from signing_core.verification.changes import Change, history


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a revision and the newest state of the file differ; to be shown side by side."""

    pages: tuple[int, ...]
    """Pages of the newest state (from 1) whose looks may differ: content, resources, annotations or fields on them."""
    pages_before: int | None
    """Number of pages in the older state."""
    pages_after: int | None
    fields: tuple[str, ...]
    """Fully qualified names of fields added, removed, filled or changed."""
    annotations: tuple[str, ...]
    """`page N: Subtype` of annotations other than form fields that were added, removed or changed."""


def difference(structure: FileStructure, revision: int) -> Difference:
    """Pages, fields and annotations that differ between `revision` and the newest state.

    A change that reaches every page (resources of the page tree, say) is listed for the first page only.
    """
    changes: list[Change] = []
    pages_before: int | None = None
    before = structure.budget.start()
    try:
        pages_before = pages.count(structure, revision)
        if revision < len(structure.revisions):
            changes = history(structure).changes(revision, len(structure.revisions))
    except LimitReached as error:
        structure.limit(error)
    finally:
        structure.budget.stop(before)
    return Difference(
        tuple(sorted({change.page for change in changes if change.page is not None})),
        pages_before,
        structure.pages,
        tuple(dict.fromkeys(change.field for change in changes if change.field is not None)),
        tuple(dict.fromkeys(f"page {c.page}: {c.annotation}" for c in changes if c.annotation is not None)),
    )
