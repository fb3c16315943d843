"""PEM blocks with lines above each that say what it is for, whose and since when; text around a block is allowed (RFC 7468,
section 2), so every other program reads the same files."""

from __future__ import annotations

import base64
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
_LINE = re.compile(r"^\N{BYTE ORDER MARK}?Sealtrail-(Key|House|Used-From): (.*?)\s*$", re.MULTILINE)
_HOUSE = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class HouseName:
    """Whose a public part is: what the text above it says, which anybody can write."""

    id: str
    """16 hexadecimal digits."""
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

    def der(self) -> bytes | None:
        """The decoded body; None when it is no base64."""
        try:
            return base64.b64decode(self.body)
        except ValueError:
            return None


def heading(purpose: PublicPurpose, house: HouseName, used_from: datetime | None) -> str:
    """The lines to write above a block; None when nobody said since when."""
    said = f"Sealtrail-Key: {purpose}\nSealtrail-House: {house.id} {house.name}\n"
    return said + (f"Sealtrail-Used-From: {used_from.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n" if used_from else "")


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
            )
        )
    return found


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
