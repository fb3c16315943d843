"""The structure tree of a tagged document (ISO 32000-2, 14.7), kept whole while pages are changed.

What is added is in the tree or an artifact: a signature field becomes a Form element of its own (ISO 14289-1, 7.18.4), a form
field that is drawn into its page keeps the element it had, which then holds the drawing instead of the field. Elements of
fields that are gone lead to nothing any more.
"""

from __future__ import annotations

from typing import Any, Final

from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, IndirectObject, NumberObject

from signing_core.pdf.objects import NewObjects, dictionary, name, number
from signing_core.pdf.source import Source

_MAX_NODES: Final = 100_000


class Tags:
    """Of a document that is not tagged there is nothing to keep: then every call changes nothing."""

    def __init__(self, source: Source, new: NewObjects) -> None:
        self._source = source
        self._new = new
        self._root: DictionaryObject | None = None
        self._parents: dict[int, Any] = {}
        marked = source.get(source.root, "/MarkInfo")
        marked = source.get(marked, "/Marked") if isinstance(marked, DictionaryObject) else None
        root = source.get(source.root, "/StructTreeRoot")
        if (
            isinstance(marked, BooleanObject)
            and marked.value
            and isinstance(root, DictionaryObject)
            and isinstance(source.root.raw_get("/StructTreeRoot"), IndirectObject)
        ):
            self._root = root
            self._parents = self._number_tree(root)
        keys = [*self._parents, *(page.dictionary.get("/StructParents", -1) for page in source.pages)]
        self._next = 1 + max((int(key) for key in keys if isinstance(key, int)), default=-1)

    @property
    def kept(self) -> bool:
        """Whether the document is tagged."""
        return self._root is not None

    def drawing(self, page: DictionaryObject, reference: Any, annotation: DictionaryObject) -> tuple[bytes, bytes]:
        """What is written before and after the drawing that takes an annotation's place on its page.

        `page` is the page's new dictionary, `reference` leads to it.
        """
        if self._root is None:
            return b"", b""
        element = self._element_of(annotation)
        if element is None:
            return b"/Artifact BMC\n", b"EMC\n"
        identifier = self._marked_content(page, element[0])
        content = dictionary({"/Type": name("/MCR"), "/Pg": reference, "/MCID": number(identifier)})
        kids = [content if self._shows(kid, annotation) else kid for kid in self._kids(element[1])]
        element[1][name("/K")] = ArrayObject(kids)
        return f"/Form <</MCID {identifier}>> BDC\n".encode(), b"EMC\n"

    def field(self, page: DictionaryObject, page_reference: Any, widget: DictionaryObject, reference: Any) -> None:
        """A Form element, last in the document, for a new widget of a page."""
        if self._root is None:
            return
        parent, holder = self._top()
        content = dictionary({"/Type": name("/OBJR"), "/Obj": reference, "/Pg": page_reference})
        element = self._new.add(
            dictionary(
                {
                    "/Type": name("/StructElem"),
                    "/S": name("/Form"),
                    "/P": parent,
                    "/Pg": page_reference,
                    "/Alt": widget.get("/TU"),
                    "/K": content,
                }
            )
        )
        holder[name("/K")] = ArrayObject([*self._kids(holder), element])
        self._parents[self._next] = element
        widget[name("/StructParent")] = number(self._next)
        page[name("/Tabs")] = name("/S")  # ISO 14289-1, 7.18.3
        self._next += 1

    def finish(self, removed: frozenset[tuple[int, int]]) -> None:
        """Writes the parent tree; `removed` are the annotations that are gone, by number and generation."""
        if self._root is None:
            return
        for value in list(self._parents.values()):
            element = self._source.resolve(value)
            if isinstance(element, DictionaryObject) and "/K" in element:
                kids = self._kids(element)
                left = [kid for kid in kids if not self._is_gone(kid, removed)]
                if len(left) < len(kids):
                    element[name("/K")] = ArrayObject(left)
        numbers = ArrayObject()
        for key, value in sorted(self._parents.items()):
            numbers.extend((number(key), value))
        self._root[name("/ParentTree")] = self._new.add(dictionary({"/Nums": numbers}))
        self._root[name("/ParentTreeNextKey")] = number(self._next)

    def _is_gone(self, kid: Any, removed: frozenset[tuple[int, int]]) -> bool:
        content = self._source.resolve(kid)
        raw = content.raw_get("/Obj") if isinstance(content, DictionaryObject) and "/Obj" in content else None
        if not isinstance(raw, IndirectObject) or raw.pdf is not self._source.reader:
            return False
        return (raw.idnum, raw.generation) in removed or not self._source.resolve(raw)

    def _element_of(self, annotation: DictionaryObject) -> tuple[Any, DictionaryObject] | None:
        key = self._source.get(annotation, "/StructParent")
        raw = self._parents.get(int(key)) if isinstance(key, int) else None
        element = self._source.resolve(raw)
        if not isinstance(element, DictionaryObject) or "/K" not in element:
            return None
        return (raw, element) if any(self._shows(kid, annotation) for kid in self._kids(element)) else None

    def _shows(self, kid: Any, annotation: DictionaryObject) -> bool:
        content = self._source.resolve(kid)
        return isinstance(content, DictionaryObject) and self._source.get(content, "/Obj") is annotation

    def _marked_content(self, page: DictionaryObject, element: Any) -> int:
        """A new identifier of marked content on a page, entered for an element."""
        key = self._source.get(page, "/StructParents")
        if not isinstance(key, int):
            key = self._next
            self._next += 1
            page[name("/StructParents")] = number(key)
        entry = self._source.resolve(self._parents.get(int(key)))
        entries = ArrayObject(list.__iter__(entry)) if isinstance(entry, ArrayObject) else ArrayObject()
        entries.append(element)
        self._parents[int(key)] = entries
        return len(entries) - 1

    def _top(self) -> tuple[Any, DictionaryObject]:
        """The element of the whole document, where there is one, else the root; by reference and as it is."""
        assert self._root is not None  # noqa: S101 - said by who calls
        kids = self._kids(self._root)
        only = self._source.resolve(kids[0]) if len(kids) == 1 and isinstance(kids[0], IndirectObject) else None
        if isinstance(only, DictionaryObject) and self._source.get(only, "/S") == "/Document":
            return kids[0], only
        return self._source.root.raw_get("/StructTreeRoot"), self._root

    def _kids(self, element: DictionaryObject) -> list[Any]:
        if "/K" not in element:
            return []
        value = self._source.get(element, "/K")
        return list(list.__iter__(value)) if isinstance(value, ArrayObject) else [element.raw_get("/K")]

    def _number_tree(self, root: DictionaryObject) -> dict[int, Any]:
        """All entries of the parent tree (7.9.7)."""
        source, found = self._source, {}
        waiting: list[Any] = [source.get(root, "/ParentTree")]
        for _ in range(_MAX_NODES):
            if not waiting:
                break
            node = waiting.pop()
            if not isinstance(node, DictionaryObject):
                continue
            pairs = source.get(node, "/Nums")
            items = list(list.__iter__(pairs)) if isinstance(pairs, ArrayObject) else []
            for key, value in zip(items[::2], items[1::2], strict=False):
                key = source.resolve(key)
                if isinstance(key, NumberObject):
                    found[int(key)] = value
            kids = source.get(node, "/Kids")
            waiting.extend(
                source.resolve(kid) for kid in (list.__iter__(kids) if isinstance(kids, ArrayObject) else ())
            )
        return found
