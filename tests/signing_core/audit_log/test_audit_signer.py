"""Checkpoints: what is signed, what is refused, and what a kill leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from signing_core.audit_log import notes, signer, tree
from signing_core.audit_log.checkpoint import Checkpoint
from signing_core.errors import LogInconsistent, UsageError

House = Any


def test_a_checkpoint_is_the_logs_state_signed(house: House) -> None:
    issued = house.log.checkpoint()
    assert issued.new
    assert issued.checkpoint.size == 9
    assert issued.checkpoint.origin == house.workspace.log_origin
    assert notes.verified(issued.note, house.log.verifiers())
    again = house.log.checkpoint(house.clock.forward(hours=1))
    assert not again.new
    assert again.note == issued.note
    house.append()
    assert house.log.checkpoint().checkpoint.size == 10
    assert house.verify().in_order


def test_an_empty_log_has_a_checkpoint(make_house: Callable[..., House]) -> None:
    house = make_house()
    assert house.log.checkpoint().checkpoint.root == tree.EMPTY_ROOT
    house.append()
    assert house.log.checkpoint().checkpoint.size == 1
    assert house.verify().in_order


def test_a_new_key_goes_on_where_the_old_one_stopped(house: House) -> None:
    old = house.log.checkpoint()
    house.workspace.keys().renew("checkpoint")
    house.append()
    new = house.log.checkpoint()
    assert old.note.signatures[0].key_id != new.note.signatures[0].key_id
    assert house.verify().in_order


@pytest.mark.parametrize("moment", ["before the memory", "before the database"])
def test_killed_between_signing_and_storing_the_same_checkpoint_is_made_again(house: House, moment: str) -> None:
    house.log.checkpoint()
    event = house.append()
    target = "remember" if moment == "before the memory" else "_store"
    code = f"""
import os, signal, sys
from signing_core.audit_log import signer
from signing_core.audit_log.log import AuditLog
from signing_core.storage.workspace import Workspace
signer.{target} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
AuditLog(Workspace.open(sys.argv[1])).checkpoint()
"""
    ended = subprocess.run([sys.executable, "-c", code, str(house.workspace.path)], env=dict(os.environ)).returncode
    assert ended == -signal.SIGKILL
    issued = house.log.checkpoint()
    assert issued.checkpoint.size == event.seq + 1
    assert house.verify().in_order
    assert house.query("SELECT count(*) FROM checkpoints") == [(6,)]


def test_a_lost_or_damaged_memory_is_refused(house: House) -> None:
    house.log.checkpoint()
    memory = house.log.memory.read_bytes()
    house.log.memory.write_bytes(b"{")
    with pytest.raises(LogInconsistent, match="damaged"):
        house.log.checkpoint()
    assert house.codes() == {"signer-memory"}
    house.log.memory.unlink()
    with pytest.raises(LogInconsistent, match="--accept-restored"):
        house.log.checkpoint()
    assert house.codes() == {"signer-memory"}
    house.log.memory.write_bytes(memory)
    assert not house.log.checkpoint().new


def test_a_declared_loss_gives_the_log_another_name(house: House) -> None:
    house.log.checkpoint()
    copy = house.backup()
    house.append()
    lost = house.log.checkpoint()
    house.restore(copy)
    with pytest.raises(UsageError, match="Say why"):
        house.log.accept_restored("  ")
    issued = house.log.accept_restored("the disk failed")
    assert issued.checkpoint.origin == lost.checkpoint.origin + "~2"
    assert house.log.origin == issued.checkpoint.origin
    report = house.verify()
    assert report.in_order
    assert [finding.code for finding in report.findings] == ["loss-declared"]
    with pytest.raises(UsageError, match="nothing to accept"):
        house.log.accept_restored("again")
    # A second loss, declared when the lost checkpoint itself is still in the database.
    house.append()
    house.log.checkpoint()
    ahead = Checkpoint(house.log.origin, 99, bytes(32)).text
    line = notes.sign(ahead, house.log.origin, house.workspace.keys().checkpoint)
    signer.remember(house.log.memory, notes.Note(ahead, (line,)))
    assert house.log.accept_restored("worse").checkpoint.origin == lost.checkpoint.origin + "~3"
    house.append()
    house.log.checkpoint()
    assert house.verify().in_order


def test_upkeep_signs_within_a_minute_and_anchors_within_the_hour(house: House) -> None:
    assert house.log.keep_up(house.clock.forward(minutes=1)).checkpoint is not None
    house.append()
    assert house.log.keep_up(house.clock.forward(seconds=5)).checkpoint is None
    kept = house.log.keep_up(house.clock.forward(seconds=40))
    assert kept.checkpoint is not None
    assert kept.checkpoint.new
    assert kept.anchors == ()
    assert house.log.keep_up(house.clock.forward(seconds=60)).checkpoint is None
    kept = house.log.keep_up(house.clock.forward(minutes=60))
    assert [anchor.kind for anchor in kept.anchors] == ["embedded"]
    assert house.log.keep_up(house.clock.forward(minutes=90)).anchors == (), "nothing new to anchor"


def test_an_event_of_the_future_does_not_put_checkpoint_and_anchor_off(house: House) -> None:
    """Somebody with the database writes a late time into the first event that is not signed yet, to change the rest at leisure."""
    house.log.keep_up(house.clock.forward(minutes=90))
    house.clock.forward(days=3650)
    house.append()
    house.clock.forward(days=-3650)
    kept = house.log.keep_up(house.clock())
    assert kept.checkpoint is not None
    assert kept.anchors


def test_protection_counts_only_outside_anchors(house: House) -> None:
    house.log.checkpoint_and_anchor()
    protection = house.log.protection()
    assert (protection.size, protection.signed, protection.anchored, protection.unprotected) == (9, 9, 0, 9)
    assert protection.unprotected_since is not None
