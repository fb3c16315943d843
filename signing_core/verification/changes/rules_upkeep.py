"""Changes that are none in the sense of DocMDP: validation data, metadata, extensions (12.8.2.2, 12.8.4.3, 7.12)."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes.context import Context
from signing_core.verification.changes.step import Kind

_MAX_DEPTH: Final = 8
_DRAWS: Final = frozenset({"Form", "Image", "PS", "Type1", "Type1C", "TrueType", "OpenType", "CIDFontType0C"})


def compare_validation_data(context: Context, old: Value, new: Value) -> None:
    """The document security store: dictionaries, arrays and streams of validation data. Entries may come, go and be replaced."""
    compare = context.compare
    _visit(context, old)
    if compare.same(old, new):
        return
    if compare.after(new) is None:
        context.note(Kind.UPKEEP, "change-validation-data-removed", "The validation data (DSS) was removed.")
        return
    if not _is_validation_data(context, new, _MAX_DEPTH):
        context.forbid("change-validation-data", "/DSS holds something that is no validation data.")
        return
    context.note(Kind.UPKEEP, "change-validation-data", "Validation data (DSS) was added.")


def _visit(context: Context, value: Value) -> None:
    """Count everything in the old store as compared: whatever replaces it is checked for what it is."""
    pending: list[tuple[Value, int]] = [(value, 0)]
    seen: set[int] = set()
    while pending:
        item, depth = pending.pop()
        if isinstance(item, Ref):
            if item.number in seen or depth > _MAX_DEPTH:
                continue
            seen.add(item.number)
            context.structure.budget.step()
        resolved = context.compare.before(item)
        if isinstance(resolved, dict):
            pending.extend((inner, depth + 1) for inner in resolved.values())
        elif isinstance(resolved, list):
            pending.extend((inner, depth + 1) for inner in resolved)


def _is_validation_data(context: Context, value: Value, depth: int) -> bool:
    """Anything but deep nesting and streams that draw; the search for other uses of the objects does the rest."""
    pending: list[tuple[Value, int]] = [(value, depth)]
    seen: set[int] = set()
    while pending:
        item, left = pending.pop()
        if isinstance(item, Ref):
            if item.number in seen:
                continue
            seen.add(item.number)
            context.structure.budget.step()
        resolved = context.compare.after(item)
        if left <= 0 and isinstance(resolved, dict | list):
            return False
        if isinstance(resolved, dict):
            pending.extend((inner, left - 1) for key, inner in resolved.items() if key != "Parent")
        elif isinstance(resolved, list):
            pending.extend((inner, left - 1) for inner in resolved)
        elif isinstance(resolved, Stream):
            subtype = context.compare.after(resolved.dict.get("Subtype"))
            if subtype is not None and (not isinstance(subtype, str) or subtype in _DRAWS):
                return False
    return isinstance(context.compare.after(value), dict)


def compare_metadata(context: Context, old: Value, new: Value) -> None:
    """The XMP packet of the document (14.3.2): for machines only, so it may be kept up to date."""
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    if before is after or (isinstance(before, Stream) and isinstance(after, Stream) and before.start == after.start):
        return
    if after is not None and (not isinstance(after, Stream) or after.dict.get("Subtype") != "XML"):
        context.forbid("change-metadata", "The document's /Metadata is no XMP stream.")
        return
    context.note(Kind.UPKEEP, "change-metadata", "The document's XMP metadata was changed.")


def compare_information(context: Context, old: Value, new: Value) -> None:
    """The document information dictionary (14.3.3): simple values only."""
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    if after is None and before is None:
        return
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        context.forbid("change-information", "The document information dictionary was replaced by something else.")
        return
    before, after = before or {}, after or {}
    changed = []
    for key in sorted(before.keys() | after.keys()):
        first, second = before.get(key), after.get(key)
        if compare.same(first, second):
            continue
        if isinstance(compare.before(first), dict | list | Stream) or isinstance(
            compare.after(second), dict | list | Stream
        ):
            context.forbid("change-information", f"The document information dictionary's /{key} is no simple value.")
            continue
        changed.append(key)
    if changed:
        context.note(
            Kind.UPKEEP,
            "change-information",
            f"Document information was changed: {', '.join('/' + key for key in changed[:20])}.",
        )


def compare_extensions(context: Context, old: Value, new: Value) -> None:
    """The extensions dictionary (7.12): names and numbers that tell which version a file needs."""
    compare = context.compare
    _visit(context, old)
    if compare.same(old, new):
        return
    pending: list[tuple[Value, int]] = [(new, 4)]
    while pending:
        item, left = pending.pop()
        resolved = compare.after(item)
        if isinstance(resolved, Stream) or (left <= 0 and isinstance(resolved, dict | list)):
            context.forbid("change-extensions", "The /Extensions dictionary holds more than names and numbers.")
            return
        if isinstance(resolved, dict):
            pending.extend((inner, left - 1) for inner in resolved.values())
        elif isinstance(resolved, list):
            pending.extend((inner, left - 1) for inner in resolved)
    context.note(Kind.UPKEEP, "change-extensions", "The extensions dictionary was changed.")
