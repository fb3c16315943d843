"""Files of public keys and X.509 certificates, PEM with a line above each that says what it is (RFC 7468, section 2).

The newest comes first; a file holds each once.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from signing_core.errors import KeyUnavailable
from signing_core.keys import files
from signing_core.keys.headed_pem import PURPOSE_LINE, blocks
from signing_core.keys.names import visible
from signing_core.keys.software import key_id


def add_certificate(path: Path, certificate: x509.Certificate, purpose: str) -> None:
    fingerprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
    subject = visible(certificate.subject.rfc4514_string())
    heading = f"{PURPOSE_LINE}{purpose}\nSubject: {subject}\nSHA-256: {fingerprint}\n"
    _add(path, heading, certificate.public_bytes(Encoding.PEM))


def add_statement_key(path: Path, public_key: ed25519.Ed25519PublicKey, purpose: str) -> None:
    pem = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _add(path, f"{PURPOSE_LINE}{purpose}\nKey-Id: {key_id(public_key).hex()}\n", pem)


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Raises `KeyUnavailable`."""
    data = files.read(path, what="A file of X.509 certificates")
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise KeyUnavailable(f"{path} holds no X.509 certificates; restore it from your backup.") from None


def read_statement_keys(path: Path) -> list[ed25519.Ed25519PublicKey]:
    """Raises `KeyUnavailable`."""
    found = []
    for block in blocks(files.read(path, what="A file of public keys")):
        try:
            public_key = load_pem_public_key(block.pem)
        except ValueError:
            public_key = None
        if not isinstance(public_key, ed25519.Ed25519PublicKey):
            raise KeyUnavailable(f"{path} holds something else than Ed25519 public keys; restore it from your backup.")
        found.append(public_key)
    return found


def _add(path: Path, heading: str, pem: bytes) -> None:
    former = files.read(path, what="A file of public keys") if path.exists() else b""
    if pem not in former:
        files.write_atomically(path, heading.encode() + pem + (b"\n" + former if former else b""), mode=files.PUBLIC)
