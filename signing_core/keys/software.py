"""Keys in memory, and the encrypted PKCS#12 files they rest in (RFC 7292)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from signing_core.errors import KeyUnavailable
from signing_core.keys import files
from signing_core.keys.chains import issuers

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_ROUNDS = 10_000  # the passwords are random keys already (see vault): this is only what readers expect to see


def key_id(public_key: ed25519.Ed25519PublicKey) -> bytes:
    """The first 8 bytes of the SHA-256 of the DER SubjectPublicKeyInfo."""
    spki = public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()[:8]


class SoftwareKey:
    """A `SigningKey` whose private key is in this process. The key object is parsed once and kept."""

    def __init__(
        self, private_key: PrivateKey, certificate: x509.Certificate, chain: Sequence[x509.Certificate]
    ) -> None:
        self._private_key: PrivateKey | None = private_key
        self._certificate = certificate
        self._chain = tuple(chain)

    @property
    def certificate(self) -> x509.Certificate:
        return self._certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return self._chain

    @property
    def mechanism(self) -> str:
        return mechanism_of(self._certificate)

    @property
    def private_key(self) -> PrivateKey:
        """For signing X.509 certificates and CRLs. Raises `KeyUnavailable` once destroyed."""
        if self._private_key is None:
            raise KeyUnavailable(f"The key of {self._certificate.subject.rfc4514_string()} was destroyed after use.")
        return self._private_key

    def sign(self, data: bytes) -> bytes:
        key = self.private_key
        if isinstance(key, rsa.RSAPrivateKey):
            return key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return key.sign(data, ec.ECDSA(hashes.SHA256()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._certificate.subject.rfc4514_string()!r})"


class OneTimeKey(SoftwareKey):
    """A key for one signature. It is never written anywhere."""

    def destroy(self) -> None:
        """Forgets the private key: OpenSSL clears its memory when the last reference goes, and this is the last."""
        self._private_key = None

    def __enter__(self) -> OneTimeKey:
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()


class SoftwareStatementKey:
    """A `StatementKey` whose private key is in this process."""

    def __init__(self, private_key: ed25519.Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self._public_key = private_key.public_key()
        self._key_id = key_id(self._public_key)

    @property
    def public_key(self) -> ed25519.Ed25519PublicKey:
        return self._public_key

    @property
    def key_id(self) -> bytes:
        return self._key_id

    def sign(self, data: bytes) -> bytes:
        return self._private_key.sign(data)

    def __repr__(self) -> str:
        return f"SoftwareStatementKey({self._key_id.hex()!r})"


def mechanism_of(certificate: x509.Certificate) -> str:
    """`ecdsa-sha256` or `rsa-pkcs1v15-sha256`. Raises `KeyUnavailable` for keys of another kind."""
    public_key = certificate.public_key()
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return "ecdsa-sha256"
    if isinstance(public_key, rsa.RSAPublicKey):
        return "rsa-pkcs1v15-sha256"
    raise KeyUnavailable(f"The key of {certificate.subject.rfc4514_string()} is neither RSA nor on an elliptic curve.")


def new_private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pkcs12_bytes(key: SoftwareKey, name: str, password: bytes) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        name.encode(), key.private_key, key.certificate, key.chain, _encryption(password)
    )


def save_key(path: Path, key: SoftwareKey, password: bytes) -> None:
    files.write_atomically(path, pkcs12_bytes(key, path.stem, password))


def save_statement_key(path: Path, private_key: ed25519.Ed25519PrivateKey, password: bytes) -> None:
    data = pkcs12.serialize_key_and_certificates(path.stem.encode(), private_key, None, None, _encryption(password))
    files.write_atomically(path, data)


def load_key(path: Path, password: bytes) -> SoftwareKey:
    """Raises `KeyUnavailable` when the file is missing, damaged or not what its name says."""
    content = _load(path, password)
    if not isinstance(content.key, PrivateKey) or content.cert is None:
        raise KeyUnavailable(f"{path} holds no EC or RSA key with its X.509 certificate; restore it from your backup.")
    return SoftwareKey(
        content.key,
        content.cert.certificate,
        issuers(content.cert.certificate, (c.certificate for c in content.additional_certs)),
    )


def load_statement_key(path: Path, password: bytes) -> SoftwareStatementKey:
    """Raises `KeyUnavailable` when the file is missing, damaged or not what its name says."""
    content = _load(path, password)
    if not isinstance(content.key, ed25519.Ed25519PrivateKey):
        raise KeyUnavailable(f"{path} holds no Ed25519 key; restore it from your backup.")
    return SoftwareStatementKey(content.key)


def _load(path: Path, password: bytes) -> pkcs12.PKCS12KeyAndCertificates:
    data = files.read(path, what=f"The key {path.stem}")
    try:
        return pkcs12.load_pkcs12(data, password)
    except ValueError:
        raise KeyUnavailable(
            f"{path} is damaged or belongs to another key ring; restore it from your backup."
        ) from None


def _encryption(password: bytes) -> serialization.KeySerializationEncryption:
    return (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(password)
    )
