"""Cases: from a number to the moves that make a file, and from the moves to the file.

Each move has a number of its own, so that one can be left out and the others still do what they did.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import edits_entries
import edits_paint
import edits_roles
import edits_storage
import edits_values
import honest
import preparations
import starts
from scene import Moves, Scene
from state import STYLES, State

FORGING: Final = Moves()
for _moves in (edits_roles.moves, edits_entries.moves, edits_paint.moves, edits_values.moves, edits_storage.moves):
    FORGING.update(_moves)
GENERATORS: Final = ("forge", "shadow", "honest")


@dataclass(frozen=True)
class Step:
    what: str
    """`edit`, `prepare`, `author`, `save`, `honest`."""
    name: str
    seed: str


@dataclass(frozen=True)
class Case:
    generator: str
    number: int
    start: str
    steps: tuple[Step, ...]

    @property
    def title(self) -> str:
        return f"{self.generator}:{self.number}"


def planned(title: str) -> Case:
    """The case of a title, which is generator and number: always the same."""
    generator, number = title.split(":")
    r = random.Random(title)
    return {"forge": _forged, "shadow": _shadowed, "honest": _honest}[generator](title, int(number), r)


def _forged(title: str, number: int, r: random.Random) -> Case:
    return Case("forge", number, starts.pick(r), tuple(_revisions(title, r, ())))


def _shadowed(title: str, number: int, r: random.Random) -> Case:
    start = starts.pick(r)
    while start in starts.OWN:
        start = starts.pick(r)
    steps = []
    for _ in range(r.choice((1, 1, 2))):
        steps.append(Step("prepare", preparations.moves.pick(r), f"{title}/{len(steps)}"))
    steps.append(Step("author", start.split(".")[2], f"{title}/{len(steps)}"))
    if r.random() < 0.15:  # what was planted is enough
        return Case("shadow", number, start, tuple(steps))
    return Case("shadow", number, start, tuple(_revisions(title, r, tuple(steps))))


def _revisions(title: str, r: random.Random, steps: tuple[Step, ...]) -> list[Step]:
    found = list(steps)
    plants = any(step.what == "prepare" for step in steps)

    def add(what: str, name: str) -> None:
        found.append(Step(what, name, f"{title}/{len(found)}"))

    for _ in range(r.choice((1, 1, 1, 1, 2, 3))):
        if r.random() < 0.15:
            add("honest", honest.moves.pick(r))
        for _ in range(r.choice((1, 1, 1, 1, 2, 2, 3))):
            add("edit", "planted" if plants and r.random() < 0.4 else FORGING.pick(r))
        add("save", r.choice(("as before", "as before", *STYLES)))
    if r.random() < 0.25:
        add("honest", honest.moves.pick(r))
    return found


def _honest(title: str, number: int, r: random.Random) -> Case:
    start = starts.pick(r)
    steps = [Step("honest", honest.moves.pick(r), f"{title}/{index}") for index in range(r.choice((1, 1, 2, 2, 3, 4)))]
    return Case("honest", number, start, tuple(steps))


def played(case: Case, kept: frozenset[int] | None = None) -> tuple[Scene, State]:
    """The scene at its end and the final state; with only some of the steps where `kept` says which."""
    steps = [step for number, step in enumerate(case.steps) if kept is None or number in kept]
    prepares = any(step.what in ("prepare", "author") for step in case.steps)
    scene = starts.opened(case.start) if prepares else starts.signed(case.start)
    for step in steps:
        _play(scene, step, random.Random(step.seed))
    if scene.update.touched:
        scene.save()
    return scene, scene.update.before


def _play(scene: Scene, step: Step, r: random.Random) -> None:
    try:
        said = _said(scene, step, r)
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError) as error:
        if not any(line.startswith(("edit", "prepare")) for line in scene.log) and step.what not in ("edit", "prepare"):
            raise
        said = f"not possible in a file like this ({type(error).__name__})"  # edits leave no structure safe
    scene.log.append(f"{step.what} {step.name}: {said}")


def _said(scene: Scene, step: Step, r: random.Random) -> str | None:
    match step.what:
        case "prepare":
            before = set(scene.update.changed)
            said = preparations.moves[step.name].play(scene, r)
            scene.planted += sorted(set(scene.update.changed) - before)
            return said
        case "author":
            starts.author_signs(scene, starts.MODES[step.name], visible=r.random() < 0.7)
            return "signed"
        case "edit":
            return FORGING[step.name].play(scene, r)
        case "honest":
            if scene.update.touched:
                scene.save()
            return honest.moves[step.name].play(scene, r)
        case _:
            if scene.update.touched:
                scene.save(None if step.name == "as before" else step.name)
            return step.name
