"""The tree against RFC 6962's own recursive definitions, at every size and with every kind of tampering."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing_core.audit_log import tree

LEAVES = [tree.leaf_hash(str(number).encode()) for number in range(80)]
sizes = st.integers(0, len(LEAVES))


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def stored(node: tree.Node) -> bytes:
    level, number = node
    return mth(LEAVES[number << level : (number + 1) << level])


def hashes(path: list[list[tree.Node]]) -> list[bytes]:
    return [tree.fold([stored(node) for node in part]) for part in path]


def test_root_is_the_rfcs_at_every_size() -> None:
    for size in range(len(LEAVES) + 1):
        assert tree.root(LEAVES[:size]) == mth(LEAVES[:size])
        assert tree.fold([stored(node) for node in tree.peaks(0, size)]) == mth(LEAVES[:size])


def test_every_inclusion_proof_verifies() -> None:
    for size in range(1, 40):
        for index in range(size):
            proof = hashes(tree.inclusion_path(index, size))
            tree.verify_inclusion(LEAVES[index], index, size, proof, mth(LEAVES[:size]))


def test_every_consistency_proof_verifies() -> None:
    for new in range(1, 40):
        for old in range(1, new + 1):
            proof = hashes(tree.consistency_path(old, new))
            tree.verify_consistency(old, new, proof, mth(LEAVES[:old]), mth(LEAVES[:new]))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_an_altered_inclusion_proof_is_refused(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(LEAVES)))
    index = data.draw(st.integers(0, size - 1))
    proof = hashes(tree.inclusion_path(index, size))
    leaf, root = LEAVES[index], mth(LEAVES[:size])
    kind = data.draw(st.sampled_from(["leaf", "index", "root", "hash", "drop", "add", "swap"]))
    if kind == "leaf":
        leaf = tree.leaf_hash(b"another")
    elif kind == "index":
        index = data.draw(st.integers(0, len(LEAVES)).filter(lambda i: i != index))
    elif kind == "root":
        root = tree.leaf_hash(root)
    elif kind == "add":
        proof.insert(data.draw(st.integers(0, len(proof))), tree.leaf_hash(b"more"))
    elif len(proof) < 2:
        return
    elif kind == "hash":
        proof[data.draw(st.integers(0, len(proof) - 1))] = tree.leaf_hash(b"x")
    elif kind == "drop":
        del proof[data.draw(st.integers(0, len(proof) - 1))]
    else:
        proof[0], proof[1] = proof[1], proof[0]
    with pytest.raises(tree.ProofInvalid):
        tree.verify_inclusion(leaf, index, size, proof, root)


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_an_altered_consistency_proof_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, len(LEAVES)))
    old = data.draw(st.integers(1, new - 1))
    proof = hashes(tree.consistency_path(old, new))
    old_root, new_root = mth(LEAVES[:old]), mth(LEAVES[:new])
    kind = data.draw(st.sampled_from(["old root", "new root", "hash", "drop", "add"]))
    if kind == "old root":
        old_root = tree.leaf_hash(old_root)
    elif kind == "new root":
        new_root = tree.leaf_hash(new_root)
    elif kind == "hash":
        proof[data.draw(st.integers(0, len(proof) - 1))] = tree.leaf_hash(b"x")
    elif kind == "drop":
        del proof[data.draw(st.integers(0, len(proof) - 1))]
    else:
        proof.insert(data.draw(st.integers(0, len(proof))), tree.leaf_hash(b"more"))
    with pytest.raises(tree.ProofInvalid):
        tree.verify_consistency(old, new, proof, old_root, new_root)


@given(
    st.binary(max_size=40),
    st.integers(-1, 2**64),
    st.integers(-1, 2**64),
    st.lists(st.binary(max_size=33), max_size=70),
)
def test_nonsense_is_refused_and_nothing_else_happens(leaf: bytes, index: int, size: int, proof: list[bytes]) -> None:
    with pytest.raises(tree.ProofInvalid):
        tree.verify_inclusion(leaf, index, size, proof, b"\0" * 32)
    with pytest.raises(tree.ProofInvalid):
        tree.verify_consistency(index, size, proof, leaf, b"\0" * 32)


def test_positions_are_the_order_of_completion() -> None:
    order: list[tree.Node] = []
    grown = tree.CompactRange(lambda node, _: order.append(node))
    for number, leaf in enumerate(LEAVES):
        order.append((0, number))
        grown.append(leaf)
    # A leaf stands in `order` before the nodes that it completes, as in post-order.
    assert [tree.position(node) for node in order] == list(range(len(order)))


@given(sizes, sizes)
def test_the_left_edge_is_what_growing_needs(size: int, count: int) -> None:
    needed: set[tree.Node] = set()
    for index in range(size, size + count):
        level, number = 0, index
        while number & 1:
            if (number << level) <= size:
                left = (level, number - 1)
                if (left[1] + 1) << level <= size:
                    needed.add(left)
            level, number = level + 1, number >> 1
    assert set(tree.left_edge(size, count)) == needed


@given(sizes, sizes)
def test_a_resumed_range_goes_on_as_if_never_stopped(first: int, more: int) -> None:
    resumed = tree.CompactRange.resume(first, [stored(node) for node in tree.peaks(0, first)])
    for leaf in LEAVES[first : first + more]:
        resumed.append(leaf)
    assert resumed.root() == mth(LEAVES[: first + more])
