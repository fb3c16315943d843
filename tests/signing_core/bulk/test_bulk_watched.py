"""What of the watched place is taken in, and what it gives for what is not to be had."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest

from signing_core.bulk.watched import Watched

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "listed"),
    [
        (timedelta(0), False),
        (timedelta(seconds=1.9), False),
        (timedelta(seconds=2), True),
        (timedelta(days=900), True),
        # Copied with its times, or a clock that goes wrong.
        (-timedelta(seconds=1), True),
        (-timedelta(days=4_000), True),
    ],
)
def test_only_what_was_just_written_is_left_for_the_next_time(tmp_path: Path, age: timedelta, listed: bool) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    changed = (NOW - age).timestamp()
    os.utime(tmp_path / "a.pdf", (changed, changed))
    assert [file.path for file in Watched(str(tmp_path)).listing(NOW)] == (["a.pdf"] if listed else [])


@pytest.fixture
def bucket() -> Iterator[str]:
    system = fsspec.filesystem("memory")
    for name in ("a.pdf", "forbidden.pdf", "z.pdf"):
        system.pipe(f"/watched/{name}", name.encode())
    yield "memory://watched"
    system.rm("/watched", recursive=True)


def test_an_object_that_may_not_be_read_does_not_stop_the_others(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(bucket)
    system = watched._opened[0]
    get_file = type(system).get_file

    def get(self: Any, remote: str, local: str, **more: Any) -> None:
        Path(local).touch()  # as some systems do before they ask
        if "forbidden" in remote:
            raise PermissionError(13, "Forbidden", remote)
        get_file(self, remote, local, **more)

    monkeypatch.setattr(type(system), "get_file", get)
    with watched.as_files(["a.pdf", "forbidden.pdf", "gone.pdf", "z.pdf"]) as (a, forbidden, gone, z):
        assert (a.read_bytes(), z.read_bytes()) == (b"a.pdf", b"z.pdf")
        assert not gone.exists()
        with pytest.raises(IsADirectoryError):
            forbidden.open("rb")
