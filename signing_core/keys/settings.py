"""What can be set about keys. Plain values: where they come from (file, environment) is the caller's business."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias, get_args

Clock: TypeAlias = Callable[[], datetime]
"""Gives the time now: aware, in UTC."""

Purpose: TypeAlias = Literal["ca", "first-party", "seal", "time-stamp"]
"""Keys with an X.509 certificate."""

Statement: TypeAlias = Literal["qr", "checkpoint"]
"""Ed25519 keys without one."""

Place: TypeAlias = Literal["company", "bought", "token", "bought-token"]
"""Who certified a key and where it rests, which says how it is replaced: by the company CA and in a file, and so on."""

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
STATEMENTS: tuple[Statement, ...] = get_args(Statement)


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """A key on a PKCS#11 token. The PIN comes from `pin_file` or else from the environment variable `pin_variable`."""

    module: Path
    """The vendor's PKCS#11 library."""
    token_label: str
    key_label: str
    pin_file: Path | None = None
    pin_variable: str = "SEALTRAIL_TOKEN_PIN"
    certificate_file: Path | None = None
    """PEM or DER; without it the X.509 certificate made by `KeyRing.certify_token` is used, or the one on the token."""


@dataclass(frozen=True, slots=True)
class KeySettings:
    base_url: str | None = None
    """Where `/pki/...` is served, written into X.509 certificates issued from now on. None: no such pointers in them."""
    one_time_lifetime: timedelta = timedelta(hours=1)
    clock_skew: timedelta = timedelta(minutes=2)
    """How far X.509 certificates are dated back, so that a time-stamp authority whose clock is behind still fits in."""
    crl_lifetime: timedelta = timedelta(days=7)
    """From thisUpdate to nextUpdate. A new list is due after half of it."""
    tokens: Mapping[Purpose | Statement, TokenSettings] = field(default_factory=dict)
    """Keys that live on a PKCS#11 token instead of in a PKCS#12 file."""
