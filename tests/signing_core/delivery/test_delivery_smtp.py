"""The SMTP channel against a server that really receives: aiosmtpd for honest ones, a few lines of socket for others."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import pytest
from servers import free_port

from signing_core.delivery.channels.smtp import SmtpChannel
from signing_core.errors import DeliveryFailed, UsageError

DATA = b"Subject: Sample\r\n\r\n.\r\n..two dots\r\n.one dot\r\nlast line\r\n"


def channel(server: Any, **options: Any) -> SmtpChannel:
    return SmtpChannel(server.host, server.port, **({"security": "none", "timeout": 20.0} | options))


def test_a_message_arrives_byte_for_byte(mail_server: Any, sample: SimpleNamespace) -> None:
    server = mail_server()
    receipt = channel(server).send(sample.outgoing(DATA), now=sample.start)
    assert server.received == [DATA]
    assert server.envelopes == [("signing@sample-company.example", ["erika@example.org"])]
    assert receipt.reference == "queued as 4711"


@pytest.mark.parametrize("data", [b"a", b"a\r\n", b".", b".\r\n", b"\r\n.\r\n", b"a\r\n..", b""])
def test_no_content_ends_the_message_early(mail_server: Any, sample: SimpleNamespace, data: bytes) -> None:
    server = mail_server()
    channel(server).send(sample.outgoing(data), now=sample.start)
    assert server.received == [data if data.endswith(b"\r\n") else data + b"\r\n"]


def test_starttls_with_a_trusted_certificate(mail_server: Any, authority: Any, sample: SimpleNamespace) -> None:
    server = mail_server(tls_context=authority.server, require_starttls=True)
    channel(server, security="starttls", context=authority.client).send(sample.outgoing(DATA), now=sample.start)
    assert server.encrypted == [True]


def test_implicit_tls(mail_server: Any, authority: Any, sample: SimpleNamespace) -> None:
    server = mail_server(implicit_tls=authority.server)
    channel(server, security="tls", context=authority.client).send(sample.outgoing(DATA), now=sample.start)
    assert server.received == [DATA]


def test_an_unknown_certificate_is_not_accepted(mail_server: Any, authority: Any, sample: SimpleNamespace) -> None:
    server = mail_server(tls_context=authority.server)
    with pytest.raises(DeliveryFailed, match=r"X.509 certificate was not accepted") as failed:
        channel(server, security="starttls").send(sample.outgoing(DATA), now=sample.start)
    assert not failed.value.permanent and not failed.value.handed_over
    assert server.received == []


def test_no_starttls_means_no_mail_in_the_clear(mail_server: Any, authority: Any, sample: SimpleNamespace) -> None:
    server = mail_server()
    with pytest.raises(DeliveryFailed, match="does not offer STARTTLS"):
        channel(server, security="starttls", context=authority.client).send(sample.outgoing(DATA), now=sample.start)
    assert server.received == []


def test_the_clear_is_for_this_machine_only() -> None:
    with pytest.raises(UsageError, match="in the clear"):
        SmtpChannel("mail.example.org", security="none")
    with pytest.raises(UsageError, match="both user and password"):
        SmtpChannel("mail.example.org", user="signing")


def test_authentication(mail_server: Any, authority: Any, sample: SimpleNamespace) -> None:
    server = mail_server(tls_context=authority.server, login=True)
    options = {"security": "starttls", "context": authority.client, "user": "signing"}
    channel(server, **options, password="a good password").send(sample.outgoing(DATA), now=sample.start)
    assert len(server.received) == 1
    with pytest.raises(DeliveryFailed, match="did not take user and password") as failed:
        channel(server, **options, password="a bad password").send(sample.outgoing(DATA), now=sample.start)
    assert not failed.value.permanent  # somebody will mend the settings; the message is not to blame
    assert "a bad password" not in str(failed.value)
    with pytest.raises(DeliveryFailed, match="530") as failed:
        channel(server, security="starttls", context=authority.client).send(sample.outgoing(DATA), now=sample.start)
    assert not failed.value.permanent
    assert len(server.received) == 1
    assert "a good password" not in repr(channel(server, **options, password="a good password"))


@pytest.mark.parametrize(
    ("step", "answer", "permanent"),
    [
        ("MAIL", "451 try later", False),
        ("MAIL", "550 who are you", False),
        ("MAIL", "552 too big", True),
        ("RCPT", "450 mailbox busy", False),
        ("RCPT", "550 5.1.1 <erika@example.org>: no such user here", True),
        ("DATA", "451 4.7.1 greylisted", False),
        ("DATA", "421 going down", False),
        ("DATA", "554 5.7.1 https://sign.example.org/s/" + "aB3-_" * 8 + "xYz is listed", True),
    ],
)
def test_4xx_is_tried_again_and_5xx_is_final(
    mail_server: Any, sample: SimpleNamespace, step: str, answer: str, permanent: bool
) -> None:
    server = mail_server()
    server.answers[step] = [answer]
    with pytest.raises(DeliveryFailed) as failed:
        channel(server).send(sample.outgoing(DATA), now=sample.start)
    assert (failed.value.permanent, failed.value.handed_over) == (permanent, False)
    assert answer[:3] in str(failed.value)
    assert "erika" not in str(failed.value) and "aB3-" not in str(failed.value)
    assert server.received == []
    channel(server).send(sample.outgoing(DATA), now=sample.start)
    assert len(server.received) == 1


def test_a_size_limit_is_respected_beforehand(mail_server: Any, sample: SimpleNamespace) -> None:
    server = mail_server(data_size_limit=2000)
    with pytest.raises(DeliveryFailed, match="takes messages up to 2,000 bytes") as failed:
        channel(server).send(sample.outgoing(b"x" * 70 + b"\r\n" * 2000), now=sample.start)
    assert failed.value.permanent


def test_nobody_there(sample: SimpleNamespace) -> None:
    port = free_port()
    with pytest.raises(DeliveryFailed, match="could not be reached") as failed:
        SmtpChannel("127.0.0.1", port, security="none").send(sample.outgoing(DATA), now=sample.start)
    assert not failed.value.permanent and not failed.value.handed_over


Script = Callable[[socket.socket], None]


@contextmanager
def strange_server(script: Script) -> Iterator[SimpleNamespace]:
    """A server whose whole behaviour is `script`, for one connection."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(60)

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(60)
            with suppress(OSError):
                script(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        host, port = listener.getsockname()
        yield SimpleNamespace(host=host, port=port)
    finally:
        listener.close()
        thread.join(10)


def talk(connection: socket.socket, *, until: bytes, then: bytes = b"", answer_data: bool = True) -> bytes:
    """Greet, say 250 to everything and 354 to DATA, and stop when `until` has come; returns all that was received."""
    connection.sendall(b"220 strange\r\n")
    received = b""
    answered = 0
    while until not in received:
        chunk = connection.recv(65536)
        if not chunk:
            return received
        received += chunk
        if b"DATA\r\n" in received[:answered] or until in received:
            continue
        for line in received[answered:].split(b"\r\n")[:-1]:
            answered += len(line) + 2
            connection.sendall(b"354 go on\r\n" if line == b"DATA" else b"250 ok\r\n")
    if then:
        connection.sendall(then)
    return received


@pytest.mark.parametrize(
    ("until", "then", "handed_over"),
    [
        (b"ehlo", b"", False),
        (b"mail FROM", b"", False),
        (b"rcpt TO", b"", False),
        (b"DATA\r\n", b"", False),
        (
            b"last line",
            b"",
            True,
        ),  # the rest, the dot included, is on its way when the connection ends: nobody can tell
        (b"\r\n.\r\n", b"", True),
        (b"\r\n.\r\n", b"250-half an ans", True),
        (b"\r\n.\r\n", b"not a number\r\n", True),
        (b"\r\n.\r\n", b"421 closing\r\n", False),
        (b"\r\n.\r\n", b"250 " + b"x" * 100_000 + b"\r\n", True),
    ],
)
def test_a_cut_connection_is_judged_by_how_far_it_came(
    sample: SimpleNamespace, until: bytes, then: bytes, handed_over: bool
) -> None:
    with (
        strange_server(lambda connection: void(talk(connection, until=until, then=then))) as server,
        pytest.raises(DeliveryFailed) as failed,
    ):
        channel(server).send(sample.outgoing(DATA), now=sample.start)
    assert (failed.value.permanent, failed.value.handed_over) == (False, handed_over)


def void(_: object) -> None:
    return None


def test_a_server_that_never_answers_the_dot_leaves_the_message_uncertain(sample: SimpleNamespace) -> None:
    done = threading.Event()

    def script(connection: socket.socket) -> None:
        talk(connection, until=b"\r\n.\r\n")
        done.wait()

    with strange_server(script) as server:
        with pytest.raises(DeliveryFailed, match="no answer in time") as failed:
            channel(server, answer_timeout=0.5).send(sample.outgoing(DATA), now=sample.start)
        done.set()
    assert failed.value.handed_over


def test_a_server_that_trickles_is_cut_off(sample: SimpleNamespace) -> None:
    """Every byte comes within the timeout, the answer never ends."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 slow\r\n")
        connection.recv(1000)
        while True:
            connection.sendall(b"250-")
            time.sleep(0.05)
            connection.sendall(b"more\r\n")

    with strange_server(script) as server, pytest.raises(DeliveryFailed) as failed:
        channel(server, timeout=0.3, answer_timeout=0.2).send(sample.outgoing(DATA), now=sample.start)
    assert not failed.value.handed_over


def test_a_slow_but_honest_server_is_waited_for(mail_server: Any, sample: SimpleNamespace) -> None:
    server = mail_server()
    server.on_data = lambda _: asyncio.sleep(2.5)
    channel(server, timeout=2.0).send(sample.outgoing(DATA), now=sample.start)
    assert len(server.received) == 1


def test_a_slow_line_is_no_timeout(sample: SimpleNamespace) -> None:
    """Longer for the whole message than for any one answer."""
    received = bytearray()

    def script(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        received.extend(talk(connection, until=b"DATA\r\n"))
        connection.sendall(b"354 go on\r\n")
        while b"\r\n.\r\n" not in received[-5:]:
            time.sleep(0.01)
            received.extend(connection.recv(65_536))
        connection.sendall(b"250 ok\r\n")

    data = (b"x" * 998 + b"\r\n") * 16_000
    with strange_server(script) as server:
        began = time.monotonic()
        channel(server, timeout=2.0).send(sample.outgoing(data), now=sample.start)
        assert time.monotonic() - began > 2.0
    assert data in received


def test_nothing_of_the_content_is_logged(
    mail_server: Any, sample: SimpleNamespace, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    server = mail_server()
    channel(server).send(sample.outgoing(b"Subject: x\r\n\r\n042 917 in the body\r\n"), now=sample.start)
    server.answers["DATA"] = ["554 no"]
    with pytest.raises(DeliveryFailed):
        channel(server).send(sample.outgoing(b"Subject: x\r\n\r\n042 917 in the body\r\n"), now=sample.start)
    out, err = capfd.readouterr()
    ours = "".join(record.getMessage() for record in caplog.records if not record.name.startswith("mail."))
    assert "042 917" not in ours + out + err
