"""The CMS structure of a signature (RFC 5652), read without judging it.

What a PDF holds in /Contents is padded with zeros, may hold several SignerInfos, and carries certificates, CRLs and
time-stamps in places that differ from profile to profile. Everything found is kept; what is odd is listed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from signing_core.pki import der
from signing_core.pki.x509_certificates import X509, name_key
from signing_core.pki.x509_certificates import parse as parse_x509

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"

CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
CONTENT_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.20"
SIGNATURE_TIME_STAMP: Final = "1.2.840.113549.1.9.16.2.14"
ADOBE_REVOCATION: Final = "1.2.840.113583.1.1.8"

SINGLE_VALUED: Final = {
    CONTENT_TYPE: "content type",  # RFC 5652, 11.1
    MESSAGE_DIGEST: "message digest",  # RFC 5652, 11.2
    SIGNING_TIME: "signing time",  # RFC 5652, 11.3
    SIGNING_CERTIFICATE: "signing certificate",  # RFC 2634 as RFC 5035 has it, 5.4.2
    SIGNING_CERTIFICATE_V2: "signing certificate v2",  # RFC 5035, 5.4.1
    "1.2.840.113549.1.9.16.2.15": "signature policy",  # RFC 5126, 5.8.1
    "1.2.840.113549.1.9.52": "algorithm protection",  # RFC 6211, 2
}
"""Signed attributes that a SignerInfo may have once only, with exactly one value. Readers differ in which they take."""


@dataclass(frozen=True)
class Attributes:
    """Signed or unsigned attributes by type; every value as it stands."""

    values: dict[str, list[der.Node]]
    repeated: tuple[str, ...] = ()
    """Types that occur as more than one Attribute."""

    @property
    def ambiguous(self) -> tuple[str, ...]:
        """Names of those that have to have exactly one value, and have none, several, or stand there twice."""
        return tuple(
            name
            for kind, name in SINGLE_VALUED.items()
            if kind in self.values and (len(self.values[kind]) != 1 or kind in self.repeated)
        )

    def one(self, oid: str) -> der.Node | None:
        found = self.values.get(oid)
        return found[0] if found else None

    def __contains__(self, oid: str) -> bool:
        return oid in self.values


@dataclass(frozen=True)
class SignerInfo:
    """RFC 5652, section 5.3."""

    issuer: bytes | None
    serial: int | None
    key_id: bytes | None
    digest_oid: str
    signature_algorithm: der.Node
    signature: bytes
    signed: Attributes | None
    signed_bytes: tuple[bytes, ...]
    """What the signature value is over when there are signed attributes: as they stand, then sorted as DER wants it if
    that is not the same. Empty without signed attributes: then it is over the content itself."""
    unsigned: Attributes

    def identifies(self, certificate: X509) -> bool:
        if self.key_id is not None:
            return certificate.subject_key_id == self.key_id
        return (
            self.serial == certificate.serial
            and self.issuer is not None
            and (self.issuer == certificate.issuer or name_key(self.issuer) == certificate.issuer_key)
        )

    @cached_property
    def claimed_time(self) -> datetime | None:
        """The signing-time attribute."""
        node = self.signed.one(SIGNING_TIME) if self.signed else None
        try:
            return der.time(node) if node else None
        except der.DerError:
            return None

    @property
    def message_digests(self) -> list[bytes]:
        return [der.octets(node) for node in self.signed.values.get(MESSAGE_DIGEST, ())] if self.signed else []

    @property
    def time_stamps(self) -> list[bytes]:
        return [node.encoded for node in self.unsigned.values.get(SIGNATURE_TIME_STAMP, ())]

    @property
    def content_time_stamps(self) -> list[bytes]:
        return [node.encoded for node in self.signed.values.get(CONTENT_TIME_STAMP, ())] if self.signed else []


@dataclass(frozen=True)
class Cms:
    """A SignedData. `content` None when it is detached."""

    content_type: str
    content: bytes | None
    certificates: tuple[X509, ...]
    crls: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    signers: tuple[SignerInfo, ...]
    unreadable_certificates: int = 0
    trailing: int = 0
    """Octets after the structure that are not zero."""


def parse(contents: bytes) -> Cms:
    """Read a ContentInfo holding SignedData. Raises `DerError` saying what it is instead."""
    root = der.read(contents)
    parts = der.members(root, der.SEQUENCE, "the CMS structure")
    if len(parts) < 2 or parts[0].tag != der.OID:
        raise der.DerError("there is no CMS structure")
    kind = der.oid(parts[0])
    if kind != SIGNED_DATA:
        raise der.DerError(f"the CMS structure holds {kind} instead of SignedData")
    fields = iter(der.members(der.children(parts[1])[0], der.SEQUENCE, "the SignedData"))
    try:
        next(fields)  # version
        next(fields)  # digestAlgorithms
        encapsulated = der.members(next(fields), der.SEQUENCE, "the encapsulated content")
    except StopIteration:
        raise der.DerError("the SignedData is cut off") from None
    return _rest(contents, root, encapsulated, fields)


def _rest(contents: bytes, root: der.Node, encapsulated: list[der.Node], fields: Iterator[der.Node]) -> Cms:
    content = None
    if len(encapsulated) > 1:
        inner = der.children(encapsulated[1])
        if inner:
            # PKCS #7 allowed any type here; RFC 5652 an OCTET STRING only.
            content = der.octets(inner[0]) if inner[0].tag in (der.OCTET_STRING, 0x24) else inner[0].content
    certificates: list[X509] = []
    unreadable = 0
    crls: list[bytes] = []
    ocsps: list[bytes] = []
    signers: tuple[SignerInfo, ...] = ()
    for part in fields:
        if part.tag == 0xA0:
            for entry in der.children(part):
                certificate = parse_x509(entry.encoded) if entry.tag == der.SEQUENCE else None
                if certificate:
                    certificates.append(certificate)
                else:
                    unreadable += 1
        elif part.tag == 0xA1:
            for entry in der.children(part):
                if entry.tag == der.SEQUENCE:
                    crls.append(entry.encoded)
                elif entry.tag == 0xA1:  # OtherRevocationInfoFormat: OCSP (RFC 5940)
                    ocsps += [node.encoded for node in der.children(entry)[1:2]]
        elif part.tag == der.SET:
            signers = tuple(_signer(entry) for entry in der.children(part))
    for signer in signers:
        for source in (signer.signed, signer.unsigned):
            node = source.one(ADOBE_REVOCATION) if source else None
            if node:
                _adobe_revocation(node, crls, ocsps)
    return Cms(
        content_type=der.oid(encapsulated[0]),
        content=content,
        certificates=tuple(certificates),
        crls=tuple(crls),
        ocsps=tuple(ocsps),
        signers=signers,
        unreadable_certificates=unreadable,
        trailing=len(contents[root.end :].strip(b"\x00")),
    )


def _signer(node: der.Node) -> SignerInfo:
    fields = der.members(node, der.SEQUENCE, "a SignerInfo")
    if len(fields) < 5:
        raise der.DerError("a SignerInfo is cut off")
    identifier = fields[1]
    issuer = serial = key_id = None
    if identifier.tag == der.SEQUENCE:
        name, number = der.pair(identifier, "the issuer and serial number")
        issuer, serial = name.encoded, der.integer(number)
    else:
        key_id = identifier.content if identifier.tag == 0x80 else der.octets(der.children(identifier)[0])
    digest = der.members(fields[2], der.SEQUENCE, "the digest algorithm")
    rest = fields[3:]
    signed: Attributes | None = None
    signed_bytes: tuple[bytes, ...] = ()
    if rest[0].tag == 0xA0:
        signed = _attributes(rest[0])
        signed_bytes = _signed_bytes(rest[0])
        rest = rest[1:]
    if len(rest) < 2:
        raise der.DerError("a SignerInfo is cut off")
    unsigned = _attributes(rest[2]) if len(rest) > 2 and rest[2].tag == 0xA1 else Attributes({})
    return SignerInfo(
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest_oid=der.oid(digest[0]),
        signature_algorithm=rest[0],
        signature=der.octets(rest[1]),
        signed=signed,
        signed_bytes=signed_bytes,
        unsigned=unsigned,
    )


def _attributes(node: der.Node) -> Attributes:
    values: dict[str, list[der.Node]] = {}
    repeated = []
    for attribute in der.children(node):
        parts = der.members(attribute, der.SEQUENCE, "an attribute")
        kind = der.oid(parts[0])
        if kind in values:
            repeated.append(kind)
        values.setdefault(kind, []).extend(der.members(parts[1], der.SET, "an attribute's values"))
    return Attributes(values, tuple(repeated))


def _signed_bytes(node: der.Node) -> tuple[bytes, ...]:
    """The signature is over the DER encoding with the tag SET OF (RFC 5652, 5.4); many sign what they wrote instead."""
    pieces = [child.encoded for child in der.children(node)]
    as_written = der.encode(der.SET, b"".join(pieces))
    by_der = der.encode(der.SET, b"".join(sorted(pieces)))
    return (as_written,) if as_written == by_der else (as_written, by_der)


def _adobe_revocation(node: der.Node, crls: list[bytes], ocsps: list[bytes]) -> None:
    """RevocationInfoArchival: [0] CRLs, [1] OCSP responses, [2] others (ISO 32000-2, 12.8.3.3.2)."""
    try:
        for part in der.children(node):
            entries = [entry.encoded for child in der.children(part) for entry in der.children(child)]
            if part.tag == 0xA0:
                crls += entries
            elif part.tag == 0xA1:
                ocsps += entries
    except der.DerError:
        return
