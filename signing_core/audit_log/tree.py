"""The Merkle tree of RFC 6962, section 2, as pure functions.

Proofs and their verification take a *subtree* `[start, end)` of the log where RFC 6962 takes a whole tree: the leaves of a
node's place, complete or, at the right edge, not yet. A whole tree of size n is the subtree [0, n), so RFC 6962's proofs
are the case `start = 0`. Nodes are named `(level, number)`: node n of level k covers the leaves from n * 2**k up to, and
without, (n + 1) * 2**k; level 0 are the leaves.

Verification raises `ProofInvalid`, with the reason, and returns nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

HASH_LENGTH = 32
MAX_SIZE = 2**63
"""Sizes and indices are 63 bits: what databases, C2SP notes and Go's tools can all hold."""

Node = tuple[int, int]


class ProofInvalid(ValueError):
    """The proof does not show what it claims."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""


class CompactRange:
    """The roots of the complete subtrees that a tree of `size` leaves falls into, largest first: enough to grow it.

    `append` takes leaf hashes; a node is reported to `completed` when it is finished.
    """

    def __init__(self, completed: Callable[[Node, bytes], None] | None = None) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        self._completed = completed

    @classmethod
    def resume(cls, size: int, hashes: Sequence[bytes]) -> CompactRange:
        """The range over a tree of `size` leaves whose `peaks(0, size)` have these hashes."""
        compact = cls()
        compact.size, compact._peaks = size, list(hashes)
        return compact

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        number, level, value = self.size, 0, leaf
        while number & 1:
            value = node_hash(self._peaks.pop(), value)
            number, level = number >> 1, level + 1
            if self._completed is not None:
                self._completed((level, number), value)
        self._peaks.append(value)
        self.size += 1

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """The hashes of the nodes `peaks(0, size)`."""
        return tuple(self._peaks)

    def root(self) -> bytes:
        """The root of the tree so far (RFC 6962, section 2.1)."""
        return fold(self._peaks)


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes."""
    compact = CompactRange()
    for leaf in leaves:
        compact.append(leaf)
    return compact.root()


def fold(peaks: Sequence[bytes]) -> bytes:
    """The root over the roots of complete subtrees, largest first; `EMPTY_ROOT` over none."""
    if not peaks:
        return EMPTY_ROOT
    value = peaks[-1]
    for left in reversed(peaks[:-1]):
        value = node_hash(left, value)
    return value


def peaks(start: int, end: int) -> list[Node]:
    """The complete nodes that together cover the leaves of the subtree [start, end), from left to right."""
    nodes: list[Node] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append((level, start >> level))
        start += 1 << level
    return nodes


def position(node: Node) -> int:
    """The node's place in post-order, which is the order in which a growing tree completes its nodes, leaves included."""
    level, number = node
    last = ((number + 1) << level) - 1
    return 2 * last - last.bit_count() + level


def left_edge(size: int, count: int) -> list[Node]:
    """The nodes of a tree of `size` leaves that become left children when `count` leaves are appended."""
    return [
        (level, (size >> level) - 1)
        for level in range(size.bit_length())
        if size >> level & 1 and ((size >> level) + 1) << level <= size + count
    ]


def is_subtree(start: int, end: int) -> bool:
    """Whether [start, end) is a node's place: `start` is a multiple of the power of two that holds the leaves."""
    if not 0 <= start < end or end > MAX_SIZE:
        return False
    return start % (1 << (end - start - 1).bit_length()) == 0


def inclusion_path(index: int, size: int) -> list[list[Node]]:
    """What the inclusion proof of leaf `index` in a tree of `size` holds (RFC 6962, section 2.1.1), nearest first.

    Each hash of the proof is given as the complete nodes whose `fold` it is. Raises `ValueError` when `index` is no leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size} leaves")
    path: list[list[Node]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(peaks(middle, end))
            end = middle
        else:
            path.append(peaks(start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int) -> list[list[Node]]:
    """What the consistency proof between the trees of `old` and `new` leaves holds (RFC 6962, section 2.1.2).

    Raises `ValueError` unless 0 <= old <= new; the proof from the empty tree, or of a tree with itself, is empty.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves cannot continue one of {old}")
    if old in (0, new):
        return []
    path: list[list[Node]] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(peaks(middle, end))
            end = middle
        else:
            path.append(peaks(start, middle))
            start, whole = middle, False
    if not whole:
        path.append(peaks(start, end))
    return path[::-1]


def verify_inclusion(
    leaf: bytes, index: int, end: int, proof: Sequence[bytes], expected_root: bytes, *, start: int = 0
) -> None:
    """Check that leaf hash `leaf` is number `index` of the log and in the subtree [start, end) with this root."""
    if not is_subtree(start, end):
        raise ProofInvalid(f"[{start}, {end}) is no subtree")
    if not start <= index < end:
        raise ProofInvalid(f"leaf {index} lies outside [{start}, {end})")
    _check_lengths(leaf, expected_root, *proof)
    number, last = index - start, end - start - 1
    value = leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if number & 1 or number == last:
            value = node_hash(sibling, value)
            while not number & 1:
                number, last = number >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        number, last = number >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    if value != expected_root:
        raise ProofInvalid("the leaf and the proof do not give the root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree of `old` leaves with `old_root` is a prefix of the one of `new` leaves with `new_root`.

    From the empty tree nothing can be shown, so `old` is at least 1.
    """
    if old < 1:
        raise ProofInvalid("consistency with the empty tree shows nothing")
    verify_subtree_consistency(0, old, new, proof, old_root, new_root)


def verify_subtree_consistency(
    start: int, old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """Check that the subtree [start, old) with `old_root` is part of the tree of `new` leaves with `new_root`."""
    _check_lengths(*proof)
    if 0 <= start == old <= new < MAX_SIZE:
        # No leaves are part of every tree, whatever its root.
        if proof or old_root != EMPTY_ROOT:
            raise ProofInvalid("the empty tree has a root of its own and an empty proof")
        return
    if not is_subtree(start, old):
        raise ProofInvalid(f"[{start}, {old}) is no subtree")
    if not old <= new < MAX_SIZE:
        raise ProofInvalid(f"a tree of {new} leaves cannot hold one that ends at {old}")
    # `first` walks up from the last leaf of the subtree, `begin` from its first, `last` from the last leaf of the tree.
    begin, first, last = start, old - 1, new - 1
    if first == last:
        # The subtree reaches the end of the tree: the proof starts from its whole root.
        while begin != first:
            begin, first, last = begin >> 1, first >> 1, last >> 1
    else:
        # The proof starts from the largest complete node that ends where the subtree ends.
        while begin != first and first & 1:
            begin, first, last = begin >> 1, first >> 1, last >> 1
    rest = list(proof)
    if begin == first:
        seed = old_root
    elif rest:
        seed = rest.pop(0)
    else:
        raise ProofInvalid("the proof is too short")
    old_value = new_value = seed
    for sibling in rest:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if first & 1 or first == last:
            if begin < first:
                old_value = node_hash(sibling, old_value)
            new_value = node_hash(sibling, new_value)
            while not first & 1:
                begin, first, last = begin >> 1, first >> 1, last >> 1
        else:
            new_value = node_hash(new_value, sibling)
        begin, first, last = begin >> 1, first >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    if old_value != old_root:
        raise ProofInvalid("the proof does not give the old root")
    if new_value != new_root:
        raise ProofInvalid("the proof does not give the new root")


def _split(count: int) -> int:
    """The largest power of two below `count` (RFC 6962, section 2.1: k)."""
    return 1 << ((count - 1).bit_length() - 1)


def _check_lengths(*hashes: bytes) -> None:
    if any(len(value) != HASH_LENGTH for value in hashes):
        raise ProofInvalid("a hash is not 32 bytes long")
