"""The rules themselves: what `Policy` says of algorithms, revocation and time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from signing_core.policy.cut_offs import ALWAYS, CURVES, DIGESTS, KEYS, NEVER, SCHEMES, shown
from signing_core.verdict import PolicyReference

RevocationMode = Literal["required", "declared", "ignored"]


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
    mask_digest: str | None = None
    """Of RSASSA-PSS, for MGF1."""


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

    id: str = "sealtrail-default-2026-11"
    digests: Mapping[str, datetime] = field(default_factory=lambda: dict(DIGESTS))
    keys: Mapping[str, tuple[tuple[int, datetime], ...]] = field(default_factory=lambda: dict(KEYS))
    schemes: Mapping[str, datetime] = field(default_factory=lambda: dict(SCHEMES))
    curves: Mapping[str, datetime] = field(default_factory=lambda: dict(CURVES))
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
        """The earliest cut-off among digests, scheme, curve and key size."""
        limits = []
        if algorithm.key in self.keys:
            until = NEVER
            for bits, end in self.keys[algorithm.key]:
                if algorithm.bits >= bits:
                    until = end
            limits.append((until, f"{algorithm.key.upper()} with {algorithm.bits} bits"))
        limits.append((self.schemes.get(algorithm.scheme, NEVER), shown(algorithm.scheme)))
        for digest in (algorithm.digest, algorithm.mask_digest):
            if digest is not None:
                limits.append((self.digests.get(digest, NEVER), shown(digest)))
        if algorithm.curve is not None:
            limits.append((self.curves.get(algorithm.curve, NEVER), f"the curve {algorithm.curve}"))
        until, limit = min(limits, key=lambda pair: pair[0])
        return Judgement(until, limit)

    def judge_digest(self, digest: str) -> Judgement:
        return Judgement(self.digests.get(digest, NEVER), shown(digest))

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


def _end_text(end: datetime) -> str:
    return "never" if end == NEVER else "always" if end == ALWAYS else end.date().isoformat()
