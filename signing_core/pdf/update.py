"""One incremental update with one signature value in it: what signing, sealing and the document time-stamp share."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_byterange import PdfSignedData, PreparedByteRangeDigest

from signing_core.errors import DocumentRefused
from signing_core.pdf.cms import DIGEST


@dataclass(frozen=True, slots=True)
class Signed:
    """A document after a step: its bytes, their SHA-256 in lower-case hexadecimal, and how many they are."""

    data: bytes
    sha256: str
    length: int

    @classmethod
    def of(cls, data: bytes) -> Signed:
        return cls(data, hashlib.sha256(data).hexdigest(), len(data))


Build = Callable[[IncrementalPdfFileWriter, int], PdfSignedData]
"""Puts the new objects into the writer; the signature dictionary leaves room for so many bytes of DER."""


class Update(IncrementalPdfFileWriter):
    """An incremental update that leaves what the document says of itself, in /Info and XMP, as it was prepared."""

    def _update_meta(self) -> None:
        """pyHanko would write the packet anew, without what PDF/A wants of it (ISO 19005-2, 6.6.2.3)."""


_ROOM_TO_SPARE: Final = 512


def append_signature(data: bytes, build: Build, value: Callable[[bytes], bytes], *, room: int) -> Signed:
    """Appends a revision whose signature value is `value(digest)`, the SHA-256 digest being that over its /ByteRange.

    How long a time-stamp token will be is known only once it is there. Where `room` bytes do not hold the value, the
    revision is written again with room enough and `value` is asked a second time. Raises `DocumentRefused` for a
    document that is not a PDF as `prepare` makes them, and what `value` raises.
    """
    for _ in range(3):
        output = io.BytesIO(data)
        try:
            writer = Update(output)
            filling = build(writer, room).fill(writer, DIGEST, in_place=True)
            prepared: PreparedByteRangeDigest = next(filling)[0]
        except (PdfError, SigningError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise DocumentRefused(
                "The document cannot be signed: it is damaged or was not prepared for it; create it again.",
                code="damaged",
            ) from error
        der = value(prepared.document_digest)
        if len(der) <= room:
            filling.send(der)
            return Signed.of(output.getvalue())
        room = len(der) + _ROOM_TO_SPARE
    raise SigningError("The time-stamp authority's tokens grow from one to the next.")
