"""One SignerInfo against the content it signs: digest, signed attributes, signature value (RFC 5652, 5.4 and 5.6).

The same for a document's signature and for a time-stamp token. Nothing here knows about trust, time or policy.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.policy import Algorithm
from signing_core.policy.cut_offs import shown
from signing_core.verification import cms
from signing_core.verification.algorithms import (
    DIGESTS,
    IDENTIFY_NOTHING,
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
    """The content is what was signed; None when that could not be computed, or when a digest that fits says nothing."""
    value_ok: bool | None
    """The signature value fits key and attributes; None when that could not be computed."""
    certificate: X509 | None
    digest_algorithm: str | None
    scheme: Scheme | None
    algorithm: Algorithm | None
    notes: tuple[Note, ...] = ()
    reference_digest: str | None = None
    """Of the signed attribute that names the X.509 certificate; None without one."""

    @property
    def intact(self) -> bool | None:
        if self.digest_ok is False or self.value_ok is False:
            return False
        if self.digest_ok is None or self.value_ok is None or any(code in _LEAVE_OPEN for code, _ in self.notes):
            return None
        return True

    @property
    def named(self) -> bool:
        """Whether something signed says which X.509 certificate it was made with."""
        return self.reference_digest is not None and not any(code in _NOT_NAMED for code, _ in self.notes)


_LEAVE_OPEN: Final = frozenset({"content-type-mismatch", "digest-algorithm-malformed"})
"""What makes it unclear what was signed although all values fit."""
_NOT_NAMED: Final = frozenset({"signing-certificate-attribute-malformed", "signing-certificate-mismatch"})


def unidentified(digest: str | None, fits: bool | None, notes: list[Note]) -> bool | None:
    """`fits`, unless it says nothing because of the digest that it was found with."""
    if not fits or digest not in IDENTIFY_NOTHING:
        return fits
    notes.append(("digest-broken", shown(digest)))
    return None


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
    certificate, reference = _signing_certificate(structure, signer, others, notes)
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
            for used in dict.fromkeys((digest_algorithm, chosen.digest)):
                digest_ok = unidentified(used, digest_ok, notes)
        except RefusedKey as refused:
            notes.append(("key-refused", str(refused)))
        except UnknownAlgorithm as unknown:
            notes.append(("algorithm-unknown", str(unknown)))
        except (ValueError, IndexError) as error:
            notes.append(("cms-malformed", str(error)))
    return Checked(digest_ok, value_ok, certificate, digest_algorithm, chosen, algorithm, tuple(notes), reference)


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
) -> tuple[X509 | None, str | None]:
    """(the X.509 certificate the SignerInfo names, the digest by which the signed ESS attribute does so).

    RFC 5035; EN 319 122-1, 5.2.2. Where both versions of the attribute are there, both have to fit.
    """
    found = [c for c in dict.fromkeys((*structure.certificates, *others)) if signer.identifies(c)]
    if not found:
        notes.append(("signing-certificate-missing", ""))
        return None, None
    try:
        references = _references(signer)
    except (ValueError, IndexError, UnknownAlgorithm):
        notes.append(("signing-certificate-attribute-malformed", ""))
        return found[0], None
    if not references:
        notes.append(("signing-certificate-attribute-missing", ""))
        alike = [c for c in (*structure.certificates, *others) if c.key_bits == found[0].key_bits and c != found[0]]
        if alike:
            notes.append(("signing-certificate-ambiguous", " / ".join((found[0].subject_text, alike[0].subject_text))))
        return found[0], None
    weakest = next((r.digest for r in references if r.digest in IDENTIFY_NOTHING), references[0].digest)
    try:
        fitting = [c for c in found if all(digest_of(r.digest, (c.der,)) == r.value for r in references)]
    except UnknownAlgorithm:
        notes.append(("signing-certificate-attribute-malformed", ""))
        return found[0], weakest
    if not fitting:
        notes.append(("signing-certificate-mismatch", ""))
        return found[0], weakest
    if any(r.serial is not None and r.serial != fitting[0].serial for r in references):
        notes.append(("signing-certificate-issuer-serial", ""))
    return fitting[0], weakest


@dataclass(frozen=True, slots=True)
class _Reference:
    """The first ESSCertID or ESSCertIDv2 of an attribute: the signer's. Those after it restrict the path."""

    digest: str
    value: bytes
    serial: int | None


def _references(signer: cms.SignerInfo) -> list[_Reference]:
    """Version 2 first. Raises `DerError`, `IndexError` and `UnknownAlgorithm` for what cannot be read."""
    result = []
    for kind, name in ((cms.SIGNING_CERTIFICATE_V2, "sha256"), (cms.SIGNING_CERTIFICATE, "sha1")):
        node = signer.signed.one(kind) if signer.signed is not None else None
        if node is None:
            continue
        parts = der.children(der.children(der.children(node)[0])[0])
        if parts[0].tag == der.SEQUENCE:
            name = digest_name(der.oid(der.children(parts[0])[0]))
            parts = parts[1:]
        serial = der.integer(der.children(parts[1])[1]) if len(parts) > 1 else None
        result.append(_Reference(name, der.octets(parts[0]), serial))
    return result
