"""The books of one comparison: what changed on one side, what a rule claimed on the other. What nobody claimed is unknown.

Rules are asked entry by entry by the walk, never the other way round, so a rule cannot skip anything; and it cannot hand
anything to another rule, because it is the ledger that finds out at the end whether that other rule did look:

* an *entry* that differs and that its rule did not claim is unknown;
* an *object* that is new or changed, that the later state still uses and that no claimed place led to, is unknown; so is a page
  or catalog that nothing uses, which readers that rebuild a file look for;
* an object that two kinds of place share which have nothing to do with one another (validation data that is an appearance as
  well) is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from signing_core.pdf.structure.mentions import references
from signing_core.pdf.structure.values import Stream
from signing_core.verification.changes.pair import Pair


class Use(StrEnum):
    """What a place uses an object for."""

    CONTENT = "page content"
    LOOK = "an appearance"
    FORM = "a form field or annotation"
    SIGNATURE = "a signature"
    VALIDATION = "validation data"
    METADATA = "metadata"
    TAGS = "the structure tree"
    SETTINGS = "settings of the document"


_TOGETHER = ({Use.LOOK, Use.CONTENT, Use.SETTINGS}, {Use.FORM, Use.SETTINGS})
"""Uses that one new object may have at once: a font for an appearance and the form's default resources."""


class Ledger:
    """Claims of one comparison."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._uses: dict[int, set[Use]] = {}
        self.entries: list[tuple[str, str]] = []
        """(place, reason) of every entry that differs, in the order of the walk."""
        self._unclaimed: list[str] = []

    def entry(self, place: str, reason: str | None) -> None:
        """What the rule for an entry said of the difference in or behind it; None: nothing, so nobody claimed it."""
        if reason is not None:
            self.entries.append((place, reason))
        else:
            self._unclaimed.append(place)

    def claim(self, number: int, use: Use) -> None:
        """A claimed place uses this object."""
        if number in self._pair.changed:
            self._uses.setdefault(number, set()).add(use)

    def claimed(self, number: int) -> bool:
        return number in self._uses

    def balance(self) -> Iterator[tuple[str, int | None]]:
        """(what is wrong, the object that it is wrong with). Nothing when the books balance."""
        for place in self._unclaimed:
            yield f"no rule covers {place}", None
        for number in sorted(self._pair.changed - self._uses.keys()):
            if self._in_use(number):
                yield f"object {number} was changed and no rule covers where it is used", number
            elif self._is_spare(number):
                yield (
                    f"object {number} is a page or catalog that nothing leads to: who rebuilds the file may show it",
                    number,
                )
        for number, uses in sorted(self._uses.items()):
            if len(uses) > 1 and not any(uses <= together for together in _TOGETHER):
                names = " and of ".join(sorted(uses))
                yield f"object {number} is used as part of {names}", number

    def _is_spare(self, number: int) -> bool:
        value = self._pair.new(number)
        return isinstance(value, dict) and self._pair.after(value.get("Type")) in ("Page", "Pages", "Catalog")

    def _in_use(self, number: int) -> bool:
        """Whether anything but objects that are themselves unused refers to an object of the later state."""
        pair = self._pair
        if pair.structure.location(number, pair.later) is None or _is_layout(pair.new(number)):
            return False
        unused, pending = {number}, [number]
        trailer = set(references(pair.structure.trailer(pair.later)))
        while pending:
            current = pending.pop()
            if current in trailer:
                return True
            for holder in pair.holders(current, pair.later):
                if _is_layout(pair.new(holder)):
                    continue
                if holder not in pair.changed or holder in self._uses:
                    return True
                if holder not in unused:
                    unused.add(holder)
                    pending.append(holder)
        return False


def _is_layout(value: object) -> bool:
    """Cross-reference and object streams: how the file is written, not what it says (7.5.7, 7.5.8)."""
    return isinstance(value, Stream) and value.dict.get("Type") in ("XRef", "ObjStm")
