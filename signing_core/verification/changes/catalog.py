"""Trailer and document catalog (7.5.5, 7.7.2): where the walk begins, and which rule has which entry."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.mentions import references
from signing_core.pdf.structure.values import Value
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.form import compare_form
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.page import compare_pages
from signing_core.verification.changes.structure_tree import compare_structure_tree
from signing_core.verification.changes.upkeep import (
    compare_extensions,
    compare_information,
    compare_marks,
    compare_metadata,
    compare_permissions,
    compare_validation_data,
)
from signing_core.verification.changes.walk import NOTED, SAME, Place, Rule, Walk, kept, simple, uncovered


def compare_documents(walk: Walk) -> None:
    """Everything, from the top."""
    structure, pair = walk.pair.structure, walk.pair
    walk.entries(
        structure.trailer(pair.signed), structure.trailer(pair.later), Place("trailer"), _TRAILER, _other_trailer_entry
    )


def _compare_catalogs(walk: Walk, old: Value, new: Value, place: Place) -> str:
    before, after, place = walk.open(old, new, Place("catalog"), Use.SETTINGS)
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before is after is None:
            return SAME
        return walk.forbid("change-catalog", "The document catalog was removed or replaced.", place)
    walk.entries(before, after, place, _CATALOG, uncovered)
    return NOTED


def _layout(walk: Walk, old: Value, new: Value, place: Place) -> str:
    return "how the file is written"


def _identifier(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/ID (14.4): the second half changes with every save, the first never."""
    before, after, _ = walk.open(old, new, place, Use.SETTINGS)
    first = [value[0] if isinstance(value, list) and value else None for value in (before, after)]
    if walk.pair.structure.encrypted and first[0] != first[1]:
        return walk.forbid("change-encryption", "The identifier by which the file is decrypted was changed.", place)
    if isinstance(before, list) and isinstance(after, list) and before and after and before[0] != after[0]:
        return walk.note(Kind.UPKEEP, "change-file-identifier", "The permanent file identifier was changed.", place)
    return "changes with every save"


def _other_trailer_entry(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    if new is None:
        return "not carried over: nothing reads it any more"
    if old is None and next(references(new), None) is None:
        return "leads nowhere"
    if old is not None and all(walk.pair.old(number) is None for number in references(old)):
        return "led nowhere when it was signed, and viewers do not know it"
    return uncovered(walk, old, new, place)


_TRAILER: Final[dict[str, Rule]] = {
    "Root": _compare_catalogs,
    "Info": compare_information,
    "ID": _identifier,
    "Encrypt": kept("change-encryption", "The encryption dictionary"),
    **dict.fromkeys(
        ("Size", "Prev", "XRefStm", "Type", "W", "Index", "Length", "Filter", "DecodeParms"), _layout
    ),
}  # fmt: skip
_CATALOG: Final[dict[str, Rule]] = {
    "Pages": compare_pages,
    "AcroForm": compare_form,
    "DSS": compare_validation_data,
    "Metadata": compare_metadata,
    "Extensions": compare_extensions,
    "StructTreeRoot": compare_structure_tree,
    "Perms": compare_permissions,
    "Version": simple("change-catalog", "The document catalog's /Version", (str,)),
    "MarkInfo": compare_marks,
    **dict.fromkeys(
        (
            "Type", "PageLabels", "Names", "Dests", "ViewerPreferences", "PageLayout", "PageMode", "Outlines", "Threads",
            "OpenAction", "AA", "URI", "Lang", "SpiderInfo", "OutputIntents", "PieceInfo", "OCProperties", "Legal",
            "Requirements", "Collection", "NeedsRendering", "AF", "DPartRoot",
        ),
        kept("change-catalog", "The document catalog's /{key}"),
    ),
}  # fmt: skip
