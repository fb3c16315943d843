"""Pages (7.7.3): everything that is drawn has to be the same; annotations are looked at one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.values import Stream, Value
from signing_core.verification.changes.annotations import compare_annotations
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.walk import SAME, Node, Place, Rule, Walk, back, drawn, kept, simple, uncovered

_INHERITED: Final = ("Resources", "MediaBox", "CropBox", "Rotate")
_LEAST: Final = 0.002
"""Points: less than anybody sees."""


def compare_pages(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/Pages of the catalog: the same pages in the same order."""
    pending: list[Node] = [(old, new, place, None)]
    number = 0
    for first, second, a, b, where, _ in walk.nodes(pending, Use.CONTENT):
        if not isinstance(a, dict):
            drawn("change-pages", "The page tree")(walk, first, second, where)
            continue
        kids = walk.pair.before(a.get("Kids"))
        if not isinstance(kids, list) or a.get("Type") == "Page":
            number = walk.pair.page_number(first) or number + 1
            _compare_page(walk, a, b, replace(where, page=number))
            continue
        others = walk.open(None, b.get("Kids"), where, Use.CONTENT)[1] if isinstance(b, dict) else None
        if not isinstance(b, dict) or not isinstance(others, list) or len(others) != len(kids):
            change = len(others) - len(kids) if isinstance(others, list) else -len(kids)
            what = f"{change} added" if change > 0 else f"{-change} removed"
            walk.forbid("change-pages", f"The document no longer has the pages that it had ({what}).", where)
            continue
        walk.entries(_without(a, "Kids"), _without(b, "Kids"), where, _NODE, uncovered)
        below = where.at("Kids")
        pending.extend((x, y, below, None) for x, y in reversed(walk.unsettled(kids, others)))
    return "pages compared"


def _without(node: dict[str, Value], *keys: str) -> dict[str, Value]:
    return {key: value for key, value in node.items() if key not in keys}


def _compare_page(walk: Walk, a: dict[str, Value], b: Value, place: Place) -> None:
    if not isinstance(b, dict) or b.get("Type", "Page") != a.get("Type", "Page"):
        walk.forbid("change-pages", f"Page {place.page} was removed or replaced.", place)
        return
    walk.entries(a, b, place, _PAGE, uncovered)
    # What a page does not say is inherited or has a default (Table 31): both states have to say the same.
    for key in _INHERITED:
        if not walk.settled(a.get(key), b.get(key)):
            before, after = effective(walk, a, key, walk.pair.signed), effective(walk, b, key, walk.pair.later)
            walk.ledger.entry(f"{place.path}/{key}, as inherited", _effective(walk, before, after, place.at(key)))


def effective(walk: Walk, page: dict[str, Value], key: str, revision: int) -> Value:
    """An entry of a page, its own, inherited or by default."""
    value = pages.inherited(walk.pair.structure, page, key, revision)
    if value is None and key == "CropBox":
        return effective(walk, page, "MediaBox", revision)
    return 0 if value is None and key == "Rotate" else value


def _inheritable(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """Compared with what is inherited, by `_compare_page`."""
    return "compared as inherited"


def _effective(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    before, after = walk.pair.before(old), walk.pair.after(new)
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after) == 4:
        numbers = [number for number in (*before, *after) if isinstance(number, int | float)]
        if len(numbers) == 8 and all(abs(a - b) < _LEAST for a, b in zip(before, after, strict=True)):
            return SAME  # programs write a box with as many digits as their numbers have
    return _frozen(walk, old, new, place)


def _by_default(default: Value) -> Rule:
    """An entry that says what its absence says."""

    def rule(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
        return _frozen(walk, default if old is None else old, default if new is None else new, place)

    return rule


def _box(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """Boxes for printers, which nothing on the screen follows: written out where they were implied is no change."""
    if old is None and isinstance(walk.pair.after(new), list):
        return walk.note(Kind.UPKEEP, "change-page", f"Page {place.page}: a box for printers was written out.", place)
    return _frozen(walk, old, new, place)


def _contents(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """One stream, or an array of one (7.7.3.3)."""
    before, after = walk.pair.before(old), walk.pair.after(new)
    if isinstance(before, Stream) and isinstance(after, list) and len(after) == 1:
        new = after[0]
    elif isinstance(after, Stream) and isinstance(before, list) and len(before) == 1:
        old = before[0]
    return drawn("change-page-content", "The content of page {page}")(walk, old, new, place)


def _tags(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """/StructParents: a page that had no tags may get a key for them; the tags themselves are judged in their tree."""
    if old is None and type(walk.pair.after(new)) is int:
        message = f"Page {place.page} got a key of the structure tree."
        return walk.note(Kind.UPKEEP, "change-structure-tree", message, place)
    return uncovered(walk, old, new, place)


def _own_mark(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    """A known program's mark of its own, which draws nothing."""
    if not isinstance(old, bytes | None) or not isinstance(new, bytes | None):
        return uncovered(walk, old, new, place)
    return walk.note(Kind.UPKEEP, "change-page", "A program's own mark of a page was changed.", place)


_frozen: Final = drawn("change-page", "Page {page}: /{key}")
_PAGE: Final[dict[str, Rule]] = {
    "ITXT": _own_mark,
    "Parent": back,
    "Contents": _contents,
    "Annots": compare_annotations,
    **dict.fromkeys(_INHERITED, _inheritable),
    **dict.fromkeys(("BleedBox", "TrimBox", "ArtBox"), _box),
    "UserUnit": _by_default(1),
    "Tabs": simple("change-page", "The tab order of a page", (str,), Kind.UPKEEP),
    "LastModified": simple("change-page", "The date of a page", (bytes,), Kind.UPKEEP),
    "StructParents": _tags,
    **dict.fromkeys(
        (
            "Type", "Group", "Thumb", "B", "Dur", "Trans", "AA", "Metadata", "PieceInfo", "ID", "PZ", "SeparationInfo",
            "TemplateInstantiated", "PresSteps", "VP", "AF", "OutputIntents", "DPart", "BoxColorInfo",
        ),
        kept("change-page", "Page {page}: /{key}"),
    ),
}  # fmt: skip
_NODE: Final[dict[str, Rule]] = {
    "ITXT": _own_mark,
    "Parent": back,
    **dict.fromkeys(("Type", "Count"), kept("change-pages", "The page tree's /{key}")),
    **dict.fromkeys(_INHERITED, drawn("change-pages", "The page tree's /{key}")),
}
