"""How much may still be spent on a file."""

from __future__ import annotations

import time

from signing_core.pdf.structure.model import Limits


class LimitReached(Exception):
    """A limit of `Limits` was passed. Never leaves the public functions: it becomes a finding."""


class Budget:
    """Counts what is spent. Raises `LimitReached` when it is too much.

    Time is the processor's, of the thread that works: a verdict must not depend on what else the machine does.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stream_bytes = limits.total_stream_bytes
        self._objects = limits.objects
        self._spent = 0.0
        self._since: float | None = None

    def start(self) -> float | None:
        """Start the clock; hand the result to `stop`."""
        before = self._since
        if before is None:
            self._since = time.thread_time()
        return before

    def stop(self, before: float | None) -> None:
        if before is None and self._since is not None:
            self._spent += time.thread_time() - self._since
            self._since = None

    def step(self, count: int = 1) -> None:
        """`count` more objects were looked at."""
        self._objects -= count
        if self._objects < 0:
            raise LimitReached(f"more than {self._limits.objects} objects had to be looked at")
        if self._since is not None and not self._objects & 63:
            self.check()

    def check(self) -> None:
        """Look at the clock."""
        if self._since is not None and self._spent + time.thread_time() - self._since > self._limits.seconds:
            raise LimitReached(f"the analysis took more than {self._limits.seconds:g} seconds")

    def decoded(self, size: int) -> None:
        """`size` more bytes came out of stream filters."""
        self._stream_bytes -= size
        if self._stream_bytes < 0:
            raise LimitReached(f"streams decode to more than {self._limits.total_stream_bytes} bytes together")
        self.check()
