"""One signature dictionary by itself: its format, what it covers, and what the cryptography says.

The steps of ETSI EN 319 102-1, 5.2, that need neither trust nor time:

(1) format checking (5.2.2): is it a signature of a known /SubFilter, with a CMS structure that can be read;
(2) coverage (ISO 32000-2, 12.8.1): as the structure parser found it;
(3) identification of the signing X.509 certificate (5.2.3);
(4) cryptographic verification (5.2.7): digest, signature value;
(5) its time-stamps: imprint and signature of each token.

What cannot be answered is None with a note, never an exception.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Final

from signing_core.pdf.revisions import SignatureRecord
from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.pki.x509_certificates import parse as parse_x509
from signing_core.policy import Algorithm
from signing_core.verdict import SubIndication
from signing_core.verification import cms, time_stamps
from signing_core.verification.algorithms import DIGESTS, Scheme, UnknownAlgorithm, digest_of
from signing_core.verification.pdf_dates import farthest_off, parse_date
from signing_core.verification.public_keys import RefusedKey
from signing_core.verification.signature_values import algorithm_of, recover
from signing_core.verification.signed_content import Hasher
from signing_core.verification.signers import Checked, Content, Note, check, unidentified
from signing_core.verification.time_stamps import CheckedToken

_PADES: Final = ("ETSI.CAdES.detached", "PBAD.PAdES")
"""ETSI EN 319 142-1, and its profile of ICP-Brasil (DOC-ICP-15.03) under a name of its own. A name is judged when it is known to
mean detached CMS. That a value reads as such does not do: what else a format asks of it would go unasked.
"""
_DETACHED: Final = (*_PADES, "adbe.pkcs7.detached")
_TIME_STAMP: Final = "ETSI.RFC3161"
_KNOWN: Final = (*_DETACHED, "adbe.pkcs7.sha1", "adbe.x509.rsa_sha1", _TIME_STAMP)


@dataclass(frozen=True)
class Examined:
    """Facts about one signature or document time-stamp."""

    record: SignatureRecord
    index: int
    intact: bool | None
    sub_indication: SubIndication | None
    """Why `intact` is not true."""
    structure: cms.Cms | None = None
    signers: tuple[Checked, ...] = ()
    token: CheckedToken | None = None
    """Of a document time-stamp."""
    signature_time_stamps: tuple[CheckedToken, ...] = ()
    content_time_stamps: tuple[CheckedToken, ...] = ()
    signing_time_attribute: datetime | None = None
    content_digests: tuple[str, ...] = ()
    """Digests of what is signed besides those of the SignerInfos: inside of an adbe.pkcs7.sha1 signature, a time-stamp's imprint."""
    notes: tuple[Note, ...] = field(default=())

    @property
    def has_to_name(self) -> bool:
        """Whether its format demands that something signed names the signer's X.509 certificate (EN 319 142-1, 6.3, of CAdES).

        The older PKCS #7 formats do not; time-stamps do, and prove nothing without (`times`).
        """
        return self.record.sub_filter in _PADES

    @property
    def primary(self) -> Checked | None:
        return self.signers[0] if self.signers else None

    @property
    def certificate(self) -> X509 | None:
        """The first SignerInfo's, for naming; `certificates` are those to judge."""
        return self.primary.certificate if self.primary else None

    @property
    def certificates(self) -> tuple[X509, ...]:
        """Of all SignerInfos."""
        return tuple(dict.fromkeys(signer.certificate for signer in self.signers if signer.certificate))

    @property
    def several(self) -> bool:
        """Whether there are several signature values. Some programs write their one SignerInfo twice (PoDoFo)."""
        return self.structure is not None and len({signer.signature for signer in self.structure.signers}) > 1

    @property
    def claimed_time(self) -> datetime | None:
        """/M of the dictionary, else the signing-time attribute; of a document time-stamp its token's time."""
        if self.token is not None and self.token.time is not None:
            return self.token.time
        return parse_date(self.record.time) or self.signing_time_attribute

    @property
    def claimed_give_or_take(self) -> timedelta:
        """How far off `claimed_time` may be without a word of untruth: a date without an offset is local time somewhere."""
        return farthest_off(self.record.time)

    @cached_property
    def ends_at(self) -> int:
        """Where its byte ranges end, in bytes."""
        return max((end for _, end in self.record.digest_ranges), default=0)


def examine(record: SignatureRecord, index: int, hasher: Hasher, others: tuple[X509, ...]) -> Examined:
    """`others` are X.509 certificates from elsewhere (DSS, given ones) for signatures that carry none."""
    examined = _by_format(record, index, hasher, others)
    if examined.intact and any(finding.code == "signature-key-twice" for finding in record.findings):
        return replace(examined, intact=None, sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE)
    return examined


def _by_format(record: SignatureRecord, index: int, hasher: Hasher, others: tuple[X509, ...]) -> Examined:
    if record.placeholder:
        return Examined(record, index, None, SubIndication.CUSTOM, notes=(("signature-placeholder", ""),))
    sub_filter = record.sub_filter
    if record.kind == "document-timestamp" and sub_filter != _TIME_STAMP and sub_filter not in _KNOWN:
        sub_filter = _TIME_STAMP
    if sub_filter not in _KNOWN:
        detail = record.sub_filter or "no /SubFilter"
        return Examined(record, index, None, SubIndication.CUSTOM, notes=(("sub-filter-unknown", detail),))
    content = hasher.content(record.digest_ranges)
    if record.digest_ranges and record.digest_ranges[-1][1] > hasher.size:
        return Examined(record, index, None, SubIndication.SIGNED_DATA_NOT_FOUND, notes=(("byte-range-outside", ""),))
    if not record.digest_ranges:
        # Without byte ranges nothing was signed; what is in /Contents can only be shown.
        content = Content(lambda name: digest_of(name, ()), lambda: b"")
    if sub_filter == "adbe.x509.rsa_sha1":
        return _plain_rsa(record, index, content)
    if sub_filter == _TIME_STAMP:
        return _time_stamp(record, index, content, others)
    return _cms(record, index, content, others)


def _time_stamp(record: SignatureRecord, index: int, content: Content, others: tuple[X509, ...]) -> Examined:
    token = time_stamps.check_token(record.contents, content, others=others, what="the document time-stamp")
    sub = None
    if token.intact is False:
        wrong = any(code == "time-stamp-imprint" for code, _ in token.notes)
        sub = SubIndication.HASH_FAILURE if wrong else SubIndication.SIG_CRYPTO_FAILURE
    elif token.intact is None:
        sub = _why((token.signer,), None, None, token.notes) if token.signer else SubIndication.CUSTOM
    return Examined(
        record,
        index,
        token.intact,
        sub,
        structure=token.token.structure if token.token else None,
        signers=(token.signer,) if token.signer else (),
        token=token,
        content_digests=(token.token.imprint_algorithm,) if token.token else (),
        notes=token.notes,
    )


def _cms(record: SignatureRecord, index: int, content: Content, others: tuple[X509, ...]) -> Examined:
    try:
        structure = cms.parse(record.contents)
    except (ValueError, IndexError, StopIteration) as error:
        return Examined(record, index, None, SubIndication.CUSTOM, notes=(("cms-malformed", str(error)),))
    notes: list[Note] = []
    if structure.trailing:
        notes.append(("cms-trailing-data", f"{structure.trailing} bytes"))
    if structure.unreadable_certificates:
        notes.append(("certificates-unreadable", str(structure.unreadable_certificates)))
    if record.cert:
        notes.append(("profile-cert-entry", ""))
    if structure.content_type != cms.DATA:
        notes.append(("content-type-mismatch", structure.content_type))
    if not structure.signers:
        notes.append(("cms-no-signer", ""))
        return Examined(record, index, None, SubIndication.CUSTOM, structure=structure, notes=tuple(notes))
    if len(structure.signers) > 1:
        notes.append(("cms-signers", str(len(structure.signers))))
    blocked, content, matches, inner = _encapsulated(record, structure, content, notes)
    others = (*others, *(c for c in (parse_x509(entry) for entry in record.cert) if c))
    signers = tuple(
        check(structure, signer, content, content_type=structure.content_type, others=others)
        for signer in structure.signers
    )
    for checked in signers:
        notes += checked.notes
    intact: bool | None = None
    if any(s.intact is False for s in signers) or matches is False:
        intact = False
    elif all(s.intact for s in signers) and not blocked and not _spoiled(notes, record):
        intact = True
    first = structure.signers[0]
    stamped = {token: _over(signer.signature) for signer in structure.signers for token in signer.time_stamps}
    inside = dict.fromkeys(token for signer in structure.signers for token in signer.content_time_stamps)
    return Examined(
        record,
        index,
        intact,
        None if intact else _why(signers, intact, matches, notes),
        structure=structure,
        signers=signers,
        signature_time_stamps=tuple(
            time_stamps.check_token(token, value, others=others, what=f"signature time-stamp {number}")
            for number, (token, value) in enumerate(islice(stamped.items(), 16), 1)
        ),
        content_time_stamps=tuple(
            time_stamps.check_token(token, content, others=others, what=f"content time-stamp {number}")
            for number, token in enumerate(islice(inside, 16), 1)
        ),
        signing_time_attribute=first.claimed_time,
        content_digests=(inner,) if inner else (),
        notes=_digest_notes(signers, intact, matches) + tuple(dict.fromkeys(notes)),
    )


def _over(value: bytes) -> Content:
    return Content(lambda name: digest_of(name, (value,)), lambda: value)


def _encapsulated(
    record: SignatureRecord, structure: cms.Cms, content: Content, notes: list[Note]
) -> tuple[bool, Content, bool | None, str | None]:
    """(whether nothing can be said, what the SignerInfos sign, whether that is the document, by which digest)."""
    inner = structure.content
    if record.sub_filter == "adbe.pkcs7.sha1":
        if inner is None:
            notes.append(("adbe-sha1-content", ""))
            return True, content, None, None
        # ISO 32000-1, 12.8.3.3.1: the encapsulated content is the SHA-1 of the byte ranges. Some put another digest.
        name = {16: "md5", 20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}.get(len(inner))
        if name is None:
            notes.append(("adbe-sha1-content", f"{len(inner)} bytes are no digest"))
            return True, _over(inner), None, None
        matches = unidentified(name, hmac.compare_digest(content.digest(name), inner), notes)
        return matches is None, _over(inner), matches, name
    if inner is None:
        return False, content, None, None
    if inner and hmac.compare_digest(digest_of("sha256", (inner,)), content.digest("sha256")):
        notes.append(("cms-encapsulated-same", ""))
        return False, content, None, None
    notes.append(("cms-encapsulated-content", f"{len(inner)} bytes"))
    return True, content, None, None


def _spoiled(notes: list[Note], record: SignatureRecord) -> bool:
    """Whether something makes it unclear what was signed although all values fit."""
    # Attributes that verify only in the order they were written in: RFC 5652, 5.4, which CAdES builds on, has them
    # sorted, so readers of the one kind call such a signature broken and of the other good. Writers of the older PKCS #7
    # formats never sorted them, and their readers never did.
    unsorted = record.sub_filter in _PADES and any(code == "signed-attributes-not-der" for code, _ in notes)
    return unsorted or any(code == "content-type-mismatch" for code, _ in notes)


def _why(
    signers: tuple[Checked, ...], intact: bool | None, matches: bool | None, notes: Iterable[Note]
) -> SubIndication:
    if intact is False:
        wrong = matches is False or any(s.digest_ok is False for s in signers)
        return SubIndication.HASH_FAILURE if wrong else SubIndication.SIG_CRYPTO_FAILURE
    if any(s.certificate is None for s in signers):
        return SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    if any(code in _CRYPTOGRAPHIC for code, _ in notes):
        return SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    return SubIndication.SIG_CONSTRAINTS_FAILURE


_CRYPTOGRAPHIC: Final = ("algorithm-unknown", "key-refused", "digest-broken")


def _digest_notes(signers: tuple[Checked, ...], intact: bool | None, matches: bool | None) -> tuple[Note, ...]:
    notes: list[Note] = []
    if matches is False or any(s.digest_ok is False for s in signers):
        notes.append(("digest-mismatch", ""))
    if any(s.value_ok is False for s in signers):
        notes.append(("signature-value-invalid", ""))
    return tuple(notes)


def _plain_rsa(record: SignatureRecord, index: int, content: Content) -> Examined:
    """adbe.x509.rsa_sha1 (ISO 32000-1, 12.8.3.2): /Contents is an OCTET STRING with a PKCS #1 signature."""
    certificates = [c for c in (parse_x509(entry) for entry in record.cert) if c]
    if not certificates:
        notes: tuple[Note, ...] = (("signing-certificate-missing", ""),)
        return Examined(record, index, None, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, notes=notes)
    signer = certificates[0]
    structure = cms.Cms(cms.DATA, None, tuple(certificates), (), (), ())
    try:
        signature = der.octets(der.read(record.contents))
        opened = recover(signer.spki, signature)
        digest_name = None
        broken: list[Note] = []
        value_ok = opened is not None
        digest_ok: bool | None = None
        if opened is not None:
            algorithm, digest = der.pair(der.read(opened), "the DigestInfo")
            digest_name = DIGESTS.get(der.oid(der.children(algorithm)[0]))
            if digest_name is None:
                raise UnknownAlgorithm("digest algorithm in the DigestInfo")
            fits = hmac.compare_digest(content.digest(digest_name), der.octets(digest))
            digest_ok = unidentified(digest_name, fits, broken)
        chosen = Scheme("rsa-pkcs1v15", digest_name or "sha1")
        used: Algorithm | None = algorithm_of(chosen, signer.spki)
        checked = Checked(digest_ok if value_ok else None, value_ok, signer, digest_name, chosen, used, tuple(broken))
    except (der.DerError, UnknownAlgorithm, IndexError) as error:
        code = (
            "key-refused"
            if isinstance(error, RefusedKey)
            else "algorithm-unknown"
            if isinstance(error, UnknownAlgorithm)
            else "cms-malformed"
        )
        checked = Checked(None, None, signer, None, None, None, ((code, str(error)),))
    intact = checked.intact
    if checked.value_ok is False:
        intact = False
    return Examined(
        record,
        index,
        intact,
        None if intact else _why((checked,), intact, None, checked.notes),
        structure=structure,
        signers=(checked,),
        notes=_digest_notes((checked,), intact, None) + checked.notes,
    )
