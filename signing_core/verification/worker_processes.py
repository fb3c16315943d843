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
    """So many bytes of address space more for the process that calls it, where the system has such a limit; 0 is none.

    What it has by now is left out of account: a process forked from a large one has gigabytes mapped that it never uses.
    """
    if size:
        try:
            import resource

            most = _address_space() + size
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        except (ImportError, ValueError, OSError):
            return  # no such limit on this system


def _address_space() -> int:
    """Of this process, in bytes; 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
