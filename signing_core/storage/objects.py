"""The object store: bytes under the name of their own SHA-256.

What every implementation guarantees:

1. **A name is the content's hash.** `put` returns it; nothing else can be stored under it.
2. **A put is atomic.** Killed at any point, it leaves either the whole object under its name or nothing under it.
3. **A put is durable.** When it returns, bytes and name are on stable storage, and have been read back and hashed again.
4. **A get is checked.** It returns bytes with that hash, or raises `ObjectMissing` or `ObjectDamaged`; never other bytes.
5. **Putting the same bytes again** is allowed at any time, from any process, and mends a damaged object.

So objects are put *before* the database transaction that names them: a crash in between leaves an object that nobody
names, never a name without an object.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from signing_core.errors import ObjectDamaged, ObjectMissing, StorageError, UsageError
from signing_core.storage.durable import make_folder, sync_folder, write_all

_NAME = re.compile(r"[0-9a-f]{64}")


class ObjectStore(Protocol):
    """See the module's docstring for the guarantees. Names are 64 lower-case hexadecimal digits."""

    def put(self, data: bytes) -> str:
        """Store `data` and return its name. Raises `StorageError` when it cannot be stored."""
        ...

    def get(self, sha256: str) -> bytes:
        """The bytes of that name. Raises `ObjectMissing` or `ObjectDamaged`."""
        ...

    def exists(self, sha256: str) -> bool:
        """Whether there is an object of that name; its bytes are not checked."""
        ...

    def delete(self, sha256: str) -> None:
        """Remove the object, durably; no error when there is none."""
        ...

    def path(self, sha256: str) -> Path:
        """A local file with the object's bytes, unchecked and for reading only. Raises `ObjectMissing`."""
        ...


class LocalObjects:
    """Objects as files under one folder of a local (POSIX) file system: `ab/cdef...`, readable by their owner only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._unfinished = folder / "unfinished"
        self._swept = False

    def put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        target = self._file(name)
        if _hash_of(target) == name:
            # It may have been renamed a moment ago by a process that has not synced the folder yet.
            sync_folder(target.parent)
            return name
        try:
            self._write(data, target)
        except OSError as error:
            raise StorageError(
                f"The object store {self.folder} could not take {len(data)} bytes: {error.strerror}; "
                "make room or set its permissions right, then try again."
            ) from error
        if _hash_of(target) != name:
            raise ObjectDamaged(f"{target} was written and reads back differently; check the disk, then try again.")
        return name

    def get(self, sha256: str) -> bytes:
        file = self._file(sha256)
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            raise _missing(file) from None
        except OSError as error:
            raise ObjectDamaged(f"{file} cannot be read: {error.strerror}; restore it from a backup.") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ObjectDamaged(f"The bytes in {file} are not what its name says; restore it from a backup.")
        return data

    def exists(self, sha256: str) -> bool:
        return self._file(sha256).is_file()

    def delete(self, sha256: str) -> None:
        file = self._file(sha256)
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
            sync_folder(file.parent)

    def path(self, sha256: str) -> Path:
        file = self._file(sha256)
        if not file.is_file():
            raise _missing(file)
        return file

    def sweep(self) -> int:
        """Remove what killed puts left half written; returns how many files. Puts under way are left alone."""
        removed = 0
        for file in self._unfinished.glob("*"):
            with contextlib.suppress(FileNotFoundError, BlockingIOError), file.open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                file.unlink()
                removed += 1
        return removed

    def _file(self, sha256: str) -> Path:
        if not _NAME.fullmatch(sha256):
            raise ValueError("an object's name is 64 lower-case hexadecimal digits")
        return self.folder / sha256[:2] / sha256[2:]

    def _write(self, data: bytes, target: Path) -> None:
        make_folder(self._unfinished)
        make_folder(target.parent)
        if not self._swept:  # once for each process that writes, so that what was killed does not gather
            self._swept = True
            with contextlib.suppress(OSError):
                self.sweep()
        unfinished, descriptor = self._begin()
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
            if hasattr(os, "posix_fadvise"):
                # Reading back is to read what the disk holds, not what is still in memory.
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            unfinished.replace(target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                unfinished.unlink()
            raise
        finally:
            os.close(descriptor)
        sync_folder(target.parent)

    def _begin(self) -> tuple[Path, int]:
        """A new file to be written to, locked: that tells `sweep` that the writer lives, and ends with the process."""
        while True:
            unfinished = self._unfinished / secrets.token_hex(16)
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:
                return unfinished, descriptor
            os.close(descriptor)  # swept away between opening and locking it


def open_objects(url: str, base: Path) -> LocalObjects:
    """The store that the setting `objects_url` names: a folder (relative to `base`) or a file:// URL."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise UsageError(f"The setting objects_url names another machine ({parts.netloc}); use a local folder.")
        return LocalObjects(Path(unquote(parts.path)))
    if parts.scheme and "://" in url:
        raise UsageError(
            f"The setting objects_url has the unknown scheme {parts.scheme}; use a folder or file:///FOLDER."
        )
    return LocalObjects(base / url)


def _missing(file: Path) -> ObjectMissing:
    return ObjectMissing(f"The stored bytes {file} are not there; restore them from a backup.")


def _hash_of(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return None
