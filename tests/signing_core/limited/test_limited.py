"""The limited process: what it answers, what it may not do, and what is left of it when it does."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from signing_core import limited
from signing_core.errors import DocumentRefused
from signing_core.limited import Allowance, Exceeded, calling, fence

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


WRITING = Allowance(seconds=5, files=1 << 20)


def test_what_may_write_has_a_folder_of_its_own_for_one_call() -> None:
    folder = call("limited_work:write_in_folder", 1000, 1 << 20, allowance=WRITING)
    assert not Path(str(folder)).exists()
    assert stopped("limited_work:write_in_folder", (1 << 20) + 1, allowance=WRITING) == "fault"
    assert call("os:getpid", allowance=WRITING) != call("os:getpid", allowance=WRITING)
    assert stopped("limited_work:write_in_folder", 1, allowance=LITTLE) == "fault"  # the others still may not


def test_a_folder_has_an_end() -> None:
    fill = "import tempfile, time\nfor n in range(9): open(tempfile.gettempdir() + f'/{n}', 'wb').write(bytes(1 << 20))\ntime.sleep(60)"
    assert call("limited_work:started", fill, [], allowance=WRITING) is None


@pytest.mark.skipif(not fence.version(), reason="this kernel has no Landlock")
def test_a_program_behind_the_fence_reads_and_writes_where_it_may(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    for file in (tmp_path / "open" / "file", tmp_path / "closed"):
        file.write_text("read")

    def said(program: str) -> object:
        return call("limited_work:started", program, [str(tmp_path / "open")], allowance=WRITING)

    assert said(f"print(open('{tmp_path}/open/file').read())") == b"read\n"
    assert said("import tempfile; open(tempfile.gettempdir() + '/x', 'w').write('x'); print('written')") == b"written\n"
    for refused in (
        f"open('{tmp_path}/closed')",
        f"open('{tmp_path}/open/file', 'a')",
        f"open('{tmp_path}/new', 'w')",
        "open('/tmp/sealtrail-new', 'w')",
        f"import os; os.unlink('{tmp_path}/open/file')",
    ):
        assert said(f"try:\n  {refused}\nexcept PermissionError: print('refused')") == b"refused\n", refused


def test_programs_end_with_the_process_that_started_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Allowance, "patience", 3.0)
    assert stopped("limited_work:started", f"import time; time.sleep(600)  # {tmp_path}", allowance=WRITING) == "hung"
    while _runs(str(tmp_path)):  # it has the signal, and is no child of this process to be waited for
        time.sleep(0.05)


def _runs(part: str) -> bool:
    """Whether a program with this in its command line is there."""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if part.encode() in place.read_bytes():
                return True
    return False


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
