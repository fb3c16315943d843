"""Annotations with one look: their normal one, the same on screen and on paper (ISO 32000-2, 12.5)."""

from __future__ import annotations

from typing import Any, Final

from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, StreamObject

from signing_core.pdf.one_look import actions
from signing_core.pdf.one_look.layers import Layers
from signing_core.pdf.source import Page, Source

# Annotation flags, table 167.
_INVISIBLE: Final = 1
_HIDDEN: Final = 2
_PRINT: Final = 4
_NO_ZOOM: Final = 8
_NO_ROTATE: Final = 16
_NO_VIEW: Final = 32
_TOGGLE_NO_VIEW: Final = 256

MEDIA: Final = frozenset(("/Screen", "/Movie", "/Sound", "/3D", "/RichMedia"))
"""Play something, or show what is no part of the page."""
DRAWN: Final = MEDIA | {"/Watermark", "/TrapNet", "/PrinterMark", "/Projection"}
"""Become part of the page: media stop at their poster, and some of the others stand elsewhere on paper than on screen."""
_STANDARD: Final = DRAWN | {
    "/Text", "/Link", "/FreeText", "/Line", "/Square", "/Circle", "/Polygon", "/PolyLine", "/Highlight", "/Underline",
    "/Squiggly", "/StrikeOut", "/Caret", "/Stamp", "/Ink", "/Popup", "/FileAttachment", "/Widget", "/Redact",
}  # fmt: skip


def settle(source: Source, page: Page, layers: Layers, told: set[str]) -> None:
    """Leaves the annotations that are seen on screen, with one look each; adds to `told` what was changed."""
    raw = source.get(page.dictionary, "/Annots")
    if not isinstance(raw, ArrayObject):
        return
    kept: list[Any] = []
    dropped: list[DictionaryObject] = []
    for item in list.__iter__(raw):
        annotation = source.resolve(item)
        if not isinstance(annotation, DictionaryObject):
            continue
        if _seen(source, annotation, layers, told):
            kept.append(item)
            _one_look(source, annotation, page, told)
        else:
            dropped.append(annotation)
    gone = {id(annotation) for annotation in dropped}
    popups = [item for item in kept if id(source.get(source.resolve(item), "/Parent")) in gone]
    for annotation in (*dropped, *(source.resolve(item) for item in popups)):
        annotation.clear()  # comments and the structure tree may still point to it
    kept = [item for item in kept if not any(item is popup for popup in popups)]
    page.dictionary[NameObject("/Annots")] = ArrayObject(kept)


def _seen(source: Source, annotation: DictionaryObject, layers: Layers, told: set[str]) -> bool:
    if "/OC" in annotation:
        shown = layers.visible(annotation.raw_get("/OC"))
        del annotation["/OC"]
        if not shown:
            return False
    flags = _flags(source, annotation)
    unknown = source.get(annotation, "/Subtype") not in _STANDARD
    if flags & (_HIDDEN | _NO_VIEW) or (unknown and flags & _INVISIBLE):
        told.add("only-on-paper" if flags & _PRINT and not flags & _HIDDEN else "hidden-annotations")
        return False
    return True


def _one_look(source: Source, annotation: DictionaryObject, page: Page, told: set[str]) -> None:
    kind = source.get(annotation, "/Subtype")
    actions.only_links(source, annotation)
    flags = _flags(source, annotation)
    wanted = flags & ~(_INVISIBLE | _TOGGLE_NO_VIEW)
    if kind != "/Popup":
        if not flags & _PRINT and kind not in ("/Link", *MEDIA):
            told.add("only-on-screen")
        wanted |= _PRINT
    if flags & _TOGGLE_NO_VIEW:
        told.add("other-looks")
    looks = source.get(annotation, "/AP")
    if isinstance(looks, DictionaryObject):
        if page.view.rotate == 0 or not flags & _NO_ROTATE:
            wanted &= ~(_NO_ZOOM | _NO_ROTATE)
        if kind != "/Widget":  # which becomes part of the page as it is
            _normal_look(source, annotation, looks, told)
    if wanted != flags:
        annotation[NameObject("/F")] = NumberObject(wanted)
    if kind in MEDIA:
        told.add("media")


def _normal_look(source: Source, annotation: DictionaryObject, looks: DictionaryObject, told: set[str]) -> None:
    if {"/R", "/D"} & looks.keys():
        told.add("other-looks")
    raw = looks.raw_get("/N") if "/N" in looks else None
    normal = source.resolve(raw)
    if isinstance(normal, DictionaryObject) and not isinstance(normal, StreamObject):
        state = source.get(annotation, "/AS")
        raw = normal.raw_get(state) if isinstance(state, NameObject) and state in normal else None
        normal = source.resolve(raw)
    annotation.pop(NameObject("/AS"), None)
    if isinstance(normal, StreamObject):
        annotation[NameObject("/AP")] = DictionaryObject({NameObject("/N"): raw})
    else:
        del annotation["/AP"]


def _flags(source: Source, annotation: DictionaryObject) -> int:
    flags = source.get(annotation, "/F")
    return int(flags) if isinstance(flags, int) else 0
