"""The bytes of a batch as local files: of the watched place, or of the workspace's object store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from signing_core.bulk.watched import Watched
from signing_core.errors import ObjectMissing
from signing_core.storage.workspace import Workspace

T = TypeVar("T")


@contextmanager
def local_files(
    workspace: Workspace, watched: Watched, kind: str, wanted: Sequence[tuple[str, str | None]]
) -> Iterator[list[Path | None]]:
    """A local file for each (name, SHA-256 in the registry); None where there is none to be had."""
    if kind == "inbox":
        with watched.as_files([name for name, _ in wanted]) as paths:
            yield list(paths)
    else:
        yield [_stored(workspace, sha256) for _, sha256 in wanted]


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _stored(workspace: Workspace, sha256: str | None) -> Path | None:
    try:
        return workspace.objects.path(sha256) if sha256 else None
    except (ObjectMissing, ValueError, OSError):
        return None  # a registry that names no hash names no file; a folder without rights gives none
