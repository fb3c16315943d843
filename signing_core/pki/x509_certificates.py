"""X.509 certificates as verification needs them (RFC 5280, 4.1): the fields by position, parsed once per process.

Signers' certificates come in every state of repair; one odd extension must not make the rest unreadable.
"""

from __future__ import annotations

import hashlib
import unicodedata
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Final

from signing_core.pki import der
from signing_core.pki.names import decoded_attributes, rfc4514
from signing_core.policy import purposes

_BASIC_CONSTRAINTS: Final = "2.5.29.19"
_KEY_USAGE: Final = "2.5.29.15"
_EXTENDED_KEY_USAGE: Final = "2.5.29.37"
_SUBJECT_KEY_ID: Final = "2.5.29.14"
_AUTHORITY_KEY_ID: Final = "2.5.29.35"
CRL_POINTS: Final = "2.5.29.31"
_POLICIES: Final = "2.5.29.32"
_AUTHORITY_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
_OCSP_METHOD: Final = "1.3.6.1.5.5.7.48.1"
NO_CHECK: Final = "1.3.6.1.5.5.7.48.1.5"
"""id-pkix-ocsp-nocheck (RFC 6960, 4.2.2.2.1)."""
SHORT_TERM: Final = "0.4.0.194121.2.1"
"""ETSI EN 319 412-1, 5.2: ext-etsi-valassured-ST-certs, valid too shortly to be revoked."""

NAME_CONSTRAINTS: Final = "2.5.29.30"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
POLICY_MAPPINGS: Final = "2.5.29.33"
INHIBIT_ANY_POLICY: Final = "2.5.29.54"

OCSP_SIGNING: Final = purposes.OCSP_SIGNING

_PROCESSED: Final = frozenset(
    {
        _BASIC_CONSTRAINTS, _KEY_USAGE, _EXTENDED_KEY_USAGE, _SUBJECT_KEY_ID, _AUTHORITY_KEY_ID, CRL_POINTS, _POLICIES,
        _AUTHORITY_ACCESS, NO_CHECK, SHORT_TERM, NAME_CONSTRAINTS, POLICY_CONSTRAINTS, POLICY_MAPPINGS, INHIBIT_ANY_POLICY,
        "2.5.29.17", "2.5.29.18", "2.5.29.9", "2.5.29.16", "2.5.29.46", "1.3.6.1.5.5.7.1.3", "1.3.6.1.5.5.7.1.11",
    }
)  # fmt: skip
"""Extensions that are understood here, or that restrict nothing that is asked of them (names, qualified statements)."""

_KEPT_SIZE: Final = 16_384
"""Larger certificates are read anew each time: what is kept must not grow with what hostile files bring."""

_DIGITAL_SIGNATURE, _NON_REPUDIATION, _KEY_CERT_SIGN, _CRL_SIGN = 0, 1, 5, 6


class X509:
    """One X.509 certificate. Equal by its bytes. Times are aware, in UTC. Made by `parse`."""

    def __init__(self, encoded: bytes) -> None:
        root = der.read(encoded)
        self.der: Final = root.encoded
        parts = der.members(root, der.SEQUENCE, "the X.509 certificate")
        body = parts[0]
        self.tbs: Final = body.encoded
        self.signature_algorithm: Final = parts[1]
        self.signature: Final = der.bits(parts[2])
        fields = der.members(body, der.SEQUENCE, "the X.509 certificate's body")
        if fields[0].tag == 0xA0:
            self.version = der.integer(der.children(fields[0])[0]) + 1
            fields = fields[1:]
        else:
            self.version = 1
        self.serial: Final = der.integer(fields[0])
        self.serial_encoded: Final = fields[0].encoded
        self.issuer: Final = fields[2].encoded
        validity = der.members(fields[3], der.SEQUENCE, "the validity")
        self.not_before: Final[datetime] = der.time(validity[0])
        self.not_after: Final[datetime] = der.time(validity[1])
        self.subject: Final = fields[4].encoded
        self.spki: Final = fields[5].encoded
        self.key_bits: Final = der.bits(der.members(fields[5], der.SEQUENCE, "the public key")[1])
        """The key without its algorithm: what key identifiers hash."""
        self.extensions, self._repeated = _extensions(fields[6:])
        self.sha256: Final = hashlib.sha256(self.der).digest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, X509) and other.sha256 == self.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return f"X509({self.subject_text!r})"

    @cached_property
    def subject_text(self) -> str:
        return rfc4514(self.subject)

    @cached_property
    def issuer_text(self) -> str:
        return rfc4514(self.issuer)

    @cached_property
    def common_name(self) -> str:
        """The subject's common name, else another name it has, else the whole subject."""
        attributes = decoded_attributes(self.subject)
        for wanted in ("2.5.4.3", "2.5.4.65", "2.5.4.41", "2.5.4.10"):
            if wanted in attributes:
                return attributes[wanted]
        return self.subject_text

    @cached_property
    def subject_key(self) -> bytes:
        return name_key(self.subject)

    @cached_property
    def issuer_key(self) -> bytes:
        return name_key(self.issuer)

    @property
    def self_issued(self) -> bool:
        return self.subject_key == self.issuer_key

    def _extension(self, oid: str) -> der.Node | None:
        value = self.extensions.get(oid)
        if value is None:
            return None
        try:
            return der.read(value[1])
        except der.DerError:
            return None

    @cached_property
    def basic_constraints(self) -> tuple[bool, int | None] | None:
        """(cA, pathLenConstraint), None without the extension; one that cannot be read allows nothing."""
        if _BASIC_CONSTRAINTS not in self.extensions:
            return None
        authority, length = False, None
        try:
            for part in self._parts(_BASIC_CONSTRAINTS):
                if part.tag == 0x01:
                    authority = part.content not in (b"", b"\x00")
                elif part.tag == der.INTEGER:
                    length = der.integer(part)
        except der.DerError:
            return False, None
        return authority, length

    @cached_property
    def key_usage(self) -> frozenset[int] | None:
        """The bits set in keyUsage (RFC 5280, 4.2.1.3), None without the extension; none when it cannot be read."""
        if _KEY_USAGE not in self.extensions:
            return None
        node = self._extension(_KEY_USAGE)
        content = node.content[1:] if node is not None and node.tag == der.BIT_STRING else b""
        return frozenset(i for i in range(len(content) * 8) if content[i // 8] >> (7 - i % 8) & 1)

    @property
    def may_sign_content(self) -> bool:
        """Documents and time-stamp tokens alike."""
        usage = self.key_usage
        return usage is None or _DIGITAL_SIGNATURE in usage or _NON_REPUDIATION in usage

    @property
    def may_sign_certificates(self) -> bool:
        return self.key_usage is None or _KEY_CERT_SIGN in self.key_usage

    @property
    def may_sign_crls(self) -> bool:
        return self.key_usage is None or _CRL_SIGN in self.key_usage

    @cached_property
    def extended_key_usage(self) -> frozenset[str] | None:
        """Purposes by object identifier, None without the extension; none when it cannot be read."""
        if _EXTENDED_KEY_USAGE not in self.extensions:
            return None
        try:
            return frozenset(der.oid(part) for part in self._parts(_EXTENDED_KEY_USAGE))
        except der.DerError:
            return frozenset()

    @property
    def extended_key_usage_critical(self) -> bool:
        return self.extensions.get(_EXTENDED_KEY_USAGE, (False, b""))[0]

    @cached_property
    def subject_key_id(self) -> bytes | None:
        node = self._extension(_SUBJECT_KEY_ID)
        return node.content if node is not None else None

    @cached_property
    def authority_key_id(self) -> bytes | None:
        try:
            return next((part.content for part in self._parts(_AUTHORITY_KEY_ID) if part.tag == 0x80), None)
        except der.DerError:
            return None

    @cached_property
    def policies(self) -> frozenset[str]:
        try:
            return frozenset(der.oid(der.children(part)[0]) for part in self._parts(_POLICIES))
        except (ValueError, IndexError):
            return frozenset()

    @cached_property
    def crl_locations(self) -> tuple[str, ...]:
        """HTTP addresses of CRLs (RFC 5280, 4.2.1.13)."""
        node = self._extension(CRL_POINTS)
        try:
            return () if node is None else tuple(_addresses(node))
        except der.DerError:
            return ()

    @cached_property
    def ocsp_locations(self) -> tuple[str, ...]:
        found = []
        try:
            for part in self._parts(_AUTHORITY_ACCESS):
                entries = der.children(part)
                if len(entries) == 2 and der.oid(entries[0]) == _OCSP_METHOD and entries[1].tag == 0x86:
                    found.append(entries[1].content.decode("latin-1"))
        except der.DerError:
            return ()
        return tuple(address for address in found if address.startswith(("http://", "https://")))

    def _parts(self, oid: str) -> list[der.Node]:
        node = self._extension(oid)
        return [] if node is None else der.children(node)

    @property
    def declares_revocation(self) -> bool:
        """Whether it says where its revocation status is to be had."""
        return CRL_POINTS in self.extensions or bool(self.ocsp_locations)

    @property
    def needs_no_revocation(self) -> bool:
        return NO_CHECK in self.extensions or SHORT_TERM in self.extensions

    @property
    def unknown_critical(self) -> tuple[str, ...]:
        """Critical extensions that are not understood, and any that stand there twice, which readers understand differently: the
        certificate must not be relied on (RFC 5280, 4.2)."""
        strange = (oid for oid, (critical, _) in self.extensions.items() if critical and oid not in _PROCESSED)
        return (*strange, *self._repeated)


def _extensions(fields: list[der.Node]) -> tuple[dict[str, tuple[bool, bytes]], tuple[str, ...]]:
    """(criticality and value by type, types that stand there twice)."""
    result: dict[str, tuple[bool, bytes]] = {}
    repeated = []
    for field in fields:
        if field.tag == 0xA3:
            for entry in der.children(der.children(field)[0]):
                parts = der.children(entry)
                critical = len(parts) == 3 and parts[1].content not in (b"", b"\x00")
                kind = der.oid(parts[0])
                if kind in result:
                    repeated.append(kind)
                result.setdefault(kind, (critical, der.octets(parts[-1])))
    return result, tuple(repeated)


def _addresses(node: der.Node) -> list[str]:
    """Every http(s) GeneralName inside distribution points, however deep."""
    found = []
    for part in der.children(node):
        if part.tag == 0x86:
            text = part.content.decode("latin-1")
            if text.startswith(("http://", "https://")):
                found.append(text)
        elif part.tag & 0x20:
            found += _addresses(part)
    return found


@lru_cache(maxsize=2048)
def name_key(name: bytes) -> bytes:
    """A name prepared for comparison (RFC 5280, 7.1): string types, case and white space do not matter."""
    try:
        key = bytearray()
        for relative in der.children(der.read(name)):
            pairs = []
            for pair in der.children(relative):
                kind, value = der.children(pair)[:2]
                pairs.append(kind.encoded + _prepared(value))
            key += b"\x31" + b"\x00".join(sorted(pairs))
        return bytes(key)
    except (der.DerError, ValueError):
        return name


def _prepared(value: der.Node) -> bytes:
    encoding = {0x0C: "utf-8", 0x13: "latin-1", 0x14: "latin-1", 0x16: "latin-1", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
    if value.tag not in encoding:
        return value.encoded
    text = unicodedata.normalize("NFKC", value.content.decode(encoding[value.tag], "replace"))
    return " ".join(text.casefold().split()).encode()


def parse(encoded: bytes) -> X509 | None:
    """The X.509 certificate in these bytes (DER), None when they are none. The last ones are kept in the process."""
    return _parsed(encoded) if len(encoded) <= _KEPT_SIZE else _parsed.__wrapped__(encoded)


@lru_cache(maxsize=2048)
def _parsed(encoded: bytes) -> X509 | None:
    try:
        return X509(encoded)
    except (der.DerError, ValueError, IndexError):
        return None
