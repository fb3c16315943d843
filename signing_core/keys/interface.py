"""What the rest of the core asks of a key and of a time-stamp authority.

Keys come from PKCS#12 files, PKCS#11 tokens or are made for one signature; time-stamps come from the embedded authority
or over HTTP. Nobody else needs to know which.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


@runtime_checkable
class SigningKey(Protocol):
    """A private key together with its X.509 certificate (RFC 5280)."""

    @property
    def certificate(self) -> x509.Certificate: ...

    @property
    def chain(self) -> Sequence[x509.Certificate]:
        """The issuers, nearest first, the self-signed one last."""
        ...

    @property
    def mechanism(self) -> str:
        """`ecdsa-sha256` (DER-encoded ECDSA-Sig-Value) or `rsa-pkcs1v15-sha256`."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The signature over `data` (hashed with SHA-256 here). Raises `KeyUnavailable`."""
        ...


@runtime_checkable
class StatementKey(Protocol):
    """An Ed25519 key (RFC 8032) that signs QR payloads or checkpoints; no X.509 certificate."""

    @property
    def public_key(self) -> Ed25519PublicKey: ...

    @property
    def key_id(self) -> bytes:
        """The first 8 bytes of the SHA-256 of the DER SubjectPublicKeyInfo: the COSE `kid`."""
        ...

    def sign(self, data: bytes) -> bytes: ...


@runtime_checkable
class TimeStampAuthority(Protocol):
    """An RFC 3161 time-stamp authority."""

    @property
    def name(self) -> str: ...

    @property
    def embedded(self) -> bool:
        """True for the authority inside the workspace, whose time rests on this machine's clock alone."""
        ...

    def time_stamp(self, imprint: bytes) -> bytes:
        """A DER TimeStampToken (RFC 3161, section 2.4.2) over a SHA-256 `imprint` of 32 bytes.

        The token's imprint and nonce are checked before it is returned. Raises `TimeStampUnavailable`.
        """
        ...
