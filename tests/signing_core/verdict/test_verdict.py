"""The folding rules, and the truth table of the contract row by row. Real documents for each row: test_verification_truth_table."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core.verdict import (
    CertificateVerdict,
    DocumentVerdict,
    Finding,
    Indication,
    Integrity,
    PolicyReference,
    SignatureVerdict,
    SigningCertificate,
    SubIndication,
    TimeAuthority,
    TimeAxis,
    Trust,
    fold,
    rfc3339,
    summary,
)

PASSED, OPEN, FAILED = Indication.TOTAL_PASSED, Indication.INDETERMINATE, Indication.TOTAL_FAILED
TIME = datetime(2026, 1, 31, 12, tzinfo=UTC)

GOOD = SignatureVerdict(
    fields=("Signature1",),
    kind="signature",
    role=None,
    revision=1,
    sub_filter="ETSI.CAdES.detached",
    level="B-T",
    docmdp=None,
    signer="Sample Client",
    certificate=SigningCertificate("00" * 32, "CN=Sample CA", "17"),
    claimed_time=TIME,
    proven_time=TIME,
    time_authority=TimeAuthority("Sample TSA", False),
    digest_algorithm="sha256",
    signature_algorithm="ecdsa-sha256",
    byte_range=(0, 10, 20, 5),
    covered_sha256="11" * 32,
    intact=True,
    coverage="whole-file",
    changes="none",
    revocation="good",
    trust=Trust.TRUSTED,
    indication=PASSED,
    sub_indication=None,
    findings=(Finding("time-stamp-embedded", "info", "Time.", "Signature1", 1, None),),
)


def like(**changes: object) -> SignatureVerdict:
    return dataclasses.replace(GOOD, **changes)  # type: ignore[arg-type]


ROWS = {
    "a digest does not verify": (
        like(intact=False, indication=FAILED, sub_indication=SubIndication.HASH_FAILURE),
        Integrity.ALTERED, FAILED, SubIndication.HASH_FAILURE,
    ),
    "a signature value does not verify": (
        like(intact=False, indication=FAILED, sub_indication=SubIndication.SIG_CRYPTO_FAILURE),
        Integrity.ALTERED, FAILED, SubIndication.SIG_CRYPTO_FAILURE,
    ),
    "wrong coverage": (
        like(coverage="partial", changes="unknown", indication=FAILED, sub_indication=SubIndication.FORMAT_FAILURE),
        Integrity.ALTERED, FAILED, SubIndication.FORMAT_FAILURE,
    ),
    "forbidden changes or unexplained bytes": (
        like(coverage="whole-revision", changes="forbidden", indication=FAILED, sub_indication=SubIndication.FORMAT_FAILURE),
        Integrity.ALTERED, FAILED, SubIndication.FORMAT_FAILURE,
    ),
    "cannot be judged": (
        like(intact=None, indication=OPEN, sub_indication=SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
        Integrity.INDETERMINATE, OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    ),
    "algorithm too weak and not proven older": (
        like(changes="permitted", indication=OPEN, sub_indication=SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE),
        Integrity.INTACT, OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    ),
    "no anchors given or no chain to one": (
        like(trust=Trust.UNKNOWN, indication=OPEN, sub_indication=SubIndication.NO_CERTIFICATE_CHAIN_FOUND),
        Integrity.INTACT, OPEN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    ),
    "chain, revocation, time in order": (GOOD, Integrity.INTACT, PASSED, None),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_truth_table(row: str) -> None:
    signature, integrity, indication, sub_indication = ROWS[row]
    folded = fold([signature])
    assert (folded.integrity, folded.indication, folded.sub_indication) == (integrity, indication, sub_indication)


def test_truth_table_last_row_no_signature_field_filled() -> None:
    folded = fold([])
    assert (folded.integrity, folded.indication, folded.sub_indication, folded.trust) == (
        Integrity.UNSIGNED,
        None,
        None,
        None,
    )


@pytest.mark.parametrize("sub", [SubIndication.REVOKED, SubIndication.EXPIRED, SubIndication.NOT_YET_VALID])
def test_failing_for_the_signers_sake_leaves_the_bytes_intact(sub: SubIndication) -> None:
    folded = fold([like(indication=FAILED, sub_indication=sub)])
    assert (folded.integrity, folded.indication, folded.sub_indication) == (Integrity.INTACT, FAILED, sub)


ALTERED, UNKNOWN, INTACT = ROWS["a digest does not verify"][0], ROWS["cannot be judged"][0], GOOD


@pytest.mark.parametrize(
    ("signatures", "integrity"),
    [
        ([INTACT, INTACT], Integrity.INTACT),
        ([INTACT, UNKNOWN], Integrity.INDETERMINATE),
        ([UNKNOWN, ALTERED, INTACT], Integrity.ALTERED),
    ],
)
def test_a_document_is_as_good_as_its_worst_signature(signatures: list[SignatureVerdict], integrity: Integrity) -> None:
    assert fold(signatures).integrity is integrity


@given(st.lists(st.sampled_from([row[0] for row in ROWS.values()]), min_size=1, max_size=6))
def test_folding_does_not_depend_on_the_order_but_for_the_sub_indication(signatures: list[SignatureVerdict]) -> None:
    forward, backward = fold(signatures), fold(signatures[::-1])
    assert (forward.integrity, forward.indication, forward.trust) == (
        backward.integrity,
        backward.indication,
        backward.trust,
    )


@given(st.lists(st.sampled_from([row[0] for row in ROWS.values()]), min_size=1, max_size=6))
def test_integrity_and_indication_never_contradict_each_other(signatures: list[SignatureVerdict]) -> None:
    folded = fold(signatures)
    if folded.integrity is Integrity.ALTERED:
        assert folded.indication is FAILED
    if folded.indication is PASSED:
        assert folded.integrity is Integrity.INTACT


def test_what_the_document_itself_adds() -> None:
    altered = fold([GOOD], document=Integrity.ALTERED)
    assert (altered.integrity, altered.indication, altered.sub_indication) == (
        Integrity.ALTERED, FAILED, SubIndication.FORMAT_FAILURE,
    )  # fmt: skip
    unread = fold([], document=Integrity.INDETERMINATE)
    assert (unread.integrity, unread.indication) == (Integrity.INDETERMINATE, OPEN)


def document(**changes: object) -> DocumentVerdict:
    folded = fold([GOOD])
    verdict = DocumentVerdict(
        tool_version="0.1.0",
        policy=PolicyReference("sample", "22" * 32),
        at=TIME,
        path="contract.pdf",
        sha256="33" * 32,
        size=25,
        pages=1,
        encrypted=False,
        document_id=None,
        integrity=folded.integrity,
        trust=folded.trust,
        time=TimeAxis.PROVEN,
        indication=folded.indication,
        sub_indication=folded.sub_indication,
        signatures=(GOOD,),
    )
    return dataclasses.replace(verdict, **changes)  # type: ignore[arg-type]


DOCUMENT_KEYS = [
    "schema_version",
    "tool_version",
    "policy",
    "at",
    "path",
    "sha256",
    "size",
    "pages",
    "encrypted",
    "document_id",
    "integrity",
    "trust",
    "time",
    "indication",
    "sub_indication",
    "signatures",
    "certificate",
    "registry",
    "audit_log",
    "findings",
    "elapsed_ms",
]
SIGNATURE_KEYS = [
    "fields",
    "kind",
    "role",
    "revision",
    "sub_filter",
    "level",
    "docmdp",
    "signer",
    "certificate",
    "claimed_time",
    "proven_time",
    "time_authority",
    "digest_algorithm",
    "signature_algorithm",
    "byte_range",
    "covered_sha256",
    "intact",
    "coverage",
    "changes",
    "revocation",
    "trust",
    "indication",
    "sub_indication",
    "findings",
]


def test_json_has_exactly_the_keys_of_the_contract() -> None:
    content = json.loads(json.dumps(document().to_json()))
    assert list(content) == DOCUMENT_KEYS
    assert list(content["signatures"][0]) == SIGNATURE_KEYS
    assert list(content["policy"]) == ["id", "sha256"]
    assert list(content["certificate"]) == ["present", "sealed_by_us", "house", "qr", "prefix"]
    assert list(content["signatures"][0]["certificate"]) == ["sha256", "issuer", "serial"]
    assert list(content["signatures"][0]["time_authority"]) == ["name", "embedded"]
    assert list(content["signatures"][0]["findings"][0]) == ["code", "severity", "message", "field", "revision", "page"]
    assert content["at"] == "2026-01-31T12:00:00Z"


def test_json_is_read_back_as_it_was() -> None:
    bare = like(certificate=None, claimed_time=None, proven_time=None, time_authority=None, byte_range=None)
    verdict = document(signatures=(GOOD, bare, ALTERED), findings=(Finding("no-signature", "info", "None."),))
    assert DocumentVerdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    unsigned = document(integrity=Integrity.UNSIGNED, trust=None, time=None, indication=None, signatures=())
    assert DocumentVerdict.from_json(json.loads(json.dumps(unsigned.to_json()))) == unsigned


@pytest.mark.parametrize("content", [{}, {"schema_version": 99}, document().to_json() | {"unknown": 1}])
def test_what_is_no_verdict_is_not_read(content: dict[str, object]) -> None:
    with pytest.raises((KeyError, ValueError, TypeError)):
        DocumentVerdict.from_json(content)


def test_unsigned_json_has_nulls_where_there_is_nothing_to_say() -> None:
    content = document(
        integrity=Integrity.UNSIGNED,
        trust=None,
        time=None,
        indication=None,
        signatures=(),
        certificate=CertificateVerdict(),
    ).to_json()
    assert [content[key] for key in ("trust", "time", "indication", "sub_indication")] == [None] * 4


def test_times_are_rfc_3339_in_utc() -> None:
    assert (
        rfc3339(datetime(2026, 1, 31, 13, 0, 0, 500_000, timezone(timedelta(hours=1)))) == "2026-01-31T12:00:00.500000Z"
    )
    assert rfc3339(None) is None


@pytest.mark.parametrize(
    ("changes", "in_order"),
    [
        ({}, True),
        ({"integrity": Integrity.ALTERED}, False),
        ({"integrity": Integrity.UNSIGNED, "trust": None, "indication": None}, False),
        ({"trust": Trust.UNKNOWN, "indication": OPEN}, True),
        ({"trust": Trust.UNTRUSTED, "indication": OPEN}, False),
        ({"trust": Trust.TRUSTED, "indication": OPEN}, False),
    ],
)
def test_what_exit_status_0_asks_for(changes: dict[str, object], in_order: bool) -> None:
    assert document(**changes).in_order is in_order


def test_summary_counts_every_integrity() -> None:
    assert summary([document(), document(integrity=Integrity.ALTERED)]) == {
        "unsigned": 0, "intact": 1, "indeterminate": 0, "altered": 1,
    }  # fmt: skip
