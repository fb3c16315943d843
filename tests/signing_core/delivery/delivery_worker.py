"""Delivers an outbox again and again, killed at the first point, at the second, ... until no point is left.

Run as a program by the kill tests. A point is before and after everything that leaves the process: a commit (what
it commits is nothing without it), a sync, a rename, bytes to and from the mail server. Each round has a folder of its own; each life of
a round is a forked process, so that nothing but the disk (and the mail server) survives it. Prints one line of JSON for
each round.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from signing_core.delivery import outbox
from signing_core.delivery.channels.folder import FolderChannel
from signing_core.delivery.channels.interface import Channels, Sender
from signing_core.delivery.channels.smtp import SmtpChannel
from signing_core.delivery.messages import compose
from signing_core.storage.database import make_engine, reading, writing
from signing_core.storage.objects import LocalObjects
from signing_core.storage.schema import documents, metadata
from signing_core.storage.schema import outbox as table

START = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
KEY = hashlib.sha256(b"a server key of the tests").digest()
SENDER = Sender("signing@sample-company.example", "Sample Company")
DOCUMENT = "01JDOCUMENT000000000000000"
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 20

log = sa.Table("outcome_log", sa.MetaData(), sa.Column("outbox_id", sa.String), sa.Column("state", sa.String))


class Countdown:
    """Kills the process at the n-th point."""

    def __init__(self) -> None:
        self.left = 0

    def point(self) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **keywords: Any) -> Any:
            self.point()
            result = function(*args, **keywords)
            self.point()
            return result

        return counted


countdown = Countdown()
for owner, name in ((os, "fsync"), (os, "replace"), (smtplib.SMTP, "send"), (smtplib.SMTP, "getreply")):
    setattr(owner, name, countdown.around(getattr(owner, name)))


def open_engine(folder: Path) -> sa.Engine:
    engine = make_engine(f"sqlite:///{folder / 'database.sqlite'}")

    event.listen(engine, "commit", lambda _connection: countdown.point())
    event.listen(engine.pool, "checkin", lambda *_: countdown.point())
    return engine


def prepare(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "objects").mkdir()
    engine = open_engine(folder)
    metadata.create_all(engine)
    log.create(engine)
    with writing(engine) as connection:
        connection.execute(
            documents.insert().values(
                id=DOCUMENT, title="Sample", status="completed", version=1, state={}, fields={}, language="en", author="author",
                created_at=START, updated_at=START, pages=1,
            )
        )  # fmt: skip
    engine.dispose()


def fill(folder: Path, *, code: bool) -> None:
    sha256 = LocalObjects(folder / "objects").put(PDF)
    facts: dict[str, Any] = {"organisation": "Sample Company", "title": "Sample Contract", "document_id": DOCUMENT}
    engine = open_engine(folder)
    with writing(engine) as connection:
        if code:
            outbox.enqueue(
                connection, KEY, document_id=DOCUMENT, role="client", channel="sms", recipient="+491713920012", now=START,
                content=compose("code", "en", code="042917", expires_at=START + timedelta(minutes=5), **facts),
            )  # fmt: skip
        outbox.enqueue(
            connection, KEY, document_id=DOCUMENT, role="client", channel="email", recipient="erika@example.org",
            now=START, content=compose("completed", "en", **facts), attachment_sha256=sha256,
            attachment_name="Contract.pdf", domain=SENDER.domain,
        )  # fmt: skip
    engine.dispose()


def deliver(folder: Path, server: str, at: datetime) -> None:
    engine = open_engine(folder)
    files = FolderChannel(folder / "outbox")
    host, _, port = server.partition(":")
    mail = SmtpChannel(host, int(port), security="none", timeout=5.0) if port else files
    outbox.deliver_due(
        engine,
        Channels(email=mail, sms=files, sender=SENDER),
        LocalObjects(folder / "objects"),
        KEY,
        lambda: at,
        on_outcome=lambda connection, row, outcome: void(
            connection.execute(log.insert().values(outbox_id=row.id, state=outcome.state))
        ),
    )
    engine.dispose()


def void(_: object) -> None:
    return None


def first(folder: Path, server: str, kill_at: int) -> None:
    fill(folder, code=not server)
    countdown.left = kill_at
    deliver(folder, server, START)


def second(folder: Path, server: str, finished: bool) -> None:
    for minutes in (1, 2):
        deliver(folder, server, START + timedelta(minutes=minutes))
    report(folder, finished)


def life(work: Callable[[], None]) -> bool:
    """Whether a process that does `work` reached its end."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def report(folder: Path, finished: bool) -> None:
    engine = open_engine(folder)
    with reading(engine) as connection:
        messages = [dict(row._mapping) for row in connection.execute(sa.select(table).order_by(table.c.id))]
        outcomes = [list(row) for row in connection.execute(sa.select(log))]
    shown = ("id", "message_id", "kind", "state", "attempts", "sent_sha256", "sent_attachment_sha256")
    print(
        json.dumps(
            {
                "folder": str(folder),
                "finished": finished,
                "messages": [
                    {name: message[name] for name in shown} | {"erased": message["sealed_content"] is None}
                    for message in messages
                ],
                "outcomes": outcomes,
            }
        )
    )
    engine.dispose()


def warm(folder: Path) -> None:
    """One delivery in this process, so that each life begins with everything loaded and prepared."""
    prepare(folder)
    fill(folder, code=True)
    deliver(folder, "", START)
    shutil.rmtree(folder)


def main(base: Path, server: str) -> None:
    warm(base / "warm")
    assert life(lambda: prepare(base / "fresh"))
    finished = False
    number = 0
    while not finished:
        number += 1
        folder = base / f"{number:03d}"
        shutil.copytree(base / "fresh", folder)
        finished = life(functools.partial(first, folder, server, number))
        assert life(functools.partial(second, folder, server, finished))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
