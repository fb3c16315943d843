"""Fuzzing of the verification: mutated files, each judged in a worker under a limit of time and memory.

    python tests/fuzz/run.py [--seconds 1200] [--jobs 2] [--seed N] [--finds FOLDER] [--own]

Every case is named by a seed file and a number, and made anew from them. Looked for: an exception, a hang, a process that
dies or needs more than its memory, a verdict against the truth table, and `intact` for content that nobody signed. What was
found is kept in --finds, one file for each kind of find. Ends with 0 when there was none, with 1 otherwise.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import multiprocessing
import multiprocessing.connection
import random
import re
import sys
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "shared"))

import mutations
import oracle
import seeds

SECONDS_FOR_ONE = 45.0
"""By the clock: the analysis ends itself after 20; a busy machine may need more for the rest."""
MEMORY = 2 * 1024**3
"""Address space of a worker."""


@dataclass(frozen=True)
class Answer:
    case: tuple[str, int]
    integrity: str
    seconds: float
    complaints: list[str]


def work(connection: Connection, files: dict[str, bytes]) -> None:
    """A worker: the name of a file and a number in, an answer out, until None comes."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    faults = oracle.listen()
    everything = list(files.values())
    genuine: dict[str, set[str]] = {}
    for name, data in files.items():
        genuine[name] = oracle.signed_content(data, oracle.judged(data))
    every = set().union(*genuine.values())
    connection.send(None)
    while (case := connection.recv()) is not None:
        data = made(case, files, everything)
        faults.places.clear()
        started = time.monotonic()
        verdict = oracle.judged(data)
        seconds = time.monotonic() - started
        wrong = oracle.complaints(data, verdict, every, faults)
        connection.send(Answer(case, str(verdict.integrity), seconds, wrong))


def made(case: tuple[str, int], files: dict[str, bytes], everything: list[bytes]) -> bytes:
    name, number = case
    return mutations.mutated(files[name], everything, random.Random(f"{name}:{number}"))


class Worker:
    def __init__(self, context: Any, files: dict[str, bytes]) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, files), daemon=True)
        self.process.start()
        theirs.close()
        self.case: tuple[str, int] | None = None
        self.ready = False
        self.deadline = time.monotonic() + 180

    def give(self, case: tuple[str, int]) -> None:
        self.case = case
        self.deadline = time.monotonic() + SECONDS_FOR_ONE
        self.connection.send(case)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


class Run:
    """One run: cases go out to the workers until the time is over."""

    def __init__(self, files: dict[str, bytes], finds: Path | None) -> None:
        self.files = files
        self.folder = finds
        self.finds: dict[str, tuple[str, int]] = {}
        self.states: collections.Counter[str] = collections.Counter()
        self.slowest: tuple[float, tuple[str, int] | None] = (0.0, None)
        self.cases = 0

    def find(self, complaint: str, case: tuple[str, int]) -> None:
        kind = re.sub(r"\b\d{3,}\b", "N", complaint)
        if kind in self.finds:
            return
        self.finds[kind] = case
        print(f"FIND {complaint}\n     {case[0]} {case[1]}", flush=True)
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = hashlib.sha256(kind.encode()).hexdigest()[:12]
            (self.folder / f"{name}.pdf").write_bytes(made(case, self.files, list(self.files.values())))
            (self.folder / f"{name}.txt").write_text(f"{complaint}\n{case[0]} {case[1]}\n")

    def answer(self, answer: Answer) -> None:
        self.cases += 1
        self.states[answer.integrity] += 1
        self.slowest = max(self.slowest, (answer.seconds, answer.case))
        for complaint in answer.complaints:
            self.find(complaint, answer.case)

    def go(self, seconds: float, jobs: int, first: int) -> None:
        context = multiprocessing.get_context("fork")
        chance = random.Random(first)
        names = list(self.files)
        number = first
        workers = [Worker(context, self.files) for _ in range(jobs)]
        started = False
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end or any(w.case for w in workers):
            heard = set(multiprocessing.connection.wait([w.connection for w in workers], 0.5))
            for index, worker in enumerate(workers):
                if worker.connection in heard:
                    try:
                        message = worker.connection.recv()
                    except (EOFError, OSError):
                        worker.process.join(5)
                        if worker.case is None:
                            raise SystemExit("a worker ended while it judged the seed files; see above") from None
                        self.find(f"the process died, exit status {worker.process.exitcode}", worker.case)
                        workers[index] = self._replaced(worker, context)
                        continue
                    if message is not None:
                        self.answer(message)
                    worker.ready, worker.case = True, None
                elif now > worker.deadline and (worker.case or not worker.ready):
                    if worker.case is None:
                        raise SystemExit("the seed files took more than three minutes")
                    self.find(f"more than {SECONDS_FOR_ONE:g} seconds", worker.case)
                    workers[index] = self._replaced(worker, context)
                    continue
                if worker.ready and worker.case is None and now < end:
                    if not started:  # reading the seed files is not part of the time
                        started, end = True, now + seconds
                    worker.give((chance.choice(names), number))
                    number += 1
        for worker in workers:
            worker.end()

    def _replaced(self, worker: Worker, context: Any) -> Worker:
        worker.end()
        return Worker(context, self.files)


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--seconds", type=float, default=1200)
    given.add_argument("--jobs", type=int, default=2)
    given.add_argument("--seed", type=int, default=None, help="first number; by default from the clock")
    given.add_argument("--finds", type=Path, default=None, help="folder for the files that were found")
    given.add_argument("--own", action="store_true", help="only files made here, none of the corpus")
    arguments = given.parse_args()
    first = arguments.seed if arguments.seed is not None else int(time.time()) * 1000
    own = seeds.own()
    foreign = {} if arguments.own else seeds.foreign()
    print(f"{len(own)} files made here, {len(foreign)} of the corpus; first number {first}", flush=True)
    run = Run(own | foreign, arguments.finds)
    run.go(arguments.seconds, arguments.jobs, first)
    states = ", ".join(f"{count} {state}" for state, count in run.states.most_common())
    print(
        f"{run.cases} cases: {states}; slowest {run.slowest[0]:.1f} s {run.slowest[1]}; {len(run.finds)} kinds of finds"
    )
    return 1 if run.finds or not run.cases else 0


if __name__ == "__main__":
    sys.exit(main())
