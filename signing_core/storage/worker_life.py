"""Worker processes that end with the process that they work for, also when that is killed.

The workers of a `ProcessPoolExecutor` wait for work at a pipe whose other end they hold open for each other: left alone, each
killed run would leave its own behind for ever, with all the memory that they have.
"""

from __future__ import annotations

import multiprocessing
import os
import threading


def end_with_parent() -> None:
    """Called once in a worker process, as or by the `initializer` of its pool; the start method is spawn or forkserver."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, name="end with parent", daemon=True).start()
