"""Name trees and number trees (7.9.6, 7.9.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from signing_core.pdf.structure.values import Ref, Value

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure


@dataclass(slots=True)
class Tree:
    leaves: dict[int | bytes, Value] = field(default_factory=dict)
    """Value by key, as written."""
    nodes: set[int] = field(default_factory=set)
    """Numbers of the objects that make up the tree itself."""
    ambiguous: bool = False
    """A key is there twice, or is none."""


def read(structure: FileStructure, root: Value, leaves: str, revision: int) -> Tree:
    """The whole tree below `root`, whose leaves are under /Nums or /Names. Raises `LimitReached`."""
    tree = Tree()

    def follow(value: Value) -> Value:
        if isinstance(value, Ref):
            tree.nodes.add(value.number)
        return structure.resolve(value, revision)

    stack, seen = [root], set[int]()
    while stack:
        node = stack.pop()
        if isinstance(node, Ref):
            if node.number in seen:
                continue
            seen.add(node.number)
        structure.budget.step()
        value = follow(node)
        if not isinstance(value, dict):
            continue
        kids, listed = follow(value.get("Kids")), follow(value.get(leaves))
        stack.extend(kids if isinstance(kids, list) else ())
        for key, item in zip(listed[::2], listed[1::2], strict=False) if isinstance(listed, list) else ():
            usable = isinstance(key, int | bytes)
            tree.ambiguous |= not usable or key in tree.leaves
            if usable:
                tree.leaves[key] = item
    return tree
