"""An archive to measure on: completed documents, each really sent, signed, sealed and mailed, made once and kept.

    python benchmarks/archive.py FOLDER [--documents 10000] [--jobs 2]

FOLDER becomes a workspace. It is gone on with where it was left: what is completed counts, what was cut off is voided.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signing_core.storage.workspace import Workspace

PAGES = 2


def make(folder: Path, documents: int, *, jobs: int = 2) -> int:
    """Bring the workspace at `folder` to `documents` completed ones; returns how many it has."""
    from signing_core.testing import make_workspace

    if not (folder / "sealtrail.toml").is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        make_workspace(folder).close()
    missing = documents - completed(folder)
    if missing > 0:
        _void_what_was_cut_off(folder)
        shares = [missing // jobs + (number < missing % jobs) for number in range(jobs)]
        context = multiprocessing.get_context("spawn")
        workers = [context.Process(target=_share, args=(folder, n, size)) for n, size in enumerate(shares)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if any(worker.exitcode for worker in workers):
            sys.exit("A process that made documents ended early; start again, what is completed is kept.")
    return completed(folder)


def completed(folder: Path) -> int:
    from sqlalchemy import func, select

    from signing_core.storage.database import reading
    from signing_core.storage.schema import documents
    from signing_core.storage.workspace import Workspace

    with Workspace.open(folder) as workspace, reading(workspace.engine) as connection:
        return int(connection.execute(select(func.count()).where(documents.c.status == "completed")).scalar_one())


def _share(folder: Path, number: int, documents: int) -> None:
    """One process: its own parties and its own folder of messages, for the newest message to a party is read."""
    from signing_core import testing
    from signing_core.desk import Desk, Signer, notices
    from signing_core.flow import Role
    from signing_core.seeding.hurried import hurried

    director = Signer("Sample Director", f"director-{number}@example.org", testing.ORGANISATION)
    client = Signer("Sample Client", f"client-{number}@example.net")

    class Party(testing.Play):
        document_id = ""

        def deliver(self) -> None:
            notices.deliver(self.workspace, document_id=self.document_id)

        def contact(self, role: Role) -> str:
            return (director if role is Role.FIRST_PARTY else client).contact

    source = testing.contract(PAGES)
    with _own_outbox(folder, number) as workspace, hurried(workspace):
        outbox = workspace.resolve(workspace.settings.outbox_folder)
        play = Party(Desk(workspace))
        start = time.monotonic()
        for done in range(1, documents + 1):
            shutil.rmtree(outbox, ignore_errors=True)
            outbox.mkdir()
            play.document_id = play.create(source, title="Service agreement", first_party=director, client=client)
            play.to_completion(play.document_id)
            if done % 100 == 0:
                rate = done / (time.monotonic() - start)
                print(f"  process {number}: {done} of {documents} sealed, {rate:.2f} a second", flush=True)


@contextmanager
def _own_outbox(folder: Path, number: int) -> Iterator[Workspace]:
    from signing_core.storage.workspace import Workspace

    os.environ["SEALTRAIL_OUTBOX_FOLDER"] = f"outbox-{number}"
    with Workspace.open(folder) as workspace:
        yield workspace


def _void_what_was_cut_off(folder: Path) -> None:
    from sqlalchemy import select

    from signing_core.desk import Desk
    from signing_core.storage.database import reading
    from signing_core.storage.schema import documents
    from signing_core.storage.workspace import Workspace

    with Workspace.open(folder) as workspace:
        desk = Desk(workspace)
        query = select(documents.c.id, documents.c.status).where(documents.c.status.not_in(("completed", "voided")))
        with reading(workspace.engine) as connection:
            rows = connection.execute(query).all()
        for row in rows:
            if row.status in ("signing", "sealing"):
                desk.work_on(row.id)
            else:
                desk.void(row.id, "The run that made it was stopped.")


def main() -> None:
    parser = argparse.ArgumentParser(description="An archive to measure on.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    print(f"{make(given.folder, given.documents, jobs=given.jobs)} completed documents in {given.folder}")


if __name__ == "__main__":
    main()
