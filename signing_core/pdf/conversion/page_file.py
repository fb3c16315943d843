"""Pictures as the pages of a PDF: each as large as its page lets it be, on paper that is turned as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from pypdf.generic import DictionaryObject, IndirectObject, NumberObject, StreamObject

from signing_core.pdf import objects
from signing_core.pdf.objects import NewObjects, name

Paper = Literal["a4", "letter"]
_SIZES: Final[dict[Paper, tuple[float, float]]] = {"a4": (595.276, 841.89), "letter": (612.0, 792.0)}
"""In points, upright."""
_UPRIGHT: Final = {
    1: (1, 0, 0, 1, 0, 0),
    2: (-1, 0, 0, 1, 1, 0),
    3: (-1, 0, 0, -1, 1, 1),
    4: (1, 0, 0, -1, 0, 1),
    5: (0, -1, -1, 0, 1, 1),
    6: (0, -1, 1, 0, 0, 1),
    7: (0, 1, 1, 0, 0, 0),
    8: (0, 1, -1, 0, 1, 0),
}
"""The unit square turned as each EXIF orientation asks for (Exif 3.0, 4.6.5.1.6)."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as a PDF holds it (ISO 32000-2, 8.9.5)."""

    data: bytes
    coding: str
    """`DCTDecode` or `FlateDecode`."""
    width: int
    height: int
    bits: int
    grey: bool
    orientation: int
    stretch: float
    """How much wider than high one of its points is."""


def write(pictures: Sequence[Picture], paper: Paper) -> bytes:
    """The same pictures make the same bytes."""
    new, kids = NewObjects(), objects.array()
    tree = new.add(objects.dictionary({"/Type": name("/Pages"), "/Kids": kids, "/Count": NumberObject(len(pictures))}))
    digest = hashlib.sha256()
    for picture in pictures:
        kids.append(new.add(_page(picture, paper, tree, new)))
        digest.update(picture.data)
    return objects.write(
        version="1.7",
        root=new.add(objects.dictionary({"/Type": name("/Catalog"), "/Pages": tree})),
        info=None,
        identifier=digest.digest()[:16],
        resolve=lambda reference: reference.pdf.get_object(reference),
    )


def _page(picture: Picture, paper: Paper, tree: IndirectObject, new: NewObjects) -> DictionaryObject:
    across, down = picture.width * picture.stretch, float(picture.height)
    if picture.orientation > 4:
        across, down = down, across
    page = _SIZES[paper] if across <= down else _SIZES[paper][::-1]
    scale = min(page[0] / across, page[1] / down, 1.0)  # of few points, each is a 72nd of an inch and no more
    width, height = across * scale, down * scale
    x, y = (page[0] - width) / 2, (page[1] - height) / 2
    a, b, c, d, e, f = _UPRIGHT[picture.orientation]
    matrix = (a * width, b * height, c * width, d * height, e * width + x, f * height + y)
    content = b"q " + objects.numbers(matrix) + b" cm /Picture Do Q"
    pictures = objects.dictionary({"/Picture": new.add(_image(picture))})
    return objects.dictionary(
        {
            "/Type": name("/Page"),
            "/Parent": tree,
            "/MediaBox": objects.array(*(objects.number(side) for side in (0, 0, *page))),
            "/Resources": objects.dictionary({"/XObject": pictures}),
            "/Contents": new.add(objects.stream({}, content, compress=False)),
        }
    )


def _image(picture: Picture) -> StreamObject:
    entries = {
        "/Type": name("/XObject"),
        "/Subtype": name("/Image"),
        "/Width": NumberObject(picture.width),
        "/Height": NumberObject(picture.height),
        "/BitsPerComponent": NumberObject(picture.bits),
        "/ColorSpace": name("/DeviceGray" if picture.grey else "/DeviceRGB"),
        "/Filter": name(f"/{picture.coding}"),
    }
    return objects.stream(entries, picture.data, compress=False)
