"""Runs the flow in child processes that are cut off at one point after another, then gone on with.

Called by test_desk_kills.py as a program. A point is a commit (before it and after it) or a file being opened for writing,
renamed or removed. Prints one JSON line for each point: the point, what it was, and what is wrong afterwards (nothing, it
should be).

`killed_flow.py BLANK WORK FIRST STEP`: a run for every STEP-th point, which ends there by SIGKILL.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import importlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from signing_core import limited, typesetting
from signing_core.audit_log import events as audit
from signing_core.desk import Desk, background, views
from signing_core.flow import Role
from signing_core.limited import Allowance
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import ManualClock, Play, received

ENDED = {"delivered", "cancelled", "failed"}
FILE_EVENTS = {"os.rename", "os.remove", "os.link", "os.truncate"}


class Points:
    """Counts the points of this process; `at` is called with each one's number."""

    def __init__(self, at: Callable[[int, str], None]) -> None:
        self.at = at
        self.count = 0
        self.inside = False

    def reached(self, what: str) -> None:
        if self.inside:
            return
        self.count += 1
        self.inside = True
        self.at(self.count, what)
        self.inside = False

    def install(self, folder: Path) -> None:
        real = DefaultDialect.do_commit

        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            self.reached("before a commit")
            real(dialect, connection)
            self.reached("after a commit")

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
        root = f"{folder}/"

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in FILE_EVENTS and str(arguments[0]).startswith(root):
                self.reached(f"{event} {str(arguments[0]).removeprefix(root)}")
            elif event == "open" and str(arguments[0]).startswith(root):
                flags = arguments[2] or 0
                if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) and "locks" not in str(arguments[0]):
                    self.reached(f"open {str(arguments[0]).removeprefix(root)}")

        sys.addaudithook(hook)


class Patient(Play):
    """Waits for what does not arrive at once, as people do; reads mail where the mail server put it."""

    clock: ManualClock
    mail: Path | None

    def token(self, role: Role) -> str:
        return self._waiting(lambda: self._mailed(role, r"/s/([A-Za-z0-9_-]{43})") or super(Patient, self).token(role))

    def code(self, role: Role) -> str:
        return self._waiting(lambda: self._mailed(role, r"\b(\d{3} \d{3})\b") or super(Patient, self).code(role))

    def _mailed(self, role: Role, pattern: str) -> str | None:
        if self.mail is None or "@" not in self.contact(role):
            return None
        for file in sorted(self.mail.glob("*.eml"), reverse=True):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            found = re.findall(pattern, body.get_content()) if body and self.contact(role) in message["to"] else []
            if found:
                return str(found[-1])
        raise LookupError("no mail yet")

    def _waiting(self, look: Callable[[], str]) -> str:
        for _ in range(5):
            try:
                return look()
            except LookupError:
                self.clock.forward(seconds=15)
                self.deliver()
        return look()


def run(folder: Path, source: bytes) -> None:
    clock = ManualClock(datetime.now(UTC))
    with Workspace.open(folder, clock=clock) as workspace:
        desk = Desk(workspace)
        play = Patient(desk)
        play.clock = clock
        play.mail = folder.parent / "mail" if workspace.settings.mail.host else None
        known = views.listing(workspace)
        document_id = known[0]["document_id"] if known else play.create(source)
        play.to_completion(document_id)
        for _ in range(4):
            background.work_once(desk)
            if all(message["state"] in ENDED for message in desk.status(document_id)["messages"]):
                break
            clock.forward(seconds=15)


def problems(folder: Path) -> list[str]:
    """What is not as it should be after a run that was killed and gone on with."""
    found: list[str] = []
    with Workspace.open(folder) as workspace:
        with reading(workspace.engine) as connection:
            rows = connection.execute(sa.select(documents)).all()
            if len(rows) != 1 or rows[0].status != "completed":
                return [f"documents: {[row.status for row in rows]}"]
            log = audit.of_document(connection, rows[0].id)
            total = connection.execute(sa.select(sa.func.count()).select_from(audit_events)).scalar_one()
        counts = Counter((event.type, event.data.get("role")) for event in log)
        for type_, role, wanted in [
            ("document.created", None, 1),
            ("document.sent", None, 1),
            ("consent.given", "first-party", 1),
            ("consent.given", "client", 1),
            ("signature.made", "first-party", 1),
            ("signature.made", "client", 1),
            ("document.completed", None, 1),
        ]:
            if counts[type_, role] != wanted:
                found.append(f"{counts[type_, role]} events {type_} of {role}")
        if [event.seq for event in log] != sorted({event.seq for event in log}) or total != audit_size(workspace):
            found.append("the log's numbers are not in order")
        previous = None
        for event in log:
            if event.content["prev"] != previous:
                found.append(f"event {event.seq} does not follow its predecessor")
            previous = event.sha256
        final = workspace.objects.get(rows[0].final_sha256)
        if len(final) != rows[0].final_length:
            found.append("the stored file has another length")
        messages = views.status(workspace, rows[0].id)["messages"]
        completed = [message for message in messages if message["kind"] == "completed"]
        if len(completed) != 3 or {message["state"] for message in completed} != {"delivered"}:
            found.append(f"completion messages: {[(m['role'], m['state']) for m in completed]}")
        if workspace.settings.mail.host is None:
            mailed = Counter(m.to for m in received(workspace) if m.attachment_sha256 == rows[0].final_sha256)
            if sorted(mailed.values()) != [1, 1, 1]:
                found.append(f"mailed: {dict(mailed)}")
        else:
            found += mail_problems(folder.parent / "mail", str(rows[0].final_sha256))
    return found


def mail_problems(mail: Path, final_sha256: str) -> list[str]:
    """By SMTP: at least one for each, and all of one recipient under the same Message-ID."""
    numbers: dict[str, set[str]] = {}
    for file in mail.glob("*.eml"):
        message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
        attached = [hashlib.sha256(part.get_payload(decode=True)).hexdigest() for part in message.iter_attachments()]
        if attached[:1] == [final_sha256]:  # what comes after it is the certificate in words and the proof
            numbers.setdefault(message["to"].addresses[0].addr_spec, set()).add(message["message-id"])
    if len(numbers) != 3 or any(len(found) != 1 for found in numbers.values()):
        return [f"mailed: {numbers}"]
    return []


def audit_size(workspace: Workspace) -> int:
    with reading(workspace.engine) as connection:
        return audit.size(connection)


def child(function: Any, *arguments: Any) -> int:
    """Run it in a forked process; its wait status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            function(*arguments)
            status = 0
        except BaseException as error:
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]


def killed_run(folder: Path, source: bytes, point: int, log: Path) -> None:
    def at(count: int, what: str) -> None:
        if count == point:
            log.write_text(what)
            os.kill(os.getpid(), signal.SIGKILL)

    Points(at).install(folder)
    run(folder, source)


def gone_on_with(folder: Path, source: bytes, point: int, what: str) -> None:
    gone_on = child(run, folder, source)

    def report() -> None:
        wrong = problems(folder) if gone_on == 0 else ["going on failed"]
        print(json.dumps({"point": point, "what": what, "wrong": wrong}), flush=True)

    child(report)
    shutil.rmtree(folder)


class _Elsewhere:
    """A compiler that typesets in a child: whoever has typeset must not be forked."""

    def __init__(self, *, foreign: bool = False) -> None:
        assert not foreign

    def compile(self, template: bytes, **options: Any) -> bytes:
        with tempfile.TemporaryFile() as page:
            assert child(lambda: page.write(_compiler().compile(template, **options)) and page.flush()) == 0
            page.seek(0)
            return page.read()


_compiler = typesetting._compiler


def warm(blank: Path, folder: Path, source: bytes) -> None:
    """One flow in this process, so that what is loaded and prepared once is there before the first fork: it takes longer than
    the rest of a flow, and each point has two of them."""
    shutil.copytree(blank, folder)
    settings = folder / "sealtrail.toml"
    settings.write_text(settings.read_text().partition("\n[mail]")[0])  # the messages of this one are nobody's
    typesetting._compiler = _Elsewhere  # type: ignore[assignment]
    run(folder, source)
    typesetting._compiler = _compiler
    assert problems(folder) == []
    shutil.rmtree(folder)


def here(work: str, *arguments: Any, allowance: Allowance) -> Any:
    """In place of `limited.call`, without the rehearsal: a process for each of so many runs would take longer than the runs."""
    module, _, name = work.partition(":")
    return getattr(importlib.import_module(module), name)(*arguments[:-1], False)


def main() -> None:
    limited.call = here
    blank, work = Path(sys.argv[1]), Path(sys.argv[2])
    first, step = int(sys.argv[3]), int(sys.argv[4])
    source = (blank.parent / "source.pdf").read_bytes()
    warm(blank, work / "warm", source)
    point = first
    while True:
        folder, log = work / f"at-{point}", work / "what"
        shutil.copytree(blank, folder)
        status = child(killed_run, folder, source, point, log)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status) == 0:
                print(json.dumps({"points": point}), flush=True)
            return
        gone_on_with(folder, source, point, log.read_text())
        point += step


if __name__ == "__main__":
    main()
