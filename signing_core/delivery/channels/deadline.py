"""An end to waiting. Timeouts of sockets are for each read; a server that trickles bytes would hold us for ever."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def cut_after(seconds: float, current: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Cut the connection `current()` after so many seconds, whatever the block is waiting for on it."""

    def cut() -> None:
        connection = current()
        if connection is not None:
            with suppress(OSError):
                # Not SSLSocket's own, which would pull the TLS state from under the thread that reads.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
