"""A store from files: what each part is said to be for, whose and since when."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import signed_samples as made
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from signing_core.errors import UsageError
from signing_core.keys.ring import KeyRing
from signing_core.trust import House, TrustStore, load_trust
from signing_core.trust.files import load_certificates, parse

DER = Encoding.DER


@pytest.fixture
def clock() -> Any:
    class Hands:
        now = made.NOW

        def __call__(self) -> Any:
            return self.now

    return Hands()


@pytest.fixture
def new_ring(tmp_path: Path, clock: Any) -> Callable[[str], KeyRing]:
    return lambda name: KeyRing.create(
        tmp_path / name / "keys", "correct horse battery", organisation=f"Sample {name} GmbH", clock=clock, work=10
    )


@pytest.fixture
def ring(new_ring: Callable[[str], KeyRing]) -> KeyRing:
    return new_ring("Seals")


def test_all_that_was_ever_used_newest_first_and_since_when(ring: KeyRing, clock: Any) -> None:
    former = {"seal": ring.seal.certificate, "qr": ring.qr.public_key.public_bytes_raw()}
    clock.now += timedelta(days=10)
    ring.renew("seal")
    ring.renew("qr")
    (house,) = load_trust([ring.public_folder]).houses
    assert (house.id, house.name) == (ring.house.id, "Sample Seals GmbH")
    assert house.of("seal") == (ring.seal.certificate.public_bytes(DER), former["seal"].public_bytes(DER))
    first, second = house.used("qr")
    assert (first[0].content, first[1]) == (ring.qr.public_key.public_bytes_raw(), None)
    assert (second[0].content, second[0].used_from, second[1]) == (former["qr"], made.NOW, clock.now)
    assert house.retired(former["qr"], clock.now + timedelta(days=1)) == clock.now
    assert house.retired(former["qr"], clock.now - timedelta(days=1)) is None
    assert house.retired(first[0].content, clock.now + timedelta(days=1000)) is None


def test_a_key_counts_for_what_it_is_for_and_for_nothing_else(ring: KeyRing) -> None:
    store = load_trust([ring.public_folder])
    qr, checkpoint = (key.public_key.public_bytes_raw() for key in (ring.qr, ring.checkpoint))
    assert (set(store.keys("qr")), set(store.keys("checkpoint"))) == ({qr}, {checkpoint})


def test_houses_are_kept_apart_and_one_house_of_two_rooms_is_one(new_ring: Callable[[str], KeyRing]) -> None:
    one, other = new_ring("Seals"), new_ring("Stamps")
    store = load_trust([one.public_folder, other.public_folder])
    assert [house.name for house in store.houses] == ["Sample Seals GmbH", "Sample Stamps GmbH"]
    assert load_trust([one.public_folder]) + load_trust([other.public_folder]) == store
    assert load_trust([one.public_folder, one.public_folder / "qr.pem"]) == load_trust([one.public_folder])
    assert store + store == store
    assert store + TrustStore() == store == TrustStore() + store
    assert not TrustStore()
    assert store


def test_everything_in_one_file_keeps_its_meaning(ring: KeyRing, tmp_path: Path) -> None:
    bundle = b"".join(path.read_bytes() for path in sorted(ring.public_folder.iterdir()))
    (tmp_path / "bundle.pem").write_bytes(bundle.replace(b"\n", b"\r\n"))
    (bundled,), (given,) = load_trust([tmp_path / "bundle.pem"]).houses, load_trust([ring.public_folder]).houses
    assert (bundled.id, bundled.name, set(bundled.parts)) == (given.id, given.name, set(given.parts))


def test_what_two_rooms_know_of_a_house_is_in_the_order_of_its_use(ring: KeyRing, clock: Any, tmp_path: Path) -> None:
    before = tmp_path / "qr-of-before.pem"
    before.write_bytes((ring.public_folder / "qr.pem").read_bytes())
    clock.now += timedelta(days=10)
    ring.renew("qr")
    store = load_trust([before, ring.public_folder])
    assert store.houses[0].of("qr") == load_trust([ring.public_folder]).houses[0].of("qr")


def test_der_files_and_bare_keys(ring: KeyRing, tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "key.pub").write_bytes(key.public_bytes(DER, PublicFormat.SubjectPublicKeyInfo))
    (folder / "root.cer").write_bytes(ring.ca.certificate.public_bytes(DER))
    (folder / "README.txt").write_text("not looked at")
    store = load_trust([folder])
    assert store.houses == ()
    assert set(store.keys("qr")) == set(store.keys("checkpoint")) == {key.public_bytes_raw()}
    assert {part.content for part in store.loose.parts} == {
        key.public_bytes_raw(),
        ring.ca.certificate.public_bytes(DER),
    }


def test_a_verifier_key_of_a_log_is_for_checkpoints(ring: KeyRing, tmp_path: Path) -> None:
    raw = ring.checkpoint.public_key.public_bytes_raw()
    (tmp_path / "log.vkey").write_text(f"log.example.org+12345678+{base64.b64encode(bytes([1]) + raw).decode()}\n")
    store = load_trust([tmp_path / "log.vkey"])
    assert (set(store.keys("checkpoint")), set(store.keys("qr"))) == ({raw}, set())


def test_an_outside_authority_is_remembered_from_its_first_use_on(ring: KeyRing) -> None:
    root = made.issue("Sample Authority Root", ca=True)
    ring.remember_authorities([root.certificate])
    ring.remember_authorities([root.certificate])
    (house,) = load_trust([ring.public_folder]).houses
    assert house.of("time-stamp-authority") == (root.der,)


def test_intermediates_are_no_anchors(ring: KeyRing, tmp_path: Path) -> None:
    file = tmp_path / "issuing.pem"
    file.write_bytes(made.pem(made.issue("Issuing CA", ca=True).der))
    (found,) = load_certificates([file])
    store = load_trust([ring.public_folder]).with_certificates([found, found])
    assert store.certificates == (found,)
    assert found not in store.loose.of(None)
    (tmp_path / "key.pem").write_bytes(made.public_pem(made.key("ed25519", 1)))
    with pytest.raises(UsageError, match=r"key\.pem holds no X\.509 certificate"):
        load_certificates([tmp_path / "key.pem"])


def test_the_digest_tells_stores_apart(ring: KeyRing) -> None:
    store = load_trust([ring.public_folder])
    others = [
        TrustStore(),
        load_trust([ring.public_folder / "qr.pem"]),
        load_trust([ring.public_folder], own=ring.house.id),
        store.with_certificates([b"0"]),
    ]
    assert len({store.digest, *(other.digest for other in others)}) == 1 + len(others)
    assert load_trust([ring.public_folder]).digest == store.digest


def _private(kind: str) -> bytes:
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


_P256 = ec.generate_private_key(ec.SECP256R1()).public_key()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither an X.509 certificate nor"),
        (b"junk", "neither an X.509 certificate nor"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "neither an X.509 certificate nor"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "no complete PEM block"),
        (b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", "neither an X.509 certificate nor"),
        (_private("ed25519"), "private key"),
        (_private("p256"), "private key"),
        (_P256.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "neither an X.509 certificate nor"),
    ],
)
def test_what_is_no_trust_is_refused_with_the_files_name(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "given.pem").write_bytes(content)
    with pytest.raises(UsageError, match=reason) as caught:
        load_trust([tmp_path / "given.pem"])
    assert "given.pem" in str(caught.value)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda b: b"-----BEGIN CERTIFICATE-----" + b))
def test_any_bytes_are_read_or_hold_nothing(data: bytes) -> None:
    assert not parse(data, name="given")


@given(st.text(max_size=60), st.text(max_size=30))
def test_any_heading_leaves_the_block_readable(house: str, time: str) -> None:
    root = made.pem(made.issue("Sample Root", ca=True).der)
    heading = f"Sealtrail-Key: company-ca\nSealtrail-House: {house}\nSealtrail-Used-From: {time}\n"
    store = parse(heading.encode("utf-8", "replace") + root, name="given")
    assert [len(one.parts) for one in store.every if isinstance(one, House) and one.parts] == [1]
