"""A store from files: what each part is said to be for, whose and since when."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import signed_samples as made
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from signing_core.errors import UsageError
from signing_core.keys.headed_pem import blocks, heading, statement
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


def test_what_two_files_of_a_folder_know_of_a_house_is_in_the_order_of_its_use(
    ring: KeyRing, clock: Any, tmp_path: Path
) -> None:
    former = (ring.public_folder / "qr.pem").read_bytes()
    clock.now += timedelta(days=10)
    ring.renew("qr")
    given = load_trust([ring.public_folder]).houses[0].of("qr")
    (ring.public_folder / "before.pem").write_bytes(former)
    assert load_trust([ring.public_folder]).houses[0].of("qr") == given
    other_way = Path(shutil.copytree(ring.public_folder, tmp_path / "public"))
    (other_way / "before.pem").unlink()
    (other_way / "qr.pem").write_bytes(b"\n\n".join(reversed((other_way / "qr.pem").read_bytes().split(b"\n\n"))))
    assert load_trust([other_way]).houses[0].of("qr") == given


# What stands above a part is text, which anybody can write


def written_as(ring: KeyRing, other: KeyRing, folder: Path) -> Path:
    """The public folder of `ring` under the headings of `other`."""
    folder.mkdir(exist_ok=True)
    for file in ring.public_folder.iterdir():
        text = file.read_text().replace(f"{ring.house.id} {ring.house.name}", f"{other.house.id} {other.house.name}")
        (folder / f"{ring.house.id}-{file.name}").write_text(text)
    return folder


def test_another_source_cannot_add_to_a_house(new_ring: Callable[[str], KeyRing], tmp_path: Path) -> None:
    ours, theirs = new_ring("Seals"), new_ring("Stamps")
    posing = written_as(theirs, ours, tmp_path / "posing")
    for paths in ([posing], [ours.public_folder, posing]):
        with pytest.raises(UsageError, match=rf"Sample Seals GmbH \(house {ours.house.id}\)"):
            load_trust(paths)
    written_as(ours, ours, posing)  # with all genuine parts beside them
    for paths in ([posing], [ours.public_folder, posing]):
        with pytest.raises(UsageError, match="no company CA of that house vouches for"):
            load_trust(paths)


def test_what_a_workspace_was_not_told_is_refused_though_it_is_vouched_for(
    new_ring: Callable[[str], KeyRing], tmp_path: Path
) -> None:
    """A thief of our company CA's key vouches, too."""
    ours, theirs = new_ring("Seals"), new_ring("Stamps")
    former = written_as(ours, ours, tmp_path / "former")
    ours.renew("qr")
    with pytest.raises(UsageError, match=rf"different things of Sample Seals GmbH \(house {ours.house.id}\)"):
        load_trust([ours.public_folder, former])
    own, more = load_trust([former], own=ours.house.id), load_trust([ours.public_folder])
    for both in ((own, more), (more, own)):
        with pytest.raises(UsageError, match="own house with parts that it never had"):
            sum(both, TrustStore())
    told = load_trust([theirs.public_folder, former], own=theirs.house.id)
    with pytest.raises(UsageError, match="knows with other parts"):
        told + more


def test_an_older_copy_adds_nothing_to_what_a_workspace_knows(ring: KeyRing, clock: Any, tmp_path: Path) -> None:
    former = written_as(ring, ring, tmp_path / "former")
    clock.now += timedelta(days=10)
    ring.renew("qr")
    own = load_trust([ring.public_folder], own=ring.house.id)
    assert own + load_trust([former]) == load_trust([former]) + own == own
    with pytest.raises(
        UsageError, match="different things"
    ):  # without a workspace nobody knows which of both is genuine
        load_trust([ring.public_folder, former])


def claimed(by: KeyRing, content: bytes) -> bytes:
    """Parts of another house as that of `by`, whose company CA vouches for them."""
    said = b""
    for block in blocks(content):
        der = block.der()
        assert block.purpose and der
        voucher = by._key("ca").sign(statement(block.purpose, by.house.id, block.used_from, der))
        said += heading(block.purpose, by.house, block.used_from, voucher).encode() + block.pem + b"\n"
    return said


@pytest.mark.parametrize("part", ["anchors", "qr", "checkpoint"])
def test_what_two_houses_claim_is_refused(part: str, new_ring: Callable[[str], KeyRing], tmp_path: Path) -> None:
    ours, theirs = new_ring("Seals"), new_ring("Stamps")
    posing = written_as(theirs, theirs, tmp_path / "posing")
    (posing / "more.pem").write_bytes(claimed(theirs, (ours.public_folder / f"{part}.pem").read_bytes()))
    for paths in ([posing, ours.public_folder], [ours.public_folder, posing]):
        with pytest.raises(UsageError, match="claim the same authority or key"):
            load_trust(paths)
    (tmp_path / "bundle.pem").write_bytes(
        b"".join(file.read_bytes() for folder in (posing, ours.public_folder) for file in sorted(folder.iterdir()))
    )
    with pytest.raises(UsageError, match="claim the same authority or key"):
        load_trust([tmp_path / "bundle.pem"])


def test_another_certificate_over_another_houses_authority_is_a_claim_to_it(
    new_ring: Callable[[str], KeyRing], tmp_path: Path
) -> None:
    ours, theirs = new_ring("Seals"), new_ring("Stamps")
    posing = written_as(theirs, theirs, tmp_path / "posing")
    root = ours.ca.certificate
    builder = x509.CertificateBuilder(root.subject, root.subject, root.public_key(), 1, made.NOW, made.NOW + made.YEAR)
    crossed = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(DER)
    said = heading("company-ca", theirs.house, made.NOW).encode() + made.pem(crossed)
    (posing / "more.pem").write_bytes(claimed(theirs, said))
    with pytest.raises(UsageError, match="claim the same authority or key"):
        load_trust([posing, ours.public_folder])


def test_what_stands_above_a_block_that_is_cut_off_is_not_said_of_the_next(
    new_ring: Callable[[str], KeyRing], tmp_path: Path
) -> None:
    ours, theirs = new_ring("Seals"), new_ring("Stamps")
    loose = made.pem(theirs.seal.certificate.public_bytes(DER))
    for end in (b"\n", b"\r\n", b"\r"):
        cut = (ours.public_folder / "seal.pem").read_bytes()[:-60] + b"\n" + loose
        (tmp_path / "merged.pem").write_bytes(cut.replace(b"\n", end))
        store = load_trust([tmp_path / "merged.pem"])
        assert (store.houses, len(store.loose.parts)) == ((), 1)


@pytest.mark.parametrize("encode", [b"\xef\xbb\xbf".__add__, lambda text: text.replace(b"\n", b"\r")])
def test_what_editors_of_other_systems_make_of_a_file(ring: KeyRing, tmp_path: Path, encode: Any) -> None:
    for file in ring.public_folder.iterdir():
        (tmp_path / file.name).write_bytes(encode(file.read_bytes()))
    assert load_trust(sorted(tmp_path.glob("*.pem"))) == load_trust([ring.public_folder])


@pytest.mark.parametrize("id", ["../public/qr", "..", "0" * 39, "0" * 41, "A" * 40, "0" * 39 + "\u0660", "/"])
def test_a_house_has_the_id_of_a_house(ring: KeyRing, tmp_path: Path, id: str) -> None:
    (tmp_path / "qr.pem").write_text((ring.public_folder / "qr.pem").read_text().replace(ring.house.id, id))
    store = load_trust([tmp_path / "qr.pem"])
    assert (store.houses, store.loose.of("qr")) == ((), (ring.qr.public_key.public_bytes_raw(),))


def test_a_name_drives_no_terminal(ring: KeyRing, tmp_path: Path) -> None:
    text = (ring.public_folder / "qr.pem").read_text().replace("Sample", "\x1b[2K\u202eSample\u2028Sealtrail-Key: seal")
    (tmp_path / "qr.pem").write_text(text)
    (house,) = load_trust([tmp_path / "qr.pem"]).houses
    assert house.name.isprintable()


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
        load_trust([ring.public_folder / "anchors.pem"]),
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
