"""Draws form fields and other annotations into their pages, so that they stay as they are once the document is signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject, StreamObject

from signing_core.pdf import form_fields
from signing_core.pdf.geometry import Box
from signing_core.pdf.objects import NewObjects, name, numbers
from signing_core.pdf.source import Page, Source

_HIDDEN: Final = 2
_NO_VIEW: Final = 32

Appearance = Callable[[DictionaryObject], StreamObject | None]
"""Gives a widget the appearance to be drawn in place of its own, None where its own is right."""

Mark = Callable[[DictionaryObject], tuple[bytes, bytes]]
"""Gives what is written before and after the drawing of an annotation."""


@dataclass(slots=True)
class Flattened:
    """`content` draws what was taken away; `annotations` are those that stay; `removed` the (number, generation) of the others."""

    content: bytes = b""
    annotations: list[Any] = field(default_factory=list)
    removed: list[tuple[int, int]] = field(default_factory=list)


def into_page(
    source: Source,
    page: Page,
    resources: DictionaryObject,
    new: NewObjects,
    subtypes: frozenset[str],
    appearance: Appearance | None = None,
    *,
    keep_signatures: bool = False,
    mark: Mark | None = None,
) -> Flattened:
    """Takes the annotations of `subtypes` from a page and gives the content that draws them. `resources` gains what it needs.

    Signature fields without a signature leave nothing, or stay with `keep_signatures`. `mark` says what is written
    around each drawing.
    """
    result = Flattened()
    raw = source.get(page.dictionary, "/Annots")
    for item in list.__iter__(raw) if isinstance(raw, ArrayObject) else ():
        annotation = source.resolve(item)
        if not isinstance(annotation, DictionaryObject):
            continue
        kept = keep_signatures and form_fields.is_empty_signature(source, annotation)
        if kept or source.get(annotation, "/Subtype") not in subtypes:
            result.annotations.append(item)
            continue
        if isinstance(item, IndirectObject):
            result.removed.append((item.idnum, item.generation))
        flags = source.get(annotation, "/F")
        if isinstance(flags, int) and flags & (_HIDDEN | _NO_VIEW):
            continue
        drawing = _drawing(source, annotation, appearance)
        rectangle = source.box(annotation.raw_get("/Rect")) if "/Rect" in annotation else None
        if drawing is None or rectangle is None:
            continue
        reference, form = drawing
        matrix = _fitting(source, form, rectangle)
        if matrix is None:
            continue
        key = f"/SealtrailField{len(result.removed)}x{len(result.content)}"
        add_resource(source, resources, "/XObject", key, new.add(form) if reference is None else reference)
        drawn = b"q " + matrix + f" cm {key} Do Q\n".encode()
        if "/OC" in annotation:
            layer = key.replace("Field", "Layer")
            add_resource(source, resources, "/Properties", layer, annotation.raw_get("/OC"))
            drawn = f"/OC {layer} BDC\n".encode() + drawn + b"EMC\n"
        opening, closing = mark(annotation) if mark is not None else (b"", b"")
        result.content += opening + drawn + closing
    return result


def own_resources(source: Source, raw: Any) -> DictionaryObject:
    """A copy of a page's resource dictionary that can be added to without touching other pages."""
    value = source.resolve(raw)
    return DictionaryObject(dict.items(value)) if isinstance(value, DictionaryObject) else DictionaryObject()


def add_resource(source: Source, resources: DictionaryObject, kind: str, key: str, value: Any) -> None:
    before = source.get(resources, kind)
    entries = DictionaryObject(dict.items(before)) if isinstance(before, DictionaryObject) else DictionaryObject()
    entries[name(key)] = value
    resources[name(kind)] = entries


def _drawing(
    source: Source, widget: DictionaryObject, appearance: Appearance | None
) -> tuple[IndirectObject | None, StreamObject] | None:
    own = appearance(widget) if appearance is not None else None
    if own is not None:
        return None, own
    appearances = source.get(widget, "/AP")
    if not isinstance(appearances, DictionaryObject) or "/N" not in appearances:
        return None
    raw = appearances.raw_get("/N")
    normal = source.resolve(raw)
    if isinstance(normal, DictionaryObject) and not isinstance(normal, StreamObject):
        state = source.get(widget, "/AS")
        if not isinstance(state, NameObject) or state not in normal:
            return None
        raw = normal.raw_get(state)
        normal = source.resolve(raw)
    if not isinstance(normal, StreamObject) or not isinstance(raw, IndirectObject):
        return None
    normal[name("/Subtype")] = name("/Form")  # some programs leave it out, without which nobody draws it in a page
    return raw, normal


def _fitting(source: Source, form: StreamObject, rectangle: Box) -> bytes | None:
    """The matrix that puts a form onto a rectangle (ISO 32000-2, 12.5.5, algorithm "appearance streams")."""
    bounds = source.box(form.raw_get("/BBox")) if "/BBox" in form else None
    if bounds is None:
        return None
    raw = source.get(form, "/Matrix")
    own = [source.resolve(value) for value in list.__iter__(raw)] if isinstance(raw, ArrayObject) else []
    a, b, c, d, e, f = (float(value) for value in own) if len(own) == 6 else (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    corners = [(x, y) for x in (bounds.x0, bounds.x1) for y in (bounds.y0, bounds.y1)]
    xs = [a * x + c * y + e for x, y in corners]
    ys = [b * x + d * y + f for x, y in corners]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    if width <= 0 or height <= 0:
        return None
    sx, sy = rectangle.width / width, rectangle.height / height
    values = (sx, 0, 0, sy, rectangle.x0 - min(xs) * sx, rectangle.y0 - min(ys) * sy)
    return numbers(values)
