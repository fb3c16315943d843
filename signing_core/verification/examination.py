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
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

from signing_core.pdf.revisions import SignatureRecord
from signing_core.policy import Algorithm
from signing_core.verdict import SubIndication
from signing_core.verification import cms, der, time_stamps
from signing_core.verification.algorithms import DIGESTS, Scheme, UnknownAlgorithm, digest_of
from signing_core.verification.public_keys import RefusedKey
from signing_core.verification.signature_values import algorithm_of, recover
from signing_core.verification.signed_content import Hasher
from signing_core.verification.signers import Checked, Content, Note, check
from signing_core.verification.time_stamps import CheckedToken
from signing_core.verification.x509_certificates import X509
from signing_core.verification.x509_certificates import parse as parse_x509

_PADES: Final = ("ETSI.CAdES.detached", "PBAD.PAdES")
"""ETSI EN 319 142-1, and its profile of ICP-Brasil (DOC-ICP-15.03) under a name of its own. A name is judged when it is known to
mean detached CMS. That a value reads as such does not do: what else a format asks of it would go unasked.
"""
_DETACHED: Final = (*_PADES, "adbe.pkcs7.detached")
_TIME_STAMP: Final = "ETSI.RFC3161"
_KNOWN: Final = (*_DETACHED, "adbe.pkcs7.sha1", "adbe.x509.rsa_sha1", _TIME_STAMP)


_FARTHEST_OFFSET: Final = timedelta(hours=14)


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
    notes: tuple[Note, ...] = field(default=())

    @property
    def primary(self) -> Checked | None:
        return self.signers[0] if self.signers else None

    @property
    def certificate(self) -> X509 | None:
        return self.primary.certificate if self.primary else None

    @property
    def claimed_time(self) -> datetime | None:
        """/M of the dictionary, else the signing-time attribute; of a document time-stamp its token's time."""
        if self.token is not None and self.token.time is not None:
            return self.token.time
        return parse_date(self.record.time) or self.signing_time_attribute

    @property
    def claimed_give_or_take(self) -> timedelta:
        """How far off `claimed_time` may be without a word of untruth: a date without an offset is local time somewhere."""
        found = _DATE.match(self.record.time.strip()) if self.record.time else None
        local = found is not None and not (found[7] or found[8]) and parse_date(self.record.time) is not None
        return _FARTHEST_OFFSET if local else timedelta()

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
        missing = token.token is not None and token.certificate is None
        sub = SubIndication.NO_SIGNING_CERTIFICATE_FOUND if missing else SubIndication.CUSTOM
    return Examined(
        record,
        index,
        token.intact,
        sub,
        structure=token.token.structure if token.token else None,
        signers=(token.signer,) if token.signer else (),
        token=token,
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
    blocked, content, matches = _encapsulated(record, structure, content, notes)
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
    over_value = _over(first.signature)
    return Examined(
        record,
        index,
        intact,
        None if intact else _why(signers, intact, matches),
        structure=structure,
        signers=signers,
        signature_time_stamps=tuple(
            time_stamps.check_token(token, over_value, others=others, what=f"signature time-stamp {number}")
            for number, token in enumerate(first.time_stamps[:16], 1)
        ),
        content_time_stamps=tuple(
            time_stamps.check_token(token, content, others=others, what=f"content time-stamp {number}")
            for number, token in enumerate(first.content_time_stamps[:16], 1)
        ),
        signing_time_attribute=first.claimed_time,
        notes=_digest_notes(signers, intact, matches) + tuple(dict.fromkeys(notes)),
    )


def _over(value: bytes) -> Content:
    return Content(lambda name: digest_of(name, (value,)), lambda: value)


def _encapsulated(
    record: SignatureRecord, structure: cms.Cms, content: Content, notes: list[Note]
) -> tuple[bool, Content, bool | None]:
    """(whether nothing can be said, what the SignerInfos sign, whether that is the document)."""
    inner = structure.content
    if record.sub_filter == "adbe.pkcs7.sha1":
        if inner is None:
            notes.append(("adbe-sha1-content", ""))
            return True, content, None
        # ISO 32000-1, 12.8.3.3.1: the encapsulated content is the SHA-1 of the byte ranges. Some put another digest.
        name = {16: "md5", 20: "sha1", 32: "sha256", 48: "sha384", 64: "sha512"}.get(len(inner))
        if name is None:
            notes.append(("adbe-sha1-content", f"{len(inner)} bytes are no digest"))
            return True, _over(inner), None
        return False, _over(inner), hmac.compare_digest(content.digest(name), inner)
    if inner is None:
        return False, content, None
    if inner and hmac.compare_digest(digest_of("sha256", (inner,)), content.digest("sha256")):
        notes.append(("cms-encapsulated-same", ""))
        return False, content, None
    notes.append(("cms-encapsulated-content", f"{len(inner)} bytes"))
    return True, content, None


def _spoiled(notes: list[Note], record: SignatureRecord) -> bool:
    """Whether something makes it unclear what was signed although all values fit."""
    codes = {code for code, _ in notes}
    # Attributes that verify only in the order they were written in: RFC 5652, 5.4, which CAdES builds on, has them
    # sorted, so readers of the one kind call such a signature broken and of the other good. Writers of the older PKCS #7
    # formats never sorted them, and their readers never did.
    if "signed-attributes-not-der" in codes and record.sub_filter in _PADES:
        return True
    return bool(codes & {"content-type-mismatch", "digest-algorithm-malformed"})


def _why(signers: tuple[Checked, ...], intact: bool | None, matches: bool | None) -> SubIndication:
    if intact is False:
        wrong = matches is False or any(s.digest_ok is False for s in signers)
        return SubIndication.HASH_FAILURE if wrong else SubIndication.SIG_CRYPTO_FAILURE
    if any(s.certificate is None for s in signers):
        return SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    if any(code in ("algorithm-unknown", "key-refused") for s in signers for code, _ in s.notes):
        return SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    return SubIndication.SIG_CONSTRAINTS_FAILURE


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
        value_ok = opened is not None
        digest_ok: bool | None = None
        if opened is not None:
            algorithm, digest = der.pair(der.read(opened), "the DigestInfo")
            digest_name = DIGESTS.get(der.oid(der.children(algorithm)[0]))
            if digest_name is None:
                raise UnknownAlgorithm("digest algorithm in the DigestInfo")
            digest_ok = hmac.compare_digest(content.digest(digest_name), der.octets(digest))
        chosen = Scheme("rsa-pkcs1v15", digest_name or "sha1")
        used: Algorithm | None = algorithm_of(chosen, signer.spki)
        checked = Checked(digest_ok if value_ok else None, value_ok, signer, digest_name, chosen, used)
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
        None if intact else _why((checked,), intact, None),
        structure=structure,
        signers=(checked,),
        notes=_digest_notes((checked,), intact, None) + checked.notes,
    )


_DATE: Final = re.compile(
    r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?\s*(?:(Z)|([+-])(\d\d)'?(\d\d)?'?)?", re.ASCII
)


def parse_date(text: str | None) -> datetime | None:
    """A PDF date (ISO 32000-2, 7.9.4) in UTC; without an offset it is taken as UTC. None when it is none."""
    found = _DATE.match(text.strip()) if text else None
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part) if part else None for part in found.groups()[:6])
    try:
        moment = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, min(second or 0, 59), tzinfo=UTC)
        if found[8]:
            offset = timedelta(hours=int(found[9]), minutes=int(found[10] or 0))
            moment += offset if found[8] == "-" else -offset
        return moment
    except (ValueError, OverflowError):
        return None
