"""What makes a document one of ours, and whether it is what it says: the authenticity certificate's axis.

A document of ours names itself in the information dictionary of its original and has signature fields of agreed names. Both
can be copied by anybody, so they only decide which questions are asked:

(1) is there a seal, and on the page that is the last one;
(2) was it made with our seal key: a seal that was given, or an X.509 certificate that our own authority issued for sealing;
(3) does the page show a QR code of ours, rightly signed, for this document;
(4) is the document in front of the certificate, as the client signed it, the one the QR code was issued for;
(5) does the registry know the file, does the audit log agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from signing_core.keys import oids
from signing_core.pdf.names import CLIENT_FIELD, DOCUMENT_ID_KEY, FIELD_OF_ROLE, SEAL_FIELD
from signing_core.pdf.revisions import FileStructure, SignatureRecord
from signing_core.pdf.structure.values import text
from signing_core.verdict import (
    AuditLogState,
    CertificateVerdict,
    PrefixState,
    QrState,
    RegistryState,
    SignatureVerdict,
)
from signing_core.verdict import Trust as TrustState
from signing_core.verification import on_record
from signing_core.verification.certificate_page import PageRead
from signing_core.verification.certificate_page import read as read_certificate_page
from signing_core.verification.conclusion import Role
from signing_core.verification.context import WorkspaceContext
from signing_core.verification.examination import Examined
from signing_core.verification.signers import Note
from signing_core.verification.trust import Trust

_OTHER_PURPOSES: Final = frozenset({oids.FIRST_PARTY_POLICY, oids.ONE_TIME_POLICY, oids.TIME_STAMP_POLICY})
_ROLE_OF_FIELD: Final = {name: cast(Role, role) for role, name in FIELD_OF_ROLE.items()}
_MAX_ID: Final = 64


@dataclass(frozen=True)
class Marks:
    """What the document says of itself."""

    document_id: str | None = None
    roles: dict[int, Role] = field(default_factory=dict)
    """Role by index of the signature."""

    @property
    def ours(self) -> bool:
        return self.document_id is not None or "seal" in self.roles.values()

    def index(self, role: Role) -> int | None:
        return next((index for index, found in self.roles.items() if found == role), None)


def marks(structure: FileStructure, records: Sequence[SignatureRecord]) -> Marks:
    """From the original revision's information dictionary, and the names of the signed fields."""
    document_id = _document_id(structure)
    roles: dict[int, Role] = {}
    for index, record in enumerate(records):
        role = next((_ROLE_OF_FIELD[name] for name in record.fields if name in _ROLE_OF_FIELD), None)
        if role is not None and record.kind == "signature" and (document_id is not None or role == "seal"):
            roles.setdefault(index, role)
    return Marks(document_id, roles)


def _document_id(structure: FileStructure) -> str | None:
    if not structure.revisions:
        return None
    information = structure.resolve(structure.trailer(1).get("Info"), 1)
    if not isinstance(information, dict):
        return None
    value = text(structure.resolve(information.get(DOCUMENT_ID_KEY.removeprefix("/")), 1))
    return value if value and len(value) <= _MAX_ID and value.isprintable() else None


@dataclass(frozen=True)
class OurAxis:
    """The axes that only documents of ours have. `altered` when one of them says that it is not what it claims to be."""

    certificate: CertificateVerdict
    registry: RegistryState | None
    audit_log: AuditLogState | None
    altered: bool
    notes: tuple[Note, ...]


def judge(
    found: Marks,
    *,
    structure: FileStructure,
    examined: Sequence[Examined],
    signatures: Sequence[SignatureVerdict],
    sha256: str,
    trust: Trust,
    context: WorkspaceContext | None,
    password: str | None,
    read: Callable[..., PageRead] = read_certificate_page,
) -> OurAxis:
    """Asks the questions above. For documents of others only the registry is asked."""
    notes: list[Note] = []
    certificate = CertificateVerdict()
    if found.ours:
        certificate = _certificate(found, structure, examined, signatures, trust, password, read, notes)
    registry, audit_log = on_record.ask(context, sha256, found.document_id, notes)
    codes = {code for code, _ in notes}
    altered = bool(
        codes & {"seal-not-ours", "seal-field-misplaced", "qr-invalid", "qr-document-mismatch", "prefix-mismatch"}
    )
    return OurAxis(certificate, registry, audit_log, altered or registry == "mismatch", tuple(notes))


def _certificate(
    found: Marks,
    structure: FileStructure,
    examined: Sequence[Examined],
    signatures: Sequence[SignatureVerdict],
    trust: Trust,
    password: str | None,
    read: Callable[..., PageRead],
    notes: list[Note],
) -> CertificateVerdict:
    index = found.index("seal")
    if index is None:
        notes.append(("certificate-missing", ""))
        return CertificateVerdict()
    missing = [role for role in ("first-party", "client") if role not in found.roles.values()]
    if missing:
        from signing_core.flow.values import spoken

        notes.append(("roles-missing", ", ".join(map(spoken, missing))))
    sealed = _sealed_by_us(examined[index], signatures[index], trust, notes)
    page = examined[index].record.page
    if page is None or (structure.pages is not None and page != structure.pages):
        notes.append(
            ("seal-field-misplaced", f"page {page} of {structure.pages}" if page else f"{SEAL_FIELD} has no page")
        )
        return CertificateVerdict(True, sealed, "unreadable")
    # Without keys a code is at most one of somebody: then the intact seal of somebody says enough of what is shown.
    known = sealed is True or (sealed is None and not trust.statement_keys)
    covered = examined[index].record.covered_revision if known else None
    shown = read(structure, page, trust.statement_keys, sealed=covered, password=password)
    qr, prefix = _qr(shown, found, structure, examined, notes)
    return CertificateVerdict(True, sealed, qr, prefix)


def _sealed_by_us(item: Examined, verdict: SignatureVerdict, trust: Trust, notes: list[Note]) -> bool | None:
    certificate = item.certificate
    if not item.intact:
        notes.append(("seal-broken", ""))
        return False
    if certificate is not None:
        if certificate.sha256 in trust.seals:
            return True
        if oids.SEAL_POLICY in certificate.policies and verdict.trust is TrustState.TRUSTED:
            return True
        if not trust.seals and not (verdict.trust is TrustState.TRUSTED and certificate.policies & _OTHER_PURPOSES):
            # Anchors alone, which may be those of a public authority, do not say who "we" are.
            notes.append(("seal-unknown", ""))
            return None
    notes.append(("seal-not-ours", certificate.subject_text if certificate else ""))
    return False


def _qr(
    shown: PageRead, found: Marks, structure: FileStructure, examined: Sequence[Examined], notes: list[Note]
) -> tuple[QrState, PrefixState]:
    if shown.state != "valid":
        notes.append((f"qr-{shown.state}", shown.reason))
        return shown.state, "not-checked"
    claims = shown.claims
    if claims is None:
        return "unreadable", "not-checked"
    if claims.document_id != found.document_id:
        notes.append(("qr-document-mismatch", claims.document_id))
        return "invalid", "mismatch"
    data = structure.data
    whole = 0 < claims.prefix_length <= len(data)
    if not whole or hashlib.sha256(memoryview(data)[: claims.prefix_length]).digest() != claims.prefix_sha256:
        notes.append(("prefix-mismatch", f"the first {claims.prefix_length} bytes"))
        return "valid", "mismatch"
    client = next((item for item in examined if CLIENT_FIELD in item.record.fields), None)
    if client is None or client.ends_at != claims.prefix_length:
        notes.append(("prefix-mismatch", "it is not what the client's signature covers"))
        return "valid", "mismatch"
    return "valid", "match"
