"""A server on loopback that is free to answer as no server should: a function gets the connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Answering = Callable[[socket.socket, bytes], None]
"""Gets the connection and the header of the request; the connection is closed when it returns."""


@dataclass
class RawServer:
    port: int
    requests: list[bytes] = field(default_factory=list)
    """Headers and bodies, as they came."""
    names: list[str | None] = field(default_factory=list)
    """That TLS clients asked for (SNI)."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


def whole(body: bytes = b"", status: str = "200 OK", **headers: str) -> Answering:
    """An honest answer. `Content_Type` is the header Content-Type."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return exactly("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def exactly(data: bytes) -> Answering:
    return lambda connection, request: connection.sendall(data)


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return data
        data += piece
    header, _, body = data.partition(b"\r\n\r\n")
    fields = (line.partition(b":") for line in header.lower().split(b"\r\n"))
    length = next((int(value) for name, _, value in fields if name == b"content-length"), 0)
    while len(body) < length and (piece := connection.recv(65_536)):
        body += piece
    return header + b"\r\n\r\n" + body


@contextlib.contextmanager
def serving(
    answer: Answering, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[RawServer]:
    """One thread for each connection; they end with their connections."""
    listening = socket.create_server((host, port))
    server = RawServer(listening.getsockname()[1])
    if tls is not None:
        tls.sni_callback = lambda _connection, name, _context: server.names.append(name)

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            talking = tls.wrap_socket(connection, server_side=True) if tls else connection
            with talking:
                request = _request(talking)
                server.requests.append(request)
                answer(talking, request)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)  # wakes who waits for callers
        listening.close()
        thread.join()
