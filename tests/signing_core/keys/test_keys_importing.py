from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing_core.errors import KeyUnavailable, UsageError
from signing_core.keys.profiles import key_usage
from signing_core.keys.ring import KeyRing
from signing_core.trust import load_trust


@pytest.mark.parametrize("purpose", ["first-party", "seal"])
@pytest.mark.parametrize("kind", ["p256", "p384", "rsa"])
def test_a_bought_key_takes_its_place_and_the_old_public_part_stays(
    reopen: Callable[[], KeyRing], trust_service: Any, rsa_key: rsa.RSAPrivateKey, purpose: str, kind: str
) -> None:
    key = {"p256": ec.SECP256R1, "p384": ec.SECP384R1}.get(kind)
    private_key = ec.generate_private_key(key()) if key else rsa_key
    ring = reopen()
    before = ring._signing(purpose).certificate  # type: ignore[arg-type]
    ring.import_key(purpose, trust_service.sell(private_key), "bought")  # type: ignore[arg-type]
    for opened in (ring, reopen()):
        taken = opened._signing(purpose)  # type: ignore[arg-type]
        assert taken.certificate.public_key() == private_key.public_key()
        assert list(taken.chain) == [trust_service.issuing, trust_service.root]
        signature, public_key = taken.sign(b"data"), taken.certificate.public_key()
        if isinstance(public_key, rsa.RSAPublicKey):
            assert taken.mechanism == "rsa-pkcs1v15-sha256"
            public_key.verify(signature, b"data", padding.PKCS1v15(), hashes.SHA256())
        else:
            assert isinstance(public_key, ec.EllipticCurvePublicKey)
            assert taken.mechanism == "ecdsa-sha256"
            public_key.verify(signature, b"data", ec.ECDSA(hashes.SHA256()))
        assert trust_service.root in opened.trust_anchors
        published = x509.load_pem_x509_certificates((opened.public_folder / f"{purpose}.pem").read_bytes())
        assert published == [taken.certificate, before]
    if purpose == "seal":
        (house,) = load_trust([ring.public_folder]).houses
        assert house.of("seal") == tuple(one.public_bytes(Encoding.DER) for one in (taken.certificate, before))
        assert house.of("company-ca") == (ring.ca.certificate.public_bytes(Encoding.DER),)
        assert house.of("anchor") == (trust_service.root.public_bytes(Encoding.DER),)
    assert all(certificate.issuer == ring.ca.certificate.subject for _, _, certificate in ring.issued())


def test_an_rsa_key_is_parsed_once(
    reopen: Callable[[], KeyRing], trust_service: Any, rsa_key: rsa.RSAPrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring = reopen()
    ring.import_key("seal", trust_service.sell(rsa_key), "bought")
    assert ring.seal.sign(b"data")
    monkeypatch.setattr("signing_core.keys.software.pkcs12.load_pkcs12", None)
    for _ in range(3):
        assert ring.seal.sign(b"data")


def _broken(trust_service: Any, what: str, rsa_key: rsa.RSAPrivateKey) -> bytes:
    now = trust_service.root.not_valid_before_utc + timedelta(days=30)
    sell = trust_service.sell
    if what == "junk":
        return b"junk"
    if what == "without-key":
        return bytes(sell(with_key=False))
    if what == "without-certificate":
        key = ec.generate_private_key(ec.SECP256R1())
        return pkcs12.serialize_key_and_certificates(b"k", key, None, None, BestAvailableEncryption(b"bought"))
    options: dict[str, dict[str, Any]] = {
        "expired": {"end": now - timedelta(days=1)},
        "not-yet-valid": {"start": now + timedelta(days=1)},
        "ca": {"ca": True},
        "without-chain": {"chain": False},
        "weak-rsa": {"key": rsa.generate_private_key(65537, 1024)},
        "odd-curve": {"key": ec.generate_private_key(ec.SECP521R1())},
        "dsa": {"key": dsa.generate_private_key(2048)},
        "ed25519": {"key": ed25519.Ed25519PrivateKey.generate()},
        "not-for-signing": {"usage": key_usage(ca=True)},
        "for-servers": {"extended": (ExtendedKeyUsageOID.SERVER_AUTH,)},
        "for-time-stamps": {"extended": (ExtendedKeyUsageOID.TIME_STAMPING,), "critical": True},
    }
    return bytes(sell(**options[what]))


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("junk", "does not open"),
        ("without-key", "holds no key with its X.509 certificate"),
        ("without-certificate", "holds no key with its X.509 certificate"),
        ("expired", "expired on"),
        ("not-yet-valid", "not valid before"),
        ("ca", "that of a CA"),
        ("without-chain", "add the X.509 certificate of CN=Sample Trust Issuing CA"),
        ("weak-rsa", "1024 bits"),
        ("odd-curve", "secp521r1"),
        ("dsa", "neither RSA nor"),
        ("ed25519", "neither RSA nor"),
        ("not-for-signing", "not for signing"),
        ("for-servers", "another use"),
        ("for-time-stamps", "another use"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_changes(
    ring: KeyRing, trust_service: Any, rsa_key: rsa.RSAPrivateKey, what: str, reason: str
) -> None:
    before = {path: path.read_bytes() for path in ring.folder.rglob("*") if path.is_file()}
    with pytest.raises(KeyUnavailable, match=reason):
        ring.import_key("seal", _broken(trust_service, what, rsa_key), "bought")
    assert before == {path: path.read_bytes() for path in ring.folder.rglob("*") if path.is_file()}


def test_a_wrong_passphrase_does_not_show_up(ring: KeyRing, trust_service: Any) -> None:
    with pytest.raises(KeyUnavailable, match="does not open") as caught:
        ring.import_key("seal", trust_service.sell(), "guessed")
    assert "guessed" not in str(caught.value)


def test_a_self_signed_certificate_is_refused(ring: KeyRing, trust_service: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Self")])
    builder = x509.CertificateBuilder().serial_number(1).subject_name(name).issuer_name(name)
    certificate = (
        builder.public_key(key.public_key())
        .not_valid_before(trust_service.root.not_valid_before_utc)
        .not_valid_after(trust_service.root.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    data = pkcs12.serialize_key_and_certificates(b"k", key, certificate, None, BestAvailableEncryption(b"bought"))
    with pytest.raises(KeyUnavailable, match="self-signed"):
        ring.import_key("seal", data, "bought")


def test_an_expired_issuer_is_refused(ring: KeyRing, trust_service: Any, clock: Any) -> None:
    data = trust_service.sell(end=trust_service.root.not_valid_after_utc + timedelta(days=300))
    clock.now = trust_service.root.not_valid_after_utc + timedelta(days=1)
    with pytest.raises(KeyUnavailable, match="Sample Trust Issuing CA is not valid today"):
        ring.import_key("seal", data, "bought")


def test_a_bought_time_stamp_key(ring: KeyRing, trust_service: Any) -> None:
    with pytest.raises(KeyUnavailable, match="not for time-stamping alone"):
        ring.import_key("time-stamp", trust_service.sell(), "bought")
    data = trust_service.sell(extended=(ExtendedKeyUsageOID.TIME_STAMPING,), critical=True)
    ring.import_key("time-stamp", data, "bought")
    assert ring.time_stamp_authority.name == "Sample GmbH Seal"


def test_the_ca_is_not_imported(ring: KeyRing, trust_service: Any) -> None:
    with pytest.raises(UsageError, match="not imported"):
        ring.import_key("ca", trust_service.sell(), "bought")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_file_as_openssl_writes_it(ring: KeyRing, trust_service: Any, tmp_path: Path, legacy: bool) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    content = pkcs12.load_pkcs12(trust_service.sell(key), b"bought")
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat

    (tmp_path / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    assert content.cert is not None
    chain = [content.cert.certificate, trust_service.issuing, trust_service.root]
    (tmp_path / "chain.pem").write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in chain))
    options = ["-legacy"] if legacy else []
    subprocess.run(
        ["openssl", "pkcs12", "-export", *options, "-in", tmp_path / "chain.pem", "-inkey", tmp_path / "key.pem",
         "-passout", "pass:bought", "-out", tmp_path / "bought.p12"],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    data = (tmp_path / "bought.p12").read_bytes()
    try:
        ring.import_key("seal", data, "bought")
    except KeyUnavailable as error:
        assert legacy, error
        assert "outdated cipher" in str(error)
    else:
        assert ring.seal.certificate == content.cert.certificate
