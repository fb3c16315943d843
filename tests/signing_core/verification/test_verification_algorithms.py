"""Every signature algorithm: a good one is called good, a changed document and a changed value are told apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import signed_samples as made
from signed_samples import NOW, How

from signing_core.pki import der
from signing_core.policy import Policy, read
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication
from signing_core.verification.algorithms import UnknownAlgorithm, scheme
from signing_core.verification.public_keys import public_key
from signing_core.verification.signature_values import verify_digest

Judge = Callable[..., DocumentVerdict]

CASES = [
    ("rsa3072", How(), "rsa-pkcs1v15-sha256", True),
    ("rsa3072", How(digest="sha512"), "rsa-pkcs1v15-sha512", True),
    ("rsa3072", How(null=False), "rsa-pkcs1v15-sha256", True),
    ("rsa3072", How(digest="sha3_256"), "rsa-pkcs1v15-sha3-256", True),
    ("rsa3072", How(scheme="pss"), "rsassa-pss-sha256", True),
    ("rsa3072", How(scheme="pss", digest="sha384"), "rsassa-pss-sha384", True),
    ("rsa3072", How(digest="sha1"), "rsa-pkcs1v15-sha1", False),
    ("rsa3072", How(digest="sha224"), "rsa-pkcs1v15-sha224", True),
    ("rsa2048", How(), "rsa-pkcs1v15-sha256", True),
    ("rsa1024", How(), "rsa-pkcs1v15-sha256", False),
    ("p256", How(), "ecdsa-sha256", True),
    ("p256", How(scheme="bare-ec"), "ecdsa-sha256", True),
    ("p384", How(digest="sha384"), "ecdsa-sha384", True),
    ("p521", How(digest="sha512"), "ecdsa-sha512", True),
    ("p256", How(digest="sha3_256"), "ecdsa-sha3-256", True),
    ("p256", How(scheme="plain"), "plain-ecdsa-sha256", True),
    ("bp256", How(), "ecdsa-sha256", True),
    ("bp384", How(digest="sha384", scheme="plain"), "plain-ecdsa-sha384", True),
    ("bp512", How(digest="sha512"), "ecdsa-sha512", True),
    ("ed25519", How(digest="sha512"), "ed25519", True),
    ("ed448", How(digest="shake256"), "ed448", True),
    ("dsa", How(), "dsa-sha256", True),
    ("k256", How(), "ecdsa-sha256", False),
]
IDS = [f"{kind}-{how.digest}-{how.scheme}{'' if how.null else '-no-null'}" for kind, how, _, _ in CASES]


@pytest.fixture(scope="module")
def signers() -> dict[str, made.Identity]:
    return {}


def signer_of(kind: str, known: dict[str, made.Identity], root: made.Identity) -> made.Identity:
    if kind not in known:
        known[kind] = made.issue(f"Signer {kind}", root, kind=kind, index=0)
    return known[kind]


@pytest.mark.parametrize(("kind", "how", "shown", "sufficient"), CASES, ids=IDS)
def test_algorithm(kind: str, how: How, shown: str, sufficient: bool, world, judge: Judge, signers) -> None:
    identity = signer_of(kind, signers, world.root)
    data = made.signed(identity, how)
    good = judge(data)
    (signature,) = good.signatures
    assert (good.integrity, signature.intact, signature.signature_algorithm) == (Integrity.INTACT, True, shown)
    if sufficient:
        assert good.indication is Indication.TOTAL_PASSED
    else:
        assert good.sub_indication in (
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
        )  # fmt: skip

    changed = judge(
        data.replace(b"A sample", b"A simple").replace(b"/MediaBox[0 0 595 842]", b"/MediaBox[0 0 595 843]", 1)
    )
    assert (changed.integrity, changed.sub_indication) == (Integrity.ALTERED, SubIndication.HASH_FAILURE)

    broken = judge(made.signed(identity, How(**{**how.__dict__, "break_value": True})))
    assert (broken.integrity, broken.sub_indication) == (Integrity.ALTERED, SubIndication.SIG_CRYPTO_FAILURE)


@pytest.mark.parametrize("kind", ["rsa3072", "p256", "ed25519"])
def test_without_signed_attributes_the_value_is_over_the_content(kind: str, world, judge: Judge, signers) -> None:
    identity = signer_of(kind, signers, world.root)
    digest = "sha512" if kind == "ed25519" else "sha256"
    data = made.signed(identity, How(signed_attributes=False, digest=digest), sub_filter="adbe.pkcs7.detached")
    assert judge(data).integrity is Integrity.INTACT
    changed = judge(data.replace(b"595 842", b"595 843", 1))
    assert changed.sub_indication is SubIndication.SIG_CRYPTO_FAILURE


def test_signature_with_another_digest_than_the_attributes_is_checked_with_its_own(world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, How(digest="sha256", signature_digest="sha384")))
    assert verdict.integrity is Integrity.INTACT
    assert "digest-algorithms-differ" in codes(verdict)


def test_sha1_is_good_for_a_time_before_its_cut_off(judge: Judge) -> None:
    early = made.NOW.replace(year=2012)
    root = made.issue("Old Root", ca=True, kind="rsa1024", not_before=early, not_after=NOW + made.YEAR)
    old = made.issue("Old Signer", root, kind="rsa1024", not_before=early, not_after=NOW + made.YEAR)
    data = made.signed(old, How(digest="sha1"), sub_filter="adbe.pkcs7.detached", time=early)
    assert judge(data, at=early.replace(month=7, day=31), roots=[root]).indication is Indication.TOTAL_PASSED
    cut_off = SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert judge(data, at=early.replace(month=8, day=1), roots=[root]).sub_indication is cut_off
    assert judge(data, at=NOW, roots=[root]).sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


def test_a_policy_may_accept_what_the_default_does_not(world, judge: Judge, signers) -> None:
    data = made.signed(signer_of("k256", signers, world.root))
    assert judge(data).sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    assert judge(data, policy=read({"curves": {"secp256k1": "always"}})).indication is Indication.TOTAL_PASSED
    assert judge(data, policy=Policy()).integrity is Integrity.INTACT


def test_ed448_with_another_digest_than_rfc_8419_prescribes(world, judge: Judge, signers, codes) -> None:
    verdict = judge(made.signed(signer_of("ed448", signers, world.root), How(digest="sha512")))
    assert (verdict.integrity, verdict.sub_indication) == (Integrity.INTACT, SubIndication.CRYPTO_CONSTRAINTS_FAILURE)
    assert "eddsa-digest" in codes(verdict)


def test_a_digest_that_is_not_known_leaves_it_open(world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, How(digest_oid="1.2.643.7.1.1.2.2")))
    assert (verdict.integrity, verdict.sub_indication) == (
        Integrity.INDETERMINATE,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    )
    assert "algorithm-unknown" in codes(verdict)


def test_a_signature_algorithm_where_the_digest_belongs_leaves_it_open(world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, How(digest_oid="1.2.840.113549.1.1.11")))
    assert verdict.integrity is Integrity.INDETERMINATE
    assert "digest-algorithm-malformed" in codes(verdict)


@pytest.mark.parametrize(("bits", "exponent"), [(20_000, 65537), (2048, (1 << 65) + 1)])
def test_a_key_made_to_be_slow_is_not_used(bits: int, exponent: int) -> None:
    key = made.sequence(made.integer((1 << (bits - 1)) + 187), made.integer(exponent))
    with pytest.raises(UnknownAlgorithm):
        public_key(made.sequence(made.algorithm("1.2.840.113549.1.1.1", b"\x05\x00"), made.tlv(3, b"\x00" + key)))


def test_a_key_of_an_unknown_kind() -> None:
    with pytest.raises(UnknownAlgorithm):
        public_key(made.sequence(made.algorithm("1.2.3.4"), made.tlv(3, b"\x00\x01")))


@pytest.mark.parametrize(
    "padding", [b"\x00\x01\xff\x00", b"\x00\x02" + b"\xff" * 60 + b"\x00", b"\x00\x01" + b"\xfe" * 60 + b"\x00"]
)
def test_pkcs1_padding_is_compared_as_a_whole(padding: bytes) -> None:
    private = made.key("rsa1024")
    numbers = private.private_numbers()
    digest = made.digest("sha256", b"content")
    info = made.sequence(made.algorithm(made.DIGEST_OIDS["sha256"], b"\x05\x00"), made.tlv(4, digest))
    encoded = (padding + info).ljust(128, b"\x00")  # what Bleichenbacher's forgery leaves at the end
    value = pow(int.from_bytes(encoded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(128, "big")
    spki = (
        made.x509.load_der_x509_certificate(made.issue("Short", kind="rsa1024").der)
        .public_key()
        .public_bytes(made.Encoding.DER, made.PublicFormat.SubjectPublicKeyInfo)
    )
    chosen = scheme(der.read(made.algorithm("1.2.840.113549.1.1.11", b"\x05\x00")), None)
    assert verify_digest(spki, chosen, value, digest) is False
