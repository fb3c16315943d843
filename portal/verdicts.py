"""From judgements to pages: which of the verification pages is shown, in what tone, with which facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

import sqlalchemy as sa

from signing_core.audit_log import events as audit
from signing_core.certificate import page
from signing_core.certificate.facts import CertificateData, PartyFacts
from signing_core.certificate.scan import ScanResult
from signing_core.certificate.words import count, moment
from signing_core.certificate.words import words as certificate_words
from signing_core.desk import Desk, certificate_facts
from signing_core.errors import SealtrailError
from signing_core.flow import Status
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.verdict import DocumentVerdict
from signing_core.verification.wording import in_words

Tone = Literal["good", "warn", "bad"]

_MOST_SENTENCES: Final = 40
"""A file made to have thousands of findings gets a page that can still be read."""


FoundIn = Literal["address", "photo", "pdf"]
"""Where a code is from: the address that was opened, a picture of paper, or a PDF that carries no signature."""


@dataclass(frozen=True)
class CodeVerdict:
    """What a QR code's page shows."""

    page: str
    tone: Tone
    payload: str
    values: dict[str, str] = field(default_factory=dict)
    title: str | None = None
    pages: int | None = None
    parties: tuple[tuple[str, str], ...] = ()
    status: str | None = None
    compare: bool = False
    claims: ScanResult | None = None
    """What the code states, where our key signed it."""
    key_id: str | None = None
    """Of the key that signed it, or claims to have."""
    lookalike: str | None = None
    """The host that the code of a picture leads to, where that is not ours."""
    found_in: FoundIn = "address"
    facts_missing: bool = False
    document_id: str | None = None


def of_code(desk: Desk, result: ScanResult, payload: str, *, found_in: FoundIn = "address") -> CodeVerdict:
    """The page for a code; see `certificate.scan` for how it is judged."""
    host = desk.workspace.settings.host
    common: dict[str, Any] = {
        "payload": payload,
        "claims": result if result.qr == "valid" else None,
        "key_id": result.key_id,
        "found_in": found_in,
        "lookalike": result.host if found_in != "address" and result.host and result.host != host.lower() else None,
    }
    if not result.ours:
        return CodeVerdict("foreign", "warn", **common)
    if result.qr == "invalid":
        return CodeVerdict("forged", "bad", **common)
    if result.qr == "unknown-key":
        return CodeVerdict("unknown_key", "warn", values={"issuer": result.issuer or ""}, **common)
    if result.other_house:
        return CodeVerdict("code_other_house", "warn", values={"house": result.house or ""}, **common)
    if result.registry == "mismatch":
        return CodeVerdict("replaced", "bad", **common)
    if result.registry != "known" or result.document is None:
        return CodeVerdict("unregistered", "warn", **common)
    document = result.document
    common |= {
        "title": document.title,
        "pages": document.pages,
        "parties": document.parties,
        "status": document.status,
        "document_id": document.document_id,
    }
    if document.status != Status.COMPLETED:
        return CodeVerdict("unfinished", "warn", **common)
    if found_in == "pdf":
        # Only a file without signatures is looked through for pictures of codes, and to hold it against this one is done:
        # it is not what was signed.
        return CodeVerdict("copy", "warn", **common)
    if newer := replaced_by(desk, document.document_id):
        return CodeVerdict("superseded", "warn", values={"newer": newer}, compare=True, **common)
    return CodeVerdict("genuine", "warn" if common["lookalike"] else "good", compare=True, **common)


def replaced_by(desk: Desk, document_id: str) -> str | None:
    """The completed document that supersedes this one."""
    query = sa.select(documents.c.id).where(
        documents.c.supersedes == document_id, documents.c.status == str(Status.COMPLETED)
    )
    with reading(desk.workspace.engine) as connection:
        return connection.execute(query.order_by(documents.c.id.desc()).limit(1)).scalar()


@dataclass(frozen=True)
class Found:
    """What was found with the same thing to do about it."""

    meanings: tuple[str, ...]
    advice: str


def together(codes: Iterable[str], language: str) -> tuple[Found, ...]:
    """Findings in words for everybody, in their order, those with the same advice together."""
    groups: dict[str, dict[str, None]] = {}
    for code in codes:
        meaning, advice = in_words(code, language)
        groups.setdefault(advice, {})[meaning] = None
    return tuple(Found(tuple(meanings), advice) for advice, meanings in groups.items())


@dataclass(frozen=True)
class FileVerdict:
    """What an uploaded PDF's page shows."""

    page: str
    tone: Tone
    at: datetime
    values: dict[str, str] = field(default_factory=dict)
    signatures: tuple[dict[str, Any], ...] = ()
    findings: tuple[Found, ...] = ()
    """What is not in order, for everybody."""
    technical: tuple[str, ...] = ()
    """The same in the verification's own sentences, which are English."""


def of_file(
    desk: Desk,
    verdict: dict[str, Any],
    language: str,
    *,
    prefix_sha256: str | None = None,
    expected_prefix: str | None = None,
) -> FileVerdict:
    """The page for a PDF's verdict (the object of the published contract).

    `expected_prefix` is the SHA-256 in the QR code that the file is compared with, `prefix_sha256` that of the file's own
    beginning of the same length, None when it is shorter.
    """
    page, tone, values = _file_page(desk, verdict, prefix_sha256, expected_prefix)
    graver = [finding for finding in DocumentVerdict.from_json(verdict).all_findings if finding.severity != "info"]
    return FileVerdict(
        page,
        tone,
        datetime.fromisoformat(verdict["at"]),
        values,
        tuple(_signature(signature) for signature in verdict["signatures"]),
        together((finding.code for finding in graver), language),
        tuple(dict.fromkeys(finding.message for finding in graver))[:_MOST_SENTENCES],
    )


_NEVER_COMPLETED: Final = frozenset({"document-voided", "document-declined", "document-expired"})


def _file_page(
    desk: Desk, verdict: dict[str, Any], prefix: str | None, expected: str | None
) -> tuple[str, Tone, dict[str, str]]:
    if expected is not None and prefix != expected:
        return "other_file", "bad", {}
    integrity, registry = verdict["integrity"], verdict["registry"]
    codes = {finding["code"] for finding in verdict["findings"]}
    if integrity != "altered" and registry in ("known", "prefix") and codes & _NEVER_COMPLETED:
        return "never_completed", "bad", {}
    if integrity == "unsigned":
        return ("prefix", "warn", {}) if registry == "prefix" else ("unsigned", "warn", {})
    if integrity == "altered":
        return ("not_our_seal" if _only_the_seal(verdict) else "altered"), "bad", {}
    if integrity == "indeterminate":
        return "undecided", "warn", {}
    if registry == "prefix":
        return "prefix", "warn", {}
    if registry == "known" and verdict["indication"] == "TOTAL-PASSED":
        document_id = verdict["document_id"]
        if newer := replaced_by(desk, document_id):
            return "superseded", "warn", {"newer": newer}
        if verdict["audit_log"] != "included":
            return "log", "warn", {}
        return "authentic", "good", {"title": desk.status(document_id)["title"]}
    if verdict["certificate"]["sealed_by_us"] and verdict["indication"] == "TOTAL-PASSED":
        return "unregistered_file", "warn", {}
    if verdict["certificate"]["house"] and verdict["indication"] == "TOTAL-PASSED":
        return "other_house", "warn", {"house": verdict["certificate"]["house"]}
    if any(finding["code"] == "house-unknown" for finding in verdict["findings"]):
        return "house_unknown", "warn", {}
    if verdict["indication"] == "INDETERMINATE" and verdict["document_id"]:
        return "undecided", "warn", {}
    return "others", "warn", {}


def _only_the_seal(verdict: dict[str, Any]) -> bool:
    """Nothing was changed; what is wrong is that a certificate page made like ours was sealed by another key."""
    return verdict["certificate"]["sealed_by_us"] is False and all(
        signature["intact"] and signature["changes"] in ("none", "permitted") for signature in verdict["signatures"]
    )


def _signature(signature: dict[str, Any]) -> dict[str, Any]:
    proven = signature["proven_time"]
    time = proven or signature["claimed_time"]
    return {
        "kind": signature["kind"],
        "signer": signature["signer"],
        "proven": proven is not None,
        "time": datetime.fromisoformat(time) if time else None,
        "indication": signature["indication"],
    }


def certificate_address(desk: Desk, document_id: str | None) -> str | None:
    """Where the accessible certificate of a completed document is."""
    completed = _completed(desk, document_id) if document_id else None
    text = completed.data.get("qr_text") if completed else None
    return "/V/" + str(text).rpartition("/")[2] if text else None


def certificate(desk: Desk, document_id: str, language: str) -> dict[str, Any] | None:
    """The facts of the authenticity certificate as label and text, read from the audit log; None when they cannot be had."""
    completed = _completed(desk, document_id)
    if completed is None:
        return None
    try:
        with reading(desk.workspace.engine) as connection:
            data, _ = certificate_facts.as_issued(desk.workspace, connection, document_id, completed)
    except SealtrailError:
        return None
    return _readable(data, language)


def _completed(desk: Desk, document_id: str) -> audit.Event | None:
    try:
        log = desk.events(document_id)
    except SealtrailError:
        return None
    return next((event for event in reversed(log) if event.type == "document.completed"), None)


def _readable(data: CertificateData, language: str) -> dict[str, Any]:
    say = certificate_words(language)

    def when(at: datetime | None) -> str:
        return moment(at, data.zone or UTC, language) if at else say["not_recorded"]

    authority = data.time_stamps
    facts = [
        (say["issued_by"], data.organisation),
        (say["issued_at"], when(data.issued_at)),
        (say["certificate_id"], data.certificate_id),
        (say["document"], data.title),
        (say["document_id"], data.document_id),
        (say["pages"], page.pages(data, language)),
        (say["created_at"], when(data.created_at)),
        (say["author"], data.author or say["not_recorded"]),
        (say["file_names"], page.file_names(data, language) or say["not_recorded"]),
        (say["signed_length"], say["bytes"].format(count=count(data.signed_length, language))),
        (say["signed_sha256"], data.signed_sha256),
        (
            say["authority"],
            f"{authority.name} ({say['embedded']}: {say['embedded_note']})"
            if authority and authority.embedded
            else authority.name
            if authority
            else say["not_recorded"],
        ),
        (say["seal"], data.seal_certificate_sha256 or say["not_recorded"]),
        (say["qr_key"], data.qr_key_id or say["not_recorded"]),
        (say["log_sequence"], str(data.log_sequence) if data.log_sequence is not None else say["not_recorded"]),
    ]
    return {"facts": facts, "parties": [_party(party, say, when, language) for party in data.parties]}


def _party(party: PartyFacts, say: Any, when: Any, language: str) -> dict[str, Any]:
    unknown = say["not_recorded"]
    contact = f"{party.contact} ({say['channel_' + party.channel]})" if party.contact and party.channel else unknown
    mark = say[f"mark_{party.mark_kind}"] if party.mark_kind else unknown
    if party.stamp is not None:
        mark += ", " + say["with_stamp"]
    return {
        "heading": f"{say['role_' + party.role]}: {party.name}"
        + (f", {party.organisation}" if party.organisation else ""),
        "facts": [
            (say["contact"], contact),
            (say["link_sent"], when(party.link_sent_at)),
            (page.link_opened(party, language), when(party.link_opened_at)),
            *((say["code_" + code.kind].format(n=code.number), when(code.at)) for code in party.codes),
            (say["consented"], when(party.consented_at)),
            *([(say["agreed"], say["agreed_value"].format(version=party.agreed))] if party.agreed else []),
            (say["time_stamped"], when(party.time_stamped_at)),
            (say["mark"], mark),
            *([(say["copy_to"], party.copy_to)] if party.copy_to else []),
            (say["ip_address"], party.ip_address or unknown),
            (say["device"], party.device or unknown),
            (say["x509"], party.x509_certificate_sha256 or unknown),
        ],
    }
