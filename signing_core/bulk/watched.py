"""The watched place that signed PDFs are put into: a folder, or a bucket that fsspec knows (`s3://...`, `gcs://...`)."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import fsspec

from signing_core.bulk.ledger import SeenFile

SETTLED: Final = timedelta(seconds=2)


@dataclass(frozen=True)
class Watched:
    url: str
    """A local path, or a URL with a protocol of fsspec."""
    settled: timedelta = SETTLED
    """A file that was written to more recently may still be growing: it is left for the next time. One with a time in the future
    (copied with its times, a clock that goes wrong) is taken: should it still grow, it is another file when it has grown."""

    @cached_property
    def _opened(self) -> tuple[Any, str]:
        found: tuple[Any, str] = fsspec.core.url_to_fs(self.url)
        return found

    @property
    def local(self) -> bool:
        return "file" in _protocols(self._opened[0])

    def listing(self, now: datetime) -> Iterator[SeenFile]:
        """The PDFs there, their paths relative to it. What begins with a dot is somebody's unfinished copy."""
        for name, size, changed in self._local() if self.local else self._bucket():
            if not name.lower().endswith(".pdf") or any(part.startswith(".") for part in name.split("/")):
                continue
            if isinstance(changed, datetime) and timedelta() <= now - changed < self.settled:
                continue
            yield SeenFile(name, size, changed.isoformat() if isinstance(changed, datetime) else changed)

    def _local(self) -> Iterator[tuple[str, int, datetime]]:
        """One file after the other, however many there are. Links are left out: they lead to what nobody put here."""
        root = Path(self._opened[1])
        for folder, _, names in os.walk(root):
            for name in names:
                file = Path(folder, name)
                try:
                    status = file.lstat()
                except FileNotFoundError:
                    continue  # taken away between the listing and now
                if stat.S_ISREG(status.st_mode):
                    changed = datetime.fromtimestamp(status.st_mtime_ns / 1e9, UTC)
                    yield file.relative_to(root).as_posix(), status.st_size, changed

    def _bucket(self) -> Iterator[tuple[str, int, datetime | str]]:
        system, root = self._opened
        system.invalidate_cache()
        if system.exists(root):
            for path, entry in system.find(root, detail=True).items():
                yield path.removeprefix(root).lstrip("/"), int(entry["size"]), _changed(entry)

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
