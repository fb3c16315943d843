"""Issuers of an X.509 certificate among given ones. Small on purpose: full path validation is the verifier's work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature

_LONGEST = 8


def issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether `issuer`'s name and key match the issuer of `certificate`."""
    if certificate.issuer != issuer.subject:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def self_issued(certificate: x509.Certificate) -> bool:
    return certificate.subject == certificate.issuer


def is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def issuers(certificate: x509.Certificate, pool: Iterable[x509.Certificate]) -> list[x509.Certificate]:
    """The issuers found in `pool`, nearest first, ending at a self-signed one or where the pool has no further."""
    candidates, found, current = list(pool), list[x509.Certificate](), certificate
    while not self_issued(current) and len(found) < _LONGEST:
        issuer = next((c for c in candidates if c not in found and is_ca(c) and issued_by(current, c)), None)
        if issuer is None:
            break
        found.append(issuer)
        current = issuer
    return found


def reaches(
    certificate: x509.Certificate, pool: Iterable[x509.Certificate], anchors: Iterable[x509.Certificate], at: datetime
) -> bool:
    """Whether a chain through `pool` ends at one of `anchors`, every certificate of it valid at the time `at`."""
    trusted = list(anchors)
    path = [certificate, *issuers(certificate, [*trusted, *pool])]
    for length, member in enumerate(path):
        if not member.not_valid_before_utc <= at <= member.not_valid_after_utc:
            return False
        if member in trusted or any(issued_by(member, anchor) for anchor in trusted):
            return length < _LONGEST
    return False
