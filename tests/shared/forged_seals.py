"""Certificate pages in a stranger's hands."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

from signing_core.keys.ring import KeyRing
from signing_core.pdf import preserve, render, seal


def picture_of_certificate(data: bytes) -> bytes:
    """What anybody can make of a file in his hands: its certificate page as a one-page PDF."""
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=A4)
    picture = render.render(data, render.page_count(data), dpi=200)
    page.drawImage(ImageReader(picture), 0, 0, *A4)
    page.save()
    return buffer.getvalue()


def sealed_with(data: bytes, ring: KeyRing, page: bytes) -> bytes:
    """The client's revision, sealed and preserved with some company's keys."""
    stamps, now = ring.time_stamp_authority, datetime.now(UTC)
    done = seal.seal(data, key=ring.seal, time_stamps=stamps, page=page, summary="A certificate", signed_at=now)
    crl = ring.ca.crl(now, 1_000, [])
    certificates = [ring.ca.certificate, ring.seal.certificate, stamps.certificate]
    return preserve.preserve(done.data, certificates=certificates, crls=[crl], time_stamps=stamps).data
