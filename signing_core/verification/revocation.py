"""Revocation data of every origin together: what it says of one X.509 certificate, and whether it may."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from signing_core.verification.crl import Crl, parse_crl
from signing_core.verification.issuer_signatures import issued_by
from signing_core.verification.ocsp import Ocsp, parse_ocsp
from signing_core.verification.revocation_entry import Entry
from signing_core.verification.x509_certificates import X509


@dataclass(frozen=True)
class Material:
    """Revocation data to draw on, whatever its origin."""

    crls: tuple[Crl, ...] = ()
    ocsps: tuple[Ocsp, ...] = ()
    unreadable: int = field(default=0)

    def __add__(self, other: Material) -> Material:
        return Material(
            tuple(dict.fromkeys(self.crls + other.crls)),
            tuple(dict.fromkeys(self.ocsps + other.ocsps)),
            self.unreadable + other.unreadable,
        )


def material(crls: Iterable[bytes], ocsps: Iterable[bytes]) -> Material:
    """From DER; what cannot be read is counted."""
    parsed_crls = [parse_crl(encoded) for encoded in crls]
    parsed_ocsps = [parse_ocsp(encoded) for encoded in ocsps]
    return Material(
        tuple(dict.fromkeys(crl for crl in parsed_crls if crl)),
        tuple(dict.fromkeys(ocsp for ocsp in parsed_ocsps if ocsp)),
        parsed_crls.count(None) + parsed_ocsps.count(None),
    )


def mentioned(certificate: X509, issuer: X509, data: Material) -> bool:
    """Whether any of the data is about the certificate, rightly signed or not."""
    return any(ocsp.entry(certificate, issuer) for ocsp in data.ocsps) or any(
        crl.applies_to(certificate) for crl in data.crls
    )


def entries(certificate: X509, issuer: X509, data: Material, others: tuple[X509, ...], at: datetime) -> list[Entry]:
    """Everything that data published until `at` and rightly signed says of the certificate, newest first."""
    found = []
    for ocsp in data.ocsps:
        entry = ocsp.entry(certificate, issuer)
        if entry is not None and entry.this_update <= at and ocsp.signed_under(issuer, others):
            found.append(entry)
    for crl in data.crls:
        if crl.this_update <= at and crl.applies_to(certificate) and _crl_signer(crl, issuer, others):
            found.append(crl.entry(certificate))
    return sorted(found, key=lambda entry: entry.this_update, reverse=True)


def _crl_signer(crl: Crl, issuer: X509, others: tuple[X509, ...]) -> bool:
    if crl.signed_by(issuer):
        return True
    # After a key change the same authority signs with another key, or one key for certificates and one for CRLs: then
    # its certificate has to come from the same parent, or from the authority's own key (RFC 5280, 6.3.3 (f)).
    return any(
        other.subject_key == issuer.subject_key
        and other.spki != issuer.spki
        and (
            issued_by(other, issuer) or (other.issuer_key == issuer.issuer_key and _same_parent(other, issuer, others))
        )
        and crl.signed_by(other)
        for other in others
    )


def _same_parent(one: X509, two: X509, others: tuple[X509, ...]) -> bool:
    return any(
        parent.subject_key == two.issuer_key and issued_by(one, parent) and issued_by(two, parent) for parent in others
    )
