"""The parent's side: which process does the work, what became of it, and what the caller is told."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from signing_core import errors
from signing_core.limited.channel import TooLong, receive_plain, send

_log = logging.getLogger(__name__)
_KEPT: Final = 2
"""Idle processes that are kept."""
_CALLS: Final = 200
"""Calls after which a process is replaced: libraries keep a little of each."""
_TRIES: Final = 2
_NOTHING_LISTENS: Final = "http://127.0.0.1:9"  # the discard port (RFC 863)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one call may cost."""

    seconds: float
    """Of processor time, of the process and of those it starts."""
    memory: int = 1 << 30
    """Bytes of address space on top of what the process has with its libraries loaded."""
    answer: int = 512 << 20
    """Bytes."""
    files: int = 0
    """Bytes of each file that it may write, in a private folder that is gone after the call; without any, it can write none."""

    @property
    def patience(self) -> float:
        """Seconds on the clock after which the process must be hanging, on a machine however busy."""
        return 60.0 + 20.0 * self.seconds


class Exceeded(Exception):
    """The work was stopped."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        """Stable: `memory`, `time`, `answer`, `died`, `hung` or `fault`."""
        self.reason = reason
        """The predicate of a sentence whose subject is the work."""


def call(work: str, *arguments: Any, allowance: Allowance) -> Any:
    """What the function `module:name` answers to `arguments`, in a limited process.

    Raises the function's own `SealtrailError`, and `Exceeded` when its limits stopped it or it came to no answer.
    """
    for left in reversed(range(_TRIES)):
        try:
            return _once(work, arguments, allowance)
        except _Stopped as stopped:
            if not left or not stopped.by_chance:
                raise stopped.exceeded from None
    raise AssertionError("the last try returns or raises")


class _Stopped(Exception):
    def __init__(self, exceeded: Exceeded, *, by_chance: bool) -> None:
        super().__init__(str(exceeded))
        self.exceeded, self.by_chance = exceeded, by_chance


def _once(work: str, arguments: tuple[Any, ...], allowance: Allowance) -> Any:
    worker = _Worker(allowance.files) if allowance.files else _taken()
    kept = False
    try:
        status, *answer = worker.call(work, arguments, allowance)
        kept = status != "memory" and not allowance.files
    except TimeoutError:
        raise _Stopped(Exceeded("hung", "did not come to an end"), by_chance=True) from None
    except TooLong:
        raise _Stopped(Exceeded("answer", f"gave more than {allowance.answer >> 20} MB"), by_chance=False) from None
    except (EOFError, OSError, pickle.UnpicklingError):
        worker.end()
        raise _died(worker.ended_by) from None
    finally:
        _given_back(worker) if kept else worker.end()
    if status == "answer":
        return answer[0]
    if status == "refused":
        raise _error(*answer)
    if status == "memory":
        raise _Stopped(Exceeded("memory", f"took more than {_size(allowance.memory)} of memory"), by_chance=False)
    _log.warning("%s failed in its process: %s", work, answer[0])
    raise _Stopped(Exceeded("fault", "came upon something that it cannot do"), by_chance=False)


def _died(ended_by: int | None) -> _Stopped:
    if ended_by == signal.SIGXCPU:
        return _Stopped(Exceeded("time", "took more processor time than it is given"), by_chance=False)
    # Killed from outside, for instance when the machine ran out of memory; or a fault in a library that the file led to.
    return _Stopped(Exceeded("died", "ended the program that did it"), by_chance=ended_by == signal.SIGKILL)


def _size(size: int) -> str:
    return f"{size >> 30} GB" if size >= 1 << 30 else f"{size >> 20} MB"


def _error(name: str, message: str, more: dict[str, Any]) -> Exception:
    """The error that the function raised, if it is one of ours."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, errors.SealtrailError):
        with contextlib.suppress(TypeError):
            return kind(message, **more)
    return RuntimeError(f"an unexpected {name} in a limited process")


class _Worker:
    def __init__(self, files: int = 0) -> None:
        self.parent = os.getpid()
        self.folder = tempfile.mkdtemp(prefix="sealtrail-") if files else None
        self.channel, theirs = socket.socketpair()
        self.calls = 0
        self.used = False
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-m", "signing_core.limited.worker", str(theirs.fileno()), str(files)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,  # no process of ours is within its reach by the number of a group
                cwd=Path(__file__).parents[2],
                env=_environment() | ({"TMPDIR": self.folder} if self.folder else {}),
            )

    def call(self, work: str, arguments: tuple[Any, ...], allowance: Allowance) -> Any:
        self.calls += 1
        ends = time.monotonic() + allowance.patience
        self.channel.settimeout(allowance.patience)
        send(self.channel, (work, arguments, allowance.seconds, allowance.memory))
        self.channel.settimeout(max(0.1, ends - time.monotonic()))
        return receive_plain(self.channel, allowance.answer)

    @property
    def ended_by(self) -> int | None:
        """The signal that ended it."""
        status = self._process.poll()
        return -status if status is not None and status < 0 else None

    def alive(self) -> bool:
        return self.parent == os.getpid() and self._process.poll() is None

    def end(self) -> None:
        self.channel.close()
        if self.parent == os.getpid():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)  # one that its limits ended has a status to be read
            with contextlib.suppress(ProcessLookupError, PermissionError):  # with the programs that it started
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self.folder:
                shutil.rmtree(self.folder, ignore_errors=True)


def _environment() -> dict[str, str]:
    """Libraries with one thread, and no way to the network for those that would look for one."""
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"), "1")
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"), _NOTHING_LISTENS)
    known = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "TMPDIR") if name in os.environ}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **known, **single, **proxies}


_lock = threading.Lock()
_idle: list[_Worker] = []


def _taken() -> _Worker:
    with _lock:
        while _idle:
            worker = _idle.pop()
            if worker.alive():
                return worker
            worker.end()
    return _Worker()


def _given_back(worker: _Worker) -> None:
    with _lock:
        if worker.calls < _CALLS and len(_idle) < _KEPT:
            _idle.append(worker)
            return
    worker.end()


@atexit.register
def _end_all() -> None:
    with _lock:
        for worker in _idle:
            worker.end()
        _idle.clear()
