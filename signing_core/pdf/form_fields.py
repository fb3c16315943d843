"""The fields of an interactive form (ISO 32000-2, 12.7) as far as they are seen on pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

from signing_core.pdf.source import Source

Kind = Literal["text", "checkbox", "radio", "choice"]

# Field flags, ISO 32000-2, tables 227, 229, 231 and 233.
_READ_ONLY: Final = 1 << 0
_REQUIRED: Final = 1 << 1
_MULTILINE: Final = 1 << 12
_RADIO: Final = 1 << 15
_PUSH_BUTTON: Final = 1 << 16
_COMBO: Final = 1 << 17
_EDIT: Final = 1 << 18
_MULTI_SELECT: Final = 1 << 21
_COMB: Final = 1 << 24

_HIDDEN: Final = 2
_NO_VIEW: Final = 32
_MAX_DEPTH: Final = 50


@dataclass(slots=True)
class Widget:
    """One place on a page where a field is seen; `on_state` is the appearance state a button shows when it is on."""

    dictionary: DictionaryObject
    on_state: NameObject | None = None


@dataclass(frozen=True, slots=True)
class FormField:
    """A field that can be filled in.

    `options` are what can be chosen, `exports` the values that stand for them in the file, in the same order; `value`
    is what it holds already, empty where it holds nothing; `max_length` counts characters.
    """

    name: str
    kind: Kind
    label: str = ""
    value: str | tuple[str, ...] = ""
    options: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    required: bool = False
    read_only: bool = False
    multiline: bool = False
    comb: bool = False
    editable: bool = False
    multiple: bool = False
    max_length: int | None = None
    widgets: list[Widget] = field(default_factory=list, compare=False, repr=False)


def find(source: Source) -> dict[str, FormField]:
    """The visible fields by their full name, in the order of the pages. Buttons that only do something are left out."""
    result: dict[str, FormField] = {}
    for widget in _visible_widgets(source):
        name = full_name(source, widget)
        if name in result:
            result[name].widgets.append(_widget(source, widget))
            continue
        made = _field(source, name, widget)
        if made is not None:
            made.widgets.append(_widget(source, widget))
            result[name] = made
    return {name: _with_states(source, entry) for name, entry in result.items()}


def inherited(source: Source, node: DictionaryObject, key: str) -> Any:
    """A field attribute, looked for in the field and its ancestors, then, for /DA and /Q, in the form itself."""
    current: Any = node
    for _ in range(_MAX_DEPTH):
        if not isinstance(current, DictionaryObject):
            break
        value = source.get(current, key)
        if value is not None:
            return value
        current = source.get(current, "/Parent")
    if key in ("/DA", "/Q"):
        form = source.get(source.root, "/AcroForm")
        return source.get(form, key) if isinstance(form, DictionaryObject) else None
    return None


def is_empty_signature(source: Source, widget: DictionaryObject) -> bool:
    """Whether a widget belongs to a signature field (12.7.5.5) that nobody has signed."""
    return (
        source.get(widget, "/Subtype") == "/Widget"
        and inherited(source, widget, "/FT") == "/Sig"
        and inherited(source, widget, "/V") is None
    )


def full_name(source: Source, node: DictionaryObject) -> str:
    """The fully qualified name (12.7.4.2)."""
    parts: list[str] = []
    current: Any = node
    for _ in range(_MAX_DEPTH):
        if not isinstance(current, DictionaryObject):
            break
        part = source.get(current, "/T")
        if part is not None:
            parts.append(text(part))
        current = source.get(current, "/Parent")
    return ".".join(reversed(parts))


def text(value: Any) -> str:
    """A text string, a name or a number as text; UTF-8 in names is read as such."""
    if isinstance(value, NameObject):
        raw = str(value)[1:].encode("latin-1", "replace")
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    if isinstance(value, bytes):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, StreamObject):  # a long text may be a stream
        data = value.get_data()
        return data if isinstance(data, str) else data.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _visible_widgets(source: Source) -> Iterator[DictionaryObject]:
    for page in source.pages:
        annotations = source.get(page.dictionary, "/Annots")
        for item in list.__iter__(annotations) if isinstance(annotations, ArrayObject) else ():
            annotation = source.resolve(item)
            if not isinstance(annotation, DictionaryObject) or annotation.get("/Subtype") != "/Widget":
                continue
            flags = source.get(annotation, "/F")
            if not (isinstance(flags, int) and flags & (_HIDDEN | _NO_VIEW)):
                yield annotation


def _field(source: Source, name: str, node: DictionaryObject) -> FormField | None:
    kind = inherited(source, node, "/FT")
    raw_flags = inherited(source, node, "/Ff")
    flags = int(raw_flags) if isinstance(raw_flags, int) else 0
    value = inherited(source, node, "/V")
    common: dict[str, Any] = {
        "name": name,
        "label": text(inherited(source, node, "/TU")),
        "required": bool(flags & _REQUIRED),
        "read_only": bool(flags & _READ_ONLY),
    }
    if kind == "/Tx":
        length = inherited(source, node, "/MaxLen")
        length = int(length) if isinstance(length, int) and length > 0 else None
        return FormField(
            kind="text",
            value=text(value),
            multiline=bool(flags & _MULTILINE),
            comb=bool(flags & _COMB) and length is not None and not flags & _MULTILINE,
            max_length=length,
            **common,
        )
    if kind == "/Ch":
        exports, options = _choices(source, inherited(source, node, "/Opt"))
        values = (
            tuple(text(source.resolve(one)) for one in list.__iter__(value))
            if isinstance(value, ArrayObject)
            else text(value)
        )
        return FormField(
            kind="choice",
            value=values,
            options=options,
            exports=exports,
            editable=bool(flags & _COMBO and flags & _EDIT),
            multiple=bool(flags & _MULTI_SELECT),
            **common,
        )
    if kind == "/Btn" and not flags & _PUSH_BUTTON:
        return FormField(kind="radio" if flags & _RADIO else "checkbox", value=text(value), **common)
    return None


def _choices(source: Source, raw: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    exports: list[str] = []
    options: list[str] = []
    for item in list.__iter__(raw) if isinstance(raw, ArrayObject) else ():
        entry = source.resolve(item)
        pair = (
            [source.resolve(part) for part in list.__iter__(entry)]
            if isinstance(entry, ArrayObject)
            else [entry, entry]
        )
        if len(pair) >= 2:
            exports.append(text(pair[0]))
            options.append(text(pair[1]))
    return tuple(exports), tuple(options)


def _widget(source: Source, node: DictionaryObject) -> Widget:
    appearances = source.get(node, "/AP")
    normal = source.get(appearances, "/N") if isinstance(appearances, DictionaryObject) else None
    if isinstance(normal, DictionaryObject) and not isinstance(normal, StreamObject):
        states = [key for key in normal if key != "/Off"]
        return Widget(node, NameObject(states[0]) if states else None)
    return Widget(node)


def _with_states(source: Source, entry: FormField) -> FormField:
    """Buttons learn their options from the appearance states of their widgets, named by /Opt where there is one."""
    if entry.kind not in ("checkbox", "radio"):
        return entry
    raw = inherited(source, entry.widgets[0].dictionary, "/Opt")
    titles = [text(source.resolve(item)) for item in list.__iter__(raw)] if isinstance(raw, ArrayObject) else []
    exports: list[str] = []
    options: list[str] = []
    for index, widget in enumerate(entry.widgets):
        if widget.on_state is None:
            widget.on_state = NameObject("/Yes")
        export = text(widget.on_state)
        if export not in exports:
            exports.append(export)
            options.append(titles[index] if index < len(titles) else export)
    on = entry.value in exports
    value = options[exports.index(str(entry.value))] if on else ""
    return FormField(
        entry.name, entry.kind, entry.label, value, tuple(options), tuple(exports),
        entry.required, entry.read_only, widgets=entry.widgets,
    )  # fmt: skip
