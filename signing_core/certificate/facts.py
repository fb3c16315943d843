"""Everything that an authenticity certificate states, as plain values. None always means *not recorded*."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Literal

from signing_core.pdf.geometry import A4

Role = Literal["first-party", "client"]
CodeEventKind = Literal["sent", "undelivered", "failed", "expired", "confirmed", "locked"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A signature or stamp as it is shown: `image/svg+xml` or `image/png`."""

    media_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class CodeEvent:
    """What happened to a confirmation code. The code itself is never here."""

    kind: CodeEventKind
    number: int
    """1 for the first code that this party was sent, and so on."""
    at: datetime


@dataclass(frozen=True, slots=True)
class PartyFacts:
    role: Role
    name: str
    organisation: str | None = None
    contact: str | None = None
    """Masked."""
    channel: Literal["email", "sms"] | None = None
    link_sent_at: datetime | None = None
    link_opened_at: datetime | None = None
    """For the first time."""
    codes: tuple[CodeEvent, ...] = ()
    """In the order in which they happened."""
    consented_at: datetime | None = None
    """When *Sign* was pressed, by the server's clock."""
    time_stamped_at: datetime | None = None
    """From the signature's time-stamp (RFC 3161)."""
    mark_kind: Literal["name", "drawn", "uploaded"] | None = None
    mark: Picture | None = None
    stamp: Picture | None = None
    ip_address: str | None = None
    device: str | None = None
    """The browser's User-Agent, or what it was shortened to."""
    x509_certificate_sha256: str | None = None
    """Of the X.509 certificate the party signed with: 64 hexadecimal digits."""
    link_openings: int | None = None
    agreed: str | None = None
    """Which consent text the party agreed to: the first 8 hexadecimal digits of its SHA-256."""
    copy_to: str | None = None
    """Where the finished document goes besides the contact, masked like it."""


@dataclass(frozen=True, slots=True)
class AuthorityFacts:
    """The time-stamp authority (RFC 3161) behind the signatures' times."""

    name: str
    embedded: bool
    """True for the one inside the workspace, whose time rests on the issuer's own clock alone."""


@dataclass(frozen=True, slots=True)
class CertificateData:
    certificate_id: str
    document_id: str
    title: str
    pages: int
    """Of the document, without the certificate page."""
    organisation: str
    """Who issues the certificate."""
    host: str
    """Host name of the public pages, the one in the QR code."""
    issued_at: datetime
    signed_sha256: str
    """SHA-256 of the signed revision, 64 hexadecimal digits: the file as the client signed it."""
    signed_length: int
    """Its length in bytes."""
    parties: tuple[PartyFacts, ...]
    time_stamps: AuthorityFacts | None = None
    seal_certificate_sha256: str | None = None
    """Of the seal's X.509 certificate: 64 hexadecimal digits."""
    qr_key_id: str | None = None
    """The COSE `kid` of the key that signed the QR code: 16 hexadecimal digits."""
    created_at: datetime | None = None
    author: str | None = None
    file_names: tuple[str, ...] = ()
    """What the author's files were called."""
    embedded_files: int = 0
    log_sequence: int | None = None
    """Sequence number of the client's signing event in the audit log."""
    zone: tzinfo = UTC
    """The zone in which times are shown, each with its offset."""

    paper: tuple[float, float] = A4
    """Width and height of the page that is reserved for the certificate, in points."""
