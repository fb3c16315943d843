"""The audit log of a workspace: checkpoints, anchors and proofs of its own.

A log has one name for life, its origin. When a loss of signed events is declared (`accept_restored`), what follows is a
*different* log in the eyes of everybody who holds an older checkpoint. It gets another origin, so that we never sign two
contradicting checkpoints under one name, and a witness has to be told: the loss cannot be passed over in silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signing_core.audit_log import anchors, authentication, events, proofs, signer, store, stored_proofs, tree
from signing_core.audit_log.anchors import Anchor
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.notes import COSIGNATURE, NoteInvalid, Verifier
from signing_core.audit_log.proofs import Proof
from signing_core.audit_log.signer import Issued
from signing_core.errors import DocumentUnknown, LogInconsistent, SealtrailError, UsageError
from signing_core.storage import schema
from signing_core.storage.database import reading, writing

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace
    from signing_core.trust import Purpose, TrustStore

RESTORED = signer.RESTORED
COMPLETED = "document.completed"


_recalled: tuple[Path, bytes | None, Checkpoint | None] | None = None
"""The memory that was verified last: of which workspace, its bytes, and what they say."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What one round of upkeep did."""

    checkpoint: Issued | None = None
    anchors: tuple[Anchor, ...] = ()
    problems: tuple[SealtrailError, ...] = field(default=())
    """Anchors that could not be had now; they are tried again next time."""


@dataclass(frozen=True, slots=True)
class Protection:
    """How far the log is protected from outside."""

    size: int
    """Events in the log."""
    signed: int
    """Events under the last checkpoint."""
    anchored: int
    """Events under the last checkpoint that somebody outside anchored; not verified here."""
    anchored_at: datetime | None
    by: str | None
    unprotected_since: datetime | None
    """Time of the first event after the last outside anchor; None when there is none."""

    @property
    def unprotected(self) -> int:
        return self.size - self.anchored


class AuditLog:
    """The log of an open workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def origin(self) -> str:
        return self._workspace.log_origin

    @property
    def memory(self) -> Path:
        """The file in which the signer remembers what it signed last."""
        return self._workspace.resolve(self._workspace.settings.audit_log.signer_state)

    # Checkpoints and anchors

    def checkpoint(self, now: datetime | None = None) -> Issued:
        """The log's state now, signed. Raises `LogInconsistent`.

        It continues what the signer remembers, the newest stored checkpoint, and the proof that was handed out last.
        """
        handed_out = stored_proofs.newest(self._workspace)
        said = [] if handed_out is None else [handed_out.checkpoint]
        return self._signer().issue(now=now or self._workspace.clock(), said=said)

    def recall(self) -> Checkpoint | None:
        """What the signer remembers. Raises `LogInconsistent` for a memory that no key of the log signed.

        Every step of every document asks, so a memory is verified once: what a key of the log has signed stays so.
        """
        global _recalled
        data = signer.memory_of(self.memory)
        last = _recalled  # other threads ask, too
        if last is None or last[:2] != (self._workspace.path, data):
            found = None if data is None else signer.opened(data, self.memory, self.verifiers())
            _recalled = last = (self._workspace.path, data, found)
        return last[2]

    def vouch(self, of: Iterable[events.Event]) -> None:
        """Hold events against what the signer remembers, which lies outside the database. Raises `LogInconsistent`.

        What is not signed yet, at most a minute's events and never one that a signature or a seal rests on, is taken as it is.
        """
        remembered = self.recall()
        with reading(self._workspace.engine) as connection:
            if remembered is None:
                if (owed := signer.memory_owed(connection)) is not None:
                    raise LogInconsistent(f"The checkpoint signer's memory is gone although {owed}.")
                return
            for event in of:
                if event.seq < remembered.size:
                    path = proofs.inclusion(connection, event.seq, remembered.size)
                    try:
                        tree.verify_inclusion(event.leaf_hash, event.seq, remembered.size, path, remembered.root)
                    except tree.ProofInvalid:
                        raise LogInconsistent(
                            f"Event {event.seq} ({event.type}) is not the one that was signed."
                        ) from None

    def checkpoint_and_anchor(self, now: datetime | None = None) -> Kept:
        """What belongs to every seal: a checkpoint and every anchor that can be had now."""
        now = now or self._workspace.clock()
        return self._anchor(self.checkpoint(now), now)

    def keep_up(self, now: datetime | None = None) -> Kept:
        """Background work: a checkpoint within `checkpoint_seconds` of growth, anchors within `anchor_minutes`."""
        now, origin = now or self._workspace.clock(), self.origin
        chosen = self._workspace.settings.audit_log
        with reading(self._workspace.engine) as connection:
            last = signer.latest(connection, origin)
            waiting = events.one(connection, last.checkpoint.size if last else 0)
            anchor = anchors.latest(connection, origin, ("time-stamp", "embedded", "witness"))
            first = events.one(connection, anchor.size if anchor else 0)
        made: Issued | None = None
        # Half the promise: the worker looks every few seconds, and may be busy for some.
        if waiting is not None and _due(waiting, now, timedelta(seconds=chosen.checkpoint_seconds) / 2):
            last = made = self.checkpoint(now)
        if last is not None and first is not None and _due(first, now, timedelta(minutes=chosen.anchor_minutes)):
            return replace(self._anchor(last, now), checkpoint=made)
        return Kept(checkpoint=made)

    def accept_restored(self, reason: str, now: datetime | None = None) -> Issued:
        """Declare that signed events are lost for good: an event says so, and the log goes on under another origin.

        Raises `UsageError` without a reason, or when nothing is lost.
        """
        now = now or self._workspace.clock()
        if not reason.strip():
            raise UsageError("Say why events were lost; the reason is written into the audit log.")
        try:
            self.checkpoint(now)
        except SealtrailError as error:
            contradiction = str(error).partition(signer.RESOLVE)[0].partition(authentication.FORGED)[0].strip()
        else:
            raise UsageError("The log continues what was signed last; there is nothing to accept.")
        try:
            remembered = self.recall()
        except SealtrailError:
            remembered = None
        with writing(self._workspace.engine) as connection:
            size = store.size(connection)
            before = self._workspace.log_origin
            old = remembered.origin if remembered else before
            new = _next_origin(old)
            events.append(
                connection,
                type=RESTORED,
                time=now,
                actor="operator",
                data={
                    "reason": reason.strip(),
                    "contradiction": contradiction,
                    "origins_before": sorted({before, old}),
                    "origin": new,
                    "signed": {"size": remembered.size, "root": remembered.root.hex()} if remembered else None,
                    "found": {"size": size, "root": proofs.root(connection, size).hex() if size else None},
                },
            )
            connection.execute(
                sa.update(schema.settings).where(schema.settings.c.key == "log_origin").values(value=new)
            )
        return self._signer().issue(now=now, lost=True)

    def _signer(self) -> signer.Signer:
        key = self._workspace.keys().checkpoint
        return signer.Signer(self._workspace.engine, key, self.memory, self.origin, self.verifiers())

    # Proofs

    def prove(self, seq: int, under: Issued | None = None) -> Proof:
        """The proof of one event, under the newest checkpoint or a given one, with all its cosignatures.

        Raises `UsageError` for an event that does not exist or is not under that checkpoint.
        """
        origin = self.origin
        with reading(self._workspace.engine) as connection:
            event = events.one(connection, seq)
            if event is None:
                raise UsageError(f"The audit log has no event {seq}.")
            issued = under or signer.latest(connection, origin)
            if issued is None or issued.checkpoint.size <= seq:
                raise UsageError(f"Event {seq} is under no checkpoint yet; run `sealtrail audit checkpoint` first.")
            path = proofs.inclusion(connection, seq, issued.checkpoint.size)
            lines = [
                anchors.cosignature(anchor)
                for anchor in anchors.of_checkpoint(connection, issued.checkpoint)
                if anchor.kind == "witness"
            ]
        return Proof(seq, path, issued.note.plus(lines), event.body)

    def prove_document(self, document_id: str) -> Proof:
        """The proof of the document's completion, or of its newest event. Raises `DocumentUnknown`, `UsageError`."""
        return self.prove(self.event_of(document_id).seq)

    def covers(self, seq: int) -> bool:
        """Whether a checkpoint of the present log is over that event."""
        origin = self.origin
        with reading(self._workspace.engine) as connection:
            last = signer.latest(connection, origin)
        return last is not None and last.checkpoint.size > seq

    def event_of(self, document_id: str, seq: int | None = None) -> events.Event:
        """The document's event `seq`; without it the one that names the finished file, or the newest one before that.

        Raises `DocumentUnknown`, `UsageError`.
        """
        with reading(self._workspace.engine) as connection:
            found = events.of_document(connection, document_id)
        if not found:
            raise DocumentUnknown(
                f"The audit log has no event of a document {document_id}; look up the id with `sealtrail list`."
            )
        if seq is not None:
            chosen = next((event for event in found if event.seq == seq), None)
            if chosen is None:
                raise UsageError(f"Event {seq} is none of document {document_id}.")
            return chosen
        return next((event for event in reversed(found) if event.type == COMPLETED), found[-1])

    # What a verifier needs

    @property
    def verifier(self) -> Verifier:
        """The key that signs now, under the present origin."""
        return Verifier(self.origin, self._workspace.keys().checkpoint.public_key)

    @property
    def trust(self) -> TrustStore:
        """What the workspace believes."""
        from signing_core.trust.workspace import of_workspace

        return of_workspace(self._workspace)

    def verifiers(self) -> list[Verifier]:
        """The log's keys, former ones included, under every origin that it had."""
        store = self.trust
        own = [
            Ed25519PublicKey.from_public_bytes(raw)
            for raw, house in store.keys("checkpoint").items()
            if house.id == store.own
        ]
        return [Verifier(origin, key) for origin in self.origins() for key in own]

    def origins(self) -> list[str]:
        """The names that the log has and had, the present one first."""
        names = [self.origin]
        with reading(self._workspace.engine) as connection:
            for event in events.of_type(connection, RESTORED):
                names += [*event.data["origins_before"], event.data["origin"]]
        return list(dict.fromkeys(names))

    def witnesses(self) -> list[Verifier]:
        """The witnesses' keys of the settings. Raises `UsageError`."""
        try:
            found = [Verifier.from_vkey(text) for text in self._workspace.settings.audit_log.witness_keys]
        except NoteInvalid as error:
            raise UsageError(f"The setting audit_log.witness_keys cannot be used: {error}.") from None
        if any(verifier.kind != COSIGNATURE for verifier in found):
            raise UsageError("The setting audit_log.witness_keys holds a key that is not a witness's.")
        return found

    @cached_property
    def authorities(self) -> list[x509.Certificate]:
        """Roots of all outside time-stamp authorities that were ever used. Raises `KeyUnavailable`."""
        return self._own_certificates("time-stamp-authority")

    @cached_property
    def own_anchors(self) -> list[x509.Certificate]:
        """The workspace's own X.509 trust anchors: what they certify is not outside."""
        return self._own_certificates("company-ca", "anchor")

    def _own_certificates(self, *purposes: Purpose) -> list[x509.Certificate]:
        house = self.trust.own_house
        return [x509.load_der_x509_certificate(content) for content in house.of(*purposes)] if house else []

    def protection(self) -> Protection:
        """How far the log is signed and anchored, as stored."""
        origin = self.origin
        with reading(self._workspace.engine) as connection:
            size = store.size(connection)
            last = signer.latest(connection, origin)
            anchor = anchors.latest(connection, origin)
            first = events.one(connection, anchor.size if anchor else 0)
        return Protection(
            size=size,
            signed=last.checkpoint.size if last else 0,
            anchored=anchor.size if anchor else 0,
            anchored_at=anchor.created_at if anchor else None,
            by=anchor.by if anchor else None,
            unprotected_since=first.time if first else None,
        )

    def _anchor(self, issued: Issued, now: datetime) -> Kept:
        from signing_core.audit_log import witness_client

        made: list[Anchor] = []
        problems: list[SealtrailError] = []
        engine = self._workspace.engine
        try:
            authority = self._workspace.time_stamps
            with reading(engine) as connection:
                kind: anchors.Kind = "embedded" if authority.embedded else "time-stamp"
                have = any(a.kind == kind for a in anchors.of_checkpoint(connection, issued.checkpoint))
            if not have:
                made.append(anchors.time_stamp(engine, issued, authority, now=now))
        except SealtrailError as error:
            problems.append(error)
        for url in self._workspace.settings.audit_log.witnesses:
            try:
                made += witness_client.submit(engine, issued, url, self.witnesses(), now=now)
            except SealtrailError as error:
                problems.append(error)
        return Kept(issued if issued.new else None, tuple(made), tuple(problems))


def _due(event: events.Event, now: datetime, after: timedelta) -> bool:
    """Whether it is that old. One of the future is due at once: a time that somebody wrote must not put a checkpoint off."""
    return not timedelta(0) <= now - event.time < after


def _next_origin(origin: str) -> str:
    stem, _, number = origin.rpartition("~")
    return f"{stem}~{int(number) + 1}" if stem and number.isdigit() else f"{origin}~2"
