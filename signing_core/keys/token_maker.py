"""Making time-stamp tokens: a CMS SignedData (RFC 5652) around a TSTInfo (RFC 3161, section 2.4.2). No I/O."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.keys import chains, der, oids
from signing_core.keys.interface import SigningKey
from signing_core.keys.rfc3161 import Request

_SIGNATURES: Final = {
    "ecdsa-sha256": ("1.2.840.10045.4.3.2", b""),  # RFC 5758: no parameters
    "rsa-pkcs1v15-sha256": ("1.2.840.113549.1.1.11", der.NULL),  # RFC 4055: NULL
}
_DIGESTS: Final = {
    "sha256": der.object_identifier("2.16.840.1.101.3.4.2.1"),
    "sha384": der.object_identifier("2.16.840.1.101.3.4.2.2"),
    "sha512": der.object_identifier("2.16.840.1.101.3.4.2.3"),
}
_SHA256: Final = der.tlv(der.SEQUENCE, _DIGESTS["sha256"])
_POLICY: Final = der.object_identifier(oids.TIME_STAMP_POLICY)
_SIGNED_DATA: Final = der.object_identifier("1.2.840.113549.1.7.2")
_TST_INFO: Final = der.object_identifier("1.2.840.113549.1.9.16.1.4")
_CONTENT_TYPE: Final = der.object_identifier("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST: Final = der.object_identifier("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2: Final = der.object_identifier("1.2.840.113549.1.9.16.2.47")


class TokenMaker:
    """Makes tokens with one key. What never changes from token to token is encoded once."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        encoded = key.certificate.public_bytes(Encoding.DER)
        # The root is left out: whoever trusts it has it.
        issuers = [c.public_bytes(Encoding.DER) for c in key.chain if not chains.self_issued(c)]
        self._certificates = der.set_of(0xA0, encoded, *issuers)
        issuer, serial = key.certificate.issuer.public_bytes(), der.integer(key.certificate.serial_number)
        self._signer_id = der.tlv(der.SEQUENCE, issuer, serial)
        self._authority_name = der.context(0, der.context(4, key.certificate.subject.public_bytes()))
        self._content_type = _attribute(_CONTENT_TYPE, _TST_INFO)
        # ESSCertIDv2 (RFC 5816): SHA-256 is the default and therefore not written.
        issuer_serial = der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, der.context(4, issuer)), serial)
        fingerprint = der.tlv(der.OCTET_STRING, hashlib.sha256(encoded).digest())
        cert_id = der.tlv(der.SEQUENCE, fingerprint, issuer_serial)
        self._ess = _attribute(_SIGNING_CERTIFICATE_V2, der.tlv(der.SEQUENCE, der.tlv(der.SEQUENCE, cert_id)))
        oid, parameters = _SIGNATURES[key.mechanism]
        self._signature_algorithm = der.tlv(der.SEQUENCE, der.object_identifier(oid), parameters)

    def make(self, request: Request, *, at: datetime, accuracy_seconds: int) -> bytes:
        """A DER TimeStampToken. `at` is kept to the millisecond."""
        info = der.tlv(
            der.SEQUENCE,
            der.integer(1),
            _POLICY,
            der.tlv(
                der.SEQUENCE,
                der.tlv(der.SEQUENCE, _DIGESTS[request.algorithm]),
                der.tlv(der.OCTET_STRING, request.imprint),
            ),
            der.integer(secrets.randbits(120) | 1 << 120),
            der.generalized_time(at),
            der.tlv(der.SEQUENCE, der.integer(accuracy_seconds)),
            b"" if request.nonce is None else der.integer(request.nonce),
            self._authority_name,
        )
        digest = _attribute(_MESSAGE_DIGEST, der.tlv(der.OCTET_STRING, hashlib.sha256(info).digest()))
        attributes = (self._content_type, digest, self._ess)
        signature = self._key.sign(der.set_of(der.SET, *attributes))  # as a SET, however it is tagged inside
        signer = der.tlv(
            der.SEQUENCE,
            der.integer(1),
            self._signer_id,
            _SHA256,
            der.set_of(0xA0, *attributes),
            self._signature_algorithm,
            der.tlv(der.OCTET_STRING, signature),
        )
        signed_data = der.tlv(
            der.SEQUENCE,
            der.integer(3),
            der.tlv(der.SET, _SHA256),
            der.tlv(der.SEQUENCE, _TST_INFO, der.context(0, der.tlv(der.OCTET_STRING, info))),
            self._certificates if request.include_certificates else b"",
            der.tlv(der.SET, signer),
        )
        return der.tlv(der.SEQUENCE, _SIGNED_DATA, der.context(0, signed_data))


def _attribute(kind: bytes, value: bytes) -> bytes:
    return der.tlv(der.SEQUENCE, kind, der.tlv(der.SET, value))
