"""The desk: every step of the three phases, for command line, pages and background work alike.

Authors name a document by its id, parties act through the token of their link. `session` is a secret of the party's
browser; a code belongs to the session that asked for it. Each method is one transaction (see `steps`), or none at all when
it raises.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import events as audit
from signing_core.audit_log.personal import Personal
from signing_core.delivery import codes, contacts, tokens
from signing_core.desk import background, creating, notices, proof_files, records, signing, steps, views
from signing_core.desk.people import REASON, Origin, kept
from signing_core.desk.records import FoundLink
from signing_core.errors import (
    CodeRejected,
    ConcurrentChange,
    DocumentUnknown,
    LinkExpired,
    LinkInvalid,
    LogInconsistent,
    SealtrailError,
    StepLocked,
    StepNotAllowed,
    StorageError,
)
from signing_core.flow import Channel, Role, State, Status
from signing_core.flow import commands as c
from signing_core.flow.commands import EventType, NewCode, NewLink
from signing_core.marks import Mark
from signing_core.storage.database import reading, writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.locks import document_lock
from signing_core.storage.schema import document_parties
from signing_core.storage.workspace import Workspace

_AUTHOR = "author"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenedLink:
    """What a party sees on opening its link."""

    document_id: str
    role: Role
    title: str
    sha256: str
    """Of the file that is shown, and that the code and the signature will be for."""
    challenge_id: str | None
    """The live code's challenge, when there is one for this session."""


class Desk:
    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.clock = workspace.clock

    # The author

    def create(self, new: creating.NewDocument) -> str:
        """Create a draft; returns its id. Raises `DocumentRefused`, `UsageError` or `ContactRefused`."""
        return creating.create(self.workspace, new, self.clock())

    def send(self, document_id: str) -> State:
        """Send a draft to the first party."""
        return self._author_link(document_id, c.Send)

    def resend(self, document_id: str) -> State:
        """Send the party whose turn it is a new link; the one before ends."""
        return self._author_link(document_id, c.Resend)

    def remind(self, document_id: str, *, actor: str = _AUTHOR) -> State:
        """Remind the party whose turn it is, with a new link."""
        return self._author_link(document_id, c.Remind, actor=actor)

    def void(self, document_id: str, reason: str) -> State:
        """Withdraw a document that is not yet signed by both."""
        reason = kept(reason, REASON)
        remarks = {EventType.VOIDED: steps.Remarks(personal={"reason": Personal("author", reason)})}
        return self._take(document_id, c.Void(reason), actor=_AUTHOR, remarks=remarks)

    def unlock(self, document_id: str) -> State:
        """Open the step again that five wrong codes locked."""

        def make(state: State) -> steps.Prepared:
            return steps.Prepared(c.Unlock(_turn(state)))

        return self._steps_take(document_id, make, actor=_AUTHOR).state

    def replace_contact(self, document_id: str, role: Role, contact: str) -> State:
        """Reach a party elsewhere from now on; a party whose turn it is gets a link there at once."""
        parsed = contacts.parse(contact, region=self.workspace.settings.phone_region)
        token, link = self._new_link()

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
        return self._steps_take(document_id, make, actor=_AUTHOR, remarks=remarks, before=before).state

    # The parties

    def note_fetch(self, token: str, origin: Origin) -> FoundLink:
        """Record that a link was fetched, which proves nothing about a person: mail scanners fetch links.

        Raises `LinkInvalid` for a token that was never sent.
        """
        now = self.clock()
        with writing(self.workspace.engine) as connection:
            link = records.find_link(connection, token)
            audit.append(
                connection,
                type="link.fetched",
                time=now,
                document_id=link.document_id,
                actor=link.role,
                data={"live": link.ended_because is None and now <= link.expires_at},
                personal=origin.personal(),
            )
        return link

    def open(self, token: str, session: str, origin: Origin) -> OpenedLink:
        """A party opens the document through its link."""
        link = self._link(token)
        role = Role(link.role)
        command = c.OpenLink(role, link.token_hash, _hashed(session))
        state = self._take(link.document_id, command, actor=role, origin=origin)
        with reading(self.workspace.engine) as connection:
            row = records.load(connection, link.document_id)
        challenge = state.party(role).challenge
        mine = challenge is not None and challenge.session == _hashed(session)
        return OpenedLink(
            link.document_id, role, row.title, state.document_sha256, challenge.id if challenge and mine else None
        )

    def request_code(self, token: str, session: str, origin: Origin) -> str:
        """A party clicked *Sign* or asked for another code. Returns the id of the challenge, for `submit_code`."""
        link = self._link(token)
        challenge_id = new_id(self.clock())

        def make(state: State) -> steps.Prepared:
            digits, code = self._new_code(state, Role(link.role), session, challenge_id)
            command = c.RequestCode(Role(link.role), link.token_hash, _hashed(session), code)
            return steps.Prepared(command, code_digits=digits)

        self._steps_take(link.document_id, make, actor=link.role, origin=origin)
        return challenge_id

    def submit_code(self, token: str, session: str, challenge_id: str, typed: str, origin: Origin) -> None:
        """A party typed the code it received.

        Raises `CodeRejected` for a wrong one, after the try was counted; `StepLocked` when it was the last;
        `CodeExpired`, `CodeMissing`, ... when nothing was judged.
        """
        link = self._link(token)
        role = Role(link.role)
        replacement_id = new_id(self.clock())

        def make(state: State) -> steps.Prepared:
            digits, replacement = self._new_code(state, role, session, replacement_id)
            live = state.party(role).challenge
            command = c.SubmitCode(
                role=role,
                token_hash=link.token_hash,
                session=_hashed(session),
                challenge_id=challenge_id,
                code_hash=self._code_hash(state, role, session, live.id if live else "", codes.normalise(typed) or ""),
                replacement=replacement,
            )
            return steps.Prepared(command, code_digits=digits)

        taken = self._steps_take(link.document_id, make, actor=role, origin=origin)
        locked = taken.state.party(role).locked_until
        if taken.happened(EventType.STEP_LOCKED) and locked is not None:
            raise StepLocked(
                f"Too many wrong codes: document {link.document_id} is locked until {locked.isoformat()}; "
                "try again then or ask the sender to unlock it.",
                until=locked,
            )
        if taken.happened(EventType.CODE_WRONG):
            sent = taken.happened(EventType.CODE_ISSUED)
            way_on = "a new one was sent; use that" if sent else "use the latest one you received, or ask for a new one"
            raise CodeRejected(f"The code for document {link.document_id} is wrong; {way_on}.", replacement_sent=sent)

    def sign(
        self,
        token: str,
        session: str,
        mark: Mark,
        origin: Origin,
        *,
        stamp: Mark | None = None,
        copy_email: str | None = None,
    ) -> State:
        """A party with a confirmed code gives its signature, and a stamp if it wants one.

        The consent is recorded; `work_on` then makes the signature. `copy_email` is where the finished document goes when
        the party is reached by SMS.
        """
        link = self._link(token)
        role = Role(link.role)
        email = contacts.parse_email(copy_email) if copy_email else None
        now = self.clock()

        def before(connection: sa.Connection) -> None:
            if email is not None:
                connection.execute(
                    sa.update(document_parties)
                    .where(document_parties.c.document_id == link.document_id, document_parties.c.role == link.role)
                    .values(copy_email=email.value)
                )

        def also(connection: sa.Connection, taken: steps.Taken) -> Mapping[str, Any] | None:
            for part, given in (("signature", mark), ("stamp", stamp)):
                if given is not None:
                    records.keep_mark(
                        connection, link.document_id, role, part, given.kind, given.media_type, given.data, now
                    )
            return None

        pictures = {"signature": hashlib.sha256(mark.data).hexdigest()}
        if stamp is not None:
            pictures["stamp"] = hashlib.sha256(stamp.data).hexdigest()
        personal = {"pictures_sha256": pictures, **({"copy_email": email.value} if email else {})}
        command = c.GiveConsent(role, link.token_hash, _hashed(session), mark.kind, stamp is not None)
        taken = self._steps_take(
            link.document_id,
            lambda _: steps.Prepared(command),
            actor=role,
            origin=origin,
            remarks={EventType.CONSENT_GIVEN: steps.Remarks(personal=personal)},
            before=before,
            also=also,
        )
        return taken.state

    def decline(self, token: str, session: str, reason: str, origin: Origin) -> State:
        """The party whose turn it is declines, saying why."""
        link = self._link(token)
        role = Role(link.role)
        reason = kept(reason, REASON)
        remarks = {EventType.DECLINED: steps.Remarks(personal={"reason": reason})}
        command = c.Decline(role, link.token_hash, _hashed(session), reason)
        return self._take(link.document_id, command, actor=role, origin=origin, remarks=remarks)

    def shown_file(self, token: str) -> bytes:
        """The PDF that the party of this link is asked to sign."""
        link = self._link(token)
        with reading(self.workspace.engine) as connection:
            state = State.from_json(records.load(connection, link.document_id).state)
        return self.workspace.objects.get(state.document_sha256)

    def download(self, token: str) -> tuple[str, bytes]:
        """The finished PDF behind a download link: file name and bytes. Raises `LinkExpired` or `LinkInvalid`."""
        with reading(self.workspace.engine) as connection:
            link = records.find_link(connection, token)
            row = records.load(connection, link.document_id)
        if link.purpose != "download" and link.ended_because not in (None, "used"):
            raise LinkInvalid(f"This link to document {row.id} was replaced or withdrawn; use the latest message.")
        if row.status != Status.COMPLETED:
            raise StepNotAllowed(
                f"Document {row.id} is not completed yet; come back when you have been told that it is."
            )
        if link.purpose == "download" and self.clock() > link.expires_at:
            raise LinkExpired(f"The download link to document {row.id} has expired; ask the sender for a new one.")
        return views.file_name(row.title, row.id), self.workspace.objects.get(row.final_sha256)

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
                background.note_failure(self.workspace, document_id, error, self.clock())
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
        return self._take(document_id, c.Expire(), actor="system")

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

    # Inside

    def _link(self, token: str) -> FoundLink:
        with reading(self.workspace.engine) as connection:
            link = records.find_link(connection, token)
        if link.purpose != "sign":
            raise StepNotAllowed(f"This link to document {link.document_id} is for downloading it only.")
        return link

    def _new_link(self) -> tuple[str, NewLink]:
        token, token_hash = tokens.new_token()
        return token, NewLink(token_hash, self.clock() + self.workspace.settings.links.lifetime)

    def _new_code(self, state: State, role: Role, session: str, challenge_id: str) -> tuple[str, NewCode]:
        digits, code_hash = codes.new_code(
            self.workspace.keys().server_key,
            document_id=state.document_id,
            role=role,
            session_hash=_hashed(session),
            document_sha256=state.document_sha256,
            challenge_id=challenge_id,
        )
        return digits, NewCode(challenge_id, code_hash)

    def _code_hash(self, state: State, role: Role, session: str, challenge_id: str, digits: str) -> str:
        return codes.code_hash(
            self.workspace.keys().server_key,
            digits,
            document_id=state.document_id,
            role=role,
            session_hash=_hashed(session),
            document_sha256=state.document_sha256,
            challenge_id=challenge_id,
        )

    def _author_link(
        self, document_id: str, kind: type[c.Send] | type[c.Resend] | type[c.Remind], *, actor: str = _AUTHOR
    ) -> State:
        token, link = self._new_link()
        prepared = steps.Prepared(kind(link), link_token=token)
        return self._steps_take(document_id, lambda _: prepared, actor=actor).state

    def _take(
        self,
        document_id: str,
        command: c.Command,
        *,
        actor: str,
        origin: Origin | None = None,
        remarks: Mapping[EventType, steps.Remarks] | None = None,
    ) -> State:
        reason = command.reason.strip() if isinstance(command, c.Decline | c.Void) else ""
        prepared = steps.Prepared(command, reason=reason)
        return self._steps_take(document_id, lambda _: prepared, actor=actor, origin=origin, remarks=remarks).state

    def _steps_take(
        self,
        document_id: str,
        make: steps.Make,
        *,
        actor: str,
        origin: Origin | None = None,
        remarks: Mapping[EventType, steps.Remarks] | None = None,
        before: steps.Before | None = None,
        also: steps.Also | None = None,
    ) -> steps.Taken:
        return steps.take(
            self.workspace,
            document_id,
            make,
            actor=actor,
            now=self.clock(),
            origin=origin,
            remarks=remarks,
            before=before,
            also=also,
        )


def _hashed(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()


def _turn(state: State) -> Role:
    if state.turn is None:
        raise StepNotAllowed(f"Document {state.document_id} is {state.status}; no step of it is locked.")
    return state.turn
