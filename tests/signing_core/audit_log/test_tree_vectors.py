"""Every public vector of the corpus: inclusion, consistency and their subtree forms, to accept and to reject."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from signing_core.audit_log import tree

VECTORS = Path(__file__).parents[4] / "shared" / "corpus" / "merkle" / "testdata"
pytestmark = pytest.mark.corpus


def _load(kind: str) -> list[tuple[str, dict[str, Any]]]:
    files = sorted((VECTORS / kind).rglob("*.json"))
    if not files:
        pytest.skip(f"the corpus with the {kind} vectors is not beside the project")
    return [(str(file.relative_to(VECTORS)), json.loads(file.read_text())) for file in files]


def _bytes(value: str | None) -> bytes:
    return base64.b64decode(value or "")


def _proof(vector: dict[str, Any]) -> list[bytes]:
    return [_bytes(part) for part in vector["proof"] or []]


def _verify(kind: str, vector: dict[str, Any]) -> None:
    if kind.endswith("inclusion"):
        end = vector["treeSize"] if kind == "inclusion" else vector["end"]
        tree.verify_inclusion(
            _bytes(vector["leafHash"]),
            vector["leafIdx"],
            end,
            _proof(vector),
            _bytes(vector["root"]),
            start=vector.get("start", 0),
        )
    elif kind == "consistency":
        tree.verify_consistency(
            vector["size1"], vector["size2"], _proof(vector), _bytes(vector["root1"]), _bytes(vector["root2"])
        )
    else:
        tree.verify_subtree_consistency(
            vector["start"],
            vector["end"],
            vector["size"],
            _proof(vector),
            _bytes(vector["root1"]),
            _bytes(vector["root2"]),
        )


@pytest.mark.parametrize("kind", ["inclusion", "consistency", "subtreeinclusion", "subtreeconsistency"])
def test_every_vector(kind: str) -> None:
    wrong: list[str] = []
    verdicts = {True: 0, False: 0}
    for name, vector in _load(kind):
        try:
            _verify(kind, vector)
        except tree.ProofInvalid as reason:
            accepted, why = False, str(reason)
        else:
            accepted, why = True, "accepted"
        verdicts[accepted] += 1
        if accepted == vector["wantErr"]:
            wrong.append(f"{name}: {vector['desc']}: {why}")
    assert not wrong
    assert verdicts[True] and verdicts[False]
