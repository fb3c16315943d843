"""Settles an opened document in place, so that whoever takes its pages takes them as they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

from signing_core.pdf import form_fields, objects
from signing_core.pdf.one_look import actions, annotation_looks, layer_content
from signing_core.pdf.one_look.layers import Layers
from signing_core.pdf.source import Source, content

_OTHER_SOURCES: Final = ("/Alternates", "/OPI", "/Ref")
"""Of images and forms: other pictures for other purposes, or content of other files (ISO 32000-2, 8.9.5.4 and 8.10.4)."""
_BY_ITSELF: Final = ("/AA", "/Trans", "/Dur", "/PresSteps")
"""Of pages: what happens when they are opened or have been shown for a while."""


@dataclass(frozen=True, slots=True)
class Settled:
    """`told` has the codes of `preparation_notes` for what was changed."""

    told: frozenset[str]


def settle(source: Source) -> Settled:
    """Brings everything that `source` shows to one look, in place. Raises `DocumentRefused`."""
    with source.guarded():
        return _Settling(source).settled()


class _Settling:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.told: set[str] = set()
        self.layers = Layers(source)

    def settled(self) -> Settled:
        source = self.source
        self._tell_actions()
        for page in source.pages:
            annotation_looks.settle(source, page, self.layers, self.told)
            for key in _BY_ITSELF:
                page.dictionary.pop(NameObject(key), None)
        for item in self._outline():
            actions.only_links(source, item)
        self._settle_drawings()
        root = source.root
        if "/OCProperties" in root:
            del root["/OCProperties"]
        if self.layers.used:
            self.told.add("layers")
        if form_fields.find(source):
            self.told.add("form")
        if source.junk:
            self.told.add("junk")
        if source.encrypted:
            self.told.add("restrictions")
        return Settled(frozenset(self.told))

    def _tell_actions(self) -> None:
        for entry in self.source.objects():
            kind = actions.active_type(self.source, entry)
            if kind == "/JavaScript" or (kind is not None and "/JS" in entry):
                self.told.add("scripts")
            elif kind is not None:
                self.told.add("actions")

    def _outline(self) -> Iterator[DictionaryObject]:
        seen: set[int] = set()
        waiting = [self.source.get(self.source.root, "/Outlines")]
        while waiting:
            item = waiting.pop()
            if not isinstance(item, DictionaryObject) or id(item) in seen:
                continue
            seen.add(id(item))
            yield item
            waiting.extend(self.source.get(item, key) for key in ("/First", "/Next"))

    def _settle_drawings(self) -> None:
        """Everything that can be drawn: pages, forms, images, patterns, glyphs."""
        source = self.source
        entries = list(source.objects())
        for entry in entries:
            for key in _OTHER_SOURCES:
                if key in entry and source.get(entry, "/Subtype") in ("/Image", "/Form"):
                    del entry[key]
                    self.told.add("other-pictures")
        for page in source.pages:
            self._page(page.dictionary, source.resolve(page.resources))
        for entry in entries:
            if source.get(entry, "/Subtype") == "/Type3":
                glyphs = source.get(entry, "/CharProcs")
                for raw in dict.values(glyphs) if isinstance(glyphs, DictionaryObject) else ():
                    self._stream(source.resolve(raw), source.get(entry, "/Resources"))
            elif isinstance(entry, StreamObject) and (
                source.get(entry, "/Subtype") == "/Form" or source.get(entry, "/PatternType") == 1
            ):
                self._stream(entry, source.get(entry, "/Resources"))
        for entry in entries:
            if isinstance(entry, StreamObject) and "/OC" in entry:
                if not self.layers.visible(entry.raw_get("/OC")):
                    _empty(entry)
                entry.pop(NameObject("/OC"), None)
        for resources in entries:
            self._properties(resources)

    def _page(self, page: DictionaryObject, resources: Any) -> None:
        raw = page.raw_get("/Contents") if "/Contents" in page else None
        value = self.source.resolve(raw)
        parts = list(list.__iter__(value)) if isinstance(value, ArrayObject) else [raw]
        streams = [part for part in map(self.source.resolve, parts) if isinstance(part, StreamObject)]
        data = b"\n".join(content(stream) for stream in streams)
        if layer_content.has_layers(data):
            flat = self._flattened(data, resources)
            page[NameObject("/Contents")] = self.source.added.add(objects.stream({}, flat))

    def _stream(self, stream: Any, resources: Any) -> None:
        if isinstance(stream, StreamObject) and layer_content.has_layers(data := content(stream)):
            _fill(stream, self._flattened(data, resources))

    def _flattened(self, data: bytes, resources: Any) -> bytes:
        source = self.source
        properties = source.get(resources, "/Properties") if isinstance(resources, DictionaryObject) else None

        def visible(name: str) -> bool:
            if not isinstance(properties, DictionaryObject) or name not in properties:
                source.refuse("has content of a layer that it does not name; print it to a PDF and take that", "layers")
            return self.layers.visible(properties.raw_get(name))

        try:
            return layer_content.flattened(data, visible)
        except layer_content.LayerInsideLine:
            source.refuse(
                "has layers that begin and end inside a line of text; print it to a PDF as it is to be signed and take that",
                "layers",
            )

    def _properties(self, resources: DictionaryObject) -> None:
        """Nothing names a layer any more; the groups themselves are left behind."""
        properties = self.source.get(resources, "/Properties") if "/Properties" in resources else None
        if not isinstance(properties, DictionaryObject):
            return
        for key in list(properties):
            value = self.source.get(properties, key)
            if isinstance(value, DictionaryObject) and value.get("/Type") in ("/OCG", "/OCMD"):
                del properties[key]


def _fill(stream: StreamObject, data: bytes) -> None:
    """Other bytes for a stream, in place."""
    filled = objects.stream({}, data)
    for key in ("/Filter", "/DecodeParms", "/DL"):
        stream.pop(NameObject(key), None)
    stream.update(filled)
    stream._data = filled._data
    if hasattr(stream, "decoded_self"):
        stream.decoded_self = None


def _empty(stream: StreamObject) -> None:
    """What is drawn in the stream's place is nothing."""
    stream.clear()
    stream.update(
        objects.dictionary(
            {
                "/Type": objects.name("/XObject"),
                "/Subtype": objects.name("/Form"),
                "/BBox": objects.array(*(objects.number(0) for _ in range(4))),
                "/Resources": DictionaryObject(),
            }
        )
    )
    _fill(stream, b"")
