"""One SignerInfo against the content it signs: digest, signed attributes, signature value (RFC 5652, 5.4 and 5.6).

The same for a document's signature and for a time-stamp token. Nothing here knows about trust, time or policy.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass

from signing_core.policy import Algorithm
from signing_core.verification import cms, der
from signing_core.verification.algorithms import (
    DIGESTS,
    Scheme,
    UnknownAlgorithm,
    digest_name,
    digest_of,
    eddsa_digest,
    scheme,
)
from signing_core.verification.public_keys import RefusedKey, lacks_leading_zero
from signing_core.verification.signature_values import (
    algorithm_of,
    oid_content,
    verify,
    verify_digest,
)
from signing_core.verification.x509_certificates import X509

Note = tuple[str, str]
"""Finding code and what to add to its message."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is signed, hashed only when asked for."""

    digest: Callable[[str], bytes]
    """By digest name; raises `UnknownAlgorithm`."""
    whole: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the cryptography says of one SignerInfo."""

    digest_ok: bool | None
    """The content is what was signed; None when that could not be computed."""
    value_ok: bool | None
    """The signature value fits key and attributes; None when that could not be computed."""
    certificate: X509 | None
    digest_algorithm: str | None
    scheme: Scheme | None
    algorithm: Algorithm | None
    notes: tuple[Note, ...] = ()

    @property
    def intact(self) -> bool | None:
        if self.digest_ok is False or self.value_ok is False:
            return False
        return None if self.digest_ok is None or self.value_ok is None else True


def check(
    structure: cms.Cms,
    signer: cms.SignerInfo,
    content: Content,
    *,
    content_type: str = cms.DATA,
    others: tuple[X509, ...] = (),
) -> Checked:
    """`content_type` is what the content-type attribute has to say; `others` are X.509 certificates from elsewhere."""
    notes: list[Note] = []
    digest_algorithm = None
    chosen: Scheme | None = None
    algorithm: Algorithm | None = None
    digest_ok: bool | None = None
    value_ok: bool | None = None
    certificate = _signing_certificate(structure, signer, others, notes)
    if certificate is not None and lacks_leading_zero(certificate.spki):
        notes.append(("rsa-key-sign", ""))
    try:
        digest_algorithm = _digest_algorithm(signer, notes)
    except UnknownAlgorithm as unknown:
        notes.append(("algorithm-unknown", str(unknown)))
    if digest_algorithm is not None:
        try:
            digest_ok = _digest(signer, content, digest_algorithm, content_type, notes)
            chosen = scheme(signer.signature_algorithm, digest_algorithm)
            if certificate is not None:
                algorithm = algorithm_of(chosen, certificate.spki)
                chosen, value_ok = _value(signer, content, certificate, chosen, digest_algorithm, notes)
        except RefusedKey as refused:
            notes.append(("key-refused", str(refused)))
        except UnknownAlgorithm as unknown:
            notes.append(("algorithm-unknown", str(unknown)))
        except (ValueError, IndexError) as error:
            notes.append(("cms-malformed", str(error)))
    return Checked(digest_ok, value_ok, certificate, digest_algorithm, chosen, algorithm, tuple(notes))


def _digest_algorithm(signer: cms.SignerInfo, notes: list[Note]) -> str:
    if signer.digest_oid not in DIGESTS:
        try:
            # An identifier of a signature algorithm where one of a digest belongs. Some readers guess the digest;
            # others refuse. Both are right to, so it is no ground for either verdict.
            node = der.read(der.encode(der.SEQUENCE, der.encode(der.OID, oid_content(signer.digest_oid))))
            named = scheme(node, None).shown
        except (UnknownAlgorithm, der.DerError):
            named = None
        if named:
            notes.append(("digest-algorithm-malformed", named))
    return digest_name(signer.digest_oid)


def _digest(
    signer: cms.SignerInfo, content: Content, algorithm: str, content_type: str, notes: list[Note]
) -> bool | None:
    if signer.signed is None:
        return True  # the signature value is over the content itself
    ambiguous = signer.signed.ambiguous
    if ambiguous:
        notes.append(("signed-attribute-ambiguous", ", ".join(ambiguous)))
    stated = signer.message_digests
    if not stated:
        notes.append(("message-digest-missing", ""))
        return None
    kind = signer.signed.one(cms.CONTENT_TYPE)
    if kind is None:
        notes.append(("content-type-missing", ""))
    elif der.oid(kind) != content_type:
        notes.append(("content-type-mismatch", der.oid(kind)))
    actual = content.digest(algorithm)
    fits = any(hmac.compare_digest(value, actual) for value in stated)
    return None if fits and ambiguous else fits


def _value(
    signer: cms.SignerInfo, content: Content, certificate: X509, chosen: Scheme, digest: str, notes: list[Note]
) -> tuple[Scheme, bool | None]:
    if chosen.digest is None:
        if digest != eddsa_digest(chosen.name):
            notes.append(("eddsa-digest", digest))
        messages = signer.signed_bytes or (content.whole(),)
        return chosen, any(verify(certificate.spki, chosen, signer.signature, message) for message in messages)
    digests = [digest_of(chosen.digest, (message,)) for message in signer.signed_bytes] or [
        content.digest(chosen.digest)
    ]
    if chosen.digest != digest:
        notes.append(("digest-algorithms-differ", f"{digest} and {chosen.digest}"))
    for index, value in enumerate(digests):
        if verify_digest(certificate.spki, chosen, signer.signature, value):
            if index == 0 and len(digests) > 1:
                notes.append(("signed-attributes-not-der", ""))
            return chosen, True
    return chosen, False


def _signing_certificate(
    structure: cms.Cms, signer: cms.SignerInfo, others: tuple[X509, ...], notes: list[Note]
) -> X509 | None:
    """The X.509 certificate the SignerInfo names, held against the signed ESS attribute (RFC 5035; EN 319 122-1, 5.2.2)."""
    found = [c for c in dict.fromkeys((*structure.certificates, *others)) if signer.identifies(c)]
    if not found:
        notes.append(("signing-certificate-missing", ""))
        return None
    references = _ess(signer)
    if references is None:
        notes.append(("signing-certificate-attribute-malformed", ""))
        return found[0]
    if not references:
        notes.append(("signing-certificate-attribute-missing", ""))
        return found[0]
    name, value, serial = references[0]
    for certificate in found:
        try:
            fits = digest_of(name, (certificate.der,)) == value
        except UnknownAlgorithm:
            notes.append(("signing-certificate-attribute-malformed", ""))
            return found[0]
        if fits:
            if serial is not None and serial != certificate.serial:
                notes.append(("signing-certificate-issuer-serial", ""))
            return certificate
    notes.append(("signing-certificate-mismatch", ""))
    return found[0]


def _ess(signer: cms.SignerInfo) -> list[tuple[str, bytes, int | None]] | None:
    """(digest, hash, serial) of every reference; None when they cannot be read, empty when there are none."""
    if signer.signed is None:
        return []
    result: list[tuple[str, bytes, int | None]] = []
    try:
        for kind in (cms.SIGNING_CERTIFICATE_V2, cms.SIGNING_CERTIFICATE):
            node = signer.signed.one(kind)
            if node is None:
                continue
            default = "sha256" if kind == cms.SIGNING_CERTIFICATE_V2 else "sha1"
            for reference in der.children(der.children(node)[0]):
                parts = der.children(reference)
                name = default
                if parts[0].tag == der.SEQUENCE:
                    name = digest_name(der.oid(der.children(parts[0])[0]))
                    parts = parts[1:]
                serial = None
                if len(parts) > 1:
                    issuer_serial = der.children(parts[1])
                    serial = der.integer(issuer_serial[1])
                result.append((name, der.octets(parts[0]), serial))
            if result:
                return result
    except (ValueError, IndexError, UnknownAlgorithm):
        return None
    return result
