"""The door to other machines, with real sockets on loopback."""

from __future__ import annotations

import gzip
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import signed_samples as made
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from raw_server import RawServer, exactly, serving, whole

from signing_core.network import Answer, NotAnswered, NotAsked, ask, door

MIB = 1024 * 1024


def asked(url: str, *, by_operator: bool = True, seconds: float = 5, largest: int = MIB, **more: Any) -> Answer:
    return ask(url, by_operator=by_operator, seconds=seconds, largest=largest, **more)


class Changing:
    """A resolver with another answer each time."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.calls: list[tuple[str, int]] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.calls.append((host, port))
        return self.answers[min(len(self.calls), len(self.answers)) - 1]


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Callable[[RawServer], None]:
    """Makes a server on loopback one that a document may lead to: its address public, its port that of http."""

    def publish(server: RawServer) -> None:
        monkeypatch.setattr(door, "is_public", lambda address: address == "127.0.0.1")
        monkeypatch.setattr(door, "_PORTS", {"http": server.port, "https": 443})

    return publish


def test_what_is_sent() -> None:
    with serving(whole(b"good", Content_Type="Text/Plain; charset=utf-8")) as server:
        answer = asked(
            server.url + "a?b=c d".replace(" ", "%20"), headers={"Accept": "text/plain"}, auth=("me", "pass")
        )
    assert answer == Answer(200, "text/plain", b"good")
    request = server.requests[0].decode()
    assert request.startswith(f"GET /a?b=c%20d HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n")
    for line in (
        "User-Agent: sealtrail",
        "Accept-Encoding: identity",
        "Accept: text/plain",
        "Authorization: Basic bWU6cGFzcw==",
    ):
        assert f"{line}\r\n" in request


def test_a_body_is_posted() -> None:
    with serving(whole(b"taken", "201 Created")) as server:
        assert asked(server.url, body=b"x" * 300_000).status == 201
    assert server.requests[0].startswith(b"POST / HTTP/1.1\r\n") and server.requests[0].endswith(b"x" * 300_000)


def test_in_pieces_and_until_the_end_of_the_connection() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    for data in (chunked, b"HTTP/1.1 200 OK\r\n\r\nabcde"):
        with serving(exactly(data)) as server:
            assert asked(server.url).body == b"abcde"


# --- where to ---


def test_resolved_once_and_connected_to_that_address(published: Callable[[RawServer], None]) -> None:
    """DNS rebinding: the second answer is an inner service on the same port."""
    with serving(whole(b"outer")) as outer, serving(whole(b"inner"), host="127.0.0.2", port=outer.port) as inner:
        published(outer)
        resolver = Changing(["127.0.0.1"], ["127.0.0.2"])
        assert asked("http://crl.example/list", by_operator=False, resolve=resolver).body == b"outer"
        assert resolver.calls == [("crl.example", outer.port)]
        assert b"Host: crl.example\r\n" in outer.requests[0].replace(b":%d" % outer.port, b"")
        with pytest.raises(NotAsked, match="not public"):
            asked("http://crl.example/list", by_operator=False, resolve=resolver)
        assert inner.requests == []


def test_one_address_that_is_not_public_is_one_too_many(published: Callable[[RawServer], None]) -> None:
    with serving(whole()) as server:
        published(server)
        with pytest.raises(NotAsked, match="not public"):
            asked("http://crl.example/", by_operator=False, resolve=Changing(["127.0.0.1", "127.0.0.2"]))
        assert server.requests == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
     "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "224.0.0.1", "[ff02::1]", "169.254.169.254"],
)  # fmt: skip
def test_inner_addresses_in_every_spelling(host: str) -> None:
    with pytest.raises(NotAsked, match=r"not public|not known"):
        asked(f"http://{host}/", by_operator=False)


def test_an_operator_may_ask_this_machine_and_any_port() -> None:
    with serving(whole(b"here")) as server:
        assert asked(server.url).body == b"here"
        assert asked(f"http://localhost:{server.port}/").body == b"here"  # ::1 does not answer: the next one is asked


@pytest.mark.parametrize("port", [22, 25, 8080, 6379, 65535])
def test_a_document_names_the_usual_ports_only(port: int) -> None:
    resolver = Changing(["9.9.9.9"])
    with pytest.raises(NotAsked, match=f"port {port}"):
        asked(f"http://crl.example:{port}/", by_operator=False, resolve=resolver)
    assert resolver.calls == []


@pytest.mark.parametrize(
    "url",
    ["", "crl.example", "file:///etc/passwd", "ftp://crl.example/", "ldap://crl.example/", "gopher://crl.example/", "http://",
     "http:///x", "http://[::1", "http://crl.example:99999/", "http://crl.example:x/", "http://me@crl.example/",
     "http://me:pass@crl.example/", "http://crl.example/a b", "http://crl.example/\r\nX: y", "http://crl.example/\x00",
     "http://\u200b.example/"],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    for by_operator in (True, False):
        with pytest.raises(NotAsked):
            asked(url, by_operator=by_operator, resolve=Changing(["9.9.9.9"]))


def test_unknown_hosts_and_nobody_there() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    for resolver in (unknown, Changing([])):
        with pytest.raises(NotAsked, match="not known"):
            asked("http://crl.example/", resolve=resolver)
    with pytest.raises(NotAsked, match="nobody answers"):
        asked("http://127.0.0.1:9/")


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
def test_no_proxy_of_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(whole(b"proxy")) as proxy, serving(whole(b"itself")) as server:
        monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert asked(server.url).body == b"itself"
        assert proxy.requests == []


# --- redirects ---


def redirecting(
    *locations: str, status: str = "302 Found", last: bytes = b"there"
) -> Callable[[socket.socket, bytes], None]:
    left = list(locations)

    def answer(connection: socket.socket, request: bytes) -> None:
        whole(b"moved", status, Location=left.pop(0))(connection, request) if left else whole(last)(connection, request)

    return answer


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
def test_a_redirect_to_the_same_host_is_followed(status: str, published: Callable[[RawServer], None]) -> None:
    with serving(redirecting("/new", "newer?x=1", status=status)) as server:
        published(server)
        resolver = Changing(["127.0.0.1"], ["127.0.0.2"])
        assert asked("http://crl.example/old", by_operator=False, resolve=resolver).body == b"there"
    assert [request.split()[1] for request in server.requests] == [b"/old", b"/new", b"/newer?x=1"]
    assert len(resolver.calls) == 1


def test_a_redirect_to_elsewhere_is_not_followed(published: Callable[[RawServer], None]) -> None:
    with serving(whole(b"inner"), host="127.0.0.2") as inner:
        elsewhere = [f"http://127.0.0.2:{inner.port}/", "http://127.0.0.1/", "http://other.example/", "http://crl.example:22/",
                     "file:///etc/passwd", "//other.example/", "http://me@crl.example/", "http://[::1/"]  # fmt: skip
        for location in elsewhere:
            with serving(redirecting(location)) as server:
                published(server)
                answer = asked("http://crl.example/", by_operator=False, resolve=Changing(["127.0.0.1"]))
                assert (answer.status, answer.body, len(server.requests)) == (302, b"moved", 1)
        for location in elsewhere[:4]:
            with serving(redirecting(location)) as server:
                assert asked(server.url).status == 302  # not for an operator's address either
        assert inner.requests == []


def test_a_post_is_not_redirected_and_no_redirect_goes_on_for_ever() -> None:
    with serving(redirecting(*["/again"] * 9)) as server:
        assert asked(server.url, body=b"x").status == 302
        assert len(server.requests) == 1
    with serving(redirecting(*["/again"] * 9)) as server:
        with pytest.raises(NotAnswered, match="redirects"):
            asked(server.url)
        assert len(server.requests) == 4


# --- how much, how long ---


@cache
def bomb(layers: int) -> bytes:
    data = bytes(64 * MIB)
    for _ in range(layers):
        data = gzip.compress(data)
    return data


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "deflate", "br", "zstd", "identity, gzip", "x-anything"])
def test_an_encoded_answer_is_refused_unread(coding: str) -> None:
    with serving(whole(bomb(2), Content_Encoding=coding)) as server, pytest.raises(NotAnswered, match="encoded"):
        asked(server.url)


@pytest.mark.parametrize("framing", ["gzip, chunked", "gzip", "chunked, chunked", "identity"])
def test_an_answer_encoded_in_transfer_is_refused(framing: str) -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\n\r\n3\r\nabc\r\n0\r\n\r\n" % framing.encode()
    with serving(exactly(data)) as server, pytest.raises(NotAnswered, match="encoded"):
        asked(server.url)


def test_identity_is_no_coding() -> None:
    with serving(whole(b"good", Content_Encoding="Identity")) as server:
        assert asked(server.url).body == b"good"


def endless(header: bytes, piece: bytes) -> Callable[[socket.socket, bytes], None]:
    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(header)
        while True:
            connection.sendall(piece)

    return answer


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "body": (OK + b"\r\n", b"x" * 65_536),
    "announced": (OK + b"Content-Length: 99999999999\r\n\r\n", b"x" * 65_536),
    "chunks": (CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
    "chunks of one byte": (CHUNKED, b"1\r\nx\r\n" * 1000),
    "extension of a chunk": (CHUNKED + b"1;", b"x" * 65_536),
    "trailer": (CHUNKED + b"0\r\n", b"X: y\r\n" * 1000),
    "status line": (b"HTTP/1.1 200 ", b"x" * 65_536),
    "header": (OK, b"X: y\r\n" * 1000),
    "one header": (OK + b"X: ", b"x" * 65_536),
    "go on": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
}


@pytest.mark.parametrize("where", ENDLESS)
def test_an_answer_without_end(where: str) -> None:
    with serving(endless(*ENDLESS[where])) as server, pytest.raises(NotAnswered):
        asked(server.url, seconds=60, largest=200_000)


def test_the_limit_is_exact() -> None:
    with serving(whole(b"x" * 1000)) as server:
        assert len(asked(server.url, largest=1000).body) == 1000
        with pytest.raises(NotAnswered, match="too many bytes"):
            asked(server.url, largest=999)


def trickling(before: bytes) -> Callable[[socket.socket, bytes], None]:
    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(b"1")
            time.sleep(0.02)

    return answer


@pytest.mark.parametrize(
    "before", [b"", OK, OK + b"X: ", OK + b"\r\n", CHUNKED, CHUNKED + b"ffff\r\n"],
    ids=["nothing", "header", "in a header", "body", "size of a chunk", "chunk"],
)  # fmt: skip
def test_a_trickle_is_given_up_in_time(before: bytes) -> None:
    with serving(trickling(before)) as server, pytest.raises(NotAnswered, match=r"within 0\.3 s"):
        asked(server.url, seconds=0.3)  # the server never ends


def test_silence_before_and_after_the_connection() -> None:
    with serving(lambda connection, request: connection.recv(1) and None) as server:
        with pytest.raises(NotAnswered, match=r"within 0\.2 s"):
            asked(server.url, seconds=0.2)
        with pytest.raises(NotAsked, match="TLS"):
            asked(server.url.replace("http:", "https:"), seconds=0.2)
    with pytest.raises(NotAsked, match=r"not found within 0\.2 s"):
        asked("http://crl.example/", seconds=0.2, resolve=lambda host, port: time.sleep(2) or [])


def test_a_server_that_does_not_read() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    with listening, pytest.raises(NotAnswered, match=r"within 0\.3 s"):
        asked(f"http://127.0.0.1:{listening.getsockname()[1]}/", body=bytes(32 * MIB), seconds=0.3)


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP", b"220 mail.example ESMTP\r\n", OK + b"Content-Length: 9\r\n\r\nabc", CHUNKED + b"9\r\nabc", CHUNKED + b"x\r\n",
     CHUNKED + b"3\r\nabc\r\n", b"\xff" * 100],
)  # fmt: skip
def test_what_is_no_whole_answer(data: bytes) -> None:
    with serving(exactly(data)) as server, pytest.raises(NotAnswered):
        asked(server.url)


def test_the_status_is_known_of_an_answer_cut_off() -> None:
    for data, status in ((OK + b"Content-Length: 9\r\n\r\nabc", 200), (CHUNKED + b"x", 200), (b"HTTP", None)):
        with serving(exactly(data)) as server, pytest.raises(NotAnswered) as caught:
            asked(server.url)
        assert caught.value.status == status


# --- TLS ---


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """A server's side for the name `tsa.example`, by an authority that the environment names."""
    root = made.issue("Sample Root", ca=True)
    names = x509.SubjectAlternativeName([x509.DNSName("tsa.example")])
    server = made.issue("tsa.example", root, extra=[(names, False)])
    key = server.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "server.pem").write_bytes(key + made.pem(server.der))
    (tmp_path / "root.pem").write_bytes(made.pem(root.der))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "root.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "server.pem")
    door._tls.cache_clear()
    yield context
    door._tls.cache_clear()


def test_tls_is_for_the_name_and_the_connection_for_the_address(tls: ssl.SSLContext) -> None:
    resolver = Changing(["127.0.0.1"], ["127.0.0.2"])
    with serving(whole(b"secret"), tls=tls) as server:
        assert asked(f"https://tsa.example:{server.port}/", resolve=resolver).body == b"secret"
        assert (server.names, len(resolver.calls)) == (["tsa.example"], 1)
        with pytest.raises(NotAsked, match="SSLCertVerificationError"):
            asked(f"https://other.example:{server.port}/", resolve=Changing(["127.0.0.1"]))
        with pytest.raises(NotAsked, match="SSLCertVerificationError"):
            asked(f"https://127.0.0.1:{server.port}/")
    assert len(server.requests) == 1


def test_an_unknown_authority_is_not_believed(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with serving(whole(b"secret"), tls=tls) as server, pytest.raises(NotAsked, match="SSLCertVerificationError"):
        asked(f"https://tsa.example:{server.port}/", resolve=Changing(["127.0.0.1"]))


def test_a_trickle_inside_of_tls(tls: ssl.SSLContext) -> None:
    with serving(trickling(OK), tls=tls) as server, pytest.raises(NotAnswered, match=r"within 0\.5 s"):
        asked(f"https://tsa.example:{server.port}/", resolve=Changing(["127.0.0.1"]), seconds=0.5)


def test_no_redirect_leaves_tls(tls: ssl.SSLContext) -> None:
    with serving(redirecting("http://tsa.example/"), tls=tls) as server:
        assert asked(f"https://tsa.example:{server.port}/", resolve=Changing(["127.0.0.1"])).status == 302
