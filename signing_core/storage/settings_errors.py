"""What is wrong with a setting, in one sentence: which one, where it stands, what it needs, an example.

The sentence never repeats the value that was given, which may be a secret.
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from signing_core.storage.settings_file import toml

_VARIABLE: Final = "SEALTRAIL_"


def sentence(
    error: ValidationError,
    settings: type[BaseModel],
    *,
    file: Path,
    values: Mapping[str, Any],
    overrides: Mapping[str, Any],
) -> str:
    """About the first thing that is wrong. `values` are those of `file`, `overrides` those of the call."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = [str(part) for part in first["loc"]]
    in_environment = False
    if _holds(overrides, path):
        where = "as given"
    elif _holds(values, path):
        where = f"from {file}"
    else:
        where, in_environment = f"from the environment variable {_variable(path)}", True
    if first["type"] == "extra_forbidden" or path[-1] == "[key]":
        key = ".".join(part for part in path if part != "[key]")
        return f"There is no setting {key} ({where}); correct its name or remove it."
    path, field = _field(settings, path)
    key = ".".join(path)
    if first["type"] == "value_error":
        return f"The setting {key} {where} cannot be used: {first['msg'].removeprefix('Value error, ')}."
    needs = f"it needs {_needs(field, in_environment)}{_example(path, field, in_environment)}"
    if first["type"] == "missing":
        return f"The setting {key} is missing {where}: {needs}."
    return f"The setting {key} {where} cannot be used: {needs}."


def unreadable_variable(settings: type[BaseModel], environment: Mapping[str, str]) -> str:
    """About the environment variable that should hold JSON, a list or a table, and does not."""
    for name, value in environment.items():
        path = name.upper().removeprefix(_VARIABLE).lower().split("__")
        if name.upper().startswith(_VARIABLE) and path[0] in settings.model_fields:
            path, field = _field(settings, path)
            if _is_json(field) and not _parses(value):
                return f"The environment variable {name} cannot be used: it needs {_needs(field, True)}{_example(path, field, True)}."
    return f"An environment variable {_VARIABLE}... is not the JSON that it has to be; correct it or remove it."


def _is_json(field: FieldInfo | None) -> bool:
    if field is None:
        return True
    return _is_table(field) or get_origin(_kind(field)) is tuple


def _parses(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _field(settings: type[BaseModel], path: list[str]) -> tuple[list[str], FieldInfo | None]:
    """The setting that `path` leads to or into, by its own path; None for a table of a free name, as under keys.tokens."""
    inside: Any = settings
    field: FieldInfo | None = None
    for depth, part in enumerate(path):
        if isinstance(inside, type) and issubclass(inside, BaseModel) and part in inside.model_fields:
            field = inside.model_fields[part]
            inside = field.annotation
        elif get_origin(inside) is dict:
            field, inside = None, get_args(inside)[1]
        else:  # a place in a list
            return path[:depth], field
    return path, field


def _needs(field: FieldInfo | None, in_environment: bool) -> str:
    """What the value has to be. A variable of the environment is a text anyway, and JSON where that is not enough."""
    if field is None or _is_table(field):
        return "a JSON object of its settings" if in_environment else "settings of its own, a name and a value each"
    if field.description:
        return field.description
    kind = _kind(field)
    if get_origin(kind) is Literal:
        *others, last = (toml(value) for value in get_args(kind))
        return f"{', '.join(others)} or {last}"
    if kind is int or kind is float:
        return f"a {'whole ' if kind is int else ''}number{_range(field)}"
    if get_origin(kind) is tuple:
        return f"a list of {'whole numbers' if get_args(kind)[0] is int else 'texts'}"
    if isinstance(kind, type) and issubclass(kind, Path):
        return "a path" if in_environment else "a path, as a text in quotes"
    return "a text" if in_environment else "a text in quotes"


def _range(field: FieldInfo) -> str:
    limits = {
        name: value
        for one in field.metadata
        for name in ("ge", "gt", "le")
        if (value := getattr(one, name, None)) is not None
    }
    low = f"from {limits['ge']}" if "ge" in limits else f"above {limits['gt']}" if "gt" in limits else ""
    high = f"{'to' if 'ge' in limits else 'and up to'} {limits['le']}" if "le" in limits else ""
    return "".join(f" {part}" for part in (low, high) if part)


def _example(path: list[str], field: FieldInfo | None, in_environment: bool) -> str:
    if field is None:
        return ""
    table = ".".join(path)
    if _is_table(field) and not in_environment:
        return f", under a line `[{table}]`"
    value = field.examples[0] if field.examples else None if field.is_required() else field.default
    kind = _kind(field)
    if get_origin(kind) is Literal or not isinstance(value, (str, int, float, tuple, Path)):
        return ""
    if in_environment:
        return f", such as {_variable(path)}={toml(value) if isinstance(value, tuple) else value}"
    table = ".".join(path[:-1])
    return f", such as `{path[-1]} = {toml(value)}`" + (f" under [{table}]" if table else "")


def _is_table(field: FieldInfo) -> bool:
    kind = _kind(field)
    return get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, BaseModel))


def _kind(field: FieldInfo) -> Any:
    """The field's type, apart from None."""
    if get_origin(field.annotation) in (Union, types.UnionType):
        return next(one for one in get_args(field.annotation) if one is not type(None))
    return field.annotation


def _variable(path: list[str]) -> str:
    return _VARIABLE + "__".join(path).upper()


def _holds(values: Mapping[str, Any], path: list[str]) -> bool:
    """Whether the value at `path`, or the nearest thing above it, was given in `values`."""
    inner: Any = values
    for depth, part in enumerate(path):
        if not isinstance(inner, Mapping) or part not in inner:
            return depth > 1
        inner = inner[part]
    return True
