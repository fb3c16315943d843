"""The page tree (7.7.3): pages in order, and the number of a page without walking all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.values import Ref, Value, integer

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_MAX_DEPTH: Final = 64


def count(structure: FileStructure, revision: int) -> int | None:
    """Number of pages: the root's /Count, or counted when that is impossible."""
    root = structure.resolve(structure.catalog(revision).get("Pages"), revision)
    if not isinstance(root, dict):
        return None
    stated = integer(structure.resolve(root.get("Count"), revision))
    kids = structure.resolve(root.get("Kids"), revision)
    if stated is not None and isinstance(kids, list) and len(kids) <= stated <= 10_000_000:
        return stated
    return sum(1 for _ in walk(structure, revision))


def walk(structure: FileStructure, revision: int) -> Iterator[tuple[Ref | None, dict[str, Value]]]:
    """(reference, page dictionary) of every page in order. A node met twice is left out the second time."""
    seen: set[int] = set()
    stack: list[Value] = [structure.catalog(revision).get("Pages")]
    while stack:
        node = stack.pop()
        ref = node if isinstance(node, Ref) else None
        if ref is not None:
            if ref.number in seen:
                continue
            seen.add(ref.number)
        structure.budget.step()
        value = structure.resolve(node, revision)
        if not isinstance(value, dict):
            continue
        kids = structure.resolve(value.get("Kids"), revision)
        if isinstance(kids, list) and value.get("Type") != "Page":
            stack.extend(reversed(kids))
        else:
            yield ref, value


def leaf(structure: FileStructure, number: int, revision: int) -> dict[str, Value] | None:
    """The page of a number, from 1: down through the nodes by their /Count, or by counting where that does not fit."""
    node: Value = structure.catalog(revision).get("Pages")
    left = number
    for _ in range(_MAX_DEPTH):
        value = structure.resolve(node, revision)
        kids = structure.resolve(value.get("Kids"), revision) if isinstance(value, dict) else None
        if not isinstance(kids, list) or value.get("Type") == "Page":
            fits = left == 1 and isinstance(node, Ref) and number_of(structure, node, revision) == number
            return value if fits and isinstance(value, dict) else _counted(structure, number, revision)
        if integer(structure.resolve(value.get("Count"), revision)) == len(kids) and 1 <= left <= len(kids):
            node, left = kids[left - 1], 1  # every kid is a page: the usual flat tree
            continue
        for kid in kids:
            inner = structure.resolve(kid, revision)
            pages = integer(structure.resolve(inner.get("Count"), revision)) if isinstance(inner, dict) else None
            pages = pages if pages is not None and "Kids" in inner else 1
            if left <= pages:
                node = kid
                break
            left -= pages
        else:
            break
    return _counted(structure, number, revision)


def inherited(structure: FileStructure, page: dict[str, Value] | None, key: str, revision: int) -> Value:
    """An entry of a page, its own or one that it inherits (7.7.3.4), as written; None when there is none."""
    node: Value = page
    for _ in range(_MAX_DEPTH):
        if not isinstance(node, dict):
            break
        if node.get(key) is not None:
            return node[key]
        node = structure.resolve(node.get("Parent"), revision)
    return None


def _counted(structure: FileStructure, number: int, revision: int) -> dict[str, Value] | None:
    return next((page for at, (_, page) in enumerate(walk(structure, revision), 1) if at == number), None)


def number_of(structure: FileStructure, page: Ref, revision: int) -> int | None:
    """The number, from 1, of a page: up through /Parent, adding what stands before it. None when it is in no tree."""
    key = "page number", page.number, revision
    if page.generation:
        return _position(structure, page, revision)
    if key not in structure.analysed:
        structure.analysed[key] = _position(structure, page, revision)
    number: int | None = structure.analysed[key]
    return number


def _position(structure: FileStructure, page: Ref, revision: int) -> int | None:
    leaf = structure.resolve(page, revision)
    if not isinstance(leaf, dict) or ("Kids" in leaf and leaf.get("Type") != "Page"):
        return None
    position = 1
    node: Ref = page
    root = structure.catalog(revision).get("Pages")
    for _ in range(_MAX_DEPTH):
        if node == root:
            return position
        value = structure.resolve(node, revision)
        parent = value.get("Parent") if isinstance(value, dict) else None
        if not isinstance(parent, Ref):
            return None
        above = structure.resolve(parent, revision)
        kids = structure.resolve(above.get("Kids"), revision) if isinstance(above, dict) else None
        if not isinstance(kids, list):
            return None
        try:
            at = kids.index(node)
        except ValueError:
            return None
        total = integer(structure.resolve(above.get("Count"), revision))
        if total == len(kids):  # every kid is a page: the usual flat tree
            position += at
        else:
            for kid in kids[:at]:
                sibling = structure.resolve(kid, revision)
                inner = (
                    integer(structure.resolve(sibling.get("Count"), revision)) if isinstance(sibling, dict) else None
                )
                position += inner if inner is not None and isinstance(sibling, dict) and "Kids" in sibling else 1
        node = parent
    return None
