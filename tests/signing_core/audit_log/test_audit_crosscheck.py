"""Checkpoints and proofs checked by Go's golang.org/x/mod/sumdb, time-stamps by `openssl ts -verify`."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from signing_core.audit_log import anchors, proofs
from signing_core.audit_log.proofs import Proof
from signing_core.storage.database import reading

House = Any
GOPATH = Path("/usr/share/gocode")
SOURCE = Path(__file__).parent / "crosscheck" / "main.go"


@pytest.fixture(scope="session")
def go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checker, built against Debian's golang-golang-x-mod-dev."""
    if shutil.which("go") is None or not (GOPATH / "src/golang.org/x/mod/sumdb").is_dir():
        pytest.skip("golang-go and golang-golang-x-mod-dev are not installed")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": "", "GOCACHE": str(folder / "cache"),
        "GOTOOLCHAIN": "local",
    }  # fmt: skip
    binary = folder / "crosscheck"
    subprocess.run(["go", "build", "-o", binary, SOURCE], env=environment, check=True, timeout=1100)
    return binary


def _go(binary: Path, *arguments: str | Path) -> bool:
    ended = subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=600)
    assert ended.stdout.startswith("accepted" if ended.returncode == 0 else "refused"), ended.stderr
    return ended.returncode == 0


@pytest.mark.slow
def test_go_accepts_our_proofs_and_refuses_altered_ones(go: Path, house: House, tmp_path: Path) -> None:
    for number in range(8):
        house.append(number=number)
    house.log.checkpoint()
    vkey, proof_file, event_file = house.log.verifier.vkey, tmp_path / "proof", tmp_path / "event"
    for seq in range(17):
        proof = house.log.prove(seq)
        proof_file.write_text(str(proof))
        event_file.write_bytes(proof.extra)
        assert _go(go, vkey, proof_file, event_file)
    proof = house.log.prove(6)
    event_file.write_bytes(proof.extra)
    other = house.workspace.keys().qr
    for altered in _altered(proof):
        proof_file.write_text(altered)
        assert not _go(go, vkey, proof_file, event_file), altered
    proof_file.write_text(str(proof))
    assert _go(go, vkey, proof_file, event_file)
    event_file.write_bytes(proof.extra + b" ")
    assert not _go(go, vkey, proof_file, event_file)
    event_file.write_bytes(proof.extra)
    from signing_core.audit_log.notes import Verifier

    assert not _go(go, Verifier(house.log.origin, other.public_key).vkey, proof_file, event_file)


def _altered(proof: Proof) -> list[str]:
    """Every line changed in turn, one hash left out, one twice."""
    text = str(proof)
    lines = text.split("\n")
    altered = []
    for number, line in enumerate(lines):
        if not line or line.startswith("extra"):  # extra data is not authenticated, by design
            continue
        middle = len(line) // 2
        changed = line[:middle] + ("B" if line[middle] != "B" else "C") + line[middle + 1 :]
        if line.startswith("index "):
            changed = "index 7"
        altered.append("\n".join([*lines[:number], changed, *lines[number + 1 :]]))
    path = proof.path
    altered.append(str(Proof(proof.index, path[:-1], proof.note, proof.extra)))
    altered.append(str(Proof(proof.index, (*path, path[-1]), proof.note, proof.extra)))
    altered.append(str(Proof(proof.index, path[::-1], proof.note, proof.extra)))
    return altered


@pytest.mark.slow
def test_go_accepts_our_consistency_proofs_and_refuses_altered_ones(go: Path, house: House, tmp_path: Path) -> None:
    vkey = house.log.verifier.vkey
    names = {}
    for _ in range(7):
        issued = house.log.checkpoint()
        names[issued.checkpoint.size] = tmp_path / str(issued.checkpoint.size)
        names[issued.checkpoint.size].write_text(str(issued.note))
        house.append()
    file = tmp_path / "proof"
    for old in names:
        for new in (size for size in names if size >= old):
            with reading(house.workspace.engine) as connection:
                proof = proofs.consistency(connection, old, new)
            file.write_text("".join(base64.b64encode(value).decode() + "\n" for value in proof))
            assert _go(go, vkey, names[old], names[new], file)
            if proof:
                file.write_text("".join(base64.b64encode(value).decode() + "\n" for value in (*proof[:-1], bytes(32))))
                assert not _go(go, vkey, names[old], names[new], file)


def _openssl(token: Path, data: Path, roots: Path) -> bool:
    ended = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-in", token, "-data", data, "-CAfile", roots],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    return "Verification: OK" in ended.stdout + ended.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_accepts_our_time_stamps_and_refuses_altered_ones(
    anchored_house: House, outside: Any, tmp_path: Path
) -> None:
    issued = anchored_house.log.checkpoint()
    with reading(anchored_house.workspace.engine) as connection:
        stamp = next(a for a in anchors.of_checkpoint(connection, issued.checkpoint) if a.kind == "time-stamp")
    token, data, roots = tmp_path / "token", tmp_path / "data", outside.authority_roots
    token.write_bytes(stamp.evidence)
    data.write_text(str(issued.note))
    assert _openssl(token, data, roots)
    own = anchored_house.workspace.keys().public_folder / "anchors.pem"
    assert not _openssl(token, data, own), "another root"
    data.write_text(str(issued.note) + "\n")
    assert not _openssl(token, data, roots)
    data.write_text(str(issued.note))
    honest = anchors.check_token(stamp.evidence, anchors.imprint(issued.note), anchored_house.log.authorities)
    refused = 0
    for position in range(0, len(stamp.evidence), 5):
        changed = bytearray(stamp.evidence)
        changed[position] ^= 0x01
        token.write_bytes(changed)
        theirs = _openssl(token, data, roots)
        try:
            ours = anchors.check_token(bytes(changed), anchors.imprint(issued.note), anchored_house.log.authorities)
        except anchors.AnchorInvalid:
            refused += 1
            continue
        assert theirs, f"we accept what openssl refuses, at byte {position}"
        # No signature covers the frame of a CMS message: where both accept, nothing that it states is different.
        assert (ours.time, ours.certificate) == (honest.time, honest.certificate)
    assert refused >= 0.95 * len(stamp.evidence) / 5
