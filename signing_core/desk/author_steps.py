"""What the author does with a document, named by its id."""

from __future__ import annotations

import sqlalchemy as sa

from signing_core.audit_log.personal import Personal
from signing_core.delivery import contacts
from signing_core.desk import creating, endings, notices, secrets, steps
from signing_core.desk.delays import why_never_sealed
from signing_core.desk.people import REASON, kept
from signing_core.desk.taking import TakesSteps
from signing_core.errors import StepNotAllowed
from signing_core.flow import Channel, Role, State
from signing_core.flow import commands as c
from signing_core.flow.commands import EventType
from signing_core.flow.values import spoken
from signing_core.storage.locks import document_lock
from signing_core.storage.schema import document_parties

_AUTHOR = "author"


class AuthorSteps(TakesSteps):
    def create(self, new: creating.NewDocument) -> str:
        """Create a draft; returns its id. Raises `DocumentRefused`, `UsageError` or `ContactRefused`."""
        return creating.create(self.workspace, new, self.clock())

    def send(self, document_id: str) -> State:
        """Send a draft to the first party. Raises `KeyEnds` when a key that it needs ends before its deadline."""
        check = endings.needed_to_send(self.workspace, document_id)

        def also(_: sa.Connection, taken: steps.Taken) -> None:
            check(taken.state.expires_at)

        return self._author_link(document_id, c.Send, also=also)

    def resend(self, document_id: str) -> State:
        """Send the party whose turn it is a new link; the one before ends."""
        return self._author_link(document_id, c.Resend)

    def remind(self, document_id: str, *, actor: str = _AUTHOR) -> State:
        """Remind the party whose turn it is, with a new link."""
        return self._author_link(document_id, c.Remind, actor=actor)

    def void(self, document_id: str, reason: str) -> State:
        """Withdraw a document that is not yet signed by both, or one that both have signed and that cannot be sealed.

        The event then names the cause and the file that they signed, which stays in the store.
        """
        reason = kept(reason, REASON)
        remarks = {EventType.VOIDED: steps.Remarks(personal={"reason": Personal("author", reason)})}
        with document_lock(self.workspace, document_id):  # not while it is being sealed
            command = c.Void(reason, why_never_sealed(self.workspace, document_id))
            return self._take_command(document_id, command, actor=_AUTHOR, remarks=remarks)

    def unlock(self, document_id: str) -> State:
        """Open the step again that five wrong codes locked."""

        def make(state: State) -> steps.Prepared:
            return steps.Prepared(c.Unlock(_turn(state)))

        return self._take(document_id, make, actor=_AUTHOR).state

    def replace_contact(self, document_id: str, role: Role, contact: str) -> State:
        """Reach a party elsewhere from now on; a party whose turn it is gets a link there at once."""
        parsed = contacts.parse(contact, region=self.workspace.settings.phone_region)
        token, link = secrets.new_link(self.workspace)

        def make(state: State) -> steps.Prepared:
            return steps.Prepared(c.ReplaceContact(role, Channel(parsed.kind), link), link_token=token)

        def before(connection: sa.Connection) -> None:
            notices.tell_former_contact(self.workspace, connection, document_id, role, self.clock())
            connection.execute(
                sa.update(document_parties)
                .where(document_parties.c.document_id == document_id, document_parties.c.role == str(role))
                .values(contact=parsed.value, channel=parsed.kind)
            )

        remarks = {EventType.CONTACT_REPLACED: steps.Remarks(personal={"contact": parsed.value})}
        return self._take(document_id, make, actor=_AUTHOR, remarks=remarks, before=before).state

    def _author_link(
        self,
        document_id: str,
        kind: type[c.Send] | type[c.Resend] | type[c.Remind],
        *,
        actor: str = _AUTHOR,
        also: steps.Also | None = None,
    ) -> State:
        token, link = secrets.new_link(self.workspace)
        prepared = steps.Prepared(kind(link), link_token=token)
        return self._take(document_id, lambda _: prepared, actor=actor, also=also).state


def _turn(state: State) -> Role:
    if state.turn is None:
        raise StepNotAllowed(f"Document {state.document_id} is {spoken(state.status)}; no step of it is locked.")
    return state.turn
