"""Reading the QR code of the certificate page: from what our seal drew there, or else as a person with a phone would."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signing_core.errors import SealtrailError
from signing_core.pdf.names import SEAL_FIELD
from signing_core.pdf.revisions import FileStructure
from signing_core.pdf.structure import excerpt, sole_drawing
from signing_core.verdict import QrState

if TYPE_CHECKING:
    from signing_core.certificate.payload import QrClaims

_RESOLUTIONS: Final = (100, 200, 300)
"""Dots per inch. The printed code is legible from 100 up; the others are for pages that were shrunk.

That is all: each is read once, as it is. A page that a program drew needs none of the retries that photos and scans are
given, which take seconds where there is nothing to be read.
"""


@dataclass(frozen=True)
class PageRead:
    state: QrState
    reason: str = ""
    claims: QrClaims | None = None
    """Proven only when `state` is `valid`."""
    key: bytes | None = None
    """The raw public key that the code verifies with."""


def read(
    structure: FileStructure, page: int, public_keys: Collection[bytes], *, sealed: int | None, password: str | None
) -> PageRead:
    """The QR code of ours that a page of the newest state shows, judged with raw Ed25519 public keys. Never raises.

    `sealed`: the last revision that the seal covers, where it is known to be ours, or no key is given that could prove the code.
    As long as the page shows what was sealed and nothing else, the code is taken from the drawing itself: rendering it would say
    the same and takes most of the time of a verification. What is not read there is looked for on the page as it is seen.
    """
    drawing = sole_drawing.drawing(structure, SEAL_FIELD, page, sealed) if sealed is not None else None
    if drawing is not None:
        from signing_core.certificate import drawn_code

        found = _judged(drawn_code.texts(drawing), public_keys)
        if found.state in ("valid", "foreign"):
            return found
    data, number = excerpt.last_page(structure) or (structure.data, page)
    return read_page(data, number, public_keys, password=password)


def read_page(data: bytes, page: int, public_keys: Collection[bytes], *, password: str | None = None) -> PageRead:
    """The same for a page of any file, counted from 1, as a person with a phone would read it. Never raises."""
    try:
        return _judged(_texts(data, page, password), public_keys)
    except SealtrailError as error:
        return PageRead("unreadable", str(error).rstrip("."))


def _judged(texts: list[str], public_keys: Collection[bytes]) -> PageRead:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from signing_core.certificate import payload

    payloads = list(dict.fromkeys(found for found in map(payload.from_text, texts) if found is not None))
    if not payloads:
        return PageRead("absent")
    if len(payloads) > 1:
        return PageRead("invalid", "the page shows several codes that differ")
    keys = {raw: Ed25519PublicKey.from_public_bytes(raw) for raw in public_keys}
    verdict = payload.verify(payloads[0], keys.values())
    match verdict.status:
        case payload.QrStatus.VALID:
            signer = next(raw for raw, key in keys.items() if payload.key_id(key) == verdict.key_id)
            return PageRead("valid", claims=verdict.claims, key=signer)
        case payload.QrStatus.UNKNOWN_KEY:
            key = verdict.key_id.hex() if verdict.key_id else "unknown"
            return PageRead("foreign", f"key {key}", verdict.claims)
        case payload.QrStatus.INVALID:
            return PageRead("invalid", verdict.reason, verdict.claims)
        case _:
            return PageRead("absent")


def _texts(data: bytes, page: int, password: str | None) -> list[str]:
    from signing_core.certificate.readers import ZxingReader
    from signing_core.pdf import render

    reader = ZxingReader(thorough=False)
    for resolution in _RESOLUTIONS:
        found = [code.text for code in reader.read(render.render(data, page, dpi=resolution, password=password))]
        if found:
            return found
    return []
