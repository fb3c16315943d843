"""Pages and their annotations (7.7.3, 12.5)."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.values import Ref, Value, text
from signing_core.verification.changes.context import Context
from signing_core.verification.changes.step import Kind

_STANDARD: Final = frozenset(
    {
        "Type",
        "Parent",
        "Resources",
        "MediaBox",
        "CropBox",
        "BleedBox",
        "TrimBox",
        "ArtBox",
        "BoxColorInfo",
        "Contents",
        "Rotate",
        "Group",
        "Thumb",
        "B",
        "Dur",
        "Trans",
        "AA",
        "Metadata",
        "PieceInfo",
        "StructParents",
        "ID",
        "PZ",
        "SeparationInfo",
        "TemplateInstantiated",
        "PresSteps",
        "UserUnit",
        "VP",
        "AF",
        "OutputIntents",
        "DPart",
    }
)
"""Entries of a page object that ISO 32000-2, Table 31, gives a meaning to."""
_INHERITED: Final = frozenset({"Resources", "MediaBox", "CropBox", "Rotate"})
_COMMENTS: Final = frozenset(
    {
        "Text", "FreeText", "Highlight", "Underline", "Squiggly", "StrikeOut", "Ink", "Line", "Square", "Circle", "Polygon",
        "PolyLine", "Stamp", "Caret", "Popup", "Link", "FileAttachment",
    }
)  # fmt: skip
"""Markup annotations and what goes with them (12.5.6.2); films, models and the like are no comments."""
_STAYS_OUT_OF_SIGHT: Final = frozenset({"Popup"})


def compare_page_tree(context: Context, old: Value, new: Value) -> None:
    """Same pages in the same order, and each compared."""
    compare = context.compare
    pending: list[tuple[Value, Value]] = [(old, new)]
    seen: set[int] = set()
    number = 0
    while pending:
        first, second = pending.pop()
        if isinstance(first, Ref):
            if first.number in seen:
                continue
            seen.add(first.number)
        context.structure.budget.step()
        a, b = compare.before(first), compare.after(second)
        if not isinstance(a, dict):
            context.require_same(first, second, "change-pages", "The page tree")
            continue
        kids = compare.before(a.get("Kids"))
        if not isinstance(kids, list) or a.get("Type") == "Page":
            number += 1
            if isinstance(first, Ref):
                context.page_numbers[first.number] = number
            compare_page(context, first, second, number)
            continue
        if not isinstance(b, dict):
            context.forbid("change-pages", "Part of the page tree was removed.", page=number + 1)
            continue
        others = compare.after(b.get("Kids"))
        if not isinstance(others, list) or len(others) != len(kids):
            before, after = len(kids), len(others) if isinstance(others, list) else 0
            what = "removed" if after < before else "added"
            context.forbid("change-pages", f"Pages were {what}: a page tree node has {after} entries, it had {before}.")
            continue
        for key in sorted((a.keys() | b.keys()) - {"Kids", "Parent"}):
            simple = not isinstance(b.get(key), dict | list | Ref) and not isinstance(a.get(key), dict | list | Ref)
            if key in _INHERITED or key in ("Type", "Count") or not simple:
                context.require_same(a.get(key), b.get(key), "change-pages", f"The page tree's /{key}", page=number + 1)
        pending.extend(reversed(list(zip(kids, others, strict=True))))


def compare_page(context: Context, old: Value, new: Value, number: int) -> None:
    """One page: everything that is drawn has to be the same; annotations are looked at one by one."""
    compare = context.compare
    if isinstance(old, Ref):
        if old.number in context.pages_seen:
            return
        context.pages_seen.add(old.number)
    a, b = compare.before(old), compare.after(new)
    if not isinstance(b, dict) or b.get("Type", "Page") != a.get("Type", "Page"):
        context.forbid("change-pages", f"Page {number} was removed or replaced.", page=number)
        return
    for key in sorted(a.keys() | b.keys()):
        first, second = a.get(key), b.get(key)
        if key == "Annots":
            _compare_annotations(context, first, second, number, new)
        elif key in ("Tabs", "LastModified"):
            if isinstance(compare.after(second), dict | list):
                context.forbid("change-page", f"Page {number}: /{key} is no simple value.", page=number)
            compare.before(first)
        elif (key == "Parent" and isinstance(first, Ref) and first == second) or (
            key == "StructParents" and first is None and isinstance(compare.after(second), int)
        ):
            continue
        elif (
            key not in _STANDARD
            and not isinstance(first, dict | list | Ref)
            and not isinstance(second, dict | list | Ref)
        ):
            continue  # a program's mark of its own, which draws nothing
        elif key == "Contents":
            context.require_same(first, second, "change-page-content", f"The content of page {number}", page=number)
        else:
            context.require_same(first, second, "change-page", f"Page {number}: /{key}", page=number)


def _compare_annotations(context: Context, old: Value, new: Value, number: int, page: Value) -> None:
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    before = before if isinstance(before, list) else [] if before is None else [old]
    after = after if isinstance(after, list) else [] if after is None else [new]
    pairs, added, removed, moved = _matched(context, before, after)
    if moved:
        context.note(
            Kind.ANNOTATION_EDIT,
            "change-annotation-order",
            f"Page {number}: annotations were put in another order, which can cover one by another.",
            page=number,
        )
    for item in removed:
        _removed(context, item, number)
    for first, second in pairs:
        _compare_annotation(context, first, second, number)
    for item in added:
        _added(context, item, number, page)


def _matched(
    context: Context, before: list[Value], after: list[Value]
) -> tuple[list[tuple[Value, Value]], list[Value], list[Value], bool]:
    """(pairs, added, removed, whether the order of those that stayed changed)."""
    compare = context.compare
    where: dict[int, int] = {}
    for index, item in enumerate(after):
        if isinstance(item, Ref):
            where.setdefault(item.number, index)
    direct = [index for index, item in enumerate(after) if not isinstance(item, Ref)]
    pairs: list[tuple[Value, Value]] = []
    positions: list[int] = []
    removed: list[Value] = []
    for item in before:
        found: int | None = where.get(item.number) if isinstance(item, Ref) else None
        if found is None:
            # Written in place before and now an object, or the other way round: matched by content.
            found = next((at for at in direct if compare.same(item, after[at])), None)
            if found is None and not isinstance(item, Ref):
                found = next(
                    (at for at in where.values() if at not in positions and compare.same(item, after[at])), None
                )
        if found is None or found in positions:
            if compare.before(item) is not None and not (isinstance(item, Ref) and found in positions):
                removed.append(item)
            continue
        positions.append(found)
        pairs.append((item, after[found]))
    taken = set(positions)
    seen = {item.number for item in (after[at] for at in positions) if isinstance(item, Ref)}
    added = [
        item for at, item in enumerate(after) if at not in taken and not (isinstance(item, Ref) and item.number in seen)
    ]
    return pairs, added, removed, positions != sorted(positions)


def _removed(context: Context, item: Value, number: int) -> None:
    resolved = context.compare.before(item)
    subtype = _subtype(resolved)
    if subtype in _STAYS_OUT_OF_SIGHT:
        context.note(
            Kind.ANNOTATION,
            "change-annotation-removed",
            f"Page {number}: a pop-up was removed.",
            page=number,
            annotation=subtype,
        )
    elif subtype == "Widget":
        context.forbid("change-annotation-removed", f"Page {number}: a form field was taken off the page.", page=number)
    else:
        if isinstance(resolved, dict):
            context.unmade.append((number, resolved))
        context.note(
            Kind.ANNOTATION_EDIT,
            "change-annotation-removed",
            f"Page {number}: an annotation ({subtype}) was removed.",
            page=number,
            annotation=subtype,
        )


def _compare_annotation(context: Context, first: Value, second: Value, number: int) -> None:
    compare = context.compare
    if isinstance(first, Ref) and first == second:
        if compare.clean(first.number):
            return
        if first.number in context.form_numbers or first.number in context.widgets:
            compare.visited.add(first.number)
            return  # judged as a form field
    a, b = compare.before(first), compare.after(second)
    if not isinstance(a, dict) or not isinstance(b, dict):
        if a is not None or b is not None:
            context.require_same(first, second, "change-annotation", f"Page {number}: an annotation", page=number)
        return
    subtype = _subtype(a)
    edited = len(context.changes)
    for key in sorted(a.keys() | b.keys()):
        x, y = a.get(key), b.get(key)
        if key in ("P", "Parent", "Popup", "IRT") and (x == y or x is None):
            continue
        if compare.same(x, y):
            continue
        if subtype == "Widget" or key in ("A", "AA"):
            context.forbid(
                "change-annotation", f"Page {number}: {subtype} annotation, /{key} was changed.", page=number
            )
            continue
        kind = Kind.ANNOTATION if subtype in _STAYS_OUT_OF_SIGHT else Kind.ANNOTATION_EDIT
        context.note(
            kind,
            "change-annotation",
            f"Page {number}: {subtype} annotation, /{key} was changed.",
            page=number,
            annotation=subtype,
        )
    if len(context.changes) > edited:
        context.unmade.append((number, a))


def _added(context: Context, item: Value, number: int, page: Value) -> None:
    resolved = context.compare.after(item)
    if resolved is None:
        return
    if isinstance(item, Ref) and isinstance(page, Ref):
        context.placed.setdefault(item.number, set()).add(page)
    if (
        isinstance(item, Ref)
        and item.number in context.widgets
        and (item.number in context.compare.changed or item.number in context.form_numbers)
    ):
        return  # judged as a form field
    if not isinstance(resolved, dict):
        context.forbid(
            "change-annotation-added",
            f"Page {number}: something that is no annotation was added to /Annots.",
            page=number,
        )
        return
    subtype = _subtype(resolved)
    if subtype == "Widget":
        name = text(resolved.get("T")) or "?"
        context.forbid(
            "change-annotation-added",
            f"Page {number}: a form field ({name}) outside of the form was added.",
            page=number,
        )
        return
    if subtype not in _COMMENTS:
        context.forbid(
            "change-annotation-added",
            f"Page {number}: an annotation that is no comment ({subtype}) was added.",
            page=number,
        )
        return
    if "A" in resolved or "AA" in resolved:
        context.forbid(
            "change-annotation-added", f"Page {number}: a {subtype} annotation with an action was added.", page=number
        )
        return
    context.annotated.append((number, page if isinstance(page, Ref) else None, resolved))
    context.note(
        Kind.ANNOTATION,
        "change-annotation-added",
        f"Page {number}: an annotation ({subtype}) was added.",
        page=number,
        annotation=subtype,
    )


def _subtype(value: Value) -> str:
    subtype = value.get("Subtype") if isinstance(value, dict) else None
    return subtype if isinstance(subtype, str) else "unknown"
