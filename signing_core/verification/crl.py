"""Certificate revocation lists (RFC 5280, section 5).

A list is never unpacked: the serial number is looked for at C speed, so that one with a million entries costs
milliseconds. Indirect CRLs are left aside, which can only make a status unknown, never good.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from signing_core.pki import der
from signing_core.pki.x509_certificates import X509, name_key
from signing_core.verification.distribution_points import point_names, points
from signing_core.verification.issuer_signatures import signed
from signing_core.verification.revocation_entry import REMOVED, Entry, reason

_DELTA: Final = "2.5.29.27"
_ISSUING_POINT: Final = "2.5.29.28"
_CRL_NUMBER: Final = "2.5.29.20"
_REASON_CODE: Final = "2.5.29.21"
_EXPIRED_ON_CRL: Final = "2.5.29.60"
_AUTHORITY_KEY: Final = "2.5.29.35"
_KEPT_SIZE: Final = 65_536
"""Larger ones are read anew for each document: that costs microseconds, keeping them megabytes."""


class Crl:
    """A CRL of one issuer, complete or (with a `base`) a delta CRL. Made by `parse_crl`."""

    def __init__(self, encoded: bytes) -> None:
        root = der.read(encoded)
        parts = der.members(root, der.SEQUENCE, "the CRL")
        self.der: Final = root.encoded
        self.tbs: Final = parts[0].encoded
        self.signature_algorithm: Final = parts[1]
        self.signature: Final = der.bits(parts[2])
        fields = der.members(parts[0], der.SEQUENCE, "the CRL's body")
        if fields[0].tag == der.INTEGER:
            fields = fields[1:]
        self.issuer_key: Final = name_key(fields[1].encoded)
        self.this_update: Final = der.time(fields[2])
        fields = fields[3:]
        self.next_update: datetime | None = None
        if fields and fields[0].tag in (der.UTC_TIME, der.GENERALIZED_TIME):
            self.next_update = der.time(fields[0])
            fields = fields[1:]
        self._entries = fields[0] if fields and fields[0].tag == der.SEQUENCE else None
        self.usable = True
        self.number: int | None = None
        self.base: int | None = None
        """The number of the complete CRL that a delta CRL builds on (RFC 5280, 5.2.4)."""
        self.issuing_point = b""
        self.all_reasons = True
        self.only_users = self.only_authorities = False
        self.names: frozenset[bytes] = frozenset()
        self.covers_expired_since: datetime | None = None
        extensions = [
            der.children(extension)
            for field_ in fields
            if field_.tag == 0xA0
            for extension in der.children(der.children(field_)[0])
        ]
        for parts in extensions:
            self._extension(parts)
        if len({der.oid(parts[0]) for parts in extensions}) < len(extensions):
            self.usable = False  # RFC 5280, 4.2: each once; of two, one would have to be believed

    def _extension(self, parts: list[der.Node]) -> None:
        kind = der.oid(parts[0])
        critical = len(parts) == 3 and parts[1].content not in (b"", b"\x00")
        value = der.read(der.octets(parts[-1]))
        if kind == _EXPIRED_ON_CRL:
            self.covers_expired_since = der.time(value)
        elif kind == _ISSUING_POINT:
            self._scope(value)
        elif kind == _DELTA:
            self.base = der.integer(value)
        elif kind == _CRL_NUMBER:
            self.number = der.integer(value)
        elif critical and kind != _AUTHORITY_KEY:
            self.usable = False

    def _scope(self, value: der.Node) -> None:
        self.issuing_point = value.encoded
        for part in der.children(value):
            if part.tag == 0xA0:
                self.names = point_names(part, self.issuer_key)
            elif part.tag == 0x81:
                self.only_users = part.content != b"\x00"
            elif part.tag == 0x82:
                self.only_authorities = part.content != b"\x00"
            elif part.tag == 0x83:
                self.all_reasons = False
            elif part.content != b"\x00":
                self.usable = False  # indirect, for attribute certificates

    def covers(self, certificate: X509) -> bool:
        """Whether the certificate is in its scope (RFC 5280, 6.3.3 (b)): else it says nothing about it."""
        return bool(self._points(certificate))

    def _points(self, certificate: X509) -> list[bool]:
        """For each distribution point of the certificate that it is for, whether for all reasons."""
        if not self.usable or self.issuer_key != certificate.issuer_key:
            return []
        constraints = certificate.basic_constraints
        authority = constraints is not None and constraints[0]
        if (self.only_users and authority) or (self.only_authorities and not authority):
            return []
        if not self.names:
            return [True]
        return [point.all_reasons for point in points(certificate) if point.names & self.names]

    def signed_by(self, issuer: X509) -> bool:
        return issuer.may_sign_crls and signed(self.tbs, self.signature_algorithm.encoded, self.signature, issuer)

    def entry(self, certificate: X509) -> Entry | None:
        """What it says of a certificate in its scope; a delta CRL says nothing of those that it does not list."""
        listed = self._listed(certificate)
        if listed is None and self.base is not None:
            return None
        revoked_at, why = listed if listed is not None and listed[1] != REMOVED else (None, "")
        all_reasons = self.all_reasons and any(self._points(certificate))
        return Entry(
            "CRL", self.this_update, self.next_update, revoked_at, why, self.covers_expired_since, all_reasons
        )  # fmt: skip

    def continues(self, base: Crl) -> bool:
        """Whether this delta CRL says what has changed since that complete CRL (RFC 5280, 5.2.4 (a) to (c))."""
        return (
            self.base is not None
            and base.base is None
            and base.number is not None
            and self.base <= base.number
            and (self.number is None or base.number <= self.number)
            and self.issuing_point == base.issuing_point
        )

    def _listed(self, certificate: X509) -> tuple[datetime, str] | None:
        """Since when and why it is listed."""
        serial = certificate.serial
        length = max(1, (serial.bit_length() + 8) // 8) if serial >= 0 else (serial.bit_length() + 7) // 8 + 1
        written = der.encode(der.INTEGER, serial.to_bytes(length, "big", signed=True))
        # An issuer that writes numbers its own way does so in the list too.
        for wanted in dict.fromkeys((written, certificate.serial_encoded)):
            found = self._find(wanted)
            if found is not None:
                return found
        return None

    def _find(self, wanted: bytes) -> tuple[datetime, str] | None:
        if self._entries is None:
            return None
        data, start, stop = self._entries.data, self._entries.body, self._entries.stop
        position = data.find(wanted, start, stop)
        while position >= 0:
            # A hit counts when it is the first member of a SEQUENCE that a time follows: an entry of the list.
            for header in (2, 3, 4):
                parts = self._entry_parts(position - header, position)
                if parts is not None:
                    return _moment(parts[1]), _reason(parts[2] if len(parts) > 2 else None)
            position = data.find(wanted, position + 1, stop)
        return None

    def _entry_parts(self, start: int, serial: int) -> list[der.Node] | None:
        """The members of the entry that begins at `start` with a serial number at `serial`, None when there is none."""
        entries = self._entries
        if entries is None or start < entries.body or entries.data[start] != der.SEQUENCE:
            return None
        try:
            parts = der.children(der.read(entries.data, start, entries.stop))
        except der.DerError:
            return None
        if len(parts) < 2 or parts[0].start != serial or parts[1].tag not in (der.UTC_TIME, der.GENERALIZED_TIME):
            return None
        return parts


def _moment(node: der.Node) -> datetime:
    """When it was revoked; one that cannot be read counts as always."""
    try:
        return der.time(node)
    except der.DerError:
        return datetime(1, 1, 1, tzinfo=UTC)


def _reason(extensions: der.Node | None) -> str:
    try:
        for extension in der.children(extensions) if extensions is not None else ():
            parts = der.children(extension)
            if der.oid(parts[0]) == _REASON_CODE:
                return reason(der.integer(der.read(der.octets(parts[-1]))))
    except (ValueError, IndexError):
        return ""
    return ""


def parse_crl(encoded: bytes) -> Crl | None:
    """The CRL in these bytes (DER), None when they are none."""
    return _parsed(encoded) if len(encoded) <= _KEPT_SIZE else _parsed.__wrapped__(encoded)


@lru_cache(maxsize=256)
def _parsed(encoded: bytes) -> Crl | None:
    try:
        return Crl(encoded)
    except (ValueError, IndexError):
        return None
