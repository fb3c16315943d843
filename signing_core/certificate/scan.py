"""Reads authenticity certificates' QR codes from pictures and verifies them, offline.

What is judged is the code. That the pages above it are the ones it was issued for is a second question, which the file
answers and paper leaves open; every result says both in sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image

from signing_core.certificate import payload
from signing_core.certificate.payload import QrClaims, QrStatus, QrVerdict
from signing_core.certificate.readers import FoundCode, QrReader, ZxingReader
from signing_core.certificate.registry import Answer, RegisteredDocument, Registry
from signing_core.certificate.scan_words import SEVERITIES, words
from signing_core.certificate.words import count, moment
from signing_core.trust import TrustStore
from signing_core.verdict import Finding, rfc3339


@dataclass(frozen=True, slots=True)
class SignedPrefix:
    """The file as the client signed it: the first `length` bytes of the sealed one."""

    sha256: str
    length: int


@dataclass(frozen=True, slots=True)
class ScanResult:
    """One code, or that a file held none: the object that `sealtrail scan --format jsonl` writes."""

    path: str | None = None
    page: int | None = None
    """Of a PDF or a TIFF of several pages, counted from 1."""
    found: bool = False
    symbology: str | None = None
    text: str | None = None
    ours: bool = False
    """Whether it is a payload of an authenticity certificate, whoever made it."""
    qr: Literal["valid", "invalid", "unknown-key"] | None = None
    issuer: str | None = None
    """As the code names it; proven only together with `key_id` and `qr` being valid."""
    host: str | None = None
    """Where the printed address leads."""
    certificate_id: str | None = None
    document_id: str | None = None
    issued_at: datetime | None = None
    signed_prefix: SignedPrefix | None = None
    signers: int | None = None
    sequence: int | None = None
    """Sequence number of the client's signing event in the audit log."""
    key_id: str | None = None
    """16 hexadecimal digits."""
    house: str | None = None
    """The name of the house whose key it is; None when nobody said."""
    other_house: bool = False
    """Whether that is known to be another house than ours."""
    registry: Answer | None = None
    """None without a workspace."""
    document: RegisteredDocument | None = None
    """What the workspace knows, to compare with the paper by eye."""
    proves: tuple[str, ...] = ()
    does_not_prove: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    method: str | None = field(default=None, compare=False)
    """What the picture had to go through before the code was read; `plain` for nothing."""

    @property
    def in_order(self) -> bool:
        """A valid code of ours that nothing known contradicts."""
        return self.qr == "valid" and not any(finding.severity == "error" for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The keys of the published contract, and some more; times as RFC 3339 in UTC."""
        prefix, document = self.signed_prefix, self.document
        return {
            "path": self.path,
            "page": self.page,
            "found": self.found,
            "symbology": self.symbology,
            "text": self.text,
            "ours": self.ours,
            "qr": self.qr,
            "certificate_id": self.certificate_id,
            "document_id": self.document_id,
            "issued_at": rfc3339(self.issued_at),
            "signed_prefix": {"sha256": prefix.sha256, "length": prefix.length} if prefix else None,
            "signers": self.signers,
            "key_id": self.key_id,
            "registry": self.registry,
            "proves": list(self.proves),
            "does_not_prove": list(self.does_not_prove),
            "findings": [finding.to_json() for finding in self.findings],
            "house": self.house,
            "issuer": self.issuer,
            "host": self.host,
            "sequence": self.sequence,
            "document": {
                "title": document.title,
                "pages": document.pages,
                "status": document.status,
                "parties": [{"role": role, "name": name} for role, name in document.parties],
            }
            if document
            else None,
        }


def scan(
    image: Image.Image,
    *,
    trust: TrustStore | None = None,
    registry: Registry | None = None,
    language: str = "en",
    reader: QrReader | None = None,
    path: str | None = None,
    page: int | None = None,
) -> list[ScanResult]:
    """Every QR code in a picture, top to bottom, read and judged; empty when there is none.

    `trust` holds the public keys to believe and says whose they are, `registry` what is read
    against a workspace. Raises `UsageError` when the picture has more pixels than the reader takes.
    """
    codes = (reader or ZxingReader()).read(image)
    judge = Judge(trust, registry=registry, language=language)
    return [judge.code(code, path=path, page=page) for code in codes]


class Judge:
    """Judges texts of QR codes by the QR keys of a trust store and, where there is one, a registry."""

    def __init__(
        self,
        trust: TrustStore | None = None,
        *,
        registry: Registry | None = None,
        language: str = "en",
    ) -> None:
        self._trust = trust = trust or TrustStore()
        self._keys = trust.public_keys("qr")
        self._houses = {
            payload.key_id(Ed25519PublicKey.from_public_bytes(raw)): (raw, house)
            for raw, house in trust.keys("qr").items()
        }
        self._registry = registry
        self._language = language
        self._words = words(language)

    def code(self, code: FoundCode, *, path: str | None = None, page: int | None = None) -> ScanResult:
        """A code that a reader found."""
        return self.text(code.text, symbology=code.symbology, method=code.method, path=path, page=page)

    def text(
        self,
        text: str,
        *,
        symbology: str | None = None,
        method: str | None = None,
        path: str | None = None,
        page: int | None = None,
    ) -> ScanResult:
        """A code's text, read by a reader or typed from paper.

        The steps: (1) is the text of our form, (2) is its payload signed by a given key, (3) does the printed address
        lead to the issuer, (4) does the workspace know the document, as this.
        """
        base: dict[str, Any] = {
            "path": path,
            "page": page,
            "found": True,
            "symbology": symbology,
            "text": text,
            "method": method,
        }
        parsed = payload.parse_text(text)
        verdict = payload.verify(parsed.payload, self._keys) if parsed else None
        if parsed is None or verdict is None or verdict.status is QrStatus.FOREIGN:
            return ScanResult(
                **base, does_not_prove=(self._words["not_foreign"],), findings=(self.finding("qr-foreign", page=page),)
            )
        base |= {"ours": True, "host": parsed.host, "key_id": verdict.key_id.hex() if verdict.key_id else None}
        claims = verdict.claims
        if verdict.status is QrStatus.INVALID or claims is None:
            return ScanResult(
                **base,
                qr="invalid",
                does_not_prove=(self._words["not_invalid"],),
                findings=(self._why_invalid(verdict, page),),
            )
        base |= {
            "issuer": claims.issuer,
            "certificate_id": claims.certificate_id,
            "document_id": claims.document_id,
            "issued_at": claims.issued_at,
            "signed_prefix": SignedPrefix(claims.prefix_sha256.hex(), claims.prefix_length),
            "signers": claims.signers,
            "sequence": claims.sequence,
        }
        findings = []
        if not payload.belongs(parsed.host, claims.issuer):
            findings.append(self.finding("qr-host-differs", parsed.host, page=page))
        if verdict.status is QrStatus.UNKNOWN_KEY:
            findings.append(self.finding("qr-unknown-key", base["key_id"], page=page))
            sentence = self._words["not_unknown"].format(issuer=claims.issuer, key_id=base["key_id"])
            return ScanResult(**base, qr="unknown-key", does_not_prove=(sentence,), findings=tuple(findings))
        raw, house = self._houses[verdict.key_id or b""]
        if retired := house.retired(raw, claims.issued_at):
            findings.append(self.finding("qr-key-retired", f"{retired:%Y-%m-%d}", page=page))
        document = self._registry.find(claims.document_id) if self._registry else None
        answer: Answer | None = None
        if self._registry is not None:
            answer = document.answer(claims) if document else "unknown"
            findings += self._of_registry(answer, document, page)
        shown = document if answer == "known" else None
        return ScanResult(
            **base,
            qr="valid",
            house=house.name or None,
            other_house=bool(house.id) and not self._trust.is_own(house),
            registry=answer,
            document=shown,
            proves=self._proves(claims, base["key_id"], house.name, shown),
            does_not_prove=self._does_not_prove(claims, shown),
            findings=tuple(findings),
        )

    def finding(self, code: str, detail: str = "", *, page: int | None = None) -> Finding:
        """A finding of a scan in the judge's language."""
        return Finding(code, SEVERITIES[code], self._words[code].format(detail=detail), page=page)

    def _why_invalid(self, verdict: QrVerdict, page: int | None) -> Finding:
        if verdict.reason == "signature" and verdict.key_id:
            return self.finding("qr-signature", verdict.key_id.hex(), page=page)
        return self.finding("qr-malformed", verdict.reason, page=page)

    def _of_registry(self, answer: Answer, document: RegisteredDocument | None, page: int | None) -> list[Finding]:
        if answer != "known":
            return [self.finding(f"registry-{answer}", page=page)]
        if document is not None and document.status in ("voided", "declined", "expired"):
            return [self.finding("document-ended", document.status, page=page)]
        return []

    def _proves(
        self, claims: QrClaims, key_id: str, house: str, document: RegisteredDocument | None
    ) -> tuple[str, ...]:
        say = self._words
        sentences = [
            say["proves_issued"].format(
                certificate_id=claims.certificate_id,
                document_id=claims.document_id,
                issued_at=moment(claims.issued_at, UTC, self._language),
                key_id=key_id,
                key_name=say["of_house"].format(house=house) if house else say["given_key"],
                issuer=claims.issuer,
            ),
            say["proves_prefix"].format(
                signers=claims.signers,
                length=count(claims.prefix_length, self._language),
                sha256=claims.prefix_sha256.hex(),
            ),
        ]
        if document is not None:
            sentences.append(say["proves_registry"].format(**self._described(document)))
        return tuple(sentences)

    def _does_not_prove(self, claims: QrClaims, document: RegisteredDocument | None) -> tuple[str, ...]:
        say = self._words
        compare = (
            say["not_compare"].format(issuer=claims.issuer)
            if document is None
            else say["not_compare_registry"].format(**self._described(document))
        )
        return say["not_pages"], say["not_print"], compare

    def _described(self, document: RegisteredDocument) -> dict[str, Any]:
        parties = ", ".join(f"{name} ({self._words[f'role_{role}']})" for role, name in document.parties)
        return {"title": document.title, "pages": document.pages, "parties": parties}
