"""The limited process: what it answers, what it may not do, and what is left of it when it does."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from signing_core import limited
from signing_core.errors import DocumentRefused
from signing_core.limited import Allowance, Exceeded, calling

SHARED = Path(__file__).parents[2] / "shared"
LITTLE = Allowance(seconds=2)


@pytest.fixture(autouse=True, scope="module")
def shared_modules() -> Iterator[None]:
    """A process finds `limited_work` where this one does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(SHARED), os.environ.get("PYTHONPATH", "")]))
        calling._end_all()
        yield
    calling._end_all()


def call(work: str, *arguments: object, allowance: Allowance = LITTLE) -> object:
    return limited.call(work, *arguments, allowance=allowance)


def stopped(work: str, *arguments: object, allowance: Allowance = LITTLE) -> str:
    with pytest.raises(Exceeded) as caught:
        call(work, *arguments, allowance=allowance)
    return caught.value.code


def test_a_process_is_kept_for_the_next_call() -> None:
    assert call("os:getpid") == call("os:getpid")


def test_an_error_of_ours_comes_back_as_it_was() -> None:
    with pytest.raises(DocumentRefused, match=r"offer\.pdf is not a PDF") as caught:
        call("limited_work:refuse")
    assert caught.value.code == "not-a-pdf"


def test_memory_time_and_answer_are_bounded_and_the_next_call_has_a_new_process() -> None:
    assert stopped("builtins:bytearray", 2 << 30) == "memory"
    assert stopped("builtins:sum", range(10**12), allowance=Allowance(seconds=1)) == "time"
    assert stopped("builtins:bytes", 3 << 20, allowance=Allowance(seconds=2, answer=1 << 20)) == "answer"
    assert isinstance(call("os:getpid"), int)


def test_only_plain_values_come_back() -> None:
    assert call("builtins:list", (1, 2.5, None, True, "text", b"bytes", {"key": [1]})) == [
        1, 2.5, None, True, "text", b"bytes", {"key": [1]},
    ]  # fmt: skip
    assert stopped("pathlib:Path", "x") == "died"


def test_it_writes_no_file_and_reaches_no_network(tmp_path: object) -> None:
    assert stopped("limited_work:write", f"{tmp_path}/file") == "fault"
    assert stopped("limited_work:connect", 9) == "fault"


def test_a_process_that_ends_is_told_apart_from_one_that_its_limits_ended() -> None:
    assert stopped("os:_exit", 1) == "died"
    assert stopped("os:abort") == "died"


def test_what_hangs_is_tried_once_more_and_then_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []
    once = calling._once

    def counted(*arguments: object) -> object:
        tries.append(arguments)
        return once(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(calling, "_once", counted)
    monkeypatch.setattr(Allowance, "patience", 1.0)
    assert stopped("time:sleep", 60) == "hung"
    assert len(tries) == 2


def test_threads_have_a_process_each() -> None:
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.append(call("limited_work:pid_after", 0.5))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 2
