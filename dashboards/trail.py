"""The audit trail in words: who did what, when, over which channel, and how good the evidence for each of it is.

Three grades: *observed* is what our own server saw or what a time-stamp proves; *asserted* is what somebody said (a name that
an author typed, the device that a browser claims to be); *not recorded* is what there is nothing of, and is never filled in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final, Literal

from dashboards import look
from dashboards.look import Tone
from dashboards.words import t
from signing_core.access import Access
from signing_core.desk import views

Grade = Literal["observed", "asserted", "not recorded"]

_TITLES: Final[Mapping[str, str]] = {
    "document.created": "Document created",
    "document.sent": "Sent to the first party",
    "link.issued": "Link made for the {role}",
    "link.ended": "Link of the {role} ended",
    "link.fetched": "Link fetched (a person or a mail scanner)",
    "link.opened": "{Role} opened the document",
    "code.issued": "Code made for the {role}",
    "code.wrong": "{Role} entered a wrong code",
    "code.voided": "Code of the {role} voided",
    "code.confirmed": "{Role} confirmed the code",
    "step.locked": "Step locked after five wrong codes",
    "step.unlocked": "Step unlocked",
    "step.refused": "A step was refused",
    "consent.given": "{Role} gave consent and signature",
    "signature.made": "Signature of the {role} made and time-stamped",
    "signing.delayed": "Signature delayed",
    "sealing.delayed": "Seal delayed",
    "document.completed": "Sealed and completed",
    "document.declined": "{Role} declined",
    "document.voided": "Withdrawn by the author",
    "document.expired": "Expired",
    "contact.replaced": "Contact of the {role} replaced",
    "message.delivered": "Message delivered: {kind}",
    "message.failed": "Message failed: {kind}",
    "message.uncertain": "Message perhaps delivered: {kind}",
    "document.verified": "File verified: {integrity}",
    "finding.assigned": "Finding assigned: {code}",
    "finding.proposed": "Finding proposed for closing: {code}",
    "finding.sent-back": "Finding sent back: {code}",
    "finding.closed": "Finding closed by a second person: {code}",
    "finding.reopened": "Finding found again: {code}",
    "access.denied": "Access denied",
}
_GOOD: Final = {"consent.given", "signature.made", "document.completed", "code.confirmed", "finding.closed"}
_BAD: Final = {
    "document.declined",
    "document.expired",
    "step.locked",
    "message.failed",
    "access.denied",
    "step.refused",
}
_WARN: Final = {"code.wrong", "signing.delayed", "sealing.delayed", "message.uncertain", "finding.reopened"}
_ASSERTED: Final = {"device", "reason", "contact", "copy_email", "title", "organisation", "name"}
_FROM: Final = {"link.opened", "code.issued", "code.confirmed", "consent.given", "code.wrong", "document.declined"}
"""Events of a party's browser, of which address and device should be known."""
_SHOWN: Final[Mapping[str, str]] = {
    "ip": "IP address",
    "device": "Device",
    "channel": "Channel",
    "because": "Because",
    "reason": "Reason",
    "expires_at": "Valid until",
    "document_sha256": "SHA-256 of what was shown",
    "sha256": "SHA-256",
    "length": "Length in bytes",
    "time_stamped_at": "Time-stamp",
    "time_authority": "Time-stamp authority",
    "certificate_id": "Certificate id",
    "message": "Message",
    "person": "Person",
    "disposition": "Disposition",
    "indication": "Indication",
    "via": "Via",
    "method": "Via",
    "right": "Right",
    "contact": "Contact",
    "title": "Title",
    "source_sha256": "SHA-256 of the source",
    "first_party_name": "First party",
    "client_name": "Client",
    "author_name": "Author",
    "first_party_contact": "Contact of the first party",
    "client_contact": "Contact of the client",
}
_SPOKEN: Final = {"channel", "because", "disposition", "via", "method", "right"}
"""Whose values are terms of ours, with words of their own in German."""
_MESSAGE: Final = {"message.delivered", "message.failed", "message.uncertain"}


@dataclass(frozen=True)
class Detail:
    name: str
    value: str
    grade: Grade


@dataclass(frozen=True)
class Entry:
    """One line of the trail."""

    seq: int
    type: str
    time: datetime
    actor: str
    title: str
    tone: Tone
    details: tuple[Detail, ...]
    sha256: str


def of_document(access: Access, document_id: str) -> list[Entry]:
    """The document's events, oldest first. Raises `DocumentUnknown` for one that the person may not see."""
    access.document(document_id)
    return [_entry(event) for event in views.history(access.workspace, document_id)]


def _entry(event: dict[str, Any]) -> Entry:
    kind, data, beside = event["type"], event["data"], event["personal"]
    role = data.get("role") or (event["actor"] if event["actor"] in ("first-party", "client") else "")
    title = t(_TITLES.get(kind, kind))
    spoken = t(role) if role else ""
    title = title.format(
        role=spoken,
        Role=spoken[:1].upper() + spoken[1:],
        kind=t(str(data.get("kind", ""))),
        code=data.get("code", ""),
        integrity=t(str(data.get("integrity", ""))),
    )
    tone: Tone = "quiet"
    if kind in _GOOD:
        tone = "good"
    elif kind in _BAD or data.get("integrity") == "altered":
        tone = "bad"
    elif kind in _WARN:
        tone = "warn"
    details = tuple(_details(kind, data, beside))
    return Entry(event["seq"], kind, _time(event["time"]), event["actor"], title, tone, details, event["sha256"])


def _details(kind: str, data: Mapping[str, Any], beside: Mapping[str, Any]) -> Iterator[Detail]:
    for key, label in _SHOWN.items():
        if key == "message" and kind in _MESSAGE:
            continue  # there it is an id
        if key in beside:
            yield Detail(t(label), _text(beside[key]), "asserted" if _said(key, kind) else "observed")
        elif isinstance(data.get(key), dict) and "commitment" in data[key]:
            yield Detail(t(label), t("erased"), "not recorded")
        elif data.get(key) is not None:
            value = (
                look.when_text(data[key], seconds=True)
                if key in ("expires_at", "time_stamped_at")
                else t(_text(data[key]))
                if key in _SPOKEN
                else _text(data[key])
            )
            embedded = key == "time_stamped_at" and data.get("time_authority_embedded")
            yield Detail(t(label), value, "asserted" if embedded or _said(key, kind) else "observed")
        elif key in ("ip", "device") and kind in _FROM:
            yield Detail(t(label), t("not recorded"), "not recorded")


def _said(key: str, kind: str) -> bool:
    return key in _ASSERTED or (kind == "document.created" and key.endswith(("_name", "_contact")))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def as_html(entries: list[Entry]) -> str:
    """An ordered list, for reading from top to bottom."""
    lines = []
    for entry in entries:
        details = " · ".join(
            f"{escape(one.name)}: <b>{escape(one.value)}</b><span class='st-grade'>{escape(t(one.grade))}</span>"
            for one in entry.details
        )
        who = escape(t(entry.actor))
        lines.append(
            f"<li class='{entry.tone}'><time datetime='{entry.time.isoformat()}'>{escape(look.when(entry.time, seconds=True))}"
            f"</time> &nbsp;<b>{escape(entry.title)}</b> {look.muted(f'{who}, #{entry.seq}')}"
            f"<span class='more'>{details}</span></li>"
        )
    return f"<ol class='st-time'>{''.join(lines)}</ol>"


def rows(entries: list[Entry]) -> list[dict[str, Any]]:
    """For taking it away as a table."""
    return [
        {
            "seq": entry.seq,
            "time": entry.time.isoformat(),
            "type": entry.type,
            "who": entry.actor,
            "what": entry.title,
            "details": "; ".join(f"{one.name}: {one.value} ({one.grade})" for one in entry.details),
            "sha256": entry.sha256,
        }
        for entry in entries
    ]
