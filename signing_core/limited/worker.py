"""The process that does the work. It has no key of ours, no database and no network, and can write no file.

One that was started for work that writes (`Allowance.files`) may write files of so many bytes, has a private folder for them, and
serves one call.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from signing_core.errors import SealtrailError
from signing_core.limited import fence, limits
from signing_core.limited.channel import receive, send

_LOOK_UP: Final = 2.0
"""Seconds after which a process without work looks whether there is still somebody to work for."""
_IDLE: Final = 300.0
"""Seconds without work after which it ends."""
_NEW_NETWORK: Final = 0x40000000 | 0x10000000  # CLONE_NEWNET, CLONE_NEWUSER of Linux

_COUNTED_IN: Final = 0.5
"""Seconds by which what the system counted when it ended a program and what it says afterwards may differ."""
_FOLDER_FILES: Final = 8
"""Times `Allowance.files` that a private folder may hold in all."""

_ends_at: float | None = None
"""The processor time of this process at which its work has to have ended."""


class _TimeIsUp(BaseException):
    """With what it started, this process has taken all that it may. No handler of mere errors is to stop it."""


def run(arguments: list[str], data: bytes, *, answer: int, readable: Sequence[Path] | None = None) -> bytes | None:
    """What another program says on its standard output to `data` on its standard input, under what is left of the limits.

    With `readable`, and where the system can do that (`fence.version`), the program reads what is in there, writes in this process's
    private folder, and reaches nothing else.

    None when it failed, was not found, or said more than `answer` bytes.
    """
    _count()
    left = 3600.0 if _ends_at is None else _ends_at - spent()
    options: dict[str, Any] = {}
    if readable is not None:
        options["env"] = os.environ | dict.fromkeys(("HOME", "TMPDIR"), str(folder()))
        options["preexec_fn"] = fence.closing(readable, folder()) if fence.version() else None
    try:
        with subprocess.Popen(  # noqa: S603  programs that we name
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            **options,
        ) as process:
            _leave(process, int(left) + 1)
            said = _talk(process, data, answer)
            if said is None:
                process.kill()
    except OSError:
        return None
    finally:
        _count()
    if _ends_at is not None and process.returncode < 0 and spent() > _ends_at - _COUNTED_IN:  # the system ended it
        raise _TimeIsUp
    return said if process.returncode == 0 else None


def folder() -> Path:
    """The private folder of a process that may write."""
    return Path(tempfile.gettempdir())


def _leave(process: subprocess.Popen[bytes], seconds: int) -> None:
    with contextlib.suppress(AttributeError, OSError):  # known to Linux alone; ended already
        resource.prlimit(process.pid, resource.RLIMIT_CPU, (seconds, seconds))


def _talk(process: subprocess.Popen[bytes], data: bytes, most: int) -> bytes | None:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101  both are pipes
    said, view = bytearray(), memoryview(data)
    os.set_blocking(process.stdin.fileno(), False)
    writing = [process.stdin]
    while True:
        readable, writable, _ = select.select([process.stdout], writing, [], _LOOK_UP)
        if _too_much_written():
            return None
        if writable:
            try:
                view = view[os.write(process.stdin.fileno(), view[: 1 << 16]) :]
            except BrokenPipeError:
                view = view[:0]
            if not view:
                process.stdin.close()
                writing = []
        if readable:
            chunk = os.read(process.stdout.fileno(), 1 << 20)
            if not chunk:
                return bytes(said)
            said += chunk
            if len(said) > most:
                return None


def _too_much_written() -> bool:
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if most <= 0:  # nothing can be written, or everything
        return False
    written = 0
    for file in folder().rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            written += file.lstat().st_size
    return written > _FOLDER_FILES * most


def spent() -> float:
    """Processor time of this process and of those it started."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def narrow(seconds: float) -> None:
    """Leave the work at hand so many seconds of processor time from now on, or less where less is left."""
    global _ends_at
    if _ends_at is not None:
        _ends_at = min(_ends_at, spent() + seconds)
        _count()


def _count() -> None:
    """Have the system end this process when its work has taken its time.

    The system counts what this process takes itself. Processes that it starts get what is left of the time (`run`), and what they
    took is taken off here.
    """
    if _ends_at is None:
        return
    left = _ends_at - spent()
    if left <= 0:
        raise _TimeIsUp
    limits.limit_processor_time(left)


def _limit(seconds: float, memory: int) -> None:
    global _ends_at
    _ends_at = spent() + seconds
    _count()
    limits.limit_memory(memory)


def _lift() -> None:
    global _ends_at
    _ends_at = None
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
        _set(kind, resource.RLIM_INFINITY)


def _set(kind: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # macOS knows no limit of address space
        resource.setrlimit(kind, (most, resource.getrlimit(kind)[1]))


def _without_network() -> None:
    """A network of its own with nothing in it, where the system lets any process have one."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None, use_errno=True).unshare(_NEW_NETWORK)


def _function(work: str) -> Callable[..., Any]:
    module, _, name = work.partition(":")
    loaded = importlib.import_module(module)
    getattr(loaded, "load", lambda: None)()  # what it needs for any work, before its limits count
    function: Callable[..., Any] = getattr(loaded, name)
    return function


def _done(function: Callable[..., Any], arguments: tuple[Any, ...], seconds: float, memory: int) -> tuple[Any, ...]:
    _limit(seconds, memory)
    try:
        return "answer", function(*arguments)
    except SealtrailError as error:
        more = {key: value for key, value in vars(error).items() if isinstance(value, str | None)}
        return "refused", type(error).__name__, str(error), more
    except MemoryError:
        return ("memory",)
    except _TimeIsUp:
        os.kill(os.getpid(), signal.SIGXCPU)  # as the system does when it counts this process alone
        raise
    except Exception as error:
        return "failed", f"{type(error).__name__}: {error}"[:500]
    finally:
        _lift()


def serve(channel: socket.socket, *, once: bool) -> None:
    parent, idle = os.getppid(), 0.0
    while idle < _IDLE:
        if not select.select([channel], [], [], _LOOK_UP)[0]:
            idle += _LOOK_UP
            if os.getppid() != parent:  # killed; others that it started may hold its end of the channel open
                return
            continue
        work, arguments, seconds, memory = receive(channel)
        idle = 0.0
        try:
            answer = _done(_function(work), arguments, seconds, memory)
        except Exception as error:  # before its limits: a fault of ours
            answer = "failed", f"{type(error).__name__}: {error}"[:500]
        del arguments
        send(channel, answer)
        if once:
            return


def main() -> None:
    channel, files = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    tempfile.gettempdir()  # found by writing a file
    _without_network()
    for kind, most in ((resource.RLIMIT_FSIZE, files), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        serve(channel, once=files > 0)
    if files:
        shutil.rmtree(folder(), ignore_errors=True)  # the parent does the same, if it is still there


if __name__ == "__main__":
    # As `python -m` this module is called __main__; the one that others import is the one to serve.
    from signing_core.limited import worker

    worker.main()
