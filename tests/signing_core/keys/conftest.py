"""A key ring, a trust service that sells keys, and a SoftHSM 2 token; all thrown away afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from signing_core.keys.ring import KeyRing
from signing_core.keys.settings import KeySettings
from signing_core.keys.software import SoftwareKey

NOW = datetime.now(UTC).replace(microsecond=321_000)
PASSPHRASE = "correct horse battery"
BASE_URL = "http://pki.example.test"
WORK = 10  # log2 of scrypt's N: the lowest that a vault accepts


class Hands:
    """A clock whose hands are moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture(scope="session")
def made_ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a ring, to be read only."""
    folder = tmp_path_factory.mktemp("made") / "keys"
    KeyRing.create(
        folder, PASSPHRASE, organisation="Sample GmbH", country="de", first_party="Erika Mustermann",
        clock=Hands(), settings=KeySettings(base_url=BASE_URL), work=WORK,
    )  # fmt: skip
    return folder


@pytest.fixture
def folder(made_ring: Path, tmp_path: Path) -> Path:
    """A copy of the ring's folder that a test may change."""
    return Path(shutil.copytree(made_ring, tmp_path / "keys"))


@pytest.fixture
def reopen(folder: Path, clock: Hands) -> Callable[..., KeyRing]:
    def opened(**settings: object) -> KeyRing:
        return KeyRing.open(folder, PASSPHRASE, KeySettings(base_url=BASE_URL, **settings), clock=clock)  # type: ignore[arg-type]

    return opened


@pytest.fixture
def ring(reopen: Callable[..., KeyRing]) -> KeyRing:
    return reopen()


@dataclass
class TrustService:
    """A root and an issuing CA that sell certificates to companies."""

    def __post_init__(self) -> None:
        self.root_key, self.issuing_key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
        self.root = self._issue("Sample Trust Root", self.root_key.public_key(), None, ca=True)
        self.issuing = self._issue("Sample Trust Issuing CA", self.issuing_key.public_key(), self.root, ca=True)

    def _issue(
        self, name: str, public_key: object, issuer: x509.Certificate | None, *, ca: bool = False,
        start: datetime = NOW - timedelta(days=30), end: datetime = NOW + timedelta(days=700),
        usage: x509.KeyUsage | None = None, extended: tuple[x509.ObjectIdentifier, ...] = (), critical: bool = False,
    ) -> x509.Certificate:  # fmt: skip
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .serial_number(x509.random_serial_number())
            .subject_name(subject)
            .issuer_name(issuer.subject if issuer else subject)
            .public_key(public_key)  # type: ignore[arg-type]
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca, None), True)
        )
        if usage is not None:
            builder = builder.add_extension(usage, True)
        if extended:
            builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical)
        signer = self.root_key if issuer is None or issuer == getattr(self, "root", None) else self.issuing_key
        return builder.sign(signer, hashes.SHA256())

    def sell(
        self, key: object = None, *, passphrase: str = "bought", chain: bool = True, with_key: bool = True,
        certificate: x509.Certificate | None = None, **options: object,
    ) -> bytes:  # fmt: skip
        """A PKCS#12 file with a key certified for "Sample GmbH Seal"."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = certificate or self._issue("Sample GmbH Seal", key.public_key(), self.issuing, **options)  # type: ignore[arg-type,attr-defined]
        return pkcs12.serialize_key_and_certificates(
            b"seal",
            key if with_key else None,  # type: ignore[arg-type]
            certificate,
            [self.root, self.issuing] if chain else None,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )


@pytest.fixture(scope="session")
def trust_service() -> TrustService:
    return TrustService()


@pytest.fixture(scope="session")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 3072)


@pytest.fixture(scope="session")
def rsa_authority_key(rsa_key: rsa.RSAPrivateKey, made_ring: Path) -> SoftwareKey:
    """Issued at the time at which the clocks of the tests stand, not when the test that wants it first has its turn."""
    ring = KeyRing.open(made_ring, PASSPHRASE, clock=Hands())
    certificate = ring.ca.issue("time-stamp", rsa_key.public_key(), "Sample RSA Authority", now=NOW)
    return SoftwareKey(rsa_key, certificate, (ring.ca.certificate,))
