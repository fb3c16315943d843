"""Which layout an authenticity certificate was set with, and what a page set with another one must still print.

A certificate is compared with the audit log by setting it again, which only the layout that set it can do. Wording, fonts and
layout change over the years an archive is kept; what a page of an earlier layout is held against is its facts.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from signing_core import typesetting
from signing_core.certificate.facts import CertificateData

_PARTS: Final = ("page.typ", "ribbon.svg", "page.py", "words.py", "qr_writer.py")
_SHORTENED: Final = 24
"""Letters that are left at least of a name or a title that was too long for its place."""
_WHOLE: Final = frozenset(
    {
        "certificate_id",
        "document_id",
        "signed_sha256",
        "first-party.x509_certificate_sha256",
        "client.x509_certificate_sha256",
        "seal",
        "qr_text",
    }
)
"""What is never shortened."""
_PLAIN: Final = 0x250
"""Above Latin, what a reader takes out of a page may stand in another order, or be joined: right to left, ligatures."""


@functools.cache
def identifier() -> str:
    """Names everything that decides how a page looks for given facts: 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in _PARTS:
        digest.update(hashlib.sha256(Path(__file__).with_name(part).read_bytes()).digest())
    digest.update(Path(typesetting.__file__).read_bytes())
    for package in ("typst", "qrcode"):
        digest.update(f"{package} {metadata.version(package)}\n".encode())
    for file in typesetting.font_files():
        digest.update(f"{file.name} {file.stat().st_size}\n".encode())
    return digest.hexdigest()[:16]


def not_printed(text: str, data: CertificateData, qr_text: str) -> list[str]:
    """The facts of `data` that a page with this text does not print, by name, in the order of the page.

    `text` is what a PDF reader takes out of the page. Times are looked for as their clock time in the certificate's zone.
    """
    letters = _letters(text)
    return [name for name, fact in _facts(data, qr_text) if not _prints(letters, _letters(fact), whole=name in _WHOLE)]


def _facts(data: CertificateData, qr_text: str) -> Iterator[tuple[str, str]]:
    yield "certificate_id", data.certificate_id
    yield "document_id", data.document_id
    yield "title", data.title
    yield "pages", str(data.pages)
    yield "organisation", data.organisation
    yield "author", data.author or ""
    yield "file_names", data.file_names[0] if data.file_names else ""
    yield "signed_sha256", data.signed_sha256
    yield "signed_length", str(data.signed_length)
    times: list[tuple[str, datetime | None]] = [("issued_at", data.issued_at), ("created_at", data.created_at)]
    for party in data.parties:
        yield f"{party.role}.name", party.name
        for name in ("organisation", "contact", "copy_to", "agreed", "ip_address", "device", "x509_certificate_sha256"):
            yield f"{party.role}.{name}", getattr(party, name) or ""
        for name in ("link_sent_at", "link_opened_at", "consented_at", "time_stamped_at"):
            times.append((f"{party.role}.{name}", getattr(party, name)))
    for name, time in times:
        yield name, f"{time.astimezone(data.zone):%H:%M:%S}" if time else ""
    yield "time_stamps", data.time_stamps.name if data.time_stamps else ""
    yield "seal", data.seal_certificate_sha256 or ""
    yield "qr_key_id", data.qr_key_id or ""
    yield "qr_text", qr_text


def _prints(letters: str, fact: str, *, whole: bool) -> bool:
    if fact in letters or (not whole and len(fact) > _SHORTENED and fact[:_SHORTENED] in letters):
        return True
    return any(ord(letter) > _PLAIN for letter in fact) and set(fact) <= set(letters)


def _letters(text: str) -> str:
    """Letters and digits alone: spaces, line breaks, separators of thousands and places to break are layout."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] in "LMNS")
