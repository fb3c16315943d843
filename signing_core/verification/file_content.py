"""The bytes of a file that anybody may have named: never waited for, never more than allowed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


class TooLarge(Exception):
    """The file has `size` bytes, more than may be read."""

    def __init__(self, size: int, most: int) -> None:
        super().__init__(f"{size} bytes, more than {most}")
        self.size = size


def read(path: Path, most: int) -> bytes:
    """Of a regular file: a pipe or a device may give nothing for ever, or never end. Raises `OSError`, `TooLarge`."""
    with open(path, "rb", opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file")
        if status.st_size > most:
            raise TooLarge(status.st_size, most)
        data = file.read(most + 1)  # it may grow meanwhile
    if len(data) > most:
        raise TooLarge(len(data), most)
    return data


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
