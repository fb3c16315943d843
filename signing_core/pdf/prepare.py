"""Makes of any PDF the document that will be signed: the first of its five steps.

The result is one clean revision. Every page grows at the bottom, as its viewer sees it, by a strip that names the
document; nothing is covered. One empty signature field per party stands on the pages, another one fills a new last page,
reserved for the authenticity certificate. What could change the document's look later goes: see `one_look`; forms are
flattened. What was changed is told by the codes of `preparation_notes`.

The signatures that follow touch nothing but their own field: /SigFlags, the ESIC extension (ETSI EN 319 142-1, 5.6), the
seal's /Lock and the descriptions in /TU are all written here, since a later change to them would count as a change of
the signed document.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PIL import Image
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, IndirectObject, StreamObject

from signing_core.errors import UsageError
from signing_core.pdf import (
    attachments,
    conformance,
    forms,
    objects,
    placement,
    places,
    preparation_notes,
    render,
    strips,
    xmp,
)
from signing_core.pdf.assembly import Assembly
from signing_core.pdf.attachments import Attachment, EmbeddedFile
from signing_core.pdf.geometry import A4, Box, View
from signing_core.pdf.names import DOCUMENT_ID_KEY, FIELD_OF_ROLE, PRODUCER, SEAL_FIELD
from signing_core.pdf.objects import array, dictionary, name, number, string
from signing_core.pdf.one_look import annotation_looks, settle
from signing_core.pdf.one_look.judge import judge
from signing_core.pdf.places import Cover, Place, Placement
from signing_core.pdf.source import Page, Source, content

_LETTER: Final = (612.0, 792.0)
_PAPERS: Final = (((612.0, 792.0), _LETTER), ((612.0, 1008.0), (612.0, 1008.0)), ((792.0, 1224.0), _LETTER))
"""Papers of North America with the one that the certificate page has then, in points; with any other it has A4."""

_NARROWEST: Final = 60.0  # of a page for marks that can be read, in points
_ROUNDED: Final = 3.0  # points by which programs miss a paper

_PRINT_AND_LOCKED: Final = 4 + 128  # annotation flags, ISO 32000-2, table 167
_STRIP: Final = b"/Artifact <</Type /Pagination /Subtype /Footer>> BDC /SealtrailStrip Do EMC"
"""No part of what is read (ISO 32000-2, 14.8.2.2; ISO 14289-1, 7.1)."""

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")
_PREFERENCES: Final = ("/Direction", "/FitWindow", "/CenterWindow", "/Duplex", "/NonFullScreenPageMode")
_WORDS: Final = {
    "en": ("Signature", "Authenticity certificate of document"),
    "de": ("Unterschrift", "Echtheitszertifikat zu Dokument"),
}


@dataclass(frozen=True, slots=True)
class FieldRequest:
    """A signature field for `role` (`first-party` or `client`); `label` says to people whose it is.

    Without a placement it goes where the document itself says (see `places`), else to the last page, into blank space where
    there is some, else into a band by which the page grows.
    """

    role: str
    label: str
    placement: Place | None = None


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
    told: tuple[str, ...] = ()
    """Codes of `preparation_notes`: what the author has to know of what was changed."""

    embedded: tuple[EmbeddedFile, ...] = ()
    """The files inside the document, by name."""

    redrawn: tuple[tuple[int, Box], ...] = ()
    """Pages, from 1, with what may look different there, as seen: printed marks for a signature that were painted over, and comments
    that programs draw by themselves, each in its own way."""


def prepare(source: bytes, request: PrepareRequest, *, name: str = "The document") -> Prepared:
    """The document of `source`, ready to be signed.

    The same source and request give the same bytes. Raises `DocumentRefused` for a file that cannot be read, or shows
    different things in ways that cannot be settled (call `intake.inspect` first: what else it refuses is not looked for
    here), `UsageError` for a role that does not exist or a placement outside its page, and `DataRefused` when the file's
    own form holds a value that cannot be shown whole.
    """
    opened = Source(source, name=name)
    if not opened.pages:
        opened.refuse("has no pages", "no-pages")
    told = settle(opened).told
    with opened.guarded():
        layout = _layout(opened, request)
    return _Preparation(opened, request, layout, told | layout.told).result()


@dataclass(frozen=True, slots=True)
class _Placed:
    request: FieldRequest
    page: int  # from 0
    box: Box  # in view coordinates of the page before its strip was added


@dataclass(frozen=True, slots=True)
class _Layout:
    placed: tuple[_Placed, ...]
    band: float  # by how much the last page grows for the marks
    covers: tuple[Cover, ...]
    told: frozenset[str]


def _layout(source: Source, request: PrepareRequest) -> _Layout:
    pages = source.pages
    roles = [field.role for field in request.fields]
    for role in roles:
        if role not in FIELD_OF_ROLE or role == "seal" or roles.count(role) > 1:
            raise UsageError(
                f"There is one signature field each for the first party and the client; {role!r} cannot be added."
            )
    found = places.find(
        source, {field.role: field.placement for field in request.fields if not isinstance(field.placement, Placement)}
    )
    placed, waiting = [], []
    for field in request.fields:
        if isinstance(field.placement, Placement):
            placed.append(_Placed(field, *_explicit(field.placement, pages)))
        elif field.role in found.boxes:
            placed.append(_Placed(field, *found.boxes[field.role]))
        else:
            waiting.append(field)
    last = len(pages) - 1
    band = 0.0
    if waiting:
        view = pages[last].view
        if view.width < _NARROWEST:
            source.refuse(
                f"has a last page {view.width / 72 * 25.4:.0f} mm wide, too narrow to sign on; print it on larger paper and take that",
                "too-small",
            )
        picture = _picture_of_last(source.data, len(pages))
        taken = [entry.box for entry in placed if entry.page == last]
        layout = placement.automatic(picture, view.width, view.height, len(waiting), taken)
        band = layout.band
        placed = [
            _Placed(entry.request, entry.page, entry.box.moved(0, band)) if entry.page == last else entry
            for entry in placed
        ]
        placed += [_Placed(field, last, box) for field, box in zip(waiting, layout.boxes, strict=True)]
    return _Layout(tuple(placed), band, found.covers, found.told)


def _picture_of_last(source: bytes, pages: int) -> Image.Image | None:
    """What the last page looks like; None where PDFium disagrees about how many pages there are."""
    with render.opened(source) as document:
        return render.picture(document, pages, dpi=placement.DPI) if len(document) == pages else None


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
    def __init__(self, source: Source, request: PrepareRequest, layout: _Layout, told: frozenset[str]) -> None:
        self.source = source
        self.request = request
        self.layout = layout
        self.assembly = Assembly(source, forms.appearances(source), drawn=annotation_looks.DRAWN)
        self.told = set(told)
        self.embedded: list[EmbeddedFile] = []
        self.words = _WORDS.get(request.language, _WORDS["en"])
        self.total = len(source.pages) + 1
        self.fields: dict[str, FieldBox] = {}
        self.references: list[IndirectObject] = []

    def result(self) -> Prepared:
        with self.source.guarded():
            self._add_pages()
            self._add_certificate_page()
            catalog, info = self._catalog(), self._info()
        identifier = hashlib.sha256(self.source.data + self.request.document_id.encode()).digest()[:16]
        data = self.assembly.write(catalog, info, identifier, self._look())
        if self.embedded:
            self.told.add("attachments")
        return Prepared(
            data,
            self.total,
            self.fields,
            preparation_notes.in_order(self.told),
            tuple(sorted(self.embedded, key=lambda file: (file.name, file.sha256))),
            (*((cover.page + 1, cover.box) for cover in self.layout.covers), *self.assembly.set_anew),
        )

    def _look(self) -> Callable[[DictionaryObject], None]:
        """At everything that is written: nothing unsettled is left, and every embedded file is listed."""
        accept = judge(self.source)

        def look(entry: DictionaryObject) -> None:
            accept(entry)
            if "/EF" in entry and (file := attachments.described(self.source, entry)) is not None:
                self.embedded.append(file)

        return look

    def _add_pages(self) -> None:
        pages = self.source.pages
        widths = [page.view.width for page in pages]
        drawn = strips.draw(self.request.document_id, widths, total=self.total, language=self.request.language)
        for index, (page, strip) in enumerate(zip(pages, drawn, strict=True)):
            band = self.layout.band if index == len(pages) - 1 else 0.0
            view = page.view.grown_below(band + strips.HEIGHT_PT)
            added = self.assembly.add_page(
                page,
                view=view,
                before=objects.numbers(view.matrix) + b" cm " + _STRIP,
                after=b"".join(_painted(cover) for cover in self.layout.covers if cover.page == index),
                forms={"/SealtrailStrip": strip},
            )
            for entry in self.layout.placed:
                if entry.page == index:
                    annotations = added.setdefault(name("/Annots"), ArrayObject())
                    annotations.append(self._party_field(entry, view, added))

    def _party_field(self, entry: _Placed, view: View, page: DictionaryObject) -> IndirectObject:
        box = entry.box.moved(0, strips.HEIGHT_PT)
        field = FIELD_OF_ROLE[entry.request.role]
        self.fields[entry.request.role] = FieldBox(field, entry.page + 1, box.width, box.height)
        return self._field(
            field,
            view.to_page(box),
            f"{self.words[0]}: {entry.request.label}",
            on=page,
            page=self.assembly.reference(entry.page),
            characteristics=dictionary({"/R": number(view.rotate)}) if view.rotate else None,
        )

    def _field(
        self,
        field: str,
        rectangle: Box,
        description: str,
        *,
        on: DictionaryObject,
        page: IndirectObject,
        characteristics: DictionaryObject | None = None,
        lock: IndirectObject | None = None,
    ) -> IndirectObject:
        widget = dictionary(
            {
                "/Type": name("/Annot"),
                "/Subtype": name("/Widget"),
                "/FT": name("/Sig"),
                "/T": string(field),
                "/TU": string(description),
                "/F": number(_PRINT_AND_LOCKED),
                "/Rect": objects.box(rectangle),
                "/P": page,
                "/MK": characteristics,
                "/Lock": lock,
            }
        )
        reference = self.assembly.new.add(widget)
        self.assembly.tags.field(on, page, widget, reference)
        self.references.append(reference)
        return reference

    def _add_certificate_page(self) -> None:
        paper = self._paper()
        page = dictionary({"/Type": name("/Page"), "/MediaBox": objects.box(paper), "/Resources": DictionaryObject()})
        reference = self.assembly.add_new_page(page)
        # ISO 32000-2, table 236: once the seal is there, nothing may change any more.
        lock = {"/Type": name("/SigFieldLock"), "/Action": name("/All"), "/P": number(1)}
        description = f"{self.words[1]} {self.request.document_id}"
        field = self._field(
            SEAL_FIELD, paper, description, on=page, page=reference, lock=self.assembly.new.add(dictionary(lock))
        )
        page[name("/Annots")] = array(field)
        self.fields["seal"] = FieldBox(SEAL_FIELD, self.total, paper.width, paper.height)

    def _paper(self) -> Box:
        """The certificate's, after the document's first page."""
        view = self.source.pages[0].view
        seen = sorted((view.width, view.height))
        for sides, paper in _PAPERS:
            if all(abs(one - other) <= _ROUNDED for one, other in zip(seen, sides, strict=True)):
                return Box(0, 0, *paper)
        return Box(0, 0, *A4)

    def _catalog(self) -> DictionaryObject:
        catalog = self.assembly.catalog()
        preferences = self._preferences(catalog)
        preferences[name("/DisplayDocTitle")] = BooleanObject(True)
        before = self.source.get(self.source.root, "/Metadata")
        packet = content(before) if isinstance(before, StreamObject) else None
        claims = conformance.judged(packet, tagged=self.assembly.tags.kept, attached=self.request.attach is not None)
        self.told |= claims.told
        language = self._language()
        metadata = objects.stream(
            {"/Type": name("/Metadata"), "/Subtype": name("/XML")},
            xmp.packet(
                self.request.title,
                language,
                self.request.document_id,
                kept=packet,
                without=claims.without,
                modified=self.request.created_at,
            ),
            compress=False,  # so that a text search finds it, as ISO 32000-2, 14.3.2 advises
        )
        form = {"/Fields": ArrayObject(self.references), "/SigFlags": number(3)}
        catalog.update(
            dictionary(
                {
                    "/Lang": string(language),
                    "/ViewerPreferences": preferences,
                    "/Metadata": self.assembly.new.add(metadata),
                    "/AcroForm": self.assembly.new.add(dictionary(form)),
                    "/Extensions": None if self.source.is_pdf_2 else _extensions(),
                }
            )
        )
        if self.request.attach is not None:
            attachments.embed(self.source, catalog, self.request.attach, self.assembly.new, self.request.created_at)
        return catalog

    def _language(self) -> str:
        """What the document says of itself; else the language that was chosen."""
        declared = self.source.get(self.source.root, "/Lang")
        declared = str(declared).strip() if isinstance(declared, str) else ""
        if not _LANGUAGE.fullmatch(declared):
            return self.request.language
        if declared.lower().partition("-")[0] != self.request.language:
            self.told.add("language")
        return declared

    def _preferences(self, catalog: DictionaryObject) -> DictionaryObject:
        """How the window looks; nothing of which pages or boxes are shown or printed (12.2)."""
        if self.source.get(catalog, "/PageMode") == "/UseOC":
            del catalog["/PageMode"]
        given = self.source.get(catalog, "/ViewerPreferences")
        entries = dict.items(given) if isinstance(given, DictionaryObject) else ()
        return DictionaryObject({key: value for key, value in entries if key in _PREFERENCES})

    def _info(self) -> DictionaryObject:
        info = self.assembly.info()
        info.pop(name("/ModDate"), None)
        created = objects.date(self.request.created_at)
        if created is not None:
            info.setdefault(name("/CreationDate"), created)
        info.update(
            dictionary(
                {
                    "/Title": string(self.request.title),
                    "/Producer": string(PRODUCER),
                    "/ModDate": created,
                    DOCUMENT_ID_KEY: string(self.request.document_id),
                }
            )
        )
        return info


def _painted(cover: Cover) -> bytes:
    """Paper over a printed mark; no part of what is read (14.8.2.2)."""
    box = cover.box
    paper = objects.numbers(part / 255 for part in cover.paper)
    area = objects.numbers((box.x0, box.y0, box.width, box.height))
    return b"/Artifact BMC q " + paper + b" rg " + area + b" re f Q EMC\n"


def _extensions() -> DictionaryObject:
    level = {"/Type": name("/DeveloperExtensions"), "/BaseVersion": name("/1.7"), "/ExtensionLevel": number(1)}
    return dictionary({"/ESIC": dictionary(level)})
