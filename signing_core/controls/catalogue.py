"""Everything that can be found, by code: how grave it is, who is to act, and how. Codes are stable."""

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


RECONCILIATION: Final[dict[str, Kind]] = {
    "stored-file-missing": Kind(
        "error", "operations", "The stored file of a document is gone or cannot be read.",
        "See to disk and rights; restore it from a backup or from the message as it was sent; its hash is in the audit log.",
    ),
    "stored-file-changed": Kind(
        "error", "compliance", "The stored bytes are not what the registry and the audit log name.",
        "Compare it with the file that was mailed; find out who can write to the object store.",
    ),
    "registry-differs-from-log": Kind(
        "error", "compliance", "The registry does not say of a document what its events say.",
        "The events are covered by checkpoints, the registry is not: trust the events and find out who changed the row.",
    ),
    "file-differs-from-log": Kind(
        "error", "compliance", "The stored file is not what the events say of it, step by step: it was exchanged between two steps.",
        "Believe the event: take the file that it names from a backup or a party, and find out who wrote to store and registry.",
    ),
    "revisions-beyond-steps": Kind(
        "error", "compliance", "Between two states of the file lie other revisions than the step between them adds.",
        "Compare the states, to see what came in between (`sealtrail verify --compare`), and void or replace the document.",
    ),
    "renewed-file-differs": Kind(
        "error", "operations", "The file with the renewed archive time-stamp is not the one of its event, or is gone.",
        "Restore it from a backup; the completed file is still there, and its time-stamp can be renewed once more.",
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
    "certificate-not-compared": Kind(
        "warning", "operations", "The printed certificate could not be set again, so it was not compared with the log.",
        "It is tried again in every run; see whether the fonts are there and the parties' marks are whole.",
    ),
    "event-changed": Kind(
        "error", "compliance", "An event of the audit log is not what its hash says, or does not follow its predecessor.",
        "Run `sealtrail audit verify` and take the event from an evidence pack or a backup.",
    ),
}  # fmt: skip
"""What the four-way reconciliation finds in a completed document."""

FLOW: Final[dict[str, Kind]] = {
    "parties-share-contact": Kind(
        "error", "compliance", "First party and client were reached at the same address or number.",
        "Ask who received the client's link; the signature may be the first party's own.",
    ),
    "parties-share-ip": Kind(
        "warning", "compliance", "First party and client consented from the same IP address.",
        "Harmless in one office or over one proxy; otherwise ask who signed for the client.",
    ),
    "parties-share-device": Kind(
        "info", "compliance", "First party and client consented with devices that name themselves alike.",
        "Proves little alone: many devices do. With one IP address, ask who signed for the client.",
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
    "consent-too-late": Kind(
        "error", "compliance", "A consent was given when the confirmation by its code was over.",
        "The flow does not allow it: check the server's clock and who can write to the database.",
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
"""What the controls find in a document's history."""

RUNS: Final[dict[str, Kind]] = {
    "certificate-differs": Kind(
        "error", "compliance", "The authenticity certificate in a stored file is not in order.",
        "Compare the file with the one that was mailed.",
    ),
    "stored-file-fails": Kind(
        "error", "compliance", "The signatures of a stored, completed document do not verify.",
        "Open the verdict: it names signature, revision and page. The audit log has the hash of what was completed.",
    ),
    "stored-file-not-judged": Kind(
        "warning", "operations", "A stored, completed document could not be judged: that came to no end.",
        "See whether the machine has memory and time to spare; it is tried again every night.",
    ),
    "not-in-registry": Kind(
        "error", "compliance", "A stored file of the archive is not the one that the registry knows.",
        "Find out who changed the registry or the store.",
    ),
    "log-disagrees": Kind(
        "error", "compliance", "The audit log does not name a stored file, or the document's events do not chain.",
        "Run `sealtrail audit verify`.",
    ),
    "time-stamp-ended": Kind(
        "error", "compliance", "The archive time-stamp of a completed document has ended and was not renewed in time.",
        "Renew it now; what it proved beyond that day has to be shown otherwise: by the audit log and its anchors.",
    ),
    "time-stamp-ends": Kind(
        "warning", "operations", "The archive time-stamp of a completed document ends soon and could not be renewed so far.",
        "See why: mostly the time-stamp authority does not answer, or the stored file is not in order.",
    ),
    "file-altered": Kind(
        "error", "compliance", "A file that came in was changed after it was signed.",
        "Do not rely on it; ask its sender for the original, and look for where the change comes from.",
    ),
    "file-not-the-registered": Kind(
        "error", "compliance", "A file that came in names a document of ours and is another file than that document.",
        "Compare it with the archived document.",
    ),
    "file-foreign": Kind(
        "warning", "compliance", "A file that came in was signed or sealed by somebody whom we do not trust.",
        "Add the signer's X.509 anchor to the trust settings if it is to be trusted; otherwise return the file.",
    ),
    "file-expired-certificate": Kind(
        "warning", "compliance", "A file that came in was signed with an X.509 certificate that was not valid at that time.",
        "Ask for a signature with a valid X.509 certificate, or for a time-stamp that proves an earlier one.",
    ),
    "file-revoked-certificate": Kind(
        "error", "compliance", "A file that came in was signed with a revoked X.509 certificate.",
        "Do not rely on it; ask its sender.",
    ),
    "file-not-judged": Kind(
        "warning", "compliance", "A file that came in cannot be judged.",
        "Open the verdict: it says what is missing, mostly revocation data or an algorithm that we know.",
    ),
    "file-encrypted": Kind(
        "warning", "operations", "A file that came in is encrypted and its password is not known.",
        "Ask its sender for the password or for an open copy.",
    ),
    "file-unsigned": Kind(
        "warning", "operations", "A file that came in has no signature.",
        "Ask its sender for the signed document.",
    ),
    "file-gone": Kind(
        "warning", "operations", "A file that came in is not there any more, or cannot be read.",
        "Restore it; or withdraw it with the job `withdraw_files`, which asks who says so and why.",
    ),
    "file-left-out": Kind(
        "warning", "operations", "Something in the watched place cannot be taken in.",
        "Put it right as the message says; until then nobody has checked it.",
    ),
    "file-replaced": Kind(
        "warning", "compliance", "A file that came in has other bytes now than when it was read first.",
        "Ask who replaced it and why; what was said of the first file does not hold for this one.",
    ),
    "withdrawals-damaged": Kind(
        "error", "compliance", "The list of the files that were withdrawn from a batch is damaged.",
        "Restore it from a backup; the event `files.withdrawn` of the audit log has its SHA-256.",
    ),
    "duplicate-file": Kind(
        "warning", "operations", "The same file came in more than once.",
        "Find out whether one of them should have been another document.",
    ),
    "log-inconsistent": Kind(
        "error", "compliance", "The audit log contradicts itself or what was signed of it before.",
        "Stop work on the workspace and run `sealtrail audit verify`.",
    ),
    "log-remark": Kind(
        "warning", "operations", "The audit log is whole, but something about it wants attention.",
        "Run `sealtrail audit verify`.",
    ),
    "batch-stopped": Kind(
        "error", "operations", "A batch is not finished: a check stopped it, or a step failed.",
        "Open the batch in the webserver, see why, and run it again.",
    ),
}  # fmt: skip
"""What a run finds besides: in the files of its batches, in the audit log, in the batches themselves."""

CATALOGUE: Final = RECONCILIATION | FLOW | RUNS
