"""Files of public keys and X.509 certificates, PEM with lines above each that say what it is (`headed_pem`).

The newest comes first; a file holds each once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core.errors import KeyUnavailable
from signing_core.keys import chains, files
from signing_core.keys.headed_pem import HouseName, PublicPurpose, blocks, heading, statement
from signing_core.keys.names import visible
from signing_core.keys.settings import Statement
from signing_core.keys.software import key_id


@dataclass(frozen=True, slots=True)
class Publisher:
    """Whose a part is, since when it is used, and the company CA that vouches for it."""

    house: HouseName
    used_from: datetime
    sign: Callable[[bytes], bytes]
    """With the key of a company CA of the house; the first one vouches for itself."""

    def heading(self, purpose: PublicPurpose, der: bytes) -> str:
        voucher = self.sign(statement(purpose, self.house.id, self.used_from, der))
        return heading(purpose, self.house, self.used_from, voucher)


def add_certificate(path: Path, certificate: x509.Certificate, purpose: PublicPurpose, by: Publisher) -> None:
    der = certificate.public_bytes(Encoding.DER)
    subject = visible(certificate.subject.rfc4514_string())
    said = f"Subject: {subject}\nSHA-256: {hashlib.sha256(der).hexdigest()}\n"
    _add(path, lambda: by.heading(purpose, der) + said, certificate.public_bytes(Encoding.PEM))


def add_statement_key(path: Path, public_key: ed25519.Ed25519PublicKey, purpose: Statement, by: Publisher) -> None:
    pem, der = (
        public_key.public_bytes(form, PublicFormat.SubjectPublicKeyInfo) for form in (Encoding.PEM, Encoding.DER)
    )
    _add(path, lambda: f"{by.heading(purpose, der)}Key-Id: {key_id(public_key).hex()}\n", pem)


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


def _add(path: Path, said: Callable[[], str], pem: bytes) -> None:
    former = files.read(path, what="A file of public keys") if path.exists() else b""
    if pem not in former:
        files.write_atomically(path, said().encode() + pem + (b"\n" + former if former else b""), mode=files.PUBLIC)
