"""A new file from the pages of a source: what filling a form and preparing a document share.

Pages keep their identity, since outlines, links and the structure tree point to them. Of the catalog only what is known
to be harmless is kept; forms are flattened. A page's content is put between two pieces of our own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NullObject

from signing_core.pdf import balance, field_text, flatten, objects
from signing_core.pdf.flatten import Appearance
from signing_core.pdf.geometry import Box, View
from signing_core.pdf.objects import NewObjects, dictionary, name, number
from signing_core.pdf.source import Page, Source
from signing_core.pdf.tagging import Tags

_KEPT: Final = (
    "/PageLabels", "/Names", "/Dests", "/ViewerPreferences", "/PageLayout", "/PageMode", "/Outlines", "/Threads",
    "/StructTreeRoot", "/MarkInfo", "/OutputIntents", "/OCProperties", "/AF", "/Lang",
)  # fmt: skip
_PAGE_DROPPED: Final = frozenset((
    "/Parent", "/AA", "/Thumb", "/PieceInfo", "/LastModified", "/ArtBox", "/TrimBox", "/BleedBox", "/Contents",
    "/MediaBox", "/CropBox", "/Rotate", "/Resources", "/Annots",
))  # fmt: skip


class Assembly:
    """Collects pages; then `catalog` and `write`."""

    def __init__(
        self,
        source: Source,
        appearance: Appearance | None = None,
        *,
        drawn: frozenset[str] = frozenset(),
        keep_signatures: bool = False,
    ) -> None:
        """Annotations of the subtypes `drawn` become part of their page, as form fields do; empty signature fields stay with
        `keep_signatures`."""
        self.source = source
        self.new = NewObjects()
        self._appearance = appearance
        self._drawn = drawn | {"/Widget"}
        self._keep_signatures = keep_signatures
        self.tags = Tags(source, self.new)
        self._kids = ArrayObject()
        self.set_anew: list[tuple[int, Box]] = []
        """Comments that have got an appearance: page, counted from 1, and where it is seen."""
        self._tree = dictionary({"/Type": name("/Pages"), "/Kids": self._kids})
        self._tree_reference = self.new.add(self._tree)
        self._replaced: dict[tuple[int, int], DictionaryObject | NullObject] = {}

    def add_page(
        self,
        page: Page,
        *,
        view: View | None = None,
        before: bytes = b"",
        after: bytes = b"",
        forms: dict[str, Any] | None = None,
    ) -> DictionaryObject:
        """Adds a page of the source, its form fields flattened, and returns its new dictionary.

        `view` is what will be seen of it; `before` is content that is painted first, in a graphics state of its own,
        with `forms` as further XObjects by name; `after` is painted last. The page's own content stays inside the crop box it had.
        """
        view = view or page.view
        resources = flatten.own_resources(self.source, page.resources)
        result = DictionaryObject(
            {key: value for key, value in dict.items(page.dictionary) if key not in _PAGE_DROPPED}
        )
        reference = self._insert(page.reference, result)
        flattened = flatten.into_page(
            self.source,
            page,
            resources,
            self.new,
            self._drawn,
            self._appearance,
            keep_signatures=self._keep_signatures,
            mark=lambda annotation: self.tags.drawing(result, reference, annotation),
        )
        for rectangle in field_text.free_texts(self.source, flattened.annotations, self.new):
            self.set_anew.append((len(self._kids), page.view.from_page(rectangle)))
        # ISO 32000-2, table 31 lets a page hold an annotation itself; who compares revisions by object numbers cannot follow it.
        annotations = [one if isinstance(one, IndirectObject) else self.new.add(one) for one in flattened.annotations]
        self._replaced.update(dict.fromkeys(flattened.removed, NullObject()))
        for key, form in (forms or {}).items():
            flatten.add_resource(self.source, resources, "/XObject", key, self.new.add(form))
        result.update(
            dictionary(
                {
                    "/Type": name("/Page"),
                    "/Parent": self._tree_reference,
                    # Programs differ in whether they show the one box or the other; here there is no difference.
                    "/MediaBox": objects.box(view.crop),
                    "/Rotate": number(view.rotate) if view.rotate else None,
                    "/Resources": resources,
                    "/Contents": self._contents(page, before, after + flattened.content),
                    "/Annots": ArrayObject(annotations) if annotations else None,
                }
            )
        )
        return result

    def add_new_page(self, page: DictionaryObject) -> IndirectObject:
        """Adds a page that is not of the source; its /Parent is set here."""
        page[name("/Parent")] = self._tree_reference
        reference = self.new.add(page)
        self._kids.append(reference)
        return reference

    def reference(self, index: int) -> IndirectObject:
        """The reference of a page that was added, counted from 0."""
        reference: IndirectObject = list.__getitem__(self._kids, index)
        return reference

    def catalog(self) -> DictionaryObject:
        """The kept entries of the source's catalog with the new pages."""
        root = self.source.root
        result = dictionary({"/Type": name("/Catalog"), "/Pages": self._tree_reference})
        result.update({name(key): root.raw_get(key) for key in _KEPT if key in root})
        opening = self.source.get(root, "/OpenAction")
        if isinstance(opening, DictionaryObject) and self.source.get(opening, "/S") == "/GoTo":
            opening = self.source.get(opening, "/D")
        if isinstance(opening, ArrayObject):  # a destination; actions are dropped
            result[name("/OpenAction")] = opening
        address = self.source.get(root, "/URI")
        if isinstance(address, DictionaryObject) and isinstance(self.source.get(address, "/Base"), str | bytes):
            result[name("/URI")] = dictionary({"/Base": self.source.get(address, "/Base")})
        names = self.source.get(root, "/Names")
        if isinstance(names, DictionaryObject):
            kept = {key: value for key, value in dict.items(names) if key in ("/Dests", "/EmbeddedFiles")}
            result[name("/Names")] = DictionaryObject(kept)
        return result

    def info(self) -> DictionaryObject:
        """The texts of the source's document information dictionary."""
        entries = dict.items(self.source.info)
        return DictionaryObject({k: v for k, v in entries if isinstance(self.source.resolve(v), str | bytes)})

    def write(
        self,
        catalog: DictionaryObject,
        info: DictionaryObject,
        identifier: bytes,
        look: Callable[[DictionaryObject], None] | None = None,
    ) -> bytes:
        """The file, of version 2.0 where the source is, else 1.7; `look` as in `objects.write`."""
        self._tree[name("/Count")] = number(len(self._kids))
        self.tags.finish(frozenset(key for key, value in self._replaced.items() if isinstance(value, NullObject)))
        with self.source.guarded():
            return objects.write(
                version="2.0" if self.source.is_pdf_2 else "1.7",
                root=self.new.add(catalog),
                info=self.new.add(info),
                identifier=identifier,
                resolve=self._resolve,
                look=look,
            )

    def _insert(self, reference: IndirectObject | None, page: DictionaryObject) -> IndirectObject:
        key = (reference.idnum, reference.generation) if reference is not None else None
        if reference is None or key is None or key in self._replaced:  # one page listed twice becomes two
            reference = self.new.add(page)
        else:
            self._replaced[key] = page
        self._kids.append(reference)
        return reference

    def _contents(self, page: Page, before: bytes, after: bytes) -> ArrayObject:
        own = self._own_contents(page)
        crop = page.view.crop
        opening, closing = b"q\n", b"\nQ\n"
        if after:
            missing, unclosed = balance.saves(self.source, own)
            opening += b"q\n" * missing
            closing += b"Q\n" * unclosed
        if before:
            # What lies outside the crop box was not visible and does not become so when the page grows.
            clip = objects.numbers((crop.x0, crop.y0, crop.width, crop.height)) + b" re W n\n"
            before, opening, closing = b"q " + before + b" Q\n", b"q " + clip + opening, closing + b"Q\n"
        result = ArrayObject([self.new.add(objects.stream({}, before + opening))])
        result.extend(own)
        result.append(self.new.add(objects.stream({}, closing + after)))
        return result

    def _own_contents(self, page: Page) -> list[Any]:
        raw = page.dictionary.raw_get("/Contents") if "/Contents" in page.dictionary else None
        value = self.source.resolve(raw)
        if isinstance(value, ArrayObject):
            return [item for item in list.__iter__(value) if self.source.resolve(item) is not None]
        return [] if value is None else [raw]

    def _resolve(self, reference: IndirectObject) -> Any:
        if reference.pdf is self.source.reader:
            replaced = self._replaced.get((reference.idnum, reference.generation))
            return self.source.resolve(reference) if replaced is None else replaced
        return reference.pdf.get_object(reference)
