"""Processes that work for this one: how they start, and how much memory they may take."""

from __future__ import annotations

import multiprocessing
import os
import threading
from multiprocessing.context import BaseContext
from pathlib import Path


def process_context() -> BaseContext:
    """Forking is instant and shares what is loaded, but only safe as long as there is one thread."""
    methods = multiprocessing.get_all_start_methods()
    if "fork" in methods and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")


def seconds_for(size: int | None, most: float) -> float:
    """Of processor time for a file of `size` bytes, no more than `most`: what honest ones need many times over."""
    return min(most, 7.0 + 20.0 * (size or 0) / 1e6)


def memory_for(size: int | None, most: int) -> int:
    """Bytes of address space for a file of `size` bytes, no more than `most`; 0 (none) when `most` is 0."""
    return min(most, (1 << 30) + 30 * (size or 0))


def size_of(path: str) -> int | None:
    """In bytes; None for what cannot be found."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def limit_processor_time(seconds: float) -> None:
    """So many seconds of processor time more for the process that calls it, where the system has such a limit; then it is ended by
    SIGXCPU. The limit may be set again."""
    try:
        import resource

        own = resource.getrusage(resource.RUSAGE_SELF)
        most = int(own.ru_utime + own.ru_stime + seconds) + 1  # the system counts whole seconds
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    except (ImportError, ValueError, OSError):
        return


def limit_memory(size: int) -> None:
    """So many bytes of address space more for the process that calls it, where the system has such a limit; 0 is none. The limit may
    be set again.

    What it has by now is left out of account: a process forked from a large one has gigabytes mapped that it never uses.
    """
    if size:
        try:
            import resource

            most = _address_space() + size
            resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
        except (ImportError, ValueError, OSError):
            return  # no such limit on this system


def _address_space() -> int:
    """Of this process, in bytes; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
