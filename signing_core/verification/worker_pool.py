"""Our own pool of worker processes: each document under a limit of processor time and memory, results in the order of the paths.

A worker that is killed by its own memory or time, or by a fault in a library, costs the one document it had; it is replaced and the
rest goes on. A clock only guards against hanging: what a document gets must not depend on what else the machine does, so one that
the clock stopped is given to another worker once more.
"""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import Any, Final, Protocol

from signing_core.verdict import DocumentVerdict
from signing_core.verification.worker_processes import limit, process_context, seconds_for, size_of

Known = Callable[[str], DocumentVerdict | None]

AHEAD: Final = 256
"""Verdicts kept while an earlier document is still at work."""
_GRACE: Final = 5.0
"""Seconds that a worker may take to get ready or to end."""
_LOOK_UP: Final = 2.0
"""Seconds after which a worker without work looks whether there is still somebody to work for."""


class Work(Protocol):
    """What the processes do; goes to them as it is, so it has to be picklable."""

    def verifier(self) -> Callable[[str], DocumentVerdict]:
        """Judges the file at a path. Made once in each process."""

    def not_judged(self, path: str, code: str, detail: str) -> DocumentVerdict:
        """The verdict on a document that could not be judged, for the cause `code` of the catalogue of findings."""


def _work(connection: Connection, work: Work, seconds: float, memory: int) -> None:
    """A worker process: a path in, a verdict out, until None comes."""
    parent = os.getppid()
    try:
        verifier = work.verifier()
        gc.freeze()  # what is loaded by now stays: it need not be looked through again, nor copied from the parent
        gc.set_threshold(20_000, 20, 20)
        connection.send(None)
        while (path := _next(connection, parent)) is not None:
            limit(size_of(path), seconds, memory)
            try:
                verdict = verifier(path)
            except MemoryError:
                verdict = work.not_judged(path, "limit-exceeded", "memory")
            except Exception as error:
                verdict = work.not_judged(path, "internal-error", type(error).__name__)
            connection.send(verdict)
    except (EOFError, OSError, KeyboardInterrupt):
        return


def _next(connection: Connection, parent: int) -> str | None:
    """The next path; None at the end, also when the parent was killed: forked siblings hold its end of the pipe open."""
    while not connection.poll(_LOOK_UP):
        if os.getppid() != parent:
            return None
    path: str | None = connection.recv()
    return path


class _Worker:
    def __init__(self, context: Any, work: Work, seconds: float, memory: int) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, work, seconds, memory), daemon=True)
        self.process.start()
        theirs.close()
        self.ready = False
        self.task: tuple[int, str] | None = None
        self.deadline = monotonic() + 60.0

    def give(self, index: int, path: str, seconds: float) -> None:
        self.task = (index, path)
        self.deadline = monotonic() + patience(seconds)
        self.connection.send(path)

    def end(self, *, kill: bool) -> None:
        try:
            if kill:
                self.process.kill()
            else:
                self.connection.send(None)
        except OSError:
            self.process.kill()
        self.process.join(_GRACE)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(_GRACE)
        self.connection.close()


def patience(seconds: float) -> float:
    """Seconds on the clock after which a document that may take `seconds` of processor time must be hanging."""
    return 30.0 + 10.0 * seconds


class WorkerPool:
    """Up to `jobs` processes. A document may take `seconds` of processor time and `memory` bytes (0: any), a small file less: see `seconds_for`, `memory_for`."""

    def __init__(self, work: Work, *, jobs: int, seconds: float, memory: int) -> None:
        self._work = work
        self._jobs = jobs
        self._seconds = seconds
        self._memory = memory
        self._context = process_context()
        self._workers: list[_Worker] = []
        self._done: dict[int, DocumentVerdict] = {}
        self._failures = 0
        self._again: deque[tuple[int, str]] = deque()
        """Documents that the clock stopped once."""
        self._stopped: set[int] = set()

    def run(self, paths: Iterator[str], known: Known) -> Iterator[DocumentVerdict]:
        """One verdict for each path, in their order; `known` gives those that need no work."""
        given = returned = 0
        exhausted = False
        try:
            while True:
                while self._again and (worker := self._free()) is not None:
                    self._give(worker, *self._again.popleft())
                while not exhausted and given - returned < AHEAD and (worker := self._free()) is not None:
                    path = next(paths, None)
                    if path is None:
                        exhausted = True
                    elif (verdict := known(path)) is not None:
                        self._done[given] = verdict
                        given += 1
                    else:
                        self._give(worker, given, path)
                        given += 1
                while returned in self._done:
                    yield self._done.pop(returned)
                    returned += 1
                if exhausted and returned == given:
                    return
                self._listen()
        finally:
            for worker in self._workers:
                worker.end(kill=worker.task is not None or not worker.ready)

    def _free(self) -> _Worker | None:
        """A worker without a task; a new one while there are fewer than wanted."""
        for worker in self._workers:
            if worker.ready and worker.task is None:
                return worker
        starting = [worker for worker in self._workers if not worker.ready]
        if len(self._workers) < self._jobs and not starting:
            self._workers.append(_Worker(self._context, self._work, self._seconds, self._memory))
        return None

    def _give(self, worker: _Worker, index: int, path: str) -> None:
        try:
            worker.give(index, path, self._seconds)
        except OSError:
            worker.task = (index, path)
            self._lost(worker, "worker-died", "")

    def _listen(self) -> None:
        """Wait for a verdict, the end of a process or the next deadline, whichever comes first."""
        busy = [worker for worker in self._workers if worker.task is not None or not worker.ready]
        if not busy:
            return
        timeout = max(0.0, min(worker.deadline for worker in busy) - monotonic())
        heard = set(wait([worker.connection for worker in busy], timeout))
        for worker in busy:
            if worker.connection in heard:
                self._receive(worker)
            elif monotonic() >= worker.deadline:
                self._hung(worker)

    def _receive(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join(_GRACE)
            status = worker.process.exitcode
            if status == -signal.SIGXCPU:
                seconds = seconds_for(size_of(worker.task[1]) if worker.task else None, self._seconds)
                self._lost(worker, "limit-exceeded", f"{seconds:g} seconds of processor time")
            else:
                self._lost(worker, "worker-died", f"exit status {status}" if status is not None else "")
            return
        if worker.task is None:
            worker.ready = True
            return
        self._done[worker.task[0]] = message
        worker.task = None

    def _hung(self, worker: _Worker) -> None:
        if worker.task is None or worker.task[0] in self._stopped:
            self._lost(worker, "limit-exceeded", f"{patience(self._seconds):g} seconds, twice")
            return
        self._stopped.add(worker.task[0])
        self._again.append(worker.task)
        self._workers.remove(worker)
        worker.end(kill=True)

    def _lost(self, worker: _Worker, code: str, detail: str) -> None:
        self._workers.remove(worker)
        worker.end(kill=True)
        if worker.task is None:  # it never got ready: start-up itself fails, and would for ever
            self._failures += 1
            if self._failures > 3:
                raise RuntimeError("worker processes end before they start; verify without --jobs or with more memory")
            return
        index, path = worker.task
        verdict = self._work.not_judged(path, code, detail)
        self._done[index] = replace(verdict, size=size_of(path))
