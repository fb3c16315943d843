"""The two time-stamp authorities: the embedded one, and one that is asked over HTTP (RFC 3161, section 3.4)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from signing_core.errors import KeyUnavailable, TimeStampUnavailable, UsageError
from signing_core.keys import rfc3161
from signing_core.keys.interface import SigningKey
from signing_core.keys.rfc3161 import Refusal, Request, TokenInvalid
from signing_core.keys.settings import Clock
from signing_core.keys.token_maker import TokenMaker
from signing_core.network import Answer, NotAnswered, NotAsked, ask

QUERY_TYPE: Final = "application/timestamp-query"
REPLY_TYPE: Final = "application/timestamp-reply"

_LARGEST_REPLY = 256 * 1024
_PAUSES: Final = (0.2, 1.0)
"""Seconds before the second and the third try."""


class EmbeddedAuthority:
    """The authority inside the workspace: its time is this machine's clock and it is marked as such everywhere."""

    embedded: Final = True

    def __init__(self, key: SigningKey, *, clock: Clock, accuracy_seconds: int = 1) -> None:
        self._key = key
        self._clock = clock
        self._accuracy_seconds = accuracy_seconds
        self._maker = TokenMaker(key)

    @property
    def name(self) -> str:
        return _common_name(self._key.certificate)

    @property
    def certificate(self) -> x509.Certificate:
        return self._key.certificate

    @property
    def chain(self) -> tuple[x509.Certificate, ...]:
        return tuple(self._key.chain)

    def time_stamp(self, imprint: bytes) -> bytes:
        _check_imprint(imprint)
        try:
            return self._token(rfc3161.new_request(imprint))
        except KeyUnavailable as error:
            raise TimeStampUnavailable(f"{self.name} cannot time-stamp: {error}") from error

    def respond(self, request: bytes) -> bytes:
        """A DER TimeStampResp to a DER TimeStampReq, whatever its bytes are."""
        try:
            return rfc3161.response(self._token(rfc3161.read_request(request)))
        except Refusal as reason:
            return rfc3161.refusal(reason)
        except TimeStampUnavailable:
            return rfc3161.refusal(Refusal("time_not_available"))
        except KeyUnavailable:
            return rfc3161.refusal(Refusal("system_failure"))

    def _token(self, request: Request) -> bytes:
        now, certificate = self._clock(), self._key.certificate
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise TimeStampUnavailable(
                f"{self.name} cannot time-stamp: its X.509 certificate is not valid at {now:%Y-%m-%d}; check this "
                "machine's clock or renew the key."
            )
        return self._maker.make(request, at=now, accuracy_seconds=self._accuracy_seconds)

    def __repr__(self) -> str:
        return f"EmbeddedAuthority({self.name!r})"


class HttpAuthority:
    """An authority asked over HTTP or HTTPS.

    `auth`: user and password; those in the URL are used too and never shown. `timeout` in seconds, of one try as a whole.
    `anchors`: where given, only an authority certified by one of them is accepted. With `clock`, a token whose time is
    more than `tolerance` away from this machine's is refused, since one of the two clocks is wrong then. Raises
    `UsageError` for a URL of another kind.
    """

    embedded: Final = False

    def __init__(
        self,
        url: str,
        *,
        auth: tuple[str, str] | None = None,
        timeout: float = 10.0,
        anchors: Iterable[x509.Certificate] | None = None,
        clock: Clock | None = None,
        tolerance: timedelta = timedelta(minutes=1),
    ) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise UsageError("The time-stamp authority's address is no http:// or https:// URL; correct the setting.")
        if parts.username is not None and auth is None:
            auth = (unquote(parts.username), unquote(parts.password or ""))
        self._url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        self._host = parts.hostname or ""
        self._auth = auth
        self._timeout = timeout
        self._anchors = None if anchors is None else list(anchors)
        self._clock = clock
        self._tolerance = tolerance

    @property
    def name(self) -> str:
        return self._host

    def time_stamp(self, imprint: bytes) -> bytes:
        _check_imprint(imprint)
        request = rfc3161.new_request(imprint)
        reply = self._ask(request.dump())
        try:
            checked = rfc3161.check_response(reply, request, anchors=self._anchors)
        except TokenInvalid as error:
            raise TimeStampUnavailable(f"The time-stamp authority {self._host} {error}.") from error
        if self._clock is not None and abs(checked.time - self._clock()) > self._tolerance:
            raise TimeStampUnavailable(
                f"The time-stamp authority {self._host} states {checked.time:%Y-%m-%d %H:%M:%S} UTC, which is more than "
                f"{self._tolerance.total_seconds():.0f} s away from this machine's clock; correct the clock."
            )
        return checked.token

    def _ask(self, body: bytes) -> bytes:
        """The reply's bytes. No answer, a busy or a failing server is asked again; a refusal is final."""
        problem = ""
        headers = {"Content-Type": QUERY_TYPE, "Accept": REPLY_TYPE}
        for pause in (0.0, *_PAUSES):
            time.sleep(pause)
            try:
                answer = ask(
                    self._url, by_operator=True, seconds=self._timeout, largest=_LARGEST_REPLY, body=body,
                    headers=headers, auth=self._auth,
                )  # fmt: skip
            except NotAsked as error:
                problem = f"could not be reached ({error.reason})"
            except NotAnswered as error:
                problem = f"did not answer as it should ({error.reason})"
            else:
                if answer.status == 200:
                    return self._reply(answer)
                problem = f"answered with HTTP status {answer.status}"
                if answer.status < 500 and answer.status not in (408, 429):
                    break
        raise TimeStampUnavailable(f"The time-stamp authority {self._host} {problem}; it will be asked again later.")

    def _reply(self, answer: Answer) -> bytes:
        if answer.content_type != REPLY_TYPE:
            raise TimeStampUnavailable(
                f"The time-stamp authority {self._host} answered with something that is no time-stamp response; "
                "check its address."
            )
        return answer.body

    def __repr__(self) -> str:
        return f"HttpAuthority({self._host!r})"


def _check_imprint(imprint: bytes) -> None:
    if len(imprint) != 32:
        raise ValueError("an imprint is a SHA-256 digest of 32 bytes")


def _common_name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
