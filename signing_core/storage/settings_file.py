"""The file of settings, `sealtrail.toml`: written once for a new workspace, read ever after."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from signing_core.errors import UsageError

FILE_NAME = "sealtrail.toml"


def initial_file(values: Mapping[str, Any]) -> str:
    """The text of a new workspace's `sealtrail.toml`."""
    lines = ["# Settings of this Sealtrail workspace; docs/settings.md describes them all.", ""]
    lines += [f"{key} = {toml(value)}" for key, value in values.items() if not isinstance(value, Mapping)]
    for key, table in values.items():
        if isinstance(table, Mapping):
            lines += ["", f"[{key}]", *(f"{name} = {toml(value)}" for name, value in table.items())]
    return "\n".join(lines) + "\n"


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(part) for part in value) + "]"
    if isinstance(value, (bool, int, float, str)):
        # TOML's basic strings, numbers and booleans are JSON's, but for the escape of DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    raise UsageError(f"A value of the kind {type(value).__name__} cannot be written to {FILE_NAME}.")


def read(file: Path) -> dict[str, Any]:
    """What the file holds, nothing when there is none. Raises `UsageError`."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not TOML: {error}; correct it and try again.") from None
    except RecursionError:
        raise UsageError(f"{file} is not TOML: it is nested too deeply; correct it and try again.") from None
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
