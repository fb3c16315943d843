"""The parent's side of the worker processes: who is free, how long a job may take, what replaces one that died."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread

from portal.bodies import UploadRefused
from portal.worker import receive, send
from signing_core.trust import TrustStore
from signing_core.verification import LogView, Registry

_log = logging.getLogger(__name__)

START_SECONDS: Final = 60.0
PATIENCE_SECONDS: Final = 45.0
"""Longest wait for a free process."""


class WorkRefused(Exception):
    """The file was looked at and cannot be used; `code` is a stable code of `DocumentRefused` or `MarkRefused`."""

    def __init__(self, code: str | None, message: str) -> None:
        super().__init__(message)
        self.code = code


class WorkFailed(Exception):
    """The job took too long, or its process died of it."""


class _Process:
    def __init__(self, trust: TrustStore, niceness: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            # The folder of the package, so that a worker finds it wherever the server was started.
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module
                [sys.executable, "-m", "portal.worker", str(theirs.fileno()), str(niceness)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=Path(__file__).parent.parent,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        self.channel = ours
        self.trust = trust
        send(ours, {"trust": base64.b64encode(pickle.dumps(trust)).decode()})
        self._ready = False

    @property
    def pid(self) -> int:
        return self._process.pid

    def call(self, job: dict[str, Any], descriptor: int | None, seconds: float, answer: Callable[..., Any]) -> Any:
        """Raises `TimeoutError`, `EOFError`, `OSError`."""
        if not self._ready:
            self.channel.settimeout(START_SECONDS)
            receive(self.channel)
            self._ready = True
        ends = time.monotonic() + seconds
        self.channel.settimeout(seconds)
        send(self.channel, job, descriptor)
        while True:
            self.channel.settimeout(max(0.05, ends - time.monotonic()))
            message, _ = receive(self.channel)
            if "ask" not in message:
                return message
            send(self.channel, {"answer": answer(message["ask"], message["sha256"], message["document_id"])})

    def end(self) -> None:
        self.channel.close()
        self._process.kill()
        self._process.wait()


class Workers:
    """A few processes for one kind of work. Processes are started on first use, and again after one was lost.

    `niceness` is added to theirs, so that what they do takes nothing from whoever waits for a page.
    """

    def __init__(
        self,
        trust: Callable[[], TrustStore],
        registry: Registry,
        log: LogView,
        *,
        processes: int = 2,
        seconds: float = 60.0,
        niceness: int = 0,
    ) -> None:
        self._trust, self._registry, self._log_view = trust, registry, log
        self._seconds, self._niceness = seconds, niceness
        self._lock = threading.Lock()
        self._free: list[_Process] = []
        self._processes = processes
        self._places: asyncio.Semaphore | None = None
        self._callers: dict[str, tuple[asyncio.Semaphore, int]] = {}
        self._closed = False

    async def run(self, job: dict[str, Any], descriptor: int | None = None, *, caller: str | None = None) -> Any:
        """The result of a job. Raises `WorkRefused`, `WorkFailed`, or `UploadRefused` when no process comes free.

        One caller's jobs leave a process free for others, where there is more than one.
        """
        if self._places is None:
            self._places = asyncio.Semaphore(self._processes)
            self._threads = anyio.CapacityLimiter(self._processes)
        async with contextlib.AsyncExitStack() as held:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    if caller is not None:
                        await held.enter_async_context(self._turn_of(caller))
                    await held.enter_async_context(self._places)
            except TimeoutError:
                raise UploadRefused("busy", 503) from None
            return await anyio.to_thread.run_sync(self._run, job, descriptor, limiter=self._threads)

    @contextlib.asynccontextmanager
    async def _turn_of(self, caller: str) -> AsyncIterator[None]:
        turn, waiting = self._callers.get(caller, (asyncio.Semaphore(max(1, self._processes - 1)), 0))
        self._callers[caller] = turn, waiting + 1
        try:
            async with turn:
                yield
        finally:
            turn, waiting = self._callers[caller]
            if waiting > 1:
                self._callers[caller] = turn, waiting - 1
            else:
                del self._callers[caller]

    def _run(self, job: dict[str, Any], descriptor: int | None) -> Any:
        trust = self._trust()
        with self._lock:
            worker = self._free.pop() if self._free else None
        if worker is not None and worker.trust is not trust:
            worker.end()  # it was told before a key was renewed
            worker = None
        worker = worker or _Process(trust, self._niceness)
        try:
            answer = worker.call(job, descriptor, self._seconds, self._answer)
        except (OSError, EOFError, ValueError) as error:  # TimeoutError is an OSError
            worker.end()
            _log.warning("a worker was ended during %s: %s", job["do"], type(error).__name__)
            raise WorkFailed(job["do"]) from None
        except BaseException:
            worker.end()
            raise
        with self._lock:
            if self._closed:
                worker.end()
            else:
                self._free.append(worker)
        if "failed" in answer:
            if answer.get("code"):
                raise WorkRefused(answer["code"], answer["message"])
            _log.warning("%s failed in a worker: %s", job["do"], answer["failed"])
            raise WorkFailed(answer["failed"])
        return answer["result"]

    def _answer(self, about: str, sha256: str, document_id: str | None) -> Any:
        if about == "registry":
            return self._registry.lookup(str(sha256), document_id)
        if about == "ended":
            return self._log_view.ended(str(document_id))
        return self._log_view.inclusion(str(document_id), str(sha256))

    def start(self) -> None:
        """One process ahead of the first job, so that nobody waits for it."""
        with self._lock:
            if not self._free and not self._closed:
                self._free.append(_Process(self._trust(), self._niceness))

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for worker in self._free:
                worker.end()
            self._free.clear()
