"""A document's verdict as a card: the answer, its first reason, the axes, then each signature and all findings in folds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from signing_core.display.parts import Tone, badge, facts, fold, paragraph, short, table
from signing_core.display.tags import Html, card

if TYPE_CHECKING:
    from signing_core.verdict import DocumentVerdict, Finding, SignatureVerdict

_TONES: Final[dict[str, Tone]] = {
    "intact": "good", "altered": "bad", "indeterminate": "warn", "unsigned": "warn",
    "TOTAL-PASSED": "good", "TOTAL-FAILED": "bad", "INDETERMINATE": "warn",
    "trusted": "good", "untrusted": "bad", "unknown": "warn",
    "error": "bad", "warning": "warn", "info": "calm",
}  # fmt: skip


def tone(word: str | None) -> Tone:
    """The colour of a verdict's word."""
    return _TONES.get(word or "", "calm")


def indication(verdict: DocumentVerdict | SignatureVerdict) -> str:
    """`TOTAL-FAILED / HASH_FAILURE`; empty for an unsigned document."""
    return " / ".join(str(part) for part in (verdict.indication, verdict.sub_indication) if part)


def plain(verdict: DocumentVerdict) -> str:
    """One line: the verdict and its first reason."""
    where = verdict.document_id or verdict.path or verdict.sha256 or "no file"
    said = ", ".join(part for part in (str(verdict.integrity), indication(verdict)) if part)
    return f"<DocumentVerdict {where}: {said}{f': {verdict.why}' if verdict.why else ''}>"


def html(verdict: DocumentVerdict) -> Html:
    why, said = verdict.why, indication(verdict)
    name = verdict.path or verdict.document_id or "Document"
    return card(
        paragraph(
            name,
            " ",
            badge(verdict.integrity, tone(verdict.integrity)),
            *((" ", badge(said, tone(verdict.indication))) if said else ()),
            cls="title",
        ),
        *((paragraph(why),) if why else ()),
        facts(_axes(verdict)),
        *(_signature(number, one) for number, one in enumerate(verdict.signatures, start=1)),
        *(
            (fold(f"Findings about the file: {len(verdict.findings)}", findings(verdict.findings)),)
            if verdict.findings
            else ()
        ),
    )


def findings(found: Iterable[Finding]) -> Html:
    """A table of findings."""
    rows = (
        (
            badge(one.severity, tone(one.severity)),
            one.code,
            one.message,
            one.field or "",
            _or(one.revision),
            _or(one.page),
        )
        for one in found
    )
    return table(("Severity", "Code", "Finding", "Field", "Revision", "Page"), rows)


def _axes(verdict: DocumentVerdict) -> dict[str, object]:
    """What was judged; an axis that does not apply is left out."""
    page = verdict.certificate
    held: dict[str, object] = {
        "Document": verdict.document_id,
        "SHA-256": short(verdict.sha256, 64) if verdict.sha256 else "could not be read",
        "Size": f"{verdict.size:,} bytes, {_or(verdict.pages) or '?'} pages" if verdict.size is not None else None,
        "Trust": verdict.trust,
        "Time": verdict.time,
        "Authenticity certificate": f"QR code {page.qr}, signed revision {page.prefix}" if page.present else "none",
        "Registry": verdict.registry,
        "Audit log": verdict.audit_log,
        "Judged for": verdict.at,
        "Policy": verdict.policy.id,
    }
    return {name: value for name, value in held.items() if value is not None}


def _signature(number: int, one: SignatureVerdict) -> Html:
    who = (one.role or "").replace("-", " ") or (
        "document time-stamp" if one.kind == "document-timestamp" else "signature"
    )
    title = f"{number}. {who}: {one.signer or 'unknown signer'}, {indication(one)}"
    authority = one.time_authority
    held: dict[str, object] = {
        "Revision": one.revision,
        "Level": one.level,
        "Coverage": one.coverage,
        "Changes since": one.changes,
        "Intact": one.intact,
        "Trust": one.trust,
        "Revocation": one.revocation,
        "Claimed time": one.claimed_time,
        "Proven time": one.proven_time,
        "Time authority": f"{authority.name}{' (embedded)' if authority.embedded else ''}" if authority else None,
        "Covered SHA-256": short(one.covered_sha256, 64) if one.covered_sha256 else None,
    }
    return fold(title, facts(held), *((findings(one.findings),) if one.findings else ()))


def _or(value: int | None) -> str:
    return "" if value is None else str(value)
