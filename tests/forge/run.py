"""Forging: random edits of signed files, and honest steps, each held against what viewers show.

    python tests/forge/run.py [--seconds 3600] [--jobs 2] [--seed N] [--finds FOLDER] [--generator NAME] [--replay GENERATOR:NUMBER]

Looked for: a file that is called `intact` though something that was signed looks, reads or says otherwise, and an honest step that
is not called `intact`. Every case is made anew from its generator and number. Ends with 0 when nothing was found, with 1 otherwise.
See docs/forging.md.
"""

from __future__ import annotations

import argparse
import collections
import hashlib
import json
import multiprocessing
import multiprocessing.connection
import random
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

sys.path.append(str(Path(__file__).parents[1] / "shared"))

import cases
import judge
import starts

SECONDS_FOR_ONE: Final = 600.0
MEMORY: Final = 3 * 1024**3
"""Address space of a worker."""
_MINIMISED: Final = 3
"""How many finds with the same moves and the same difference are made smaller."""
_WEIGHTS: Final = {"forge": 5, "shadow": 2, "honest": 3}
_BATCH: Final = 20


def work(connection: Connection) -> None:
    """A worker: titles in, a verdict for each out, until None comes."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    connection.send(None)
    while (order := connection.recv()) is not None:
        if isinstance(order, judge.Judged):
            kept = judge.minimal(order.case, frozenset(find.code for find in order.finds))
            connection.send(judge.judged(order.case, kept)[0] if kept else order)
            continue
        for title in order:
            connection.send(judge.judged_or_fault(title))
        connection.send(None)


class Worker:
    def __init__(self, context: Any) -> None:
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()
        self.orders: list[str] = []
        self.busy = True
        self.deadline = time.monotonic() + 180

    def give(self, order: Any, cases_in_it: list[str]) -> None:
        self.orders, self.busy = list(cases_in_it), True
        self.deadline = time.monotonic() + SECONDS_FOR_ONE
        self.connection.send(order)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


class Run:
    """One run: cases go out to the workers until the time is over."""

    def __init__(self, folder: Path | None, generators: tuple[str, ...]) -> None:
        self.folder = folder
        self.generators = generators
        self.counts: collections.Counter[tuple[str, str]] = collections.Counter()
        self.kinds: dict[str, list[judge.Judged]] = {}
        self.found: collections.Counter[str] = collections.Counter()
        self.sorts: collections.Counter[str] = collections.Counter()
        self.raw: collections.Counter[str] = collections.Counter()
        self.waiting: list[judge.Judged] = []
        self.began = time.monotonic()

    @property
    def number_of_cases(self) -> int:
        return sum(self.counts.values())

    def answer(self, said: judge.Judged) -> None:
        if said.kept is not None:
            self._keep(said)
            return
        self.counts[said.case.generator, said.integrity] += 1
        if not said.finds:
            return
        self.found[said.case.generator] += 1
        self.sorts.update(dict.fromkeys((find.code for find in said.finds), 1))
        self.raw[said.kind] += 1
        if said.integrity == "fault":
            self._keep(said)
        elif self.raw[said.kind] <= _MINIMISED and len(self.waiting) < 200:
            self.waiting.append(said)

    def _keep(self, said: judge.Judged) -> None:
        same = self.kinds.setdefault(said.kind, [])
        same.append(said)
        if len(same) > 1:
            return
        reasons = "; ".join(dict.fromkeys(f"{find.code}: {find.detail}" for find in said.finds))
        print(f"FIND {said.case.title} {said.kind}\n     {reasons[:300]}", flush=True)
        if self.folder is not None:
            write(said, self.folder)

    def go(self, seconds: float, jobs: int, first: int, most: int | None = None) -> None:
        context = multiprocessing.get_context("fork")
        r = random.Random(first)
        number, given = first, 0
        workers = [Worker(context) for _ in range(jobs)]
        end, shown = time.monotonic() + seconds, time.monotonic()
        while True:
            now = time.monotonic()
            over = now >= end or (most is not None and given >= most)
            if over and not any(worker.busy for worker in workers) and (not self.waiting or now > end + 60):
                break
            if now > shown + 30:
                shown = now
                self._progress(now)
            heard = set(multiprocessing.connection.wait([w.connection for w in workers if w.busy], 0.5))
            for index, worker in enumerate(workers):
                if worker.connection in heard and not self._hear(worker):
                    workers[index] = Worker(context)
                    continue
                if worker.busy and now > worker.deadline:
                    self._lost(worker, f"more than {SECONDS_FOR_ONE:g} seconds")
                    workers[index] = Worker(context)
                    continue
                if worker.busy:
                    continue
                if self.waiting and (over or r.random() < 0.3):
                    smaller = self.waiting.pop()
                    worker.give(smaller, [smaller.case.title])
                elif not over:
                    titles = []
                    for _ in range(min(_BATCH, (most or 10**12) - given)):
                        weights = [_WEIGHTS[name] for name in self.generators]
                        titles.append(f"{r.choices(self.generators, weights)[0]}:{number}")
                        number += 1
                        given += 1
                    worker.give(titles, titles)
        for worker in workers:
            worker.end()

    def _hear(self, worker: Worker) -> bool:
        """Whether the worker is alive."""
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join(5)
            self._lost(worker, f"the process died, exit status {worker.process.exitcode}")
            return False
        if message is None:
            worker.busy = False
            return True
        if worker.orders and worker.orders[0] == message.case.title:
            worker.orders.pop(0)
        worker.deadline = time.monotonic() + SECONDS_FOR_ONE
        if message.kept is not None:
            worker.busy = False
        self.answer(message)
        return True

    def _lost(self, worker: Worker, why: str) -> None:
        worker.end()
        for title in worker.orders[:1]:
            case = cases.planned(title)
            self.answer(judge.Judged(case, "fault", (judge.Difference(why),)))

    def _progress(self, now: float) -> None:
        done, rate = self.number_of_cases, self.number_of_cases / (now - self.began)
        print(
            f"{done} cases, {rate:.0f} a second, {sum(self.found.values())} finds of {len(self.kinds)} kinds",
            flush=True,
        )

    def table(self) -> str:
        states = ("intact", "altered", "indeterminate", "unsigned", "fault")
        rows = [f"{'generator':<10}{'cases':>9}" + "".join(f"{state:>15}" for state in states) + f"{'finds':>9}"]
        for name in (*self.generators, "all"):
            counts = {s: sum(n for (g, i), n in self.counts.items() if i == s and name in (g, "all")) for s in states}
            found = sum(n for g, n in self.found.items() if name in (g, "all"))
            rows.append(
                f"{name:<10}{sum(counts.values()):>9}" + "".join(f"{counts[s]:>15}" for s in states) + f"{found:>9}"
            )
        return "\n".join(rows)


def write(said: judge.Judged, folder: Path) -> None:
    """The file, what was signed, and how it came about."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{said.case.title.replace(':', '-')}-{hashlib.sha256(said.kind.encode()).hexdigest()[:6]}"
    story = {
        "case": said.case.title, "generator": said.case.generator, "start": said.case.start, "verdict": said.integrity,
        "why": [f"{find.code}: {find.detail}" for find in said.finds], "kind": said.kind, "edits": list(said.log),
        "kept": sorted(said.kept) if said.kept is not None else None, "findings": list(said.findings),
    }  # fmt: skip
    stem.with_suffix(".json").write_text(json.dumps(story, indent=2, ensure_ascii=False) + "\n")
    try:
        scene, final = cases.played(said.case, said.kept)
    except Exception:  # the generator itself failed, which the story tells
        return
    stem.with_suffix(".pdf").write_bytes(final.data)
    signed = next((c.state for c in reversed(scene.checkpoints) if c.state.data != final.data), scene.signed)
    stem.with_name(stem.name + "-signed.pdf").write_bytes(signed.data)


def replay(title: str, folder: Path | None, *, smaller: bool) -> int:
    said, _, _ = judge.judged(cases.planned(title), poppler=True)
    if smaller and said.finds:
        kept = judge.minimal(said.case, frozenset(find.code for find in said.finds), 120)
        said, _, _ = judge.judged(said.case, kept, poppler=True)
    print(f"{title} from {said.case.start}: {said.integrity}, findings {', '.join(said.findings) or 'none'}")
    for line in said.log:
        print(f"  {line}")
    for find in said.finds:
        print(f"FIND {find.code}: {find.detail}")
    if folder is not None:
        write(said, folder)
    return 1 if said.finds else 0


def main() -> int:
    given = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    given.add_argument("--seconds", type=float, default=3600)
    given.add_argument("--cases", type=int, default=None, help="end after so many")
    given.add_argument("--jobs", type=int, default=2)
    given.add_argument("--seed", type=int, default=None, help="first number; by default from the clock")
    given.add_argument("--finds", type=Path, default=None, help="folder for the files that were found")
    given.add_argument("--generator", choices=cases.GENERATORS, action="append", help="only this one")
    given.add_argument("--replay", metavar="GENERATOR:NUMBER", help="one case, told step by step")
    given.add_argument("--smaller", action="store_true", help="with --replay: leave out what is not needed")
    arguments = given.parse_args()
    if arguments.replay:
        return replay(arguments.replay, arguments.finds, smaller=arguments.smaller)
    starts.own()  # before the workers are forked, so that all have the same
    first = arguments.seed if arguments.seed is not None else int(time.time()) * 1000
    generators = tuple(arguments.generator or cases.GENERATORS)
    print(f"{len(starts.names()) + len(starts.OWN)} signed files to begin with; first number {first}", flush=True)
    run = Run(arguments.finds, generators)
    run.go(arguments.seconds, arguments.jobs, first, arguments.cases)
    seconds = time.monotonic() - run.began
    print(run.table())
    for sort, count in run.sorts.most_common():
        print(f"{count:>9}  {sort}")
    print(
        f"{run.number_of_cases / seconds:.0f} cases a second in {seconds:.0f} s; seed {first}; {len(run.kinds)} kinds of finds"
    )
    return 1 if run.found or not run.number_of_cases else 0


if __name__ == "__main__":
    sys.exit(main())
