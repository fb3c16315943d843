"""What a party does through the token of its link.

`session` is a secret of the party's browser; a code belongs to the session that asked for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import events as audit
from signing_core.delivery import codes, contacts
from signing_core.desk import endings, logged_file, records, secrets, steps, views
from signing_core.desk.people import REASON, Origin, kept
from signing_core.desk.records import FoundLink
from signing_core.desk.taking import TakesSteps
from signing_core.errors import CodeRejected, LinkExpired, LinkInvalid, StepLocked, StepNotAllowed
from signing_core.flow import Role, State, Status
from signing_core.flow import commands as c
from signing_core.flow.commands import EventType
from signing_core.marks import Mark
from signing_core.pdf import succession
from signing_core.storage.database import reading, writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.schema import document_parties


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


class PartySteps(TakesSteps):
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
        command = c.OpenLink(role, link.token_hash, secrets.session_hash(session))
        state = self._take_command(link.document_id, command, actor=role, origin=origin)
        with reading(self.workspace.engine) as connection:
            row = records.load(connection, link.document_id)
        challenge = state.party(role).challenge
        mine = challenge is not None and challenge.session == secrets.session_hash(session)
        return OpenedLink(
            link.document_id, role, row.title, state.document_sha256, challenge.id if challenge and mine else None
        )

    def request_code(self, token: str, session: str, origin: Origin) -> str:
        """A party clicked *Sign* or asked for another code. Returns the id of the challenge, for `submit_code`.

        Raises `KeyEnds` when it could not sign then.
        """
        link = self._link(token)
        challenge_id = new_id(self.clock())

        def make(state: State) -> steps.Prepared:
            digits, code = secrets.new_code(self.workspace, state, Role(link.role), session, challenge_id)
            command = c.RequestCode(Role(link.role), link.token_hash, secrets.session_hash(session), code)
            return steps.Prepared(command, code_digits=digits)

        def also(_: sa.Connection, taken: steps.Taken) -> None:
            endings.check_consent(self.workspace, link.document_id, Role(link.role))

        self._take(link.document_id, make, actor=link.role, origin=origin, also=also)
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
            digits, replacement = secrets.new_code(self.workspace, state, role, session, replacement_id)
            live = state.party(role).challenge
            command = c.SubmitCode(
                role=role,
                token_hash=link.token_hash,
                session=secrets.session_hash(session),
                challenge_id=challenge_id,
                code_hash=secrets.code_hash(
                    self.workspace, state, role, session, live.id if live else "", codes.normalise(typed) or ""
                ),
                replacement=replacement,
            )
            return steps.Prepared(command, code_digits=digits)

        taken = self._take(link.document_id, make, actor=role, origin=origin)
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
        agreed: str | None = None,
    ) -> State:
        """A party with a confirmed code gives its signature, and a stamp if it wants one.

        The consent is recorded; `work_on` then makes the signature. `copy_email` is where the finished document goes when
        the party is reached by SMS, `agreed` the sentence that was agreed to. Raises `KeyEnds` when a key has ended without which the document would hang, and
        `FileNotAsLogged`: a consent is to the file on record, or is not taken.
        """
        link = self._link(token)
        role = Role(link.role)
        damaged = logged_file.problem(self.workspace, link.document_id, self._recorded(link.document_id))
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
            endings.check_consent(self.workspace, link.document_id, role)
            if damaged is not None:
                raise damaged
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
        command = c.GiveConsent(role, link.token_hash, secrets.session_hash(session), mark.kind, stamp is not None)
        taken = self._take(
            link.document_id,
            lambda _: steps.Prepared(command),
            actor=role,
            origin=origin,
            remarks={EventType.CONSENT_GIVEN: steps.Remarks({"agreed": agreed}, personal)},
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
        command = c.Decline(role, link.token_hash, secrets.session_hash(session), reason)
        return self._take_command(link.document_id, command, actor=role, origin=origin, remarks=remarks)

    def shown_file(self, token: str) -> bytes:
        """The PDF that the party of this link is asked to sign. Raises `FileNotAsLogged`."""
        link = self._link(token)
        return logged_file.read(self.workspace, link.document_id, self._recorded(link.document_id))

    def download(self, token: str) -> tuple[str, bytes]:
        """The finished PDF behind a download link: file name and bytes.

        Raises `LinkExpired`, `LinkInvalid` or `FileNotAsLogged`.
        """
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
        data = logged_file.read(self.workspace, row.id, row.final_sha256, step=succession.COMPLETED)
        return views.file_name(row.title, row.id), data

    def _recorded(self, document_id: str) -> str:
        """The SHA-256 that the registry has for the document's file."""
        with reading(self.workspace.engine) as connection:
            return State.from_json(records.load(connection, document_id).state).document_sha256

    def _link(self, token: str) -> FoundLink:
        with reading(self.workspace.engine) as connection:
            link = records.find_link(connection, token)
        if link.purpose != "sign":
            raise StepNotAllowed(f"This link to document {link.document_id} is for downloading it only.")
        return link
