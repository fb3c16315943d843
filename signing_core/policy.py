"""What counts as valid: algorithms with their cut-off dates, revocation, time, and where anchors are.

A policy is a value that is handed in, never a global. The default one follows ETSI TS 119 312 (V1.4.2, tables 1 to 3; the
older cut-offs from its predecessor TS 102 176-1): a *cut-off* is the first moment at which an algorithm no longer suffices.
What was made with it before, and is proven to be older by a time-stamp, stays good (ETSI EN 319 102-1, 5.6.2.4).

A policy file is TOML or JSON and names only what it changes::

    id = "archive-2026"
    [digests]
    sha1 = 2012-01-01          # a date, or "never" / "always"
    [keys]
    rsa = [[1900, 2027-01-01], [3000, "always"]]
    [schemes]
    plain-ecdsa = "never"
    [curves]
    secp256k1 = "always"
    [revocation]
    mode = "required"          # "required", "declared" or "ignored"
    [time]
    require_time_stamp = true
    accept_embedded_authority = true
    [trust]
    anchors = ["anchors"]      # files or folders, relative to the policy file
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal, cast

from signing_core.errors import UsageError
from signing_core.verdict import PolicyReference

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Cut-off of what was never acceptable."""
ALWAYS: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Cut-off of what no end is set for."""

RevocationMode = Literal["required", "declared", "ignored"]


def _day(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


_DIGESTS: Final = {
    "md2": NEVER,
    "md5": _day(2005),
    "sha1": _day(2009),
    "ripemd160": _day(2011),
    "whirlpool": _day(2015),
    "sha224": _day(2026),
    "sha256": ALWAYS,
    "sha384": ALWAYS,
    "sha512": ALWAYS,
    "sha512_256": ALWAYS,
    "sha3_256": ALWAYS,
    "sha3_384": ALWAYS,
    "sha3_512": ALWAYS,
    "shake256": ALWAYS,  # only together with Ed448 (RFC 8419)
}

_KEYS: Final = {
    "rsa": ((1024, _day(2009)), (1536, _day(2016)), (1900, _day(2026)), (3000, ALWAYS)),
    "dsa": ((1024, _day(2013)), (2048, _day(2026)), (3072, ALWAYS)),
    "ec": ((160, _day(2013)), (224, _day(2016)), (256, ALWAYS)),
}
"""From this size on, until when; smaller than the first is never enough."""

_SCHEMES: Final = {
    "rsa-pkcs1v15": ALWAYS,
    "rsassa-pss": ALWAYS,
    "ecdsa": ALWAYS,
    "plain-ecdsa": ALWAYS,
    "dsa": ALWAYS,
    "ed25519": ALWAYS,
    "ed448": ALWAYS,
}

_CURVES: Final = {
    "secp160r1": ALWAYS,
    "secp192r1": ALWAYS,
    "secp224r1": ALWAYS,
    "secp256r1": ALWAYS,
    "secp384r1": ALWAYS,
    "secp521r1": ALWAYS,
    "brainpoolp256r1": ALWAYS,
    "brainpoolp320r1": ALWAYS,
    "brainpoolp384r1": ALWAYS,
    "brainpoolp512r1": ALWAYS,
    "frp256v1": ALWAYS,
}
"""Curves besides these (secp256k1, binary curves) are no part of TS 119 312; small ones are stopped by their size."""


@dataclass(frozen=True, slots=True)
class Algorithm:
    """What one signature was made with. Names in lower case; `digest` None where the scheme has its own."""

    scheme: str
    digest: str | None
    key: str
    """`rsa`, `dsa`, `ec`, `ed25519`, `ed448`."""
    bits: int
    """Size of the modulus, field or curve."""
    curve: str | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """Until when an algorithm is good enough, and what limits it."""

    until: datetime
    limit: str
    """The part that ends first, as a phrase: `SHA-1`, `RSA with 1024 bits`."""

    def good_at(self, time: datetime) -> bool:
        return time < self.until


@dataclass(frozen=True, slots=True)
class Policy:
    """`Policy()` is the default one; `load` reads a file that changes it."""

    id: str = "sealtrail-default-2026"
    digests: Mapping[str, datetime] = field(default_factory=lambda: dict(_DIGESTS))
    keys: Mapping[str, tuple[tuple[int, datetime], ...]] = field(default_factory=lambda: dict(_KEYS))
    schemes: Mapping[str, datetime] = field(default_factory=lambda: dict(_SCHEMES))
    curves: Mapping[str, datetime] = field(default_factory=lambda: dict(_CURVES))
    revocation: RevocationMode = "declared"
    """`required`: every X.509 certificate below the anchor needs revocation data; `declared`: those that say where to find
    some; `ignored`: none does, but a revoked one is still revoked."""
    require_time_stamp: bool = False
    """Without a valid time-stamp nothing is TOTAL-PASSED."""
    accept_embedded_authority: bool = True
    """Whether time from the embedded authority is proof of existence."""
    anchors: tuple[str, ...] = ()
    """Files or folders with trust anchors, absolute."""

    def judge(self, algorithm: Algorithm) -> Judgement:
        """The earliest cut-off among digest, scheme, curve and key size."""
        limits = [(self.schemes.get(algorithm.scheme, NEVER), _shown(algorithm.scheme))]
        if algorithm.digest is not None:
            limits.append((self.digests.get(algorithm.digest, NEVER), _shown(algorithm.digest)))
        if algorithm.curve is not None:
            limits.append((self.curves.get(algorithm.curve, NEVER), f"the curve {algorithm.curve}"))
        if algorithm.key in self.keys:
            until = NEVER
            for bits, end in self.keys[algorithm.key]:
                if algorithm.bits >= bits:
                    until = end
            limits.append((until, f"{algorithm.key.upper()} with {algorithm.bits} bits"))
        until, limit = min(limits, key=lambda pair: pair[0])
        return Judgement(until, limit)

    def judge_digest(self, digest: str) -> Judgement:
        return Judgement(self.digests.get(digest, NEVER), _shown(digest))

    def reference(self) -> PolicyReference:
        """Its id and the SHA-256 of its content, so that a verdict says which rules it was made by."""
        return PolicyReference(self.id, hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest())

    def to_json(self) -> dict[str, Any]:
        """The content that `reference` hashes; `read` takes it back."""
        return {
            "id": self.id,
            "digests": {name: _end_text(end) for name, end in self.digests.items()},
            "keys": {name: [[bits, _end_text(end)] for bits, end in steps] for name, steps in self.keys.items()},
            "schemes": {name: _end_text(end) for name, end in self.schemes.items()},
            "curves": {name: _end_text(end) for name, end in self.curves.items()},
            "revocation": {"mode": self.revocation},
            "time": {
                "require_time_stamp": self.require_time_stamp,
                "accept_embedded_authority": self.accept_embedded_authority,
            },
            "trust": {"anchors": list(self.anchors)},
        }


def load(path: Path) -> Policy:
    """A policy from a TOML or JSON file. Raises `UsageError` naming the file and the entry."""
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


def _end_text(end: datetime) -> str:
    return "never" if end == NEVER else "always" if end == ALWAYS else end.date().isoformat()


def _shown(name: str) -> str:
    special = {"rsa-pkcs1v15": "RSA PKCS #1 v1.5", "rsassa-pss": "RSASSA-PSS", "ed25519": "Ed25519", "ed448": "Ed448"}
    if name in special:
        return special[name]
    shown = name.upper().replace("_", "-")
    return (
        f"SHA-{shown[3:]}" if name.startswith("sha") and name[3:4].isdigit() and not name.startswith("sha3") else shown
    )
