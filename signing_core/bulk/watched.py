"""The watched place that signed PDFs are put into: a folder, or a bucket that fsspec knows (`s3://...`, `gcs://...`)."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import fsspec

from signing_core.bulk import addresses
from signing_core.bulk.ledger import SeenFile
from signing_core.errors import SealtrailError, StorageError, UsageError

SETTLED: Final = timedelta(seconds=2)


LARGEST_FILE: Final = 2_000_000_000
"""Bytes. The memory of a worker holds little more, and reading it would hold up the others every night."""
_NO_FOLDER: Final = "The watched place is not there or is no folder; mount it, or make it."
_LINKED_FOLDER: Final = (
    "It is a link to a folder, and nothing in there is taken in; put its files here, or mount it here."
)
_NO_BUCKET: Final = "The watched place is not there; see whether its URL and the rights to it are right."


@dataclass(frozen=True)
class LeftOut:
    """Something in the watched place that nobody will have checked until it is put right."""

    name: str
    why: str
    """And what to do: sentences."""


@dataclass(frozen=True)
class Watched:
    url: str = field(repr=False)
    """A local path, or a URL with a protocol of fsspec, which can hold a password: what is said of it says `shown`."""
    settled: timedelta = SETTLED
    """A file that was written to more recently may still be growing: it is left for the next time. One with a time in the future
    (copied with its times, a clock that goes wrong) is taken: should it still grow, it is another file when it has grown."""

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        if "://" not in self.url:  # a path is not looked into for chained URLs
            return fsspec.filesystem("file"), str(Path(self.url).absolute())
        with self._keeping_secrets():
            try:
                found: tuple[Any, str] = fsspec.core.url_to_fs(self.url)
            except (ValueError, ImportError) as error:
                cause = None if addresses.secrets(self.url) else error
                raise UsageError(
                    f"The watched place {self.shown} cannot be opened: {self.said(error).rstrip('.')}; set SEALTRAIL_INBOX to a folder "
                    "or to a URL that fsspec opens (s3:// needs the extra sealtrail[s3])."
                ) from cause
        return found

    @property
    def shown(self) -> str:
        """The path or URL without a password or a key."""
        return addresses.shown(self.url)

    def said(self, error: Exception) -> str:
        """What an error of the store says, without a password or a key; its kind when it says nothing."""
        return addresses.without_secrets(str(error), self.url) or type(error).__name__

    @contextlib.contextmanager
    def _keeping_secrets(self) -> Iterator[None]:
        """The errors of a store's library name the URL, and a run's log shows them with all that led to them."""
        try:
            yield
        except SealtrailError:
            raise
        except Exception as error:
            if not addresses.secrets(self.url):
                raise
            raise StorageError(f"{self.shown}: {self.said(error)}") from None

    @property
    def local(self) -> bool:
        return "file" in _protocols(self._opened[0])

    def listing(self, now: datetime) -> Iterator[SeenFile | LeftOut]:
        """The PDFs there, their paths relative to it, and what cannot be taken in. What begins with a dot is somebody's
        unfinished copy. Raises `UsageError` for a URL that nothing opens, and whatever the store has for its failures."""
        for one in self._local() if self.local else self._bucket():
            if isinstance(one, LeftOut):
                yield LeftOut(_printable(one.name), one.why)
                continue
            name, size, changed = one
            if isinstance(changed, datetime) and timedelta() <= now - changed < self.settled:
                continue
            if not _is_text(name):
                yield LeftOut(_printable(name), "Its name is not in UTF-8; rename it.")
                continue
            if size > LARGEST_FILE:
                yield LeftOut(
                    name, f"It has {size / 1e9:.1f} GB; more than {LARGEST_FILE / 1e9:.0f} GB are not taken in."
                )
                continue
            yield SeenFile(name, size, changed.isoformat() if isinstance(changed, datetime) else changed)

    def _local(self) -> Iterator[tuple[str, int, datetime] | LeftOut]:
        """One file after the other, however many there are. Links are left out: they lead to what nobody put here."""
        root = Path(self._opened[1])
        if not root.is_dir():
            yield LeftOut(str(root), _NO_FOLDER)
            return
        closed: list[OSError] = []
        for folder, folders, names in os.walk(root, onerror=closed.append):
            for name in folders:
                file = Path(folder, name)
                path = file.relative_to(root).as_posix()
                if not _is_hidden(path) and file.is_symlink():
                    yield LeftOut(path, _LINKED_FOLDER)
            for name in names:
                file = Path(folder, name)
                path = file.relative_to(root).as_posix()
                if not _is_wanted(path):
                    continue
                try:
                    status = file.lstat()
                except FileNotFoundError:
                    continue  # taken away between the listing and now
                except OSError as error:
                    error.filename = folder
                    closed.append(error)
                    break
                if stat.S_ISREG(status.st_mode):
                    yield path, status.st_size, datetime.fromtimestamp(status.st_mtime_ns / 1e9, UTC)
                else:
                    yield LeftOut(path, "It is a link or something else than a file; put the file itself there.")
        for one in closed:
            if not isinstance(one, FileNotFoundError):
                name = Path(str(one.filename)).relative_to(root).as_posix()
                yield LeftOut(name, f"The folder cannot be read ({one.strerror}); set its permissions right.")

    def _bucket(self) -> Iterator[tuple[str, int, datetime | str] | LeftOut]:
        system, root = self._opened
        with self._keeping_secrets():
            system.invalidate_cache()
            if system.exists(root):
                for path, entry in system.find(root, detail=True).items():
                    name = path.removeprefix(root).lstrip("/")
                    if _is_wanted(name):
                        yield name, int(entry["size"]), _changed(entry)
            elif root.strip("/") and not system.exists(root.strip("/").partition("/")[0]):
                # A bucket without objects below the prefix is like an empty folder; no bucket is like none.
                yield LeftOut(self.shown, _NO_BUCKET)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of these that are not there any more. Raises `UsageError` when the place itself is not there."""
        if not self.local:
            found = list(self._bucket())
            if any(isinstance(one, LeftOut) for one in found):
                raise UsageError(f"{self.shown}: {_NO_BUCKET}")
            there = {one[0] for one in found if not isinstance(one, LeftOut)}
            return [name for name in names if name not in there]
        root = Path(self._opened[1])
        if not root.is_dir():
            raise UsageError(f"{root}: {_NO_FOLDER}")
        return [name for name in names if _is_gone(root / name)]

    @contextlib.contextmanager
    def as_files(self, names: Sequence[str]) -> Iterator[list[Path]]:
        """Local files with these contents, for the length of the block; one that is gone is a path to nothing, one that
        may not be read a path that cannot be read."""
        system, root = self._opened
        if self.local:
            yield [Path(root) / name for name in names]
            return
        with tempfile.TemporaryDirectory(prefix="sealtrail-") as folder:
            paths = [Path(folder) / f"{number}.pdf" for number in range(len(names))]
            with self._keeping_secrets():
                for name, path in zip(names, paths, strict=True):
                    try:
                        system.get_file(f"{root}/{name}", str(path))
                    except FileNotFoundError:
                        path.unlink(missing_ok=True)
                    except PermissionError:
                        # In the place of what may not be read, what cannot be: one such object does not stop the others.
                        path.unlink(missing_ok=True)
                        path.mkdir()
            yield paths


def _is_wanted(name: str) -> bool:
    return name.lower().endswith(".pdf") and not _is_hidden(name)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _is_gone(file: Path) -> bool:
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass  # it may not be looked at, which is not gone
    return False


def _is_text(name: str) -> bool:
    """Whether it can be written anywhere; the bytes of another encoding come from the file system as surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _protocols(system: Any) -> tuple[str, ...]:
    protocol = system.protocol
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _changed(entry: dict[str, Any]) -> datetime | str:
    """When a file was changed, or what its store gives instead."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "created"):
        value = entry.get(key)
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
    return str(entry.get("ETag") or entry.get("etag") or "")
