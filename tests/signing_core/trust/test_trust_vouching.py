"""A house's id is a hash of its first company CA's key, and nothing is said under it that a company CA of it did not vouch for."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core.errors import UsageError
from signing_core.keys.headed_pem import heading, statement
from signing_core.keys.ring import KeyRing
from signing_core.trust import House, load_trust, vouching
from signing_core.trust.files import written

UNKNOWN = "no company CA of that house vouches for"


class Hands:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def new_ring(tmp_path: Path, clock: Hands) -> Callable[[str], KeyRing]:
    def make(name: str) -> KeyRing:
        return KeyRing.create(tmp_path / name, "correct horse battery", organisation=name, clock=clock, work=10)

    return make


@pytest.fixture
def ring(new_ring: Callable[[str], KeyRing]) -> KeyRing:
    return new_ring("Seals")


def house_of(ring: KeyRing) -> House:
    (house,) = load_trust([ring.public_folder]).houses
    return house


def test_the_id_of_a_house_is_made_of_its_first_company_ca_and_lasts(ring: KeyRing, clock: Hands) -> None:
    spki = ring.ca.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert ring.house.id == hashlib.sha256(spki).hexdigest()[:40]
    for _ in range(3):
        clock.now += timedelta(days=400)
        ring.succeed_ca()
        for purpose in ("first-party", "seal", "time-stamp", "qr", "checkpoint"):
            ring.renew(purpose)  # type: ignore[arg-type]
    house = house_of(ring)
    assert house.id == hashlib.sha256(spki).hexdigest()[:40] == ring.house.id
    assert len(house.of("company-ca")) == 4
    assert all(part.voucher for part in house.parts)
    (again,) = _loaded(ring.folder.parent / "again.pem", written(house)).houses
    assert again == house


def _loaded(file: Path, content: bytes) -> Any:
    file.write_bytes(content)
    return load_trust([file])


@pytest.mark.parametrize("purpose", ["first-party", "seal", "time-stamp", "qr", "checkpoint", "company-ca", "anchor"])
def test_nobody_says_another_part_under_the_id_of_a_house(
    purpose: Any, ring: KeyRing, new_ring: Callable[[str], KeyRing], tmp_path: Path
) -> None:
    """With the genuine folder, the other house's own key and its own signature over the statement."""
    theirs = new_ring("Stamps")
    folder = Path(shutil.copytree(ring.public_folder, tmp_path / "posing"))
    source = "company-ca" if purpose == "anchor" else purpose
    part = next(part for part in house_of(theirs).parts if part.purpose == source)
    name = "anchors" if source == "company-ca" else source
    block = re.search(r"-----BEGIN.*?-----END [A-Z ]+-----\n", (theirs.public_folder / f"{name}.pem").read_text(), re.S)
    assert block is not None
    said = statement(purpose, ring.house.id, part.used_from, part.der)
    for voucher in (None, part.voucher, theirs._key("ca").sign(said), ring.seal.sign(said), ring.qr.sign(said)):
        text = heading(purpose, ring.house, part.used_from, voucher) + block[0]
        (folder / "more.pem").write_text(text)
        with pytest.raises(UsageError, match=rf"names as {purpose} of Seals \(house {ring.house.id}\) what {UNKNOWN}"):
            load_trust([folder])
    (folder / "more.pem").write_text(
        heading(purpose, ring.house, part.used_from, ring._key("ca").sign(said)) + block[0]
    )
    if purpose != "company-ca":
        assert part.content in house_of(replace_folder(ring, folder)).of(purpose)


def replace_folder(ring: KeyRing, folder: Path) -> Any:
    class Folder:
        public_folder = folder

    return Folder


def test_what_a_house_said_of_a_part_is_not_said_of_another_purpose_time_or_house(ring: KeyRing) -> None:
    house = house_of(ring)
    vouching.check(house)
    for part in house.parts:
        if part.purpose == "company-ca":
            continue
        for changed in (
            replace(part, purpose="anchor"),
            replace(part, used_from=part.used_from and part.used_from + timedelta(days=1)),
            replace(part, used_from=None),
            replace(part, content=part.content[:-1] + bytes([part.content[-1] ^ 1])),
        ):
            with pytest.raises(UsageError, match=UNKNOWN):
                vouching.check(replace(house, parts=(changed, *(one for one in house.parts if one != part))))
    with pytest.raises(UsageError, match="holds no company CA that this id is made of"):
        vouching.check(replace(house, id="0" * 40))


def test_a_company_ca_is_vouched_for_by_one_before_it(ring: KeyRing, clock: Hands) -> None:
    for _ in range(2):
        clock.now += timedelta(days=400)
        ring.succeed_ca()
    house = house_of(ring)
    roots = [part for part in house.parts if part.purpose == "company-ca"]
    assert len(roots) == 3
    newest, middle, first = roots
    vouching.check(replace(house, parts=(first, middle, newest)))
    with pytest.raises(UsageError, match=UNKNOWN):
        vouching.check(replace(house, parts=(first, newest)))
    with pytest.raises(UsageError, match="holds no company CA"):
        vouching.check(replace(house, parts=(middle, newest)))


def test_bought_keys_and_outside_authorities_are_vouched_for(ring: KeyRing, new_ring: Callable[[str], KeyRing]) -> None:
    elsewhere = new_ring("Elsewhere")
    ring.remember_authorities(elsewhere.trust_anchors)
    ring.import_key("seal", elsewhere.export_key("seal", "a passphrase for export"), "a passphrase for export")
    house = house_of(ring)
    root = elsewhere.ca.certificate.public_bytes(Encoding.DER)
    assert (house.of("anchor"), house.of("time-stamp-authority")) == ((root,), (root,))
    assert elsewhere.seal.certificate.public_bytes(Encoding.DER) in house.of("seal")
    assert isinstance(x509.load_der_x509_certificate(root), x509.Certificate)
