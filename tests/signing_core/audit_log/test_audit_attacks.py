"""Attacks on the log: for each, what catches it and what cannot.

"Inside" is `sealtrail audit verify` and the signer on the attacked workspace itself. "Outside" are a time-stamp authority
and a witness under other keys, and the proof that somebody kept. Attackers "with the key" can sign checkpoints and
write the signer's memory: no check that uses only what lies inside can catch them, and each test shows that too.
"""

from __future__ import annotations

from typing import Any

import pytest

from signing_core.audit_log import notes, proofs, tree, witness_client
from signing_core.audit_log.proofs import Proof
from signing_core.errors import LogInconsistent, ObjectDamaged, ObjectMissing
from signing_core.storage.database import reading

House = Any


def _caught_outside(house: House, outside: Any, kept: Proof | None = None) -> None:
    """The witness refuses the new history, and a proof that somebody kept does not fit it."""
    house.append()
    issued = house.log.checkpoint()
    with pytest.raises(LogInconsistent, match="witness"):
        witness_client.submit(
            house.workspace.engine, issued, outside.witness_url, house.log.witnesses(), now=house.clock.now
        )
    if kept is not None:
        with reading(house.workspace.engine) as connection:
            old = kept.checkpoint
            if old.size > issued.checkpoint.size:
                return
            path = proofs.consistency(connection, old.size, issued.checkpoint.size)
            with pytest.raises(tree.ProofInvalid):
                tree.verify_consistency(old.size, issued.checkpoint.size, path, old.root, issued.checkpoint.root)


def test_an_untouched_log_is_in_order(anchored_house: House) -> None:
    report = anchored_house.verify()
    assert report.findings == []
    assert (report.events, report.checkpoints, report.anchors, report.files) == (9, 5, 2, 2)
    assert report.unprotected == 0
    anchored_house.append()
    report = anchored_house.verify()
    assert report.unprotected == 1
    assert report.unprotected_since == anchored_house.clock.now


def test_edit_one_event(anchored_house: House) -> None:
    """Caught by: the leaf hash. Also by the document's chain, where a later event of the document is there."""
    body = anchored_house.query("SELECT body FROM audit_events WHERE seq = 1")[0][0]
    anchored_house.sql("UPDATE audit_events SET body = ? WHERE seq = 1", body.replace(b"client", b"nobody"))
    assert anchored_house.codes() == {"event-altered", "chain-broken"}
    assert [f.seq for f in anchored_house.verify().findings if f.code == "event-altered"] == [1]


def test_edit_what_is_listed_of_an_event(anchored_house: House) -> None:
    """Caught by: columns against body. Not by leaf hashes, tree or checkpoints, which are over the bodies alone."""
    anchored_house.sql("UPDATE audit_events SET type = 'document.declined' WHERE seq = 5")
    assert anchored_house.codes() == {"event-columns"}
    anchored_house.sql(
        "UPDATE audit_events SET type = 'document.opened', time = '2020-01-01 00:00:00.000000' WHERE seq = 5"
    )
    assert "event-columns" in anchored_house.codes()


def test_edit_a_node(anchored_house: House) -> None:
    """Caught by: the tree over the leaves."""
    anchored_house.sql("UPDATE audit_nodes SET hash = zeroblob(32) WHERE position = ?", tree.position((2, 0)))
    assert anchored_house.codes() == {"node-wrong"}


def test_edit_and_rehash_everything(anchored_house: House, outside: Any) -> None:
    """Caught by: the checkpoint's root and the signer's memory. Not by leaf hashes, chains or tree."""
    contents = anchored_house.bodies()
    contents[4]["data"]["number"] = 99
    anchored_house.rewrite(contents)
    codes = anchored_house.codes()
    assert {"checkpoint-root", "signer-memory"} <= codes
    assert codes <= {"checkpoint-root", "signer-memory", "anchor-alone", "event-unauthenticated"}
    with pytest.raises(LogInconsistent, match="first 9 events are not those"):
        anchored_house.log.checkpoint()


def test_edit_and_rehash_everything_with_the_logs_key(anchored_house: House, outside: Any) -> None:
    """Caught by: the witness, a kept proof, an outside time-stamp that was kept. Not by anything inside."""
    kept = anchored_house.log.prove(4)
    contents = anchored_house.bodies()
    contents[4]["data"]["number"] = 99
    anchored_house.rewrite(contents)
    anchored_house.sign_anew()
    report = anchored_house.verify()
    assert report.in_order, "inside, this cannot be seen"
    assert report.unprotected == 9, "but it is said that nobody outside protects it"
    _caught_outside(anchored_house, outside, kept)


def test_keep_the_anchors_after_rewriting_with_the_logs_key(anchored_house: House) -> None:
    """Caught by: the anchors, which are over another checkpoint."""
    rows = anchored_house.query("SELECT * FROM anchors")
    contents = anchored_house.bodies()
    contents[4]["data"]["number"] = 99
    anchored_house.rewrite(contents)
    anchored_house.sign_anew()
    for row in rows:
        anchored_house.sql(f"INSERT INTO anchors VALUES ({','.join('?' * len(row))})", *row)
    assert anchored_house.codes() == {"anchor-invalid"}


def test_truncate(anchored_house: House) -> None:
    """Caught by: the head; with the head lowered, by nodes left over, the checkpoint and the signer's memory."""
    anchored_house.sql("DELETE FROM audit_events WHERE seq >= 7")
    assert "events-missing" in anchored_house.codes()
    anchored_house.sql("UPDATE audit_head SET size = 7")
    assert {"nodes-beyond", "checkpoint-beyond", "signer-memory"} <= anchored_house.codes()
    with pytest.raises(LogInconsistent, match="events are missing"):
        anchored_house.log.checkpoint()


def test_truncate_what_was_never_signed(anchored_house: House) -> None:
    """Caught by nothing: what lies after the last checkpoint can be cut off. It is at most a minute's events, shown as
    unprotected while it is there."""
    anchored_house.append()
    assert anchored_house.verify().unprotected == 1
    anchored_house.rewrite(anchored_house.bodies()[:-1])
    assert anchored_house.codes() == set()


def test_truncate_and_sign_again_with_the_logs_key(anchored_house: House, outside: Any) -> None:
    """Caught by: the witness, which cosigned more events. Not by anything inside."""
    kept = anchored_house.log.prove(8)
    anchored_house.rewrite(anchored_house.bodies()[:6])
    anchored_house.sql("UPDATE documents SET final_sha256 = NULL WHERE id = ?", anchored_house.documents[1])
    anchored_house.sign_anew()
    assert anchored_house.codes() == set()
    _caught_outside(anchored_house, outside, kept)


def test_reorder(anchored_house: House) -> None:
    """Caught by: leaf hashes' places in the tree, and the sequence numbers inside the bodies; rehashed, by the
    checkpoint."""
    anchored_house.sql("UPDATE audit_events SET seq = -1 WHERE seq = 3")
    anchored_house.sql("UPDATE audit_events SET seq = 3 WHERE seq = 4")
    anchored_house.sql("UPDATE audit_events SET seq = 4 WHERE seq = -1")
    assert {"event-columns", "node-wrong"} <= anchored_house.codes()
    contents = anchored_house.bodies()
    anchored_house.rewrite(contents)
    assert {"checkpoint-root", "signer-memory"} <= anchored_house.codes()


def test_delete_in_the_middle(anchored_house: House) -> None:
    """Caught by: the gap in the sequence numbers; closed up and rehashed, by the checkpoint."""
    anchored_house.sql("DELETE FROM audit_events WHERE seq = 4")
    assert "events-missing" in anchored_house.codes()
    contents = anchored_house.bodies()
    anchored_house.rewrite(contents)
    codes = anchored_house.codes()
    assert "events-missing" not in codes
    assert {"checkpoint-beyond", "signer-memory"} <= codes


def test_append_back_dated(anchored_house: House) -> None:
    """Caught by: the order of times, and the anchors' times. Not by tree or checkpoints: it was appended honestly."""
    anchored_house.clock.now = anchored_house.clock.now.replace(year=2025)
    anchored_house.append()
    anchored_house.log.checkpoint()
    assert anchored_house.codes() == {"time-goes-back", "back-dated"}


def test_append_back_dated_after_the_clock_was_moved(anchored_house: House) -> None:
    """Caught by: the anchors' times alone, once the events before are moved in time as well (with the log's key)."""
    stamps = anchored_house.query("SELECT * FROM anchors WHERE kind = 'time-stamp'")
    assert len(stamps) == 1
    # An hour later by the authority's clock, an event claims to be from ten minutes after the others.
    anchored_house.clock.forward(hours=1)
    anchored_house.append()
    anchored_house.log.checkpoint_and_anchor()
    honest = anchored_house.clock.now
    anchored_house.clock.now = honest.replace(hour=8, minute=10)
    anchored_house.append()
    anchored_house.log.checkpoint()
    assert "back-dated" in anchored_house.codes()


def test_insert_back_dated(anchored_house: House, outside: Any) -> None:
    """Caught by: the checkpoint; with the log's key only from outside."""
    kept = anchored_house.log.prove(2)
    contents = anchored_house.bodies()
    contents.insert(5, {**contents[4], "data": {"number": 7}})
    anchored_house.rewrite(contents)
    assert {"checkpoint-root", "signer-memory"} <= anchored_house.codes()
    anchored_house.sign_anew()
    assert anchored_house.codes() == set()
    _caught_outside(anchored_house, outside, kept)


def test_split_view(anchored_house: House, outside: Any) -> None:
    """Two checkpoints of one size, one for the auditor and one for the court (with the log's key).

    Caught by: the witness, who cosigns one of them; and by anybody who holds both, since one key signed both. Not by
    either reader alone."""
    honest = anchored_house.log.checkpoint()
    contents = anchored_house.bodies()
    contents[0]["data"]["pages"] = 2
    anchored_house.rewrite(contents)
    other = anchored_house.sign_anew()
    assert other.checkpoint.size == honest.checkpoint.size
    assert other.checkpoint.root != honest.checkpoint.root
    for view in (honest, other):
        assert notes.verified(view.note, anchored_house.log.verifiers()), "each is signed by the log"
    with pytest.raises(LogInconsistent):
        witness_client.submit(
            anchored_house.workspace.engine, other, outside.witness_url, anchored_house.log.witnesses(),
            now=anchored_house.clock.now,
        )  # fmt: skip


def test_restore_an_old_backup(anchored_house: House) -> None:
    """Caught by: the signer's memory, which no database backup brings back. Not by replay: the backup is whole."""
    copy = anchored_house.backup()
    anchored_house.append()
    anchored_house.log.checkpoint()
    anchored_house.restore(copy)
    assert anchored_house.codes() == {"signer-memory"}
    with pytest.raises(LogInconsistent, match="--accept-restored"):
        anchored_house.log.checkpoint()


def test_restore_an_old_backup_and_go_on(anchored_house: House, outside: Any) -> None:
    """Caught by: the signer's memory, also when the log has grown past its size again; with the key, by the witness."""
    copy = anchored_house.backup()
    for _ in range(3):
        anchored_house.append(kind="lost")
    kept = anchored_house.log.checkpoint_and_anchor()
    assert kept.problems == ()
    anchored_house.restore(copy)
    for _ in range(6):
        anchored_house.append(kind="other")
    with pytest.raises(LogInconsistent, match="not those of the checkpoint"):
        anchored_house.log.checkpoint()
    assert "signer-memory" in anchored_house.codes()
    anchored_house.sign_anew()
    _caught_outside(anchored_house, outside)


def test_restore_the_whole_workspace(anchored_house: House, outside: Any) -> None:
    """Database and signer's memory from the same backup. Caught by: the witness, and by kept proofs. Not inside."""
    copy, memory = anchored_house.backup(), anchored_house.log.memory.read_bytes()
    anchored_house.append()
    kept = anchored_house.log.checkpoint_and_anchor()
    assert kept.problems == ()
    anchored_house.restore(copy)
    anchored_house.log.memory.write_bytes(memory)
    assert anchored_house.codes() == set()
    anchored_house.append(kind="other")
    problems = anchored_house.log.checkpoint_and_anchor().problems
    assert any(isinstance(problem, LogInconsistent) for problem in problems)


def test_swap_the_stored_pdf(anchored_house: House) -> None:
    """Caught by: the object's name, which is its hash; swapped in the registry instead, by the completion event."""
    sha256 = anchored_house.query("SELECT final_sha256 FROM documents WHERE id = ?", anchored_house.documents[0])[0][0]
    file = anchored_house.workspace.objects.path(sha256)
    file.chmod(0o600)
    original = file.read_bytes()
    file.write_bytes(b"%PDF-1.7 another")
    assert anchored_house.codes() == {"file-altered"}
    with pytest.raises(ObjectDamaged):
        anchored_house.workspace.objects.get(sha256)
    file.write_bytes(original)
    other = anchored_house.workspace.objects.put(b"%PDF-1.7 another")
    anchored_house.sql("UPDATE documents SET final_sha256 = ? WHERE final_sha256 = ?", other, sha256)
    assert anchored_house.codes() == {"registry-contradicts"}


def test_lose_the_stored_pdf(anchored_house: House) -> None:
    """Caught by: reading every completed document. Not by the log: it still says which file is missing."""
    sha256 = anchored_house.query("SELECT final_sha256 FROM documents WHERE id = ?", anchored_house.documents[0])[0][0]
    anchored_house.workspace.objects.delete(sha256)
    assert anchored_house.codes() == {"file-missing"}
    with pytest.raises(ObjectMissing):
        anchored_house.workspace.objects.get(sha256)
    assert anchored_house.log.prove_document(anchored_house.documents[0])


def test_claim_a_completion_that_was_never_logged(anchored_house: House) -> None:
    """Caught by: the registry against the log."""
    anchored_house.sql(
        "INSERT INTO documents (id, title, status, version, state, fields, told, embedded, language, author, created_at, updated_at, pages, "
        "final_sha256) SELECT 'X', title, status, version, state, fields, told, embedded, language, author, created_at, updated_at, pages, "
        "final_sha256 FROM documents LIMIT 1"
    )
    assert anchored_house.codes() == {"registry-unlogged"}


def test_alter_a_personal_value(anchored_house: House) -> None:
    """Caught by: the commitment inside the event."""
    anchored_house.sql("UPDATE personal_data SET value = '\"Another Client\"' WHERE value = '\"Sample Client\"'")
    assert anchored_house.codes() == {"personal-altered"}


def test_pass_our_own_time_stamp_off_as_an_outside_one(house: House) -> None:
    """Caught by: the chain of its X.509 certificate, which ends at the company's own CA."""
    house.log.checkpoint_and_anchor()
    assert house.codes() == set()
    assert house.verify().unprotected == 9
    house.sql("UPDATE anchors SET kind = 'time-stamp'")
    assert house.codes() == {"anchor-not-outside"}
    assert house.verify().unprotected == 9


def test_forge_a_checkpoint_with_another_key(anchored_house: House) -> None:
    """Caught by: the signature."""
    checkpoint = anchored_house.log.checkpoint().checkpoint
    line = notes.sign(checkpoint.text, checkpoint.origin, anchored_house.workspace.keys().qr)
    anchored_house.sql("UPDATE checkpoints SET note = ?", str(notes.Note(checkpoint.text, (line,))))
    assert "checkpoint-signature" in anchored_house.codes()


_GARBAGE = [
    None,
    0,
    -1,
    2**62,
    1.5,
    "",
    "garbage",
    b"",
    b"\xff\xfe",
    "\x00",
    "2026-99-99 00:00:00.000000",
    b"{}",
    b"[1]",
    b"null",
    "ü",
]
_COLUMNS = [
    ("audit_events", "body"), ("audit_events", "leaf_hash"), ("audit_events", "time"), ("audit_events", "type"),
    ("audit_events", "document_id"), ("audit_nodes", "hash"), ("audit_head", "size"), ("checkpoints", "note"),
    ("checkpoints", "root"), ("checkpoints", "origin"), ("checkpoints", "size"), ("anchors", "evidence"),
    ("anchors", "kind"), ("anchors", "size"), ("anchors", "origin"), ("personal_data", "value"),
    ("personal_data", "salt"), ("documents", "final_sha256"),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column"), _COLUMNS)
def test_whatever_stands_in_the_database_gets_a_verdict(anchored_house: House, table: str, column: str) -> None:
    """Garbage of every kind in every column: findings, and never an exception."""
    import sqlite3

    anchored_house.append()
    original, before = anchored_house.backup(), anchored_house.query(f"SELECT * FROM {table}")
    for value in _GARBAGE:
        for where in ("rowid = (SELECT max(rowid) FROM {})", "rowid = (SELECT min(rowid) FROM {})"):
            try:
                anchored_house.sql(f"UPDATE {table} SET {column} = ? WHERE {where.format(table)}", value)
            except sqlite3.IntegrityError:
                continue
            report = anchored_house.verify()
            same = anchored_house.query(f"SELECT * FROM {table}") == before
            assert report.findings or same or table in ("documents", "personal_data", "anchors")
            anchored_house.restore(original)
