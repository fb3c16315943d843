"""From facts to one signature's verdict: the rows of the truth table, in the order in which they are asked.

(1) signature value and digest; (2) coverage, unexplained bytes, changes; (3) what could not be judged; (4) algorithms at
the time the signature is proven for; (5) the X.509 certificate's chain, revocation and validity; (6) what the policy asks
of the time. The first that speaks against the signature gives the indication; all of them give their findings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from signing_core.pdf.revisions import Finding as StructureFinding
from signing_core.policy import NEVER, Judgement, Policy
from signing_core.verdict import (
    Changes,
    Finding,
    Indication,
    Level,
    SignatureVerdict,
    SigningCertificate,
    SubIndication,
    Trust,
)
from signing_core.verification import findings
from signing_core.verification.algorithms import IDENTIFY_NOTHING
from signing_core.verification.chains import ChainVerdict
from signing_core.verification.examination import Examined
from signing_core.verification.sufficiency import insufficient, insufficient_reference
from signing_core.verification.times import JudgedToken, Timing

Role = Literal["first-party", "client", "seal"]
_Cause = tuple[Indication, SubIndication | None]
_OPEN: Final = Indication.INDETERMINATE
_FAILED: Final = Indication.TOTAL_FAILED
_MADE_UNCLEAR: Final = frozenset({"signature-shared-later", "signature-name-reused"})
"""What a later revision did to make it unclear whose signature is seen where, whatever the change analysis makes of it."""


@dataclass(frozen=True)
class ChangesSince:
    """What the change analysis says of everything after the signed revision."""

    level: Changes
    findings: tuple[Finding, ...] = ()


def conclude(
    item: Examined,
    *,
    role: Role | None,
    level: Level | None,
    timing: Timing,
    chain: ChainVerdict | None,
    own_token: JudgedToken | None,
    tokens: Sequence[JudgedToken],
    changes: ChangesSince,
    covered_sha256: str | None,
    policy: Policy,
    extra: tuple[tuple[str, str], ...] = (),
) -> SignatureVerdict:
    """`own_token` is the judged token of a document time-stamp, `tokens` those of a signature."""
    record = item.record
    name = record.fields[0] if record.fields else None
    notes = list(
        dict.fromkeys((*item.notes, *extra, *(n for t in tokens for n in (*t.checked.notes, *t.notes)), *timing.notes))
    )
    causes: list[_Cause] = []
    if changes.level in ("none", "permitted") and any(f.code in _MADE_UNCLEAR for f in record.findings):
        changes = replace(changes, level="unknown")

    if item.intact is False:
        causes.append((_FAILED, item.sub_indication))
    if record.coverage in ("partial", "invalid"):
        notes.append((f"coverage-{record.coverage}", ""))
        causes.append((_FAILED, SubIndication.FORMAT_FAILURE))
    if changes.level == "forbidden":
        causes.append((_FAILED, SubIndication.FORMAT_FAILURE))
    if item.intact is None:
        causes.append((_OPEN, item.sub_indication))
    if changes.level == "unknown" and not causes:
        notes.append(("changes-unknown", ""))
        causes.append((_OPEN, SubIndication.CUSTOM))
    causes += _algorithms(item, timing, policy, notes)
    if item.has_to_name and item.structure is not None and len(item.structure.signers) > 1:
        causes.append((_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE))
    if item.has_to_name and not all(signer.named for signer in item.signers):
        causes.append((_OPEN, SubIndication.SIG_CONSTRAINTS_FAILURE))
    if any(code in ("signing-certificate-mismatch", "signing-certificate-ambiguous") for code, _ in item.notes):
        causes.append((_OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND))
    if chain is not None:
        notes += chain.notes
        if chain.indication is not Indication.TOTAL_PASSED:
            causes.append((chain.indication, chain.sub_indication))
    elif not causes:
        causes.append((_OPEN, SubIndication.NO_SIGNING_CERTIFICATE_FOUND))
    if own_token is not None:
        notes += [note for note in own_token.notes if note[0] not in ("time-stamp-undecided", "time-stamp-untrusted")]
        if not own_token.proves:
            causes.append((_OPEN, SubIndication.CHAIN_CONSTRAINTS_FAILURE))
    elif policy.require_time_stamp and timing.proof is None:
        notes.append(("time-stamp-missing", ""))
        causes.append((_OPEN, SubIndication.NO_POE))
    if timing.inconsistent:
        causes.append((_OPEN, SubIndication.TIMESTAMP_ORDER_FAILURE))

    indication, sub_indication = _worst(causes)
    certificate = item.certificate
    primary = item.primary
    best = own_token or timing.best
    return SignatureVerdict(
        fields=record.fields,
        kind="document-timestamp" if record.kind == "document-timestamp" else "signature",
        role=role,
        revision=record.revision,
        sub_filter=record.sub_filter,
        level=level,
        docmdp=record.doc_mdp,
        signer=certificate.common_name if certificate else None,
        certificate=SigningCertificate(certificate.sha256.hex(), certificate.issuer_text, str(certificate.serial))
        if certificate
        else None,
        claimed_time=item.claimed_time,
        proven_time=_proven(timing, own_token),
        time_authority=best.authority if best else None,
        digest_algorithm=_digest_shown(item),
        signature_algorithm=primary.scheme.shown if primary and primary.scheme else None,
        byte_range=record.byte_range,
        covered_sha256=covered_sha256,
        intact=item.intact,
        coverage=record.coverage.value,
        changes=changes.level,
        revocation=chain.revocation if chain else "unknown",
        trust=chain.trust if chain else Trust.UNKNOWN,
        indication=indication,
        sub_indication=sub_indication,
        findings=_findings(item, notes, changes, name),
    )


def _proven(timing: Timing, own: JudgedToken | None) -> datetime | None:
    if own is not None and own.proves:
        return own.time
    return timing.proof.time if timing.proof else None


def _digest_shown(item: Examined) -> str | None:
    if item.token is not None and item.token.token is not None:
        return item.token.token.imprint_algorithm.replace("_", "-")
    primary = item.primary
    return primary.digest_algorithm.replace("_", "-") if primary and primary.digest_algorithm else None


def _worst(causes: list[_Cause]) -> tuple[Indication, SubIndication | None]:
    """The first that fails it for good, else the first that leaves it open."""
    for wanted in (_FAILED, _OPEN):
        for cause in causes:
            if cause[0] is wanted:
                return cause
    return Indication.TOTAL_PASSED, None


def _algorithms(item: Examined, timing: Timing, policy: Policy, notes: list[tuple[str, str]]) -> list[_Cause]:
    """EN 319 102-1, 5.2.8: whether each algorithm sufficed at the time up to which the signature is proven to exist."""
    causes: list[_Cause] = []
    time = timing.window.upper
    for judgement in insufficient(item.signers, item.content_digests, policy, time):
        if judgement.until == NEVER:
            notes.append(("algorithm-not-accepted", judgement.limit))
        else:
            notes.append(("algorithm-weak", f"{judgement.limit}, sufficient before {judgement.until:%Y-%m-%d}"))
        causes.append(_crypto(judgement))
    for signer in item.signers:
        reference = insufficient_reference(signer, policy, time, token=item.token is not None)
        if reference is not None:
            notes.append(("signing-certificate-attribute-weak", reference.limit))
            if item.has_to_name or signer.reference_digest in IDENTIFY_NOTHING:
                causes.append(_crypto(reference))
        if any(code == "eddsa-digest" for code, _ in signer.notes):
            causes.append((_OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE))
    return causes


def _crypto(judgement: Judgement) -> _Cause:
    never = judgement.until == NEVER
    return _OPEN, (
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE if never else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    )


def from_structure(finding: StructureFinding) -> Finding:
    """A finding of the structure parser or the change analysis as one of the verdict."""
    return Finding(finding.code, finding.severity.value, finding.message, finding.field, finding.revision, finding.page)


def _findings(
    item: Examined, notes: list[tuple[str, str]], changes: ChangesSince, name: str | None
) -> tuple[Finding, ...]:
    revision = item.record.revision
    structural = [from_structure(finding) for finding in item.record.findings]
    known = {finding.code for finding in structural}
    made = [
        findings.make(code, detail, field=name, revision=revision)
        for code, detail in dict.fromkeys(notes)
        if code not in known
    ]
    return tuple(dict.fromkeys((*made, *structural, *changes.findings)))
