"""The QR payload: a COSE_Sign1 (RFC 9052, section 4.2) with Ed25519 over CWT claims (RFC 8392), under 200 bytes.

::

    COSE_Sign1 = 18([ << {1: -8, 4: kid} >>, {}, << claims >>, signature ])
    claims     = { 1: issuer, 6: issued-at, 7: certificate id, -65537: evidence }
    evidence   = [ document id, prefix SHA-256, prefix length, signers, sequence ]

`kid` is the first 8 bytes of the SHA-256 of the key's DER SubjectPublicKeyInfo. Identifiers are ULIDs: 26 characters
outside, 16 bytes inside. What is ours alone stands in one private-use claim, since a private-use key costs 5 bytes and
every byte makes the modules smaller. It is printed as ``HTTPS://HOST/V/`` and base32 (RFC 4648, section 6) without
padding, which a QR code holds in alphanumeric mode.

There is exactly one byte string for one set of claims (RFC 8949, section 4.2.1), and anything else is refused: what
decodes is encoded again and compared, so trailing bytes, doubled keys, long forms and other tags cannot pass.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core.errors import UsageError

if TYPE_CHECKING:
    from signing_core.keys.interface import StatementKey

MAX_PAYLOAD: Final = 199
"""Bytes. A longer payload is neither written nor read."""

MAX_ISSUER: Final = 19
"""Bytes of the issuer's name: what is left of `MAX_PAYLOAD` for files under 4 GiB and logs under 2**32 events."""

_ISSUER, _ISSUED_AT, _CERTIFICATE_ID, _EVIDENCE = 1, 6, 7, -65537
_ALGORITHM, _KID, _EDDSA = 1, 4, -8
_TAG = 18
_START = b"\xd2\x84"  # tag 18, array of four: how every COSE_Sign1 of ours begins
_CONTEXT = "Signature1"
_CUT = "…"
_MAX_TIME = 253_402_300_799  # 9999-12-31T23:59:59Z
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TEXT = re.compile(r"HTTPS://([A-Z0-9.\-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-F:]{2,45}\](?::[0-9]{1,5})?)/V/([A-Z2-7]+)/?")
_MAX_TEXT = 2048


@dataclass(frozen=True, slots=True)
class QrClaims:
    """What the QR code states about one sealed document. No personal data."""

    issuer: str
    """Who states it, 1 to 19 bytes of UTF-8: the host of the public pages as `issuer_of` gives it."""
    issued_at: datetime
    """Aware, whole seconds."""
    certificate_id: str
    """ULID of the authenticity certificate."""
    document_id: str
    """ULID of the document."""
    prefix_sha256: bytes
    """SHA-256, 32 bytes, of the file as the client signed it, which is a byte prefix of the sealed file."""
    prefix_length: int
    """Its length in bytes."""
    signers: int
    """How many parties signed."""
    sequence: int
    """Sequence number of the client's signing event in the audit log, from 0."""


class QrStatus(StrEnum):
    VALID = "valid"
    """Signed by one of the given keys, and well formed."""
    INVALID = "invalid"
    """Made like one of ours, but malformed or not signed by the key it names."""
    UNKNOWN_KEY = "unknown-key"
    """Well formed, signed with a key that was not given: neither true nor false can be said."""
    FOREIGN = "foreign"
    """Not a payload of this design."""


@dataclass(frozen=True, slots=True)
class QrVerdict:
    status: QrStatus
    reason: str
    """Stable code: `ok`, `not-a-payload`, `too-long`, `malformed`, `not-canonical`, `algorithm`, `signature`, `unknown-key`."""
    claims: QrClaims | None = None
    """As read; proven only when `status` is valid."""
    key_id: bytes | None = None
    """The 8 bytes of `kid`, as read."""


@dataclass(frozen=True, slots=True)
class QrText:
    """A QR code's text taken apart. The signature covers `payload`, not `host`: anyone can print it behind another host."""

    host: str
    """Lower case, with the port where there is one."""
    payload: bytes


class _Malformed(Exception):
    pass


def issuer_of(host: str) -> str:
    """The issuer's name for a host: the host itself, or where it is longer than `MAX_ISSUER`, "…" and 80 bits of its SHA-256.

    Never a part of it: whoever registers another name with that part would pass for the issuer.
    """
    host = host.lower()
    if len(host.encode()) <= MAX_ISSUER:
        return host
    return _CUT + base64.b32encode(sha256(host.encode()).digest()[:10]).decode("ascii").lower()


def belongs(host: str, issuer: str) -> bool:
    """Whether a printed host is the one that the issuer's name stands for."""
    return issuer_of(host) == issuer.lower()


def key_id(public_key: Ed25519PublicKey) -> bytes:
    """The COSE `kid`: the first 8 bytes of the SHA-256 of the DER SubjectPublicKeyInfo (RFC 5280, section 4.1)."""
    return sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:8]


def sign(claims: QrClaims, key: StatementKey) -> bytes:
    """The payload: deterministic CBOR, and deterministic as a whole, since Ed25519 is (RFC 8032).

    Raises `UsageError` when a claim is out of its range or the payload would be longer than `MAX_PAYLOAD`.
    """
    try:
        body = cbor2.dumps(_claims_map(claims), canonical=True)
    except _Malformed as problem:
        raise UsageError(f"The QR code of document {claims.document_id} cannot be made: {problem}.") from None
    protected = _protected(key.key_id)
    payload = _encode(protected, body, key.sign(_to_be_signed(protected, body)))
    if len(payload) > MAX_PAYLOAD:
        raise UsageError(
            f"The QR payload of document {claims.document_id} would take {len(payload)} bytes of {MAX_PAYLOAD}; "
            "give the issuer a shorter name."
        )
    return payload


def to_url(payload: bytes, host: str) -> str:
    """`HTTPS://HOST/V/...`, upper case throughout. Raises `UsageError` for a host that alphanumeric mode cannot hold."""
    text = f"HTTPS://{host}/V/{base64.b32encode(payload).decode('ascii').rstrip('=')}".upper()
    if _TEXT.fullmatch(text) is None:
        raise UsageError(
            f"{host!r} is not a host name for the QR code; give the public host, such as sign.example.com."
        )
    return text


def parse_text(text: str) -> QrText | None:
    """Take a text apart that a QR code or a person gave: any host, any case, white space anywhere. None if it is not of our form."""
    if len(text) > _MAX_TEXT:
        return None
    found = _TEXT.fullmatch("".join(text.split()).upper()) if text.isascii() else None
    if found is None:
        return None
    encoded = found[2]
    try:
        payload = base64.b32decode(encoded + "=" * (-len(encoded) % 8))
    except ValueError:
        return None
    # Bits left over must be zero, else many texts would stand for one payload.
    if base64.b32encode(payload).decode("ascii").rstrip("=") != encoded:
        return None
    return QrText(found[1].lower(), payload)


def from_text(text: str) -> bytes | None:
    """The payload in a QR code's text, whatever the host; None when the text is not of our form."""
    parsed = parse_text(text)
    return parsed.payload if parsed else None


def verify(payload: bytes, public_keys: Iterable[Ed25519PublicKey]) -> QrVerdict:
    """Judge a payload. Never raises, whatever the bytes are.

    The steps, in this order: (1) is it a COSE_Sign1 at all, (2) is it short enough, (3) is every part there, of its type
    and in its one encoding, (4) is the key that it names among the given ones, (5) does the signature verify (RFC 9052,
    section 4.4).
    """
    if not payload.startswith(_START):
        return QrVerdict(QrStatus.FOREIGN, "not-a-payload")
    if len(payload) > MAX_PAYLOAD:
        return QrVerdict(QrStatus.INVALID, "too-long")
    try:
        protected, body, signature = _decode(payload)
        algorithm, kid = _decode_protected(protected)
        claims = _decode_claims(body)
        canonical = _encode(protected, body, signature)
    except _Malformed as problem:
        return QrVerdict(QrStatus.INVALID, str(problem))
    if canonical != payload:
        return QrVerdict(QrStatus.INVALID, "not-canonical")
    if algorithm != _EDDSA:
        return QrVerdict(QrStatus.INVALID, "algorithm", claims, kid)
    candidates = [key for key in public_keys if key_id(key) == kid]
    if not candidates:
        return QrVerdict(QrStatus.UNKNOWN_KEY, "unknown-key", claims, kid)
    for key in candidates:
        try:
            key.verify(signature, _to_be_signed(protected, body))
        except InvalidSignature:
            continue
        return QrVerdict(QrStatus.VALID, "ok", claims, kid)
    return QrVerdict(QrStatus.INVALID, "signature", claims, kid)


def _protected(kid: bytes) -> bytes:
    return cbor2.dumps({_ALGORITHM: _EDDSA, _KID: kid}, canonical=True)


def _to_be_signed(protected: bytes, body: bytes) -> bytes:
    """Sig_structure (RFC 9052, section 4.4), without external data."""
    return cbor2.dumps([_CONTEXT, protected, b"", body], canonical=True)


def _encode(protected: bytes, body: bytes, signature: bytes) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(_TAG, [protected, {}, body, signature]), canonical=True)


def _loads(data: bytes) -> Any:
    try:
        return cbor2.loads(data)
    except Exception:
        # cbor2 also interprets tags (dates, fractions, patterns), and what that raises is not all its own.
        raise _Malformed("malformed") from None


def _decode(payload: bytes) -> tuple[bytes, bytes, bytes]:
    tagged = _loads(payload)
    if not isinstance(tagged, cbor2.CBORTag) or tagged.tag != _TAG:
        raise _Malformed("malformed")
    parts = tagged.value
    if not isinstance(parts, list) or len(parts) != 4:
        raise _Malformed("malformed")
    protected, unprotected, body, signature = parts
    if not (type(protected) is bytes and unprotected == {} and type(body) is bytes and type(signature) is bytes):
        raise _Malformed("malformed")
    if len(signature) != 64:
        raise _Malformed("malformed")
    return protected, body, signature


def _decode_protected(data: bytes) -> tuple[int, bytes]:
    header = _loads(data)
    if not isinstance(header, dict) or header.keys() != {_ALGORITHM, _KID}:
        raise _Malformed("malformed")
    algorithm, kid = header[_ALGORITHM], header[_KID]
    if type(algorithm) is not int or type(kid) is not bytes or len(kid) != 8:
        raise _Malformed("malformed")
    if cbor2.dumps({_ALGORITHM: algorithm, _KID: kid}, canonical=True) != data:
        raise _Malformed("not-canonical")
    return algorithm, kid


def _decode_claims(data: bytes) -> QrClaims:
    claims = _loads(data)
    if not isinstance(claims, dict) or claims.keys() != {_ISSUER, _ISSUED_AT, _CERTIFICATE_ID, _EVIDENCE}:
        raise _Malformed("malformed")
    evidence = claims[_EVIDENCE]
    if not isinstance(evidence, list) or len(evidence) != 5:
        raise _Malformed("malformed")
    document_id, prefix_sha256, prefix_length, signers, sequence = evidence
    issued_at = claims[_ISSUED_AT]
    if type(issued_at) is not int or not 0 <= issued_at <= _MAX_TIME:
        raise _Malformed("malformed")
    read = QrClaims(
        issuer=claims[_ISSUER],
        issued_at=datetime.fromtimestamp(issued_at, UTC),
        certificate_id=_ulid_text(claims[_CERTIFICATE_ID]),
        document_id=_ulid_text(document_id),
        prefix_sha256=prefix_sha256,
        prefix_length=prefix_length,
        signers=signers,
        sequence=sequence,
    )
    try:
        again = cbor2.dumps(_claims_map(read), canonical=True)
    except _Malformed:
        raise _Malformed("malformed") from None
    if again != data:
        raise _Malformed("not-canonical")
    return read


def _claims_map(claims: QrClaims) -> dict[int, Any]:
    """The CWT claims map, each value checked for its type and range; `_Malformed` says in words which is unfit."""
    issuer = claims.issuer
    if type(issuer) is not str or not issuer.isprintable() or not 1 <= len(issuer.encode()) <= MAX_ISSUER:
        raise _Malformed(f"the issuer's name must be 1 to {MAX_ISSUER} bytes of printable text")
    if claims.issued_at.tzinfo is None or not 0 <= claims.issued_at.timestamp() <= _MAX_TIME:
        raise _Malformed("the time of issue must have an offset and lie after 1970")
    if type(claims.prefix_sha256) is not bytes or len(claims.prefix_sha256) != 32:
        raise _Malformed("the SHA-256 of the signed revision must be 32 bytes")
    for name, value, low, high in (
        ("length of the signed revision", claims.prefix_length, 1, 2**63 - 1),
        ("number of signers", claims.signers, 1, 255),
        ("sequence number", claims.sequence, 0, 2**63 - 1),
    ):
        if type(value) is not int or not low <= value <= high:
            raise _Malformed(f"the {name} is out of range")
    evidence = [
        _ulid_bytes(claims.document_id),
        claims.prefix_sha256,
        claims.prefix_length,
        claims.signers,
        claims.sequence,
    ]
    return {
        _ISSUER: issuer,
        _ISSUED_AT: int(claims.issued_at.timestamp()),
        _CERTIFICATE_ID: _ulid_bytes(claims.certificate_id),
        _EVIDENCE: evidence,
    }


def _ulid_bytes(text: str) -> bytes:
    if len(text) != 26 or text[0] > "7" or any(c not in _CROCKFORD for c in text):
        raise _Malformed(f"{text!r} is not a ULID, 26 characters in upper case")
    number = 0
    for character in text:
        number = number << 5 | _CROCKFORD.index(character)
    return number.to_bytes(16, "big")


def _ulid_text(data: Any) -> str:
    if type(data) is not bytes or len(data) != 16:
        raise _Malformed("malformed")
    number = int.from_bytes(data, "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
