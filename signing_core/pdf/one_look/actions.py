"""Actions (ISO 32000-2, 12.6): links stay, whatever else a document would do by itself or on a click goes."""

from __future__ import annotations

from typing import Any, Final

from pypdf.generic import DictionaryObject, NameObject

from signing_core.pdf.source import Source

_TURNS_PAGES: Final = frozenset(("/NextPage", "/PrevPage", "/FirstPage", "/LastPage"))
ACTIVE: Final = frozenset((
    "/JavaScript", "/Launch", "/GoToR", "/GoToE", "/GoToDp", "/Thread", "/Sound", "/Movie", "/Hide", "/SubmitForm",
    "/ResetForm", "/ImportData", "/SetOCGState", "/Rendition", "/Trans", "/GoTo3DView", "/RichMediaExecute",
))  # fmt: skip
"""Types of actions (table 201) that no prepared document has."""


def active_type(source: Source, entry: DictionaryObject) -> str | None:
    """The type of an action that does more than lead somewhere; None for anything else."""
    kind = source.get(entry, "/S") if "/S" in entry else None
    if not isinstance(kind, NameObject) or entry.get("/Type") == "/StructElem":
        return None
    if kind == "/Named":
        return None if source.get(entry, "/N") in _TURNS_PAGES else str(kind)
    return str(kind) if kind in ACTIVE else None


def leads_somewhere(source: Source, action: Any) -> bool:
    """Whether an action only goes to a place of this document or to an address."""
    if not isinstance(action, DictionaryObject):
        return False
    kind = source.get(action, "/S")
    return kind in ("/GoTo", "/URI") or (kind == "/Named" and source.get(action, "/N") in _TURNS_PAGES)


def only_links(source: Source, owner: DictionaryObject) -> None:
    """Of the actions of an annotation or outline item leaves one that leads somewhere, alone."""
    for key in ("/AA", "/PA"):
        owner.pop(NameObject(key), None)
    if "/A" not in owner:
        return
    action = source.get(owner, "/A")
    if not leads_somewhere(source, action):
        del owner["/A"]
    elif "/Next" in action:
        owner[NameObject("/A")] = DictionaryObject({k: v for k, v in dict.items(action) if k != "/Next"})
