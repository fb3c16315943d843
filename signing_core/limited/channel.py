"""What parent and worker say to each other: pickled messages with their length before them.

A worker may be in the hands of the file that it opened. So the parent reads nothing but plain values from it (an unpickler
that finds no class), and no more bytes than it is ready to take.
"""

from __future__ import annotations

import io
import pickle
import socket
import struct
from typing import Any, Final, NoReturn

_HEAD: Final = struct.Struct(">Q")


class TooLong(Exception):
    """The other side wants to say more than is taken."""


class _PlainValues(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value")


def send(channel: socket.socket, message: Any) -> None:
    body = pickle.dumps(message, protocol=5)
    channel.sendall(_HEAD.pack(len(body)))
    channel.sendall(body)


def receive(channel: socket.socket) -> Any:
    """From the parent. Raises `EOFError` when it is gone."""
    return pickle.loads(_body(channel, None))  # noqa: S301  from the process that started this one


def receive_plain(channel: socket.socket, most: int) -> Any:
    """From a worker. Raises `EOFError`, `TooLong`, `pickle.UnpicklingError`, `TimeoutError`."""
    return _PlainValues(io.BytesIO(_body(channel, most))).load()


def _body(channel: socket.socket, most: int | None) -> bytes:
    (length,) = _HEAD.unpack(exactly(channel, _HEAD.size))
    if most is not None and length > most:
        raise TooLong
    return exactly(channel, length)


def exactly(channel: socket.socket, length: int) -> bytes:
    """So many bytes. Raises `EOFError`."""
    data = bytearray()
    while len(data) < length:
        chunk = channel.recv(min(1 << 20, length - len(data)))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)
