"""A throwaway authority, its two signers and its time-stamp authority, in the formats that the tools read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PASSWORD: Final = "sample"
SIGNERS: Final = ("ada", "ben")
"""The first and the second person that sign a document."""


@dataclass(frozen=True)
class Keys:
    """Where the key material lies: for each name NAME.p12 (password `PASSWORD`), NAME.key.pem, NAME.crt.pem."""

    folder: Path

    def p12(self, name: str) -> Path:
        return self.folder / f"{name}.p12"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key.pem"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt.pem"

    @property
    def root(self) -> Path:
        return self.certificate("root")

    @property
    def crl(self) -> Path:
        return self.folder / "root.crl"

    @property
    def nss(self) -> Path:
        """An NSS database with both signers under their names, for pdfsig; empty where NSS's tools are missing."""
        return self.folder / "nss"


def make(folder: Path) -> Keys:
    """The keys in `folder`, made when they are not there yet."""
    keys = Keys(folder)
    if (folder / "complete").exists():
        return keys
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    root_key, root = _issue("Sample Root", None)
    keys.root.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    for name in (*SIGNERS, "tsa"):
        key, certificate = _issue(f"Sample {name.title()}", (root_key, root), tsa=name == "tsa")
        _write(keys, name, key, certificate, root)
    keys.crl.write_bytes(_crl(root_key, root))
    keys.nss.mkdir()
    if shutil.which("certutil") and shutil.which("pk12util"):
        _run(["certutil", "-N", "-d", f"sql:{keys.nss}", "--empty-password"])
        _run(["certutil", "-A", "-d", f"sql:{keys.nss}", "-n", "root", "-t", "CT,C,C", "-i", keys.root])
        for name in SIGNERS:
            _run(["pk12util", "-d", f"sql:{keys.nss}", "-i", keys.p12(name), "-W", PASSWORD, "-K", ""])
    (folder / "complete").touch()
    return keys


def _issue(
    name: str, issuer: tuple[rsa.RSAPrivateKey, x509.Certificate] | None, *, tsa: bool = False
) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650 if issuer is None else 1000))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(_usage(ca=issuer is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is not None:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[0].public_key())
        builder = builder.add_extension(identifier, critical=False)
    if tsa:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _write(
    keys: Keys, name: str, key: rsa.RSAPrivateKey, certificate: x509.Certificate, root: x509.Certificate
) -> None:
    keys.key(name).write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    keys.certificate(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    # The old algorithms are those that every one of the tools can open.
    encryption = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2048)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())
        .build(PASSWORD.encode())
    )
    keys.p12(name).write_bytes(
        pkcs12.serialize_key_and_certificates(name.encode(), key, certificate, [root], encryption)
    )


def _crl(key: rsa.RSAPrivateKey, root: x509.Certificate) -> bytes:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(root.subject)
        .last_update(now - timedelta(hours=1))
        .next_update(now + timedelta(days=900))
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _run(command: Sequence[str | Path]) -> None:
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
