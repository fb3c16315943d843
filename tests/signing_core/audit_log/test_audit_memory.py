"""A log without the memory that it must have, and what others have kept of it (row by row of docs/audit-log.md).

The attacker has database, object store and disk, and no key: all events are rewritten and hashed again, and everything that was
signed of them is deleted or put back.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from signing_core.audit_log import evidence, outside_proofs, verification
from signing_core.audit_log.log import AuditLog
from signing_core.cli import main
from signing_core.errors import LogInconsistent, UsageError
from signing_core.storage.database import writing
from signing_core.storage.workspace import Workspace

House = Any


def rewrite(house: House) -> None:
    contents = house.bodies()
    contents[0]["data"]["pages"] = 99
    house.rewrite(contents)


def forget(house: House) -> None:
    """Everything that was signed of the log."""
    for table in ("checkpoints", "anchors"):
        house.sql(f"DELETE FROM {table}")
    house.sql("DELETE FROM document_files WHERE step = 'proof'")
    house.log.memory.unlink(missing_ok=True)


def keep_proof(house: House, document: str) -> str:
    """As the desk does when a document is completed."""
    from signing_core.desk import proof_files

    return proof_files.proof_of(house.workspace, document)


def test_a_rewritten_log_without_any_memory_is_an_error_and_is_not_signed(house: House) -> None:
    house.log.checkpoint_and_anchor()
    rewrite(house)
    forget(house)
    assert {"signer-memory", "checkpoint-missing"} <= house.codes()
    with pytest.raises(LogInconsistent, match=r"memory is gone although event 2 .signature.made. is never without one"):
        house.log.checkpoint()
    assert house.query("SELECT count(*) FROM checkpoints") == [(0,)]


def test_a_new_workspace_has_no_memory_and_needs_none(make_house: Callable[..., House]) -> None:
    house = make_house()
    house.append("document.sent")
    assert house.codes() == set()
    house.log.checkpoint()
    assert house.codes() == set()


def test_a_memory_that_no_key_of_the_log_signed_is_none(house: House) -> None:
    note = house.log.checkpoint().note
    text = str(note).replace(f"\n{house.verify().events}\n", "\n1\n")
    house.log.memory.write_text(text)
    assert "signer-memory" in house.codes()
    with pytest.raises(LogInconsistent, match=r"memory .* is damaged: the signature .* does not verify"):
        house.log.checkpoint()


def test_an_older_memory_put_back_does_not_reach_what_was_completed_since(make_house: Callable[..., House]) -> None:
    house = make_house()
    house.append("document.sent")
    house.log.checkpoint()
    old = house.log.memory.read_bytes()
    house.complete()
    house.log.checkpoint()
    contents = house.bodies()
    contents[2]["data"]["forged"] = True
    house.rewrite(contents)
    forget(house)
    house.log.memory.write_bytes(old)
    with pytest.raises(LogInconsistent, match=r"Event 2 .* was not written with the keys"):
        house.log.checkpoint()
    house.rewrite(contents, authentic=True)  # the memory says so by itself
    assert {"checkpoint-missing", "completion-uncovered"} <= house.codes() | {"completion-uncovered"}
    with pytest.raises(LogInconsistent, match="does not reach what it rests on"):
        house.log.checkpoint()


def test_a_completed_document_that_no_checkpoint_covers(house: House) -> None:
    """Honest for a minute after a crash; an error from then on, and `audit checkpoint` puts it right."""
    assert house.codes() == set()
    house.clock.forward(minutes=2)
    assert house.codes() == {"completion-uncovered"}
    house.log.checkpoint()
    assert house.codes() == set()


def test_a_checkpoint_never_shrinks_below_a_proof_that_was_handed_out(house: House) -> None:
    """The signer's memory and the database come from the same backup; the proof in the object store does not."""
    house.log.checkpoint()
    copy, memory = house.backup(), house.log.memory.read_bytes()
    later = house.complete()
    keep_proof(house, later)
    rows = house.query("SELECT document_id, sha256, length, created_at FROM document_files WHERE step = 'proof'")
    house.restore(copy)
    house.log.memory.write_bytes(memory)
    assert house.codes() == set()
    house.sql(
        "INSERT INTO document_files (document_id, step, sha256, length, created_at) VALUES (?, 'proof', ?, ?, ?)",
        *rows[0],
    )
    assert house.codes() == {"proof-beyond"}
    with pytest.raises(LogInconsistent, match="was signed and is kept: events are missing"):
        house.log.checkpoint()
    for number in range(9):
        house.append(kind=f"other {number}")
    assert house.codes() == {"proof-contradicts"}
    with pytest.raises(LogInconsistent, match="not those of a checkpoint that was signed and is kept"):
        house.log.checkpoint()


def test_kept_proofs_are_checked_without_being_asked(house: House) -> None:
    keep_proof(house, house.documents[0])
    report = house.verify()
    assert (report.in_order, report.proofs) == (True, 1)
    sha256 = house.query("SELECT sha256 FROM document_files WHERE step = 'proof'")[0][0]
    house.workspace.objects.delete(sha256)
    assert house.codes() == {"proof-unreadable"}


def _outside(house: House, folder: Path) -> dict[str, Path]:
    """What a party of a finished document may have kept."""
    document = house.documents[0]
    proof = keep_proof(house, document)
    folder.mkdir()
    files = {"proof": folder / f"{document}.tlog-proof", "pack": folder / "evidence.zip", "pdf": folder / "a.pdf"}
    files["proof"].write_text(proof)
    files["pack"].write_bytes(evidence.export(house.workspace, document))
    sha256 = house.query("SELECT final_sha256 FROM documents WHERE id = ?", document)[0][0]
    files["pdf"].write_bytes(house.workspace.objects.get(sha256))
    import email.message

    message = email.message.EmailMessage()
    message.set_content("The document is attached.")
    message.add_attachment(files["pdf"].read_bytes(), maintype="application", subtype="pdf", filename="a.pdf")
    message.add_attachment(proof.encode(), maintype="application", subtype="octet-stream", filename=files["proof"].name)
    files["mail"] = folder / "completed.eml"
    files["mail"].write_bytes(message.as_bytes())
    files["folder"] = folder
    return files


def outside_codes(house: House, *paths: Path) -> set[str]:
    report = verification.verify(house.workspace, jobs=1, outside=outside_proofs.load(paths))
    return {finding.code for finding in report.findings if finding.severity == "error"}


def sign_with_the_key(house: House) -> None:
    """The operator with the keys: what lies inside is rewritten and signed so that it is whole."""
    forget(house)
    house.sign_anew()


def test_what_was_kept_outside_fits_an_honest_log(house: House, tmp_path: Path) -> None:
    kept = _outside(house, tmp_path / "kept")
    house.append("document.sent")
    for path in kept.values():
        assert outside_codes(house, path) == set(), path


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("proof", "proof-contradicts"),
        ("pack", "proof-contradicts"),
        ("mail", "proof-contradicts"),
        ("folder", "proof-contradicts"),
    ],
)
def test_the_operator_with_the_keys_is_caught_by_what_was_kept_outside(
    house: House, tmp_path: Path, what: str, code: str
) -> None:
    kept = _outside(house, tmp_path / "kept")
    rewrite(house)
    sign_with_the_key(house)
    assert house.codes() == set(), "inside, this cannot be seen"
    assert code in outside_codes(house, kept[what])


def test_a_finished_pdf_of_which_the_rewritten_log_names_another(house: House, tmp_path: Path) -> None:
    kept = _outside(house, tmp_path / "kept")
    contents = house.bodies()
    other = house.workspace.objects.put(b"%PDF-1.7 forged")
    for content in contents:
        if content["type"] == "document.completed" and content["document"] == house.documents[0]:
            content["data"]["sha256"] = other
    house.rewrite(contents)
    house.sql("UPDATE documents SET final_sha256 = ? WHERE id = ?", other, house.documents[0])
    sign_with_the_key(house)
    assert house.codes() == set()
    assert outside_codes(house, kept["pdf"]) == {"proof-file-unknown"}


def test_a_proof_of_another_log_and_one_that_does_not_hold(
    house: House, make_house: Callable[..., House], tmp_path: Path
) -> None:
    other = make_house(name="other")
    other.complete()
    proof = keep_proof(other, other.documents[0])
    file = tmp_path / "a.tlog-proof"
    file.write_text(proof.replace(other.log.origin, other.log.origin + "x"))
    assert outside_codes(house, file) == {"proof-signature"}
    mine = keep_proof(house, house.documents[0]).splitlines()
    index = next(number for number, line in enumerate(mine) if line.startswith("index "))
    mine[index] = "index 1"
    file.write_text("\n".join(mine) + "\n")
    assert outside_codes(house, file) == {"proof-invalid"}
    file.write_text("nothing of the kind")
    assert outside_codes(house, file) == {"proof-unreadable"}
    with pytest.raises(UsageError, match="holds no proof of an audit log"):
        (tmp_path / "empty").mkdir()
        outside_proofs.load([tmp_path / "empty"])


def test_the_command_takes_what_was_kept(house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = _outside(house, tmp_path / "kept")
    house.log.checkpoint()
    folder = str(house.workspace.path)

    def run(*arguments: str) -> tuple[int, str]:
        try:
            main(["audit", *arguments, "--workspace", folder])
        except SystemExit as ended:
            return int(ended.code or 0), capsys.readouterr().out
        return 0, capsys.readouterr().out

    status, out = run("verify", "--json", "--proof", str(kept["proof"]), "--proof", str(kept["pack"]))
    assert status == 0, out
    assert json.loads(out)["proofs"] >= 6
    rewrite(house)
    forget(house)
    assert run("verify")[0] == 1
    assert run("checkpoint", "--no-anchor")[0] == 3
    # The documented way on, for who knows that it was an honest loss. What others hold still says what is missing.
    assert run("checkpoint", "--no-anchor", "--accept-restored", "disk failed")[0] == 0
    status, out = run("verify", "--json")
    assert status == 0
    assert {one["code"] for one in json.loads(out)["findings"]} == {"loss-declared", "event-unauthenticated"}
    status, out = run("verify", "--json", "--proof", str(kept["proof"]))
    assert status == 1 and "proof-contradicts" in out


def test_nothing_is_signed_over_a_log_that_was_rewritten(workspace: Workspace, tmp_path: Path) -> None:
    """A consent is given, the database is rewritten, and the machine is asked to sign."""
    from signing_core.desk import Desk
    from signing_core.flow import Role, Status
    from signing_core.storage import schema
    from signing_core.testing import Play, contract

    play = Play(Desk(workspace))
    first = play.create(contract())
    play.to_completion(first)
    document = play.create(contract(text="Another"))
    steps = play.steps(document)
    while next(steps).status is not Status.AWAITING_FIRST_PARTY:
        pass
    play.consent(document, Role.FIRST_PARTY)
    with writing(workspace.engine) as connection:
        row = connection.execute(
            sa.select(schema.audit_events).where(schema.audit_events.c.type == "document.created").limit(1)
        ).one()
        body = row.body.replace(b'"pages":3', b'"pages":4')
        assert body != row.body
        from signing_core.audit_log.tree import leaf_hash

        connection.execute(
            sa.update(schema.audit_events)
            .where(schema.audit_events.c.seq == row.seq)
            .values(body=body, leaf_hash=leaf_hash(body))
        )
    shutil.rmtree(workspace.path / "nothing", ignore_errors=True)
    with pytest.raises(LogInconsistent, match=f"Event {row.seq} .document.created. is not the one that was signed"):
        with_events = play.desk.events(first)
        AuditLog(workspace).vouch(with_events)
    AuditLog(workspace).memory.unlink()
    assert play.desk.work_on(document).status is Status.SIGNING
    last = play.desk.events(document)[-1]
    assert (last.type, last.data["because"]) == ("signing.delayed", "LogInconsistent")
    assert workspace.clock() - last.time < timedelta(minutes=1)
