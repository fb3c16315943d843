"""Fetching CRLs and OCSP responses over HTTP (RFC 5280, 4.2.1.13; RFC 6960, appendix A.1): only with `--online`.

Addresses come from X.509 certificates in files that anybody may have sent. So only http and https to public hosts are
asked, redirects are not followed, sizes and times are bounded, and what comes back counts only when it is rightly signed.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from signing_core.verification import der
from signing_core.verification.ocsp import issuer_hashes
from signing_core.verification.revocation import Material, material
from signing_core.verification.x509_certificates import X509

_MAX_BYTES: Final = 32 * 1024 * 1024
_SECONDS: Final = 8.0
_LONGEST: Final = 30.0
"""Seconds of one whole answer."""
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
    """For one document. `note` is told what could not be fetched; `allow_private` lets tests ask this machine."""

    def __init__(self, note: Callable[[str, str], None], *, allow_private: bool = False) -> None:
        self._note = note
        self._allow_private = allow_private
        self._requests = 0
        self._known: dict[tuple[bytes, bytes], Material] = {}

    def fetch(self, certificate: X509, issuer: X509) -> Material:
        """Revocation data for `certificate`: OCSP first, CRLs when that gives none."""
        key = (certificate.sha256, issuer.sha256)
        if key not in self._known:
            ocsps = [self._ask(address, request(certificate, issuer)) for address in certificate.ocsp_locations[:2]]
            found = material((), [body for body in ocsps if body])
            if not found.ocsps:
                crls = [self._ask(address, None) for address in certificate.crl_locations[:4]]
                found = material([body for body in crls if body], ())
            self._known[key] = found
        return self._known[key]

    def _ask(self, address: str, body: bytes | None) -> bytes | None:
        import httpx

        try:
            self._requests += 1
            if self._requests > _MAX_REQUESTS or not (self._allow_private or _public(address)):
                self._note("revocation-not-fetched", f"{address} is not asked")
                return None
            headers = {"Content-Type": "application/ocsp-request"} if body is not None else {}
            deadline = time.monotonic() + _LONGEST
            with (
                httpx.Client(timeout=_SECONDS, follow_redirects=False) as client,
                client.stream("GET" if body is None else "POST", address, content=body, headers=headers) as answer,
            ):
                if answer.status_code != 200:
                    self._note("revocation-not-fetched", f"{address} answered {answer.status_code}")
                    return None
                received = bytearray()
                for piece in answer.iter_bytes():
                    received += piece
                    if time.monotonic() > deadline:  # the client's own timeout begins again with every byte
                        raise httpx.ReadTimeout("the answer comes too slowly")
                    if len(received) > _MAX_BYTES:
                        self._note("revocation-not-fetched", f"{address} sends too much")
                        return None
            return bytes(received)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            self._note("revocation-not-fetched", f"{address}: {type(error).__name__}")
            return None


def _public(address: str) -> bool:
    """Whether an address from a foreign certificate leads to a public host: it must not make us ask inner services."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        return False
    found = {entry[4][0] for entry in socket.getaddrinfo(parts.hostname, parts.port or 80, proto=socket.IPPROTO_TCP)}
    return bool(found) and all(ipaddress.ip_address(host).is_global for host in found)
