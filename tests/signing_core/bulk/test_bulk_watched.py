"""What of the watched place is taken in, and what it gives for what is not to be had."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest

from signing_core.bulk.ledger import SeenFile
from signing_core.bulk.watched import LeftOut, Watched
from signing_core.errors import StorageError, UsageError

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def taken(watched: Watched) -> list[SeenFile]:
    return [one for one in watched.listing(NOW) if isinstance(one, SeenFile)]


def left_out(watched: Watched) -> dict[str, str]:
    return {one.name: one.why for one in watched.listing(NOW) if isinstance(one, LeftOut)}


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
    assert [file.path for file in taken(Watched(str(tmp_path)))] == (["a.pdf"] if listed else [])


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


def test_what_cannot_be_taken_in_is_named_and_stops_nothing(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/gr\xfc\xdfe.pdf")).write_bytes(b"%PDF-")
    (tmp_path / "link.pdf").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.pdf")
    (tmp_path / "folder.pdf").mkdir()
    with (tmp_path / "sparse.pdf").open("wb") as file:
        file.truncate(3_100_000_000)
    for name in ("a.pdf", "notes.txt", "deep::x.pdf", "line\nbreak.PDF", "😀.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-")
    watched = Watched(str(tmp_path), timedelta(0))
    assert sorted(file.path for file in taken(watched)) == ["a.pdf", "deep::x.pdf", "line\nbreak.PDF", "😀.pdf"]
    assert left_out(watched) == {
        "gr\\udcfc\\udcdfe.pdf": "Its name is not in UTF-8; rename it.",
        "link.pdf": "It is a link or something else than a file; put the file itself there.",
        "sparse.pdf": "It has 3.1 GB; more than 2 GB are not taken in.",
        "pipe.pdf": "It is a link or something else than a file; put the file itself there.",
        "loop": "It is a link to a folder, and nothing in there is taken in; put its files here, or mount it here.",
    }


def test_linked_folders_are_named_wherever_they_are_but_for_hidden_ones(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "deep").mkdir(parents=True)
    (elsewhere / "deep" / "b.pdf").write_bytes(b"%PDF-")
    root = tmp_path / "watched"
    (root / "2026").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "2026" / "a.pdf").write_bytes(b"%PDF-")
    for link in ("linked", "2026/linked.pdf", ".linked", ".hidden/linked"):
        (root / link).symlink_to(elsewhere)
    watched = Watched(str(root), timedelta(0))
    assert [file.path for file in taken(watched)] == ["2026/a.pdf"]
    assert sorted(left_out(watched)) == ["2026/linked.pdf", "linked"]
    (tmp_path / "way").symlink_to(root)  # the place itself may be one
    assert [file.path for file in taken(Watched(str(tmp_path / "way"), timedelta(0)))] == ["2026/a.pdf"]


@pytest.mark.parametrize("listable", [True, False])
def test_a_folder_without_rights_is_named_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listable: bool
) -> None:
    """Refused by the file system, whoever runs the tests: to root nothing is closed."""
    for name in ("a.pdf", "closed/b.pdf", "closed/c.pdf", "open/d.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"%PDF-")
    scandir, lstat = os.scandir, Path.lstat

    def refused(path: Any) -> Any:
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scandir(path)

    def not_entered(path: Path) -> os.stat_result:
        if path.parent.name == "closed":
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return lstat(path)

    if listable:
        monkeypatch.setattr(Path, "lstat", not_entered)
    else:
        monkeypatch.setattr(os, "scandir", refused)
    watched = Watched(str(tmp_path), timedelta(0))
    assert sorted(file.path for file in taken(watched)) == ["a.pdf", "open/d.pdf"]
    assert left_out(watched) == {"closed": "The folder cannot be read (Permission denied); set its permissions right."}


def test_a_watched_place_that_is_not_there_is_not_a_quiet_day(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("not-mounted", "file"):
        told = left_out(Watched(str(tmp_path / name)))
        assert told == {str(tmp_path / name): "The watched place is not there or is no folder; mount it, or make it."}


def test_a_url_that_nothing_opens_is_one_sentence() -> None:
    with pytest.raises(
        UsageError, match="The watched place foo://x cannot be opened: Protocol not known: foo; set SEALTRAIL_INBOX "
    ):
        list(Watched("foo://x").listing(NOW))


def test_what_is_missing_is_what_is_not_there_and_not_what_may_not_be_looked_at(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.pdf").touch()
    (tmp_path / "link.pdf").symlink_to("nowhere")
    names = ["a.pdf", "a.pdf/below.pdf", "gone.pdf", "link.pdf", "none/b.pdf"]
    assert Watched(str(tmp_path)).missing(names) == ["a.pdf/below.pdf", "gone.pdf", "none/b.pdf"]
    assert Watched(bucket).missing(["a.pdf", "gone.pdf"]) == ["gone.pdf"]
    with pytest.raises(UsageError, match="The watched place is not there"):
        Watched(str(tmp_path / "not-mounted")).missing(names)

    def refused(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "lstat", refused)
    assert Watched(str(tmp_path)).missing(names) == []


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], Exception]], None]:
    """A kind of store whose every answer is the given error."""

    def answering(error: Callable[[str], Exception]) -> None:
        class Store(fsspec.AbstractFileSystem):  # type: ignore[misc]
            protocol = "secretive"
            cachable = False

            @classmethod
            def _strip_protocol(cls, path: str) -> str:
                return path.rpartition("@")[2].partition("?")[0]

            def exists(self, path: str, **_: Any) -> bool:
                raise error(URL)

            def get_file(self, *_: Any, **__: Any) -> None:
                raise error(URL)

        fsspec.register_implementation("secretive", Store, clobber=True)

    return answering


URL = "secretive://user:s3%23cret@host/in?sig=k%2Bey"


@pytest.mark.parametrize(
    "error",
    [
        lambda url: OSError(5, "It failed", url),
        lambda url: RuntimeError(f"Login of user:s3%23cret@host with s3#cret at {url} was refused"),
        lambda _: ConnectionError("Cannot connect with sig=k%2Bey, k+ey"),
        lambda url: FileNotFoundError(url),
    ],
)
def test_no_password_of_the_url_is_in_what_a_store_says(
    tmp_path: Path, store: Callable[..., None], error: Callable[[str], Exception]
) -> None:
    store(error)
    watched = Watched(URL)
    assert "cret" not in repr(watched)

    def fetched() -> None:
        with watched.as_files(["a.pdf"]) as (path,):
            path.read_bytes()

    for ask in (lambda: list(watched.listing(NOW)), lambda: watched.missing(["a.pdf"]), fetched):
        with pytest.raises((StorageError, FileNotFoundError)) as caught:
            ask()
        for secret in ("s3#cret", "s3%23cret", "k+ey", "k%2Bey"):
            assert secret not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(StorageError, match=r"^secretive://host/in: "):
        list(watched.listing(NOW))


def test_no_password_of_the_url_is_in_what_cannot_be_opened() -> None:
    for url in ("foo://user:s3cret@host/in", "foo://user:s3/cret@host/in?sig=key"):
        watched = Watched(url)
        with pytest.raises(UsageError) as caught:
            list(watched.listing(NOW))
        assert "cret" not in "".join(traceback.format_exception(caught.value))


def test_no_password_of_the_url_is_in_the_name_of_a_bucket_that_is_not_there() -> None:
    watched = Watched("memory://user:s3cret@nowhere/in?sig=key")
    assert left_out(watched) == {
        "memory://nowhere/in": "The watched place is not there; see whether its URL and the rights to it are right."
    }
    with pytest.raises(UsageError, match=r"^memory://nowhere/in: The watched place is not there"):
        watched.missing(["a.pdf"])
