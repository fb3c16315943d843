"""Equality of what can be reached from two values in two revisions, by content and not by object number."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Final

from signing_core.pdf.structure.document import FileStructure
from signing_core.pdf.structure.values import Ref, Stream, Value

_BACK_POINTERS: Final = frozenset({"Parent"})
_ENCODING: Final = frozenset({"Length", "Filter", "DecodeParms", "DL"})


class Comparison:
    """Two revisions of one file side by side.

    A reference to the same object in both is taken as equal without a look behind it where `clean(number)` says that
    nothing behind it can have changed, and where `boundary(number)` says that the object is judged in a place of its own
    (a page, a form field, the catalog).
    """

    def __init__(self, structure: FileStructure, old: int, new: int, changed: Set[int]) -> None:
        self.structure = structure
        self.old = old
        self.new = new
        self.changed = changed
        """Numbers of the objects that lie elsewhere now than before, are new or gone."""
        self.clean: Callable[[int], bool] = lambda number: False
        self.boundary: Callable[[int], bool] = lambda number: False
        self.visited: set[int] = set()
        """Numbers of old objects whose whole content was compared."""
        self._equal: set[tuple[int, int]] = set()

    def before(self, value: Value) -> Value:
        """`value` resolved in the old revision; the objects on the way count as visited."""
        for _ in range(16):
            if not isinstance(value, Ref):
                return value
            self.visited.add(value.number)
            value = self.structure.load(value, self.old)
        return None

    def after(self, value: Value) -> Value:
        """`value` resolved in the new revision."""
        return self.structure.resolve(value, self.new)

    def same(self, old: Value, new: Value) -> bool:
        """Whether everything that can be reached from both is equal."""
        return self.differs(old, new) is None

    def differs(self, old: Value, new: Value) -> str | None:
        """The path, below the two values, of the first difference; None when they are equal."""
        pending: list[tuple[Value, Value, str]] = [(old, new, "")]
        assumed: list[tuple[int, int]] = []
        step = self.structure.budget.step
        while pending:
            a, b, path = pending.pop()
            if isinstance(a, Ref) and isinstance(b, Ref):
                pair = (a.number, b.number)
                if pair in self._equal:
                    continue
                if a == b and (self.clean(a.number) or self.boundary(a.number)):
                    continue
                step()
                # Cycles: a pair under comparison counts as equal; when a difference turns up, nothing is remembered.
                self._equal.add(pair)
                assumed.append(pair)
            if isinstance(a, Ref):
                a = self.before(a)
            if isinstance(b, Ref):
                b = self.after(b)
            if isinstance(a, dict) and isinstance(b, dict):
                if not self._pairs(a, b, path, pending):
                    self._forget(assumed)
                    return path or "/"
            elif isinstance(a, list) and isinstance(b, list):
                if len(a) != len(b):
                    self._forget(assumed)
                    return path or "/"
                pending.extend((x, y, path) for x, y in zip(a, b, strict=True))
            elif isinstance(a, Stream) and isinstance(b, Stream):
                if not self._streams(a, b, path, pending):
                    self._forget(assumed)
                    return path or "/"
            elif not equal_scalars(a, b):
                self._forget(assumed)
                return path or "/"
        return None

    def _forget(self, assumed: list[tuple[int, int]]) -> None:
        self._equal.difference_update(assumed)

    def _pairs(
        self, a: dict[str, Value], b: dict[str, Value], path: str, pending: list[tuple[Value, Value, str]]
    ) -> bool:
        for key in a.keys() | b.keys():
            x, y = a.get(key), b.get(key)
            if x is y and not isinstance(x, Ref | dict | list):
                continue  # an unchanged container is the same in both, what it refers to need not be
            if key in _BACK_POINTERS and isinstance(x, Ref) and x == y:
                continue
            if x is None or y is None:
                # An entry whose value is null is no entry (7.3.7); a reference to nothing is null (7.3.10).
                if self.before(x) is None and self.after(y) is None:
                    continue
                return False
            pending.append((x, y, f"{path}/{key}" if len(path) < 200 else path))
        return True

    def _streams(self, a: Stream, b: Stream, path: str, pending: list[tuple[Value, Value, str]]) -> bool:
        data = self.structure.data
        if (a.start, a.end) != (b.start, b.end):
            # Under the same parameters the data can be compared before predictors are undone, which is much faster.
            plain = equal_scalars(a.dict.get("Filter"), b.dict.get("Filter")) and a.dict.get(
                "DecodeParms"
            ) == b.dict.get("DecodeParms")
            x = self.structure.decoded(a, self.old, predictors=not plain)
            y = self.structure.decoded(b, self.new, predictors=not plain)
            if x is None or y is None:
                if x is not y or data[a.start : a.end] != data[b.start : b.end]:
                    return False
            elif x != y:
                return False
            first = {key: value for key, value in a.dict.items() if key not in _ENCODING}
            return self._pairs(first, {k: v for k, v in b.dict.items() if k not in _ENCODING}, path, pending)
        return self._pairs(a.dict, b.dict, path, pending)


def equal_scalars(a: Value, b: Value) -> bool:
    """Equality of simple objects: 1 and 1.0 are the same number, true and 1 are not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, int | float) and isinstance(b, int | float):
        return a == b or abs(a - b) < 1e-6
    if isinstance(a, bytes) and isinstance(b, bytes):
        return a == b
    return type(a) is type(b) and bool(a == b)
