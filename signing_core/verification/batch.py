"""Many documents by one set of rules: in processes of our own or of an executor, verdicts in input order.

Nothing is shared between documents but what a process keeps in its caches: parsed X.509 certificates, revocation data,
checked signatures of chains.

Inside a pipeline that has processes of its own, hand in its `concurrent.futures.Executor`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from signing_core.policy import Policy
from signing_core.trust import TrustStore
from signing_core.verdict import DocumentVerdict
from signing_core.verification import findings
from signing_core.verification.context import WorkspaceContext
from signing_core.verification.document import verify
from signing_core.verification.revocation import Material
from signing_core.verification.undecided import undecided
from signing_core.verification.worker_pool import AHEAD, Known, WorkerPool

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future


@dataclass(frozen=True)
class Rules:
    """What every document of a run is judged by; goes to worker processes as it is."""

    at: datetime
    policy: Policy = field(default_factory=Policy)
    trust: TrustStore = field(default_factory=TrustStore)
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    password: str | None = field(default=None, repr=False)
    online: bool = False
    context: Callable[[], WorkspaceContext] | None = None
    """Opens a workspace's registry and audit log, once in each process; has to be picklable."""

    def material(self) -> Material:
        from signing_core.verification.revocation import material

        return material(self.crls, self.ocsps)

    def verifier(self) -> Callable[[str], DocumentVerdict]:
        """Judges the file at a path by these rules. Reads the material and opens the context, so make it once."""
        return _Verifier(self)

    def not_judged(self, path: str, code: str, detail: str) -> DocumentVerdict:
        """The verdict on a document that could not be judged, for the cause `code` of the catalogue of findings."""
        return undecided(path, self.at, self.policy, findings.make(code, detail))


@dataclass(frozen=True)
class Limits:
    """For one document."""

    seconds: float = 60.0
    """Of processor time, less for a small file (`worker_processes.seconds_for`); on the clock a document may take many times as long before it is taken to hang."""
    memory: int = 3 * 1024**3
    """Bytes of address space that a worker process may take on top of what it has, less for a small file; 0 for no limit."""


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
    limits = limits or Limits()
    pool = WorkerPool(rules, jobs=max(1, jobs), seconds=limits.seconds, memory=limits.memory)
    return pool.run(names, known or _nothing)


def _nothing(_: str) -> DocumentVerdict | None:
    return None


_kept: dict[int, tuple[Rules, Callable[[str], DocumentVerdict]]] = {}


def _task(path: str, rules: Rules) -> DocumentVerdict:
    """In an executor's process: the rules arrive anew with every task, the verifier is kept while they are the same."""
    known = _kept.get(0)
    if known is None or known[0] != rules:
        known = _kept[0] = (rules, rules.verifier())
    return known[1](path)


def _with_executor(paths: Iterator[str], rules: Rules, executor: Executor, known: Known) -> Iterator[DocumentVerdict]:
    from concurrent.futures import Future

    waiting: deque[tuple[str, Future[DocumentVerdict]]] = deque()
    for path in paths:
        future: Future[DocumentVerdict] = Future()
        if (verdict := known(path)) is not None:
            future.set_result(verdict)
        else:
            future = executor.submit(_task, path, rules)
        waiting.append((path, future))
        if len(waiting) >= AHEAD:
            yield _outcome(*waiting.popleft(), rules)
    while waiting:
        yield _outcome(*waiting.popleft(), rules)


def _outcome(path: str, future: Future[DocumentVerdict], rules: Rules) -> DocumentVerdict:
    try:
        return future.result()
    except Exception as error:  # a broken pool, a task that could not be sent: the document's loss, not the run's
        return rules.not_judged(path, "worker-died", type(error).__name__)
