"""`sealtrail audit` as a person or a script calls it."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import click
import pytest

from signing_core.audit_log.proofs import Proof
from signing_core.cli import audit
from signing_core.storage import directory
from signing_core.storage.database import reading, writing

House = Any


@pytest.fixture
def call(house: House, capsys: pytest.CaptureFixture[str]) -> Any:
    return caller(house, capsys)


def caller(house: House, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command on the house's workspace; gives exit status and output."""
    from signing_core.errors import SealtrailError

    def run(*arguments: str, command: Any = audit.command) -> tuple[int, str, str]:
        status = 0
        try:
            command.main([*arguments, "--workspace", str(house.workspace.path)], standalone_mode=False)
        except SealtrailError as error:
            return error.exit_status, "", str(error)
        except SystemExit as ended:
            status = int(ended.code or 0)
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


def test_verify_says_what_is_in_order_and_what_is_unprotected(house: House, call: Any) -> None:
    assert call("checkpoint", "--no-anchor")[0] == 0
    status, out, _ = call("verify")
    assert status == 0
    assert "Recomputed: events 9, checkpoints 5, anchors 0, proofs 0, files 2: all in order." in out
    assert "UNPROTECTED: 9 events since 2026-05-04 08:00:01 UTC" in out
    house.sql("UPDATE audit_events SET leaf_hash = zeroblob(32) WHERE seq = 4")
    status, out, _ = call("verify", "--json")
    assert status == 1
    report = json.loads(out)
    assert report["in_order"] is False
    assert report["findings"][0]["code"] == "event-altered"
    assert report["findings"][0]["seq"] == 4
    status, out, _ = call("verify", "--no-files", "--jobs", "2")
    assert status == 1
    assert "files 0: NOT in order." in out


def test_checkpoint_signs_anchors_and_accepts_a_declared_loss(house: House, call: Any) -> None:
    status, out, _ = call("checkpoint")
    assert status == 0
    assert out.startswith(f"{house.log.origin}\n9\n")
    copy = house.backup()
    house.append()
    status, out, _ = call("checkpoint", "--json")
    assert json.loads(out)["size"] == 10
    house.restore(copy)
    status, _, err = call("checkpoint")
    assert status == 3
    assert "--accept-restored" in err
    status, out, _ = call("checkpoint", "--accept-restored", "sample disk failed")
    assert status == 0
    assert "~2\n" in out
    status, out, _ = call("verify")
    assert status == 0
    assert "A loss of events was declared: sample disk failed" in out


def test_a_loss_is_declared_before_the_witness_knows_the_new_name(
    make_house: Any, outside: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = outside.witness
    house = make_house(
        f'[audit_log]\nwitnesses = ["{outside.witness_url}"]\nwitness_keys = ["{witness.verifier.vkey}"]\n'
    )
    witness.add_log(house.log.verifier)
    house.append()
    call = caller(house, capsys)
    assert call("checkpoint")[0] == 0
    copy = house.backup()
    house.append()
    assert call("checkpoint")[0] == 0
    house.restore(copy)
    status, out, err = call("checkpoint", "--accept-restored", "sample disk failed")
    assert status == 1
    assert out.startswith(f"{house.log.origin}\n") and house.log.origin.endswith("~2")
    said = err.splitlines()
    assert said[0] == f"The loss is on record; the log goes on as {house.log.origin}."
    assert len(said) == 2 and "signed and kept" in said[1]
    assert f"does not know a log named {house.log.origin} (HTTP status 404)" in said[1] and "`--add-log`" in said[1]
    witness.add_log(house.log.verifier)
    status, out, err = call("checkpoint", "--json")
    assert (status, err) == (0, "")
    assert [one["by"] for one in json.loads(out)["anchors"]] == [witness.verifier.name]


def test_a_witness_that_is_away_leaves_the_checkpoint_signed(
    make_house: Any, outside: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    house = make_house(
        f'[audit_log]\nwitnesses = ["http://127.0.0.1:9"]\nwitness_keys = ["{outside.witness.verifier.vkey}"]\n'
    )
    house.append()
    status, out, err = caller(house, capsys)("checkpoint", "--json")
    assert (status, json.loads(out)["size"]) == (1, 1)
    assert len(json.loads(out)["problems"]) == 1 and "could not be reached" in err


def test_prove_gives_a_proof_that_verifies_alone(house: House, call: Any, tmp_path: Path) -> None:
    status, out, _ = call("prove", house.documents[0])
    assert status == 0
    proof = Proof.parse(out)
    assert proof.index == 3
    proof.verify(proof.extra or b"", house.log.verifiers())
    file = tmp_path / "first.tlog-proof"
    status, _, _ = call("prove", house.documents[0], "--event", "0", "-o", str(file))
    assert status == 0
    assert Proof.parse(file.read_bytes()).index == 0
    assert call("prove", house.documents[0], "--event", "4")[0] == 2
    assert call("prove", "nothing")[0] == 3


def test_export_writes_one_zip(house: House, call: Any, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    status, out, _ = call("export", house.documents[0], "-o", str(file))
    assert status == 0
    assert "python verify.py" in out
    with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
        assert f"evidence-{house.documents[0]}/verify.py" in archive.namelist()


def test_key_prints_what_a_witness_needs(house: House, call: Any) -> None:
    assert call("key")[1].strip() == house.log.verifier.vkey


def party_of(house: House) -> Any:
    with writing(house.workspace.engine) as connection:
        return directory.add_party(
            connection,
            kind="client",
            name="Sample Client",
            language="en",
            email="client@example.org",
            now=house.clock.now,
        )


def test_forget_erases(house: House, call: Any) -> None:
    party = party_of(house)
    status, out, _ = call(party.id, "--yes", "--json", command=audit.forget)
    assert status == 0
    assert json.loads(out)["values"] == 4
    assert call(party.id, "--yes", command=audit.forget)[0] == 2
    house.log.checkpoint()
    assert call("verify")[0] == 0


def test_nobody_is_asked_to_confirm_an_unknown_party(call: Any) -> None:
    status, _, message = call("nobody", command=audit.forget)
    assert status == 2
    assert "nobody" in message


def test_a_refusal_erases_nobody(house: House, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    party = party_of(house)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    with pytest.raises(click.Abort):
        call(party.id, command=audit.forget)
    with reading(house.workspace.engine) as connection:
        assert directory.party(connection, party.id).name == "Sample Client"
