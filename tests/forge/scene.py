"""One case while it is played: what was signed, the update that is being written, and what was done so far."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from signing import Box, Signing
from state import State, Update
from values import Ref, Stream, Value, entries_of


@dataclass(frozen=True)
class Start:
    """A signed file, or one that is signed when the case begins."""

    name: str
    state: State
    permission: int | None = None
    """The strictest /P of a certification or of a lock; None where nothing but approvals was signed."""
    locked: bool = False
    """Whether a FieldMDP lock names all fields."""
    trust: Any = None
    """What our own documents are verified with a second time."""
    base: str = ""


@dataclass(frozen=True)
class Signed:
    """A signature that was rightly made in the course of the case."""

    field: int
    value: int
    new_field: bool
    stamp: bool


@dataclass(frozen=True)
class Checkpoint:
    """A state that somebody signed, and what happened before it: `events` of the scene from that number on are later."""

    state: State
    permission: int | None
    locked: bool
    events: int


@dataclass(frozen=True)
class Filled:
    """A text field that was filled in by an update: the value, and the content that shows it in an honest way."""

    field: int
    value: str
    reference: bytes | None = None
    """The whole file with an appearance that shows the value and nothing else; empty where the text alone decides, None where
    an honest program drew it and nothing has to be asked."""


@dataclass
class Scene:
    start: Start
    update: Update
    checkpoints: list[Checkpoint] = field(default_factory=list)
    events: list[Signed | Filled] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    names: int = 0
    planted: list[int] = field(default_factory=list)
    """Objects that the author made or changed to use them later."""
    comments: list[tuple[int, int]] = field(default_factory=list)
    """Comments that a reader made: object number, and how many had signed by then."""

    @property
    def permission(self) -> int | None:
        return self.checkpoints[-1].permission if self.checkpoints else None

    @property
    def locked(self) -> bool:
        return bool(self.checkpoints) and self.checkpoints[-1].locked

    @property
    def signed(self) -> State:
        return self.checkpoints[-1].state

    def unique(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def save(self, style: str | None = None, **more: Any) -> State:
        state = self.update.save(style, **more)
        self.update = Update(state)
        return state

    def checkpoint(self, state: State, how: Signing) -> None:
        """`state` is what somebody just signed."""
        lock = how.lock or {}
        known = [p for p in (self.permission, how.certify, lock.get("P")) if p]
        before = bool(self.checkpoints) and self.checkpoints[-1].locked
        locked = before or lock.get("Action") == "All"
        self.checkpoints.append(Checkpoint(state, min(known) if known else None, locked, len(self.events)))
        self.update = Update(state)


Play = Callable[[Scene, random.Random], str | None]
"""Changes the scene's update and says what it did; None where there was nothing to do it to."""


@dataclass(frozen=True)
class Move:
    play: Play
    weight: float


class Moves(dict[str, Move]):
    """Ways to change a file by name."""

    def __call__(self, weight: float = 1.0) -> Callable[[Play], Play]:
        def remember(play: Play) -> Play:
            self[play.__name__] = Move(play, weight)
            return play

        return remember

    def pick(self, r: random.Random) -> str:
        return r.choices(list(self), [move.weight for move in self.values()])[0]


KINDS: Final = (
    "font", "page", "pages", "catalog", "signature", "widget", "annotation", "struct", "xobject", "content", "array", "stream", "dictionary",
)  # fmt: skip


def kind(value: Value) -> str:
    """What an object is, by its own word."""
    if isinstance(value, list):
        return "array"
    entries = entries_of(value)
    if entries is None:
        return "plain"
    name, subtype = entries.get("Type"), entries.get("Subtype")
    if "ByteRange" in entries:
        return "signature"
    if name in ("Font", "Page", "Pages", "Catalog"):
        return name.lower()
    if subtype == "Widget":
        return "widget"
    if name == "Annot" or "Rect" in entries:
        return "annotation"
    if name in ("StructElem", "StructTreeRoot"):
        return "struct"
    if isinstance(value, Stream):
        if subtype in ("Form", "Image"):
            return "xobject"
        return "stream" if name or "Length1" in entries else "content"
    return "dictionary"


def pick_object(update: Update, r: random.Random, *kinds: str) -> Ref | None:
    """Any object, or one of these kinds: the kinds have the same chance, however many objects they have."""
    sorts: dict[str, list[int]] = {}
    for number in update.numbers():
        sorts.setdefault(kind(update.get(Ref(number))), []).append(number)
    wanted = [name for name in (kinds or KINDS) if name in sorts]
    if not wanted:
        return None
    return Ref(r.choice(sorts[r.choice(wanted)]))


def pick_page(update: Update, r: random.Random) -> int:
    pages = update.pages()
    return r.choice(pages) if pages else update.trailer["Root"].number


def box_of(value: Value) -> Box | None:
    if isinstance(value, list) and len(value) == 4 and all(isinstance(n, (int, float)) for n in value):
        x0, y0, x1, y1 = (float(n) for n in value)
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    return None
