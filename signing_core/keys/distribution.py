"""CRLs of other CAs, fetched from where their X.509 certificates say (RFC 5280, section 4.2.1.13).

A key or a time-stamp authority from a trust service has an issuer that we are not; what proves later that its X.509
certificate was good when it was used has to be fetched while it can be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.errors import KeyUnavailable
from signing_core.keys import chains
from signing_core.network import RequestFailed, ask

LARGEST_CRL: Final = 32 << 20
"""Bytes; some trust services have lists of several megabytes."""


def fetch_crls(
    certificates: Iterable[x509.Certificate],
    issuers: Sequence[x509.Certificate],
    *,
    now: datetime,
    hosts: Collection[str] = (),
    timeout: float = 60.0,
    clock_skew: timedelta = timedelta(minutes=5),
) -> list[bytes]:
    """The DER CRL for each of `certificates` that is not self-issued, each list once.

    `issuers` are the X.509 certificates whose keys may have signed the lists. `hosts`: those that the operator named, with
    their port or for every port; others have to be public (`signing_core.network`). `timeout` in seconds, for each address.
    Raises `KeyUnavailable` naming the certificate when no list can be had, or it is not its issuer's, or it is outdated.
    """
    fetched: dict[str, bytes] = {}
    for certificate in certificates:
        if chains.self_issued(certificate):
            continue
        urls = distribution_points(certificate)
        if not urls:
            raise KeyUnavailable(
                f"The X.509 certificate {_name(certificate)} names no CRL over HTTP, so its validity could not be proven "
                "later; use one that does."
            )
        problems = []
        for url in urls:
            try:
                fetched.setdefault(url, _checked(_get(url, timeout, hosts), certificate, issuers, now, clock_skew))
                break
            except KeyUnavailable as error:
                problems.append(str(error))
        else:
            raise KeyUnavailable(problems[0])
    return list(dict.fromkeys(fetched.values()))


def distribution_points(certificate: x509.Certificate) -> list[str]:
    """The HTTP URLs of the CRL distribution points extension, in its order."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [
        name.value
        for point in points
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier) and name.value.lower().startswith(("http://", "https://"))
    ]


def _get(url: str, timeout: float, hosts: Collection[str]) -> bytes:
    parts = urlsplit(url)
    named = parts.hostname in hosts or parts.netloc.lower() in hosts
    try:
        answer = ask(url, by_operator=named, seconds=timeout, largest=LARGEST_CRL)
    except RequestFailed as error:
        reason = error.reason
    else:
        if answer.status == 200:
            return answer.body
        reason = f"HTTP status {answer.status}"
    raise KeyUnavailable(f"The CRL at {url} could not be fetched ({reason}); it is tried again later.")


def _checked(
    data: bytes, certificate: x509.Certificate, issuers: Sequence[x509.Certificate], now: datetime, skew: timedelta
) -> bytes:
    try:
        load = x509.load_pem_x509_crl if data.lstrip().startswith(b"-----BEGIN") else x509.load_der_x509_crl
        crl = load(data)
    except ValueError:
        raise KeyUnavailable(f"What is served as CRL for {_name(certificate)} is none; ask its issuer.") from None
    if not any(_signed_by(crl, issuer) for issuer in issuers if issuer.subject == certificate.issuer):
        raise KeyUnavailable(f"The CRL for {_name(certificate)} is not signed by its issuer; ask the issuer.")
    end = crl.next_update_utc
    if crl.last_update_utc - skew > now or (end is not None and end + skew < now):
        raise KeyUnavailable(f"The CRL for {_name(certificate)} is outdated; it is tried again later.")
    return crl.public_bytes(Encoding.DER)


def _signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]
    except (InvalidSignature, UnsupportedAlgorithm, TypeError, ValueError):
        return False


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()
