"""Runs the flow in child processes that are killed at one point after another, then gone on with.

Called by test_desk_kills.py as a program: `killed_flow.py BLANK WORK FIRST STEP [SMTP_PORT]`. A point is a commit (before it
and after it) or a file being opened for writing, renamed or removed. Prints one JSON line for each point: the point, what it
was, and what is wrong afterwards (nothing, it should be).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect

from signing_core.audit_log import events as audit
from signing_core.desk import Desk, background, sealing, signing, views
from signing_core.pdf import fields, intake, prepare, preserve, seal, sign
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, documents
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play, received
from signing_core.verification import own, verify

IMPORTED = (sealing, signing, fields, intake, prepare, preserve, seal, sign, own, verify)
"""Loaded before the first fork, so that each child starts at once."""

FILE_EVENTS = {"os.rename", "os.remove", "os.link", "os.truncate"}


class Points:
    """Counts the points of this process and kills it at the given one."""

    def __init__(self, kill_at: int, log: Path) -> None:
        self.kill_at = kill_at
        self.count = 0
        self.log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.inside = False

    def reached(self, what: str) -> None:
        self.count += 1
        os.pwrite(self.log, f"{self.count} {what}".encode().ljust(200), 0)
        if self.count == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self, folder: Path) -> None:
        real = DefaultDialect.do_commit

        def do_commit(dialect: DefaultDialect, connection: Any) -> None:
            self.reached("before a commit")
            real(dialect, connection)
            self.reached("after a commit")

        DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]
        root = str(folder)

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event in FILE_EVENTS and str(arguments[0]).startswith(root):
                self.reached(f"{event} {Path(str(arguments[0])).relative_to(root)}")
            elif event == "open" and str(arguments[0]).startswith(root):
                flags = arguments[2] or 0
                if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR) and "locks" not in str(arguments[0]):
                    self.reached(f"open {Path(str(arguments[0])).relative_to(root)}")

        sys.addaudithook(hook)


def run(folder: Path, source: bytes) -> None:
    with Workspace.open(folder) as workspace:
        desk = Desk(workspace)
        play = Play(desk)
        known = views.listing(workspace)
        document_id = known[0]["document_id"] if known else play.create(source)
        play.to_completion(document_id)
        background.work_once(desk)


def problems(folder: Path, smtp: bool) -> list[str]:
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
        if not smtp:
            mailed = Counter(m.to for m in received(workspace) if m.attachment_sha256 == rows[0].final_sha256)
            if sorted(mailed.values()) != [1, 1, 1]:
                found.append(f"mailed: {dict(mailed)}")
    return found


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


def main() -> None:
    blank, work, first, step = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    smtp = len(sys.argv) > 5
    source = (blank.parent / "source.pdf").read_bytes()
    point = first
    while True:
        folder = work / f"at-{point}"
        shutil.copytree(blank, folder)
        log = work / "point"

        def killed(folder: Path = folder, point: int = point, log: Path = log) -> None:
            Points(point, log).install(folder)
            run(folder, source)

        status = child(killed)
        if os.WIFEXITED(status):
            if os.WEXITSTATUS(status) == 0:
                print(json.dumps({"points": point}), flush=True)
            return
        what = log.read_text().strip()
        gone_on = child(run, folder, source)

        def report(folder: Path = folder, point: int = point, what: str = what, gone_on: int = gone_on) -> None:
            wrong = problems(folder, smtp) if gone_on == 0 else ["going on failed"]
            print(json.dumps({"point": point, "what": what, "wrong": wrong}), flush=True)

        child(report)
        shutil.rmtree(folder)
        point += step


if __name__ == "__main__":
    main()
