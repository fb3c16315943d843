from __future__ import annotations

import json
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from signing_core.delivery.channels.folder import FolderChannel
from signing_core.errors import DeliveryFailed, StorageError

ID = "01JMESSAGE0000000000000000"


def test_an_email_is_a_file_under_its_message_id(tmp_path: Path, sample: SimpleNamespace) -> None:
    folder = tmp_path / "deep" / "outbox"
    FolderChannel(folder).send(sample.outgoing(b"Subject: x\r\n\r\nbody\r\n"), now=sample.start)
    assert [file.name for file in folder.iterdir()] == [f"{ID}.eml"]
    assert (folder / f"{ID}.eml").read_bytes() == b"Subject: x\r\n\r\nbody\r\n"


def test_an_sms_is_json_with_its_segments(tmp_path: Path, sample: SimpleNamespace) -> None:
    text = "Ihr Code: 042 917 – Ж"
    message = sample.outgoing(text.encode(), channel="sms", recipient="+491713920012")
    FolderChannel(tmp_path).send(message, now=sample.start)
    assert json.loads((tmp_path / f"{ID}.json").read_text("utf-8")) == {
        "message_id": f"{ID}@sample-company.example", "kind": "code", "to": "+491713920012", "text": text,
        "encoding": "ucs-2", "segments": 1, "created_at": "2026-11-25T13:00:00Z",
    }  # fmt: skip


def test_sending_again_is_still_one_file(tmp_path: Path, sample: SimpleNamespace) -> None:
    for _ in range(3):
        FolderChannel(tmp_path).send(sample.outgoing(b"same"), now=sample.start)
    (tmp_path / f".{ID}.eml.unfinished").write_bytes(b"half of an older t")
    FolderChannel(tmp_path).send(sample.outgoing(b"same"), now=sample.start)
    assert [file.name for file in tmp_path.iterdir()] == [f"{ID}.eml"]


def test_only_its_owner_reads_it(tmp_path: Path, sample: SimpleNamespace) -> None:
    folder = tmp_path / "outbox"
    FolderChannel(folder).send(sample.outgoing(b"x"), now=sample.start)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{ID}.eml").stat().st_mode) == 0o600


def test_a_message_id_leads_out_of_no_folder(tmp_path: Path, sample: SimpleNamespace) -> None:
    FolderChannel(tmp_path / "outbox").send(sample.outgoing(b"x", id="../../evil\x00/x@y"), now=sample.start)
    assert [file.name for file in tmp_path.iterdir()] == ["outbox"]
    assert [file.name for file in (tmp_path / "outbox").iterdir()] == ["______evil__x.eml"]


def test_a_folder_that_cannot_be_written_is_a_passing_failure(tmp_path: Path, sample: SimpleNamespace) -> None:
    (tmp_path / "outbox").write_text("a file in its place")
    with pytest.raises(DeliveryFailed, match="outbox folder") as failed:
        FolderChannel(tmp_path / "outbox").send(sample.outgoing(b"x"), now=sample.start)
    assert not failed.value.permanent and not failed.value.handed_over


def test_a_message_is_removed_by_its_id(tmp_path: Path, sample: SimpleNamespace) -> None:
    channel = FolderChannel(tmp_path / "outbox")
    assert channel.remove("01JMAIL@x") is False, "nothing was ever sent"
    channel.send(sample.outgoing(b"x", id="01JMAIL@x"), now=sample.start)
    channel.send(sample.outgoing(b"x", id="01JOTHER@x"), now=sample.start)
    (channel.folder / ".01JCUT.json.unfinished").write_bytes(b"{")
    assert channel.remove("01JMAIL@x") is True
    assert channel.remove("01JMAIL@x") is False
    assert channel.remove("01JCUT@x") is True, "cut off while it was written"
    assert [file.name for file in channel.folder.iterdir()] == ["01JOTHER.eml"]


def test_a_message_that_cannot_be_removed_is_an_error(tmp_path: Path) -> None:
    channel = FolderChannel(tmp_path)
    (tmp_path / "01JMAIL.eml").mkdir()
    with pytest.raises(StorageError, match=r"01JMAIL\.eml cannot be removed"):
        channel.remove("01JMAIL@x")
