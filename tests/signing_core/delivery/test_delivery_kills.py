"""SIGKILL at every point of a delivery, then a restart: nothing lost, and with the folder nothing twice."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from email import message_from_bytes
from email.policy import SMTP
from pathlib import Path
from typing import Any

import pytest

WORKER = Path(__file__).with_name("delivery_worker.py")


def rounds(tmp_path: Path, server: str = "") -> list[dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, str(WORKER), str(tmp_path / "rounds"), server], capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [round["finished"] for round in found] == [False] * (len(found) - 1) + [True]
    return found


def messages(round: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {message["kind"]: message for message in round["messages"]}


def check_records(round: dict[str, Any]) -> None:
    """Delivered once by our own account, and the account and what was told about it agree."""
    for message in round["messages"]:
        assert message["state"] == "delivered"
        assert message["erased"]
        told = Counter(state for outbox_id, state in round["outcomes"] if outbox_id == message["id"])
        assert told["delivered"] == 1
        assert set(told) <= {"delivered", "uncertain"}


@pytest.mark.slow
def test_with_the_outbox_folder_every_message_is_there_exactly_once(tmp_path: Path) -> None:
    found = rounds(tmp_path)
    assert len(found) > 25
    for round in found:
        check_records(round)
        kinds = messages(round)
        folder = Path(round["folder"])
        assert sorted(file.name for file in (folder / "outbox").iterdir()) == sorted(
            (f"{kinds['code']['id']}.json", f"{kinds['completed']['id']}.eml")
        )
        assert "042 917" in json.loads((folder / "outbox" / f"{kinds['code']['id']}.json").read_text())["text"]
        mail = (folder / "outbox" / f"{kinds['completed']['id']}.eml").read_bytes()
        assert hashlib.sha256(mail).hexdigest() == kinds["completed"]["sent_sha256"]
        (attachment,) = message_from_bytes(mail, policy=SMTP).iter_attachments()  # type: ignore[attr-defined]
        assert hashlib.sha256(attachment.get_content()).hexdigest() == kinds["completed"]["sent_attachment_sha256"]
        kept = kinds["completed"]["sent_sha256"]
        assert (folder / "objects" / kept[:2] / kept[2:]).read_bytes() == mail
        assert not any(state == "uncertain" for _, state in round["outcomes"])


@pytest.mark.slow
def test_with_smtp_every_message_is_there_at_least_once_under_one_id(tmp_path: Path, mail_server: Any) -> None:
    server = mail_server()
    found = rounds(tmp_path, f"{server.host}:{server.port}")
    assert len(found) > 20
    arrived: dict[str, list[bytes]] = {}
    for data in server.received:
        arrived.setdefault(str(message_from_bytes(data, policy=SMTP)["Message-ID"]).strip("<>"), []).append(data)
    assert set(arrived) == {messages(round)["completed"]["message_id"] for round in found}
    repeated = 0
    for round in found:
        check_records(round)
        completed = messages(round)["completed"]
        copies = arrived[completed["message_id"]]
        assert len(set(copies)) == 1  # the same bytes every time
        assert len(copies) <= 2
        assert hashlib.sha256(copies[0]).hexdigest() == completed["sent_sha256"]
        uncertain = [state for outbox_id, state in round["outcomes"] if state == "uncertain"]
        if len(copies) > 1:
            repeated += 1
            assert uncertain  # what may have come twice is on record
    assert len(arrived[messages(found[-1])["completed"]["message_id"]]) == 1  # not killed, not repeated
    assert repeated  # some kill came between the server's taking it and our writing that down
