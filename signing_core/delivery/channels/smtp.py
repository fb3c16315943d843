"""E-mail over SMTP (RFC 5321), with STARTTLS (RFC 3207), implicit TLS (RFC 8314) or, on this machine, in the clear.

What matters to the outbox is how far a failed try came. Up to the dot that ends DATA nothing has been handed over: the
server must drop what it got (RFC 5321, section 4.1.1.4). Between the dot and the server's answer nobody can tell.
"""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from datetime import datetime
from typing import Final, Literal

from signing_core.delivery.channels.deadline import cut_after
from signing_core.delivery.channels.interface import OutgoingMessage, Receipt
from signing_core.delivery.channels.loopback import is_loopback
from signing_core.delivery.redaction import harmless
from signing_core.errors import DeliveryFailed, UsageError

Security = Literal["starttls", "tls", "none"]

ANSWER_SECONDS: Final = 180.0
"""How long the answer to the final dot may take: servers scan the whole message before they give it."""

_PIECE: Final = 65_536  # bytes
_SLOWEST: Final = 50_000  # bytes per second: a server that takes less is given up


class SmtpChannel:
    """A mail server that takes our messages. One connection for each message."""

    name = "smtp"
    idempotent = False  # a Message-ID lets people and mailboxes see a repetition; servers do not have to

    def __init__(
        self,
        host: str,
        port: int = 587,
        *,
        security: Security = "starttls",
        user: str | None = None,
        password: str | None = None,
        timeout: float = 20.0,
        answer_timeout: float = ANSWER_SECONDS,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """`timeout` is for every single answer, in seconds; `context` says which X.509 certificates are trusted, by
        default those of the system. Raises `UsageError` where a password would cross a network in the clear."""
        if security == "none" and not is_loopback(host):
            raise UsageError(
                f"Mail to {host} would cross the network in the clear, links and codes included; "
                "set mail security to starttls or tls."
            )
        if (user is None) != (password is None):
            raise UsageError("Mail needs both user and password, or neither; complete the settings.")
        self.host = host
        self.port = port
        self.security = security
        self._login = None if user is None or password is None else (user, password)
        self._timeout = timeout
        self._answer_timeout = answer_timeout
        self._context = context or (ssl.create_default_context() if security != "none" else None)

    def __repr__(self) -> str:
        return f"SmtpChannel({self.host!r}, {self.port}, security={self.security!r})"

    def send(self, message: OutgoingMessage, *, now: datetime) -> Receipt:
        server = self._connect(message.sender.domain)
        longest = self._timeout * 6 + self._answer_timeout + len(message.data) / _SLOWEST
        with cut_after(longest, lambda: server.sock):
            try:
                self._transmit(server, message)
                reply = self._hand_over(server, message)
            finally:
                server.close()
        return reply

    def _connect(self, hello: str) -> smtplib.SMTP:
        """`hello` is what we call ourselves: looking up this machine's own name could take longer than any timeout."""
        try:
            if self.security == "tls":
                return smtplib.SMTP_SSL(self.host, self.port, hello, timeout=self._timeout, context=self._context)
            return smtplib.SMTP(self.host, self.port, hello, timeout=self._timeout)
        except smtplib.SMTPResponseException as error:
            raise self._failed("did not welcome us", error) from None
        except (OSError, smtplib.SMTPException) as error:
            raise self._failed("could not be reached", error) from None

    def _transmit(self, server: smtplib.SMTP, message: OutgoingMessage) -> None:
        """Everything up to, but without, the dot that ends DATA."""
        try:
            server.ehlo_or_helo_if_needed()
            if self.security == "starttls":
                if not server.has_extn("starttls"):  # never fall back to sending in the clear
                    raise self._failure("does not offer STARTTLS; set mail security to tls, or ask its operator")
                server.starttls(context=self._context)
                server.ehlo()
            if self._login is not None:
                server.login(*self._login)
            self._check_size(server, message)
            options = [f"SIZE={len(message.data)}"] if server.has_extn("size") else []
            self._step(server.mail(message.sender.address, options), "did not take the sender", message_fault=False)
            self._step(server.rcpt(message.recipient), "did not take the recipient")
            self._step(server.docmd("DATA"), "did not take the message", wanted=3)
            # Leading dots are doubled (RFC 5321, section 4.5.2).
            data = (b"\r\n" + message.data).replace(b"\r\n.", b"\r\n..")[2:]
            if not data.endswith(b"\r\n"):
                data += b"\r\n"
            # In pieces, since a socket's timeout holds for the whole of what is sent at once.
            for start in range(0, len(data), _PIECE):
                server.send(data[start : start + _PIECE])
        except DeliveryFailed:
            raise
        except smtplib.SMTPAuthenticationError as error:
            raise self._failed("did not take user and password", error) from None
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._failed("broke off before it had the message", error) from None

    def _hand_over(self, server: smtplib.SMTP, message: OutgoingMessage) -> Receipt:
        try:
            if server.sock is not None:
                server.sock.settimeout(self._answer_timeout)
            server.send(b".\r\n")
            code, text = server.getreply()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            raise self._failed("did not say whether it took the message", error, handed_over=True) from None
        if code // 100 not in (2, 4, 5):
            raise self._failure("gave no answer that can be understood", handed_over=True)
        self._step((code, text), "refused the message")
        with suppress(OSError, smtplib.SMTPException, ValueError):
            if server.sock is not None:
                server.sock.settimeout(self._timeout)
            server.docmd("QUIT")
        return Receipt(reference=harmless(text.decode("ascii", "replace"), 120) or None)

    def _check_size(self, server: smtplib.SMTP, message: OutgoingMessage) -> None:
        """RFC 1870: the server says beforehand how much it takes."""
        limit = server.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(message.data):
            raise self._failure(
                f"takes messages up to {int(limit):,} bytes, this one has {len(message.data):,}; send a download link",
                permanent=True,
            )

    def _step(self, reply: tuple[int, bytes], what: str, *, wanted: int = 2, message_fault: bool = True) -> None:
        """4xx is worth another try, 5xx is final: unless it speaks of our settings, which somebody will mend."""
        code, text = reply
        if code // 100 == wanted:
            return
        ours = not message_fault or code in (530, 534, 535, 538)
        said = text.decode("ascii", "replace")
        raise self._failure(f"{what} ({code} {said})", permanent=code // 100 == 5 and (not ours or code == 552))

    def _failed(self, what: str, error: Exception, *, handed_over: bool = False) -> DeliveryFailed:
        if isinstance(error, smtplib.SMTPServerDisconnected) and isinstance(error.__context__, OSError):
            error = error.__context__  # what smtplib hides behind its own
        if isinstance(error, smtplib.SMTPResponseException):
            said = error.smtp_error
            text = said.decode("ascii", "replace") if isinstance(said, bytes) else str(said)
            detail = f"{error.smtp_code} {text}"
        elif isinstance(error, ssl.SSLCertVerificationError):
            detail = f"its X.509 certificate was not accepted: {error.verify_message}"
        elif isinstance(error, TimeoutError):
            detail = "no answer in time"
        else:
            detail = getattr(error, "strerror", None) or type(error).__name__
        return self._failure(f"{what} ({detail})", handed_over=handed_over)

    def _failure(self, what: str, *, permanent: bool = False, handed_over: bool = False) -> DeliveryFailed:
        text = harmless(f"{what}.")
        return DeliveryFailed(f"The mail server {self.host} {text}", permanent=permanent, handed_over=handed_over)
