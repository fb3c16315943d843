"""Every digest that carries weight is shown to the policy, in every format; every SignerInfo is judged; and no verdict rests on a
certificate that nothing signed names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import signed_samples as made
from signed_samples import NOW, YEAR, How, Pdf

from signing_core.pki import der
from signing_core.policy import read
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication, Trust
from signing_core.verification import signed_content

Judge = Callable[..., DocumentVerdict]

DAY = timedelta(days=1)
EARLY = NOW.replace(year=2012, month=1)
BROKEN = (Integrity.INDETERMINATE, Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE)
WEAK = (Integrity.INTACT, Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE)
PASSED = (Integrity.INTACT, Indication.TOTAL_PASSED, None)


def outcome(verdict: DocumentVerdict) -> tuple[Integrity, Indication | None, SubIndication | None]:
    return verdict.integrity, verdict.indication, verdict.sub_indication


@pytest.fixture(scope="module")
def rsa_signer(world) -> made.Identity:
    return made.issue("Sample RSA Signer", world.root, kind="rsa3072")


@pytest.fixture(scope="module")
def old() -> tuple[made.Identity, made.Identity]:
    """A root and a signer that were valid in 2012, with keys that sufficed then."""
    root = made.issue("Old Root", ca=True, kind="rsa2048", not_before=EARLY - YEAR, not_after=NOW + 20 * YEAR)
    return root, made.issue("Old Signer", root, kind="rsa2048", not_before=EARLY - YEAR, not_after=NOW + YEAR)


def pkcs7_sha1(identity: made.Identity, covered: bytes, inner: str, how: How | None = None) -> bytes:
    return made.cms(identity, covered, replace(how or How(), content=made.digest(inner, covered)))


def x509_rsa(identity: made.Identity, covered: bytes, digest: str) -> bytes:
    return made.tlv(4, made.sign_value(identity.key, covered, How(digest=digest))[1])


def by_format(sub_filter: str, digest: str, signer: made.Identity, authority: made.Identity) -> bytes:
    """A document whose content is identified by this digest, with nothing else weak about it."""
    pdf = Pdf.new()
    if sub_filter == "ETSI.RFC3161":
        pdf.sign(
            lambda c: made.token(authority, c, NOW, imprint=digest),
            sub_filter=sub_filter,
            kind="DocTimeStamp",
            time=None,
        )
    elif sub_filter == "adbe.pkcs7.sha1":
        pdf.sign(lambda c: pkcs7_sha1(signer, c, digest), sub_filter=sub_filter)
    elif sub_filter == "adbe.x509.rsa_sha1":
        entries = f"/Cert<{signer.der.hex()}>"
        pdf.sign(lambda c: x509_rsa(signer, c, digest), sub_filter=sub_filter, entries=entries)
    else:
        how = How(digest=digest, signature_digest="sha256")
        pdf.sign(lambda c: made.cms(signer, c, how), sub_filter=sub_filter)
    return pdf.data


FORMATS = (
    "ETSI.CAdES.detached", "PBAD.PAdES", "adbe.pkcs7.detached", "adbe.pkcs7.sha1", "adbe.x509.rsa_sha1", "ETSI.RFC3161",
)  # fmt: skip


@pytest.mark.parametrize("sub_filter", FORMATS)
def test_content_that_md5_identifies_is_not_identified(sub_filter: str, world, rsa_signer, judge: Judge, codes) -> None:
    data = by_format(sub_filter, "md5", rsa_signer, world.authority)
    verdict = judge(data)
    assert outcome(verdict) == BROKEN
    assert "digest-broken" in codes(verdict)
    assert outcome(judge(data, roots=[])) == BROKEN
    assert judge(data, policy=read({"digests": {"md5": "always"}})).integrity is Integrity.INDETERMINATE
    assert judge(data.replace(b"595 842", b"595 843", 1)).integrity is Integrity.ALTERED


@pytest.mark.parametrize("sub_filter", FORMATS)
def test_content_that_sha1_identifies_goes_by_date(sub_filter: str, world, rsa_signer, judge: Judge) -> None:
    data = by_format(sub_filter, "sha1", rsa_signer, world.authority)
    assert outcome(judge(data)) == WEAK
    assert outcome(judge(data, policy=read({"digests": {"sha1": (NOW + DAY).date()}}))) == PASSED


def test_sha1_inside_of_pkcs7_sha1_suffices_until_its_cut_off(old, judge: Judge) -> None:
    root, signer = old
    pdf = Pdf.new()
    pdf.sign(lambda c: pkcs7_sha1(signer, c, "sha1"), sub_filter="adbe.pkcs7.sha1", time=EARLY)
    assert outcome(judge(pdf.data, at=EARLY.replace(month=7, day=31), roots=[root])) == PASSED
    assert outcome(judge(pdf.data, at=EARLY.replace(month=8, day=1), roots=[root])) == WEAK


@pytest.mark.parametrize(("size", "wanted"), [(16, BROKEN), (20, WEAK), (32, PASSED)], ids=["md5", "sha1", "sha256"])
def test_two_documents_with_one_digest_inside_and_one_signature(
    size: int, wanted: object, rsa_signer, judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a published collision does: documents of different content have the digest that was signed once. The collision is made by
    hand here, so that the last row shows what the first ones would be if nobody asked by which digest it is."""
    monkeypatch.setattr(signed_content.Hasher, "digest", lambda self, name, ranges: b"\x07" * size)
    signature = made.cms(rsa_signer, b"", How(content=b"\x07" * size))
    for text in ("A sample contract", "Another contract"):
        pdf = Pdf.new(text)
        pdf.sign(lambda covered: signature, sub_filter="adbe.pkcs7.sha1")
        assert outcome(judge(pdf.data)) == wanted


def test_md2_is_not_computed_and_leaves_it_open(world, judge: Judge) -> None:
    how = How(digest_oid=made.DIGEST_OIDS["md2"])
    assert outcome(judge(made.signed(world.signer, how))) == BROKEN


def test_signed_attributes_that_md5_identifies(rsa_signer, judge: Judge, codes) -> None:
    """The message digest is SHA-256; the signature value identifies the attributes that hold it by MD5."""
    verdict = judge(made.signed(rsa_signer, How(digest="sha256", signature_digest="md5")))
    assert (outcome(verdict), "digest-broken" in codes(verdict)) == (BROKEN, True)


def test_the_mask_of_a_pss_signature_is_asked_about(rsa_signer, judge: Judge) -> None:
    def masked(covered: bytes) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        info = der.read(made.signer_info(rsa_signer, made.digest("sha256", covered), covered, How(scheme="pss")))
        fields = [node.encoded for node in der.children(info)]
        message = made.tlv(0x31, der.children(info)[3].content)
        pss = padding.PSS(padding.MGF1(hashes.SHA1()), 32)
        sha256, sha1 = made.algorithm(made.DIGEST_OIDS["sha256"]), made.algorithm(made.DIGEST_OIDS["sha1"])
        mask = made.algorithm("1.2.840.113549.1.1.8", sha1)
        parameters = made.sequence(made.tlv(0xA0, sha256), made.tlv(0xA1, mask), made.tlv(0xA2, made.integer(32)))
        fields[4] = made.algorithm("1.2.840.113549.1.1.10", parameters)
        fields[5] = made.tlv(4, rsa_signer.key.sign(message, pss, hashes.SHA256()))
        return made.signed_data([made.sequence(*fields)], How(), rsa_signer.chain)

    pdf = Pdf.new()
    pdf.sign(masked)
    assert outcome(judge(pdf.data)) == WEAK


# --- time-stamps ---


TOKENS: dict[str, dict[str, object]] = {
    "imprint MD5": {"imprint": "md5"},
    "imprint SHA-1": {"imprint": "sha1"},
    "message digest MD5": {"how": How(digest="md5", signature_digest="sha256")},
    "message digest SHA-1": {"how": How(digest="sha1", signature_digest="sha256")},
    "reference MD5": {"how": How(ess="md5")},
    "no reference": {"how": How(ess=None)},
    "reference to another certificate": {"how": How(ess="wrong")},
    "content type of something else": {"how": How(content_type=made.DATA)},
}


@pytest.mark.parametrize("which", TOKENS)
def test_a_time_stamp_with_something_weak_in_it_proves_nothing(which: str, world, judge: Judge) -> None:
    def token(value: bytes) -> bytes:
        how = TOKENS[which].get("how", How())
        info = made.token(world.authority, value, NOW, imprint=str(TOKENS[which].get("imprint", "sha256")), how=how)  # type: ignore[arg-type]
        return info if which != "content type of something else" else other_type(world.authority, value)

    verdict = judge(made.signed(world.signer, stamp=token), at=NOW + DAY)
    assert outcome(verdict) == PASSED  # the signature itself is good, its time claimed
    assert verdict.signatures[0].proven_time is None
    pdf = Pdf.new()
    pdf.sign(token, sub_filter="ETSI.RFC3161", kind="DocTimeStamp", time=None)
    alone = judge(pdf.data, at=NOW + DAY)
    assert alone.indication is Indication.INDETERMINATE
    assert alone.signatures[0].proven_time is None


def other_type(authority: made.Identity, stamped: bytes) -> bytes:
    """A token whose signed content type is that of data."""
    whole = made.token(authority, stamped, NOW)
    content = next(
        node for node in walk(der.read(whole)) if node.tag == der.OCTET_STRING and node.content[:1] == b"\x30"
    )
    how = How(content=content.content, content_oid=made.TST_INFO, content_type=made.DATA)
    return made.cms(authority, content.content, how)


def walk(node: der.Node) -> list[der.Node]:
    inner = der.children(node) if node.tag & 0x20 else []
    return [node, *(deeper for child in inner for deeper in walk(child))]


def test_sha1_as_rfc_3161_prescribed_it_for_the_authoritys_certificate(world, judge: Judge) -> None:
    stamp = lambda value: made.token(world.authority, value, NOW, how=How(ess="v1"))  # noqa: E731
    assert judge(made.signed(world.signer, stamp=stamp), at=NOW + DAY).signatures[0].proven_time == NOW


def content_stamped(signer: made.Identity, authority: made.Identity, time: object, covered: bytes) -> bytes:
    token = made.token(authority, covered, time)  # type: ignore[arg-type]
    return made.cms(signer, covered, How(extra_signed=[("1.2.840.113549.1.9.16.2.20", token)]))


def test_a_content_time_stamp_counts_only_when_it_is_proof(world, judge: Judge) -> None:
    """It says that the signature is not older, which can fail a signature for good: so it is judged like any other."""
    expired = made.issue("Expired Signer", world.root, not_after=NOW - 30 * DAY)
    stranger = made.time_stamping("Stranger", made.issue("Stranger's Root", ca=True))
    for authority, indication in ((world.authority, Indication.TOTAL_FAILED), (stranger, Indication.INDETERMINATE)):
        pdf = Pdf.new()
        pdf.sign(lambda covered, a=authority: content_stamped(expired, a, NOW, covered))  # type: ignore[misc]
        assert judge(pdf.data, at=NOW + DAY).indication is indication


# --- the reference to the signer's certificate ---


@pytest.mark.parametrize(
    ("ess", "pades", "older"),
    [
        ("v2", PASSED, PASSED),
        ("sha512", PASSED, PASSED),
        ("v1", WEAK, PASSED),
        ("sha1", WEAK, PASSED),
        ("md5", WEAK, WEAK),
        (None, (Integrity.INTACT, Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE), PASSED),
    ],
)
def test_the_reference_to_the_certificate(ess: str | None, pades, older, world, judge: Judge, codes) -> None:
    for sub_filter, wanted in (("ETSI.CAdES.detached", pades), ("PBAD.PAdES", pades), ("adbe.pkcs7.detached", older)):
        verdict = judge(made.signed(world.signer, How(ess=ess), sub_filter=sub_filter))
        assert outcome(verdict) == wanted
        weak = "signing-certificate-attribute-weak" in codes(verdict)
        assert (weak, "signing-certificate-attribute-missing" in codes(verdict)) == (
            ess in ("v1", "sha1", "md5"),
            ess is None,
        )
        assert all(f.severity == "warning" for s in verdict.signatures for f in s.findings if "attribute" in f.code)


def test_a_reference_by_md2_is_never_in_order(world, judge: Judge) -> None:
    for sub_filter in ("ETSI.CAdES.detached", "adbe.pkcs7.detached"):
        verdict = judge(made.signed(world.signer, How(ess="md2"), sub_filter=sub_filter))
        assert verdict.indication is Indication.INDETERMINATE


def test_two_versions_of_the_reference_that_name_different_certificates(world, judge: Judge, codes) -> None:
    other = made.sequence(made.sequence(made.sequence(made.tlv(4, b"\x07" * 20))))
    how = How(ess="v2", extra_signed=[("1.2.840.113549.1.9.16.2.12", other)])
    verdict = judge(made.signed(world.signer, how))
    assert (verdict.indication, "signing-certificate-mismatch" in codes(verdict)) == (Indication.INDETERMINATE, True)


def namesake(identity: made.Identity, name: str, issuer: made.Identity) -> made.Identity:
    """Another X.509 certificate for the same key, which the authority gave out without asking for a proof of possession."""
    like = made.issue(name, issuer)
    body, _, _ = der.children(der.read(like.der))
    fields = [node.encoded for node in der.children(body)]
    fields[6] = der.children(der.children(der.read(identity.der))[0])[6].encoded
    fields[-1] = made.tlv(0xA3, made.sequence())
    tbs = made.sequence(*fields)
    signature, value = made.sign_value(issuer.key, tbs, How())
    fields[2] = signature
    tbs = made.sequence(*fields)
    value = made.sign_value(issuer.key, tbs, How())[1]
    encoded = made.sequence(tbs, signature, made.tlv(3, b"\0", value))
    return made.Identity(identity.key, made.x509.load_der_x509_certificate(encoded), (issuer,))


def exchanged(signer: made.Identity, other: made.Identity, how: How, covered: bytes, *, both: bool = False) -> bytes:
    """The signature of `signer` with the identifier and the certificate of `other` put in its place: nothing signed is touched."""
    info = der.read(made.signer_info(signer, made.digest("sha256", covered), covered, how))
    fields = [node.encoded for node in der.children(info)]
    fields[1] = made.sequence(other.name, made.integer(other.certificate.serial_number))
    more = [signer.der] if both else []
    return made.signed_data([made.sequence(*fields)], How(), [*other.chain, *more])


@pytest.mark.parametrize("both", [True, False], ids=["both in the file", "exchanged"])
@pytest.mark.parametrize("sub_filter", ["ETSI.CAdES.detached", "PBAD.PAdES", "adbe.pkcs7.detached"])
def test_a_certificate_that_was_exchanged(sub_filter: str, both: bool, world, judge: Judge, codes) -> None:
    other = namesake(world.signer, "Somebody Else", world.root)

    def verdict_of(how: How) -> DocumentVerdict:
        pdf = Pdf.new()
        pdf.sign(lambda covered: exchanged(world.signer, other, how, covered, both=both), sub_filter=sub_filter)
        return judge(pdf.data)

    named = verdict_of(How())
    assert (named.indication, "signing-certificate-mismatch" in codes(named)) == (Indication.INDETERMINATE, True)
    nameless = verdict_of(How(ess=None))
    assert nameless.signatures[0].signer == "Somebody Else"
    warned = {f.code for s in nameless.signatures for f in s.findings if f.severity == "warning"}
    assert "signing-certificate-attribute-missing" in warned
    assert ("signing-certificate-ambiguous" in warned) == both
    passes = sub_filter == "adbe.pkcs7.detached" and not both  # the older format demands no reference: a warning is all
    assert (nameless.indication is Indication.TOTAL_PASSED) == passes


# --- several SignerInfos ---


def together(*signers: tuple[made.Identity, How, Callable[[bytes], bytes] | None], covered: bytes) -> bytes:
    infos = [made.signer_info(i, made.digest(h.digest, covered), covered, h, s) for i, h, s in signers]
    return made.signed_data(infos, How(), [c for identity, _, _ in signers for c in identity.chain])


def two(sub_filter: str, *signers: tuple[made.Identity, How, Callable[[bytes], bytes] | None]) -> bytes:
    pdf = Pdf.new()
    pdf.sign(lambda covered: together(*signers, covered=covered), sub_filter=sub_filter)
    return pdf.data


def test_a_pades_signature_has_one_signer_info(world, judge: Judge, codes) -> None:
    second = made.issue("Second Signer", world.root)
    for sub_filter in ("ETSI.CAdES.detached", "PBAD.PAdES"):
        verdict = judge(two(sub_filter, (world.signer, How(), None), (second, How(), None)))
        assert outcome(verdict) == (Integrity.INTACT, Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE)
        assert "cms-signers" in codes(verdict)


@pytest.mark.parametrize("first", [True, False], ids=["the stranger first", "the stranger last"])
def test_elsewhere_each_signer_info_is_judged_and_the_worst_counts(first: bool, world, judge: Judge, codes) -> None:
    def with_second(identity: made.Identity, how: How = How()) -> DocumentVerdict:  # noqa: B008
        signers = [(world.signer, How(), None), (identity, how, None)]
        verdict = judge(two("adbe.pkcs7.detached", *(reversed(signers) if first else signers)))
        assert "cms-signers" in codes(verdict)
        return verdict

    assert outcome(with_second(made.issue("Second Signer", world.root))) == PASSED
    stranger = with_second(made.issue("Stranger", made.issue("Stranger's Root", ca=True)))
    assert (stranger.trust, stranger.sub_indication) == (Trust.UNTRUSTED, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    early = with_second(made.issue("Expired", world.root, not_after=NOW - DAY))
    assert early.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE
    server = made.issue("Server", world.root, extended=["1.3.6.1.5.5.7.3.1"])
    assert with_second(server).sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    weak = with_second(made.issue("Short Key", world.root, kind="rsa1024"))
    assert weak.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


def test_one_signer_infos_time_stamp_proves_nothing_of_another(world, judge: Judge) -> None:
    """A SignerInfo by a certificate that has expired since is put beside one that was time-stamped in time."""
    short = made.issue("Short-lived Signer", world.root, not_after=NOW + 30 * DAY)
    signers = [(world.signer, How(), world.stamp()), (short, How(), None)]
    verdict = judge(two("adbe.pkcs7.detached", *signers), at=NOW + 60 * DAY)
    assert (verdict.signatures[0].proven_time, verdict.sub_indication) == (None, SubIndication.OUT_OF_BOUNDS_NO_POE)


def test_a_signer_info_written_twice_is_one(world, judge: Judge, codes) -> None:
    """As PoDoFo writes it."""
    pdf = Pdf.new()

    def twice(covered: bytes) -> bytes:
        info = made.signer_info(world.signer, made.digest("sha256", covered), covered, How(), world.stamp())
        return made.signed_data([info, info], How(), world.signer.chain)

    pdf.sign(twice, sub_filter="adbe.pkcs7.detached")
    verdict = judge(pdf.data, at=NOW + DAY)
    assert (outcome(verdict), verdict.signatures[0].proven_time) == (PASSED, NOW)
    assert "cms-signers" in codes(verdict)
