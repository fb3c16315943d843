"""Files of public keys and X.509 certificates, PEM with lines above each that say what it is (`headed_pem`).

The newest comes first; a file holds each once.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core.errors import KeyUnavailable
from signing_core.keys import chains, files
from signing_core.keys.headed_pem import HouseName, PublicPurpose, blocks, heading
from signing_core.keys.names import visible
from signing_core.keys.settings import Statement
from signing_core.keys.software import key_id


def add_certificate(
    path: Path, certificate: x509.Certificate, purpose: PublicPurpose, house: HouseName, used_from: datetime
) -> None:
    fingerprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    subject = visible(certificate.subject.rfc4514_string())
    said = f"{heading(purpose, house, used_from)}Subject: {subject}\nSHA-256: {fingerprint}\n"
    _add(path, said, certificate.public_bytes(Encoding.PEM))


def add_statement_key(
    path: Path, public_key: ed25519.Ed25519PublicKey, purpose: Statement, house: HouseName, used_from: datetime
) -> None:
    pem = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _add(path, f"{heading(purpose, house, used_from)}Key-Id: {key_id(public_key).hex()}\n", pem)


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Raises `KeyUnavailable`."""
    data = files.read(path, what="A file of X.509 certificates")
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise KeyUnavailable(f"{path} holds no X.509 certificates; restore it from your backup.") from None


def read_authorities(path: Path) -> tuple[x509.Certificate, ...]:
    """Roots of a time-stamp authority from a file that somebody else wrote, PEM or DER: CAs and self-signed ones.

    Raises `KeyUnavailable`, also for a file without any.
    """
    data = files.read(path, what="The time-stamp authority's root")
    try:
        found = (
            x509.load_pem_x509_certificates(data) if b"-----BEGIN " in data else [x509.load_der_x509_certificate(data)]
        )
    except (ValueError, UnsupportedAlgorithm):
        found = []
    roots = tuple(one for one in found if chains.is_ca(one) or chains.self_issued(one))
    if not roots:
        raise KeyUnavailable(
            f"{path} holds no root X.509 certificate in PEM or DER; name the authority's in the setting time_stamps.trust."
        )
    return roots


def used_from(path: Path) -> dict[bytes, datetime | None]:
    """When each part of a file was first used, by its DER. Raises `KeyUnavailable`."""
    found = blocks(files.read(path, what="A file of public keys"))
    return {block.der() or b"": block.used_from for block in found}


def _add(path: Path, said: str, pem: bytes) -> None:
    former = files.read(path, what="A file of public keys") if path.exists() else b""
    if pem not in former:
        files.write_atomically(path, said.encode() + pem + (b"\n" + former if former else b""), mode=files.PUBLIC)
