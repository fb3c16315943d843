"""One pass over the outbox: take what is due, hand it to its channel, write down what came of it.

The rules stand in the docstring of the package. Between any two writes here the process may be killed; the next pass finds its way from the
message's state and from whether its claim is held.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from signing_core.delivery import mime
from signing_core.delivery.channels.interface import Channel, Channels, OutgoingMessage
from signing_core.delivery.outbox.claims import claim
from signing_core.delivery.outbox.retry import RetryPolicy
from signing_core.delivery.outbox.sealed import Envelope, unseal
from signing_core.delivery.outbox.waiting import KEPT_AS_SENT, State
from signing_core.delivery.redaction import harmless
from signing_core.errors import DeliveryFailed, ObjectDamaged, SealtrailError, StorageError
from signing_core.storage.database import reading, writing
from signing_core.storage.objects import ObjectStore
from signing_core.storage.schema import outbox

_log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Row = sa.Row[Any]


@dataclass(frozen=True)
class Outcome:
    """What one try, or finding an abandoned one, came to. Holds no recipient and no content."""

    outbox_id: str
    message_id: str
    document_id: str | None
    role: str | None
    kind: str
    channel: str
    """`email` or `sms`."""
    via: str
    """The name of the channel's implementation: `smtp`, `folder`, ..."""
    state: State
    """`delivered`, `failed`, `uncertain`, `waiting` (will be tried again) or `cancelled` (while it was being sent)."""
    attempts: int
    at: datetime
    due_at: datetime | None = None
    """When it is tried again."""
    error: str | None = None
    """One sentence, without addresses and content."""
    reference: str | None = None
    """What the other side calls the message."""
    sent_sha256: str | None = None
    """Of a completion message as it was sent; the object store keeps it for 90 days."""
    attachment_sha256: str | None = None
    """Recomputed from the message as it was sent."""


CompanionsOf = Callable[[Row], Sequence[mime.Companion]]
"""What goes with a message's attachment; asked at every try and must give the same each time."""

OnOutcome = Callable[[sa.Connection, Row, Outcome], None]
"""Called in the transaction of the change of state, with the message's row as it was before."""


def deliver_due(
    engine: sa.Engine,
    channels: Channels,
    objects: ObjectStore,
    server_key: bytes,
    clock: Clock,
    *,
    document_id: str | None = None,
    on_outcome: OnOutcome | None = None,
    companions_of: CompanionsOf | None = None,
    retry: RetryPolicy | None = None,
    limit: int = 100,
) -> list[Outcome]:
    """Send what is due, of one document or of all, codes first, at most `limit` messages; returns what came of each.

    Any number of threads, processes and machines may do this at once. Nothing that a channel does is raised; errors of
    the database and of `on_outcome` are. `clock` is asked again for each message: a slow server must not make a code
    look younger than it is.
    """
    delivery = _Delivery(
        engine,
        channels,
        objects,
        server_key,
        clock,
        document_id,
        on_outcome,
        companions_of,
        retry or RetryPolicy(),
    )
    outcomes: list[Outcome] = []
    seen: set[str] = set()
    while len(seen) < limit and (outbox_id := delivery.next(seen)) is not None:
        seen.add(outbox_id)
        with claim(engine, outbox_id) as mine:
            if mine:
                outcomes += delivery.deliver(outbox_id)
    return outcomes


@dataclass(frozen=True)
class _Result:
    state: State
    error: str | None = None
    due_at: datetime | None = None
    handed_over: bool = False
    """It may have left, or has."""
    reference: str | None = None
    sent_sha256: str | None = None
    sent_attachment_sha256: str | None = None


@dataclass(frozen=True)
class _Delivery:
    engine: sa.Engine
    channels: Channels
    objects: ObjectStore
    server_key: bytes
    clock: Clock
    document_id: str | None
    on_outcome: OnOutcome | None
    companions_of: CompanionsOf | None
    retry: RetryPolicy

    def next(self, seen: set[str]) -> str | None:
        """The most urgent message not seen yet: codes live for minutes, so they go before everything else."""
        due = sa.and_(outbox.c.state.in_(("waiting", "uncertain")), outbox.c.due_at <= self.clock())
        urgency = sa.case((outbox.c.kind == "code", 0), else_=1)
        with reading(self.engine) as connection:
            return connection.scalar(
                sa.select(outbox.c.id)
                .where(sa.or_(due, outbox.c.state == "sending"), outbox.c.id.not_in(seen), *self._of_document())
                .order_by(urgency, outbox.c.due_at, outbox.c.id)
                .limit(1)
            )

    def _of_document(self) -> list[sa.ColumnElement[bool]]:
        return [] if self.document_id is None else [outbox.c.document_id == self.document_id]

    def deliver(self, outbox_id: str) -> list[Outcome]:
        """One message from where it is, its claim being held."""
        outcomes: list[Outcome] = []
        row = self._row(outbox_id)
        again = row.state == "sending" or row.handed_over_at is not None
        if row.state == "sending" and (row.attempts > 1 or not self._idempotent(row)):
            outcomes.append(self._settle(row, self._abandoned(row)))
            row = self._row(outbox_id)
        if row.state not in ("waiting", "sending", "uncertain") or row.due_at > self.clock():
            return outcomes
        begun = self._begin(row)
        if begun is not None:
            outcomes.append(self._settle(begun, self._try(begun, again=again)))
        return outcomes

    def _row(self, outbox_id: str) -> Row:
        with reading(self.engine) as connection:
            return connection.execute(sa.select(outbox).where(outbox.c.id == outbox_id)).one()

    def _idempotent(self, row: Row) -> bool:
        return self.channels.of(row.channel).idempotent

    def _abandoned(self, row: Row) -> _Result:
        """A sender died between the claim and the answer. The first time it is tried again at once; a message that its
        senders keep dying of must not be tried in a circle."""
        return self._again(
            row,
            "The sender was cut off while it handed the message over; it may have arrived.",
            handed_over=not self._idempotent(row),
            at_once=row.attempts <= 1,
        )

    def _again(self, row: Row, error: str, *, handed_over: bool = False, at_once: bool = False) -> _Result:
        if row.attempts >= self.retry.attempts:
            return _Result("failed", f"{error} It was tried {row.attempts} times.", handed_over=handed_over)
        now = self.clock()
        due_at = now if at_once else now + self.retry.delay(row.attempts)
        # Once it may have left, no later failure makes it unsent.
        uncertain = handed_over or row.handed_over_at is not None
        return _Result("uncertain" if uncertain else "waiting", error, due_at, handed_over)

    def _begin(self, row: Row) -> Row | None:
        """Compare-and-set to `sending`, committed before anything leaves; None when somebody changed it meanwhile."""
        with writing(self.engine) as connection:
            changed = connection.execute(
                outbox.update()
                .where(outbox.c.id == row.id, outbox.c.state == row.state, outbox.c.attempts == row.attempts)
                .values(state="sending", attempts=outbox.c.attempts + 1)
            )
            if changed.rowcount != 1:
                return None
            return connection.execute(sa.select(outbox).where(outbox.c.id == row.id)).one()

    def _try(self, row: Row, *, again: bool) -> _Result:
        """Everything from the sealed content to the channel's answer. Never raises what a channel or a store raises.

        `again` is true when an earlier try may have got through.
        """
        channel = self.channels.of(row.channel)
        now = self.clock()
        try:
            envelope = unseal(
                self.server_key,
                row.sealed_content,
                message_id=row.message_id,
                attachment_sha256=row.attachment_sha256,
            )
            expires_at = envelope.content.expires_at
            if expires_at is not None and now > expires_at:
                if again:
                    return _Result("failed", "Its time was over before it could be sent again.", handed_over=True)
                return _Result("failed", "Its time was over before it could be sent.")
            data, attachment = self._render(row, envelope)
            kept = self.objects.put(data) if row.kind == KEPT_AS_SENT and row.channel == "email" else None
        except SealtrailError as error:
            return self._again(row, harmless(str(error)))
        except Exception as error:
            return self._again(row, f"The message could not be put together ({type(error).__name__}).")
        message = OutgoingMessage(
            id=row.message_id,
            kind=row.kind,
            channel=row.channel,
            sender=self.channels.sender,
            recipient=envelope.recipient,
            data=data,
            created_at=row.created_at,
            expires_at=expires_at,
        )
        result = self._send(channel, message, row, now)
        if result.handed_over:
            return replace(result, sent_sha256=kept, sent_attachment_sha256=attachment)
        if kept is not None and row.sent_sha256 is None:
            with suppress(StorageError, OSError):
                self.objects.delete(kept)  # it was not sent after all
        return result

    def _send(self, channel: Channel, message: OutgoingMessage, row: Row, now: datetime) -> _Result:
        try:
            receipt = channel.send(message, now=now)
        except DeliveryFailed as error:
            text = harmless(str(error))
            if error.permanent:
                return _Result("failed", text)
            return self._again(row, text, handed_over=error.handed_over and not channel.idempotent)
        except Exception as error:  # a channel with a fault of its own: nobody knows how far it came
            _log.error("Channel %s failed with %s.", channel.name, type(error).__name__)
            text = f"The channel {channel.name} failed with {type(error).__name__}."
            return self._again(row, text, handed_over=not channel.idempotent)
        return _Result("delivered", handed_over=True, reference=receipt.reference)

    def _render(self, row: Row, envelope: Envelope) -> tuple[bytes, str | None]:
        """The bytes to be sent and the SHA-256 of the attachment found in them. Raises `StorageError`."""
        if row.channel == "sms":
            return envelope.content.sms.encode(), None
        file = self.objects.get(row.attachment_sha256) if row.attachment_sha256 else None
        data = mime.build(
            envelope.content,
            message_id=row.message_id,
            sender=self.channels.sender,
            recipient=envelope.recipient,
            recipient_name=envelope.recipient_name,
            date=row.created_at,
            attachment=file,
            attachment_name=envelope.attachment_name or "document.pdf",
            companions=self.companions_of(row) if file is not None and self.companions_of is not None else (),
        )
        attachment = mime.attachment_sha256(data) if file is not None else None
        if attachment != row.attachment_sha256:
            raise ObjectDamaged("The attachment read back from the message is not the stored file; nothing was sent.")
        return data, attachment

    def _settle(self, row: Row, result: _Result) -> Outcome:
        """Write down what came of it, together with what `on_outcome` has to say about it."""
        now = self.clock()
        with writing(self.engine) as connection:
            current = connection.scalar(sa.select(outbox.c.state).where(outbox.c.id == row.id))
            # Cancelled while it was being sent: it stays cancelled, unless it has left; then the truth counts.
            state: State = "cancelled" if current == "cancelled" and result.state != "delivered" else result.state
            values: dict[str, Any] = {"state": state, "last_error": result.error}
            if state in ("delivered", "failed", "cancelled"):
                values["sealed_content"] = None
            if result.due_at is not None:
                values["due_at"] = result.due_at
            if result.handed_over and row.handed_over_at is None:
                values["handed_over_at"] = now
            if state == "delivered":
                values["delivered_at"] = now
            if result.sent_sha256 is not None:
                values["sent_sha256"] = result.sent_sha256
            if result.sent_attachment_sha256 is not None:
                values["sent_attachment_sha256"] = result.sent_attachment_sha256
            connection.execute(outbox.update().where(outbox.c.id == row.id).values(values))
            outcome = Outcome(
                outbox_id=row.id,
                message_id=row.message_id,
                document_id=row.document_id,
                role=row.role,
                kind=row.kind,
                channel=row.channel,
                via=self.channels.of(row.channel).name,
                state=state,
                attempts=row.attempts,
                at=now,
                due_at=result.due_at if state in ("waiting", "uncertain") else None,
                error=result.error,
                reference=result.reference,
                sent_sha256=result.sent_sha256,
                attachment_sha256=result.sent_attachment_sha256,
            )
            if self.on_outcome is not None:
                self.on_outcome(connection, row, outcome)
        return outcome
