"""What an object cannot hold, seen from its bytes: parsing every page and link of a large file would cost too much."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.object_stream import ObjectStream
from signing_core.pdf.structure.values import Ref
from signing_core.pdf.structure.xref import FREE, Entry

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_DIGITS: Final = b"0123456789"
_MOST_SHAPES: Final = 4096


class Glance:
    """Answers for one file and a few keys."""

    def __init__(self, structure: FileStructure, *keys: bytes) -> None:
        self._structure = structure
        self._keys = keys
        original = structure.updates[0].entries
        self._plain, self._other = original.plain, original.other
        self._containers: dict[int, ObjectStream | None] = {}
        self._shapes: dict[bytes, bool] = {}
        """Answers by bytes without their digits: pages and links differ in little else."""

    def may_hold(self, ref: Ref, revision: int) -> bool:
        """Whether the object may be a dictionary with one of the keys (`b"/Kids"`), at any depth. Only False is certain.

        It is certain where the bytes are plain: no name is escaped (7.3.5), and nothing in them could end the object for
        one reader and not for another: comments, escapes in strings, brackets that do not balance.
        """
        return bool(self.uncertain((ref,), revision))

    def uncertain(self, refs: Iterable[Ref], revision: int) -> list[Ref]:
        """Those of the objects that may hold one of the keys. Written out, since large files have ten thousands to ask for."""
        result = []
        data, later, plain, shapes = self._structure.data, self._structure.later, self._plain, self._shapes
        for ref in refs:
            number, generation = ref
            place = plain.get(number) if number not in later and not generation else None
            if place and (end := data.find(b"endobj", place)) > 0 and data.startswith(b"%d " % number, place):
                raw = data[place:end]
            elif (other := self.raw(ref, revision)) is not None:
                raw = other
            else:
                result.append(ref)
                continue
            shape = raw.translate(None, _DIGITS)
            known = shapes.get(shape)
            if known is None:
                known = self._judge(shape)
                if len(shapes) < _MOST_SHAPES:
                    shapes[shape] = known
            if known:
                result.append(ref)
        return result

    def raw(self, ref: Ref, revision: int) -> bytes | None:
        """The object as it is written, perhaps with more behind it; None when it takes more than a look to find it."""
        number = ref.number
        if ref.generation:
            return None
        if number not in self._structure.later:
            place = self._plain.get(number)
            entry = Entry(place) if place is not None else self._other.get(number, FREE)
        else:
            entry = self._structure.entry(number, revision)
        if entry.stream:
            content = self._container(entry.stream, revision)
            return content.raw(number) if content is not None else None
        data, place = self._structure.data, entry.place
        if place <= 0 or not data.startswith(b"%d " % number, place):
            return None
        end = data.find(b"endobj", place)
        return data[place:end] if end >= 0 else None

    def _container(self, stream: int, revision: int) -> ObjectStream | None:
        if stream in self._structure.later:
            return self._structure.object_stream(stream, revision)
        if stream not in self._containers:
            self._containers[stream] = self._structure.object_stream(stream, revision)
        return self._containers[stream]

    def _judge(self, shape: bytes) -> bool:
        shape = shape.removeprefix(b"  obj").lstrip()
        if not shape.startswith(b"<<") or any(key in shape for key in self._keys):
            return True
        if any(special in shape for special in (b"#", b"%", b"\\", b"{")):
            return True
        opened = 2 * shape.count(b"<<")
        return not (
            shape.count(b"<") == opened == shape.count(b">") == 2 * shape.count(b">>")
            and shape.count(b"[") == shape.count(b"]")
            and shape.count(b"(") == shape.count(b")")
        )
