from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from signing_core.errors import KeyUnavailable
from signing_core.keys import trust
from signing_core.keys.ring import KeyRing
from signing_core.keys.software import key_id
from signing_core.keys.trust import Trust


def test_a_rings_public_folder_is_what_a_verifier_needs(ring: KeyRing) -> None:
    former_seal, former_qr = ring.seal.certificate, ring.qr
    ring.renew("seal")
    ring.renew("qr")
    found = trust.load([ring.public_folder])
    assert list(found.anchors) == ring.trust_anchors
    assert found.statement_keys("qr").keys() == {ring.qr.key_id, former_qr.key_id}
    assert found.statement_keys("checkpoint") == {ring.checkpoint.key_id: ring.checkpoint.public_key}
    assert set(found.seals) == {ring.seal.certificate, former_seal}
    assert ring.first_party.certificate in found.signers
    assert found.is_seal(ring.seal.certificate)
    assert found.is_seal(former_seal)
    for other in (ring.first_party.certificate, ring.time_stamp_authority.certificate, ring.ca.certificate,
                  ring.ca.issue_one_time("Sample Client", "abc", now=ring._clock()).certificate):  # fmt: skip
        assert not found.is_seal(other)


def test_the_anchor_alone_tells_seals_of_the_company_ca_from_others(ring: KeyRing, trust_service: Any) -> None:
    found = trust.load([ring.public_folder / "anchors.pem"])
    assert found.is_seal(ring.seal.certificate)
    assert not found.is_seal(ring.first_party.certificate)
    assert not Trust(anchors=(trust_service.root,)).is_seal(ring.seal.certificate)
    assert not Trust().is_seal(ring.seal.certificate)


def test_der_files_and_bare_keys(ring: KeyRing, tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    (tmp_path / "key.pub").write_bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "root.cer").write_bytes(ring.ca.certificate.public_bytes(Encoding.DER))
    (tmp_path / "seal.der").write_bytes(ring.seal.certificate.public_bytes(Encoding.DER))
    (tmp_path / "README.txt").write_text("not looked at")
    found = trust.load([tmp_path])
    assert found.anchors == (ring.ca.certificate,)
    assert found.signers == (ring.seal.certificate,)
    assert found.seals == ()
    assert found.statement_keys("qr") == found.statement_keys("checkpoint") == {key_id(key): key}


def test_everything_in_one_file_keeps_its_meaning(ring: KeyRing, tmp_path: Path) -> None:
    bundle = b"".join(path.read_bytes() for path in sorted(ring.public_folder.iterdir()))
    (tmp_path / "bundle.pem").write_bytes(bundle.replace(b"\n", b"\r\n"))
    assert trust.load([tmp_path / "bundle.pem"]) == trust.load([ring.public_folder])


def test_given_twice_counts_once(ring: KeyRing) -> None:
    assert trust.load([ring.public_folder, ring.public_folder]) == trust.load([ring.public_folder])
    assert trust.load([]) == Trust()


def _private(kind: str) -> bytes:
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither an X.509 certificate nor"),
        (b"junk", "neither an X.509 certificate nor"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "no complete PEM block"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "neither an X.509 certificate nor"),
        (_private("ed25519"), "private key"),
        (_private("p256"), "private key"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "neither an X.509 certificate nor",
        ),
    ],
)
def test_what_is_no_trust_is_refused_with_the_files_name(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "given.pem").write_bytes(content)
    with pytest.raises(KeyUnavailable, match=reason) as caught:
        trust.load([tmp_path / "given.pem"])
    assert "given.pem" in str(caught.value)


def test_missing_and_empty_paths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyUnavailable, match="nowhere"):
        trust.load([tmp_path / "nowhere"])
    with pytest.raises(KeyUnavailable, match="holds no"):
        trust.load([tmp_path])


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b"-----BEGIN CERTIFICATE-----" + b))
def test_no_bytes_get_another_exception(data: bytes) -> None:
    with pytest.raises(KeyUnavailable):
        trust.parse(data, name="given")
