"""The one line that an analyst reads first."""

from __future__ import annotations

import dataclasses
import io
from datetime import UTC, datetime

import pytest

from signing_core.verdict import (
    DocumentVerdict,
    Finding,
    Indication,
    Integrity,
    PolicyReference,
    SignatureVerdict,
    Trust,
)
from signing_core.verification.reports import writer

PAGE = Finding("change-page-content", "error", "Page 1 was changed.", None, 6, 1)
FIELD = Finding("change-field-value", "error", "A field was changed.", "amount", 6, None)
DIGEST = Finding("digest-mismatch", "error", "The digest differs.")
REGISTRY = Finding("registry-mismatch", "error", "The registry knows another content.")
LOG = Finding("audit-log-inconsistent", "error", "The log contradicts.")
SEAL = Finding("seal-broken", "error", "The seal does not verify.")
RANGE = Finding("coverage-partial", "error", "A part is not covered.")
OPEN = Finding("change-not-judged", "warning", "A change could not be judged.")
WEAK = Finding("algorithm-weak", "warning", "SHA-1.")
OTHER = Finding("internal-error", "error", "A part failed.")
ADDED = Finding("change-signature", "info", "A signature was added.")


def signature(findings: list[Finding]) -> SignatureVerdict:
    nothing = dict.fromkeys(field.name for field in dataclasses.fields(SignatureVerdict))
    known = {
        "fields": ("Signature1",), "kind": "signature", "revision": 1, "intact": True, "coverage": "whole-revision",
        "changes": "none", "revocation": "good", "trust": Trust.TRUSTED, "indication": Indication.TOTAL_PASSED,
    }  # fmt: skip
    return SignatureVerdict(**{**nothing, **known, "findings": tuple(findings)})  # type: ignore[arg-type]


def with_findings(integrity: Integrity, own: list[Finding], of_signature: list[Finding]) -> DocumentVerdict:
    nothing = dict.fromkeys(
        field.name for field in dataclasses.fields(DocumentVerdict) if field.default is dataclasses.MISSING
    )
    known = {"at": datetime(2026, 1, 31, tzinfo=UTC), "policy": PolicyReference("sample", "22" * 32), "path": "a.pdf"}
    inner = signature(of_signature)
    return DocumentVerdict(
        **{**nothing, **known, "integrity": integrity, "findings": tuple(own), "signatures": (inner, inner)}  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("integrity", "own", "of_signature", "reason"),
    [
        (Integrity.ALTERED, [REGISTRY, LOG], [FIELD, PAGE], PAGE),
        (Integrity.ALTERED, [REGISTRY], [FIELD], FIELD),
        (Integrity.ALTERED, [REGISTRY], [PAGE, DIGEST], DIGEST),
        (Integrity.ALTERED, [REGISTRY, SEAL], [WEAK], SEAL),
        (Integrity.ALTERED, [SEAL], [RANGE], RANGE),
        (Integrity.ALTERED, [REGISTRY], [WEAK, ADDED], REGISTRY),
        (Integrity.INDETERMINATE, [LOG], [WEAK, OPEN], OPEN),
        (Integrity.INDETERMINATE, [OTHER], [], OTHER),
        (Integrity.INTACT, [], [ADDED, WEAK], WEAK),
        (Integrity.INTACT, [REGISTRY], [OPEN], REGISTRY),
        (Integrity.INTACT, [], [ADDED], None),
    ],
)
def test_the_reason_for_the_verdict_comes_first(
    integrity: Integrity, own: list[Finding], of_signature: list[Finding], reason: Finding | None
) -> None:
    verdict = with_findings(integrity, own, of_signature)
    assert verdict.reason == reason
    if reason is not None:
        assert verdict.all_findings[0] == reason
    assert sorted(map(str, verdict.all_findings)) == sorted(map(str, {*own, *of_signature}))


@pytest.mark.parametrize(
    ("finding", "why"),
    [
        (PAGE, "Page 1 was changed (revision 6, after all had signed)."),
        (dataclasses.replace(PAGE, revision=1), "Page 1 was changed (revision 1)."),
        (dataclasses.replace(PAGE, revision=None), "Page 1 was changed."),
        (dataclasses.replace(DIGEST, revision=2), "The digest differs."),
        (ADDED, None),
    ],
)
def test_the_reason_in_one_line_says_when(finding: Finding, why: str | None) -> None:
    assert with_findings(Integrity.ALTERED, [], [finding]).why == why


@pytest.mark.parametrize("kind", ["table", "html", "csv"])
def test_reports_say_it_first(kind: str) -> None:
    stream = io.BytesIO()
    report = writer(kind, stream)
    report.write(with_findings(Integrity.ALTERED, [LOG, REGISTRY], [WEAK, FIELD, PAGE]))
    report.close()
    text = stream.getvalue().decode()
    said = [finding.code for finding in (PAGE, FIELD, LOG, REGISTRY, WEAK)]
    assert sorted(said, key=text.index) == said
    if kind == "html":
        assert '"reason": "Page 1 was changed (revision 6, after all had signed)."' in text
    if kind == "table":
        assert "Page 1 was changed (revision 6, after all had signed)." in text
