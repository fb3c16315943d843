"""Fetching CRLs of other CAs from a real HTTP server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.errors import KeyUnavailable
from signing_core.keys.distribution import distribution_points, fetch_crls
from signing_core.keys.ring import KeyRing
from signing_core.keys.settings import KeySettings


@contextmanager
def _serving(content: dict[str, bytes], pause: float = 0) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = next((data for end, data in content.items() if self.path.endswith(end)), None)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if not pause:
                self.wfile.write(body or b"")
                return
            with suppress(ConnectionError):  # a client that has waited long enough
                for byte in body or b"":
                    self.wfile.write(bytes([byte]))
                    time.sleep(pause)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _client(ring: KeyRing, base_url: str) -> x509.Certificate:
    """An X.509 certificate whose CRL is said to be at `base_url`."""
    there = KeyRing.open(ring.folder, "correct horse battery", KeySettings(base_url=base_url), clock=ring._clock)
    return there.ca.issue_one_time("Sample Client", "abc", now=ring._clock()).certificate


def _fetch(ring: KeyRing, served: bytes | None, now: datetime, issuers: list[x509.Certificate]) -> list[bytes]:
    with _serving({} if served is None else {".crl": served}) as (url, asked):
        certificates = [_client(ring, url), _client(ring, url), ring.ca.certificate]
        found = fetch_crls(certificates, issuers, now=now, hosts=[url.partition("//")[2]])
        assert {Path(path).name for path in asked} == {f"{ring.ca.name}.crl"}
    return found


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_the_crl_is_fetched_checked_and_given_once(ring: KeyRing, encoding: Encoding) -> None:
    now = ring._clock()
    crl = ring.ca.crl(now, 1, [])
    served = x509.load_der_x509_crl(crl).public_bytes(encoding)
    assert _fetch(ring, served, now, [ring.ca.certificate]) == [crl]


def test_what_proves_nothing_is_refused(ring: KeyRing, trust_service: object) -> None:
    now = ring._clock()
    crl, issuers = ring.ca.crl(now, 1, []), [ring.ca.certificate]
    with pytest.raises(KeyUnavailable, match="could not be fetched"):
        _fetch(ring, None, now, issuers)
    with pytest.raises(KeyUnavailable, match="is none"):
        _fetch(ring, b"<html>", now, issuers)
    with pytest.raises(KeyUnavailable, match="not signed by its issuer"):
        _fetch(ring, crl, now, [trust_service.root])  # type: ignore[attr-defined]
    with pytest.raises(KeyUnavailable, match="not signed by its issuer"):
        _fetch(ring, crl[:-1] + bytes([crl[-1] ^ 1]), now, issuers)
    with pytest.raises(KeyUnavailable, match="outdated"):
        _fetch(ring, crl, now + timedelta(days=8), issuers)
    with pytest.raises(KeyUnavailable, match="outdated"):
        _fetch(ring, crl, now - timedelta(hours=1), issuers)


def test_an_x509_certificate_without_an_address_is_named(ring: KeyRing) -> None:
    bare = KeyRing.open(ring.folder, "correct horse battery", clock=ring._clock)
    certificate = bare.ca.issue_one_time("Sample Client", "abc", now=ring._clock()).certificate
    assert distribution_points(certificate) == []
    with pytest.raises(KeyUnavailable, match="CN=Sample Client names no CRL"):
        fetch_crls([certificate], [ring.ca.certificate], now=ring._clock())


def test_a_list_that_comes_byte_after_byte_is_given_up_in_time(ring: KeyRing) -> None:
    late = r"could not be fetched \(no whole answer within 0\.4 s\)"
    with _serving({".crl": b"x" * 60}, pause=0.05) as (url, _), pytest.raises(KeyUnavailable, match=late):
        fetch_crls([_client(ring, url)], [ring.ca.certificate], now=ring._clock(), hosts=["127.0.0.1"], timeout=0.4)


@pytest.mark.parametrize("hosts", [[], ["127.0.0.2"], ["127.0.0.1:80"], ["localhost"]])
def test_a_host_in_here_is_asked_only_when_the_operator_named_it(ring: KeyRing, hosts: list[str]) -> None:
    with _serving({".crl": b"x"}) as (url, asked):
        with pytest.raises(KeyUnavailable, match=r"could not be fetched \(port \d+ is not asked\)"):
            fetch_crls([_client(ring, url)], [ring.ca.certificate], now=ring._clock(), hosts=hosts)
        assert asked == []
    with pytest.raises(KeyUnavailable, match=r"could not be fetched \(the address is not public\)"):
        fetch_crls([_client(ring, "http://127.0.0.1")], [ring.ca.certificate], now=ring._clock(), hosts=hosts)
