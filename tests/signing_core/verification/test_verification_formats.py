"""Formats of signatures: every /SubFilter, and CMS structures that are not as they should be."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable

import pytest
import signed_samples as made
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from signed_samples import NOW, How, Pdf

from signing_core.pki import der
from signing_core.pki.x509_certificates import parse
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication
from signing_core.verification import cms, public_keys, verify
from signing_core.verification.algorithms import UnknownAlgorithm
from signing_core.verification.pdf_dates import parse_date

Judge = Callable[..., DocumentVerdict]
UNDECIDED = Integrity.INDETERMINATE


def by(make: Callable[[bytes], bytes], **more: object) -> bytes:
    pdf = Pdf.new()
    pdf.sign(make, **more)  # type: ignore[arg-type]
    return pdf.data


@pytest.mark.parametrize("sub_filter", ["ETSI.CAdES.detached", "adbe.pkcs7.detached", "PBAD.PAdES"])
def test_detached(sub_filter: str, world, judge: Judge) -> None:
    verdict = judge(made.signed(world.signer, sub_filter=sub_filter))
    assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
    assert verdict.signatures[0].level == ("B-B" if sub_filter == "ETSI.CAdES.detached" else None)


def test_icp_brasils_name_is_held_to_the_profile_it_builds_on(world, judge: Judge, codes) -> None:
    unsorted = judge(made.signed(world.signer, How(order="written"), sub_filter="PBAD.PAdES"))
    assert (unsorted.integrity, "signed-attributes-not-der" in codes(unsorted)) == (UNDECIDED, True)
    changed = judge(made.signed(world.signer, sub_filter="PBAD.PAdES").replace(b"595 842", b"595 843", 1))
    assert (changed.integrity, changed.sub_indication) == (Integrity.ALTERED, SubIndication.HASH_FAILURE)


@pytest.mark.parametrize("sub_filter", ["PBAD.CAdES", "ETSI.CAdES", "pbad.pades"])
def test_a_name_that_is_not_known_is_left_open_though_the_value_reads_as_detached(
    sub_filter: str, world, judge: Judge, codes
) -> None:
    verdict = judge(made.signed(world.signer, sub_filter=sub_filter))
    assert (verdict.integrity, "sub-filter-unknown" in codes(verdict)) == (UNDECIDED, True)


def pkcs7_sha1(identity: made.Identity, covered: bytes, content: bytes | None = None) -> bytes:
    inner = hashlib.sha1(covered).digest() if content is None else content
    return made.cms(identity, covered, How(content=inner))


def test_pkcs7_sha1(world, judge: Judge) -> None:
    data = by(lambda covered: pkcs7_sha1(world.signer, covered), sub_filter="adbe.pkcs7.sha1")
    assert judge(data).integrity is Integrity.INTACT
    changed = judge(data.replace(b"595 842", b"595 843", 1))
    assert (changed.integrity, changed.sub_indication) == (Integrity.ALTERED, SubIndication.HASH_FAILURE)


def test_pkcs7_sha1_without_a_digest_inside(world, judge: Judge, codes) -> None:
    for make in (lambda c: made.cms(world.signer, c), lambda c: pkcs7_sha1(world.signer, c, b"no digest")):
        verdict = judge(by(make, sub_filter="adbe.pkcs7.sha1"))
        assert verdict.integrity is UNDECIDED
        assert "adbe-sha1-content" in codes(verdict)


def negative(identity: made.Identity, issuer: made.Identity) -> made.Identity:
    """The same X.509 certificate with an RSA modulus that lacks its leading zero, as cards of 2014 have it."""
    body, algorithm, _ = der.children(der.read(identity.der))
    fields = [node.encoded for node in der.children(body)]
    numbers = identity.key.public_key().public_numbers()
    modulus = made.tlv(2, numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big"))
    exponent = made.integer(numbers.e)
    kind = made.algorithm("1.2.840.113549.1.1.1", b"\x05\x00")
    fields[6] = made.sequence(kind, made.tlv(3, b"\0", made.sequence(modulus, exponent)))
    tbs = made.sequence(*fields)
    value = issuer.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
    return made.Identity(
        identity.key,
        x509.load_der_x509_certificate(made.sequence(tbs, algorithm.encoded, made.tlv(3, b"\0", value))),
        identity.issuers,
    )


@pytest.mark.parametrize("how", [How(), How(scheme="pss")], ids=["pkcs1", "pss"])
def test_a_modulus_without_its_leading_zero_is_the_number_it_was_meant_to_be(
    how: How, world, judge: Judge, codes
) -> None:
    signer = negative(made.issue("Card of 2014", world.root, kind="rsa2048"), world.root)
    data = made.signed(signer, how)
    verdict = judge(data)
    assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
    assert "rsa-key-sign" in codes(verdict)
    assert judge(data.replace(b"595 842", b"595 843", 1)).integrity is Integrity.ALTERED
    other = How(**{**how.__dict__, "break_value": True})
    assert judge(made.signed(signer, other)).integrity is Integrity.ALTERED


def test_a_key_that_is_no_number_at_all_is_not_computed(world, judge: Judge) -> None:
    signer = made.issue("Sample", world.root, kind="rsa2048")
    spki = parse(signer.der).spki  # type: ignore[union-attr]
    empty = made.sequence(made.tlv(2), made.tlv(2))
    for key in (empty, made.sequence(made.tlv(2, b"\xff"), made.tlv(2, b"\xff")), made.sequence(), b"\x30\x80", b""):
        broken = made.sequence(made.algorithm("1.2.840.113549.1.1.1"), made.tlv(3, b"\0", key))
        assert public_keys.lacks_leading_zero(broken) in (True, False)
        with pytest.raises(UnknownAlgorithm):
            public_keys.public_key(broken)
    assert not public_keys.lacks_leading_zero(spki)


@pytest.fixture(scope="module")
def rsa_signer(world) -> made.Identity:
    return made.issue("Sample RSA Signer", world.root, kind="rsa3072")


def x509_rsa(identity: made.Identity, covered: bytes) -> bytes:
    return made.tlv(4, made.sign_value(identity.key, covered, How())[1])


def test_x509_rsa_sha1(rsa_signer, judge: Judge, codes) -> None:
    entries = f"/Cert<{rsa_signer.der.hex()}>"
    data = by(lambda c: x509_rsa(rsa_signer, c), sub_filter="adbe.x509.rsa_sha1", entries=entries)
    verdict = judge(data)
    assert (verdict.integrity, verdict.signatures[0].signer) == (Integrity.INTACT, "Sample RSA Signer")
    changed = judge(data.replace(b"595 842", b"595 843", 1))
    assert (changed.integrity, changed.sub_indication) == (Integrity.ALTERED, SubIndication.HASH_FAILURE)
    nameless = judge(by(lambda c: x509_rsa(rsa_signer, c), sub_filter="adbe.x509.rsa_sha1"))
    assert (nameless.integrity, nameless.sub_indication) == (UNDECIDED, SubIndication.NO_SIGNING_CERTIFICATE_FOUND)
    unreadable = judge(by(lambda c: b"\x30\x01", sub_filter="adbe.x509.rsa_sha1", entries=entries))
    assert unreadable.integrity is UNDECIDED


@pytest.mark.parametrize("sub_filter", ["XYZ.sealed", None])
def test_unknown_sub_filter_is_reported_and_left_open(sub_filter: str | None, world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, sub_filter=sub_filter))
    assert (verdict.integrity, len(verdict.signatures)) == (UNDECIDED, 1)
    assert "sub-filter-unknown" in codes(verdict)


def test_placeholder_that_was_never_filled(judge: Judge, codes) -> None:
    verdict = judge(by(lambda covered: b""))
    assert (verdict.integrity, len(verdict.signatures)) == (UNDECIDED, 1)
    assert "signature-placeholder" in codes(verdict)


def test_no_certificate_in_the_file(world, judge: Judge, codes) -> None:
    data = made.signed(world.signer, How(certificates=()))
    verdict = judge(data)
    assert (verdict.integrity, verdict.sub_indication) == (UNDECIDED, SubIndication.NO_SIGNING_CERTIFICATE_FOUND)
    assert "signing-certificate-missing" in codes(verdict)
    signer = parse(world.signer.der)
    assert signer is not None
    assert judge(data, trust=world.trust.with_certificates([signer.der])).indication is Indication.TOTAL_PASSED


def two_signers(one: made.Identity, two: made.Identity, covered: bytes, *, broken: bool = False) -> bytes:
    how = How(break_value=broken)
    infos = [made.signer_info(i, made.digest("sha256", covered), covered, h) for i, h in ((one, How()), (two, how))]
    return made.signed_data(infos, How(), [*one.chain, two.der])


def test_two_signer_infos_count_when_both_verify(world, judge: Judge, codes) -> None:
    other = made.issue("Second Signer", world.root)
    verdict = judge(by(lambda c: two_signers(world.signer, other, c)))
    assert verdict.integrity is Integrity.INTACT
    assert "cms-signers" in codes(verdict)
    assert verdict.signatures[0].level is None
    broken = judge(by(lambda c: two_signers(world.signer, other, c, broken=True)))
    assert (broken.integrity, broken.sub_indication) == (Integrity.ALTERED, SubIndication.SIG_CRYPTO_FAILURE)


def test_no_signer_info(world, judge: Judge, codes) -> None:
    verdict = judge(by(lambda c: made.signed_data([], How(), world.signer.chain)))
    assert verdict.integrity is UNDECIDED
    assert "cms-no-signer" in codes(verdict)


def test_detached_signature_with_content_of_its_own(world, judge: Judge, codes) -> None:
    other = judge(by(lambda c: made.cms(world.signer, c, How(content=b"something else"))))
    assert other.integrity is not Integrity.INTACT
    assert "cms-encapsulated-content" in codes(other)
    same = judge(by(lambda c: made.cms(world.signer, c, How(content=c))))
    assert same.integrity is Integrity.INTACT
    assert "cms-encapsulated-same" in codes(same)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (How(content_type=made.TST_INFO), "content-type-mismatch"),
        (How(content_type=made.TST_INFO, content_oid=made.TST_INFO), "content-type-mismatch"),
        (How(message_digest=False), "message-digest-missing"),
        (How(ess="wrong"), "signing-certificate-mismatch"),
    ],
)
def test_signed_attributes_that_leave_it_open(how: How, code: str, world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, how))
    assert verdict.indication is Indication.INDETERMINATE
    assert code in codes(verdict)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (How(content_type=None), "content-type-missing"),
        (How(signing_time=NOW), "profile-signing-time"),
    ],
)
def test_signed_attributes_that_only_cost_the_baseline_level(how: How, code: str, world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, how))
    assert verdict.indication is Indication.TOTAL_PASSED
    assert verdict.signatures[0].level is None
    assert code in codes(verdict)


def test_the_old_ess_attribute_binds_as_well(world, judge: Judge) -> None:
    assert judge(made.signed(world.signer, How(ess="v1"))).signatures[0].level == "B-B"


def test_attributes_out_of_der_order(world, judge: Judge, codes) -> None:
    how = How(order="written")
    strict = judge(made.signed(world.signer, how))
    assert strict.integrity is UNDECIDED  # readers disagree
    old = judge(made.signed(world.signer, how, sub_filter="adbe.pkcs7.detached"))
    assert old.integrity is Integrity.INTACT
    assert "signed-attributes-not-der" in codes(strict) & codes(old)


def test_repeated_message_digest_leaves_it_open(world, judge: Judge) -> None:
    how = How(extra_signed=[("1.2.840.113549.1.9.4", made.tlv(4, b"\x00" * 32))])
    assert judge(made.signed(world.signer, how)).integrity is UNDECIDED


def test_data_behind_the_structure(world, judge: Judge, codes) -> None:
    verdict = judge(by(lambda c: made.cms(world.signer, c) + b"more"))
    assert verdict.integrity is Integrity.INTACT
    assert "cms-trailing-data" in codes(verdict)


@pytest.mark.parametrize(
    "contents", [b"\x30", b"\x30\x80", b"\x04\x02ab", b"\x30\x03\x02\x01\x01", b"%PDF-1.7", b"\x30\x84\xff\xff\xff\xff"]
)
def test_what_is_no_cms_leaves_it_open(contents: bytes, judge: Judge, codes) -> None:
    verdict = judge(by(lambda c: contents))
    assert (verdict.integrity, len(verdict.signatures)) == (UNDECIDED, 1)
    assert "cms-malformed" in codes(verdict)


def test_indefinite_length_is_read(world, judge: Judge) -> None:
    def indefinite(covered: bytes) -> bytes:
        body = made.cms(world.signer, covered)
        root = der.read(body)
        return b"\x30\x80" + root.content + b"\x00\x00"

    assert judge(by(indefinite)).integrity is Integrity.INTACT


def test_a_document_cut_inside_its_signed_part(world, judge: Judge) -> None:
    data = made.signed(world.signer)
    for end in (len(data) - 1, len(data) - 40, len(data) // 2, 600):
        assert judge(data[:end]).integrity is not Integrity.INTACT


# --- whatever the bytes are ---


@pytest.fixture(scope="module")
def sample_cms(world) -> bytes:
    return made.cms(world.signer, b"content", stamp=world.stamp())


@pytest.fixture(scope="module")
def sample_document(world) -> bytes:
    return made.signed(world.signer, stamp=world.stamp())


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_reading_der_raises_nothing_else(data: bytes) -> None:
    def walk(node: der.Node, depth: int) -> None:
        for child in der.children(node):
            if child.tag & 0x20 and depth < 20:
                walk(child, depth + 1)

    with contextlib.suppress(der.DerError):
        walk(der.read(data), 0)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_cms_never_raises_anything_else(sample_cms: bytes, data: st.DataObject) -> None:
    body = bytearray(sample_cms)
    for _ in range(data.draw(st.integers(1, 6))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(der.DerError, IndexError, StopIteration):
        cms.parse(bytes(body))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_mutated_document_gets_a_verdict_and_never_a_better_one(
    world, sample_document: bytes, data: st.DataObject
) -> None:
    body = bytearray(sample_document)
    position = data.draw(st.integers(0, len(body) - 1))
    value = data.draw(st.integers(0, 255))
    before = body[position]
    body[position] = value
    verdict = verify(bytes(body), at=NOW, trust=world.trust)
    assert not any(f.code == "internal-error" for f in verdict.findings)
    contents = sample_document.index(b"/Contents<") + 10
    if value != before and not contents <= position < contents + 32_000:
        assert verdict.integrity is not Integrity.INTACT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D:20260131120000+01'00'", "2026-01-31T11:00:00+00:00"),
        ("D:20260131120000Z", "2026-01-31T12:00:00+00:00"),
        ("D:20260131120000-05'30", "2026-01-31T17:30:00+00:00"),
        ("20260131", "2026-01-31T00:00:00+00:00"),
        ("D:2026", "2026-01-01T00:00:00+00:00"),
        ("D:20261331120000Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_pdf_dates(text: str | None, expected: str | None) -> None:
    found = parse_date(text)
    assert (found.isoformat() if found else None) == expected
