"""Fetching CRLs and OCSP responses over HTTP (RFC 5280, 4.2.1.13; RFC 6960, appendix A.1): only with `--online`.

Addresses come from X.509 certificates in files that anybody may have sent: `signing_core.network` says what is asked of them.
What comes back counts only when it is rightly signed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from signing_core.network import RequestFailed, ask
from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.verification.ocsp import issuer_hashes
from signing_core.verification.revocation import Material, material

_MAX_BYTES: Final = 32 * 1024 * 1024
_SECONDS: Final = 30.0
_MAX_REQUESTS: Final = 24
_SHA1: Final = bytes.fromhex("300906052b0e03021a0500")


def request(certificate: X509, issuer: X509) -> bytes:
    """An OCSP request for one certificate (RFC 6960, 4.1.1), by SHA-1 as every responder understands it."""
    name, key = issuer_hashes("sha1", issuer)
    length = max(1, (certificate.serial.bit_length() + 8) // 8)
    identifier = der.encode(
        der.SEQUENCE,
        _SHA1
        + der.encode(der.OCTET_STRING, name)
        + der.encode(der.OCTET_STRING, key)
        + der.encode(der.INTEGER, certificate.serial.to_bytes(length, "big", signed=True)),
    )
    single = der.encode(der.SEQUENCE, identifier)
    return der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, der.encode(der.SEQUENCE, single)))


class Fetcher:
    """For one document. `note` is told what could not be fetched; `by_operator` lets tests ask this machine."""

    def __init__(self, note: Callable[[str, str], None], *, by_operator: bool = False) -> None:
        self._note = note
        self._by_operator = by_operator
        self._requests = 0
        self._known: dict[tuple[bytes, bytes], Material] = {}

    def fetch(self, certificate: X509, issuer: X509) -> Material:
        """Revocation data for `certificate`: OCSP first, CRLs when that gives no answer by who may answer."""
        key = (certificate.sha256, issuer.sha256)
        if key not in self._known:
            ocsps = [self._ask(address, request(certificate, issuer)) for address in certificate.ocsp_locations[:2]]
            found = material((), [body for body in ocsps if body])
            if not any(
                ocsp.entries(certificate, issuer) and ocsp.signed_under(certificate, issuer, ()) for ocsp in found.ocsps
            ):
                crls = [self._ask(address, None) for address in certificate.crl_locations[:4]]
                found += material([body for body in crls if body], ())
            self._known[key] = found
        return self._known[key]

    def _ask(self, address: str, body: bytes | None) -> bytes | None:
        self._requests += 1
        if self._requests > _MAX_REQUESTS:
            self._note("revocation-not-fetched", f"{address} is not asked")
            return None
        headers = {"Content-Type": "application/ocsp-request"} if body is not None else {}
        try:
            answer = ask(
                address, by_operator=self._by_operator, seconds=_SECONDS, largest=_MAX_BYTES, body=body, headers=headers
            )
        except RequestFailed as error:
            self._note("revocation-not-fetched", f"{address}: {error.reason}")
            return None
        if answer.status != 200:
            self._note("revocation-not-fetched", f"{address} answered {answer.status}")
            return None
        return answer.body
