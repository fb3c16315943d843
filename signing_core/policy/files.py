"""Policies from files: TOML or JSON that names what it changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast

from signing_core.errors import UsageError
from signing_core.policy.cut_offs import ALWAYS, NEVER
from signing_core.policy.rules import Policy, RevocationMode


def load(path: Path) -> Policy:
    """A policy from a TOML or JSON file. Raises `UsageError` naming the file and the entry."""
    import tomllib  # few runs have a policy file

    try:
        raw = path.read_bytes()
        content = json.loads(raw) if path.suffix.lower() == ".json" else tomllib.loads(raw.decode())
    except OSError as error:
        raise UsageError(f"The policy file {path} cannot be read: {error.strerror}; check its path.") from error
    except ValueError as error:
        raise UsageError(f"The policy file {path} is not valid TOML or JSON: {error}.") from error
    except RecursionError:
        raise UsageError(f"The policy file {path} is not valid TOML or JSON: it is nested too deeply.") from None
    if not isinstance(content, dict):
        raise UsageError(
            f"The policy file {path} has to be a table of entries; see the example in docs/verification.md."
        )
    if not content:
        raise UsageError(
            f"The policy file {path} has no entry; name what it changes, or leave it out for the default policy."
        )
    return read(content, name=str(path), folder=path.resolve().parent)


def read(content: Mapping[str, Any], *, name: str = "policy", folder: Path | None = None) -> Policy:
    """A policy from parsed content: the default one with these entries changed. Raises `UsageError`."""
    reader = _Reader(name)
    reader.known(content, "", {"id", "digests", "keys", "schemes", "curves", "revocation", "time", "trust"})
    default = Policy()
    revocation = reader.table(content, "revocation", {"mode"})
    mode = revocation.get("mode", default.revocation)
    if mode not in ("required", "declared", "ignored"):
        reader.refuse("revocation.mode", 'has to be "required", "declared" or "ignored"')
    time = reader.table(content, "time", {"require_time_stamp", "accept_embedded_authority"})
    trust = reader.table(content, "trust", {"anchors"})
    anchors = trust.get("anchors", [])
    if not isinstance(anchors, list) or not all(isinstance(entry, str) for entry in anchors):
        reader.refuse("trust.anchors", "has to be a list of paths")
    identifier = content.get("id", default.id if content == {} else Path(name).stem)
    if not isinstance(identifier, str) or not identifier:
        reader.refuse("id", "has to be a text")
    return replace(
        default,
        id=identifier,
        digests={**default.digests, **reader.ends(content, "digests")},
        keys={**default.keys, **reader.steps(content)},
        schemes={**default.schemes, **reader.ends(content, "schemes")},
        curves={**default.curves, **reader.ends(content, "curves")},
        revocation=cast(RevocationMode, mode),
        require_time_stamp=reader.boolean(time, "require_time_stamp", default.require_time_stamp),
        accept_embedded_authority=reader.boolean(time, "accept_embedded_authority", default.accept_embedded_authority),
        anchors=tuple(str((folder or Path()) / entry) for entry in anchors),
    )


class _Reader:
    """Checks entries and names the wrong one."""

    def __init__(self, name: str) -> None:
        self._name = name

    def refuse(self, entry: str, why: str) -> None:
        raise UsageError(f"The entry {entry} of the policy {self._name} {why}.")

    def known(self, content: Mapping[str, Any], prefix: str, names: set[str]) -> None:
        for name in content:
            if name not in names:
                self.refuse(f"{prefix}{name}", f"is not known; there are {', '.join(sorted(names))}")

    def table(self, content: Mapping[str, Any], name: str, names: set[str] | None = None) -> Mapping[str, Any]:
        value = content.get(name, {})
        if not isinstance(value, dict):
            self.refuse(name, "has to be a table")
        if names is not None:
            self.known(value, f"{name}.", names)
        return cast(Mapping[str, Any], value)

    def boolean(self, content: Mapping[str, Any], name: str, default: bool) -> bool:
        value = content.get(name, default)
        if not isinstance(value, bool):
            self.refuse(f"time.{name}", "has to be true or false")
        return bool(value)

    def end(self, entry: str, value: object) -> datetime:
        if value in ("never", "always"):
            return NEVER if value == "never" else ALWAYS
        if isinstance(value, str):
            try:
                value = date.fromisoformat(value)
            except ValueError:
                self.refuse(entry, 'has to be a date such as 2026-01-01, "never" or "always"')
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day, tzinfo=UTC)
        self.refuse(entry, 'has to be a date such as 2026-01-01, "never" or "always"')
        raise AssertionError

    def ends(self, content: Mapping[str, Any], name: str) -> dict[str, datetime]:
        return {key.lower(): self.end(f"{name}.{key}", value) for key, value in self.table(content, name).items()}

    def steps(self, content: Mapping[str, Any]) -> dict[str, tuple[tuple[int, datetime], ...]]:
        steps = {}
        for key, value in self.table(content, "keys", {"rsa", "dsa", "ec"}).items():
            if not isinstance(value, list) or not all(
                isinstance(step, list) and len(step) == 2 and isinstance(step[0], int) for step in value
            ):
                self.refuse(f"keys.{key}", "has to be a list of pairs: size in bits, date")
            steps[key] = tuple(sorted((int(bits), self.end(f"keys.{key}", end)) for bits, end in value))
        return steps
