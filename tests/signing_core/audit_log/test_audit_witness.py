"""The witness over real HTTP, and the log's side of it."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from signing_core.audit_log import anchors, notes, proofs, witness_client
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.audit_log.notes import Note
from signing_core.audit_log.signer import Issued
from signing_core.audit_log.witness import Witness, serve
from signing_core.errors import KeyUnavailable, LogInconsistent, UsageError, WitnessUnavailable
from signing_core.storage.database import reading

House = Any


@pytest.fixture
def witness(tmp_path: Path, house: House) -> Witness:
    made = Witness.create(tmp_path / "witness", "witness.example/w1", clock=house.clock)
    made.add_log(house.log.verifier)
    return made


@pytest.fixture
def url(witness: Witness) -> Iterator[str]:
    server = serve(witness, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _proof(house: House, old: int, new: int) -> tuple[bytes, ...]:
    with reading(house.workspace.engine) as connection:
        return proofs.consistency(connection, old, new)


def _post(url: str, body: bytes) -> httpx.Response:
    return httpx.post(url + "/add-checkpoint", content=body)


def _signed(house: House, size: int, root: bytes) -> Note:
    text = Checkpoint(house.log.origin, size, root).text
    return Note(text, (notes.sign(text, house.log.origin, house.workspace.keys().checkpoint),))


def test_200_cosigns_what_continues(house: House, witness: Witness, url: str) -> None:
    first = house.log.checkpoint()
    answer = _post(url, witness_client.request(0, (), first.note))
    assert answer.status_code == 200
    line = notes.parse_line(answer.text.removesuffix("\n"))
    notes.verified(first.note.plus([line]), [witness.verifier])
    house.append()
    second = house.log.checkpoint()
    assert _post(url, witness_client.request(9, _proof(house, 9, 10), second.note)).status_code == 200
    assert _post(url, witness_client.request(10, (), second.note)).status_code == 200, "the same again"
    assert witness.latest(house.log.origin) == second.checkpoint
    assert Witness.open(witness.folder, clock=house.clock).latest(house.log.origin) == second.checkpoint


def test_400_for_what_cannot_be_read(house: House, url: str) -> None:
    note = str(house.log.checkpoint().note)
    for body in (
        "", "old 0", "old 0\n\n", "old -1\n\n" + note, "old 00\n\n" + note, "new 0\n\n" + note, "old 0\nabc\n\n" + note,
        "old 0\n\nno note\n", "old 10\n\n" + note, "old 0\n" + ("A" * 43 + "=\n") * 64 + "\n" + note, "old 0\n\n" + note[:-1],
    ):  # fmt: skip
        assert _post(url, body.encode()).status_code == 400, body
    assert _post(url, b"\xff").status_code == 400
    assert _post(url, b"x" * 100_000).status_code == 400


def test_403_for_a_signature_by_nobody_known(house: House, url: str) -> None:
    text = house.log.checkpoint().note.text
    stranger = house.workspace.keys().qr
    note = Note(text, (notes.sign(text, house.log.origin, stranger),))
    assert _post(url, witness_client.request(0, (), note)).status_code == 403


def test_404_for_a_log_it_does_not_know(house: House, url: str) -> None:
    text = Checkpoint("another.example/log", 1, bytes(32)).text
    note = Note(text, (notes.sign(text, "another.example/log", house.workspace.keys().checkpoint),))
    assert _post(url, witness_client.request(0, (), note)).status_code == 404
    assert httpx.post(url + "/other", content=b"").status_code == 404


def test_409_names_the_size_that_it_holds(house: House, url: str) -> None:
    first = house.log.checkpoint()
    _post(url, witness_client.request(0, (), first.note))
    house.append()
    second = house.log.checkpoint()
    answer = _post(url, witness_client.request(3, _proof(house, 3, 10), second.note))
    assert (answer.status_code, answer.text) == (409, "9\n")
    assert answer.headers["content-type"] == "text/x.tlog.size"
    other = _signed(house, 9, bytes(32))
    assert _post(url, witness_client.request(9, (), other)).status_code == 409, "same size, another root"


def test_422_for_what_does_not_continue(house: House, witness: Witness, url: str) -> None:
    first = house.log.checkpoint()
    assert _post(url, witness_client.request(0, [bytes(32)], first.note)).status_code == 422
    _post(url, witness_client.request(0, (), first.note))
    split = _signed(house, 12, b"x" * 32)
    for proof in ((), [bytes(32)], _proof(house, 5, 9)):
        assert _post(url, witness_client.request(9, proof, split)).status_code == 422
    assert witness.latest(house.log.origin) == first.checkpoint


def test_many_at_once_never_roll_it_back(house: House, witness: Witness, url: str) -> None:
    issued = [house.log.checkpoint()]
    for _ in range(6):
        house.append()
        issued.append(house.log.checkpoint())
    bodies = [
        witness_client.request(old, _proof(house, old, one.checkpoint.size) if old else (), one.note)
        for one in issued
        for old in (0, 9, 10, 12)
        if old <= one.checkpoint.size
    ]
    seen: list[int] = []

    def post(body: bytes) -> None:
        if _post(url, body).status_code == 200:
            seen.append(1)

    for _ in range(3):
        threads = [threading.Thread(target=post, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = witness.latest(house.log.origin)
        assert now is not None
        assert any(now == one.checkpoint for one in issued)
    assert seen


def test_the_client_finds_the_size_and_keeps_the_cosignature(house: House, witness: Witness, url: str) -> None:
    engine = house.workspace.engine
    first = house.log.checkpoint()
    made = witness_client.submit(engine, first, url, [witness.verifier], now=house.clock.now)
    assert [anchor.by for anchor in made] == ["witness.example/w1"]
    assert witness_client.submit(engine, first, url, [witness.verifier], now=house.clock.now) == []
    house.append()
    second = house.log.checkpoint()
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM anchors"))  # it forgot what the witness holds
    made = witness_client.submit(engine, second, url, [witness.verifier], now=house.clock.now)
    proven = anchors.verify(made[0], second.note, witnesses=[witness.verifier])
    assert proven.outside
    assert proven.trusted


def test_the_client_says_when_the_witness_knows_another_history(house: House, witness: Witness, url: str) -> None:
    engine = house.workspace.engine
    first = house.log.checkpoint()
    ahead = _signed(house, 40, b"y" * 32)
    _post(url, witness_client.request(0, (), ahead))
    with pytest.raises(LogInconsistent, match="40 events"):
        witness_client.submit(engine, first, url, [witness.verifier], now=house.clock.now)


def test_the_client_against_a_witness_that_is_not_there_or_of_another_key(
    house: House, witness: Witness, url: str
) -> None:
    engine, first = house.workspace.engine, house.log.checkpoint()
    with pytest.raises(WitnessUnavailable, match="could not be reached"):
        witness_client.submit(engine, first, "http://127.0.0.1:9", [witness.verifier], now=house.clock.now)
    with pytest.raises(WitnessUnavailable, match="404"):
        witness_client.submit(engine, first, url + "/nothing", [witness.verifier], now=house.clock.now)
    with pytest.raises(WitnessUnavailable, match="witness_keys"):
        witness_client.submit(engine, first, url, [], now=house.clock.now)


def test_a_witness_has_its_own_folder_and_key(tmp_path: Path, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "second"
    monkeypatch.setenv("SEALTRAIL_WITNESS_PASSPHRASE", "a secret of its own")
    made = Witness.create(folder, "witness.example/w2", clock=house.clock)
    assert b"ENCRYPTED" in (folder / "witness-key.pem").read_bytes()
    assert (folder / "witness-key.pem").stat().st_mode & 0o077 == 0
    assert Witness.open(folder, clock=house.clock).verifier == made.verifier
    with pytest.raises(UsageError, match="already"):
        Witness.create(folder, "x", clock=house.clock)
    monkeypatch.setenv("SEALTRAIL_WITNESS_PASSPHRASE", "wrong")
    with pytest.raises(KeyUnavailable):
        Witness.open(folder, clock=house.clock)
    with pytest.raises(UsageError, match="--init"):
        Witness.open(tmp_path / "nowhere", clock=house.clock)
    with pytest.raises(UsageError, match="named"):
        Witness.create(tmp_path / "third", "two words", clock=house.clock)


def test_it_runs_as_a_process_of_its_own(tmp_path: Path, house: House) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", "from signing_core.cli import main; main()", "audit", "witness", str(tmp_path / "own"), "--init", "witness.example/own",
         "--add-log", house.log.verifier.vkey, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        verifier = notes.Verifier.from_vkey(process.stdout.readline())
        address = process.stderr.readline().split()[-1]
        issued: Issued = house.log.checkpoint()
        made = witness_client.submit(house.workspace.engine, issued, address, [verifier], now=house.clock.now)
        assert len(made) == 1
        assert httpx.get(address + "/").text.strip() == verifier.vkey
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
        process.stderr.close()
