"""Time-stamps: what they prove, for how long, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import signed_samples as made
from cryptography import x509
from signed_samples import NOW, YEAR, How, Pdf

from signing_core.policy import Policy
from signing_core.verdict import DocumentVerdict, Indication, Integrity, SubIndication, TimeAxis, Trust

Judge = Callable[..., DocumentVerdict]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def stamped(world, token: Callable[[bytes], bytes]) -> bytes:
    return made.signed(world.signer, stamp=token)


def test_a_time_stamp_proves_the_time(world, judge: Judge) -> None:
    verdict = judge(stamped(world, world.stamp()), at=NOW + DAY)
    (signature,) = verdict.signatures
    assert (verdict.time, signature.level, signature.proven_time) == (TimeAxis.PROVEN, "B-T", NOW)
    assert signature.time_authority is not None
    assert (signature.time_authority.name, signature.time_authority.embedded) == ("Sample TSA", False)


def test_without_one_the_time_is_claimed(world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer))
    assert (verdict.time, verdict.signatures[0].proven_time, verdict.signatures[0].claimed_time) == (
        TimeAxis.CLAIMED,
        None,
        NOW,
    )
    strict = judge(made.signed(world.signer), policy=Policy(require_time_stamp=True))
    assert strict.sub_indication is SubIndication.NO_POE
    assert "time-stamp-missing" in codes(strict)


def test_without_anchors_a_whole_time_stamp_is_named_and_proves_nothing(world, judge: Judge, codes) -> None:
    verdict = judge(stamped(world, world.stamp()), roots=[])
    assert (verdict.time, verdict.signatures[0].level) == (TimeAxis.CLAIMED, "B-T")
    assert "time-stamp-unanchored" in codes(verdict)


BAD: dict[str, tuple[Callable[..., Callable[[bytes], bytes]], str]] = {
    "over something else": (lambda w: lambda v: made.token(w.authority, v + b"x", NOW), "time-stamp-imprint"),
    "broken": (lambda w: lambda v: made.token(w.authority, v, NOW, how=How(break_value=True)), "time-stamp-broken"),
    "no structure": (lambda w: lambda v: b"\x30\x00", "time-stamp-malformed"),
    "not for time-stamping": (lambda w: lambda v: made.token(w.signer, v, NOW), "time-stamp-key-usage"),
    "unknown authority": (
        lambda w: lambda v: made.token(made.time_stamping("TSA", made.issue("R", ca=True)), v, NOW),
        "time-stamp-untrusted",
    ),
    "expired authority": (
        lambda w: lambda v: made.token(made.time_stamping("TSA", w.root, not_after=NOW - DAY), v, NOW - HOUR),
        "time-stamp-untrusted",
    ),
    "SHA-1": (lambda w: lambda v: made.token(w.authority, v, NOW, imprint="sha1"), "time-stamp-weak"),
}


@pytest.mark.parametrize("which", BAD)
def test_a_time_stamp_that_proves_nothing(which: str, world, judge: Judge, codes) -> None:
    token, code = BAD[which]
    verdict = judge(stamped(world, token(world)), at=NOW + DAY)
    assert (verdict.integrity, verdict.time, verdict.signatures[0].proven_time) == (
        Integrity.INTACT,
        TimeAxis.CLAIMED,
        None,
    )
    assert code in codes(verdict)


UNPROVEN: dict[str, tuple[Callable[..., Callable[[bytes], bytes]], str]] = {
    "weak imprint": (lambda w: lambda v: made.token(w.authority, v, NOW, imprint="sha1"), "Sample TSA, {} (SHA-1)"),
    "weak key": (
        lambda w: lambda v: made.token(made.time_stamping("Old TSA", w.root, kind="rsa1024"), v, NOW),
        "Old TSA, {} (RSA with 1024 bits)",
    ),
    "unknown": (
        lambda w: lambda v: made.token(made.time_stamping("TSA", made.issue("R", ca=True)), v, NOW),
        "TSA, {} (chain not found: the last issuer is O=Sample,CN=R)",
    ),
    "unreadable": (lambda w: lambda v: b"\x30\x00", "signature time-stamp 1, there is no CMS structure"),
    "over something else": (
        lambda w: lambda v: made.token(w.authority, v + b"x", NOW),
        "signature time-stamp 1 of 2026-06-01 12:00:00 UTC",
    ),
}


@pytest.mark.parametrize("which", UNPROVEN)
def test_a_time_stamp_says_which_it_is_and_what_is_wrong(which: str, world, judge: Judge) -> None:
    token, wanted = UNPROVEN[which]
    (signature,) = judge(stamped(world, token(world)), at=NOW + DAY).signatures
    said = [f.message for f in signature.findings if f.code.startswith("time-stamp-") and f.severity != "info"]
    assert len(said) == 1
    assert said[0].endswith(": " + wanted.format("2026-06-01 12:00:00 UTC") + ".")


def test_an_unanchored_time_stamp_is_named(world, judge: Judge) -> None:
    (signature,) = judge(stamped(world, world.stamp()), roots=[]).signatures
    (finding,) = [f for f in signature.findings if f.code == "time-stamp-unanchored"]
    assert "Sample TSA, 2026-06-01 12:00:00 UTC" in finding.message


def test_a_bad_document_time_stamp_makes_the_document_altered(world, judge: Judge) -> None:
    pdf = Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered))
    pdf.sign(
        lambda covered: made.token(world.authority, covered + b"x", NOW), sub_filter="ETSI.RFC3161", kind="DocTimeStamp"
    )
    verdict = judge(pdf.data)
    assert (verdict.integrity, verdict.sub_indication) == (Integrity.ALTERED, SubIndication.HASH_FAILURE)
    assert [s.intact for s in verdict.signatures] == [True, False]


def test_a_document_as_good_as_its_worst_time_stamp(world, judge: Judge) -> None:
    pdf = Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered))
    pdf.time_stamp(made.time_stamping("Unknown TSA", made.issue("Another Root", ca=True)), NOW)
    verdict = judge(pdf.data)
    assert (verdict.integrity, verdict.trust, verdict.indication) == (
        Integrity.INTACT, Trust.UNTRUSTED, Indication.INDETERMINATE,
    )  # fmt: skip


def archived(world, *, renew: list[tuple[made.Identity, object]] | None = None) -> Pdf:
    pdf = Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered, stamp=world.stamp()))
    pdf.add_store([world.root.der], [made.crl(world.root, this_update=NOW + HOUR)])
    pdf.time_stamp(world.authority, NOW + DAY)
    for authority, time in renew or ():
        pdf.time_stamp(authority, time)  # type: ignore[arg-type]
    return pdf


def test_levels_from_the_file(world, judge: Judge) -> None:
    pdf = archived(world)
    verdict = judge(pdf.data, at=NOW + 2 * DAY)
    assert [s.level for s in verdict.signatures] == ["B-LTA", None]
    assert [s.kind for s in verdict.signatures] == ["signature", "document-timestamp"]
    assert verdict.indication is Indication.TOTAL_PASSED


def test_past_expiry_with_a_proof_of_existence(world, judge: Judge) -> None:
    """Signer expired (2 years), time-stamp authority not yet (5 years)."""
    verdict = judge(archived(world).data, at=NOW + 4 * YEAR)
    assert (verdict.indication, verdict.time) == (Indication.TOTAL_PASSED, TimeAxis.PROVEN)


def test_a_renewed_time_stamp_carries_the_earlier_ones(world, judge: Judge) -> None:
    later = made.time_stamping("Later TSA", world.root, not_before=NOW + 4 * YEAR, not_after=NOW + 12 * YEAR)
    renewed = archived(world, renew=[(later, NOW + 4 * YEAR + DAY)])
    assert judge(renewed.data, at=NOW + 10 * YEAR).indication is Indication.TOTAL_PASSED
    never = judge(archived(world).data, at=NOW + 10 * YEAR)
    assert (never.integrity, never.indication) == (Integrity.INTACT, Indication.INDETERMINATE)
    too_late = made.time_stamping("Late TSA", world.root, not_before=NOW + 6 * YEAR, not_after=NOW + 12 * YEAR)
    missed = archived(world, renew=[(too_late, NOW + 7 * YEAR)])
    assert judge(missed.data, at=NOW + 10 * YEAR).indication is Indication.INDETERMINATE


def test_weak_by_now_and_strong_when_it_was_stamped(world, judge: Judge) -> None:
    later = NOW + 4 * YEAR
    assert later.year == 2030  # RSA below 3,000 bits sufficed until the end of 2028
    signer = made.issue("RSA Signer", world.root, kind="rsa2048", not_after=NOW + 5 * YEAR)
    bare = judge(made.signed(signer), at=later)
    assert bare.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    assert judge(made.signed(signer)).indication is Indication.TOTAL_PASSED
    proven = judge(made.signed(signer, stamp=world.stamp()), at=later)
    assert proven.indication is Indication.TOTAL_PASSED


@pytest.mark.parametrize(
    ("reason", "proves"),
    [
        (x509.ReasonFlags.superseded, True),
        (x509.ReasonFlags.cessation_of_operation, True),
        (x509.ReasonFlags.key_compromise, False),
        (None, False),
    ],
)
def test_an_authority_revoked_later(reason: x509.ReasonFlags | None, proves: bool, world, judge: Judge) -> None:
    """RFC 3161, section 4: what it stamped before stays good unless the key may have been in other hands."""
    crl = made.crl(world.root, [(world.authority, NOW + DAY, reason)], this_update=NOW + 2 * DAY)
    verdict = judge(stamped(world, world.stamp()), at=NOW + 3 * DAY, crls=[crl])
    assert (verdict.signatures[0].proven_time is not None) is proves


def test_a_time_stamp_from_after_the_time_judged_for(world, judge: Judge) -> None:
    verdict = judge(stamped(world, world.stamp(NOW + DAY)), at=NOW)
    assert verdict.signatures[0].proven_time is None
    nearly = NOW + timedelta(minutes=1)
    assert judge(stamped(world, world.stamp(nearly)), at=NOW).signatures[0].proven_time == nearly


def test_claimed_later_than_proven(world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, stamp=world.stamp(), time=NOW + 3 * DAY), at=NOW + DAY)
    assert verdict.time is TimeAxis.INCONSISTENT
    assert "claimed-time-later" in codes(verdict)
    assert (
        judge(made.signed(world.signer, stamp=world.stamp(), time=NOW + timedelta(minutes=5))).time is TimeAxis.PROVEN
    )


CLAIMED: dict[str, tuple[dict[str, object], timedelta, str | None]] = {
    "in the future": ({"time": NOW + 3 * DAY}, DAY, "claimed-time-future"),
    "just now": ({"time": NOW + DAY + timedelta(minutes=50)}, DAY, None),
    "before the certificate": ({"time": NOW - 3 * YEAR}, DAY, "claimed-time-outside"),
    "after the certificate": ({"time": NOW + 3 * YEAR}, 4 * YEAR, "claimed-time-outside"),
    "the certificate has ended since": ({"time": NOW}, 4 * YEAR, None),
    "local time, ahead": ({"time": None, "entries": "/M(D:20260602210000)"}, DAY, None),
    "local time, too far ahead": ({"time": None, "entries": "/M(D:20260603120000)"}, DAY, "claimed-time-future"),
    "none": ({"time": None}, DAY, None),
}


@pytest.mark.parametrize("which", CLAIMED)
def test_a_claimed_time_that_cannot_be(which: str, world, judge: Judge, codes) -> None:
    how, later, code = CLAIMED[which]
    verdict = judge(made.signed(world.signer, **how), at=NOW + later)
    assert verdict.integrity is Integrity.INTACT
    assert verdict.time is (TimeAxis.INCONSISTENT if code else TimeAxis.CLAIMED)
    assert {c for c in codes(verdict) if c.startswith("claimed-time")} == ({code} if code else set())
    if code:
        assert verdict.indication is Indication.INDETERMINATE


def test_a_claimed_time_beside_a_proven_one_is_another_question(world, judge: Judge, codes) -> None:
    verdict = judge(made.signed(world.signer, stamp=world.stamp(), time=NOW - 3 * YEAR), at=NOW + DAY)
    assert (verdict.time, codes(verdict) & {"claimed-time-outside", "claimed-time-future"}) == (TimeAxis.PROVEN, set())


def test_time_stamps_out_of_order(world, judge: Judge, codes) -> None:
    pdf = Pdf.new()
    pdf.time_stamp(world.authority, NOW)
    pdf.sign(lambda covered: made.cms(world.signer, covered, stamp=world.stamp(NOW - DAY)))
    verdict = judge(pdf.data, at=NOW + DAY)
    assert (verdict.time, verdict.sub_indication) == (TimeAxis.INCONSISTENT, SubIndication.TIMESTAMP_ORDER_FAILURE)
    assert "time-order" in codes(verdict)


def test_the_embedded_authority_is_marked_and_can_be_refused(world, judge: Judge, codes) -> None:
    from signing_core.keys.oids import TIME_STAMP_POLICY

    embedded = made.time_stamping("Embedded", world.root, policies=[TIME_STAMP_POLICY])
    data = stamped(world, lambda v: made.token(embedded, v, NOW))
    verdict = judge(data)
    authority = verdict.signatures[0].time_authority
    assert authority is not None and authority.embedded
    assert "time-stamp-embedded" in codes(verdict)
    assert judge(data, policy=Policy(accept_embedded_authority=False)).time is TimeAxis.CLAIMED


def test_only_document_time_stamps(world, judge: Judge) -> None:
    pdf = Pdf.new()
    pdf.time_stamp(world.authority, NOW)
    verdict = judge(pdf.data)
    assert (verdict.integrity, verdict.time, verdict.indication) == (
        Integrity.INTACT, TimeAxis.PROVEN, Indication.TOTAL_PASSED,
    )  # fmt: skip
    assert verdict.signatures[0].kind == "document-timestamp"


def test_a_document_time_stamp_of_the_wrong_type_is_no_archive_time_stamp(world, judge: Judge) -> None:
    pdf = Pdf.new()
    pdf.sign(lambda covered: made.cms(world.signer, covered, stamp=world.stamp()))
    pdf.add_store([world.root.der], [made.crl(world.root)])
    pdf.sign(lambda covered: made.token(world.authority, covered, NOW), sub_filter="ETSI.RFC3161", kind="Sig")
    verdict = judge(pdf.data)
    assert [s.kind for s in verdict.signatures] == ["signature", "document-timestamp"]
    assert verdict.signatures[0].level == "B-LT"
