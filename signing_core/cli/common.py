"""Options and output that the commands share."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from signing_core.errors import UsageError

if TYPE_CHECKING:
    from signing_core.desk import Desk
    from signing_core.storage.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


def workspace_option(function: F) -> F:
    """`--workspace DIR`; without it SEALTRAIL_WORKSPACE, then the current folder."""
    return click.option(
        "--workspace",
        "-w",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="SEALTRAIL_WORKSPACE",
        default=Path(),
        show_default="SEALTRAIL_WORKSPACE, then the current folder",
        help="The workspace to work on.",
    )(function)


def json_option(function: F) -> F:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of text.")(function)


def open_workspace(path: Path) -> Workspace:
    from signing_core.storage.workspace import Workspace

    return Workspace.open(path)


def open_desk(path: Path) -> Desk:
    from signing_core.desk import Desk

    return Desk(open_workspace(path))


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2 if os.isatty(1) else None))


T = TypeVar("T", bound="dict[str, Any] | list[Any]")


def read_json(file: Path, kind: type[T]) -> T:
    """A JSON file that holds an object (`dict`) or a list. Raises `UsageError` naming file and line."""
    what = "one JSON object with a value for each field" if kind is dict else "a JSON list"
    try:
        value = json.loads(file.read_text("utf-8"))
    except UnicodeDecodeError:
        raise UsageError(f"{file}: it is not UTF-8 text; save it as UTF-8.") from None
    except json.JSONDecodeError as error:
        raise UsageError(f"{file}: line {error.lineno} is not JSON ({error.msg}); correct it.") from None
    except RecursionError:
        raise UsageError(f"{file}: it is nested too deeply; correct it.") from None
    if not isinstance(value, kind):
        raise UsageError(f"{file}: it must be {what}.")
    return value


class Duration(click.ParamType[timedelta]):
    """`90m`, `12h`, `14d`."""

    name = "duration"
    _units: ClassVar = {"m": "minutes", "h": "hours", "d": "days"}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = re.fullmatch(r"([1-9]\d{0,4})([mhd])", str(value))
        if not found:
            self.fail(f"{value} is not a duration; write minutes, hours or days such as 90m, 12h or 14d", param, ctx)
        return timedelta(**{self._units[found[2]]: int(found[1])})
