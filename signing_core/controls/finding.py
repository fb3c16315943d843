"""A finding of a control, and the catalogue of all there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning", "info"]
Owner = Literal["compliance", "operations", "author"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a code means, who is to act on it, and how."""

    severity: Severity
    owner: Owner
    meaning: str
    action: str


CATALOGUE: Final[dict[str, Kind]] = {
    "stored-file-missing": Kind(
        "error", "operations", "The stored file of a completed document is gone.",
        "Restore it from a backup, or from the message as it was sent; its hash is in the audit log.",
    ),
    "stored-file-changed": Kind(
        "error", "compliance", "The stored bytes are not what the registry and the audit log name.",
        "Compare it with the file that was mailed; find out who can write to the object store.",
    ),
    "registry-differs-from-log": Kind(
        "error", "compliance", "The registry names another file than the event of completion.",
        "The event is covered by checkpoints, the registry is not: trust the event and find out who changed the row.",
    ),
    "mailed-file-differs": Kind(
        "error", "compliance", "What was attached to a completion message is not the completed file.",
        "Ask the recipient for the file it received, and send the right one.",
    ),
    "mailed-message-missing": Kind(
        "warning", "operations", "A completion message that should still be kept as it was sent is not there.",
        "Restore the object; until then what was mailed cannot be shown.",
    ),
    "certificate-differs-from-log": Kind(
        "error", "compliance", "The printed certificate does not state what the audit log says.",
        "Look at both; the log's events are covered by checkpoints.",
    ),
    "event-changed": Kind(
        "error", "compliance", "An event of the audit log is not what its hash says, or does not follow its predecessor.",
        "Run `sealtrail audit verify` and take the event from an evidence pack or a backup.",
    ),
    "parties-share-contact": Kind(
        "error", "compliance", "First party and client were reached at the same address or number.",
        "Ask who received the client's link; the signature may be the first party's own.",
    ),
    "parties-share-ip": Kind(
        "warning", "compliance", "First party and client consented from the same IP address.",
        "Harmless in one office or over one proxy; otherwise ask who signed for the client.",
    ),
    "parties-share-device": Kind(
        "info", "compliance", "First party and client consented from the same IP address with the same device.",
        "Signing on one device at one table is common; elsewhere ask who signed for the client.",
    ),
    "client-before-first-party": Kind(
        "error", "compliance", "The client's signature comes before the first party's.",
        "The flow does not allow it: the log or the document was tampered with.",
    ),
    "code-confirmed-late": Kind(
        "error", "compliance", "A code was accepted after its five minutes.",
        "The flow does not allow it: check the server's clock and who can write to the database.",
    ),
    "consent-without-code": Kind(
        "error", "compliance", "A consent has no confirmed code before it.",
        "The flow does not allow it: the log or the database was tampered with.",
    ),
    "sender-opened-clients-link": Kind(
        "warning", "compliance", "The client's link was opened from where the first party had acted.",
        "Ask whether the client's link was passed on to the sender.",
    ),
    "undelivered-counts-as-delivered": Kind(
        "error", "operations", "A message failed for good, and yet it counts as delivered.",
        "Send it again; find out what changed its state.",
    ),
    "completed-without-certificate": Kind(
        "error", "compliance", "A document counts as completed without an authenticity certificate.",
        "Treat it as not completed until it is sealed.",
    ),
    "completed-not-mailed": Kind(
        "warning", "operations", "A completed document has not reached one of its parties.",
        "Look at the outbox and send it again.",
    ),
    "stuck": Kind(
        "error", "operations", "A document has been waiting for its signature or seal for more than an hour.",
        "Look at its last events: mostly the time-stamp authority does not answer, or background work does not run.",
    ),
    "expired-link-accepted": Kind(
        "error", "compliance", "A step was taken through a link whose time was over.",
        "The flow does not allow it: check the server's clock and who can write to the database.",
    ),
    "verified-as-altered": Kind(
        "warning", "compliance", "Somebody checked a file of this document and it was altered.",
        "Find out which file that was and where it came from; the original is in the archive.",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ControlFinding:
    """One finding. `evidence` names what it rests on: `event 17`, `object SHA-256`, `message ID`."""

    code: str
    document_id: str | None
    message: str
    evidence: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        return CATALOGUE[self.code].severity

    @property
    def owner(self) -> Owner:
        return CATALOGUE[self.code].owner

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "severity": self.severity,
            "owner": self.owner,
            "document_id": self.document_id,
            "message": self.message,
            "evidence": list(self.evidence),
        }
