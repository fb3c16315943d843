"""Reading the QR code from the rendered certificate page, as a person with a phone would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from signing_core.errors import SealtrailError
from signing_core.verdict import QrState

if TYPE_CHECKING:
    from signing_core.certificate.payload import QrClaims

_RESOLUTIONS: Final = (100, 200, 300)
"""Dots per inch. The printed code is legible from 100 up; the others are for pages that were shrunk.

That is all: each is read once, as it is. A page that a program drew needs none of the retries that photos and scans are
given, which take seconds where there is nothing to be read.
"""
_CORNER: Final = (0.32, 0.28)
"""Width and height, as parts of the page, of the lower left corner in which our certificates have their code."""


@dataclass(frozen=True)
class PageRead:
    state: QrState
    reason: str = ""
    claims: QrClaims | None = None
    """Proven only when `state` is `valid`."""


def read_page(
    data: bytes, page: int, public_keys: tuple[bytes, ...], *, password: str | None = None, known: bool = False
) -> PageRead:
    """The QR code of ours on a page, counted from 1, judged with raw Ed25519 public keys. Never raises.

    `known`: the page was sealed by us, so that it is enough to look where our code stands; any other page is read as a
    whole.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from signing_core.certificate import payload

    try:
        texts = (_corner(data, page, password) if known else []) or _texts(data, page, password)
    except SealtrailError as error:
        return PageRead("unreadable", str(error).rstrip("."))
    payloads = list(dict.fromkeys(found for found in map(payload.from_text, texts) if found is not None))
    if not payloads:
        return PageRead("absent")
    if len(payloads) > 1:
        return PageRead("invalid", "the page shows several codes that differ")
    verdict = payload.verify(payloads[0], [Ed25519PublicKey.from_public_bytes(key) for key in public_keys])
    match verdict.status:
        case payload.QrStatus.VALID:
            return PageRead("valid", claims=verdict.claims)
        case payload.QrStatus.UNKNOWN_KEY:
            key = verdict.key_id.hex() if verdict.key_id else "unknown"
            return PageRead("foreign", f"key {key}", verdict.claims)
        case payload.QrStatus.INVALID:
            return PageRead("invalid", verdict.reason, verdict.claims)
        case _:
            return PageRead("absent")


def _corner(data: bytes, page: int, password: str | None) -> list[str]:
    """Rendering takes most of the time of a verification, and most of a page holds no code."""
    from signing_core.certificate.readers import ZxingReader
    from signing_core.pdf import render

    with render.opened(data, password=password) as document:
        handle = document[page - 1]
        width, height = handle.get_size()
        if width * height > 4_000_000:  # points: no page of ours
            handle.close()
            return []
        right, top = width * (1 - _CORNER[0]), height * (1 - _CORNER[1])
        bitmap = handle.render(scale=_RESOLUTIONS[0] / 72, crop=(0, 0, right, top), grayscale=True, may_draw_forms=True)
        texts = [code.text for code in ZxingReader(thorough=False).read(bitmap.to_pil())]
        bitmap.close()
        handle.close()
    return texts


def _texts(data: bytes, page: int, password: str | None) -> list[str]:
    from signing_core.certificate.readers import ZxingReader
    from signing_core.pdf import render

    reader = ZxingReader(thorough=False)
    for resolution in _RESOLUTIONS:
        found = [code.text for code in reader.read(render.render(data, page, dpi=resolution, password=password))]
        if found:
            return found
    return []
