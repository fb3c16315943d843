"""What is mutated: files made here, of every structure, signed with real keys, and the foreign files where they are there."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pdf_parts as parts
import signed_samples as made

from signing_core.desk import Desk
from signing_core.testing import Play, contract, make_workspace

CORPUS: Final = Path(__file__).parents[3] / "shared" / "corpus" / "signed"
_LARGEST: Final = 300_000
"""Bytes: a larger file costs more cases than it is worth."""
_RANGE: Final = re.compile(rb"/ByteRange \[0 0*(\d+) 0*(\d+) 0*(\d+)\]")


def own() -> dict[str, bytes]:
    """Name and bytes of files that need nothing from outside."""
    root = made.issue("Sample Root", ca=True, not_after=made.NOW + 20 * made.YEAR)
    signer = made.issue("Sample Signer", root)
    authority = made.time_stamping("Sample TSA", root, not_after=made.NOW + 5 * made.YEAR)

    def stamp(value: bytes) -> bytes:
        return made.token(authority, value, made.NOW)

    def whole(data: bytes) -> bytes:
        return really_signed(data, lambda covered: made.cms(signer, covered), stamp)

    parts.signature_value.__kwdefaults__["contents"] = 3072  # room for real values
    long_lived = made.Pdf.new()
    long_lived.sign(lambda covered: made.cms(signer, covered, None, stamp))
    long_lived.add_store([root.der, signer.der], [made.crl(root)])
    long_lived.time_stamp(authority, made.NOW)
    packed = parts.original(xref="stream", packed=True)
    return {
        "signed": whole(parts.signed()),
        "signed-twice": whole(parts.second_signature(parts.certified(2))),
        "filled": whole(parts.filled(parts.signed())),
        "locked": whole(parts.certified(1)),
        "time-stamped": whole(parts.time_stamped(parts.filled(parts.second_signature(parts.signed())))),
        "object-streams": whole(parts.signed(packed, xref="stream", packed=True)),
        "behind-other-bytes": whole(parts.signed(parts.original(before=b"From: sample\r\n\r\n"))),
        "long-term": long_lived.data,
        "rsa": made.signed(made.issue("Sample RSA", root, kind="rsa3072"), sub_filter="adbe.pkcs7.detached"),
        **_sealed(),
    }


def _sealed() -> dict[str, bytes]:
    """A document of ours after each step."""
    with tempfile.TemporaryDirectory() as folder, make_workspace(Path(folder) / "workspace") as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract(1))
        play.to_completion(document_id)
        files = play.desk.status(document_id)["files"]
        return {
            step: workspace.objects.get(file["sha256"]) for step, file in files.items() if step in ("client", "final")
        }


def really_signed(data: bytes, sign: Callable[[bytes], bytes], stamp: Callable[[bytes], bytes]) -> bytes:
    """Signature values in the place of the sample bytes, in signing order."""
    for found in _RANGE.finditer(data):
        low, high, rest = (int(number) for number in found.groups())
        covered = data[:low] + data[high : high + rest]
        is_stamp = b"ETSI.RFC3161" in data[max(0, found.start() - 60) : found.start()]
        value = (stamp if is_stamp else sign)(covered).hex().encode()
        room = high - low - 2
        if len(value) > room:
            raise ValueError(f"a signature value needs {len(value)} digits, there is room for {room}")
        data = data[: low + 1] + value.ljust(room, b"0") + data[high - 1 :]
    return data


def foreign() -> dict[str, bytes]:
    """Signed files of the corpus, none where it is not beside the project."""
    found = {}
    for path in sorted(CORPUS.rglob("*.pdf")) if CORPUS.is_dir() else ():
        data = path.read_bytes()
        if len(data) <= _LARGEST:
            found[str(path.relative_to(CORPUS))] = data
    return found
