"""What makes a document one of ours, and whether it is what it says: the authenticity certificate's axis.

A document of ours names itself in the information dictionary of its original and has signature fields of agreed names. Both
can be copied by anybody, so they only decide which questions are asked:

(1) is there a seal, and on the page that is the last one;
(2) whose is it: which house lists its X.509 certificate, or issued it for sealing by its own authority (`trust`);
(3) does the page show a QR code of that house, rightly signed, for this document;
(4) is the document in front of the certificate, as the client signed it, the one the QR code was issued for;
(5) were the parties' X.509 certificates issued by that house as well;
(6) does the registry know the file, does the audit log agree.

A whole document of another house is in order and is not ours. What claims to be of a house that is known here (a party, or the
code) and was not sealed by it is a forgery.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from signing_core.keys import oids
from signing_core.pdf.names import CLIENT_FIELD, DOCUMENT_ID_KEY, FIELD_OF_ROLE, SEAL_FIELD
from signing_core.pdf.revisions import FileStructure, SignatureRecord
from signing_core.pdf.structure.values import text
from signing_core.pki.x509_certificates import X509
from signing_core.trust import House, TrustStore
from signing_core.verdict import (
    AuditLogState,
    CertificateVerdict,
    PrefixState,
    QrState,
    RegistryState,
)
from signing_core.verification import on_record
from signing_core.verification.believed import fingerprints
from signing_core.verification.certificate_page import PageRead
from signing_core.verification.certificate_page import read as read_certificate_page
from signing_core.verification.conclusion import Role
from signing_core.verification.context import WorkspaceContext
from signing_core.verification.examination import Examined
from signing_core.verification.signers import Note

if TYPE_CHECKING:
    from signing_core.certificate.payload import QrClaims

_OTHER_PURPOSES: Final = frozenset({oids.FIRST_PARTY_POLICY, oids.ONE_TIME_POLICY, oids.TIME_STAMP_POLICY})
_PARTIES: Final = ("first-party", "client")
_ISSUED_FOR: Final[dict[Role, tuple[str | None, str]]] = {
    "first-party": ("first-party", oids.FIRST_PARTY_POLICY),
    "client": (None, oids.ONE_TIME_POLICY),
    "seal": ("seal", oids.SEAL_POLICY),
}
"""The purpose under which a house lists the X.509 certificates of a role, and the policy of those that its authority issued."""
_FORGED: Final = frozenset(
    {"seal-not-ours", "houses-differ", "seal-field-misplaced", "qr-invalid", "qr-document-mismatch", "prefix-mismatch"}
)
"""What makes a document other than it claims to be."""
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
    roots: Mapping[int, X509],
    sha256: str,
    trust: TrustStore,
    context: WorkspaceContext | None,
    password: str | None,
    read: Callable[..., PageRead] = read_certificate_page,
) -> OurAxis:
    """Asks the questions above. For documents of others only the registry is asked.

    `roots`: the anchor that the chain of a signature leads to, by the signature's index.
    """
    notes: list[Note] = []
    certificate = CertificateVerdict()
    if found.ours:
        certificate = _Certificate(found, structure, examined, roots, trust, notes).judged(password, read)
    registry, audit_log = on_record.ask(context, sha256, found.document_id, notes)
    altered = not _FORGED.isdisjoint(code for code, _ in notes)
    return OurAxis(certificate, registry, audit_log, altered or registry == "mismatch", tuple(notes))


class _Certificate:
    def __init__(
        self,
        found: Marks,
        structure: FileStructure,
        examined: Sequence[Examined],
        roots: Mapping[int, X509],
        trust: TrustStore,
        notes: list[Note],
    ) -> None:
        self._found = found
        self._structure = structure
        self._examined = examined
        self._roots = roots
        self._trust = trust
        self._notes = notes

    def judged(self, password: str | None, read: Callable[..., PageRead]) -> CertificateVerdict:
        index = self._found.index("seal")
        if index is None:
            self._notes.append(("certificate-missing", ""))
            return CertificateVerdict()
        missing = [role for role in _PARTIES if role not in self._found.roles.values()]
        if missing:
            from signing_core.flow.values import spoken

            self._notes.append(("roles-missing", ", ".join(map(spoken, missing))))
        seal = self._examined[index]
        houses = self._houses(index)
        page, pages = seal.record.page, self._structure.pages
        if page is None or (pages is not None and page != pages):
            where = f"page {page} of {pages}" if page else f"{SEAL_FIELD} has no page"
            self._notes.append(("seal-field-misplaced", where))
            return CertificateVerdict(True, *self._sealed(seal, houses, (), whole=False), "unreadable")
        keys = self._trust.keys("qr")
        # Without keys a code is at most one of somebody: then the intact seal of somebody says enough of what is shown.
        covered = seal.record.covered_revision if seal.intact and (houses or not keys) else None
        shown = read(self._structure, page, keys.keys(), sealed=covered, password=password)
        prefix = self._prefix(shown.claims)
        claiming = [self._houses(at) for at, role in self._found.roles.items() if role in _PARTIES]
        claiming += [[keys[shown.key]] if shown.key in keys else []]
        whole = shown.state == "foreign" and prefix == ""
        sealed, name = self._sealed(seal, houses, [some for some in claiming if some], whole=whole)
        qr, state = self._qr(shown, prefix, keys)
        return CertificateVerdict(True, sealed, name, qr, state)

    def _houses(self, index: int) -> list[House]:
        """Whose a signature may be: its house lists the X.509 certificate, or its own authority issued it for that role.

        Several houses can have bought one certificate. An authority that was given without a house stands for one of its own.
        """
        item = self._examined[index]
        certificate, root = item.certificate, self._roots.get(index)
        if not item.intact or certificate is None:
            return []
        purpose, policy = _ISSUED_FOR[self._found.roles[index]]
        issuer = root if root and policy in certificate.policies else None
        found = [
            house
            for house in self._trust.houses
            if (purpose and certificate.sha256 in fingerprints(house, purpose))
            or (issuer and issuer.sha256 in fingerprints(house, "company-ca"))
        ]
        if not found and issuer is not None:
            return [House(issuer.sha256.hex()[:16], issuer.common_name, ())]
        if not found and purpose and certificate.sha256 in fingerprints(self._trust.loose, purpose):
            return [self._trust.loose]
        return found

    def _sealed(
        self, seal: Examined, houses: Sequence[House], claiming: Sequence[Sequence[House]], *, whole: bool
    ) -> tuple[bool | None, str | None]:
        """Whether the seal is ours, and the name of the house whose the document is.

        `claiming`: the houses of the parties and of the code; `whole`: the page shows a code of somebody for this document, as
        the client signed it.
        """
        certificate = seal.certificate
        if not seal.intact:
            self._notes.append(("seal-broken", ""))
            return False, None
        if houses:
            house = next((one for one in houses if not self._others(one, claiming)), None)
            if house is None:
                other = self._others(houses[0], claiming)[0]
                self._notes.append(("houses-differ", f"sealed by {_said(houses[0])}, the rest is of {_said(other)}"))
                return False, None
            ours = self._trust.is_own(house)
            if not ours:
                self._notes.append(("other-house", _said(house)))
            return ours, house.name or None
        # What stands under an anchor of ours for another use is one of our own keys, misused.
        misused = certificate is not None and seal.index in self._roots and certificate.policies & _OTHER_PURPOSES
        who_is_known = bool(self._trust.houses or self._trust.loose.of("seal"))
        if (
            misused
            or (who_is_known and not whole)
            or any(one in self._trust.houses for some in claiming for one in some)
        ):
            self._notes.append(("seal-not-ours", certificate.subject_text if certificate else ""))
            return False, None
        # Anchors alone, which may be those of a public authority, do not say who "we" are, nor which seals "we" bought.
        self._notes.append(("house-unknown" if who_is_known else "seal-unknown", ""))
        return False if who_is_known else None, None

    def _others(self, house: House, claiming: Sequence[Sequence[House]]) -> list[House]:
        """Of every claim that cannot be of `house`, one whose it is."""
        return [some[0] for some in claiming if not any(self._same(one, house) for one in some)]

    def _same(self, one: House, other: House) -> bool:
        """Parts that nobody said a house of go with each other, authorities with themselves alone."""
        if one.id == other.id:
            return True
        named = {house.id for house in self._trust.houses}
        return not ({one.id, other.id} & named) and "" in (one.id, other.id)

    def _prefix(self, claims: QrClaims | None) -> str | None:
        """Why the file is not what the code speaks of; empty when it is. None without claims."""
        if claims is None:
            return None
        data = self._structure.data
        if claims.document_id != self._found.document_id:
            return claims.document_id
        if not 0 < claims.prefix_length <= len(data) or (
            hashlib.sha256(memoryview(data)[: claims.prefix_length]).digest() != claims.prefix_sha256
        ):
            return f"the first {claims.prefix_length} bytes"
        client = next((item for item in self._examined if CLIENT_FIELD in item.record.fields), None)
        ends = client is not None and client.ends_at == claims.prefix_length
        return "" if ends else "it is not what the client's signature covers"

    def _qr(self, shown: PageRead, prefix: str | None, keys: Mapping[bytes, House]) -> tuple[QrState, PrefixState]:
        if shown.state != "valid":
            self._notes.append((f"qr-{shown.state}", shown.reason))
            return shown.state, "not-checked"
        if shown.claims is None or prefix is None:
            return "unreadable", "not-checked"
        if shown.claims.document_id != self._found.document_id:
            self._notes.append(("qr-document-mismatch", prefix))
            return "invalid", "mismatch"
        if prefix:
            self._notes.append(("prefix-mismatch", prefix))
            return "valid", "mismatch"
        signer = keys.get(shown.key) if shown.key else None
        retired = signer.retired(shown.key or b"", shown.claims.issued_at) if signer else None
        if retired is not None:
            self._notes.append(("qr-key-retired", f"replaced {retired:%Y-%m-%d}"))
        return "valid", "match"


def _said(house: House) -> str:
    return house.name or "a seal or key that was given without a house"
