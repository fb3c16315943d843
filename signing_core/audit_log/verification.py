"""`sealtrail audit verify`: the whole log against everything that was ever signed, anchored and stored of it.

(1) replay of all events, chains and nodes (`replay`), and with the key ring at hand who wrote each event (`authentication`);
(2) every checkpoint: signature by a key of the log, and the root at its size;
(3) what the signer remembers, which lies outside the database: a log in which anything was signed has a memory, and whatever
    was completed is under a checkpoint;
(4) every anchor: against its checkpoint, and the time it proves against the times that events claim;
(5) every proof: those that were handed out with finished documents and are kept, and those that somebody brings back;
(6) personal values beside the log against their commitments;
(7) the registry and the stored files against the completion events.

What each step can and cannot catch is a table in docs/audit-log.md, and a test for each of its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import anchors, authentication, events, notes, personal, replay, signer, stored_proofs
from signing_core.audit_log.anchors import AnchorInvalid, Proven
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.files import MAKING
from signing_core.audit_log.findings import Finding, Severity
from signing_core.audit_log.log import COMPLETED, RESTORED, AuditLog
from signing_core.audit_log.notes import Note, NoteInvalid
from signing_core.audit_log.outside_proofs import Outside
from signing_core.audit_log.proofs import Proof
from signing_core.audit_log.replay_chunk import CLOCK_TOLERANCE_SECONDS
from signing_core.errors import LogInconsistent, ObjectDamaged, ObjectMissing, StorageError
from signing_core.storage.database import reading
from signing_core.storage.schema import checkpoints, documents, personal_data
from signing_core.storage.workspace import Workspace

_TOLERANCE = timedelta(seconds=CLOCK_TOLERANCE_SECONDS)


@dataclass(slots=True)
class Report:
    """What a verification of the log found."""

    events: int = 0
    checkpoints: int = 0
    anchors: int = 0
    proofs: int = 0
    """Proofs that were held against the log, kept ones and brought ones."""
    files: int = 0
    """Completed documents whose stored file was read and hashed."""
    findings: list[Finding] = field(default_factory=list)
    anchored: Proven | None = None
    """The verified outside anchor over the largest checkpoint."""
    unprotected: int = 0
    """Events after it: nobody outside would notice if we rewrote these."""
    unprotected_since: datetime | None = None
    """The time that the first of them claims."""

    @property
    def in_order(self) -> bool:
        """Whether nothing was found that is an error."""
        return not any(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Kept:
    ours: bool
    """Whether we kept it; else somebody brought it."""
    name: str
    proof: Proof | None
    problem: str


def verify(
    workspace: Workspace,
    *,
    progress: Callable[[int], None] | None = None,
    files: bool = True,
    jobs: int | None = None,
    outside: Sequence[Outside] = (),
) -> Report:
    """Verify the log of a workspace; `files` also reads and hashes every completed document.

    `outside` is what somebody has kept of the log, see `outside_proofs`.
    """
    return _Verification(workspace, files, outside).run(progress, jobs)


class _Verification:
    def __init__(self, workspace: Workspace, files: bool, outside: Sequence[Outside]) -> None:
        self._workspace = workspace
        self._engine = workspace.engine
        self._log = AuditLog(workspace)
        self._files = files
        self._outside = outside
        self._losses: dict[str, int] = {}
        self._contradicted: list[tuple[bool, int, str]] = []
        self._signed = 0
        """Events under the largest checkpoint of ours, whether or not they are still those that were signed."""
        self.report = Report()

    def run(self, progress: Callable[[int], None] | None, jobs: int | None) -> Report:
        rows: list[sa.Row[Any]] = []
        stored_anchors: list[anchors.Anchor] = []
        losses: list[events.Event] = []
        with reading(self._engine) as connection:
            query = sa.select(checkpoints).order_by(checkpoints.c.size)
            self._guarded("list of checkpoints", lambda: rows.extend(connection.execute(query)))
            self._guarded("list of anchors", lambda: stored_anchors.extend(anchors.every(connection)))
            self._guarded("list of losses", lambda: losses.extend(events.of_type(connection, RESTORED)))
        remembered = self._remembered()
        kept = self._kept_proofs()
        sizes = {row.size for row in rows if isinstance(row.size, int)} | ({remembered.size} if remembered else set())
        sizes |= {one.proof.checkpoint.size for one in kept if one.proof is not None}
        replayed = replay.replay(self._engine, sorted(sizes), progress=progress, jobs=jobs)
        self.report.events = replayed.size
        self.report.findings += replayed.findings
        for loss in losses:
            self._guarded("declared loss", self._take_loss, loss)
        self._check_authors(replayed, losses)
        good: dict[tuple[str, int], Note] = {}
        for row in rows:
            self._guarded("checkpoint", self._check_checkpoint, row, replayed, good)
        self._check_memory(remembered, replayed)
        for one in kept:
            self._guarded("proof", self._check_proof, one, replayed)
        self._sum_up_contradicted()
        with reading(self._engine) as connection:
            self._guarded("events that rest on a checkpoint", self._check_covered, connection, remembered)
            self._guarded("events that name files", self._check_brought_files, connection)
            for anchor in stored_anchors:
                self._guarded("time of an event beside an anchor", self._check_anchor, connection, anchor, good)
            self._guarded("time of the first unprotected event", self._measure_protection, connection)
            self._guarded("personal data", self._check_personal, connection)
            self._guarded("registry", self._check_registry, connection)
        return self.report

    def _guarded(self, what: str, step: Callable[..., None], *arguments: object) -> None:
        """Run a step that reads what an attacker may have written: what cannot be read is a finding, no crash."""
        try:
            step(*arguments)
        except (ValueError, TypeError, KeyError, AttributeError, LookupError, sa.exc.SQLAlchemyError):
            self._say("unreadable", f"The {what} cannot be read: the database was damaged or altered.", None)

    def _take_loss(self, loss: events.Event) -> None:
        data = loss.data
        for origin in data["origins_before"]:
            self._losses[str(origin)] = int(data["found"]["size"] or 0)
        self._say("loss-declared", f"A loss of events was declared: {data['reason']}", loss.seq, "warning")

    def _check_authors(self, replayed: replay.Replayed, losses: Sequence[events.Event]) -> None:
        """Every event was written with the key ring. What lies before a declared loss was declared with it."""
        if replayed.forged is None:
            text = "Who wrote the events was not checked: the key ring cannot be opened here. Set SEALTRAIL_PASSPHRASE."
            self._say("authors-unchecked", text, None, "info")
            return
        forged = dict(replayed.forged)
        declared = max((loss.seq for loss in losses if loss.seq not in forged), default=0)
        told = {finding.seq for finding in replayed.findings if finding.code in ("event-altered", "event-malformed")}
        for seq in sorted(forged.keys() - told):
            text = authentication.said(seq, forged[seq])
            self._say("event-unauthenticated", text, seq, "error" if seq >= declared else "warning")

    def _check_checkpoint(self, row: sa.Row[Any], replayed: replay.Replayed, good: dict[tuple[str, int], Note]) -> None:
        """Its note is good when its signature verifies and the log has its root."""
        self.report.checkpoints += 1
        name = f"The checkpoint of {row.size} events"
        try:
            note = notes.parse(row.note)
            checkpoint = Checkpoint.of(note)
            notes.verified(note, [v for v in self._verifiers if v.name == checkpoint.origin])
        except NoteInvalid as error:
            self._say("checkpoint-signature", f"{name} is not one of ours: {error}.", row.size)
            return
        if (checkpoint.origin, checkpoint.size, checkpoint.root) != (row.origin, row.size, row.root):
            self._say("checkpoint-columns", f"{name} is listed with other values than it states.", row.size)
            return
        if checkpoint.size > self._losses.get(checkpoint.origin, checkpoint.size):
            self._say("checkpoint-lost", f"{name} of {checkpoint.origin} belongs to a declared loss.", row.size, "info")
            return
        self._signed = max(self._signed, checkpoint.size)
        if checkpoint.size not in replayed.roots:
            self._say("checkpoint-beyond", f"{name} was signed, but there are only {replayed.size}.", replayed.size)
            return
        if replayed.roots[checkpoint.size] != checkpoint.root:
            self._say("checkpoint-root", f"{name} was signed over other events than are stored.", row.size)
            return
        good[row.origin, row.size] = note

    def _remembered(self) -> Checkpoint | None:
        try:
            return signer.recall(self._log.memory, self._verifiers)
        except LogInconsistent as error:
            self._say("signer-memory", str(error).partition(signer.RESOLVE)[0].strip(), None)
            return None

    def _check_memory(self, remembered: Checkpoint | None, replayed: replay.Replayed) -> None:
        if remembered is None:
            with reading(self._engine) as connection:
                owed = signer.memory_owed(connection)
            if owed is not None and not any(f.code == "signer-memory" for f in self.report.findings):
                self._say("signer-memory", f"The signer's memory is gone although {owed}.", None)
        elif remembered.origin != self._log.origin:
            self._say("signer-memory", f"The signer last signed for {remembered.origin}, not for this log.", None)
        elif remembered.size > replayed.size:
            self._say(
                "signer-memory",
                f"The signer signed {remembered.size} events, but there are only {replayed.size}.",
                replayed.size,
            )
        elif replayed.roots.get(remembered.size) != remembered.root:
            self._say("signer-memory", f"The signer signed {remembered.size} other events than are stored.", None)

    def _check_covered(self, connection: sa.Connection, remembered: Checkpoint | None) -> None:
        """What is completed is under a checkpoint, and what a signature or a seal rests on was so before it was made."""
        signed = max(self._signed, remembered.size if remembered else 0)
        for seq in signer.resting_on_nothing(connection, signed):
            text = f"Event {seq} was made over a checkpoint, and none that is there reaches what it rests on."
            self._say("checkpoint-missing", text, seq)
        due = self._workspace.clock() - timedelta(seconds=self._workspace.settings.audit_log.checkpoint_seconds)
        for event in events.of_type(connection, COMPLETED, since=self._signed):
            if event.time <= due or event.time > self._workspace.clock() + _TOLERANCE:
                text = (
                    f"Document {event.document_id} was completed by event {event.seq}, and no checkpoint is over that."
                )
                self._say("completion-uncovered", text, event.seq)

    def _kept_proofs(self) -> list[_Kept]:
        kept = [
            _Kept(True, f"The proof that was made for document {one.document_id}", one.proof, one.problem)
            for one in stored_proofs.every(self._workspace)
        ]
        brought = [_Kept(False, f"The proof {one.name}", one.proof, one.problem) for one in self._outside]
        return kept + [one for one in brought if one.proof is not None or one.problem]

    def _check_proof(self, kept: _Kept, replayed: replay.Replayed) -> None:
        """Key, inclusion of its event in its checkpoint, and that checkpoint against the log."""
        name, proof = kept.name, kept.proof
        if proof is None:
            self._say("proof-unreadable", f"{name} {kept.problem}.", None)
            return
        self.report.proofs += 1
        checkpoint = proof.checkpoint
        try:
            notes.verified(proof.note, [v for v in self._verifiers if v.name == checkpoint.origin])
        except NoteInvalid as error:
            self._say("proof-signature", f"{name} is over no checkpoint of ours: {error}.", proof.index)
            return
        if proof.reason is not None:
            self._say("proof-invalid", f"{name} does not hold in itself. {proof.reason}", proof.index)
            return
        if checkpoint.size > self._losses.get(checkpoint.origin, checkpoint.size):
            self._say("proof-lost", f"{name} is over events of a declared loss.", proof.index, "info")
        elif checkpoint.size not in replayed.roots:
            text = f"{name} is over {checkpoint.size} events that we signed, but there are only {replayed.size}."
            self._say("proof-beyond", text, replayed.size)
        elif replayed.roots[checkpoint.size] != checkpoint.root:
            self._contradicted.append((kept.ours, checkpoint.size, name))

    def _sum_up_contradicted(self) -> None:
        """One edited event contradicts every proof since: of those that we kept, the first one says it for all."""
        kept = sorted(one for one in self._contradicted if one[0])
        for ours, size, name in kept[:1] + [one for one in self._contradicted if not one[0]]:
            others = f" (and so are {len(kept) - 1} others)" if ours and len(kept) > 1 else ""
            text = f"{name} is over {size} events that we signed, and they are not those that are stored{others}."
            self._say("proof-contradicts", text, size)

    def _check_brought_files(self, connection: sa.Connection) -> None:
        """PDFs that somebody brings: an event of the log names each of them."""
        brought = {one.pdf_sha256: one.name for one in self._outside if one.pdf_sha256 is not None}
        if not brought:
            return
        named = {
            event.data.get(key)
            for type in MAKING
            for event in events.of_type(connection, type)
            for key in ("sha256", "prepared_sha256")
        }
        for sha256, name in brought.items():
            self.report.proofs += 1
            if sha256 not in named:
                self._say("proof-file-unknown", f"No event of the log names the file {name} ({sha256}).", None)

    def _check_anchor(
        self, connection: sa.Connection, anchor: anchors.Anchor, good: dict[tuple[str, int], Note]
    ) -> None:
        self.report.anchors += 1
        name = f"The anchor by {anchor.by} over {anchor.size} events"
        note = good.get((anchor.origin, anchor.size))
        if note is None:
            if anchor.size <= self._losses.get(anchor.origin, anchor.size):
                self._say("anchor-alone", f"{name} has no good checkpoint that it is about.", anchor.size)
            return
        try:
            proven = anchors.verify(
                anchor, note, witnesses=self._witnesses, authorities=self._log.authorities, own=self._log.own_anchors
            )
        except AnchorInvalid as error:
            self._say("anchor-invalid", f"{name} does not verify: it {error}.", anchor.size)
            return
        self._judge(connection, proven, name)

    def _measure_protection(self, connection: sa.Connection) -> None:
        anchored = self.report.anchored.anchor.size if self.report.anchored else 0
        self.report.unprotected = max(0, self.report.events - anchored)
        first = events.one(connection, anchored)
        self.report.unprotected_since = first.time if first else None

    def _judge(self, connection: sa.Connection, proven: Proven, name: str) -> None:
        anchor = proven.anchor
        if proven.outside and not proven.trusted:
            self._say(
                "anchor-untrusted", f"{name} is by an authority that nobody told us to trust.", anchor.size, "warning"
            )
            return
        if anchor.kind == "time-stamp" and not proven.outside:
            self._say(
                "anchor-not-outside", f"{name} is by our own authority, but listed as an outside one.", anchor.size
            )
            return
        # Events under the anchor existed at its time, events after it did not.
        before = events.one(connection, anchor.size - 1)
        after = events.one(connection, anchor.size)
        if before is not None and before.time > proven.time + _TOLERANCE:
            self._say(
                "time-after-anchor", f"Event {before.seq} claims a time after {name[0].lower()}{name[1:]}.", before.seq
            )
        if after is not None and after.time < proven.time - _TOLERANCE:
            self._say(
                "back-dated",
                f"Event {after.seq} claims {events.time_text(after.time)}, but was not there when {anchor.by} anchored "
                f"{anchor.size} events at {events.time_text(proven.time)}.",
                after.seq,
            )
        if proven.outside and (self.report.anchored is None or anchor.size >= self.report.anchored.anchor.size):
            self.report.anchored = proven

    def _check_personal(self, connection: sa.Connection) -> None:
        query = sa.select(personal_data.c.commitment, personal_data.c.salt, personal_data.c.value)
        for commitment, salt, value in connection.execute(query.where(personal_data.c.salt.is_not(None))):
            if value is None or personal.commit(salt, value.encode()) != commitment:
                self._say("personal-altered", f"The personal value of commitment {commitment} was altered.", None)

    def _check_registry(self, connection: sa.Connection) -> None:
        """The completion event names the file; the registry and the object store must agree with it."""
        named: dict[str, tuple[int, str]] = {}
        for event in events.of_type(connection, COMPLETED):
            if event.document_id is not None:
                self._guarded(f"completion event {event.seq}", self._take_completion, event, named)
        query = sa.select(documents.c.id, documents.c.final_sha256).where(documents.c.final_sha256.is_not(None))
        registry = {row.id: row.final_sha256 for row in connection.execute(query)}
        for document in sorted(registry.keys() - named.keys()):
            self._say("registry-unlogged", f"Document {document} is completed, but no event says so.", None)
        for document, (seq, sha256) in sorted(named.items()):
            if registry.get(document) != sha256:
                self._say(
                    "registry-contradicts",
                    f"The registry has another file for document {document} than event {seq}.",
                    seq,
                )
            if self._files:
                self._check_file(document, seq, sha256)

    def _take_completion(self, event: events.Event, named: dict[str, tuple[int, str]]) -> None:
        named[str(event.document_id)] = (event.seq, str(event.data["sha256"]))

    def _check_file(self, document: str, seq: int, sha256: str) -> None:
        try:
            self._workspace.objects.get(sha256)
        except ObjectMissing:
            self._say("file-missing", f"The file of document {document} (event {seq}) is not stored any more.", seq)
        except (ObjectDamaged, StorageError, ValueError):
            self._say("file-altered", f"The stored file of document {document} is not the one of event {seq}.", seq)
        else:
            self.report.files += 1

    @cached_property
    def _verifiers(self) -> list[notes.Verifier]:
        return self._log.verifiers()

    @cached_property
    def _witnesses(self) -> list[notes.Verifier]:
        return self._log.witnesses()

    def _say(self, code: str, message: str, seq: int | None, severity: Severity = "error") -> None:
        self.report.findings.append(Finding(code, message, seq, severity))
