"""Files that hold keys: mode 0600 from the first byte on, replaced in one step, never half-written."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from signing_core.errors import KeyUnavailable

SECRET = 0o600
PUBLIC = 0o644


def write_atomically(path: Path, data: bytes, *, mode: int = SECRET) -> None:
    """Writes beside `path`, syncs, renames, syncs the folder. Raises `KeyUnavailable`."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)  # the umask must not take reading from the public files
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise KeyUnavailable(
            f"{path} could not be written: {error.strerror}; check the folder and its rights."
        ) from error


def rename(path: Path, to: Path) -> None:
    """Puts one file in the place of another, in one step. Raises `KeyUnavailable`."""
    try:
        path.replace(to)
        sync_folder(to.parent)
    except OSError as error:
        raise KeyUnavailable(
            f"{to} could not be written: {error.strerror}; check the folder and its rights."
        ) from error


def identity(path: Path | None) -> tuple[int, int, int] | None:
    """Another one for every replacement of the file; None when it is not there."""
    try:
        status = path.stat() if path is not None else None
    except OSError:
        return None
    return None if status is None else (status.st_ino, status.st_mtime_ns, status.st_size)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path, *, what: str, limit: int = 1 << 20) -> bytes:
    """The file's bytes. Raises `KeyUnavailable` when it is missing, unreadable or larger than `limit` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise KeyUnavailable(f"{what} is missing: there is no file {path}; restore it from your backup.") from None
    except OSError as error:
        raise KeyUnavailable(f"{what} cannot be read from {path}: {error.strerror}.") from error
    if len(data) > limit:
        raise KeyUnavailable(f"{what} in {path} is larger than {limit} bytes and was not read.")
    return data
