"""Layers: which optional content a document shows by default (ISO 32000-2, 8.11).

A group has the state that the default configuration gives it. Programs differ in whether they apply its usage dictionary
without being told to by /AS, so what any of them may show counts: a group that is used and may be seen in one program and not
in another, or on screen and not on paper, has no state.
"""

from __future__ import annotations

from typing import Any, Final

from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from signing_core.pdf.source import Source

_USAGES: Final = (("/View", "/ViewState"), ("/Print", "/PrintState"), ("/Export", "/ExportState"))
_DEPENDS: Final = frozenset(("/Zoom", "/User", "/Language"))
"""Categories whose state depends on who looks, and how closely (table 100)."""
_MAX_DEPTH: Final = 32  # of a visibility expression


class Layers:
    """Asked for every /OC of a document; `used` tells whether there was any."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.used = False
        properties = _dictionary(source, source.root, "/OCProperties")
        default = _dictionary(source, properties, "/D")
        self._known = self._keys(source.get(properties, "/OCGs"))
        self._on = self._keys(source.get(default, "/ON"))
        self._off = self._keys(source.get(default, "/OFF"))
        self._base = source.get(default, "/BaseState") != "/OFF"
        self._automatic: dict[Any, set[str]] = {}
        for usage in self._items(source.get(default, "/AS")):
            entry = source.resolve(usage)
            if isinstance(entry, DictionaryObject):
                categories = {str(source.resolve(one)) for one in self._items(source.get(entry, "/Category"))}
                for key in self._keys(source.get(entry, "/OCGs")):
                    self._automatic.setdefault(key, set()).update(categories)

    def visible(self, raw: Any) -> bool:
        """Whether what has this /OC is shown. Raises `DocumentRefused` where that depends on who looks."""
        self.used = True
        value = self._source.resolve(raw)
        if not isinstance(value, DictionaryObject):
            return True
        return self._membership(value) if value.get("/Type") == "/OCMD" else self._group(raw, value)

    def _membership(self, value: DictionaryObject) -> bool:
        """A membership dictionary (8.11.2.2)."""
        expression = self._source.get(value, "/VE")
        if isinstance(expression, ArrayObject):
            return self._expression(expression, 0)
        raw = value.raw_get("/OCGs") if "/OCGs" in value else None
        groups = self._source.resolve(raw)
        members = list(list.__iter__(groups)) if isinstance(groups, ArrayObject) else [raw]
        states = [
            self._group(one, group)
            for one in members
            if isinstance(group := self._source.resolve(one), DictionaryObject)
        ]
        if not states:
            return True
        policy = self._source.get(value, "/P")
        if policy == "/AllOn":
            return all(states)
        if policy == "/AnyOff":
            return not all(states)
        return not any(states) if policy == "/AllOff" else any(states)

    def _expression(self, expression: ArrayObject, depth: int) -> bool:
        """A visibility expression (8.11.2.3)."""
        parts = list(list.__iter__(expression))
        if depth > _MAX_DEPTH or not parts:
            self._source.refuse("has layers whose state cannot be told; print it to a PDF and take that", "layers")
        operator = self._source.resolve(parts[0])
        states = []
        for raw in parts[1:]:
            value = self._source.resolve(raw)
            if isinstance(value, ArrayObject):
                states.append(self._expression(value, depth + 1))
            elif isinstance(value, DictionaryObject):
                states.append(self._group(raw, value))
        if operator == "/Not":
            return not (states and states[0])
        return any(states) if operator == "/Or" else all(states)

    def _group(self, raw: Any, group: DictionaryObject) -> bool:
        states = self._states(_key(raw, group), group)
        if len(states) != 1:
            self._source.refuse(
                "has layers that are shown on screen and not on paper, or in one program and not in another; print it to "
                "a PDF as it is to be signed and take that",
                "layers",
            )
        return states.pop()

    def _states(self, key: Any, group: DictionaryObject) -> set[bool]:
        state = key in self._on or (self._base and key not in self._off)
        states = {state}
        if key in self._on and key in self._off:
            states |= {True, False}
        if key not in self._known or not self._for_viewing(group):  # some programs show it whatever the lists say
            states.add(True)
        usage = _dictionary(self._source, group, "/Usage")
        for category, entry in _USAGES:
            value = self._source.get(_dictionary(self._source, usage, category), entry)
            if isinstance(value, NameObject):
                states.add(value != "/OFF")
        if any(category in usage for category in self._automatic.get(key, set()) & _DEPENDS):
            states |= {True, False}
        return states

    def _for_viewing(self, group: DictionaryObject) -> bool:
        intent = self._source.get(group, "/Intent")
        names = {str(self._source.resolve(one)) for one in self._items(intent)} or {str(intent or "/View")}
        return bool(names & {"/View", "/All"})

    def _items(self, value: Any) -> list[Any]:
        return list(list.__iter__(value)) if isinstance(value, ArrayObject) else []

    def _keys(self, value: Any) -> set[Any]:
        return {_key(item, self._source.resolve(item)) for item in self._items(value)}


def _key(raw: Any, value: Any) -> Any:
    """Groups are told apart by which object they are."""
    return (raw.idnum, raw.generation) if isinstance(raw, IndirectObject) else id(value)


def _dictionary(source: Source, parent: DictionaryObject, key: str) -> DictionaryObject:
    value = source.get(parent, key)
    return value if isinstance(value, DictionaryObject) else DictionaryObject()
