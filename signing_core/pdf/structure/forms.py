"""Form fields of a revision (12.7.4): the tree below /AcroForm /Fields, flattened to terminal fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.values import Ref, Value, integer, text

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

MAX_DEPTH: Final = 32
"""Levels of fields below one another."""
INHERITABLE: Final = ("FT", "V", "Ff", "DA", "Q", "MaxLen", "Opt", "DV")
"""Entries that a node hands down to its kids (12.7.4.1)."""


@dataclass(frozen=True, slots=True, eq=False)
class Widget:
    """One place where a field shows."""

    ref: Ref | None
    dict: dict[str, Value]


@dataclass(frozen=True, slots=True, eq=False)
class FormField:
    """A terminal field. `attributes` has what it inherits; `own` is its dictionary as it stands."""

    name: str
    ref: Ref | None
    own: dict[str, Value]
    attributes: dict[str, Value]
    widgets: tuple[Widget, ...]

    @property
    def type(self) -> str | None:
        kind = self.attributes.get("FT")
        return kind if isinstance(kind, str) else None

    @property
    def flags(self) -> int:
        return integer(self.attributes.get("Ff")) or 0


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """All terminal fields of a revision, and the numbers of the objects that make up the tree."""

    fields: tuple[FormField, ...]
    numbers: frozenset[int]


def read(structure: FileStructure, revision: int) -> Form:
    """The form as of a revision. A node met twice is left out the second time."""
    catalog = structure.catalog(revision)
    numbers: set[int] = set()
    root = structure.trailer(revision).get("Root")
    if isinstance(root, Ref):
        numbers.add(root.number)

    def at(value: Value) -> Value:
        for _ in range(16):
            if not isinstance(value, Ref):
                return value
            numbers.add(value.number)
            value = structure.load(value, revision)
        return None

    form = at(catalog.get("AcroForm"))
    roots = at(form.get("Fields")) if isinstance(form, dict) else None
    found: list[FormField] = []
    stack: list[tuple[Value, str, dict[str, Value], int]] = []
    if isinstance(roots, list):
        stack = [(node, "", {}, 0) for node in reversed(roots)]
    seen: set[int] = set()
    while stack:
        node, prefix, above, depth = stack.pop()
        ref = node if isinstance(node, Ref) else None
        if ref is not None:
            if ref.number in seen:
                continue
            seen.add(ref.number)
        structure.budget.step()
        value = at(node)
        if not isinstance(value, dict):
            continue
        if depth > MAX_DEPTH:
            raise LimitReached("form fields are nested too deeply")
        part = text(at(value.get("T")))
        name = prefix if part is None else f"{prefix}.{part}" if prefix else part
        attributes = dict(above)
        for key in INHERITABLE:
            if key in value:
                attributes[key] = value[key] if key == "V" else at(value[key])
        kids = at(value.get("Kids"))
        widgets: list[Widget] = []
        children = []
        if isinstance(kids, list):
            for kid in kids:
                inner = at(kid)
                if isinstance(inner, dict) and ("T" in inner or "Kids" in inner):
                    children.append(kid)
                elif isinstance(inner, dict):
                    widgets.append(Widget(kid if isinstance(kid, Ref) else None, inner))
        if children:
            stack.extend((kid, name, attributes, depth + 1) for kid in reversed(children))
        if not children or widgets or "V" in value:
            if not children and not widgets:
                widgets = [Widget(ref, value)]
            found.append(FormField(name, ref, value, attributes, tuple(widgets)))
    return Form(tuple(found), frozenset(numbers))
