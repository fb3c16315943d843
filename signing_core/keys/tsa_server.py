"""The embedded authority served over HTTP (RFC 3161, section 3.4): for tests, and for other programs on this machine.

::

    with serve(ring.time_stamp_authority) as url:
        token = HttpAuthority(url).time_stamp(imprint)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from signing_core.keys.time_stamping import QUERY_TYPE, REPLY_TYPE, EmbeddedAuthority

_LARGEST_QUERY = 64 * 1024


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], authority: EmbeddedAuthority) -> None:
        self.authority = authority
        super().__init__(address, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error of ours, and nothing else can get here with a message for anybody."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version = "sealtrail-tsa"
    sys_version = ""
    timeout = 30
    # Headers and body leave in two writes; Nagle's algorithm would hold the second for 40 ms.
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._refuse(411, "a query needs a Content-Length")
        elif int(length) > _LARGEST_QUERY:
            self._refuse(413, "the query is too large")
        elif self.headers.get_content_type() != QUERY_TYPE:
            self._refuse(415, f"a query has the type {QUERY_TYPE}")
        else:
            self._answer(200, REPLY_TYPE, self.server.authority.respond(self.rfile.read(int(length))))

    def do_GET(self) -> None:
        self._refuse(405, "time-stamp queries are sent by POST")

    def _refuse(self, status: int, reason: str) -> None:
        self.close_connection = True  # the body was not read
        self._answer(status, "text/plain; charset=utf-8", reason.encode() + b"\n")

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 405:
            self.send_header("Allow", "POST")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to standard error: the caller sees what it asked for."""


@contextmanager
def serve(authority: EmbeddedAuthority, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serves until the block ends; gives the URL. Port 0 takes a free one."""
    server = _Server((host, port), authority)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}/tsa"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
