"""Trailer and document catalog (7.5.5, 7.7.2)."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes.context import Context
from signing_core.verification.changes.mentions import references
from signing_core.verification.changes.rules_form import compare_forms
from signing_core.verification.changes.rules_page import compare_page_tree
from signing_core.verification.changes.rules_tags import compare_structure_tree
from signing_core.verification.changes.rules_upkeep import (
    compare_extensions,
    compare_information,
    compare_metadata,
    compare_validation_data,
)
from signing_core.verification.changes.step import Kind

BOOKKEEPING: Final = frozenset(
    {
        "Root",
        "Info",
        "ID",
        "Size",
        "Prev",
        "XRefStm",
        "Encrypt",
        "Type",
        "W",
        "Index",
        "Length",
        "Filter",
        "DecodeParms",
    }
)
"""Trailer entries that have a rule of their own or only say how the file is laid out."""


def compare_trailers(context: Context, *, walk_pages: bool) -> None:
    """Everything, from the top."""
    structure, compare = context.structure, context.compare
    old, new = structure.trailer(compare.old), structure.trailer(compare.new)
    context.require_same(old.get("Encrypt"), new.get("Encrypt"), "change-encryption", "The encryption dictionary")
    compare_information(context, old.get("Info"), new.get("Info"))
    _compare_identifiers(context, old.get("ID"), new.get("ID"))
    for key in sorted((old.keys() | new.keys()) - BOOKKEEPING):
        if key not in new:
            continue  # not carried over: nothing reads it any more
        if key not in old:
            if next(references(new[key]), None) is not None:
                context.forbid("change-trailer", f"The trailer got an entry /{key} that leads to objects.")
            continue
        context.require_same(old[key], new[key], "change-trailer", f"Trailer entry /{key}")
    before, after = compare.before(old.get("Root")), compare.after(new.get("Root"))
    if not isinstance(before, dict) or not isinstance(after, dict):
        if before is not None or after is not None:
            context.forbid("change-catalog", "The document catalog was removed or replaced.")
        return
    _compare_catalogs(context, before, after, walk_pages)


def _compare_identifiers(context: Context, old: Value, new: Value) -> None:
    first, second = context.compare.before(old), context.compare.after(new)
    if isinstance(first, list) and isinstance(second, list) and first and second and first[0] != second[0]:
        context.note(Kind.UPKEEP, "change-file-identifier", "The permanent file identifier was changed.")


def _compare_catalogs(context: Context, old: dict[str, Value], new: dict[str, Value], walk_pages: bool) -> None:
    compare = context.compare
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if key == "Pages":
            if walk_pages or before != after or (isinstance(before, Ref) and before.number in compare.changed):
                compare_page_tree(context, before, after)
        elif key == "AcroForm":
            compare_forms(context, before, after)
        elif key == "DSS":
            compare_validation_data(context, before, after)
        elif key == "Metadata":
            compare_metadata(context, before, after)
        elif key == "Extensions":
            compare_extensions(context, before, after)
        elif key == "StructTreeRoot":
            compare_structure_tree(context, before, after)
        elif key == "Perms":
            _compare_permissions(context, before, after)
        elif key == "Version":
            if not isinstance(compare.after(after), str | None):
                context.forbid("change-catalog", "The document catalog's /Version is no name.")
            compare.before(before)
        elif key == "MarkInfo":
            _compare_mark_info(context, before, after)
        else:
            context.require_same(before, after, "change-catalog", f"The document catalog's /{key}")


def _compare_permissions(context: Context, old: Value, new: Value) -> None:
    """A certification signature may come with /Perms; nothing may be taken out of it (12.8.6)."""
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    if after is None and before is None:
        return
    if not isinstance(after, dict) or not isinstance(before, dict | None):
        context.forbid("change-permissions", "The /Perms dictionary was removed or replaced.")
        return
    before = before or {}
    for key in sorted(before.keys() | after.keys()):
        if key == "DocMDP" and key not in before:
            signature = compare.after(after[key])
            if isinstance(signature, Stream) or not isinstance(signature, dict) or "Contents" not in signature:
                context.forbid("change-permissions", "/Perms /DocMDP was pointed to something that is no signature.")
        elif key in before or key in after:
            context.require_same(before.get(key), after.get(key), "change-permissions", f"/Perms /{key}")


def _compare_mark_info(context: Context, old: Value, new: Value) -> None:
    """Signing software marks documents as tagged: three booleans that change no content (14.7.1)."""
    before, after = context.compare.before(old), context.compare.after(new)
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        context.forbid("change-catalog", "The document catalog's /MarkInfo was replaced.")
        return
    if any(not isinstance(context.compare.after(value), bool | None) for value in (after or {}).values()):
        context.forbid("change-catalog", "The document catalog's /MarkInfo holds more than booleans.")
