"""Filling in the forms of foreign PDFs, for good.

The values are drawn into the pages and the form is gone: what was filled in cannot be changed any more, and every viewer
shows the same. Text is set anew with a font that has its characters, in the size and colour the form asks for, smaller
where it would not fit; nothing is ever cut off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NoReturn

from pypdf.generic import BooleanObject, DictionaryObject, NameObject, StreamObject

from signing_core import typesetting
from signing_core.errors import DataRefused
from signing_core.pdf import field_text, form_fields, intake
from signing_core.pdf.assembly import Assembly
from signing_core.pdf.flatten import Appearance
from signing_core.pdf.form_fields import FormField, Widget
from signing_core.pdf.source import Source

__all__ = ["FormField", "appearances", "fields", "fill"]


def fields(source: bytes, *, name: str = "The form") -> list[FormField]:
    """The fields that can be filled in, in the order of the pages. Raises `DocumentRefused`."""
    opened = Source(source, name=name)
    with opened.guarded():
        return [field for field in form_fields.find(opened).values() if not field.read_only]


def fill(source: bytes, data: Mapping[str, Any], *, name: str = "The form") -> bytes:
    """The form with `data` drawn in, as a PDF without a form; empty signature fields stay on their pages.

    Text fields take texts and numbers; checkboxes true, false or the name of a state; radio buttons and choices an
    option or its export value, a choice that allows several a list of them. None or an empty text leaves a field empty.
    Every field must be named, except one that holds a value already, which keeps it.

    Raises `DataRefused` with the field that is missing, unknown, read-only, does not allow the value, has no room for it
    or needs a character that no installed font has; `DocumentRefused` for a file that cannot be read, or that `intake.admit` refuses.
    """
    opened = Source(source, name=name)
    intake.admit(opened)
    with opened.guarded():
        known = form_fields.find(opened)
    for key in data:
        if key not in known:
            _refuse(f"The data has a field {key} that {name} does not have; remove it.", key)
        if known[key].read_only:
            _refuse(f"The field {key} of {name} cannot be changed; remove it from the data.", key)
    for field in known.values():
        if field.name not in data and not field.value and not field.read_only:
            _refuse(f"The data has no value for the field {field.name} of {name}; add it.", field.name)
    assembly = Assembly(opened, appearances(opened, data, known), keep_signatures=True)
    with opened.guarded():
        for page in opened.pages:
            assembly.add_page(page)
        catalog, info = assembly.catalog(), assembly.info()
    identifier = hashlib.sha256(opened.data + repr(sorted(data.items())).encode()).digest()[:16]
    return assembly.write(catalog, info, identifier)


def appearances(
    source: Source, data: Mapping[str, Any] | None = None, known: Mapping[str, FormField] | None = None
) -> Appearance | None:
    """What the widgets of a form look like once `data` is in it; None where every widget's own look is right.

    What is in the form already is set anew only where the file says that its appearances are not up to date
    (/NeedAppearances) or has none; an empty field then keeps its border and background.
    """
    if known is None:
        with source.guarded():
            known = form_fields.find(source)
    if not known:
        return None
    stale = _needs_appearances(source)
    texts: list[field_text.Entry] = []
    for field in known.values():
        given = data is not None and field.name in data
        if field.kind in ("checkbox", "radio"):
            if given:
                assert data is not None  # noqa: S101 - said by `given`
                _press(field, data[field.name])
            continue
        shown = _shown(field, data[field.name]) if given and data is not None else _held(field)
        for widget in field.widgets:
            if given or stale or not _has_appearance(source, widget):
                texts.append(field_text.entry(source, field, widget.dictionary, shown))
    drawn = field_text.draw(texts)
    marks = field_text.marks(source, [w for f in known.values() if f.kind in ("checkbox", "radio") for w in f.widgets])

    def appearance(widget: DictionaryObject) -> StreamObject | None:
        return drawn.get(id(widget)) or marks.get(id(widget))

    return appearance


def _press(field: FormField, value: Any) -> None:
    """Switches the buttons of a field."""
    chosen = _chosen_state(field, value)
    for widget in field.widgets:
        on = widget.on_state is not None and form_fields.text(widget.on_state) == chosen
        state = widget.on_state if on and widget.on_state is not None else NameObject("/Off")
        widget.dictionary[NameObject("/AS")] = state


def _chosen_state(field: FormField, value: Any) -> str | None:
    if value is None or value is False or value == "" or value == "Off":
        return None
    if value is True:
        if field.kind == "checkbox" and len(field.exports) == 1:
            return field.exports[0]
        _refuse_choice(field, value)
    return _export(field, value)


def _export(field: FormField, value: Any) -> str:
    names = field.options if str(value) in field.options else field.exports
    if str(value) not in names:
        _refuse_choice(field, value)
    return field.exports[names.index(str(value))]


def _shown(field: FormField, value: Any) -> str:
    """The text that a text or choice field shows for a value."""
    if field.kind == "choice":
        values = list(value) if isinstance(value, list | tuple) else [] if value in (None, "") else [value]
        if len(values) > 1 and not field.multiple:
            _refuse(f"The field {field.name} takes one value only.", field.name)
        lines = [_option(field, one) for one in values]
        text = "\n".join(lines)
    else:
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            _refuse(f"The field {field.name} takes a text; correct it in the data.", field.name)
        text = "" if value is None else str(value).replace("\r\n", "\n").replace("\r", "\n")
        if field.max_length is not None and len(text) > field.max_length:
            _refuse(
                f"The field {field.name} takes {field.max_length} characters, not {len(text)}; shorten it.", field.name
            )
        if "\n" in text and not field.multiline:
            _refuse(f"The field {field.name} takes one line only; join the lines.", field.name)
    if unsupported := typesetting.unsupported(text):
        _refuse(f"The field {field.name} holds {unsupported[:5]!r}, which no installed font can draw.", field.name)
    return text


def _option(field: FormField, value: Any) -> str:
    if field.editable and isinstance(value, str) and value not in field.exports:
        return value
    return field.options[field.exports.index(_export(field, value))]


def _held(field: FormField) -> str:
    """The text that a field shows for the value it has in the file."""
    values = field.value if isinstance(field.value, tuple) else (field.value,) if field.value else ()
    shown = (field.options[field.exports.index(v)] if v in field.exports else v for v in values)
    return "\n".join(shown).replace("\r\n", "\n").replace("\r", "\n")


def _has_appearance(source: Source, widget: Widget) -> bool:
    appearance = source.get(widget.dictionary, "/AP")
    return isinstance(appearance, DictionaryObject) and source.get(appearance, "/N") is not None


def _needs_appearances(source: Source) -> bool:
    form = source.get(source.root, "/AcroForm")
    value = source.get(form, "/NeedAppearances") if isinstance(form, DictionaryObject) else None
    return isinstance(value, BooleanObject) and bool(value.value)


def _refuse_choice(field: FormField, value: Any) -> NoReturn:
    allowed = ", ".join(field.options)
    _refuse(f"The field {field.name} allows {allowed}, not {value}; correct it in the data.", field.name)


def _refuse(message: str, field: str) -> NoReturn:
    raise DataRefused(message, field=field)
