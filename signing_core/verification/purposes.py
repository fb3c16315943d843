"""Whether an X.509 certificate is for what it was used for: key usage, extended key usage (RFC 5280, 4.2.1.3 and 4.2.1.12)."""

from __future__ import annotations

from signing_core.pki.x509_certificates import X509
from signing_core.policy.purposes import SIGN_DOCUMENTS, TIME_STAMPING, named
from signing_core.verification.listed import Purpose
from signing_core.verification.signers import Note


def against(certificate: X509, purpose: Purpose) -> tuple[Note, ...]:
    """What speaks against having used it so, in findings. Nothing when all is well."""
    return _of_documents(certificate) if purpose == "document" else _of_time_stamps(certificate)


def _of_documents(certificate: X509) -> tuple[Note, ...]:
    notes: list[Note] = []
    if not certificate.may_sign_content:
        notes.append(("key-usage", ""))
    usage = certificate.extended_key_usage
    if usage is not None and not usage & SIGN_DOCUMENTS:
        notes.append(("extended-key-usage", _shown(usage)))
    return tuple(notes)


def _of_time_stamps(certificate: X509) -> tuple[Note, ...]:
    """RFC 3161, 2.3: the extension has to be there, critical, with this one purpose."""
    usage = certificate.extended_key_usage
    reasons = []
    if usage is None or TIME_STAMPING not in usage:
        reasons.append(f"it is for {_shown(usage)}" if usage else "it does not say that it is for time-stamping")
    elif len(usage) > 1:
        reasons.append(f"it is for {_shown(usage - {TIME_STAMPING})}, too")
    elif not certificate.extended_key_usage_critical:
        reasons.append("its extended key usage is not critical")
    if not certificate.may_sign_content:
        reasons.append("its key usage does not allow it")
    return tuple(("time-stamp-key-usage", reason) for reason in reasons)


def _shown(usage: frozenset[str]) -> str:
    return ", ".join(sorted(named(oid) for oid in usage)) or "nothing that can be read"
