"""The desk: every step of the three phases, for command line, pages and background work alike.

The author's steps are in `author_steps`, the parties' in `party_steps`, what the machine does by itself is here. Each method
is one transaction (see `steps`), or none at all when it raises.
"""

from __future__ import annotations

import logging
from typing import Any

from signing_core.audit_log import events as audit
from signing_core.desk import delays, proof_files, records, signing, views
from signing_core.desk.author_steps import AuthorSteps
from signing_core.desk.party_steps import PartySteps
from signing_core.errors import ConcurrentChange, DocumentUnknown, LogInconsistent, SealtrailError, StorageError
from signing_core.flow import State, Status
from signing_core.flow import commands as c
from signing_core.storage.database import reading
from signing_core.storage.locks import document_lock

_log = logging.getLogger(__name__)


class Desk(AuthorSteps, PartySteps):
    # The machine

    def work_on(self, document_id: str) -> State:
        """Make the signature or the seal that the document waits for, if any.

        What cannot be done now is recorded, and tried again by background work; it is no error for the caller. Raises
        `ConcurrentChange` when another process is at it.
        """
        from signing_core.desk import sealing

        with document_lock(self.workspace, document_id):
            state = self.state(document_id)
            try:
                if state.status is Status.SIGNING:
                    state = signing.sign(self.workspace, state, self.clock())
                if state.status is Status.SEALING:
                    state = sealing.seal(self.workspace, state, self.clock)
            except (ConcurrentChange, DocumentUnknown):
                raise
            except SealtrailError as error:
                delays.note(self.workspace, document_id, error, self.clock())
                state = self.state(document_id)
        if state.status is Status.COMPLETED:
            self._put_on_record(document_id)
        return state

    def _put_on_record(self, document_id: str) -> None:
        """A checkpoint with its anchors belongs to every seal. What fails here is made up for by background work."""
        try:
            proof_files.proof_of(self.workspace, document_id)
        except (LogInconsistent, StorageError) as error:
            _log.warning("document %s is complete, its proof is not made yet: %s", document_id, error)

    def expire(self, document_id: str) -> State:
        return self._take_command(document_id, c.Expire(), actor="system")

    # Looking

    def state(self, document_id: str) -> State:
        with reading(self.workspace.engine) as connection:
            return State.from_json(records.load(connection, document_id).state)

    def status(self, document_id: str) -> dict[str, Any]:
        """Everything that is known of a document, as JSON values; contacts are masked."""
        return views.status(self.workspace, document_id)

    def events(self, document_id: str) -> list[audit.Event]:
        """What happened to a document, oldest first. Raises `DocumentUnknown`."""
        with reading(self.workspace.engine) as connection:
            records.load(connection, document_id)
            return audit.of_document(connection, document_id)
