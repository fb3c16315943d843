"""Equality of what can be reached from two values in two states, by content and not by object number."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from signing_core.pdf.structure.filters import ENCODING
from signing_core.pdf.structure.mentions import references
from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes.pair import Pair

_Pending: TypeAlias = list[tuple[Value, Value, str]]


class Equality:
    """Compares whole subtrees. `seen` collects the numbers of the later state's objects that were looked at.

    References to one object count as equal where nothing behind it changed, and where `apart` says of the object, which
    changed, that it is compared in a place of its own (a page, to which a bookmark leads, say).
    """

    def __init__(self, pair: Pair, apart: Callable[[int], bool] = lambda number: False) -> None:
        self.pair = pair
        self.seen: set[int] = set()
        self._apart = apart
        self._equal: set[tuple[int, int]] = set()

    def differs(self, old: Value, new: Value) -> str | None:
        """The path, below the two values, of the first difference; None when they are equal."""
        pending: _Pending = [(old, new, "")]
        assumed: list[tuple[int, int]] = []
        dirty = self.pair.dirty
        while pending:
            a, b, path = pending.pop()
            if isinstance(a, Ref) and isinstance(b, Ref):
                if a == b and (a.number not in dirty or self._apart(a.number)):
                    continue
                numbers = (a.number, b.number)
                if numbers in self._equal:
                    continue
                self.pair.structure.budget.step()
                # Cycles: a pair under comparison counts as equal; when a difference turns up, nothing is remembered.
                self._equal.add(numbers)
                assumed.append(numbers)
            a, b = self.pair.before(a), self._later(b)
            if not self._alike(a, b, path, pending):
                self._equal.difference_update(assumed)
                return path or "/"
        return None

    def same(self, old: Value, new: Value) -> bool:
        return self.differs(old, new) is None

    def _later(self, value: Value) -> Value:
        for _ in range(16):
            if not isinstance(value, Ref):
                return value
            self.seen.add(value.number)
            value = self.pair.structure.load(value, self.pair.later)
        return None

    def _alike(self, a: Value, b: Value, path: str, pending: _Pending) -> bool:
        if isinstance(a, dict) and isinstance(b, dict):
            return self._entries(a, b, path, pending)
        if isinstance(a, list) and isinstance(b, list):
            pending.extend((x, y, path) for x, y in zip(a, b, strict=False))
            return len(a) == len(b)
        if isinstance(a, Stream) and isinstance(b, Stream):
            return self._streams(a, b, path, pending)
        return equal_scalars(a, b)

    def _entries(self, a: dict[str, Value], b: dict[str, Value], path: str, pending: _Pending) -> bool:
        for key in {**a, **b}:  # in an order that is the same in every process
            x, y = a.get(key), b.get(key)
            if x is y and not isinstance(x, Ref | dict | list):
                continue  # an unchanged container is the same in both, what it refers to need not be
            if x is None or y is None:
                # An entry whose value is null is no entry (7.3.7); a reference to nothing is null (7.3.10).
                if self.pair.before(x) is None and self._later(y) is None:
                    continue
                return False
            pending.append((x, y, f"{path}/{key}" if len(path) < 200 else path))
        return True

    def _streams(self, a: Stream, b: Stream, path: str, pending: _Pending) -> bool:
        structure, pair = self.pair.structure, self.pair
        if (a.start, a.end) == (b.start, b.end):
            return self._entries(a.dict, b.dict, path, pending)
        rewritten = structure.data[a.start : a.end] != structure.data[b.start : b.end]
        if rewritten and (structure.encrypted or not structure.decodes_alike(b, pair.later)):
            return False  # programs differ about what else it decodes to
        # Under the same parameters the data can be compared before predictors are undone, which is much faster.
        plain = all(_simply_equal(a.dict.get(key), b.dict.get(key)) for key in ("Filter", "DecodeParms"))
        x = structure.decoded(a, pair.signed, predictors=not plain)
        y = structure.decoded(b, pair.later, predictors=not plain)
        skipped = ENCODING
        if x is None or y is None:  # then the filters that are not understood have to be the same, too
            same = x is y and structure.data[a.start : a.end] == structure.data[b.start : b.end]
            skipped = frozenset({"Length"})
        else:
            same = x == y
        first, second = ({k: v for k, v in stream.dict.items() if k not in skipped} for stream in (a, b))
        return same and self._entries(first, second, path, pending)


def _simply_equal(a: Value, b: Value) -> bool:
    """Equal as written, and written without references."""
    return next(references(a), None) is None and type(a) is type(b) and bool(a == b)


def equal_scalars(a: Value, b: Value) -> bool:
    """Equality of simple objects: 1 and 1.0 are the same number, true and 1 are not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b
    if isinstance(a, bytes) and isinstance(b, bytes):
        return a == b
    return type(a) is type(b) and bool(a == b)
