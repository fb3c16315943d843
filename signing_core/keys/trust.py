"""What a verifier was told to trust: files or folders of X.509 certificates and Ed25519 public keys, PEM or DER.

A line above a PEM block says what it is for (see `keys.headed_pem`): a seal's X.509 certificate, a QR or a checkpoint key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signing_core.errors import KeyUnavailable
from signing_core.keys import chains, files, oids
from signing_core.keys.headed_pem import blocks
from signing_core.keys.settings import STATEMENTS, Statement
from signing_core.keys.software import key_id

_SUFFIXES = {".pem", ".crt", ".cer", ".der", ".pub"}


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
    signers: tuple[x509.Certificate, ...] = ()
    """Signers' own X.509 certificates; they are known, but are no anchors."""
    seals: tuple[x509.Certificate, ...] = ()
    """Those of `signers` that are said to be seals of ours (`public/seal.pem`), bought ones too."""
    keys: tuple[PublicKey, ...] = ()

    def statement_keys(self, purpose: Statement) -> dict[bytes, Ed25519PublicKey]:
        """Key id (8 bytes) to public key, of those for `purpose` and of those that do not say."""
        return {key.key_id: key.public_key for key in self.keys if key.purpose in (purpose, None)}

    def is_seal(self, certificate: x509.Certificate) -> bool:
        """Whether this is the X.509 certificate of a seal of ours: listed, or issued as one by an anchor.

        Only the direct issuer is looked at, since a company CA issues to signers only; times and revocation are the
        verifier's to judge.
        """
        if certificate in self.seals:
            return True
        try:
            policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
        except (x509.ExtensionNotFound, ValueError):
            return False
        return any(policy.policy_identifier.dotted_string == oids.SEAL_POLICY for policy in policies) and any(
            chains.issued_by(certificate, anchor) for anchor in self.anchors
        )


def load(paths: Iterable[Path]) -> Trust:
    """Files and folders (not their subfolders). Raises `KeyUnavailable` for a path that holds nothing to trust."""
    found = []
    for path in paths:
        if path.is_dir():
            members = sorted(p for p in path.iterdir() if p.suffix.lower() in _SUFFIXES and p.is_file())
            if not members:
                raise KeyUnavailable(f"The folder {path} holds no .pem, .crt, .cer, .der or .pub file to trust.")
        else:
            members = [path]
        found += [parse(files.read(m, what="A file to trust", limit=16 << 20), name=str(m)) for m in members]
    return combine(found)


def combine(parts: Iterable[Trust]) -> Trust:
    """All of them, each certificate and key once, in the order given."""
    parts = list(parts)
    keys = {(key.key_id, key.purpose): key for part in parts for key in part.keys}
    return Trust(
        tuple(dict.fromkeys(certificate for part in parts for certificate in part.anchors)),
        tuple(dict.fromkeys(certificate for part in parts for certificate in part.signers)),
        tuple(dict.fromkeys(certificate for part in parts for certificate in part.seals)),
        tuple(keys.values()),
    )


def parse(data: bytes, *, name: str) -> Trust:
    """One file's content. Raises `KeyUnavailable`, never anything else."""
    if b"-----BEGIN " not in data:
        return _one(data, None, name)
    found = [_one(block.pem, block.purpose, name) for block in blocks(data)]
    if not found:
        raise KeyUnavailable(f"{name} holds no complete PEM block; export it again.")
    return combine(found)


def _one(data: bytes, purpose: str | None, name: str) -> Trust:
    pem = data.startswith(b"-----BEGIN ")
    if b"PRIVATE KEY-----" in data[:64]:
        raise KeyUnavailable(f"{name} holds a private key; give the public key or the X.509 certificate instead.")
    if not pem or data.startswith(b"-----BEGIN CERTIFICATE-----"):
        try:
            load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
            return _certificate(load(data), purpose)
        except (ValueError, UnsupportedAlgorithm):
            if pem:
                raise KeyUnavailable(f"{name} holds an X.509 certificate that cannot be read.") from None
    try:
        loader = serialization.load_pem_public_key if pem else serialization.load_der_public_key
        public_key = loader(data)
    except (ValueError, UnsupportedAlgorithm):
        public_key = None
    if not isinstance(public_key, Ed25519PublicKey):
        raise KeyUnavailable(f"{name} holds neither an X.509 certificate nor an Ed25519 public key in PEM or DER.")
    stated = next((known for known in STATEMENTS if known == purpose), None)
    return Trust(keys=(PublicKey(public_key, key_id(public_key), stated),))


def _certificate(certificate: x509.Certificate, purpose: str | None) -> Trust:
    if chains.is_ca(certificate) or chains.self_issued(certificate):
        return Trust(anchors=(certificate,))
    return Trust(signers=(certificate,), seals=(certificate,) if purpose == "seal" else ())
