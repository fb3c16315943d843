"""CRLs (RFC 5280, 5) and OCSP responses (RFC 6960): what they say of one X.509 certificate, and whether they may.

A CRL is never unpacked: the serial number is looked for at C speed, so that one with a million entries costs
milliseconds. Indirect and delta CRLs are left aside, which can only make a status unknown, never good.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from signing_core.verification import der
from signing_core.verification.algorithms import UnknownAlgorithm, digest_name, digest_of, scheme
from signing_core.verification.signature_values import verify
from signing_core.verification.x509_certificates import OCSP_SIGNING, X509, name_key
from signing_core.verification.x509_certificates import parse as parse_x509

_DELTA: Final = "2.5.29.27"
_ISSUING_POINT: Final = "2.5.29.28"
_CRL_NUMBER: Final = "2.5.29.20"
_EXPIRED_ON_CRL: Final = "2.5.29.60"
_AUTHORITY_KEY: Final = "2.5.29.35"
_ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
_BASIC_OCSP: Final = "1.3.6.1.5.5.7.48.1.1"
_REASONS: Final = (
    "unspecified", "key compromise", "CA compromise", "affiliation changed", "superseded", "cessation of operation",
    "on hold", "", "removed from CRL", "privilege withdrawn", "AA compromise",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate's status as one piece of revocation data gives it; `revoked_at` None when it is not revoked."""

    source: str
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None
    reason: str
    covers_expired_since: datetime | None
    """expiredCertsOnCRL or archiveCutoff: certificates that expired after this are still listed."""

    def shows_good_at(self, use: datetime, expiry: datetime) -> bool:
        """Whether not being revoked here says anything about a use at this time."""
        if self.this_update < use and (self.next_update is None or self.next_update < use):
            return False
        if self.this_update > expiry:
            return self.covers_expired_since is not None and self.covers_expired_since <= expiry
        return True


class Crl:
    """A complete CRL for one issuer. Made by `parse`."""

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
        self.only_users = self.only_authorities = False
        self.locations: frozenset[str] = frozenset()
        self.covers_expired_since: datetime | None = None
        for field_ in fields:
            if field_.tag == 0xA0:
                for extension in der.children(der.children(field_)[0]):
                    self._extension(der.children(extension))

    def _extension(self, parts: list[der.Node]) -> None:
        kind = der.oid(parts[0])
        critical = len(parts) == 3 and parts[1].content not in (b"", b"\x00")
        value = der.read(der.octets(parts[-1]))
        if kind == _EXPIRED_ON_CRL:
            self.covers_expired_since = der.time(value)
        elif kind == _ISSUING_POINT:
            for part in der.children(value):
                if part.tag == 0xA0:
                    self.locations = frozenset(_addresses(part))
                elif part.tag == 0x81:
                    self.only_users = part.content != b"\x00"
                elif part.tag == 0x82:
                    self.only_authorities = part.content != b"\x00"
                elif part.tag in (0x83, 0x84, 0x85) and part.content.strip(b"\x00"):
                    self.usable = False  # some reasons only, indirect, attribute certificates
        elif kind == _DELTA or (critical and kind not in (_CRL_NUMBER, _AUTHORITY_KEY)):
            self.usable = False

    def applies_to(self, certificate: X509) -> bool:
        if not self.usable or self.issuer_key != certificate.issuer_key:
            return False
        constraints = certificate.basic_constraints
        authority = constraints is not None and constraints[0]
        if (self.only_users and authority) or (self.only_authorities and not authority):
            return False
        return not (self.locations and certificate.crl_locations) or bool(
            self.locations.intersection(certificate.crl_locations)
        )

    def signed_by(self, issuer: X509) -> bool:
        return issuer.may_sign_crls and _signed(self.tbs, self.signature_algorithm.encoded, self.signature, issuer)

    def entry(self, certificate: X509) -> Entry:
        revoked_at, reason = self._revoked(certificate.serial)
        return Entry("CRL", self.this_update, self.next_update, revoked_at, reason, self.covers_expired_since)

    def _revoked(self, serial: int) -> tuple[datetime | None, str]:
        if self._entries is None:
            return None, ""
        data, start, stop = self._entries.data, self._entries.body, self._entries.stop
        length = max(1, (serial.bit_length() + 8) // 8) if serial >= 0 else (serial.bit_length() + 7) // 8 + 1
        wanted = der.encode(der.INTEGER, serial.to_bytes(length, "big", signed=True))
        position = data.find(wanted, start, stop)
        while position >= 0:
            # A hit counts when it is the first member of a SEQUENCE that a time follows: an entry of the list.
            for header in (2, 3, 4):
                if position - header >= start and data[position - header] == der.SEQUENCE:
                    try:
                        parts = der.children(der.read(data, position - header, stop))
                        if parts[0].start == position and len(parts) > 1:
                            return der.time(parts[1]), _reason(parts[2] if len(parts) > 2 else None)
                    except (der.DerError, IndexError):
                        continue
            position = data.find(wanted, position + 1, stop)
        return None, ""


def _reason(extensions: der.Node | None) -> str:
    for extension in der.children(extensions) if extensions is not None else ():
        parts = der.children(extension)
        if der.oid(parts[0]) == "2.5.29.21":
            number = der.integer(der.read(der.octets(parts[-1])))
            return _REASONS[number] if 0 <= number < len(_REASONS) else ""
    return ""


def _addresses(node: der.Node) -> list[str]:
    found = []
    for part in der.children(node):
        if part.tag == 0x86:
            found.append(part.content.decode("latin-1"))
        elif part.tag & 0x20:
            found += _addresses(part)
    return found


_checked: dict[tuple[bytes, bytes, bytes], bool] = {}
_MOST_CHECKED: Final = 20_000


def _signed(tbs: bytes, algorithm: bytes, signature: bytes, issuer: X509) -> bool:
    """Whether the issuer's key made the signature. Answers are kept by digests: a CRL may have megabytes."""
    key = (sha256(tbs).digest(), sha256(algorithm + signature).digest(), issuer.sha256)
    if key not in _checked:
        if len(_checked) >= _MOST_CHECKED:
            _checked.clear()
        _checked[key] = _check_signature(tbs, algorithm, signature, issuer)
    return _checked[key]


def _check_signature(tbs: bytes, algorithm: bytes, signature: bytes, issuer: X509) -> bool:
    try:
        return verify(issuer.spki, scheme(der.read(algorithm), None), signature, tbs)
    except (UnknownAlgorithm, der.DerError, IndexError):
        return False


@dataclass(frozen=True)
class _Single:
    digest: str
    name_hash: bytes
    key_hash: bytes
    serial: int
    entry: Entry | None
    """None for the status `unknown`."""


class Ocsp:
    """A BasicOCSPResponse. Made by `parse`."""

    def __init__(self, encoded: bytes) -> None:
        root = der.read(encoded)
        fields = der.members(root, der.SEQUENCE, "the OCSP response")
        if fields[0].tag == der.ENUMERATED:
            if der.integer(fields[0]) != 0:
                raise der.DerError("the OCSP response is an error message")
            kind, basic = der.children(der.children(fields[1])[0])[:2]
            if der.oid(kind) != _BASIC_OCSP:
                raise der.DerError("the OCSP response is of an unknown type")
            fields = der.members(der.read(der.octets(basic)), der.SEQUENCE, "the basic OCSP response")
        self.der: Final = root.encoded
        self.tbs: Final = fields[0].encoded
        self.signature_algorithm: Final = fields[1]
        self.signature: Final = der.bits(fields[2])
        found = (
            [parse_x509(node.encoded) for node in der.children(der.children(fields[3])[0])] if len(fields) > 3 else []
        )
        self.certificates: Final = tuple(certificate for certificate in found if certificate is not None)
        body = [part for part in der.children(fields[0]) if part.tag != 0xA0]
        self._responder = body[0]
        self.produced_at: Final = der.time(body[1])
        self.singles: Final = tuple(self._single(node) for node in der.children(body[2]))

    @staticmethod
    def _single(node: der.Node) -> _Single:
        identifier, status, this_update, *rest = der.children(node)
        algorithm, name_hash, key_hash, serial = der.children(identifier)
        next_update = cutoff = None
        for part in rest:
            if part.tag == 0xA0:
                next_update = der.time(der.children(part)[0])
            elif part.tag == 0xA1:
                for extension in der.children(der.children(part)[0]):
                    parts = der.children(extension)
                    if der.oid(parts[0]) == _ARCHIVE_CUTOFF:
                        cutoff = der.time(der.read(der.octets(parts[-1])))
        revoked_at, reason = None, ""
        if status.tag == 0xA1:
            details = der.children(status)
            revoked_at = der.time(details[0])
            if len(details) > 1:
                number = der.integer(der.children(details[1])[0])
                reason = _REASONS[number] if 0 <= number < len(_REASONS) else ""
        entry = Entry("OCSP", der.time(this_update), next_update, revoked_at, reason, cutoff)
        return _Single(
            digest_name(der.oid(der.children(algorithm)[0])),
            der.octets(name_hash),
            der.octets(key_hash),
            der.integer(serial),
            None if status.tag & 0x1F == 2 else entry,
        )

    def entry(self, certificate: X509, issuer: X509) -> Entry | None:
        """What it says of the certificate; None when it says nothing, or by a hash that cannot be computed here."""
        for single in self.singles:
            if single.serial == certificate.serial and _means(single, certificate, issuer):
                return single.entry
        return None

    def signed_under(self, issuer: X509, others: Iterable[X509]) -> X509 | None:
        """The responder's X.509 certificate when it may speak for `issuer` (RFC 6960, 4.2.2.2), else None."""
        for candidate in dict.fromkeys((issuer, *self.certificates, *others)):
            if not self._names(candidate):
                continue
            delegated = candidate.spki != issuer.spki
            if delegated:
                usage = candidate.extended_key_usage
                if usage is None or OCSP_SIGNING not in usage or candidate.issuer_key != issuer.subject_key:
                    continue
                if not candidate.not_before <= self.produced_at <= candidate.not_after or not issued_by(
                    candidate, issuer
                ):
                    continue
            if _signed(self.tbs, self.signature_algorithm.encoded, self.signature, candidate):
                return candidate
        return None

    def _names(self, candidate: X509) -> bool:
        inner = der.children(self._responder)[0]
        if self._responder.tag == 0xA1:
            return name_key(inner.encoded) == candidate.subject_key
        wanted = der.octets(inner)
        return wanted == digest_of("sha1", (candidate.key_bits,))


def _means(single: _Single, certificate: X509, issuer: X509) -> bool:
    """Whether a CertID (RFC 6960, 4.1.1) names this issuer, by its own name or as the certificate writes it."""
    try:
        name, key = issuer_hashes(single.digest, issuer)
        return single.key_hash == key and single.name_hash in (name, digest_of(single.digest, (certificate.issuer,)))
    except UnknownAlgorithm:
        return False


@lru_cache(maxsize=2048)
def issuer_hashes(digest: str, issuer: X509) -> tuple[bytes, bytes]:
    """Of the issuer's name and key. Raises `UnknownAlgorithm`."""
    return digest_of(digest, (issuer.subject,)), digest_of(digest, (issuer.key_bits,))


def issued_by(certificate: X509, issuer: X509) -> bool:
    """Whether the issuer's key made the certificate's signature; names and constraints are looked at elsewhere."""
    return _signed(certificate.tbs, certificate.signature_algorithm.encoded, certificate.signature, issuer)


_KEPT_SIZE: Final = 65_536
"""Larger CRLs and responses are read anew for each document: that costs microseconds, keeping them megabytes."""


def parse_crl(encoded: bytes) -> Crl | None:
    """The CRL in these bytes (DER), None when they are none."""
    return _parsed_crl(encoded) if len(encoded) <= _KEPT_SIZE else _parsed_crl.__wrapped__(encoded)


def parse_ocsp(encoded: bytes) -> Ocsp | None:
    """The OCSP response in these bytes (DER), None when they are none."""
    return _parsed_ocsp(encoded) if len(encoded) <= _KEPT_SIZE else _parsed_ocsp.__wrapped__(encoded)


@lru_cache(maxsize=256)
def _parsed_crl(encoded: bytes) -> Crl | None:
    try:
        return Crl(encoded)
    except (ValueError, IndexError):
        return None


@lru_cache(maxsize=512)
def _parsed_ocsp(encoded: bytes) -> Ocsp | None:
    try:
        return Ocsp(encoded)
    except (ValueError, IndexError, UnknownAlgorithm):
        return None


@dataclass(frozen=True)
class Material:
    """Revocation data to draw on, whatever its origin."""

    crls: tuple[Crl, ...] = ()
    ocsps: tuple[Ocsp, ...] = ()
    unreadable: int = field(default=0)

    def __add__(self, other: Material) -> Material:
        return Material(
            tuple(dict.fromkeys(self.crls + other.crls)),
            tuple(dict.fromkeys(self.ocsps + other.ocsps)),
            self.unreadable + other.unreadable,
        )


def material(crls: Iterable[bytes], ocsps: Iterable[bytes]) -> Material:
    """From DER; what cannot be read is counted."""
    parsed_crls = [parse_crl(encoded) for encoded in crls]
    parsed_ocsps = [parse_ocsp(encoded) for encoded in ocsps]
    return Material(
        tuple(dict.fromkeys(crl for crl in parsed_crls if crl)),
        tuple(dict.fromkeys(ocsp for ocsp in parsed_ocsps if ocsp)),
        parsed_crls.count(None) + parsed_ocsps.count(None),
    )


def mentioned(certificate: X509, issuer: X509, data: Material) -> bool:
    """Whether any of the data is about the certificate, rightly signed or not."""
    return any(ocsp.entry(certificate, issuer) for ocsp in data.ocsps) or any(
        crl.applies_to(certificate) for crl in data.crls
    )


def entries(certificate: X509, issuer: X509, data: Material, others: tuple[X509, ...], at: datetime) -> list[Entry]:
    """Everything that data published until `at` and rightly signed says of the certificate, newest first."""
    found = []
    for ocsp in data.ocsps:
        entry = ocsp.entry(certificate, issuer)
        if entry is not None and entry.this_update <= at and ocsp.signed_under(issuer, others):
            found.append(entry)
    for crl in data.crls:
        if crl.this_update <= at and crl.applies_to(certificate) and _crl_signer(crl, issuer, others):
            found.append(crl.entry(certificate))
    return sorted(found, key=lambda entry: entry.this_update, reverse=True)


def _crl_signer(crl: Crl, issuer: X509, others: tuple[X509, ...]) -> bool:
    if crl.signed_by(issuer):
        return True
    # After a key change the same authority signs with another key, or one key for certificates and one for CRLs: then
    # its certificate has to come from the same parent, or from the authority's own key (RFC 5280, 6.3.3 (f)).
    return any(
        other.subject_key == issuer.subject_key
        and other.spki != issuer.spki
        and (
            issued_by(other, issuer) or (other.issuer_key == issuer.issuer_key and _same_parent(other, issuer, others))
        )
        and crl.signed_by(other)
        for other in others
    )


def _same_parent(one: X509, two: X509, others: tuple[X509, ...]) -> bool:
    return any(
        parent.subject_key == two.issuer_key and issued_by(one, parent) and issued_by(two, parent) for parent in others
    )
