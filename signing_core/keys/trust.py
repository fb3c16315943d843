"""What a verifier was told to trust: files or folders of X.509 certificates and Ed25519 public keys, PEM or DER.

An Ed25519 key says by a line above it in PEM what it is for (see `keys.public`); a bare one counts for both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signing_core.errors import KeyUnavailable
from signing_core.keys import chains, files
from signing_core.keys.public import PURPOSE_LINE
from signing_core.keys.settings import STATEMENTS, Statement
from signing_core.keys.software import key_id

_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----")
_PURPOSE = re.compile(rb"^" + PURPOSE_LINE.encode() + rb"([a-z]+)\s*$", re.MULTILINE)
_SUFFIXES = {".pem", ".crt", ".cer", ".der", ".pub", ".key"}


@dataclass(frozen=True, slots=True)
class PublicKey:
    public_key: Ed25519PublicKey
    key_id: bytes
    purpose: Statement | None
    """None: not said, so it counts for both."""


@dataclass(frozen=True, slots=True)
class Trust:
    anchors: tuple[x509.Certificate, ...] = ()
    """CAs and self-signed certificates: what a chain must lead to."""
    pinned: tuple[x509.Certificate, ...] = ()
    """Signers' own X.509 certificates, no anchors: our seals among them (`public/seal.pem`), bought ones too."""
    keys: tuple[PublicKey, ...] = ()

    def statement_keys(self, purpose: Statement) -> dict[bytes, Ed25519PublicKey]:
        """Key id (8 bytes) to public key, of those for `purpose` and of those that do not say."""
        return {key.key_id: key.public_key for key in self.keys if key.purpose in (purpose, None)}

    def __or__(self, other: Trust) -> Trust:
        return Trust(
            tuple(dict.fromkeys((*self.anchors, *other.anchors))),
            tuple(dict.fromkeys((*self.pinned, *other.pinned))),
            tuple({(key.key_id, key.purpose): key for key in (*self.keys, *other.keys)}.values()),
        )


def load(paths: Iterable[Path]) -> Trust:
    """Files and folders (not their subfolders). Raises `KeyUnavailable` for a path that holds nothing to trust."""
    trust = Trust()
    for path in paths:
        if path.is_dir():
            members = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and p.is_file())
            if not members:
                raise KeyUnavailable(f"The folder {path} holds no .pem, .crt, .cer or .der file to trust.")
        else:
            members = [path]
        for member in members:
            trust |= parse(files.read(member, what="A file to trust", limit=16 << 20), name=str(member))
    return trust


def parse(data: bytes, *, name: str) -> Trust:
    """One file's content. Raises `KeyUnavailable`, never anything else."""
    if b"-----BEGIN " not in data:
        return _one(data, None, name)
    trust, end = Trust(), 0
    for block in _BLOCK.finditer(data):
        heading = _PURPOSE.findall(data[end : block.start()])
        end = block.end()
        purpose = heading[-1].decode() if heading else None
        trust |= _one(block.group(), purpose, name)
    if trust == Trust():
        raise KeyUnavailable(f"{name} holds no complete PEM block; export it again.")
    return trust


def _one(data: bytes, purpose: str | None, name: str) -> Trust:
    pem = data.startswith(b"-----BEGIN ")
    if b"PRIVATE KEY-----" in data[:64]:
        raise KeyUnavailable(f"{name} holds a private key; give the public key or the X.509 certificate instead.")
    if not pem or data.startswith(b"-----BEGIN CERTIFICATE-----"):
        try:
            load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
            certificate = load(data)
            # An X.509 certificate with bad extensions would fail much later, where nobody expects it.
            anchor = chains.is_ca(certificate) or chains.self_issued(certificate)
        except (ValueError, UnsupportedAlgorithm):
            if pem:
                raise KeyUnavailable(f"{name} holds an X.509 certificate that cannot be read.") from None
        else:
            return Trust(anchors=(certificate,)) if anchor else Trust(pinned=(certificate,))
    try:
        loader = serialization.load_pem_public_key if pem else serialization.load_der_public_key
        public_key = loader(data)
    except (ValueError, UnsupportedAlgorithm):
        public_key = None
    if not isinstance(public_key, Ed25519PublicKey):
        raise KeyUnavailable(f"{name} holds neither an X.509 certificate nor an Ed25519 public key in PEM or DER.")
    stated = next((known for known in STATEMENTS if known == purpose), None)
    return Trust(keys=(PublicKey(public_key, key_id(public_key), stated),))
