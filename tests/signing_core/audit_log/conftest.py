"""A workspace with a few documents in its log, on a clock that the test moves."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785
import sqlalchemy as sa

from signing_core.audit_log import authentication, events, signer, tree, verification
from signing_core.audit_log.log import AuditLog
from signing_core.audit_log.witness import Witness
from signing_core.audit_log.witness import serve as serve_witness
from signing_core.keys.ring import KeyRing
from signing_core.keys.tsa_server import serve as serve_authority
from signing_core.storage import schema
from signing_core.storage.database import writing
from signing_core.storage.identifiers import new_id
from signing_core.storage.workspace import Workspace

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        self.now += timedelta(**by)
        return self.now


@dataclass
class House:
    """A workspace, and what tests do to it."""

    workspace: Workspace
    clock: Clock
    documents: list[str] = field(default_factory=list)

    @property
    def log(self) -> AuditLog:
        return AuditLog(self.workspace)

    @property
    def database(self) -> Path:
        return self.workspace.path / "database.sqlite"

    def append(self, type: str = "document.opened", document: str | None = None, **values: object) -> events.Event:
        with writing(self.workspace.engine) as connection:
            return events.append(
                connection,
                type=type,
                time=self.clock.forward(seconds=1),
                actor="client",
                document_id=document,
                data=values,
            )

    def complete(self, pdf: bytes = b"%PDF-1.7 sample") -> str:
        """A document with four events and a file; returns its id."""
        document = new_id(self.clock.forward(seconds=1))
        self.documents.append(document)
        pdf = pdf + document.encode()
        sha256 = self.workspace.objects.put(pdf)
        with writing(self.workspace.engine) as connection:
            connection.execute(
                sa.insert(schema.documents).values(
                    id=document, title="Sample lease", status="completed", version=1, state={}, fields={}, language="en",
                    author="Sample Author", created_at=self.clock.now, updated_at=self.clock.now, pages=1,
                    final_sha256=sha256, final_length=len(pdf), completed_at=self.clock.now,
                )
            )  # fmt: skip
            connection.execute(
                sa.insert(schema.document_parties).values(
                    document_id=document, role="client", name="Sample Client", contact="client@example.org",
                    channel="email", language="en", pseudonym="p",
                )
            )  # fmt: skip
            events.append(
                connection, type="document.created", time=self.clock.now, actor="author", document_id=document,
                data={"pages": 1}, personal={"title": "Sample lease"},
            )  # fmt: skip
            events.append(
                connection, type="consent.given", time=self.clock.now, actor="client", document_id=document,
                personal={"name": "Sample Client", "address": "192.0.2.1"},
            )  # fmt: skip
        for type, data in (
            ("signature.made", {"role": "client"}),
            ("document.completed", {"sha256": sha256, "length": len(pdf)}),
        ):
            self.log.checkpoint()  # as signature and seal do
            with writing(self.workspace.engine) as connection:
                events.append(
                    connection, type=type, time=self.clock.now, actor="system", document_id=document, data=data
                )
        return document

    def verify(self) -> verification.Report:
        return verification.verify(self.workspace, jobs=1)

    def codes(self) -> set[str]:
        """The codes of everything that the verification finds wrong."""
        return {finding.code for finding in self.verify().findings if finding.severity == "error"}

    def sql(self, statement: str, *values: object) -> None:
        """What somebody with the database file can do."""
        connection = sqlite3.connect(self.database)
        with connection:
            connection.execute(statement, values)
        connection.close()

    def query(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        connection = sqlite3.connect(self.database)
        rows = connection.execute(statement, values).fetchall()
        connection.close()
        return rows

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(row[0]) for row in self.query("SELECT body FROM audit_events ORDER BY seq")]  # type: ignore[arg-type]

    def rewrite(self, contents: list[dict[str, Any]], *, authentic: bool = False) -> None:
        """Write the whole log anew: sequence numbers, chains, leaves, nodes and head all consistent. `authentic`: with the key
        ring, so that the authentication codes are, too; without it they stay as they were."""
        codes = dict(self.query("SELECT seq, mac FROM audit_events"))
        before = None
        last: dict[str, str] = {}
        nodes: list[dict[str, Any]] = []
        grown = tree.CompactRange(lambda node, value: nodes.append({"position": tree.position(node), "hash": value}))
        rows = []
        for seq, content in enumerate(contents):
            content = {**content, "seq": seq, "prev": last.get(content["document"])}
            if content["document"] is None:
                content["prev"] = None
            body = rfc8785.dumps(content)
            last[content["document"]] = hashlib.sha256(body).hexdigest()
            grown.append(tree.leaf_hash(body))
            if authentic:
                codes[seq] = authentication.code(self.workspace.keys().event_key, before, body)
            before = tree.leaf_hash(body)
            rows.append(
                {
                    "seq": seq, "document_id": content["document"], "type": content["type"],
                    "time": datetime.fromisoformat(content["time"]), "body": body, "leaf_hash": tree.leaf_hash(body),
                    "mac": codes.get(seq),
                }
            )  # fmt: skip
        with writing(self.workspace.engine) as connection:
            connection.execute(sa.delete(schema.audit_events))
            connection.execute(sa.delete(schema.audit_nodes))
            connection.execute(sa.insert(schema.audit_events), rows)
            if nodes:
                connection.execute(sa.insert(schema.audit_nodes), nodes)
            connection.execute(sa.update(schema.audit_head).values(size=len(rows)))

    def sign_anew(self) -> signer.Issued:
        """With the log's key: throw everything that was signed away, and sign what is there."""
        self.sql("DELETE FROM checkpoints")
        self.sql("DELETE FROM anchors")
        self.rewrite(self.bodies(), authentic=True)
        return self.log._signer().issue(now=self.clock.now, lost=True)

    def backup(self) -> Path:
        """A copy of the database as it is now."""
        self.workspace.engine.dispose()
        copy = self.workspace.path / f"backup-{self.clock.now.timestamp()}.sqlite"
        source, target = sqlite3.connect(self.database), sqlite3.connect(copy)
        source.backup(target)
        source.close()
        target.close()
        return copy

    def restore(self, copy: Path) -> None:
        self.workspace.engine.dispose()
        for name in ("database.sqlite", "database.sqlite-wal", "database.sqlite-shm"):
            (self.workspace.path / name).unlink(missing_ok=True)
        shutil.copy(copy, self.database)


@pytest.fixture(scope="session")
def _pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace to be copied: making keys takes a while."""
    folder = tmp_path_factory.mktemp("pattern") / "w"
    with pytest.MonkeyPatch.context() as patch:  # for this alone: other tests open workspaces with other passphrases
        patch.setenv("SEALTRAIL_PASSPHRASE", "a passphrase for tests")
        Workspace.create(folder, clock=lambda: START, key_work=10).close()
    return folder


@pytest.fixture
def make_house(_pattern: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    monkeypatch.setenv("SEALTRAIL_PASSPHRASE", "a passphrase for tests")
    opened: list[Workspace] = []

    def make(settings: str = "", name: str = "w") -> House:
        folder = tmp_path / name
        if not folder.exists():
            shutil.copytree(_pattern, folder)
        with (folder / "sealtrail.toml").open("a") as file:
            file.write(settings)
        clock = Clock()
        opened.append(Workspace.open(folder, clock=clock))
        return House(opened[-1], clock)

    yield make
    for workspace in opened:
        workspace.close()


@dataclass
class Outside:
    """Somebody outside, under other keys: a time-stamp authority and a witness, both over HTTP."""

    authority_url: str
    authority_roots: Path
    witness: Witness
    witness_url: str

    @property
    def settings(self) -> str:
        return (
            f'[time_stamps]\nurl = "{self.authority_url}"\ntrust = "{self.authority_roots}"\n'
            f'[audit_log]\nwitnesses = ["{self.witness_url}"]\nwitness_keys = ["{self.witness.verifier.vkey}"]\n'
        )


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    clock = Clock()
    ring = KeyRing.create(
        tmp_path / "elsewhere", "another passphrase", organisation="Sample Authority", clock=lambda: START, work=10
    )
    witness = Witness.create(tmp_path / "witness", "witness.example/w1", clock=clock)
    server = serve_witness(witness, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    outside_clock.append(clock)
    ring._clock = clock
    with serve_authority(ring.time_stamp_authority) as url:
        yield Outside(url, ring.public_folder / "anchors.pem", witness, f"http://127.0.0.1:{server.server_port}")
    outside_clock.clear()
    server.shutdown()
    thread.join()
    server.server_close()


outside_clock: list[Clock] = []


@pytest.fixture
def anchored_house(make_house: Callable[..., House], outside: Outside) -> House:
    """Like `house`, with everything so far anchored by both of `outside`, whose clocks go with its own."""
    made = make_house(outside.settings)
    made.clock = outside_clock[0]
    made.workspace.clock = made.clock
    outside.witness.add_log(made.log.verifier)
    made.complete()
    made.append(number=0)
    made.complete()
    kept = made.log.checkpoint_and_anchor()
    assert kept.problems == ()
    assert sorted(anchor.kind for anchor in kept.anchors) == ["time-stamp", "witness"]
    return made


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    """With two completed documents and an event between, all but the last event under a checkpoint."""
    made = make_house()
    made.complete()
    made.append(number=0)
    made.complete()
    return made
