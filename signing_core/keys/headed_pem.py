"""PEM blocks with lines above each that say what it is for, whose and since when; text around a block is allowed (RFC 7468,
section 2), so every other program reads the same files.

Anybody can write such lines. Those of a house are believed because a company CA of it signed them (`statement`), and the house's id is
a hash of its first company CA's key.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, cast, get_args

from signing_core.keys.names import visible

PublicPurpose: TypeAlias = Literal[
    "company-ca", "anchor", "first-party", "seal", "time-stamp", "qr", "checkpoint", "time-stamp-authority"
]
"""What a public part is for. `company-ca`: the root of a house's own authority; `anchor`: the root above a bought key;
`time-stamp`: the embedded authority's X.509 certificate; `time-stamp-authority`: the root of an outside one."""

PURPOSES: Final[tuple[PublicPurpose, ...]] = get_args(PublicPurpose)
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----")
_CUT_OFF = re.compile(rb"(?:^|[\r\n])-----(?:BEGIN|END) ")
_LINE = re.compile(r"^\N{BYTE ORDER MARK}?Sealtrail-(Key|House|Used-From|Vouched-By-CA): (.*?)\s*$", re.MULTILINE)
_HOUSE = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HouseName:
    """Whose a public part is, as the text above it says."""

    id: str
    """See `house_id`."""
    name: str


@dataclass(frozen=True, slots=True)
class Block:
    label: str
    """As `CERTIFICATE`."""
    pem: bytes
    body: bytes
    """Still in base64."""
    purpose: PublicPurpose | None = None
    house: HouseName | None = None
    used_from: datetime | None = None
    voucher: bytes | None = None
    """The signature of a company CA of the house over `statement`."""

    def der(self) -> bytes | None:
        """The decoded body; None when it is no base64."""
        try:
            return base64.b64decode(self.body)
        except ValueError:
            return None


def house_id(spki: bytes) -> str:
    """40 hexadecimal digits: the first 20 octets of the SHA-256 of the SubjectPublicKeyInfo (DER) of the house's first company CA."""
    return hashlib.sha256(spki).digest()[:20].hex()


def statement(purpose: PublicPurpose, house: str, used_from: datetime | None, der: bytes) -> bytes:
    """What a company CA of the house signs of a part; the name is not in it, which may change."""
    said = ("sealtrail public part 1", house, purpose, _text(used_from), hashlib.sha256(der).hexdigest())
    return "".join(f"{line}\n" for line in said).encode()


def heading(purpose: PublicPurpose, house: HouseName, used_from: datetime | None, voucher: bytes | None = None) -> str:
    """The lines to write above a block; None when nobody said since when, or vouched for it."""
    said = f"Sealtrail-Key: {purpose}\nSealtrail-House: {house.id} {house.name}\n"
    said += f"Sealtrail-Used-From: {_text(used_from)}\n" if used_from else ""
    return said + (f"Sealtrail-Vouched-By-CA: {base64.b64encode(voucher).decode()}\n" if voucher else "")


def blocks(data: bytes) -> list[Block]:
    """The complete blocks, in their order. Of lines that say the same thing above one block the last counts.

    What stands above a block that is cut off is not said of the next one.
    """
    found, end = [], 0
    for block in _BLOCK.finditer(data):
        above = _CUT_OFF.split(data[end : block.start()])[-1].decode("utf-8", "replace")
        said = dict(_LINE.findall("\n".join(above.splitlines())))
        end = block.end()
        purpose = said.get("Key")
        id, _, name = said.get("House", "").partition(" ")
        found.append(
            Block(
                block[1].decode(),
                block.group(),
                block[2],
                cast("PublicPurpose", purpose) if purpose in PURPOSES else None,
                HouseName(id, visible(name)) if _HOUSE.fullmatch(id) else None,
                _time(said.get("Used-From")),
                _decoded(said.get("Vouched-By-CA", "")),
            )
        )
    return found


def _text(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if time else ""


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except ValueError:
        return None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
