"""What a report writer is, and a file that appears only when it is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from signing_core.verdict import DocumentVerdict


class Writer(Protocol):
    def write(self, verdict: DocumentVerdict) -> None:
        """Add one document, in the order of the calls."""
        ...

    def close(self) -> None:
        """Write what belongs at the end. The stream is left open."""
        ...


@contextmanager
def atomic(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path` that takes its place at the end of the block; nothing of it is left when the block fails.

    Raises `OSError` when it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        with temporary.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
