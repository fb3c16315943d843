"""References that lead nowhere (7.3.10: the null object), and did not before.

Poppler takes one for damage where the newest section is a table, as soon as it asks for it, and rebuilds the file from what
looks like objects: without those that lie in object streams, and with those that nothing lists. So nothing may come to lead
nowhere behind a signature, whatever was there before: what is taken out has to be absent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias

from signing_core.pdf.structure import mentions
from signing_core.pdf.structure.model import SectionKind
from signing_core.pdf.structure.values import Ref, Stream, Value

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_LEADS_ON: Final = frozenset({dict, list, Ref, Stream})
"""By exact type, since fonts have thousands of numbers."""
_ASKED: Final = ("Root", "Info", "Encrypt")
"""What programs ask a trailer for."""
_Places: TypeAlias = set[tuple[str, ...]]


def since(structure: FileStructure, signed: int) -> Iterator[str]:
    """What leads nowhere now, and did not as of revision `signed`. Raises `LimitReached`."""
    last = len(structure.revisions)
    known: dict[int, _Places] = structure.analysed.setdefault(("nowhere",), {})

    def now(number: int) -> _Places:
        if number not in known:
            structure.budget.step()
            known[number] = _nowhere(structure, structure.value(number, last), last)
        return known[number]

    numbers: set[int] = set()
    for revision in structure.revisions[signed:]:
        numbers |= revision.added | revision.overridden | revision.freed
    for number in sorted(numbers):
        if structure.location(number, last) is None:
            former = structure.entry(number, signed)
            if not former.free and called(structure, number, former.generation, last):
                yield f"object {number} is gone, and still referred to"
        elif now(number) and now(number) - _nowhere(structure, structure.value(number, signed), signed):
            yield f"object {number} refers to an object that does not exist"
    trailers = [{key: structure.trailer(at).get(key) for key in _ASKED} for at in (signed, last)]
    if _nowhere(structure, trailers[1], last) - _nowhere(structure, trailers[0], signed):
        yield "the trailer refers to an object that does not exist"
    kinds = [structure.updates[at - 1].kind is SectionKind.STREAM for at in (signed, last)]
    if kinds == [True, False]:
        for number in sorted({number for update in structure.updates for number in update.entries}):
            if now(number):
                yield f"it ends with a table now, and object {number} refers to an object that does not exist"
                return


def called(structure: FileStructure, number: int, generation: int, index: int) -> bool:
    """Whether anything refers to an object by a generation that it no longer has, which readers follow or not."""
    holders = mentions.of_file(structure).of(number, index)
    stack = [structure.trailer(index), *(structure.value(holder, index) for holder in holders)]
    while stack:
        item = stack.pop()
        if item == Ref(number, generation) and isinstance(item, Ref):
            return True
        inner = item.dict if isinstance(item, Stream) else item
        stack.extend(inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ())
    return False


def _nowhere(structure: FileStructure, value: Value, revision: int) -> _Places:
    """Where a value has references that lead nowhere: the keys on the way."""
    if type(value) is Stream and value.dict.get("Type") == "XRef":
        return set()  # its entries are the trailer's
    places: _Places = set()
    stack: list[tuple[Value, tuple[str, ...]]] = [(value, ())]
    while stack:
        item, path = stack.pop()
        if type(item) is Ref:
            entry = structure.entry(item.number, revision)
            if entry.generation != item.generation or structure.location(item.number, revision) is None:
                places.add(path)
        elif type(item) is list:
            stack += [(part, path) for part in item if type(part) in _LEADS_ON]
        elif type(item) in _LEADS_ON:
            entries = item.dict if type(item) is Stream else item
            stack += [(part, (*path, key)) for key, part in entries.items() if type(part) in _LEADS_ON]
    return places
