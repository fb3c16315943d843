from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from signing_core.errors import ObjectDamaged, ObjectMissing, StorageError, UsageError
from signing_core.storage import objects
from signing_core.storage.objects import LocalObjects, open_objects


@pytest.fixture
def store(tmp_path: Path) -> LocalObjects:
    return LocalObjects(tmp_path)


def test_what_is_put_can_be_got_under_its_hash(store: LocalObjects) -> None:
    for data in (b"", b"x", os.urandom(3_000_000)):
        name = store.put(data)
        assert name == hashlib.sha256(data).hexdigest()
        assert store.get(name) == data
        assert store.path(name).read_bytes() == data
        assert store.exists(name)
        assert store.put(data) == name


def test_only_the_owner_can_read_and_nobody_writes(store: LocalObjects) -> None:
    assert store.path(store.put(b"private")).stat().st_mode & 0o777 == 0o400


def test_a_missing_object(store: LocalObjects) -> None:
    name = "0" * 64
    assert not store.exists(name)
    for ask in (store.get, store.path):
        with pytest.raises(ObjectMissing, match="restore"):
            ask(name)
    store.delete(name)


def test_a_deleted_object_is_gone(store: LocalObjects) -> None:
    name = store.put(b"x")
    store.delete(name)
    assert not store.exists(name)


def test_a_damaged_object_is_never_given_out_and_mended_by_the_next_put(store: LocalObjects) -> None:
    name = store.put(b"right")
    file = store.path(name)
    file.chmod(0o600)
    file.write_bytes(b"wrong")
    with pytest.raises(ObjectDamaged, match="backup"):
        store.get(name)
    assert store.put(b"right") == name
    assert store.get(name) == b"right"


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n"])
def test_a_name_is_a_hash_and_nothing_else(store: LocalObjects, name: str) -> None:
    with pytest.raises(ValueError, match="64"):
        store.get(name)


def test_a_full_disk_is_said_and_leaves_nothing(store: LocalObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(objects, "write_all", full)
    with pytest.raises(StorageError, match="No space left"):
        store.put(b"x" * 100)
    assert not any(path.is_file() for path in store.folder.rglob("*"))


def test_killed_at_any_point_an_object_is_whole_or_not_there(tmp_path: Path) -> None:
    """The putting process is killed before each of its system calls in turn."""
    code = """
import os, signal, sys
from pathlib import Path
from signing_core.storage.objects import LocalObjects
left = [int(sys.argv[2])]
def deadly(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*args, **kwargs)
    return call
for name in ("open", "write", "fsync", "rename", "replace", "close", "mkdir", "posix_fadvise"):
    setattr(os, name, deadly(name))
LocalObjects(Path(sys.argv[1])).put(b"all of it" * 1000)
"""
    data = b"all of it" * 1000
    name = hashlib.sha256(data).hexdigest()
    seen = set()
    for calls in range(60):
        folder = tmp_path / str(calls)
        folder.mkdir()
        ended = subprocess.run([sys.executable, "-c", code, str(folder), str(calls)]).returncode
        store = LocalObjects(folder)
        seen.add(store.exists(name))
        if store.exists(name):
            assert store.get(name) == data
        store.sweep()
        assert store.put(data) == name
        assert [file for file in folder.rglob("*") if file.is_file()] == [store.path(name)]
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    else:
        raise AssertionError("the put never came to its end")
    assert seen == {True, False}


def test_sweeping_spares_a_put_under_way(store: LocalObjects, monkeypatch: pytest.MonkeyPatch) -> None:
    swept = []
    real = objects.write_all

    def write_and_sweep(descriptor: int, data: bytes) -> None:
        swept.append(store.sweep())
        real(descriptor, data)

    monkeypatch.setattr(objects, "write_all", write_and_sweep)
    store.get(store.put(b"x"))
    assert swept == [0]


def test_the_next_process_that_puts_removes_what_a_killed_one_left(store: LocalObjects) -> None:
    left = store.folder / "unfinished" / ("0" * 32)
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of")
    name = store.put(b"x")
    assert [file for file in store.folder.rglob("*") if file.is_file()] == [store.path(name)]


def test_a_put_that_is_swept_before_it_holds_its_lock_begins_again(
    store: LocalObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept = []
    real = objects.fcntl.flock

    def sweep_first(file: object, how: int) -> None:
        if isinstance(file, int) and not swept:
            swept.append(store.sweep())
        real(file, how)  # type: ignore[arg-type]

    store.put(b"the sweep of the first put")
    monkeypatch.setattr(objects.fcntl, "flock", sweep_first)
    assert store.get(store.put(b"x")) == b"x"
    assert swept == [1]
    assert not list((store.folder / "unfinished").iterdir())


def test_many_threads_put_the_same(store: LocalObjects) -> None:
    names: list[str] = []
    threads = [threading.Thread(target=lambda: names.append(store.put(b"same" * 50_000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names) == 8
    assert store.get(names[0]) == b"same" * 50_000


def test_the_setting(tmp_path: Path) -> None:
    assert open_objects("objects", tmp_path).folder == tmp_path / "objects"
    assert open_objects("/srv/objects", tmp_path).folder == Path("/srv/objects")
    assert open_objects("file:///srv/my%20objects", tmp_path).folder == Path("/srv/my objects")
    for url in ("s3://bucket/x", "file://host/x"):
        with pytest.raises(UsageError, match="objects_url"):
            open_objects(url, tmp_path)
