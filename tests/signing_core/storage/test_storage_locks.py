from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from signing_core.errors import ConcurrentChange
from signing_core.storage.database import make_engine
from signing_core.storage.locks import document_lock, file_lock, sweep


@pytest.fixture
def house(empty_database_url: str, tmp_path: Path) -> Iterator[Any]:
    """As much of a workspace as a lock needs."""
    engine = make_engine(empty_database_url)
    yield SimpleNamespace(engine=engine, path=tmp_path)
    engine.dispose()


def test_one_thread_at_a_time(house: Any) -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(5):
            with document_lock(house, "D1"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 30
    assert max(most) == 1


def test_another_document_is_free_and_the_same_is_not(house: Any) -> None:
    with (
        document_lock(house, "D1"),
        document_lock(house, "D2", wait=0.05),
        pytest.raises(ConcurrentChange, match="D1"),
        document_lock(house, "D1", wait=0.05),
    ):
        pass
    with document_lock(house, "D1", wait=0.05):
        pass


def test_an_exception_lets_go(house: Any) -> None:
    with pytest.raises(RuntimeError), document_lock(house, "D1"):
        raise RuntimeError
    with document_lock(house, "D1", wait=0.05):
        pass


def test_the_lock_ends_with_its_process(house: Any) -> None:
    code = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from signing_core.storage.database import make_engine
from signing_core.storage.locks import document_lock, file_lock, sweep
with document_lock(SimpleNamespace(engine=make_engine(sys.argv[1]), path=Path(sys.argv[2])), "D1"):
    print("held", flush=True)
    time.sleep(60)
"""
    url = house.engine.url.render_as_string(hide_password=False)
    holder = subprocess.Popen([sys.executable, "-c", code, url, str(house.path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(ConcurrentChange), document_lock(house, "D1", wait=0.1):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with document_lock(house, "D1", wait=60):
        pass


def test_no_lock_file_stays(house: Any) -> None:
    with document_lock(house, "D1"):
        pass
    assert not list((house.path / "locks").glob("*")) if (house.path / "locks").exists() else True


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a\0b", "x" * 65])
def test_a_lock_is_named_by_a_document_id(house: Any, name: str) -> None:
    with pytest.raises(ValueError, match="document id"), document_lock(house, name):
        pass


def test_files_of_locks_that_ended_with_their_process_are_removed(house: Any) -> None:
    folder = house.path / "locks"
    folder.mkdir(exist_ok=True)
    for name in ("left", "held", "young"):
        (folder / name).touch()
        if name != "young":
            os.utime(folder / name, (time.time() - 7200,) * 2)
    with file_lock(folder / "held", 0):
        sweep(house)
        assert sorted(file.name for file in folder.iterdir()) == ["held", "young"]
