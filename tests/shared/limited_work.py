"""Work for a limited process (`signing_core.limited`)."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from signing_core.errors import DocumentRefused
from signing_core.limited import worker


def refuse() -> None:
    raise DocumentRefused("offer.pdf is not a PDF; export it as PDF and take that.", code="not-a-pdf")


def write(path: str) -> None:
    Path(path).write_text("something")


def connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=1)


def pid_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def write_in_folder(*sizes: int) -> str:
    for number, size in enumerate(sizes):
        (worker.folder() / str(number)).write_bytes(bytes(size))
    return str(worker.folder())


def started(program: str, readable: Sequence[str] | None = None) -> bytes | None:
    """What a program of a few lines says, which may read the interpreter's files and `readable`."""
    itself = Path(sys.executable).resolve()  # not that of a virtual environment
    needed = (str(itself.parent), sys.base_prefix, "/usr", "/lib", "/lib64", "/etc/ld.so.cache")
    reads = None if readable is None else [Path(place) for place in (*needed, *readable)]
    return worker.run([str(itself), "-I", "-c", program], b"", answer=1000, readable=reads)
