"""Chains to an anchor: constraints, validity, revocation, in the window of time a signature was made in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import signed_samples as made
from cryptography import x509
from signed_samples import NOW, YEAR, How

from signing_core.pki.x509_certificates import parse
from signing_core.policy import Policy
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication, Trust
from signing_core.verification.paths import build

Judge = Callable[..., DocumentVerdict]
DAY = timedelta(days=1)
REQUIRED = Policy(revocation="required")


def outcome(verdict: DocumentVerdict) -> tuple[Integrity, Trust | None, SubIndication | None]:
    return verdict.integrity, verdict.trust, verdict.sub_indication


def test_no_anchors(world, judge: Judge) -> None:
    verdict = judge(made.signed(world.signer), roots=[])
    assert outcome(verdict) == (Integrity.INTACT, Trust.UNKNOWN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    assert verdict.in_order


def test_another_root(world, judge: Judge) -> None:
    verdict = judge(made.signed(world.signer), roots=[made.issue("Sample Root", ca=True)])
    assert outcome(verdict) == (Integrity.INTACT, Trust.UNTRUSTED, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)
    assert not verdict.in_order


def test_through_two_intermediates_from_the_file_and_from_the_caller(world, judge: Judge) -> None:
    first = made.issue("First CA", world.root, ca=True)
    second = made.issue("Second CA", first, ca=True)
    signer = made.issue("Sample Signer", second)
    assert judge(made.signed(signer)).indication is Indication.TOTAL_PASSED
    alone = made.signed(signer, How(certificates=[signer.der]))
    assert judge(alone).sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    with_intermediates = world.trust.with_certificates([first.der, second.der])
    assert judge(alone, trust=with_intermediates).indication is Indication.TOTAL_PASSED


def constrained(root: made.Identity, which: str) -> made.Identity:
    if which == "issuer is no authority":
        return made.issue("Sample Signer", made.issue("Not a CA", root))
    if which == "no basic constraints":
        return made.issue("Sample Signer", made.issue("Old CA", root, basic_constraints=False, usage=None))
    if which == "key usage without certificate signing":
        return made.issue("Sample Signer", made.issue("CA", root, ca=False, usage="none"))
    if which == "path too long":
        short = made.issue("Short CA", root, ca=True, path_length=0)
        return made.issue("Sample Signer", made.issue("Sub CA", short, ca=True))
    if which == "critical extension":
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        return made.issue("Sample Signer", made.issue("Strange CA", root, ca=True, extra=[(strange, True)]))
    permitted = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Somebody else")])
    names = x509.NameConstraints([x509.DirectoryName(permitted)], None)
    return made.issue("Sample Signer", made.issue("Named CA", root, ca=True, extra=[(names, True)]))


@pytest.mark.parametrize(
    "which",
    [
        "issuer is no authority",
        "no basic constraints",
        "key usage without certificate signing",
        "path too long",
        "critical extension",
        "name constraints",
    ],
)
def test_constraints_of_a_path(which: str, world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(constrained(world.root, which)))
    assert outcome(verdict) == (Integrity.INTACT, Trust.UNTRUSTED, SubIndication.CHAIN_CONSTRAINTS_FAILURE)
    assert "chain-constraints" in codes(verdict)


def test_name_constraints_that_are_kept(world, judge: Judge) -> None:
    permitted = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Sample Signer")])
    names = x509.NameConstraints([x509.DirectoryName(permitted)], None)
    authority = made.issue("Named CA", world.root, ca=True, extra=[(names, True)])
    assert judge(made.signed(made.issue("Sample Signer", authority))).indication is Indication.TOTAL_PASSED


def test_a_forged_issuer_name_does_not_make_a_chain(world, judge: Judge) -> None:
    impostor = made.issue("Sample Root", ca=True)
    verdict = judge(made.signed(made.issue("Sample Signer", impostor)))
    assert outcome(verdict) == (Integrity.INTACT, Trust.UNTRUSTED, SubIndication.NO_CERTIFICATE_CHAIN_FOUND)


def test_key_usage_and_critical_extensions_of_the_signer(world, judge: Judge) -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    for identity in (made.issue("S", world.root, usage="none"), made.issue("S", world.root, extra=[(strange, True)])):
        verdict = judge(made.signed(identity))
        assert outcome(verdict) == (Integrity.INTACT, Trust.TRUSTED, SubIndication.CHAIN_CONSTRAINTS_FAILURE)


def test_a_pool_of_look_alikes_costs_a_bounded_number_of_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    authorities = [made.issue("Loop CA", ca=True) for _ in range(40)]
    crossed = [made.issue("Loop CA", authority, ca=True) for authority in authorities]
    leaf = made.issue("Sample Signer", crossed[0])
    calls = 0
    from signing_core.verification import paths

    real = paths.issued_by

    def counted(*given: object) -> bool:
        nonlocal calls
        calls += 1
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(paths, "issued_by", counted)
    pool = [parse(identity.der) for identity in (*authorities, *crossed)]
    start, anchor = parse(leaf.der), parse(made.issue("Elsewhere", ca=True).der)
    assert start is not None and anchor is not None
    assert build(start, [c for c in pool if c], frozenset({anchor})).found == ()
    assert calls <= 200


# --- validity ---


def test_judged_before_it_was_valid(world, judge: Judge) -> None:
    verdict = judge(made.signed(world.signer), at=NOW - 2 * YEAR)
    assert (verdict.integrity, verdict.indication, verdict.sub_indication) == (
        Integrity.INTACT, Indication.TOTAL_FAILED, SubIndication.NOT_YET_VALID,
    )  # fmt: skip


def test_expired_without_proof(world, judge: Judge) -> None:
    verdict = judge(made.signed(world.signer), at=NOW + 4 * YEAR)
    assert outcome(verdict)[::2] == (Integrity.INTACT, SubIndication.OUT_OF_BOUNDS_NO_POE)


def test_expired_with_proof(world, judge: Judge) -> None:
    verdict = judge(made.signed(world.signer, stamp=world.stamp()), at=NOW + 4 * YEAR)
    assert verdict.indication is Indication.TOTAL_PASSED
    assert verdict.signatures[0].proven_time == NOW


def test_time_stamped_before_the_certificate_was_valid(world, judge: Judge) -> None:
    early = world.stamp(NOW - 200 * DAY)
    late = made.issue("Late Signer", world.root, not_before=NOW - 100 * DAY)
    verdict = judge(made.signed(late, stamp=early))
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.NOT_YET_VALID)
    assert verdict.time == "inconsistent"


def test_signed_after_a_time_stamp_that_is_newer_than_the_certificate(world, judge: Judge) -> None:
    """What it covers was time-stamped after the certificate had expired: it was signed later still."""
    old = made.issue("Expired Signer", world.root, not_after=NOW - 30 * DAY)
    pdf = made.Pdf.new()
    pdf.time_stamp(world.authority, NOW)
    pdf.sign(lambda covered: made.cms(old, covered))
    verdict = judge(pdf.data, at=NOW + DAY)
    assert (verdict.integrity, verdict.indication, verdict.sub_indication) == (
        Integrity.INTACT, Indication.TOTAL_FAILED, SubIndication.EXPIRED,
    )  # fmt: skip


# --- revocation ---

CRL_URL = "http://crl.example.org/root.crl"


@pytest.fixture(scope="module")
def declared(world) -> made.Identity:
    """Says where its revocation status is to be had."""
    return made.issue("Declaring Signer", world.root, crl_url=CRL_URL)


def test_revocation_data_is_wanted_where_it_is_declared(world, declared, judge: Judge) -> None:
    data = made.signed(declared)
    assert judge(data).sub_indication is SubIndication.TRY_LATER
    assert judge(data, policy=Policy(revocation="ignored")).indication is Indication.TOTAL_PASSED
    good = judge(data, crls=[made.crl(world.root)])
    assert (good.indication, good.signatures[0].revocation) == (Indication.TOTAL_PASSED, "good")
    assert judge(made.signed(world.signer), policy=REQUIRED).sub_indication is SubIndication.TRY_LATER


def test_ocsp_serves_as_well(world, declared, judge: Judge) -> None:
    good = judge(made.signed(declared), ocsps=[made.ocsp(declared, world.root)])
    assert (good.indication, good.signatures[0].revocation) == (Indication.TOTAL_PASSED, "good")


@pytest.mark.parametrize(
    "reason", [None, x509.ReasonFlags.key_compromise, x509.ReasonFlags.superseded, x509.ReasonFlags.certificate_hold]
)
def test_revoked_without_proof(reason: x509.ReasonFlags | None, world, declared, judge: Judge) -> None:
    crl = made.crl(world.root, [(declared, NOW - DAY, reason)])
    verdict = judge(made.signed(declared), crls=[crl])
    assert (verdict.integrity, verdict.sub_indication) == (Integrity.INTACT, SubIndication.REVOKED_NO_POE)
    assert verdict.signatures[0].revocation == "revoked"


def test_revoked_after_the_proven_time(world, declared, judge: Judge) -> None:
    later = NOW + 10 * DAY
    crl = made.crl(world.root, [(declared, NOW + 5 * DAY, None)], this_update=later, next_update=later + DAY)
    verdict = judge(made.signed(declared, stamp=world.stamp()), at=later + DAY, crls=[crl])
    assert (verdict.indication, verdict.signatures[0].revocation) == (Indication.TOTAL_PASSED, "good")


def test_revoked_before_something_that_it_covers_was_time_stamped(world, declared, judge: Judge) -> None:
    pdf = made.Pdf.new()
    pdf.time_stamp(world.authority, NOW)
    pdf.sign(lambda covered: made.cms(declared, covered))
    crl = made.crl(world.root, [(declared, NOW - DAY, None)])
    verdict = judge(pdf.data, at=NOW + DAY, crls=[crl])
    assert (verdict.indication, verdict.sub_indication) == (Indication.TOTAL_FAILED, SubIndication.REVOKED)


def test_revoked_issuer(world, judge: Judge) -> None:
    authority = made.issue("Sub CA", world.root, ca=True)
    crl = made.crl(world.root, [(authority, NOW - DAY, None)])
    verdict = judge(made.signed(made.issue("Sample Signer", authority)), crls=[crl])
    assert outcome(verdict)[::2] == (Integrity.INTACT, SubIndication.REVOKED_CA_NO_POE)


def test_revocation_shows_without_anchors_too(world, declared, judge: Judge) -> None:
    crl = made.crl(world.root, [(declared, NOW - DAY, None)])
    assert judge(made.signed(declared), roots=[], crls=[crl]).signatures[0].revocation == "revoked"


def delta(root: made.Identity) -> bytes:
    return made.crl(root, extra=[(x509.DeltaCRLIndicator(1), True)])


def issuing(root: made.Identity, **scope: object) -> bytes:
    given = dict.fromkeys(
        ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"), False
    )
    full = scope.pop("full_name", None)
    reasons = scope.pop("only_some_reasons", None)
    point = x509.IssuingDistributionPoint(
        full_name=full,
        relative_name=None,
        only_some_reasons=reasons,
        **(given | scope),  # type: ignore[arg-type]
    )
    return made.crl(root, extra=[(point, True)])


UNUSABLE: dict[str, Callable[[made.Identity], bytes]] = {
    "another issuer": lambda root: made.crl(made.issue("Sample Root", ca=True)),
    "delta": delta,
    "CA certificates only": lambda root: issuing(root, only_contains_ca_certs=True),
    "attribute certificates only": lambda root: issuing(root, only_contains_attribute_certs=True),
    "indirect": lambda root: issuing(root, indirect_crl=True),
    "some reasons": lambda root: issuing(root, only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})),
    "another distribution point": lambda root: issuing(
        root, full_name=[x509.UniformResourceIdentifier("http://crl.example.org/other.crl")]
    ),
    "unknown critical extension": lambda root: made.crl(
        root, extra=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True)]
    ),
    "from the future": lambda root: made.crl(root, this_update=NOW + DAY),
    "out of date": lambda root: made.crl(root, this_update=NOW - 9 * DAY, next_update=NOW - DAY),
    "no CRL at all": lambda root: b"\x30\x03\x02\x01\x01",
}


@pytest.mark.parametrize("which", UNUSABLE)
def test_a_crl_that_says_nothing_here(which: str, world, declared, judge: Judge) -> None:
    verdict = judge(made.signed(declared), crls=[UNUSABLE[which](world.root)])
    assert (verdict.sub_indication, verdict.signatures[0].revocation) == (SubIndication.TRY_LATER, "unknown")


def test_clocks_may_be_a_little_apart(world, declared, judge: Judge) -> None:
    crl = made.crl(world.root, this_update=NOW + timedelta(minutes=1))
    assert judge(made.signed(declared), crls=[crl]).indication is Indication.TOTAL_PASSED


def test_crls_for_users_and_for_the_right_point_count(world, declared, judge: Judge) -> None:
    point = issuing(world.root, only_contains_user_certs=True, full_name=[x509.UniformResourceIdentifier(CRL_URL)])
    assert judge(made.signed(declared), crls=[point]).indication is Indication.TOTAL_PASSED


def test_a_broken_crl_signature_is_worth_nothing(world, declared, judge: Judge) -> None:
    broken = bytearray(made.crl(world.root))
    broken[-1] ^= 1
    assert judge(made.signed(declared), crls=[bytes(broken)]).sub_indication is SubIndication.TRY_LATER


def test_after_expiry_a_crl_must_still_list_expired_certificates(world, judge: Judge) -> None:
    short = made.issue("One-time Signer", world.root, not_after=NOW + DAY, crl_url=CRL_URL)
    data = made.signed(short, stamp=world.stamp())
    late = NOW + 3 * DAY
    assert (
        judge(data, at=late, crls=[made.crl(world.root, this_update=late, next_update=late + DAY)]).sub_indication
        is SubIndication.TRY_LATER
    )
    listing = made.crl(world.root, this_update=late, expired_since=NOW - YEAR)
    assert judge(data, at=late, crls=[listing]).indication is Indication.TOTAL_PASSED
    early = made.crl(world.root, this_update=NOW + timedelta(hours=1))
    assert judge(data, at=late, crls=[early]).indication is Indication.TOTAL_PASSED


def responder(root: made.Identity, **more: object) -> made.Identity:
    given = {"extended": ["1.3.6.1.5.5.7.3.9"], **more}
    return made.issue("Responder", root, **given)  # type: ignore[arg-type]


def test_delegated_ocsp_responder(world, declared, judge: Judge) -> None:
    data = made.signed(declared)
    rightful = made.ocsp(declared, world.root, responder(world.root))
    assert judge(data, ocsps=[rightful]).indication is Indication.TOTAL_PASSED
    for wrong in (
        responder(world.root, extended=[]),
        responder(made.issue("Sample Root", ca=True)),
        responder(world.root, not_after=NOW - DAY),
    ):
        answer = made.ocsp(declared, world.root, wrong)
        assert judge(data, ocsps=[answer]).sub_indication is SubIndication.TRY_LATER


def test_an_ocsp_answer_about_another_certificate(world, declared, judge: Judge) -> None:
    about_another = made.ocsp(made.issue("Another", world.root), world.root)
    assert judge(made.signed(declared), ocsps=[about_another]).sub_indication is SubIndication.TRY_LATER


def test_revoked_by_ocsp(world, declared, judge: Judge) -> None:
    answer = made.ocsp(declared, world.root, revoked_at=NOW - DAY, reason=x509.ReasonFlags.key_compromise)
    verdict = judge(made.signed(declared), ocsps=[answer])
    assert verdict.sub_indication is SubIndication.REVOKED_NO_POE
    assert any("key compromise" in f.message for f in verdict.signatures[0].findings if f.code == "revoked")


def test_a_crl_by_the_same_authority_with_another_key(world, declared, judge: Judge) -> None:
    parent = made.issue("Parent", ca=True)
    old, new = (made.issue("Rolling CA", parent, ca=True) for _ in range(2))
    signer = made.issue("Sample Signer", old, crl_url=CRL_URL)
    data = made.signed(signer, How(certificates=[*signer.chain, new.der]))
    assert judge(data, roots=[parent], crls=[made.crl(new)]).signatures[0].revocation == "good"
    stranger = made.issue("Rolling CA", made.issue("Parent", ca=True), ca=True)
    data = made.signed(signer, How(certificates=[*signer.chain, stranger.der]))
    assert judge(data, roots=[parent], crls=[made.crl(stranger)]).signatures[0].revocation == "unknown"


def test_revocation_data_inside_the_signature(world, declared, judge: Judge) -> None:
    assert judge(made.signed(declared, How(crls=[made.crl(world.root)]))).signatures[0].revocation == "good"
    archival = made.sequence(made.tlv(0xA1, made.sequence(made.ocsp(declared, world.root))))
    how = How(extra_signed=[("1.2.840.113583.1.1.8", archival)])
    assert judge(made.signed(declared, how)).signatures[0].revocation == "good"


def test_serial_numbers_are_found_among_many(world) -> None:
    from signing_core.verification.crl import parse_crl

    many = [
        made.issue(f"S{i}", world.root, kind="rsa1024", serial=serial)
        for i, serial in enumerate((1, 127, 128, 255, 256, 2**158 + 5))
    ]
    crl = parse_crl(made.crl(world.root, [(identity, NOW - DAY, None) for identity in many[::2]]))
    assert crl is not None
    for index, identity in enumerate(many):
        certificate = parse(identity.der)
        assert certificate is not None
        assert (crl.entry(certificate).revoked_at is not None) == (index % 2 == 0)
