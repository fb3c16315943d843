"""A socket with an end: one deadline for everything that is waited for, one number of bytes for everything that is read."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager


class TooSlow(Exception):
    """The deadline has passed."""


class TooMuch(Exception):
    """More bytes than allowed."""


class Deadline:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds, more than none. Raises `TooSlow`."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooSlow
        return left


class LimitedSocket:
    """What `http.client` asks of a connected socket, and who closes it is somebody else.

    Raises `TooSlow` and `TooMuch` from reading and sending.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline, most: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._most = most

    def sendall(self, data: bytes) -> None:
        # Not the socket's own: under TLS its timeout begins again with every record.
        sent = 0
        while sent < len(data):
            with self._within():
                sent += self._socket.send(memoryview(data)[sent:])

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self))

    def receive(self, buffer: memoryview) -> int:
        with self._within():
            size = self._socket.recv_into(buffer)
        self._most -= size
        if self._most < 0:
            raise TooMuch
        return size

    @contextmanager
    def _within(self) -> Iterator[None]:
        self._socket.settimeout(self._deadline.left())
        try:
            yield
        except TimeoutError:
            raise TooSlow from None

    def close(self) -> None:
        """`http.client` lets go of it as soon as it has the header."""


class _Reading(io.RawIOBase):
    def __init__(self, source: LimitedSocket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        return self._source.receive(memoryview(buffer))  # type: ignore[arg-type]


def resolve_within(deadline: Deadline, resolve: Callable[[], Sequence[str]]) -> Sequence[str]:
    """What `resolve` returns or raises; `TooSlow` when it takes too long.

    The system's resolver cannot be told to give up: it is left behind in a thread that nobody waits for.
    """
    found: list[Sequence[str]] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            found.append(resolve())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(deadline.left())
    if failed:
        raise failed[0]
    if not found:
        raise TooSlow
    return found[0]
