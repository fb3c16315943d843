"""Anchors, public keys and revocation data from files."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import signed_samples as made

from signing_core.errors import UsageError
from signing_core.trust import TrustStore, load_trust
from signing_core.verification import load_revocation
from signing_core.verification.believed import believed


def test_pem_der_and_several_in_one_file(world, tmp_path: Path) -> None:
    (tmp_path / "root.der").write_bytes(world.root.der)
    other = made.issue("Other Root", ca=True)
    (tmp_path / "bundle.pem").write_bytes(b"some words\n" + made.pem(world.root.der, other.der))
    (tmp_path / "README").write_text("nothing to believe in here")
    trust = believed(load_trust([tmp_path]))
    assert {anchor.common_name for anchor in trust.anchors} == {"Sample Root", "Other Root"}


def test_a_certificate_that_a_given_authority_issued_is_no_anchor(world, tmp_path: Path) -> None:
    file = tmp_path / "all.pem"
    file.write_bytes(made.pem(world.root.der, world.signer.der))
    trust = believed(load_trust([file]))
    assert ([a.common_name for a in trust.anchors], [c.common_name for c in trust.others]) == (
        ["Sample Root"],
        ["Sample Signer"],
    )
    alone = tmp_path / "alone.pem"
    alone.write_bytes(made.pem(world.signer.der))
    assert [a.common_name for a in believed(load_trust([alone])).anchors] == ["Sample Signer"]


def test_seals_are_known_by_the_name_of_their_file(world, tmp_path: Path) -> None:
    for name in ("seal.pem", "seal-2024.pem", "sealing.pem"):
        (tmp_path / name).write_bytes(made.pem(made.issue(name, world.root).der))
    assert len(load_trust([tmp_path]).loose.of("seal")) == 2


def test_seals_are_known_by_the_line_above_them(world, tmp_path: Path) -> None:
    seal, other = made.issue("Sample Seal", world.root), made.issue("Sample First Party", world.root)
    bundle = tmp_path / "all.pem"
    bundle.write_bytes(
        b"Sealtrail-Key: seal\n" + made.pem(seal.der) + b"Sealtrail-Key: first-party\n" + made.pem(other.der)
        + made.pem(world.root.der)
    )  # fmt: skip
    assert load_trust([bundle]).loose.of("seal") == (seal.der,)


def test_public_keys(tmp_path: Path) -> None:
    private = made.key("ed25519", 1)
    raw = private.public_key().public_bytes_raw()
    (tmp_path / "qr.pem").write_bytes(made.public_pem(private))
    verifier = made.key("ed25519", 2).public_key().public_bytes_raw()
    (tmp_path / "log.vkey").write_text(f"log.example.org+12345678+{base64.b64encode(bytes([1]) + verifier).decode()}\n")
    (tmp_path / "rsa.pem").write_bytes(made.public_pem(made.key("rsa1024")))
    store = load_trust([tmp_path])
    assert set(store.keys("qr")) == {raw}
    assert set(store.keys("checkpoint")) == {raw, verifier}


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----"]
)
def test_a_named_file_that_holds_nothing_usable(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "anchor.pem"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"anchor\.pem"):
        load_trust([file])
    with pytest.raises(UsageError, match=r"anchor\.pem"):
        load_revocation([file])
    with pytest.raises(UsageError, match="holds no trust anchor"):
        load_trust([tmp_path])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="missing"):
        load_trust([tmp_path / "missing.pem"])


def test_revocation_data(world, tmp_path: Path) -> None:
    crl = made.crl(world.root)
    (tmp_path / "root.crl").write_bytes(crl)
    armoured = base64.encodebytes(made.crl(world.root, this_update=made.NOW + made.timedelta(days=1)))
    (tmp_path / "root.pem").write_bytes(b"-----BEGIN X509 CRL-----\n" + armoured + b"-----END X509 CRL-----\n")
    (tmp_path / "answer.ocsp").write_bytes(made.ocsp(world.signer, world.root))
    data = load_revocation([tmp_path])
    assert (len(data.crls), len(data.ocsps)) == (2, 1)
    assert len((data + load_revocation([tmp_path / "root.crl"])).crls) == 2


def test_trust_adds_up(world, tmp_path: Path) -> None:
    (tmp_path / "root.der").write_bytes(world.root.der)
    one = load_trust([tmp_path])
    assert one + one == one
    assert one + TrustStore() == one
