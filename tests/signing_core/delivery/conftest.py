"""A database, an object store, and servers that really receive: SMTP by aiosmtpd, HTTP by the standard library."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from signing_core.delivery.channels.interface import Channels, OutgoingMessage, Sender
from signing_core.delivery.messages import Content, compose
from signing_core.storage.database import make_engine, writing
from signing_core.storage.objects import LocalObjects
from signing_core.storage.schema import documents, metadata

START = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
SERVER_KEY = hashlib.sha256(b"a server key of the tests").digest()
DOCUMENT = "01JDOCUMENT000000000000000"
SENDER = Sender("signing@sample-company.example", "Sample Company", None)


@dataclass
class TickingClock:
    """A clock that the test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **interval: float) -> None:
        self.now += timedelta(**interval)


@pytest.fixture
def clock() -> TickingClock:
    return TickingClock()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = make_engine(f"sqlite:///{tmp_path / 'database.sqlite'}")
    metadata.create_all(made)
    with writing(made) as connection:
        connection.execute(
            documents.insert().values(
                id=DOCUMENT, title="Sample", status="awaiting-client", version=1, state={}, fields={}, language="en",
                author="author@sample-company.example", created_at=START, updated_at=START, pages=1,
            )
        )  # fmt: skip
    yield made
    made.dispose()


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjects:
    folder = tmp_path / "objects"
    folder.mkdir()
    return LocalObjects(folder)


def message(kind: str = "link", *, code: str = "042917", title: str = "Sample Contract", **facts: Any) -> Content:
    """A message of a kind with everything it needs."""
    needed: dict[str, Any] = {
        "link": {"link": "https://sign.example.org/s/" + "aB3-_" * 8 + "xYz", "expires_at": START + timedelta(days=14)},
        "code": {"code": code, "expires_at": START + timedelta(minutes=5)},
        "declined": {"declined_by": "Sample Client"},
    }
    needed["reminder"] = needed["download"] = needed["link"]
    return compose(
        kind, "en",  # type: ignore[arg-type]
        **{"organisation": "Sample Company", "title": title, "document_id": DOCUMENT, **needed.get(kind, {}), **facts},
    )  # fmt: skip


def outgoing(
    data: bytes, *, channel: Any = "email", recipient: str = "erika@example.org", **more: Any
) -> OutgoingMessage:
    values: dict[str, Any] = {
        "id": "01JMESSAGE0000000000000000@sample-company.example", "kind": "code", "channel": channel, "sender": SENDER,
        "recipient": recipient, "data": data, "created_at": START,
    }  # fmt: skip
    return OutgoingMessage(**(values | more))


def both(channel: Any) -> Channels:
    """One channel for e-mail and SMS."""
    return Channels(email=channel, sms=channel, sender=SENDER)


@pytest.fixture(scope="session")
def sample() -> SimpleNamespace:
    """The sample values and functions of this file, for tests, which cannot import it."""
    return SimpleNamespace(
        start=START,
        server_key=SERVER_KEY,
        document=DOCUMENT,
        sender=SENDER,
        message=message,
        outgoing=outgoing,
        both=both,
    )
