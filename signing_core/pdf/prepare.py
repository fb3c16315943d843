"""Makes of any PDF the document that will be signed: the first of its five steps.

The result is one clean revision. Every page grows at the bottom, as its viewer sees it, by a strip that names the
document; nothing is covered. One empty signature field per party stands on the pages, another one fills a new last page,
reserved for the authenticity certificate. What could change the document's look later goes: forms are flattened, page
and document actions dropped; intake has refused JavaScript and launch actions before.

The signatures that follow touch nothing but their own field: /SigFlags, the ESIC extension (ETSI EN 319 142-1, 5.6), the
seal's /Lock and the descriptions in /TU are all written here, since a later change to them would count as a change of
the signed document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, IndirectObject, NullObject

from signing_core.errors import UsageError
from signing_core.pdf import attachments, flatten, objects, placement, render, strips, xmp
from signing_core.pdf.attachments import Attachment
from signing_core.pdf.geometry import Box, View
from signing_core.pdf.names import DOCUMENT_ID_KEY, FIELD_OF_ROLE, PRODUCER, SEAL_FIELD
from signing_core.pdf.objects import NewObjects, array, dictionary, name, number, string
from signing_core.pdf.source import Page, Source

A4: Final = Box(0, 0, 595.276, 841.89)
"""The certificate page, in points."""

_PRINT_AND_LOCKED: Final = 4 + 128  # annotation flags, ISO 32000-2, table 167
_KEPT: Final = (
    "/PageLabels", "/Names", "/Dests", "/ViewerPreferences", "/PageLayout", "/PageMode", "/Outlines", "/Threads",
    "/StructTreeRoot", "/MarkInfo", "/OutputIntents", "/OCProperties", "/AF",
)  # fmt: skip
_PAGE_DROPPED: Final = (
    "/Parent", "/AA", "/Thumb", "/PieceInfo", "/LastModified", "/ArtBox", "/TrimBox", "/BleedBox", "/Contents",
    "/MediaBox", "/CropBox", "/Rotate", "/Resources",
)  # fmt: skip
_WORDS: Final = {
    "en": ("Signature", "Authenticity certificate of document"),
    "de": ("Unterschrift", "Echtheitszertifikat zu Dokument"),
}


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a party's mark goes: page counted from 1; points from the top-left corner of the page as its viewer sees it."""

    page: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """A signature field for `role` (`first-party` or `client`); `label` says to people whose it is.

    Without a placement it goes to the last page, into blank space where there is some, else into a band by which the
    page grows.
    """

    role: str
    label: str
    placement: Placement | None = None


@dataclass(frozen=True, slots=True)
class PrepareRequest:
    document_id: str
    title: str
    language: str
    fields: tuple[FieldRequest, ...]
    attach: Attachment | None = None
    created_at: datetime | None = None
    """Written as /CreationDate where the document has none and as /ModDate; neither is invented without it."""


@dataclass(frozen=True, slots=True)
class FieldBox:
    """A signature field: its page counted from 1, and its size in points as seen, which its appearance must have."""

    name: str
    page: int
    width_pt: float
    height_pt: float


@dataclass(frozen=True, slots=True)
class Prepared:
    """`pages` counts the certificate page; `fields` has the role `seal` as well."""

    data: bytes
    pages: int
    fields: dict[str, FieldBox]


def prepare(source: bytes, request: PrepareRequest, *, name: str = "The document") -> Prepared:
    """The document of `source`, ready to be signed.

    The same source and request give the same bytes. Raises `DocumentRefused` for a file that cannot be read (call
    `intake.inspect` first: what it refuses is not looked for here) and `UsageError` for a role that does not exist or a
    placement outside its page.
    """
    opened = Source(source, name=name)
    if not opened.pages:
        opened.refuse("has no pages", "no-pages")
    with opened.guarded():
        layout = _layout(source, opened.pages, request)
    return _Preparation(opened, request, layout).result()


@dataclass(frozen=True, slots=True)
class _Placed:
    request: FieldRequest
    page: int  # from 0
    box: Box  # in view coordinates of the page before its strip was added


@dataclass(frozen=True, slots=True)
class _Layout:
    placed: tuple[_Placed, ...]
    band: float  # by how much the last page grows for the marks


def _layout(source: bytes, pages: Sequence[Page], request: PrepareRequest) -> _Layout:
    roles = [field.role for field in request.fields]
    for role in roles:
        if role not in FIELD_OF_ROLE or role == "seal" or roles.count(role) > 1:
            raise UsageError(f"There is one signature field each for first-party and client; {role!r} cannot be added.")
    waiting = [field for field in request.fields if field.placement is None]
    placed = [_Placed(field, *_explicit(field.placement, pages)) for field in request.fields if field.placement]
    last = len(pages) - 1
    band = 0.0
    if waiting:
        view = pages[last].view
        picture = render.render(source, last + 1, dpi=placement.DPI)
        taken = [entry.box for entry in placed if entry.page == last]
        layout = placement.automatic(picture, view.width, view.height, len(waiting), taken)
        band = layout.band
        placed = [
            _Placed(entry.request, entry.page, entry.box.moved(0, band)) if entry.page == last else entry
            for entry in placed
        ]
        placed += [_Placed(field, last, box) for field, box in zip(waiting, layout.boxes, strict=True)]
    return _Layout(tuple(placed), band)


def _explicit(wanted: Placement, pages: Sequence[Page]) -> tuple[int, Box]:
    if not 1 <= wanted.page <= len(pages):
        raise UsageError(f"A mark cannot stand on page {wanted.page}: the document has {len(pages)}, counted from 1.")
    view = pages[wanted.page - 1].view
    if (
        min(wanted.x, wanted.y) < 0
        or min(wanted.width, wanted.height) < 1
        or wanted.x + wanted.width > view.width + 0.01
        or wanted.y + wanted.height > view.height + 0.01
    ):
        raise UsageError(
            f"A mark of {wanted.width:g} x {wanted.height:g} points at {wanted.x:g}, {wanted.y:g} is not inside page "
            f"{wanted.page}, which is {view.width:g} x {view.height:g} points; move it or make it smaller."
        )
    top = view.height - wanted.y
    return wanted.page - 1, Box(wanted.x, top - wanted.height, wanted.x + wanted.width, top)


class _Preparation:
    def __init__(self, source: Source, request: PrepareRequest, layout: _Layout) -> None:
        self.source = source
        self.request = request
        self.layout = layout
        self.new = NewObjects()
        self.words = _WORDS.get(request.language, _WORDS["en"])
        self.total = len(source.pages) + 1
        self.fields: dict[str, FieldBox] = {}
        self.field_references: list[IndirectObject] = []
        # Pages keep their references, since outlines, links and the structure tree point to them.
        self.replaced: dict[tuple[int, int], DictionaryObject | NullObject] = {}

    def result(self) -> Prepared:
        with self.source.guarded():
            root = self.new.add(self._catalog())
            info = self.new.add(self._info())
            data = objects.write(
                version="2.0" if self._is_pdf_2() else "1.7",
                root=root,
                info=info,
                identifier=hashlib.sha256(self.source.data + self.request.document_id.encode()).digest()[:16],
                resolve=self._resolve,
            )
        return Prepared(data, self.total, self.fields)

    def _resolve(self, reference: IndirectObject) -> Any:
        if reference.pdf is self.source.reader:
            replaced = self.replaced.get((reference.idnum, reference.generation))
            return self.source.resolve(reference) if replaced is None else replaced
        return reference.pdf.get_object(reference)

    def _pages(self) -> IndirectObject:
        kids = ArrayObject()
        tree = dictionary({"/Type": name("/Pages"), "/Kids": kids, "/Count": number(self.total)})
        tree_reference = self.new.add(tree)
        drawn = strips.draw(
            self.request.document_id,
            [page.view.width for page in self.source.pages],
            total=self.total,
            language=self.request.language,
        )
        seen: set[tuple[int, int]] = set()
        for index, (page, strip) in enumerate(zip(self.source.pages, drawn, strict=True)):
            content = self._page(index, page, strip, tree_reference)
            reference = page.reference
            key = (reference.idnum, reference.generation) if reference is not None else None
            if reference is None or key is None or key in seen:  # one page listed twice becomes two
                kids.append(self.new.add(content))
            else:
                seen.add(key)
                self.replaced[key] = content
                kids.append(reference)
        kids.append(self._certificate_page(tree_reference))
        return tree_reference

    def _page(self, index: int, page: Page, strip: Any, parent: IndirectObject) -> DictionaryObject:
        band = self.layout.band if index == len(self.source.pages) - 1 else 0.0
        view = page.view.grown_below(band + strips.HEIGHT_PT)
        resources = flatten.own_resources(self.source, page.resources)
        flattened = flatten.widgets(self.source, page, resources, self.new)
        self.replaced.update(dict.fromkeys(flattened.removed, NullObject()))
        flatten.add_resource(self.source, resources, "/XObject", "/SealtrailStrip", self.new.add(strip))
        clip = page.view.crop
        before = (
            f"q {_numbers(view.matrix)} cm /SealtrailStrip Do Q\n"
            # What lies outside the crop box was not visible before and does not become so now.
            f"q {_numbers((clip.x0, clip.y0, clip.width, clip.height))} re W n q\n"
        )
        contents = ArrayObject([self.new.add(objects.stream({}, before.encode()))])
        contents.extend(self._contents(page))
        contents.append(self.new.add(objects.stream({}, b"\nQ\n" + flattened.content + b"\nQ\n")))
        annotations = ArrayObject(flattened.annotations)
        result = DictionaryObject(
            {key: value for key, value in dict.items(page.dictionary) if key not in _PAGE_DROPPED and key != "/Annots"}
        )
        result.update(
            dictionary(
                {
                    "/Type": name("/Page"),
                    "/Parent": parent,
                    "/MediaBox": objects.box(page.media.united(view.crop)),
                    "/CropBox": objects.box(view.crop),
                    "/Rotate": number(view.rotate) if view.rotate else None,
                    "/Resources": resources,
                    "/Contents": contents,
                }
            )
        )
        for entry in self.layout.placed:
            if entry.page == index:
                annotations.append(self._field(entry, view, page.reference))
        if annotations:
            result[name("/Annots")] = annotations
        return result

    def _contents(self, page: Page) -> list[Any]:
        raw = page.dictionary.raw_get("/Contents") if "/Contents" in page.dictionary else NullObject()
        value = self.source.resolve(raw)
        if isinstance(value, ArrayObject):
            return [item for item in list.__iter__(value) if self.source.resolve(item) is not None]
        return [] if value is None else [raw]

    def _field(self, entry: _Placed, view: View, page: IndirectObject | None) -> IndirectObject:
        box = entry.box.moved(0, strips.HEIGHT_PT)
        field_name = FIELD_OF_ROLE[entry.request.role]
        self.fields[entry.request.role] = FieldBox(field_name, entry.page + 1, box.width, box.height)
        return self._add_field(
            field_name, view.to_page(box), f"{self.words[0]}: {entry.request.label}", page=page, rotate=view.rotate
        )

    def _add_field(self, field: str, rectangle: Box, summary: str, **more: Any) -> IndirectObject:
        rotate = more.pop("rotate", 0)
        reference = self.new.add(
            dictionary(
                {
                    "/Type": name("/Annot"),
                    "/Subtype": name("/Widget"),
                    "/FT": name("/Sig"),
                    "/T": string(field),
                    "/TU": string(summary),
                    "/F": number(_PRINT_AND_LOCKED),
                    "/Rect": objects.box(rectangle),
                    "/P": more.get("page"),
                    "/MK": dictionary({"/R": number(rotate)}) if rotate else None,
                    "/Lock": more.get("lock"),
                }
            )
        )
        self.field_references.append(reference)
        return reference

    def _certificate_page(self, parent: IndirectObject) -> IndirectObject:
        page = DictionaryObject()
        reference = self.new.add(page)
        lock = self.new.add(
            dictionary({"/Type": name("/SigFieldLock"), "/Action": name("/All"), "/P": number(1)})
        )  # ISO 32000-2, table 237: once the seal is there, nothing may change any more
        summary = f"{self.words[1]} {self.request.document_id}"
        field = self._add_field(SEAL_FIELD, A4, summary, page=reference, lock=lock)
        self.fields["seal"] = FieldBox(SEAL_FIELD, self.total, A4.width, A4.height)
        page.update(
            dictionary(
                {
                    "/Type": name("/Page"),
                    "/Parent": parent,
                    "/MediaBox": objects.box(A4),
                    "/Resources": DictionaryObject(),
                    "/Annots": array(field),
                }
            )
        )
        return reference

    def _catalog(self) -> DictionaryObject:
        root = self.source.root
        kept = {key: root.raw_get(key) for key in _KEPT if key in root}
        pages = self._pages()
        catalog = dictionary({"/Type": name("/Catalog"), "/Pages": pages, **kept})
        opening = self.source.get(root, "/OpenAction")
        if isinstance(opening, ArrayObject):  # a destination; actions are dropped
            catalog[name("/OpenAction")] = root.raw_get("/OpenAction")
        preferences = DictionaryObject(self.source.get(root, "/ViewerPreferences") or {})
        preferences[name("/DisplayDocTitle")] = BooleanObject(True)
        catalog.update(
            dictionary(
                {
                    "/Lang": string(self.request.language),
                    "/ViewerPreferences": preferences,
                    "/Metadata": self.new.add(
                        objects.stream(
                            {"/Type": name("/Metadata"), "/Subtype": name("/XML")},
                            xmp.packet(self.request.title, self.request.language, self.request.document_id),
                            compress=False,  # so that a text search finds it, as ISO 32000-2, 14.3.2 advises
                        )
                    ),
                    "/AcroForm": self.new.add(
                        dictionary({"/Fields": ArrayObject(self.field_references), "/SigFlags": number(3)})
                    ),
                    "/Extensions": None if self._is_pdf_2() else _extensions(),
                }
            )
        )
        names = self.source.get(root, "/Names")
        if isinstance(names, DictionaryObject) or self.request.attach is not None:
            kept_names = {key: value for key, value in dict.items(names or {}) if key not in ("/JavaScript", "/AP")}
            catalog[name("/Names")] = DictionaryObject(kept_names)
        if self.request.attach is not None:
            attachments.embed(self.source, catalog, self.request.attach, self.new, self.request.created_at)
        return catalog

    def _info(self) -> DictionaryObject:
        kept = {key: value for key, value in dict.items(self.source.info) if self._is_text(value) and key != "/ModDate"}
        info = DictionaryObject(kept)
        info.update(
            dictionary(
                {
                    "/Title": string(self.request.title),
                    "/Producer": string(PRODUCER),
                    DOCUMENT_ID_KEY: string(self.request.document_id),
                    "/ModDate": objects.date(self.request.created_at),
                }
            )
        )
        if "/CreationDate" not in info and self.request.created_at is not None:
            info[name("/CreationDate")] = objects.date(self.request.created_at)
        return info

    def _is_text(self, value: Any) -> bool:
        return isinstance(self.source.resolve(value), str | bytes)

    def _is_pdf_2(self) -> bool:
        return self.source.data.startswith(b"%PDF-2.") or str(self.source.get(self.source.root, "/Version")).startswith(
            "/2."
        )


def _extensions() -> DictionaryObject:
    level = {"/Type": name("/DeveloperExtensions"), "/BaseVersion": name("/1.7"), "/ExtensionLevel": number(1)}
    return dictionary({"/ESIC": dictionary(level)})


def _numbers(values: Sequence[float]) -> str:
    return " ".join(repr(number(value)) for value in values)
