"""Object streams (7.5.7): many objects in one stream, each parsed when it is first asked for."""

from __future__ import annotations

from signing_core.pdf.structure.budget import Budget
from signing_core.pdf.structure.lexer import Malformed, parse_value
from signing_core.pdf.structure.values import Value


class ObjectStream:
    """The decoded stream and where each object begins in it."""

    __slots__ = ("_budget", "_depth", "_spans", "_values", "_where", "ambiguous", "body", "numbers", "order")

    def __init__(self, body: bytes, count: int, first: int, depth: int, budget: Budget) -> None:
        self.body = body
        """The decoded stream; objects begin at /First."""
        self._depth = depth
        self._budget = budget
        self._values: dict[int, Value] = {}
        self.ambiguous: set[int] = set()
        """Numbers of the objects, of those asked for, in which a dictionary has a key twice."""
        head = body[:first].split()[: 2 * count]
        usable = len(head) // 2 * 2
        if not b"".join(head).isdigit():
            usable = next((at for at, word in enumerate(head) if not word.isdigit()), usable) // 2 * 2
        self.numbers = [int(word[:12]) for word in head[0:usable:2]]
        """Object numbers in order."""
        self._where: dict[int, int] = {}
        self._spans: dict[int, tuple[int, int]] | None = None
        for number, at in zip(self.numbers, head[1:usable:2], strict=True):
            self._where.setdefault(number, first + int(at[:12]))

        places = sorted((first + int(at[:12]), item) for item, at in enumerate(head[1:usable:2]))
        self.order = ([place for place, _ in places], [item for _, item in places])
        """(where objects begin in `body`, in order; which of `numbers` each is)."""

    def raw(self, number: int) -> bytes | None:
        """The bytes from where an object begins to where the next one does; None when it is not in here."""
        if self._spans is None:
            places = self.order[0]
            following = dict(zip(places, [*places[1:], len(self.body)], strict=False))  # there may be none
            self._spans = {number: (where, following[where]) for number, where in self._where.items()}
        span = self._spans.get(number)
        return self.body[span[0] : span[1]] if span is not None else None

    def get(self, number: int) -> Value:
        """The object with that number; None when it is not in here or cannot be parsed."""
        if number not in self._values:
            where = self._where.get(number)
            if where is None:
                return None
            self._budget.step()
            doubled: list[str] = []
            try:
                self._values[number], _ = parse_value(self.body, where, depth=self._depth, doubled=doubled)
            except Malformed:
                self._values[number] = None
            if doubled:
                self.ambiguous.add(number)
        return self._values[number]
