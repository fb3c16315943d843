"""Ten years of a house, on a simulated clock.

A document is signed every month. Every key is renewed at its time, the company CA has a successor, the time-stamp authority
changes twice, the first one's algorithm is retired (RSA below 3,000 bits and PKCS #1 v1.5 end with 2028, TS 119 312), archive
time-stamps are renewed, personal data is erased, and the database is restored once from a backup. At the end every document
passes by every judge, from the file and from paper, and every forgery is caught.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import sqlite3
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric import rsa

from signing_core.audit_log import evidence, evidence_verifier, forgetting
from signing_core.audit_log import verification as log_verification
from signing_core.audit_log.log import AuditLog
from signing_core.bulk import certificates, renewal
from signing_core.bulk.results import Results
from signing_core.certificate.scan import scan
from signing_core.controls.history import renewed_files
from signing_core.delivery.channels.folder import FolderChannel
from signing_core.desk import Desk, endings, judging
from signing_core.keys.ring import KeyRing
from signing_core.keys.settings import KeySettings
from signing_core.keys.software import SoftwareKey
from signing_core.keys.time_stamping import EmbeddedAuthority
from signing_core.keys.tsa_server import serve
from signing_core.pdf import render
from signing_core.storage import directory, schema
from signing_core.storage.database import reading, writing
from signing_core.storage.workspace import Workspace
from signing_core.testing import CLIENT, ManualClock, Play, contract, make_workspace
from signing_core.trust import load_trust
from signing_core.trust.workspace import of_workspace
from signing_core.verdict import DocumentVerdict, Indication, Integrity
from signing_core.verification import verify

START = datetime(2026, 12, 1, 9, tzinfo=UTC)
MONTH = timedelta(days=365.25 / 12)
MONTHS = 120
pytestmark = pytest.mark.timeout(
    2400
)  # the ten years take two minutes of a processor, and many times that on a busy machine


@dataclass
class Life:
    """The house, and what happens to it."""

    folder: Path
    clock: ManualClock
    workspace: Workspace
    documents: list[str] = field(default_factory=list)
    renewed: dict[str, int] = field(default_factory=dict)
    """How often each key was."""
    lists: list[str] = field(default_factory=list)
    """Where CRLs of outside authorities are."""
    lost: str = ""
    """The draft that the restored backup did not hold."""

    def reopen(self) -> None:
        self.workspace.close()
        self.workspace = Workspace.open(self.folder, clock=self.clock)

    def month(self) -> None:
        self._watch_keys()
        play = Play(Desk(self.workspace))
        document_id = play.create(contract(1), title=f"Agreement {len(self.documents) + 1}")
        play.to_completion(document_id)
        self.documents.append(document_id)
        AuditLog(self.workspace).keep_up()
        self.clock.now += MONTH

    def _watch_keys(self) -> None:
        """What `sealtrail doctor` and the dashboard ask for is done, and nothing else."""
        for one in endings.due(self.workspace):
            if one.way == "renew":
                self.workspace.keys().renew(one.key)  # type: ignore[arg-type]
                self.renewed[one.key] = self.renewed.get(one.key, 0) + 1

    def change_authority(self, chosen: Authority) -> None:
        self.lists.append(chosen.lists)
        file = self.folder / "sealtrail.toml"
        head = file.read_text().partition("\n[time_stamps]")[0]
        stamps = f'[time_stamps]\nurl = "{chosen.url}"\ntrust = "{chosen.roots}"\n'
        file.write_text(f"{head}\n{stamps}[network]\ncrl_hosts = {json.dumps(self.lists)}\n")
        self.reopen()

    def renew_archive(self) -> renewal.Renewals:
        done = renewal.renew_due(self.workspace, Results(self.workspace.path / "results"))
        assert not done.failed, done.failed
        return done

    def erase(self, document_id: str) -> None:
        """The client of all documents so far, as `sealtrail forget` does it."""
        engine = self.workspace.engine
        with writing(engine) as connection:
            party = directory.add_party(
                connection, kind="client", language="en", name=CLIENT.name, phone=CLIENT.contact, now=self.clock.now
            )
        folder = FolderChannel(self.workspace.resolve(self.workspace.settings.outbox_folder))
        with writing(engine) as connection:
            done = forgetting.forget(
                connection, self.workspace.objects, party.id, remove_message=folder.remove, now=self.clock.now
            )
        assert document_id in done.documents

    def restore(self) -> None:
        """A draft of after the backup is lost; the loss is declared, since the log had been signed with it."""
        copy = self.folder / "backup.sqlite"
        _copied(self.folder / "database.sqlite", copy)
        self.lost = Play(Desk(self.workspace)).create(contract(1), title="Lost with the disk")
        AuditLog(self.workspace).checkpoint_and_anchor()
        self.workspace.close()
        for name in ("database.sqlite-wal", "database.sqlite-shm"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.move(copy, self.folder / "database.sqlite")
        self.reopen()
        AuditLog(self.workspace).accept_restored("The disk failed; one draft is lost.")

    def final(self, document_id: str) -> bytes:
        """The newest file of a document."""
        with reading(self.workspace.engine) as connection:
            row = connection.execute(sa.select(schema.documents).where(schema.documents.c.id == document_id)).one()
            newest = [row.final_sha256, *renewed_files(connection, [document_id]).get(document_id, ())][-1]
        return self.workspace.objects.get(str(newest))


def _copied(source: Path, target: Path) -> None:
    with contextlib.closing(sqlite3.connect(source)) as one, contextlib.closing(sqlite3.connect(target)) as other:
        one.backup(other)


@dataclass(frozen=True)
class Authority:
    url: str
    roots: Path
    lists: str
    """Host and port that its CRL is fetched from."""


@contextlib.contextmanager
def authority(folder: Path, name: str, clock: ManualClock, *, bits: int | None) -> Iterator[Authority]:
    """Somebody outside who time-stamps and publishes a CRL over HTTP, by the simulated clock, with RSA where `bits` are given."""
    rings: list[KeyRing] = []

    class Lists(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = rings[0].ca.crl(clock(), int(clock().timestamp()), [])
            self.send_response(200)
            self.send_header("Content-Type", "application/pkix-crl")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: a test reads what it asked for."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    where = f"127.0.0.1:{server.server_address[1]}"
    try:
        settings = KeySettings(base_url=f"http://{where}")
        ring = KeyRing.create(folder, "another passphrase", organisation=name, clock=clock, work=10, settings=settings)
        rings.append(ring)
        served = ring.time_stamp_authority
        if bits is not None:
            key = rsa.generate_private_key(65537, bits)
            certificate = ring.ca.issue("time-stamp", key.public_key(), f"{name} RSA", now=clock())
            served = EmbeddedAuthority(SoftwareKey(key, certificate, (ring.ca.certificate,)), clock=clock)
        with serve(served) as url:
            yield Authority(url, ring.public_folder / "anchors.pem", where)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """The ten years."""
    base = tmp_path_factory.mktemp("ten-years")
    clock = ManualClock(START)
    house = Life(base / "house", clock, make_workspace(base / "house", clock=clock))
    with contextlib.ExitStack() as stack:
        for number in range(MONTHS):
            if number == 6:
                first = authority(base / "first", "Sample Times AG", clock, bits=2048)
                house.change_authority(stack.enter_context(first))
            if number == 20:
                second = authority(base / "second", "Sample Clocks AG", clock, bits=None)
                house.change_authority(stack.enter_context(second))
            if number == 40:
                house.erase(house.documents[5])
            if number == 60:
                house.workspace.keys().succeed_ca()
            if number == 70:
                house.restore()
            if number % 12 == 11:
                for purpose in ("qr", "checkpoint"):
                    house.workspace.keys().renew(purpose)  # type: ignore[arg-type]
                house.reopen()
            if number % 3 == 2:
                house.renew_archive()
            house.month()
        house.renew_archive()
        yield house
    house.workspace.close()


def test_every_key_was_renewed_at_its_time(life: Life) -> None:
    assert life.clock.now > START + timedelta(days=3650)
    assert len(life.documents) == MONTHS
    # The succession of the company CA renewed first party, seal and embedded authority as well.
    assert life.renewed["seal"] >= 2 and life.renewed["first-party"] >= 2
    (house,) = of_workspace(life.workspace).houses
    assert [len(house.of(purpose)) for purpose in ("company-ca", "qr", "checkpoint", "time-stamp-authority")] == [
        2,
        11,
        11,
        2,
    ]
    assert len(house.of("seal")) == 2 + life.renewed["seal"]
    assert endings.due(life.workspace) == []


def test_archive_time_stamps_were_renewed_before_their_algorithm_ended(life: Life) -> None:
    with reading(life.workspace.engine) as connection:
        renewed = renewed_files(connection, life.documents)
    times = {one: len(renewed.get(one, ())) for one in life.documents}
    by_the_first_authority = life.documents[6:20]
    assert all(times[one] >= 1 for one in by_the_first_authority)
    assert sum(1 for one in life.documents if times[one]) < len(life.documents), "none is renewed for nothing"


def test_every_document_passes_by_every_judge(life: Life) -> None:
    store = of_workspace(life.workspace)
    public = load_trust([life.workspace.keys().public_folder])
    context = judging.context_of(life.workspace)
    at = life.clock.now + timedelta(seconds=2)
    for document_id in life.documents:
        final = life.final(document_id)
        verdicts = [
            verify(final, at=at, workspace_context=context),
            verify(final, at=at, trust=store),
            verify(final, at=at, trust=public),
        ]
        for verdict in verdicts:
            assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED), _why(verdict)
            assert certificates.state_of(verdict.certificate.to_json()) == "valid"
            assert verdict.time == "proven"
        assert (verdicts[0].registry, verdicts[0].audit_log) == ("known", "included")


def test_every_document_passes_from_paper(life: Life) -> None:
    store = of_workspace(life.workspace)
    for document_id in life.documents:
        final = life.final(document_id)
        (read,) = scan(render.render(final, render.page_count(final), dpi=110), trust=store)
        assert (read.qr, read.in_order, read.document_id) == ("valid", True, document_id)
        assert read.house == "Sample Seals GmbH"


def test_the_log_and_every_evidence_pack_are_in_order(life: Life, tmp_path: Path) -> None:
    report = log_verification.verify(life.workspace)
    assert report.in_order, [finding.message for finding in report.findings]
    for document_id in life.documents:
        with zipfile.ZipFile(io.BytesIO(evidence.export(life.workspace, document_id))) as pack:
            pack.extractall(tmp_path)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            result = evidence_verifier.main(tmp_path / f"evidence-{document_id}")
        assert result == 0, said.getvalue()


def test_every_forgery_is_caught(life: Life) -> None:
    """By the file, by the registry and by whoever has the public folder."""
    context = judging.context_of(life.workspace)
    public = load_trust([life.workspace.keys().public_folder])
    at = life.clock.now + timedelta(seconds=2)
    for number in range(0, MONTHS, 10):
        final, other = life.final(life.documents[number]), life.final(life.documents[number - 1])
        for name, forged in _forgeries(final, other).items():
            for verdict in (verify(forged, at=at, workspace_context=context), verify(forged, at=at, trust=public)):
                assert not verdict.in_order, (number, name)
                assert verdict.integrity is not Integrity.UNSIGNED, (number, name)


def _forgeries(final: bytes, other: bytes) -> dict[str, bytes]:
    page = bytearray(final)
    page[final.index(b"stream") + 40] ^= 1
    end = bytearray(final)
    end[-200] ^= 1
    half = len(final) // 2
    return {
        "a byte of a page": bytes(page),
        "a byte at the end": bytes(end),
        "another's end": final[:half] + other[half:],
    }


def _why(verdict: DocumentVerdict) -> Any:
    return verdict.sub_indication, [finding.message for finding in verdict.all_findings if finding.severity != "info"]
