"""Work for a limited process (`signing_core.limited`)."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from signing_core.errors import DocumentRefused


def refuse() -> None:
    raise DocumentRefused("offer.pdf is not a PDF; export it as PDF and take that.", code="not-a-pdf")


def write(path: str) -> None:
    Path(path).write_text("something")


def connect(port: int) -> None:
    socket.create_connection(("127.0.0.1", port), timeout=1)


def pid_after(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()
