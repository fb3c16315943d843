"""One HTTP request to another machine, the only way there is: every client of `signing_core` calls `ask`.

Addresses of CRLs and OCSP responders come from documents that anybody may have sent, and answers from machines that nobody
here runs. So of every request:

1. The URL is http or https, without user and password. One from a document names port 80 or 443; the operator may set others.
2. The host is resolved once. From a document, every address found has to be public (`addresses`), or none is asked.
3. One of exactly these addresses is connected to. TLS checks the certificate for the name in the URL.
4. No proxy is asked, whatever the environment says.
5. The answer is wanted as it is (`Accept-Encoding: identity`); one in another coding is refused unread.
6. Bytes are counted as they arrive, header and framing included, and one deadline is for everything: resolving, connecting,
   TLS, asking, reading. A server that trickles gains nothing.
7. A redirect is followed for a GET only, three times at most, within the same host, scheme and port or to https on port 443
   of that host, and at the addresses found first. Every other redirect is the answer, for the caller to refuse.
"""

from __future__ import annotations

import base64
import http.client
import os
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from signing_core.network.addresses import is_public
from signing_core.network.streams import Deadline, LimitedSocket, TooMuch, TooSlow, resolve_within

Resolver = Callable[[str, int], Sequence[str]]
"""From a host and a port to IP addresses, as `socket.getaddrinfo` writes them. Raises `OSError`."""

_PORTS: Final = {"http": 80, "https": 443}
_MOST_REDIRECTS: Final = 3
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_HEADER_ROOM: Final = 128 * 1024
"""Bytes for status line, header and trailer."""
_PIECE: Final = 64 * 1024
_CONNECTING: Final = 8.0
"""Seconds at most for one address: who answers at all does so sooner."""


class RequestFailed(Exception):
    """No whole answer. `reason` is a few words that name neither URL nor content::

    RequestFailed
    ├── NotAsked       nothing was sent: address refused, host unknown, nobody there, no TLS
    └── NotAnswered    asked, and no whole answer came: cut off, too slow, too large, encoded
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class NotAsked(RequestFailed):
    pass


class NotAnswered(RequestFailed):
    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status
        """When the answer had begun; only its body is not whole then."""


@dataclass(frozen=True)
class Answer:
    """Whatever the status. `body` as it was sent, `content_type` in lower case and without parameters."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class _Target:
    parts: SplitResult
    host: str
    port: int
    addresses: tuple[str, ...]

    @property
    def secure(self) -> bool:
        return self.parts.scheme == "https"

    @property
    def path(self) -> str:
        path = (self.parts.path or "/") + (f"?{self.parts.query}" if self.parts.query else "")
        return quote(path, safe="!#$%&'()*+,/:;=?@[]~")


def ask(
    url: str,
    *,
    by_operator: bool,
    seconds: float,
    largest: int,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    resolve: Resolver | None = None,
) -> Answer:
    """The answer to a GET, to a POST when there is a `body`.

    `by_operator`: the operator set this address, so it may be on any port and in a private network; never true for an
    address from a document. `seconds` for all of it, `largest` in bytes of the body. `auth`: user and password (RFC 7617).
    `resolve` stands in for the system's resolver. Raises `NotAsked` and `NotAnswered`.
    """
    deadline = Deadline(seconds)
    sent = {"User-Agent": "sealtrail", "Accept-Encoding": "identity", "Connection": "close", **(headers or {})}
    if auth is not None:
        sent["Authorization"] = "Basic " + base64.b64encode(f"{auth[0]}:{auth[1]}".encode()).decode()
    target = _target(url, by_operator, deadline, resolve or _resolved)
    for _ in range(_MOST_REDIRECTS + 1):
        answer, location = _exchange(target, deadline, largest, body, sent)
        onward = _followed(target, location, by_operator) if body is None and answer.status in _REDIRECTS else None
        if onward is None:
            return answer
        target = onward
    raise NotAnswered("it redirects without end")


def _target(url: str, by_operator: bool, deadline: Deadline, resolve: Resolver) -> _Target:
    parts, host, port = _parsed(url, by_operator)
    try:
        addresses = tuple(dict.fromkeys(resolve_within(deadline, lambda: resolve(host, port))))
    except TooSlow:
        raise NotAsked(f"the host is not found within {deadline.seconds:g} s") from None
    except (OSError, UnicodeError):
        raise NotAsked("the host is not known") from None
    if not addresses:
        raise NotAsked("the host is not known")
    if not by_operator and not all(is_public(address) for address in addresses):
        raise NotAsked("the address is not public")
    return _Target(parts, host, port, addresses)


def _parsed(url: str, by_operator: bool) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if not host.isascii():
            import idna

            host = idna.encode(host, uts46=True).decode()
    except ValueError:
        raise NotAsked("the address is no URL") from None
    if parts.scheme not in _PORTS or not host or parts.username is not None or not url.isprintable() or " " in url:
        raise NotAsked("the address is no URL that can be asked")
    if port is None:
        port = _PORTS[parts.scheme]
    elif port not in _PORTS.values() and not by_operator:
        raise NotAsked(f"port {port} is not asked")
    return parts, host, port


def _resolved(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _followed(target: _Target, location: str | None, by_operator: bool) -> _Target | None:
    """Where a redirect leads when it stays with the host, None when it is not followed."""
    if location is None:
        return None
    try:
        parts, host, port = _parsed(urljoin(target.parts.geturl(), location), by_operator)
    except (NotAsked, ValueError):
        return None
    if host != target.host or (parts.scheme, port) not in ((target.parts.scheme, target.port), ("https", 443)):
        return None
    return _Target(parts, host, port, target.addresses)


def _exchange(
    target: _Target, deadline: Deadline, largest: int, body: bytes | None, headers: Mapping[str, str]
) -> tuple[Answer, str | None]:
    """(the answer, where it redirects to)."""
    connection = http.client.HTTPConnection(target.host, target.port)
    connection.auto_open = 0  # it never connects by itself
    status: int | None = None
    with _connected(target, deadline) as connected:
        connection.sock = LimitedSocket(connected, deadline, largest + largest // 8 + _HEADER_ROOM)
        try:
            connection.request("GET" if body is None else "POST", target.path, body, dict(headers))
            with connection.getresponse() as response:
                status = response.status
                return _read(response, largest), response.getheader("Location")
        except TooSlow:
            raise NotAnswered(f"no whole answer within {deadline.seconds:g} s", status) from None
        except TooMuch:
            raise NotAnswered("too many bytes", status) from None
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise NotAnswered(f"no whole answer, {type(error).__name__}", status) from None


def _connected(target: _Target, deadline: Deadline) -> socket.socket:
    problem = f"nobody answers within {deadline.seconds:g} s"
    for index, address in enumerate(target.addresses):
        try:
            share = min(_CONNECTING, deadline.left() / (len(target.addresses) - index))
            plain = socket.create_connection((address, target.port), timeout=share)
        except TooSlow:
            break
        except OSError as error:
            problem = f"nobody answers, {type(error).__name__}"
            continue
        if not target.secure:
            return plain
        try:
            plain.settimeout(deadline.left())
            return _tls().wrap_socket(plain, server_hostname=target.host)
        except (TooSlow, OSError, ValueError) as error:
            plain.close()
            problem = f"no TLS connection, {type(error).__name__}"
    raise NotAsked(problem)


def _read(response: http.client.HTTPResponse, largest: int) -> Answer:
    coding = response.getheader("Content-Encoding", "identity").strip().lower()
    framing = response.getheader("Transfer-Encoding", "chunked").strip().lower()
    if coding not in ("identity", "") or framing != "chunked":
        raise NotAnswered("the answer is encoded")
    received = bytearray()
    while piece := response.read(_PIECE):
        received += piece
        if len(received) > largest:
            raise TooMuch
    if response.length:  # what was announced and did not come; `read` with a size says nothing of it
        raise http.client.IncompleteRead(b"", response.length)
    kind = response.getheader("Content-Type", "").partition(";")[0].strip().lower()
    return Answer(response.status, kind, bytes(received))


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """The authorities that the environment names, as every program with OpenSSL does, else Mozilla's."""
    if "SSL_CERT_FILE" in os.environ or "SSL_CERT_DIR" in os.environ:
        return ssl.create_default_context()
    import certifi

    return ssl.create_default_context(cafile=certifi.where())
