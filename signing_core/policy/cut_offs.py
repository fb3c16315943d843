"""Until when algorithms suffice, as data: one row for each, with the edition of the standard that it is from.

What TS 119 312 V1.5.1 lists is from there and its machine-readable form: *recommended* has no end, *legacy* ends with 2028. What it no longer lists ended when the last edition that did said, read leniently, as annex D of V2.1.1 reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Cut-off of what was never acceptable."""
ALWAYS: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""Cut-off of what no end is set for."""

_A_DAY: Final = timedelta(days=1)
_CURRENT: Final = "TS 119 312 V1.5.1"
_OLD: Final = "TS 102 176-1 V2.0.0"
_LAST_OLD: Final = "TS 102 176-1 V2.1.1"
_FIRST: Final = "TS 119 312 V1.1.1"


@dataclass(frozen=True, slots=True)
class CutOff:
    """One row."""

    kind: Literal["digest", "scheme", "key", "curve"]
    name: str
    """As in `Algorithm`."""
    until: datetime
    """The first moment at which it no longer suffices."""
    edition: str
    """Of the standard that says so; in brackets what else the row rests on."""
    bits: int = 0
    """For keys: from this size on, up to the next row's."""


def _day(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


CUT_OFFS: Final = (
    CutOff("digest", "md2", NEVER, "none"),
    CutOff("digest", "md5", _day(2004, 8), "none (collisions published in August 2004)"),
    CutOff("digest", "sha1", _day(2012, 8), _OLD),
    CutOff("digest", "ripemd160", _day(2014, 8), _OLD),
    CutOff("digest", "whirlpool", _day(2020, 12), _LAST_OLD),
    CutOff("digest", "sha224", _day(2029), _CURRENT),
    CutOff("digest", "sha256", ALWAYS, _CURRENT),
    CutOff("digest", "sha384", ALWAYS, _CURRENT),
    CutOff("digest", "sha512", ALWAYS, _CURRENT),
    CutOff("digest", "sha512_256", ALWAYS, "TS 119 312 V1.4.2"),
    CutOff("digest", "sha3_256", ALWAYS, _CURRENT),
    CutOff("digest", "sha3_384", ALWAYS, _CURRENT),
    CutOff("digest", "sha3_512", ALWAYS, _CURRENT),
    CutOff("digest", "shake256", ALWAYS, "TS 119 312 V2.1.1 (as part of Ed448, RFC 8419)"),
    CutOff("scheme", "rsa-pkcs1v15", _day(2029), _CURRENT),
    CutOff("scheme", "rsassa-pss", ALWAYS, _CURRENT),
    CutOff("scheme", "dsa", ALWAYS, _CURRENT),
    CutOff("scheme", "ecdsa", ALWAYS, _CURRENT),
    CutOff("scheme", "plain-ecdsa", ALWAYS, _CURRENT + " (ECDSA, encoded as BSI TR-03111 does)"),
    CutOff("scheme", "ed25519", ALWAYS, "TS 119 312 V2.1.1"),
    CutOff("scheme", "ed448", ALWAYS, "TS 119 312 V2.1.1"),
    CutOff("key", "rsa", _day(2010, 8), "TS 102 176-1 V1.2.1", bits=786),
    CutOff("key", "rsa", _day(2019, 10), _FIRST, bits=1024),
    CutOff("key", "rsa", _day(2019, 10), _FIRST, bits=1536),
    CutOff("key", "rsa", _day(2029), _CURRENT, bits=1900),
    CutOff("key", "rsa", ALWAYS, _CURRENT, bits=3000),
    CutOff("key", "dsa", _day(2015, 12), _LAST_OLD, bits=1024),
    CutOff("key", "dsa", _day(2029), _CURRENT, bits=1900),
    CutOff("key", "dsa", ALWAYS, _CURRENT, bits=3000),
    CutOff("key", "ec", _day(2012, 8), _OLD, bits=160),
    CutOff("key", "ec", _day(2021, 10), _FIRST, bits=224),
    CutOff("key", "ec", ALWAYS, _CURRENT, bits=256),
    CutOff("curve", "secp160r1", ALWAYS, _OLD),
    CutOff("curve", "secp192r1", ALWAYS, _OLD),
    CutOff("curve", "secp224r1", ALWAYS, _FIRST),
    CutOff("curve", "secp256r1", ALWAYS, _CURRENT),
    CutOff("curve", "secp384r1", ALWAYS, _CURRENT),
    CutOff("curve", "secp521r1", ALWAYS, _CURRENT),
    CutOff("curve", "brainpoolp256r1", ALWAYS, _CURRENT),
    CutOff("curve", "brainpoolp320r1", ALWAYS, "RFC 5639 (between two curves of TS 119 312)"),
    CutOff("curve", "brainpoolp384r1", ALWAYS, _CURRENT),
    CutOff("curve", "brainpoolp512r1", ALWAYS, _CURRENT),
    CutOff("curve", "frp256v1", ALWAYS, _CURRENT),
)
"""Whatever has no row was never acceptable: curves outside of the specification (secp256k1, binary ones), SHA3-224, and
keys smaller than their first row. Small curves are stopped by their size."""


_SHOWN: Final = {
    "rsa-pkcs1v15": "RSA PKCS #1 v1.5",
    "rsassa-pss": "RSASSA-PSS",
    "ed25519": "Ed25519",
    "ed448": "Ed448",
    "sha512_256": "SHA-512/256",
}


def _ends(kind: str) -> dict[str, datetime]:
    return {row.name: row.until for row in CUT_OFFS if row.kind == kind}


DIGESTS: Final = _ends("digest")
SCHEMES: Final = _ends("scheme")
CURVES: Final = _ends("curve")
KEYS: Final[dict[str, tuple[tuple[int, datetime], ...]]] = {
    key: tuple((row.bits, row.until) for row in CUT_OFFS if row.kind == "key" and row.name == key)
    for key in ("rsa", "dsa", "ec")
}
"""From this size on, until when; smaller than the first is never enough."""


def markdown() -> str:
    """The table of docs/verification.md."""
    lines = ["| algorithm | sufficient through | edition |", "|---|---|---|"]
    for row in CUT_OFFS:
        last = (
            "never" if row.until == NEVER else "no end set" if row.until == ALWAYS else f"{row.until - _A_DAY:%Y-%m-%d}"
        )
        name = f"{row.name.upper()} keys of {row.bits:,} bits and more" if row.kind == "key" else shown(row.name)
        lines.append(f"| {'curve ' + row.name if row.kind == 'curve' else name} | {last} | {row.edition} |")
    return "\n".join(lines)


def shown(name: str) -> str:
    """A digest's or a scheme's name as people write it."""
    if name in _SHOWN:
        return _SHOWN[name]
    text = name.upper().replace("_", "-")
    return f"SHA-{text[3:]}" if name.startswith("sha") and name[3:].isdigit() else text
