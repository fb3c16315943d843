"""OCSP responses (RFC 6960)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from signing_core.pki import der
from signing_core.pki.x509_certificates import OCSP_SIGNING, X509, name_key
from signing_core.pki.x509_certificates import parse as parse_x509
from signing_core.verification.algorithms import UnknownAlgorithm, digest_name, digest_of
from signing_core.verification.issuer_signatures import issued_by, signed
from signing_core.verification.revocation_entry import Entry, reason

_ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
_BASIC_OCSP: Final = "1.3.6.1.5.5.7.48.1.1"
_KEPT_SIZE: Final = 65_536
"""Larger ones are read anew for each document: that costs microseconds, keeping them megabytes."""


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
        inner = der.children(body[0])[0]
        self._by_name = body[0].tag == 0xA1
        self._responder = name_key(inner.encoded) if self._by_name else der.octets(inner)
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
        revoked_at, why = None, ""
        if status.tag == 0xA1:
            details = der.children(status)
            revoked_at = der.time(details[0])
            if len(details) > 1:
                number = der.integer(der.children(details[1])[0])
                why = reason(number)
        entry = Entry("OCSP", der.time(this_update), next_update, revoked_at, why, cutoff)
        return _Single(
            digest_name(der.oid(der.children(algorithm)[0])),
            der.octets(name_hash),
            der.octets(key_hash),
            der.integer(serial),
            None if status.tag & 0x1F == 2 else entry,
        )

    def entries(self, certificate: X509, issuer: X509) -> list[Entry]:
        """All that it says of the certificate; nothing by a hash that cannot be computed here."""
        return [
            single.entry
            for single in self.singles
            if single.entry is not None and single.serial == certificate.serial and _means(single, certificate, issuer)
        ]

    def signed_under(self, certificate: X509, issuer: X509, others: Iterable[X509]) -> X509 | None:
        """Whose X.509 certificate it is signed with, when that may speak for `issuer`, else None.

        That is the issuer's own, or one that the issuer itself made for signing OCSP responses (RFC 6960, 4.2.2.2); never
        one with the key of the certificate in question.
        """
        for candidate in dict.fromkeys((issuer, *self.certificates, *others)):
            if (
                self._names(candidate)
                and (candidate.spki == issuer.spki or self._delegated(candidate, certificate, issuer))
                and signed(self.tbs, self.signature_algorithm.encoded, self.signature, candidate)
            ):
                return candidate
        return None

    def _delegated(self, candidate: X509, certificate: X509, issuer: X509) -> bool:
        return (
            candidate.spki != certificate.spki
            and candidate.extended_key_usage is not None
            and OCSP_SIGNING in candidate.extended_key_usage
            and candidate.may_sign_content
            and not candidate.unknown_critical
            and candidate.not_before <= self.produced_at <= candidate.not_after
            and candidate.issuer_key == issuer.subject_key
            and issued_by(candidate, issuer)
        )

    def _names(self, candidate: X509) -> bool:
        if self._by_name:
            return self._responder == candidate.subject_key
        return self._responder == digest_of("sha1", (candidate.key_bits,))


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


def parse_ocsp(encoded: bytes) -> Ocsp | None:
    """The OCSP response in these bytes (DER), None when they are none."""
    return _parsed(encoded) if len(encoded) <= _KEPT_SIZE else _parsed.__wrapped__(encoded)


@lru_cache(maxsize=512)
def _parsed(encoded: bytes) -> Ocsp | None:
    try:
        return Ocsp(encoded)
    except (ValueError, IndexError, UnknownAlgorithm):
        return None
