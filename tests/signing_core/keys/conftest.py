"""A key ring, a trust service that sells keys, and a SoftHSM 2 token; all thrown away afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from signing_core.keys.ring import KeyRing
from signing_core.keys.settings import KeySettings

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


SOFTHSM = next(
    (p for p in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
                           "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"))
     if p.exists()),
    None,
)  # fmt: skip
PIN = "sample-pin"


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A SoftHSM 2 token with key pairs named `p256`, `rsa`, `ed25519` and `ca`, and two pairs both named `twice`."""
    if SOFTHSM is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM 2 is not installed")
    pkcs11 = pytest.importorskip("pkcs11")
    from pkcs11.util.ec import encode_named_curve_parameters

    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    for label in ("sealtrail", "other"):
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "sample-so-pin"],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip
    session = pkcs11.lib(str(SOFTHSM)).get_token(token_label="sealtrail").open(rw=True, user_pin=PIN)
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    for label in ("p256", "ca", "twice", "twice"):
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        parameters.generate_keypair(store=True, label=label)
    session.generate_keypair(pkcs11.KeyType.RSA, 3072, store=True, label="rsa")
    edwards = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, edwards, local=True)
    parameters.generate_keypair(store=True, label="ed25519", mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
    session.close()
    yield SimpleNamespace(module=SOFTHSM, folder=folder)
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before
