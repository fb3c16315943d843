"""What a process may still take: processor time and address space, where the system has such limits. Both may be set again."""

from __future__ import annotations

import os
from pathlib import Path


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
