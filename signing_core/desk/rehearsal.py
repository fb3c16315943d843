"""The whole life of a document before anybody is asked to sign it, with throwaway keys: prepared, signed twice, sealed, preserved,
verified, and held against its source.

This runs in a limited process (`signing_core.limited`), for the source comes from a stranger. Throwaway are a company CA with its
keys, all P-256, and a time-stamp authority; they are made once for each process, believed by nobody else, and nothing is asked of
any network. What a refused rehearsal finds would otherwise be found when the contract is concluded.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core import marks, typesetting
from signing_core.certificate import page, payload
from signing_core.certificate.facts import AuthorityFacts, CertificateData, PartyFacts, Picture
from signing_core.desk import judging
from signing_core.desk.taking_in import rehearsal_seconds
from signing_core.errors import DocumentRefused, SealtrailError
from signing_core.flow.values import spoken
from signing_core.keys.ca import CompanyCA, root_certificate
from signing_core.keys.profiles import IssuePurpose
from signing_core.keys.settings import KeySettings
from signing_core.keys.software import SoftwareKey, SoftwareStatementKey, new_private_key
from signing_core.keys.time_stamping import EmbeddedAuthority
from signing_core.limited import worker
from signing_core.pdf import intake, likeness, preserve, seal, sign, two_readings
from signing_core.pdf.prepare import Prepared, PrepareRequest, prepare
from signing_core.pdf.source import Source
from signing_core.trust import House, Part, TrustStore
from signing_core.verification import document as verification

if TYPE_CHECKING:
    from cryptography import x509

    from signing_core.pdf.likeness import Likeness
    from signing_core.verdict import DocumentVerdict

_ORGANISATION: Final = "Rehearsal"
_HOST: Final = "rehearsal.example.org"
_ID: Final = "0" * 26
"""Of the certificate: as long as a real one."""


def load() -> None:
    """Everything that is the same for all documents."""
    _company()
    typesetting.compile_pdf("#set page(width: 9pt, height: 9pt)\n.", {"fonts": typesetting.text_families()})
    import signing_core.verification.changes.analysis  # noqa: F401


def take_in(source: bytes, request: PrepareRequest, name: str, names: dict[str, str], whole: bool) -> dict[str, Any]:
    """The prepared document, with what was found of it: see `taking_in.TakenIn`.

    `names` are those of the parties by role. Without `whole` only the cheap checks are made, those for a document whose like was
    rehearsed. Raises `DocumentRefused`, `UsageError`, `DataRefused`.
    """
    before = worker.spent()
    inspection = intake.inspect(source, name=name)
    worker.narrow(rehearsal_seconds(inspection.pages, len(source)))
    _read_alike(source, name)
    prepared = prepare(source, request, name=name)
    seen: Likeness | None = None
    if whole:
        seen = likeness.compare(source, prepared.data, inspection.pages, leave_out=prepared.redrawn)
        _check_likeness(seen, name)
        _rehearse(prepared, request, names, name)
    return {
        "inspection": asdict(inspection),
        "data": prepared.data,
        "pages": prepared.pages,
        "fields": {str(role): asdict(field) for role, field in prepared.fields.items()},
        "told": list(prepared.told),
        "embedded": [asdict(file) for file in prepared.embedded],
        "programs": list(seen.programs) if seen else [],
        "seconds": worker.spent() - before,
        "differences": [(one.program, one.page) for one in seen.differences] if seen else [],
    }


def _read_alike(source: bytes, name: str) -> None:
    opened = Source(source, name=name)
    number = two_readings.different(opened)
    if number is not None and opened.encrypted:
        opened.refuse(
            "is protected in a way that programs open differently; save a copy without protection and take that",
            "password",
        )
    if number is not None:
        opened.refuse(
            f"is read differently by different programs, for the first time on page {number}; print it to a PDF and take that",
            "ambiguous",
        )


def _check_likeness(seen: Likeness, name: str) -> None:
    if seen.agreed:
        listed = ", ".join(str(number) for number in seen.agreed[:10])
        raise DocumentRefused(
            f"{name} would not look the same when it is prepared for signing (page {listed}); print it to a PDF and take that.",
            code="unlike",
        )


def _rehearse(prepared: Prepared, request: PrepareRequest, names: dict[str, str], name: str) -> None:
    try:
        problem = _played(prepared, request, names, name)
    except DocumentRefused:
        raise
    except SealtrailError as error:
        problem = str(error)
    if problem is not None:
        raise DocumentRefused(
            f"{name} cannot be signed so that it verifies afterwards; print it to a PDF and take that. A rehearsal with throwaway "
            f"keys ended so: {problem}",
            code="not-signable",
        )


def _played(prepared: Prepared, request: PrepareRequest, names: dict[str, str], name: str) -> str | None:
    """What is wrong with the document once it is signed by all and sealed; None when nothing is. Raises `DocumentRefused`."""
    company, now, parties = _company(), _now(), []
    data, client = prepared.data, None
    for role in ("first-party", "client"):
        box, mark = prepared.fields[role], marks.from_name(names[role])
        appearance = marks.appearance(
            mark, width_pt=box.width_pt, height_pt=box.height_pt, name=names[role], label="", signed_at=now,
            language=request.language,
        )  # fmt: skip
        client = company.ca.issue_one_time(names[role], "rehearsal", now=now) if role == "client" else None
        key = client or company.first_party
        data = sign.sign(
            data, role=role, key=key, time_stamps=company.authority, appearance=appearance, summary=names[role],
            signed_at=now, reason="Rehearsal", name=names[role], certify=role == "first-party",
        ).data  # fmt: skip
        shown = Picture(mark.media_type, mark.data)
        used = key.certificate.fingerprint(SHA256()).hex()
        parties.append(
            PartyFacts(
                role, names[role], time_stamped_at=now, mark_kind="name", mark=shown, x509_certificate_sha256=used
            )
        )
    facts = _facts(company, request, prepared, data, tuple(parties), now)
    url = payload.to_url(payload.sign(_claims(facts), company.qr), _HOST)
    data = seal.seal(
        data, key=company.seal, time_stamps=company.authority, page=page.typeset(facts, url, request.language),
        summary=page.summary(facts, request.language), signed_at=now,
    ).data  # fmt: skip
    certificates = [*company.certificates, *([client.certificate] if client else [])]
    data = preserve.preserve(
        data, certificates=certificates, crls=[company.ca.crl(_now(), 1, [])], time_stamps=company.authority
    ).data
    verdict = verification.verify(data, at=_now(), trust=company.trust)
    _check_places(verdict, prepared, name)
    return judging.why_not_complete(verdict, request.document_id)


def _check_places(verdict: DocumentVerdict, prepared: Prepared, name: str) -> None:
    """A signature goes where the author wants it, but not over what is to be signed."""
    roles = {field.name: role for role, field in prepared.fields.items()}
    for finding in (finding for signature in verdict.signatures for finding in signature.findings):
        if finding.code == "change-covers-text" and finding.field in roles:
            raise DocumentRefused(
                f"{name}: the signature of the {spoken(roles[finding.field])} would lie over words or other content of page "
                f"{finding.page}; give it another place, or a smaller one.",
                code="place",
            )


def _facts(
    company: _Company, request: PrepareRequest, prepared: Prepared, signed: bytes, parties: tuple[PartyFacts, ...],
    now: datetime,
) -> CertificateData:  # fmt: skip
    return CertificateData(
        certificate_id=_ID,
        document_id=request.document_id,
        title=request.title,
        pages=prepared.pages - 1,
        organisation=_ORGANISATION,
        host=_HOST,
        issued_at=now,
        signed_sha256=_sha256(signed),
        signed_length=len(signed),
        parties=parties,
        time_stamps=AuthorityFacts(company.authority.name, embedded=True),
        seal_certificate_sha256=company.seal.certificate.fingerprint(SHA256()).hex(),
        qr_key_id=company.qr.key_id.hex(),
        created_at=now,
        log_sequence=1,
    )


def _claims(facts: CertificateData) -> payload.QrClaims:
    return payload.QrClaims(
        payload.issuer_of(facts.host), facts.issued_at, facts.certificate_id, facts.document_id,
        bytes.fromhex(facts.signed_sha256), facts.signed_length, len(facts.parties), 1,
    )  # fmt: skip


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True)
class _Company:
    ca: CompanyCA
    first_party: SoftwareKey
    seal: SoftwareKey
    authority: EmbeddedAuthority
    qr: SoftwareStatementKey
    trust: TrustStore

    @property
    def certificates(self) -> list[x509.Certificate]:
        own = (self.first_party, self.seal, self.authority)
        return [*(one.certificate for one in own), self.ca.certificate]


@functools.cache
def _company() -> _Company:
    private_key = new_private_key()
    root = root_certificate(_ORGANISATION, private_key.public_key(), private_key, now=_now())
    ca = CompanyCA(SoftwareKey(private_key, root, ()), organisation=_ORGANISATION, country=None, settings=KeySettings())

    def issued(purpose: IssuePurpose) -> SoftwareKey:
        private = new_private_key()
        certificate = ca.issue(purpose, private.public_key(), f"{_ORGANISATION} {purpose}", now=_now())
        return SoftwareKey(private, certificate, (root,))

    first_party, sealing, stamping = issued("first-party"), issued("seal"), issued("time-stamp")
    qr = SoftwareStatementKey(Ed25519PrivateKey.generate())
    parts = (
        Part("company-ca", _der(root)),
        Part("first-party", _der(first_party.certificate)),
        Part("seal", _der(sealing.certificate)),
        Part("time-stamp", _der(stamping.certificate)),
        Part("qr", qr.public_key.public_bytes(Encoding.Raw, PublicFormat.Raw)),
    )
    trust = TrustStore(houses=(House("rehearsal", _ORGANISATION, parts),))
    return _Company(ca, first_party, sealing, EmbeddedAuthority(stamping, clock=_now), qr, trust)


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
