"""Documents from Typst templates.

A template is Typst source. It finds the values in `data.fields`, the language in `data.language` and the installed fonts
in `data.fonts`, once it has said::

    #let data = json(bytes(sys.inputs.data))

Values are data and never source: whatever a value contains, it is shown as text. Which fields a template has is declared
beside it; data that misses one, or has one that was not declared, is refused with the field's name. A template stands alone: it
finds no file and no package, wherever its name comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal, NoReturn, get_args

from signing_core import typesetting
from signing_core.dates import MONTHS, long_date
from signing_core.errors import DataRefused, TypesettingFailed, UsageError

FieldType = Literal["text", "integer", "decimal", "date", "boolean", "choice", "list"]
"""`decimal` is given as text such as `1850.00` and keeps its digits; `date` as `2025-07-01`; `list` as an array of texts."""

_MAX_TEXT: Final = 20_000
_MAX_ITEMS: Final = 1_000
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class TemplateField:
    """One declared field. A field that is not required may be missing; the template then finds an empty text in it."""

    name: str
    type: FieldType = "text"
    required: bool = True
    choices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {"name": self.name, "type": self.type, "required": self.required}
        return value | {"choices": list(self.choices)} if self.choices else value

    @classmethod
    def from_json(cls, value: Any) -> TemplateField:
        """Reads what `to_json` gives, or a bare name. Raises `UsageError`."""
        entry = {"name": value} if isinstance(value, str) else value
        if not isinstance(entry, Mapping) or not _NAME.match(str(entry.get("name", ""))):
            raise UsageError(
                "A field of a template needs a name of letters, digits, - and _ that begins with a letter."
            )
        kind: Any = entry.get("type", "text")
        choices = entry.get("choices", ())
        if kind not in get_args(FieldType) or (kind == "choice") != bool(choices) or isinstance(choices, str):
            raise UsageError(
                f"The template's field {entry['name']} needs one of the types {', '.join(get_args(FieldType))}; "
                "a choice needs its choices."
            )
        if unknown := set(entry) - {"name", "type", "required", "choices"}:
            raise UsageError(f"The template's field {entry['name']} has an unknown entry {min(unknown)}.")
        return cls(str(entry["name"]), kind, bool(entry.get("required", True)), tuple(str(one) for one in choices))


def render(
    template: str,
    data: Mapping[str, Any],
    fields: Iterable[TemplateField],
    *,
    language: str = "en",
    name: str = "The template",
) -> bytes:
    """The template with its data as a tagged PDF.

    Raises `DataRefused` with the name of the field that is missing, unknown, of the wrong kind, or holds a character that
    no installed font can draw; `TypesettingFailed` when the template itself has a mistake.
    """
    values = checked(data, fields, language=language)
    try:
        return typesetting.compile_pdf(
            template,
            {"fields": values, "language": language, "fonts": typesetting.text_families()},
            tagged=True,
            foreign=True,
        )
    except TypesettingFailed as error:
        if re.search(r"\bpackage\b", str(error)):
            raise TypesettingFailed(
                f"{name} imports a Typst package; nothing is fetched here, put what it needs into the template."
            ) from None
        raise TypesettingFailed(f"{name} could not be set: {error}") from None


def checked(data: Mapping[str, Any], fields: Iterable[TemplateField], *, language: str = "en") -> dict[str, Any]:
    """The values as a template gets them, one for every field. Raises `DataRefused`."""
    declared = {field.name: field for field in fields}
    for key in data:
        if key not in declared:
            raise DataRefused(f"The data has a field {key} that the template does not know; remove it.", field=key)
    values: dict[str, Any] = {}
    for field in declared.values():
        value = data.get(field.name)
        if value is None or value == "":
            if field.required:
                raise DataRefused(f"The data has no value for the field {field.name}; add it.", field=field.name)
            values[field.name] = ""
            continue
        values[field.name] = _value(field, value, language)
    return values


def _value(field: TemplateField, value: Any, language: str) -> Any:
    if field.type == "boolean":
        if not isinstance(value, bool):
            _refuse(field, "must be true or false")
        return value
    if field.type == "list":
        if not isinstance(value, list | tuple) or len(value) > _MAX_ITEMS:
            _refuse(field, f"must be a list of at most {_MAX_ITEMS} texts")
        return [_text(field, item) for item in value]
    text = _text(field, value)
    if field.type == "integer" and not re.fullmatch(r"[+-]?\d{1,30}", text):
        _refuse(field, "must be a whole number")
    if field.type == "decimal":
        try:
            finite = Decimal(text).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            _refuse(field, "must be a number such as 1850.00")
    if field.type == "choice" and text not in field.choices:
        _refuse(field, f"must be one of {', '.join(field.choices)}")
    return _date(field, text, language) if field.type == "date" else text


def _text(field: TemplateField, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        _refuse(field, "must be a text or a number")
    text = str(value)
    if len(text) > _MAX_TEXT:
        _refuse(field, f"is longer than {_MAX_TEXT} characters")
    if unsupported := typesetting.unsupported(text):
        _refuse(field, f"holds {unsupported[:5]!r}, which no installed font can draw")
    return text


def _date(field: TemplateField, text: str, language: str) -> str:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        _refuse(field, "must be a date such as 2025-07-01")
    return long_date(day, language if language in MONTHS else "en")


def _refuse(field: TemplateField, what: str) -> NoReturn:
    raise DataRefused(f"The field {field.name} {what}; correct it in the data.", field=field.name)
