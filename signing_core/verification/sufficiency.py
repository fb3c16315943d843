"""Every algorithm that carries weight, held against the policy (ETSI EN 319 102-1, 5.2.8).

Signature value, message digest, the digest inside of an adbe.pkcs7.sha1 signature, a time-stamp's imprint and the reference to the
signer's X.509 certificate: each is used, so each is asked about, for signatures and for time-stamp tokens by the same functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from signing_core.policy import Judgement, Policy
from signing_core.verification.signers import Checked


def insufficient(
    signers: Iterable[Checked], digests: Iterable[str], policy: Policy, time: datetime
) -> tuple[Judgement, ...]:
    """What no longer sufficed at `time`, each once. `digests` are those of the content that no SignerInfo names."""
    judgements = [policy.judge_digest(name) for name in digests]
    for signer in signers:
        if signer.algorithm is not None:
            judgements.append(policy.judge(signer.algorithm))
        if signer.digest_algorithm is not None:
            judgements.append(policy.judge_digest(signer.digest_algorithm))
    return tuple(dict.fromkeys(judgement for judgement in judgements if not judgement.good_at(time)))


def insufficient_reference(signer: Checked, policy: Policy, time: datetime, *, token: bool) -> Judgement | None:
    """Whether the digest by which the signer's X.509 certificate is named no longer sufficed at `time`; None when it did.

    In a time-stamp token SHA-1 suffices for that, whatever the policy says of SHA-1: RFC 3161, 2.4.2, prescribed it, most authorities
    still use it, and to exchange the certificate a second preimage would have to be found, which nobody can.
    """
    if signer.reference_digest is None or (token and signer.reference_digest == "sha1"):
        return None
    judgement = policy.judge_digest(signer.reference_digest)
    return None if judgement.good_at(time) else judgement
