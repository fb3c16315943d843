"""Reading a foreign PDF: open it, list its pages, walk everything that hangs on its catalog.

Files come from strangers. Whatever is wrong with one ends in `DocumentRefused` with a sentence, never in an exception of
the parser, in unbounded recursion or in a search through the whole file for each missing object.
"""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from pypdf import PdfReader
from pypdf.errors import FileNotDecryptedError
from pypdf.generic import (
    ArrayObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NullObject,
    PdfObject,
    StreamObject,
)

from signing_core.errors import DocumentRefused, SealtrailError
from signing_core.pdf.geometry import Box, View
from signing_core.pdf.objects import NewObjects
from signing_core.storage.bounds import MOST_UPLOAD_MEGABYTES

MAX_BYTES: Final = MOST_UPLOAD_MEGABYTES * 1_000_000
"""Largest file taken in, in bytes."""

MAX_PAGES: Final = 2_000
_MAX_VISITED: Final = 20_000  # nodes of the page tree
"""Most pages taken in."""

MAX_OBJECTS: Final = 1_000_000
"""Most indirect objects that are looked at in one file."""

_MAX_NODES: Final = 100_000
"""Of a name or number tree."""
_MAX_DEPTH: Final = 200  # of the page tree, and of direct objects inside one another
_LETTER: Final = Box(0, 0, 612, 792)  # what viewers show when no /MediaBox is there
_HEADER_WINDOW: Final = 1024  # bytes in which %PDF- is looked for, as viewers do
_MOST_ENDS: Final = 100  # %%EOF that are looked at
_UNFINISHED: Final = re.compile(
    rb"\A\s*\d+(\s+\d+(\s+o?b?)?)?\s*\Z|\b\d+\s+\d+\s+obj\b|\bendobj\b|\bxref\s+\d|\btrailer\s*<<|%PDF-"
)
"""What a revision begins with that does not come to its end."""

logging.getLogger("pypdf").setLevel(logging.ERROR)

# A name is a sequence of bytes (ISO 32000-2, 7.3.5). Read as Latin-1 it is written again as the same bytes; guessed to be
# UTF-8 or GBK, as pypdf does, it is not, and a resource would no longer be found under the name its content stream uses.
NameObject.CHARSETS = ("latin-1",)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Page:
    """One page with its inherited attributes resolved (ISO 32000-2, 7.7.3.4)."""

    reference: IndirectObject | None
    dictionary: DictionaryObject
    media: Box
    view: View
    resources: PdfObject | None


class Source:
    """A PDF opened for reading. `name` stands in the sentences of refusals."""

    def __init__(self, data: bytes, *, name: str) -> None:
        self.name = name
        self.data, self.junk = _from_header(data, name)
        with self.guarded():
            self.reader = PdfReader(io.BytesIO(self.data), strict=False)
            # While it follows the cross-reference streams pypdf keeps each under the number it has, which a later revision may
            # have given to something else.
            self.reader.resolved_objects.clear()
        self.added = NewObjects()
        """Objects that take the place of some of the file's."""
        self._pages: tuple[Page, ...] | None = None

    @property
    def encrypted(self) -> bool:
        return bool(self.reader.is_encrypted)

    @property
    def is_pdf_2(self) -> bool:
        """Whether header or catalog say 2.x (ISO 32000-2)."""
        return self.data.startswith(b"%PDF-2.") or str(self.get(self.root, "/Version")).startswith("/2.")

    @property
    def root(self) -> DictionaryObject:
        with self.guarded():
            return self.reader.root_object

    @property
    def info(self) -> DictionaryObject:
        """The document information dictionary, empty where there is none."""
        value = self.resolve(self.reader.trailer.raw_get("/Info")) if "/Info" in self.reader.trailer else None
        return value if isinstance(value, DictionaryObject) else DictionaryObject()

    @property
    def pages(self) -> tuple[Page, ...]:
        if self._pages is None:
            with self.guarded():
                self._pages = tuple(self._flattened())
        return self._pages

    def resolve(self, value: Any) -> Any:
        """What a reference points to, through chains of references; None for null and for what is not there."""
        for _ in range(_MAX_DEPTH):
            if not isinstance(value, IndirectObject):
                return None if isinstance(value, NullObject) else value
            value = self._object(value)
        return None

    def get(self, dictionary: DictionaryObject, key: str) -> Any:
        """The resolved value of a key, None where it is absent."""
        return self.resolve(dictionary.raw_get(key)) if key in dictionary else None

    def tree(self, root: Any, leaves: str) -> Iterator[tuple[Any, Any]]:
        """Keys, resolved, and values of a name tree (`/Names`) or number tree (`/Nums`) whose root is given (7.9.6, 7.9.7)."""
        waiting = [self.resolve(root)]
        for _ in range(_MAX_NODES):
            if not waiting:
                return
            node = waiting.pop()
            if not isinstance(node, DictionaryObject):
                continue
            pairs, kids = self.get(node, leaves), self.get(node, "/Kids")
            items = list(list.__iter__(pairs)) if isinstance(pairs, ArrayObject) else []
            for key, value in zip(items[::2], items[1::2], strict=False):
                yield self.resolve(key), value
            waiting.extend(self.resolve(kid) for kid in (list.__iter__(kids) if isinstance(kids, ArrayObject) else ()))

    def objects(self) -> Iterator[DictionaryObject]:
        """Every dictionary and stream that can be reached from the trailer, each once, nested ones included."""
        seen: set[tuple[int, int]] = set()
        waiting: list[Any] = [self.root, self.info]
        while waiting:
            value = waiting.pop()
            if isinstance(value, IndirectObject):
                key = (value.idnum, value.generation)
                if key in seen:
                    continue
                seen.add(key)
                if len(seen) > MAX_OBJECTS:
                    self.refuse("has too many objects; save it again with the program that made it", "too-large")
                waiting.append(self._object(value))
            elif isinstance(value, DictionaryObject):
                yield value
                waiting.extend(dict.values(value))
            elif isinstance(value, ArrayObject):
                waiting.extend(list.__iter__(value))

    def refuse(self, what: str, code: str) -> NoReturn:
        raise DocumentRefused(f"{self.name} {what}.", code=code)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turns whatever the parser raises on a broken file into a refusal."""
        try:
            yield
        except SealtrailError:
            raise
        except FileNotDecryptedError:
            self.refuse("is protected by a password; save a copy without it and take that", "password")
        except NotImplementedError:  # of all that pypdf does not implement, only public-key encryption ends up here
            self.refuse("is encrypted for certain recipients; save a copy without encryption and take that", "password")
        except Exception as error:
            raise DocumentRefused(
                f"{self.name} is damaged or cut off; get the file again or save it again with the program that made it.",
                code="damaged",
            ) from error

    def _object(self, reference: IndirectObject) -> Any:
        reader = self.reader
        if reference.pdf is not reader:  # one of ours
            return reference.pdf.get_object(reference)
        number, generation = reference.idnum, reference.generation
        # Asked for an object that no cross-reference names, pypdf searches the whole file for it.
        if number not in reader.xref.get(generation, ()) and not (generation == 0 and number in reader.xref_objStm):
            return None
        with self.guarded():
            value = reader.get_object(reference)
        return None if isinstance(value, NullObject) else value

    def _flattened(self) -> Iterator[Page]:
        root = self.get(self.root, "/Pages")
        if not isinstance(root, DictionaryObject):
            self.refuse("has no pages", "no-pages")
        waiting: list[tuple[Any, dict[str, Any], int]] = [(self.root.raw_get("/Pages"), {}, 0)]
        count = visited = 0
        while waiting:
            raw, inherited, depth = waiting.pop()
            visited += 1
            node = self.resolve(raw)
            if not isinstance(node, DictionaryObject):
                continue
            own = {key: node.raw_get(key) for key in _INHERITED if self.get(node, key) is not None}
            attributes = {**inherited, **own}
            kids = self.get(node, "/Kids")
            if isinstance(kids, ArrayObject) and node.get("/Type") != "/Page":
                # Programs that take pages out leave empty nodes behind, listed several times.
                if depth > _MAX_DEPTH or visited > _MAX_VISITED:
                    self.refuse("is damaged: its page tree runs in a circle; save it again", "damaged")
                waiting.extend((kid, attributes, depth + 1) for kid in reversed(list(list.__iter__(kids))))
                continue
            count += 1
            if count > MAX_PAGES:
                self.refuse(f"has more than {MAX_PAGES} pages; split it into several documents", "too-many-pages")
            yield self._page(raw, node, attributes)

    def _page(self, raw: Any, node: DictionaryObject, attributes: dict[str, Any]) -> Page:
        media = self.box(attributes.get("/MediaBox")) or _LETTER
        crop = (self.box(attributes.get("/CropBox")) or media).intersected(media)
        if crop.width < 1 or crop.height < 1:
            crop = media
        rotate = self.resolve(attributes.get("/Rotate"))
        unit = self.get(node, "/UserUnit")
        return Page(
            reference=raw if isinstance(raw, IndirectObject) else None,
            dictionary=node,
            media=media,
            view=View(
                crop,
                int(rotate) % 360 if _is_number(rotate) and int(rotate) % 90 == 0 else 0,
                float(unit) if _is_number(unit) and float(unit) > 0 else 1.0,
            ),
            resources=attributes.get("/Resources"),
        )

    def box(self, raw: Any) -> Box | None:
        """A rectangle object, its corners in order; None when it is not one or is thinner than a unit."""
        value = self.resolve(raw)
        if not isinstance(value, ArrayObject) or len(value) != 4:
            return None
        numbers = [self.resolve(number) for number in list.__iter__(value)]
        if not all(_is_number(number) for number in numbers):
            return None
        x0, y0, x1, y1 = (float(number) for number in numbers)
        box = Box(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        return box if box.width >= 1 and box.height >= 1 else None


_INHERITED: Final = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def content(stream: StreamObject) -> bytes:
    """The decoded bytes of a stream."""
    data = stream.get_data()
    return data if isinstance(data, bytes) else str(data).encode("latin-1", "replace")


def _from_header(data: bytes, name: str) -> tuple[bytes, bool]:
    """The file from its header to its end, and whether anything stood behind that, after the checks that need no parser."""
    if not data:
        raise DocumentRefused(f"{name} is empty; get the file again.", code="empty")
    if len(data) > MAX_BYTES:
        raise DocumentRefused(
            f"{name} has {len(data) / 1e6:,.1f} MB, more than the {MAX_BYTES // 1_000_000} MB taken in; make it smaller.",
            code="too-large",
        )
    start = data.find(b"%PDF-", 0, _HEADER_WINDOW + 5)
    if start < 0:
        raise DocumentRefused(f"{name} is not a PDF; export it as PDF and take that.", code="not-a-pdf")
    cut_off = DocumentRefused(f"{name} is cut off: its end is missing; get the file again.", code="damaged")
    found = _last_end(data)
    if found is None:
        raise cut_off
    end, offset = found
    behind = data[end:]
    if _UNFINISHED.search(behind):  # another revision was begun, and what it says is not known
        raise cut_off
    linearised = re.search(rb"/Linearized\b[^>]*?/L\s+(\d+)", data[start : start + _HEADER_WINDOW])
    if linearised is not None and int(linearised[1]) > len(data):
        raise cut_off
    junk, data = bool(behind.strip(b"\0\t\n\f\r \x1a")), data[:end]
    # Offsets count from the header in most files that do not begin with it, from the start of the file in some.
    stripped = data[start:]
    if start == 0 or _points_at_xref(stripped, offset) or not _points_at_xref(data, offset):
        return stripped, junk
    return data, junk


def _last_end(data: bytes) -> tuple[int, int] | None:
    """Where the last revision ends, and the offset of its cross-references."""
    at = len(data)
    for _ in range(_MOST_ENDS):
        at = data.rfind(b"%%EOF", 0, at)
        if at < 0:
            break
        found = re.search(rb"startxref\s+(\d{1,12})\s+\Z", data[max(0, at - 64) : at])
        if found is not None:
            return at + len(b"%%EOF"), int(found[1])
    return None


def _points_at_xref(data: bytes, offset: int) -> bool:
    return re.match(rb"\s*(xref\b|\d+\s+\d+\s+obj\b)", data[offset : offset + 40]) is not None
