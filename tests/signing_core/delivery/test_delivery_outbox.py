"""The outbox's rules, with channels that do as they are told and a clock that the test moves."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import sqlalchemy as sa

from signing_core.delivery import mime, outbox
from signing_core.delivery.channels.interface import OutgoingMessage, Receipt
from signing_core.delivery.outbox.claims import claim
from signing_core.errors import DeliveryFailed, KeyUnavailable
from signing_core.storage.database import make_engine, reading, writing
from signing_core.storage.objects import LocalObjects
from signing_core.storage.schema import outbox as table

STEADY = outbox.RetryPolicy(jitter=0.0)
PDF = b"%PDF-1.7\nsample\n"


class Told:
    """A channel that keeps what it gets and does what the test says, one thing for each message."""

    name = "told"

    def __init__(self, *does: Any, idempotent: bool = False) -> None:
        self.sent: list[OutgoingMessage] = []
        self.does = list(does)
        self.idempotent = idempotent

    def send(self, message: OutgoingMessage, *, now: Any) -> Receipt:
        self.sent.append(message)
        what = self.does.pop(0) if self.does else None
        if isinstance(what, BaseException):
            raise what
        if callable(what):
            what()
        return Receipt("reference 1")


@pytest.fixture
def house(engine: sa.Engine, objects: LocalObjects, clock: Any, sample: SimpleNamespace) -> SimpleNamespace:
    """Short names for enqueuing, delivering and looking."""
    told: list[tuple[str, outbox.Outcome]] = []

    def enqueue(kind: str = "link", channel: Any = "email", **more: Any) -> str:
        recipient = "erika@example.org" if channel == "email" else "+491713920012"
        values: dict[str, Any] = {
            "document_id": sample.document, "role": "client", "channel": channel, "recipient": recipient,
            "content": more.pop("content", None) or sample.message(kind), "now": clock(),
        }  # fmt: skip
        with writing(engine) as connection:
            return outbox.enqueue(connection, sample.server_key, **(values | more))

    def deliver(channel: Any, **more: Any) -> list[outbox.Outcome]:
        values: dict[str, Any] = {
            "retry": STEADY, "on_outcome": lambda connection, row, outcome: told.append((row.state, outcome)),
        }  # fmt: skip
        key, store = more.pop("server_key", sample.server_key), more.pop("objects", objects)
        return outbox.deliver_due(engine, sample.both(channel), store, key, clock, **(values | more))

    def row(outbox_id: str) -> Any:
        with reading(engine) as connection:
            return connection.execute(sa.select(table).where(table.c.id == outbox_id)).one()

    def put(outbox_id: str, **values: Any) -> None:
        with writing(engine) as connection:
            connection.execute(table.update().where(table.c.id == outbox_id).values(values))

    return SimpleNamespace(
        engine=engine,
        objects=objects,
        clock=clock,
        enqueue=enqueue,
        deliver=deliver,
        row=row,
        put=put,
        told=told,
        sample=sample,
    )


def transient(**more: Any) -> DeliveryFailed:
    return DeliveryFailed("The server is busy.", **more)


def test_a_message_is_delivered_once_and_its_content_erased(house: SimpleNamespace) -> None:
    outbox_id = house.enqueue(domain="sample-company.example", recipient_name="Erika Müller")
    channel = Told()
    (outcome,) = house.deliver(channel)
    assert (outcome.state, outcome.via, outcome.reference, outcome.attempts) == ("delivered", "told", "reference 1", 1)
    (message,) = channel.sent
    assert message.id == f"{outbox_id}@sample-company.example" == outcome.message_id
    assert message.recipient == "erika@example.org"
    assert b"https://sign.example.org/s/" in message.data
    row = house.row(outbox_id)
    assert (row.state, row.sealed_content, row.delivered_at, row.handed_over_at) == (
        "delivered", None, house.clock(), house.clock(),
    )  # fmt: skip
    assert house.deliver(channel) == []
    assert house.told == [("sending", outcome)]


def test_enqueuing_belongs_to_the_callers_transaction(house: SimpleNamespace) -> None:
    with pytest.raises(RuntimeError), writing(house.engine) as connection:
        outbox.enqueue(
            connection, house.sample.server_key, document_id=house.sample.document, role="client", channel="email",
            recipient="erika@example.org", content=house.sample.message("link"), now=house.clock(),
        )  # fmt: skip
        raise RuntimeError
    assert house.deliver(Told()) == []


def test_nothing_secret_or_personal_rests_readable(house: SimpleNamespace) -> None:
    house.enqueue("code", "sms")
    house.enqueue("link", recipient_name="Erika Mustermann")
    database = b"".join(file.read_bytes() for file in house.objects.folder.parent.glob("database.sqlite*"))
    assert house.sample.document.encode() in database
    for secret in (
        b"042917",
        b"042 917",
        b"aB3-_aB3",
        b"erika@example.org",
        b"491713920012",
        b"Mustermann",
        b"Sample Contract",
    ):
        assert secret not in database


def test_a_content_opens_in_its_own_row_and_with_its_own_key_only(house: SimpleNamespace) -> None:
    first, second = house.enqueue(), house.enqueue("expired")
    house.put(second, sealed_content=house.row(first).sealed_content)
    channel = Told()
    outcomes = {outcome.outbox_id: outcome for outcome in house.deliver(channel)}
    assert outcomes[first].state == "delivered"
    assert outcomes[second].state == "waiting" and "server key" in str(outcomes[second].error)
    assert len(channel.sent) == 1
    third = house.enqueue()
    (outcome,) = house.deliver(Told(), server_key=bytes(32))
    assert outcome.state == "waiting"
    assert house.row(third).sealed_content is not None  # the right key may come back


@pytest.mark.parametrize(
    "recipient", ["erika@example.org\r\nBcc: x@y.z", "erika", "", "+491713920012", "a b@example.org"]
)
def test_only_recipients_of_the_channel(house: SimpleNamespace, recipient: str) -> None:
    with pytest.raises(ValueError, match="not a recipient"):
        house.enqueue(recipient=recipient)
    with pytest.raises(ValueError, match="only e-mail has attachments"):
        house.enqueue(channel="sms", attachment_sha256="ab" * 32)


def test_not_before_it_is_due(house: SimpleNamespace) -> None:
    due = house.clock() + timedelta(minutes=1)
    house.enqueue(due_at=due)
    assert outbox.next_due(house.engine) == due
    assert house.deliver(Told()) == []
    house.clock.pass_by(minutes=1)
    assert len(house.deliver(Told())) == 1
    assert outbox.next_due(house.engine) is None


def test_codes_go_first(house: SimpleNamespace) -> None:
    for kind in ("link", "completed", "code"):
        house.enqueue(kind)
        house.clock.pass_by(seconds=1)
    channel = Told()
    house.deliver(channel)
    assert [message.kind for message in channel.sent] == ["code", "link", "completed"]


def test_a_limit_and_one_document_alone(house: SimpleNamespace) -> None:
    for _ in range(3):
        house.enqueue()
    house.clock.pass_by(seconds=1)
    house.enqueue(document_id=None)
    assert len(house.deliver(Told(), limit=1)) == 1
    assert len(house.deliver(Told(), document_id=house.sample.document)) == 2
    assert len(house.deliver(Told())) == 1


def test_a_passing_failure_is_tried_again_later_and_later(house: SimpleNamespace) -> None:
    outbox_id = house.enqueue("expired")
    channel = Told(*[transient() for _ in range(40)])
    waits = []
    while True:
        (outcome,) = house.deliver(channel)
        if outcome.state == "failed":
            break
        assert outcome.state == "waiting" and outcome.due_at is not None
        assert house.row(outbox_id).sealed_content is not None
        assert house.row(outbox_id).delivered_at is None
        waits.append((outcome.due_at - house.clock()).total_seconds())
        house.clock.now = outcome.due_at - timedelta(seconds=1)
        assert house.deliver(channel) == []
        house.clock.pass_by(seconds=1)
    assert waits[:4] == [10, 20, 40, 80]
    assert max(waits) == 3600 and 20 * 3600 < sum(waits) < 30 * 3600
    assert outcome.attempts == STEADY.attempts == len(channel.sent)
    assert "tried 32 times" in str(outcome.error)
    row = house.row(outbox_id)
    assert (row.state, row.delivered_at, row.handed_over_at, row.sealed_content) == ("failed", None, None, None)


def test_jitter_spreads_the_tries() -> None:
    delays = {outbox.RetryPolicy().delay(5).total_seconds() for _ in range(50)}
    assert len(delays) > 40 and min(delays) >= 128 and max(delays) <= 192
    assert outbox.RetryPolicy().delay(10_000).total_seconds() <= 3600 * 1.2


def test_a_final_refusal_is_visible_and_not_repeated(house: SimpleNamespace) -> None:
    outbox_id = house.enqueue()
    (outcome,) = house.deliver(Told(DeliveryFailed("No such mailbox: erika@example.org.", permanent=True)))
    assert outcome.state == "failed" and outcome.error == "No such mailbox: [address]"
    house.clock.pass_by(days=1)
    assert house.deliver(Told()) == []
    with reading(house.engine) as connection:
        (entry,) = outbox.of_document(connection, house.sample.document)
    assert (entry.id, entry.state, entry.delivered_at, entry.last_error) == (outbox_id, "failed", None, outcome.error)


def test_cut_off_after_handing_over_is_uncertain_and_repeated_under_the_same_id(house: SimpleNamespace) -> None:
    outbox_id = house.enqueue()
    channel = Told(transient(handed_over=True))
    (outcome,) = house.deliver(channel)
    assert outcome.state == "uncertain" == house.row(outbox_id).state
    first_time = house.clock()
    assert house.row(outbox_id).handed_over_at == first_time
    house.clock.pass_by(seconds=10)
    (outcome,) = house.deliver(channel)
    assert outcome.state == "delivered"
    assert house.row(outbox_id).handed_over_at == first_time
    assert channel.sent[0] == channel.sent[1]  # id and bytes


def test_an_idempotent_channel_is_never_uncertain(house: SimpleNamespace) -> None:
    house.enqueue()
    (outcome,) = house.deliver(Told(transient(handed_over=True), idempotent=True))
    assert outcome.state == "waiting"


def test_a_channel_with_a_fault_of_its_own_stops_nobody_else(house: SimpleNamespace) -> None:
    house.enqueue()
    house.clock.pass_by(seconds=1)
    house.enqueue()
    outcomes = house.deliver(Told(ZeroDivisionError("042 917 in the text")))
    assert [outcome.state for outcome in outcomes] == ["uncertain", "delivered"]
    assert outcomes[0].error == "The channel told failed with ZeroDivisionError."


@pytest.mark.parametrize(("after", "state"), [(299, "delivered"), (300, "delivered"), (301, "failed")])
def test_a_code_is_not_sent_after_its_end(house: SimpleNamespace, after: int, state: str) -> None:
    outbox_id = house.enqueue("code", "sms")
    house.clock.pass_by(seconds=after)
    channel = Told()
    (outcome,) = house.deliver(channel)
    assert outcome.state == state
    assert len(channel.sent) == (state == "delivered")
    assert house.row(outbox_id).sealed_content is None
    if state == "failed":
        assert house.row(outbox_id).delivered_at is None and "time was over" in str(outcome.error)


def test_the_end_is_looked_at_when_its_turn_comes(house: SimpleNamespace) -> None:
    """A slow server before it in the same pass must not make a code look young."""
    house.enqueue("code", "sms")
    house.enqueue("code", "sms")
    channel = Told(lambda: house.clock.pass_by(minutes=6))
    assert [outcome.state for outcome in house.deliver(channel)] == ["delivered", "failed"]


def test_cancelling_calls_back_what_has_not_left(house: SimpleNamespace) -> None:
    code, link, other = house.enqueue("code", "sms"), house.enqueue("link"), house.enqueue("link", role="first-party")
    delivered = house.enqueue("expired")
    house.put(delivered, state="delivered", sealed_content=None)
    with writing(house.engine) as connection:
        assert outbox.cancel(connection, document_id=house.sample.document, role="client", kinds=("code",)) == [code]
        assert outbox.cancel(connection, document_id=house.sample.document, role="client") == [link]
    assert house.row(code).state == house.row(link).state == "cancelled"
    assert house.row(code).sealed_content is None
    channel = Told()
    assert [outcome.outbox_id for outcome in house.deliver(channel)] == [other]


@pytest.mark.parametrize(
    ("then", "state"),
    [(None, "delivered"), (transient(), "cancelled"), (transient(handed_over=True), "cancelled")],
)
def test_cancelled_while_it_is_being_sent(house: SimpleNamespace, then: Any, state: str) -> None:
    outbox_id = house.enqueue("code", "sms")

    def meanwhile() -> None:
        with writing(house.engine) as connection:
            outbox.cancel(connection, document_id=house.sample.document)
        if then is not None:
            raise then

    (outcome,) = house.deliver(Told(meanwhile))
    assert outcome.state == state == house.row(outbox_id).state
    assert house.row(outbox_id).sealed_content is None
    assert (house.row(outbox_id).handed_over_at is None) == (then is not None and not then.handed_over)
    house.clock.pass_by(hours=1)
    assert house.deliver(Told()) == []


def test_cancelled_between_the_look_and_the_claim_it_does_not_leave(house: SimpleNamespace) -> None:
    outbox_id = house.enqueue("code", "sms")
    asked = []

    def clock() -> Any:
        asked.append(1)
        if len(asked) == 2:  # after the message was chosen and read, before it is claimed
            with writing(house.engine) as connection:
                outbox.cancel(connection, document_id=house.sample.document)
        return house.clock()

    channel = Told()
    key = house.sample.server_key
    assert outbox.deliver_due(house.engine, house.sample.both(channel), house.objects, key, clock) == []
    assert len(asked) == 3 and channel.sent == []  # the third to find that nothing else is due
    assert (house.row(outbox_id).state, house.row(outbox_id).attempts) == ("cancelled", 0)


def abandon(house: SimpleNamespace, kind: str = "link", attempts: int = 1, **more: Any) -> str:
    """A message whose sender died with it."""
    outbox_id: str = house.enqueue(kind, **more)
    house.put(outbox_id, state="sending", attempts=attempts)
    return outbox_id


def test_abandoned_by_its_sender_it_is_uncertain_and_sent_again(house: SimpleNamespace) -> None:
    outbox_id = abandon(house)
    channel = Told()
    assert [outcome.state for outcome in house.deliver(channel)] == ["uncertain", "delivered"]
    assert [state for state, _ in house.told] == ["sending", "sending"]
    assert house.row(outbox_id).attempts == 2 and len(channel.sent) == 1


def test_abandoned_with_an_idempotent_channel_it_is_simply_done_again(house: SimpleNamespace) -> None:
    abandon(house)
    assert [outcome.state for outcome in house.deliver(Told(idempotent=True))] == ["delivered"]


def test_once_uncertain_no_later_failure_makes_it_unsent(house: SimpleNamespace) -> None:
    house.enqueue("code", "sms")
    channel = Told(transient(handed_over=True), transient())
    states = []
    for _ in range(2):
        states += [outcome.state for outcome in house.deliver(channel)]
        house.clock.pass_by(minutes=1)
    house.clock.pass_by(minutes=4)
    (outcome,) = house.deliver(channel)
    assert [*states, outcome.state] == ["uncertain", "uncertain", "failed"]
    assert outcome.error == "Its time was over before it could be sent again."


def test_an_idempotent_channel_that_kills_its_senders_is_given_time_as_well(house: SimpleNamespace) -> None:
    abandon(house, attempts=2)
    (outcome,) = house.deliver(Told(idempotent=True))
    assert outcome.state == "waiting" and outcome.due_at == house.clock() + timedelta(seconds=20)


def test_a_message_that_its_senders_die_of_is_not_tried_in_a_circle(house: SimpleNamespace) -> None:
    outbox_id = abandon(house, attempts=3)
    (outcome,) = house.deliver(Told())
    assert outcome.state == "uncertain" and outcome.due_at == house.clock() + timedelta(seconds=40)
    house.put(outbox_id, state="sending", attempts=STEADY.attempts)
    (outcome,) = house.deliver(Told())
    assert outcome.state == "failed"


@pytest.mark.parametrize("idempotent", [True, False])
def test_an_abandoned_code_is_not_sent_again_after_its_end(house: SimpleNamespace, idempotent: bool) -> None:
    outbox_id = abandon(house, "code", channel="sms")
    house.clock.pass_by(minutes=6)
    channel = Told(idempotent=idempotent)
    assert house.deliver(channel)[-1].state == "failed"
    assert channel.sent == []
    assert house.row(outbox_id).handed_over_at is not None  # it may have arrived


def test_what_somebody_is_sending_is_left_alone(house: SimpleNamespace) -> None:
    outbox_id = abandon(house)
    with claim(house.engine, outbox_id) as mine:
        assert mine
        assert house.deliver(Told()) == []
    assert house.deliver(Told())[-1].state == "delivered"


def test_claims_exclude_each_other_and_end(database_engine: sa.Engine) -> None:
    """On SQLite and on PostgreSQL; an advisory lock of the latter ends with its connection, as a killed worker's does."""
    with (
        claim(database_engine, "01JMESSAGE0000000000000000") as first,
        claim(database_engine, "01JMESSAGE0000000000000000") as second,
        claim(database_engine, "01JMESSAGE0000000000000001") as other,
    ):
        assert (first, second, other) == (True, False, True)
    with claim(database_engine, "01JMESSAGE0000000000000000") as again:
        assert again


def test_delivering_on_either_database(
    database_engine: sa.Engine, objects: LocalObjects, clock: Any, sample: SimpleNamespace
) -> None:
    with writing(database_engine) as connection:
        outbox_id = outbox.enqueue(
            connection, sample.server_key, document_id=None, role=None, channel="email", recipient="erika@example.org",
            content=sample.message("link"), now=clock(),
        )  # fmt: skip
    channel = Told(transient())
    for state in ("waiting", "delivered"):
        (outcome,) = outbox.deliver_due(
            database_engine, sample.both(channel), objects, sample.server_key, clock, retry=STEADY
        )
        assert (outcome.outbox_id, outcome.state) == (outbox_id, state)
        clock.pass_by(seconds=10)
    assert outbox.next_due(database_engine) is None


def test_many_workers_send_every_message_once(house: SimpleNamespace) -> None:
    ids = {house.enqueue("expired") for _ in range(24)}
    channel = Told(*[lambda: threading.Event().wait(0.01)] * 24)
    failures: list[BaseException] = []

    def work() -> None:
        engine = make_engine(house.engine.url)
        try:
            outbox.deliver_due(engine, house.sample.both(channel), house.objects, house.sample.server_key, house.clock)
        except BaseException as error:
            failures.append(error)
        finally:
            engine.dispose()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert sorted(message.id.partition("@")[0] for message in channel.sent) == sorted(ids)
    assert {house.row(outbox_id).state for outbox_id in ids} == {"delivered"}
    assert {house.row(outbox_id).attempts for outbox_id in ids} == {1}


def test_what_is_told_and_what_is_so_are_one_transaction(house: SimpleNamespace) -> None:
    outbox_id = house.enqueue()

    def fails(connection: sa.Connection, row: Any, outcome: Any) -> None:
        connection.execute(table.update().values(last_error="half a story"))
        raise RuntimeError("the audit log is full")

    with pytest.raises(RuntimeError):
        house.deliver(Told(), on_outcome=fails)
    assert house.row(outbox_id).state == "sending" and house.row(outbox_id).last_error is None
    assert [outcome.state for outcome in house.deliver(Told())] == ["uncertain", "delivered"]


def completed(house: SimpleNamespace, **more: Any) -> str:
    values: dict[str, Any] = {"attachment_sha256": house.objects.put(PDF), "attachment_name": "Vertrag.pdf"}
    outbox_id: str = house.enqueue("completed", **(values | more))
    return outbox_id


def test_a_completion_message_is_kept_as_sent_with_its_attachment_hashed_again(house: SimpleNamespace) -> None:
    outbox_id = completed(house)
    channel = Told()
    (outcome,) = house.deliver(channel)
    data = channel.sent[0].data
    assert outcome.attachment_sha256 == hashlib.sha256(PDF).hexdigest() == mime.attachment_sha256(data)
    assert outcome.sent_sha256 == hashlib.sha256(data).hexdigest() == house.row(outbox_id).sent_sha256
    assert house.objects.get(outcome.sent_sha256) == data


def test_other_messages_are_not_kept_since_they_hold_links(house: SimpleNamespace) -> None:
    for kind in ("link", "download", "reminder", "code"):
        house.enqueue(kind)
    assert {outcome.sent_sha256 for outcome in house.deliver(Told())} == {None}
    assert not any(house.objects.folder.rglob("*/*"))


def test_kept_messages_go_after_ninety_days(house: SimpleNamespace) -> None:
    outbox_id = completed(house)
    (outcome,) = house.deliver(Told())
    house.clock.pass_by(days=90)
    assert outbox.forget_sent(house.engine, house.objects, house.clock()) == 0
    house.clock.pass_by(seconds=1)
    assert outbox.forget_sent(house.engine, house.objects, house.clock()) == 1
    assert outbox.forget_sent(house.engine, house.objects, house.clock()) == 0
    assert outcome.sent_sha256 and not house.objects.exists(outcome.sent_sha256)
    assert house.row(outbox_id).sent_attachment_sha256 == hashlib.sha256(PDF).hexdigest()


@pytest.mark.parametrize(
    "damage", [lambda file: file.unlink(), lambda file: (file.chmod(0o600), file.write_bytes(b"other"))]
)
def test_a_missing_or_damaged_attachment_is_never_sent(house: SimpleNamespace, damage: Callable[..., Any]) -> None:
    outbox_id = completed(house)
    damage(house.objects.path(house.row(outbox_id).attachment_sha256))
    channel = Told()
    (outcome,) = house.deliver(channel)
    assert outcome.state == "waiting" and outcome.error
    assert channel.sent == []
    house.objects.put(PDF)  # restored from a backup
    house.clock.pass_by(minutes=1)
    assert house.deliver(channel)[-1].state == "delivered"


def test_what_a_lying_store_returns_is_never_sent(house: SimpleNamespace) -> None:
    completed(house)

    class Lying(LocalObjects):
        def get(self, sha256: str) -> bytes:
            return super().get(sha256) + b"\n% and one line more"

    channel = Told()
    (outcome,) = house.deliver(channel, objects=Lying(house.objects.folder))
    assert outcome.state == "waiting" and "is not the stored file" in str(outcome.error)
    assert channel.sent == []


def test_what_was_not_sent_is_not_kept(house: SimpleNamespace) -> None:
    outbox_id = completed(house)
    house.deliver(Told(DeliveryFailed("No.", permanent=True)))
    assert house.row(outbox_id).sent_sha256 is None
    assert [file.read_bytes() for file in house.objects.folder.glob("??/*")] == [PDF]


def test_what_may_have_been_sent_is_kept(house: SimpleNamespace) -> None:
    outbox_id = completed(house)
    house.deliver(Told(transient(handed_over=True)))
    kept = house.row(outbox_id).sent_sha256
    house.clock.pass_by(minutes=1)
    house.deliver(Told(DeliveryFailed("No.", permanent=True)))
    assert house.row(outbox_id).state == "failed"
    assert house.objects.exists(kept) and house.row(outbox_id).sent_sha256 == kept


def test_a_sealed_content_that_was_cut_short_is_a_key_error_not_a_crash() -> None:
    from signing_core.delivery.outbox.sealed import unseal

    for sealed in (b"", b"short", bytes(12), bytes(40)):
        with pytest.raises(KeyUnavailable):
            unseal(bytes(32), sealed, message_id="x", attachment_sha256=None)


def test_the_documentation_lists_the_states_there_are() -> None:
    page = Path(__file__).parents[3] / "docs" / "delivery.md"
    table_of_states = page.read_text("utf-8").partition("## States")[2].partition("## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table_of_states, re.MULTILINE) == list(get_args(outbox.State))
