"""Whether a signed page shows exactly what it should, told from the file's objects: a fifth of the time that two pictures take.

The answer is *yes* or *not told*. What differs in a way that no eye sees, such as another order of the same strokes, is not told:
then the pictures decide.
"""

from __future__ import annotations

import io
import re
from typing import Any, Final

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

_PLACED: Final = re.compile(rb"/Span <</ActualText <[0-9a-f]*>>> BDC q 1 0 0 1 -?0 -?0 cm /Picture Do Q EMC")
"""What `fields` writes around a picture whose corner is the origin."""
_PRINTED: Final = 132
"""Annotation flags Print and Locked (ISO 32000-2, table 167): shown on the screen and on paper."""
_POINT: Final = 0.05
"""Sizes differ by the rounding of a page box, in points."""
_DEVICE_COLOURS: Final = {b"1": b"/DeviceGray", b"3": b"/DeviceRGB"}
"""By number of components, as `fields` names the profiles of typeset pages."""
_MOST: Final = 2_000
"""Objects that are looked at before the pictures are the shorter way."""
_HEAD: Final = re.compile(rb"\s*[0-9]+\s+[0-9]+\s+obj\b")
_END: Final = re.compile(rb"\b(?:endobj|stream\r?\n)")
_TOKEN: Final = re.compile(
    rb"[0-9]+ [0-9]+ R\b|<<|>>|[][]|/[^][\s<>()/%{}]*|\((?:[^()\\]|\\.)*\)|<[0-9A-Fa-f]*>|[^][\s<>()/%{}]+", re.DOTALL
)
"""ISO 32000-2, 7.2 and 7.3, as far as our own writers use it; what is left over is not told."""
_SPACE: Final = b" \t\n\f\r"


def shows_only(data: bytes, field: str, page: bytes) -> bool:
    """Whether the page of the signature field `field` shows the one page of the PDF `page`, over its whole area, and nothing else."""
    try:
        signed, wanted = PdfFileReader(io.BytesIO(data)), PdfFileReader(io.BytesIO(page))
        widget = _field(signed, field)
        return _fills_its_page(widget) and _draws(data, widget["/AP"]["/N"], page, _first_page(wanted))
    except (PdfError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return False


def _field(reader: PdfFileReader, name: str) -> Any:
    fields = (one.get_object() for one in reader.root["/AcroForm"]["/Fields"])
    return next((one for one in fields if one.get("/T") == name), {})


def _first_page(reader: PdfFileReader) -> Any:
    return reader.root["/Pages"]["/Kids"][0].get_object()


def _fills_its_page(widget: Any) -> bool:
    """The page has no content of its own, is not turned or cut, and no other annotation on it covers any of it."""
    page = widget["/P"]
    others = [one.get_object() for one in page["/Annots"]]
    here = [one for one in others if one.get("/T") == widget["/T"]]
    return (
        not {"/Contents", "/Rotate", "/CropBox", "/UserUnit", "/Group", "/AA"} & page.keys()
        and not {"/Rotate", "/CropBox"} & page["/Parent"].keys()
        and len(here) == 1
        and all(one is here[0] or _empty(one) for one in others)
        and widget["/F"] == _PRINTED
        and not {"/MK", "/AS", "/OC"} & widget.keys()
        and _close(widget["/Rect"], page["/MediaBox"])
    )


def _empty(annotation: Any) -> bool:
    x0, y0, x1, y1 = annotation["/Rect"]
    return bool(x0 == x1 and y0 == y1 and "/AP" not in annotation)


def _draws(data: bytes, appearance: Any, page: bytes, wanted: Any) -> bool:
    picture = appearance["/Resources"]["/XObject"]["/Picture"]
    contents = wanted["/Contents"]
    return (
        bool(_PLACED.fullmatch(appearance.data))
        and [float(one) for one in appearance["/Matrix"]] == [1, 0, 0, 1, 0, 0]
        and _close(appearance["/BBox"], picture["/BBox"])
        and _close(picture["/BBox"], wanted["/MediaBox"])
        and not {"/Matrix", "/Group", "/OC", "/DecodeParms"} & picture.keys()
        and "/DecodeParms" not in contents
        and picture["/Filter"] == contents["/Filter"]
        and picture.encoded_data == contents.encoded_data
        and _same(
            _Bodies(data, picture), picture.raw_get("/Resources"), _Bodies(page, wanted), wanted.raw_get("/Resources")
        )
    )


def _close(one: Any, other: Any) -> bool:
    return all(abs(float(a) - float(b)) < _POINT for a, b in zip(one, other, strict=True))


class _Bodies:
    """The objects of a file as their tokens: pyHanko finds them, and does not build values of what is only compared."""

    def __init__(self, data: bytes, anywhere: Any) -> None:
        self._data = data
        self._reader: PdfFileReader = anywhere.get_container_ref().get_pdf_handler()

    def read(self, number: int, generation: int) -> tuple[list[bytes], bytes]:
        """Tokens of the object, and its stream as it lies in the file. Raises `ValueError` for what is written otherwise."""
        start = self._reader.xrefs[generic.Reference(number, generation, self._reader)]
        head = _HEAD.match(self._data, start if isinstance(start, int) else -1)
        end = head and _END.search(self._data, head.end())
        if head is None or end is None:
            raise ValueError("the object is not written in the open")
        text = self._data[head.end() : end.start()]
        tokens = _TOKEN.findall(text)
        if len(b"".join(tokens).translate(None, _SPACE)) != len(text.translate(None, _SPACE)):
            raise ValueError("the object is written in another way")
        if end[0] == b"endobj":
            return tokens, b""
        where = tokens.index(b"/Length") + 1
        length = tokens[where]
        if length.endswith(b" R"):
            raise ValueError("the length of a stream is an object of its own")
        del tokens[where - 1 : where + 1]
        return tokens, self._data[end.end() : end.end() + int(length)]

    def word(self, token: bytes) -> bytes:
        """The token; of a reference, what `fields` writes in its place: a word as such, a colour profile as device colours."""
        if not token.endswith(b" R"):
            return token
        tokens, stream = self.read(*_reference(token))
        if len(tokens) == 1 and not stream:
            return tokens[0]
        if tokens[:2] == [b"[", b"/ICCBased"] and len(tokens) == 4:
            profile, _ = self.read(*_reference(tokens[2]))
            return _DEVICE_COLOURS[profile[profile.index(b"/N") + 1]]
        raise ValueError("the reference is to more than a word")


def _same(one: _Bodies, root: Any, other: _Bodies, wanted: Any) -> bool:
    """Object by object from two references, in step; a pair met again is not followed again."""
    met: set[tuple[tuple[int, int], tuple[int, int]]] = set()
    waiting = [((root.idnum, root.generation), (wanted.idnum, wanted.generation))]
    while waiting and len(met) < _MOST:
        pair = waiting.pop()
        if pair in met:
            continue
        met.add(pair)
        (tokens, stream), (expected, held) = one.read(*pair[0]), other.read(*pair[1])
        if stream != held or len(tokens) != len(expected):
            return False
        for left, right in zip(tokens, expected, strict=True):
            if left.endswith(b" R") and right.endswith(b" R"):
                waiting.append((_reference(left), _reference(right)))
            elif left != right and one.word(left) != other.word(right):
                return False
    return not waiting


def _reference(token: bytes) -> tuple[int, int]:
    number, generation, _ = token.split()
    return int(number), int(generation)
