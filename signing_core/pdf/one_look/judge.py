"""Looks at each object of a prepared document as it is written: nothing of what was to be settled may be left.

Settling looks where such things belong. Here it does not matter where they are.
"""

from __future__ import annotations

from collections.abc import Callable

from pypdf.generic import DictionaryObject, StreamObject

from signing_core.pdf.one_look import actions, annotation_looks
from signing_core.pdf.source import Source


def judge(source: Source) -> Callable[[DictionaryObject], None]:
    """To be called with every dictionary and stream; raises `DocumentRefused`, with the name of `source`."""

    def look(entry: DictionaryObject) -> None:
        if "/S" in entry and (actions.active_type(source, entry) is not None or _chained(source, entry)):
            source.refuse(
                "does more than lead to a page or an address, in a place where that cannot be taken out; print it to a "
                "PDF and take that",
                "active-content",
            )
        if isinstance(entry, StreamObject):
            if "/F" in entry:
                source.refuse(
                    "takes part of its content from another file; print it to a PDF and take that", "external-content"
                )
            if source.get(entry, "/Subtype") == "/PS":
                source.refuse("has content for printers only; print it to a PDF and take that", "external-content")
        elif source.get(entry, "/Subtype") in annotation_looks.MEDIA and "/Rect" in entry:
            source.refuse(
                "plays sound, film or 3D in a place where that cannot be taken out; print it to a PDF and take that",
                "active-content",
            )
        elif entry.get("/Type") in ("/OCG", "/OCMD"):
            source.refuse("has layers that cannot be taken out; print it to a PDF and take that", "layers")

    return look


def _chained(source: Source, entry: DictionaryObject) -> bool:
    return "/Next" in entry and source.get(entry, "/S") in ("/GoTo", "/URI", "/Named")
