"""Many documents: worker processes, each document under a limit of time and memory, results in input order.

A worker that is killed by its own memory, by a fault in a library or by our clock costs the one document it had; it is
replaced and the rest goes on. Nothing is shared between documents but what a process keeps in its caches: parsed X.509
certificates, revocation data, checked signatures of chains.

Inside a pipeline that has processes of its own, hand in its `concurrent.futures.Executor`.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from datetime import datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from pathlib import Path
from time import monotonic
from typing import Any, Final

from signing_core.policy import Policy
from signing_core.verdict import DocumentVerdict
from signing_core.verification import findings
from signing_core.verification.context import WorkspaceContext
from signing_core.verification.document import verify
from signing_core.verification.revocation import Material
from signing_core.verification.trust import Trust
from signing_core.verification.undecided import undecided

Known = Callable[[str], DocumentVerdict | None]

_AHEAD: Final = 256
"""Verdicts kept while an earlier document is still at work."""
_GRACE: Final = 5.0
"""Seconds that a worker may take to get ready or to end."""
_LOOK_UP: Final = 2.0
"""Seconds after which a worker without work looks whether there is still somebody to work for."""


@dataclass(frozen=True)
class Rules:
    """What every document of a run is judged by; goes to worker processes as it is."""

    at: datetime
    policy: Policy = field(default_factory=Policy)
    trust: Trust = field(default_factory=Trust)
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    password: str | None = field(default=None, repr=False)
    online: bool = False
    context: Callable[[], WorkspaceContext] | None = None
    """Opens a workspace's registry and audit log, once in each process; has to be picklable."""

    def material(self) -> Material:
        from signing_core.verification.revocation import material

        return material(self.crls, self.ocsps)


@dataclass(frozen=True)
class Limits:
    """For one document."""

    seconds: float = 60.0
    memory: int = 3 * 1024**3
    """Bytes of address space that a worker process may take on top of what it starts with; 0 for no limit."""


class _Verifier:
    """What one process keeps between documents."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._material = rules.material()
        self._context = rules.context() if rules.context else None

    def __call__(self, path: str) -> DocumentVerdict:
        rules = self._rules
        return verify(
            path,
            at=rules.at,
            policy=rules.policy,
            trust=rules.trust,
            revocation=self._material,
            password=rules.password,
            workspace_context=self._context,
            online=rules.online,
        )


def verify_many(
    paths: Iterable[str | os.PathLike[str]],
    rules: Rules,
    *,
    jobs: int = 1,
    limits: Limits | None = None,
    executor: Executor | None = None,
    known: Known | None = None,
) -> Iterator[DocumentVerdict]:
    """One verdict for each path, in their order, each as soon as it and all before it are known.

    Args:
        jobs: worker processes; with `executor` they are its business.
        limits: time and memory for each document. An executor's tasks cannot be stopped from outside, so with one only
            what `verify` limits by itself applies.
        known: gives a verdict that is there already (see `journal`), None for a document that has to be judged.
    """
    names = (os.fspath(path) for path in paths)
    if executor is not None:
        return _with_executor(names, rules, executor, known or _nothing)
    return _Pool(rules, max(1, jobs), limits or Limits()).run(names, known or _nothing)


def _nothing(_: str) -> DocumentVerdict | None:
    return None


_kept: dict[int, tuple[Rules, _Verifier]] = {}


def _task(path: str, rules: Rules) -> DocumentVerdict:
    """In an executor's process: the rules arrive anew with every task, the verifier is kept while they are the same."""
    known = _kept.get(0)
    if known is None or known[0] != rules:
        known = _kept[0] = (rules, _Verifier(rules))
    return known[1](path)


def _with_executor(paths: Iterator[str], rules: Rules, executor: Executor, known: Known) -> Iterator[DocumentVerdict]:
    waiting: deque[tuple[str, Future[DocumentVerdict]]] = deque()
    for path in paths:
        future: Future[DocumentVerdict] = Future()
        if (verdict := known(path)) is not None:
            future.set_result(verdict)
        else:
            future = executor.submit(_task, path, rules)
        waiting.append((path, future))
        if len(waiting) >= _AHEAD:
            yield _outcome(*waiting.popleft(), rules)
    while waiting:
        yield _outcome(*waiting.popleft(), rules)


def _outcome(path: str, future: Future[DocumentVerdict], rules: Rules) -> DocumentVerdict:
    try:
        return future.result()
    except Exception as error:  # a broken pool, a task that could not be sent: the document's loss, not the run's
        return undecided(path, rules.at, rules.policy, findings.make("worker-died", type(error).__name__))


# --- Our own pool ---


def process_context() -> BaseContext:
    """Forking is instant and shares what is loaded, but only safe as long as there is one thread."""
    methods = multiprocessing.get_all_start_methods()
    if "fork" in methods and threading.active_count() == 1:
        return multiprocessing.get_context("fork")
    return multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")


def _work(connection: Connection, rules: Rules, memory: int) -> None:
    """A worker process: a path in, a verdict out, until None comes."""
    parent = os.getppid()
    limit_memory(memory)
    try:
        verifier = _Verifier(rules)
        gc.freeze()  # what is loaded by now stays: it need not be looked through again, nor copied from the parent
        gc.set_threshold(20_000, 20, 20)
        connection.send(None)
        while (path := _next(connection, parent)) is not None:
            try:
                verdict = verifier(path)
            except MemoryError:
                verdict = undecided(path, rules.at, rules.policy, findings.make("limit-exceeded", "memory"))
            except Exception as error:
                verdict = undecided(path, rules.at, rules.policy, findings.make("internal-error", type(error).__name__))
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


class _Worker:
    def __init__(self, context: Any, rules: Rules, memory: int) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, rules, memory), daemon=True)
        self.process.start()
        theirs.close()
        self.ready = False
        self.task: tuple[int, str] | None = None
        self.deadline = monotonic() + 60.0

    def give(self, index: int, path: str, seconds: float) -> None:
        self.task = (index, path)
        self.deadline = monotonic() + seconds
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


class _Pool:
    def __init__(self, rules: Rules, jobs: int, limits: Limits) -> None:
        self._rules = rules
        self._jobs = jobs
        self._limits = limits
        self._context = process_context()
        self._workers: list[_Worker] = []
        self._done: dict[int, DocumentVerdict] = {}
        self._failures = 0

    def run(self, paths: Iterator[str], known: Known) -> Iterator[DocumentVerdict]:
        given = returned = 0
        exhausted = False
        try:
            while True:
                while not exhausted and given - returned < _AHEAD and (worker := self._free()) is not None:
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
            self._workers.append(_Worker(self._context, self._rules, self._limits.memory))
        return None

    def _give(self, worker: _Worker, index: int, path: str) -> None:
        try:
            worker.give(index, path, self._limits.seconds)
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
                self._lost(worker, "limit-exceeded", f"{self._limits.seconds:g} seconds")

    def _receive(self, worker: _Worker) -> None:
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join(_GRACE)
            status = worker.process.exitcode
            self._lost(worker, "worker-died", f"exit status {status}" if status is not None else "")
            return
        if worker.task is None:
            worker.ready = True
            return
        self._done[worker.task[0]] = message
        worker.task = None

    def _lost(self, worker: _Worker, code: str, detail: str) -> None:
        self._workers.remove(worker)
        worker.end(kill=True)
        if worker.task is None:  # it never got ready: start-up itself fails, and would for ever
            self._failures += 1
            if self._failures > 3:
                raise RuntimeError("worker processes end before they start; verify without --jobs or with more memory")
            return
        index, path = worker.task
        verdict = undecided(path, self._rules.at, self._rules.policy, findings.make(code, detail))
        self._done[index] = replace(verdict, size=_size(path))


def _size(path: str) -> int | None:
    try:
        return Path(path).stat().st_size
    except OSError:
        return None
