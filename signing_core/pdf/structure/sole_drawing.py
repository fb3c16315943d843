"""What a signature field draws, read instead of rendered: only where nothing else can be seen on its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure import pages
from signing_core.pdf.structure.values import Ref, Stream, Value

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_MOST_ABOVE: Final = 64
_VIEW: Final = ("MediaBox", "CropBox", "Rotate", "UserUnit")
"""What of a page says which part of it is seen (Table 31)."""


class _Elsewhere(Exception):
    """Something is not as it was, or not as this module knows it."""


def drawing(structure: FileStructure, field: str, page: int, signed: int) -> bytes | None:
    """The content of the picture that `pdf.fields` gave to a signature field, decoded.

    Only where the newest state shows nothing but that picture on page `page` (from 1), and shows it as revision `signed` did:
    the page has no content of its own and no other annotation with an extent, and the page, whatever it inherits from, the
    widget and all that leads from it to the picture are those of that revision. None in all other cases, and where anything is
    odd about the file.
    """
    try:
        return _Look(structure, signed).drawing(field, page)
    except _Elsewhere:
        return None


class _Look:
    def __init__(self, structure: FileStructure, signed: int) -> None:
        self._structure = structure
        self._signed = signed
        self._newest = len(structure.revisions)

    def drawing(self, field: str, page: int) -> bytes | None:
        structure = self._structure
        # Where anything is odd about the file, other readers may see another page than this one does.
        _require(not structure.damaged and not structure.problems and not structure.unexplained)
        _require(1 <= self._signed <= self._newest)
        widgets = [w for f in structure.form(self._newest).fields if f.name == field for w in f.widgets]
        _require(len(widgets) == 1 and widgets[0].ref is not None)
        self._alone(widgets[0].ref, widgets[0].dict.get("P"), page)
        picture = self._kept(widgets[0].ref, "AP", "N", "Resources", "XObject", "Picture")
        if not isinstance(picture, Stream):
            raise _Elsewhere
        _require(not any(isinstance(value, Ref) for key, value in picture.dict.items() if key != "Resources"))
        return structure.decoded(picture, self._newest)

    def _alone(self, widget: Value, page: Value, number: int) -> None:
        """That the widget is all that the page shows."""
        structure = self._structure
        if not isinstance(page, Ref) or structure.ambiguous(page.number, self._newest):
            raise _Elsewhere
        node, before = (_dictionary(structure.resolve(page, revision)) for revision in (self._newest, self._signed))
        _require(node is pages.leaf(structure, number, self._newest) and node.get("Contents") is None)
        _require({**node, "Annots": None} == {**before, "Annots": None})
        annotations = _list(structure.resolve(node.get("Annots"), self._newest))
        _require(annotations.count(widget) == 1)
        _require(all(self._without_extent(annotation) for annotation in annotations if annotation != widget))
        for _ in range(_MOST_ABOVE):
            for box in (self._kept(node.get(key)) for key in _VIEW):
                _require(not isinstance(box, list) or not any(isinstance(edge, Ref) for edge in box))
            if "Parent" not in node:
                return
            node = _dictionary(self._kept(node["Parent"]))
        raise _Elsewhere

    def _without_extent(self, annotation: Value) -> bool:
        """Whether it is a field that shows nothing, like that of a document time-stamp."""
        if not isinstance(annotation, Ref) or self._structure.ambiguous(annotation.number, self._newest):
            return False
        entries = _dictionary(self._structure.resolve(annotation, self._newest))
        edges = _list(entries.get("Rect"))
        return (
            entries.get("Subtype") == "Widget"
            and "AP" not in entries
            and len(edges) == 4
            and all(isinstance(edge, int | float) for edge in edges)
            and edges[:2] == edges[2:]
        )

    def _kept(self, value: Value, *keys: str) -> Value:
        """The value below `keys`, through objects that lie where they lay in the signed revision."""
        for key in (None, *keys):
            if key is not None:
                value = _dictionary(value.dict if isinstance(value, Stream) else value).get(key)
            if isinstance(value, Ref):
                place = self._structure.location(value.number, self._newest)
                _require(place is not None and place == self._structure.location(value.number, self._signed))
                value = self._structure.load(value, self._newest)
                _require(not isinstance(value, Ref))
        return value


def _dictionary(value: Value) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise _Elsewhere
    return value


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise _Elsewhere
    return value


def _require(condition: bool) -> None:
    if not condition:
        raise _Elsewhere
