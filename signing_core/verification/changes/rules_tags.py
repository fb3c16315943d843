"""The structure tree (14.7): a new signature field of a tagged document gets an element of its own."""

from __future__ import annotations

from typing import Final

from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes.context import Context
from signing_core.verification.changes.step import Kind

_GROWING: Final = frozenset({"K", "ParentTree", "ParentTreeNextKey", "IDTree", "Nums", "Names", "Kids", "Limits"})
_POINTERS: Final = frozenset({"P", "Pg", "Obj", "Parent"})
_MAX_DEPTH: Final = 200


def compare_structure_tree(context: Context, old: Value, new: Value) -> None:
    """What was there has to be there still, unchanged and in order; elements may be added.

    The tree is not seen on the page. What an added element says is read by assistive software only.
    """
    compare = context.compare
    before, after = compare.before(old), compare.after(new)
    if before is None and after is None:
        return
    if before is None and isinstance(after, dict):
        context.note(Kind.UPKEEP, "change-structure-tree", "A structure tree was added.")
        return
    pending: list[tuple[Value, Value, int]] = []
    seen: set[tuple[int, int]] = set()
    same = _grew(context, before, after, 0, pending)
    grown = not same or before != after
    while pending and same:
        first, second, depth = pending.pop()
        if isinstance(first, Ref) and isinstance(second, Ref):
            if first == second and compare.clean(first.number):
                continue
            pair = (first.number, second.number)
            if pair in seen:
                continue
            seen.add(pair)
        context.structure.budget.step()
        a, b = compare.before(first), compare.after(second)
        same = _grew(context, a, b, depth, pending)
        grown |= a != b
    if not same:
        context.forbid("change-structure-tree", "The structure tree was changed where it existed before.")
    elif grown:
        context.note(Kind.UPKEEP, "change-structure-tree", "The structure tree got new elements.")


def _grew(context: Context, a: Value, b: Value, depth: int, pending: list[tuple[Value, Value, int]]) -> bool:
    """Whether `b` is `a` with more in it; what has to be looked at further goes to `pending`."""
    compare = context.compare
    if depth > _MAX_DEPTH:
        return False
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a.keys() | b.keys():
            first, second = a.get(key), b.get(key)
            if key in _POINTERS:
                if isinstance(first, Ref) and first == second:
                    continue
                if first is None and second is None:
                    continue
            if key in ("ParentTreeNextKey", "Limits"):
                compare.before(first)
                continue
            if key in ("RoleMap", "ClassMap"):
                known, now = compare.before(first) or {}, compare.after(second) or {}
                if not isinstance(known, dict) or not isinstance(now, dict):
                    return False
                if not all(compare.same(known[name], now.get(name)) for name in known):
                    return False
            elif key in _GROWING:
                if not _kids_grew(context, first, second, depth, pending):
                    return False
            elif not compare.same(first, second):
                return False
        return True
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b) or not all(_pairs_up(context, x, y) for x, y in zip(a, b, strict=True)):
            return False
        pending.extend((x, y, depth + 1) for x, y in zip(a, b, strict=True))
        return True
    return compare.same(a, b)


def _kids_grew(
    context: Context, first: Value, second: Value, depth: int, pending: list[tuple[Value, Value, int]]
) -> bool:
    compare = context.compare
    if isinstance(first, Ref) and first == second and compare.clean(first.number):
        return True
    a, b = compare.before(first), compare.after(second)
    if a is None:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        if isinstance(first, Ref) and isinstance(second, Ref):
            pending.append((first, second, depth + 1))
            return True
        return _grew(context, a, b, depth + 1, pending)
    old_items = a if isinstance(a, list) else [first]
    new_items = b if isinstance(b, list) else [second]
    if isinstance(a, Stream) or isinstance(b, Stream):
        return False
    at = 0
    for item in old_items:
        while at < len(new_items) and not _pairs_up(context, item, new_items[at]):
            at += 1
        if at == len(new_items):
            return False
        if isinstance(item, Ref | dict | list):
            pending.append((item, new_items[at], depth + 1))
        at += 1
    return True


def _pairs_up(context: Context, old: Value, new: Value) -> bool:
    """Whether two items of a list are the same element: the same object, or equal where they are written in place."""
    if isinstance(old, Ref) or isinstance(new, Ref):
        if old == new:
            return True
        old, new = context.compare.before(old), context.compare.after(new)
        if not isinstance(old, list):
            return False
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_pairs_up(context, a, b) for a, b in zip(old, new, strict=True))
    if isinstance(old, dict) and isinstance(new, dict) and old.get("Type") == new.get("Type"):
        return True  # looked into when its turn comes
    return context.compare.same(old, new)
