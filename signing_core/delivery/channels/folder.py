"""The outbox folder: every message becomes one file. The default, so that everything works with nothing configured.

A file's name comes from the message's id, so a message that is written again after a crash is still one file. Files
hold links and codes: folder and files are for their owner only.
"""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from signing_core.delivery.channels.interface import OutgoingMessage, Receipt
from signing_core.delivery.messages.gsm7 import segments
from signing_core.errors import DeliveryFailed, StorageError


class FolderChannel:
    """Writes `.eml` files for e-mail and `.json` files for SMS into `folder`."""

    name = "folder"
    idempotent = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: OutgoingMessage, *, now: datetime) -> Receipt:
        if message.channel == "email":
            file, data = self.folder / f"{_stem(message.id)}.eml", message.data
        else:
            file, data = self.folder / f"{_stem(message.id)}.json", _sms(message)
        try:
            self._write(file, data)
        except OSError as error:
            raise DeliveryFailed(
                f"The outbox folder {self.folder} could not take a message: {error.strerror}; "
                "make room or set its permissions right."
            ) from None
        return Receipt(reference=file.name)

    def remove(self, message_id: str) -> bool:
        """Remove the message with this Message-ID; whether it was here. Raises `StorageError`."""
        found = False
        for kind in ("eml", "json"):
            file = self.folder / f"{_stem(message_id)}.{kind}"
            for one in (file, _unfinished(file)):
                try:
                    one.unlink()
                except FileNotFoundError:
                    continue
                except OSError as error:
                    raise StorageError(f"The message {one} cannot be removed: {error.strerror}.") from None
                found = True
        return found

    def _write(self, file: Path, data: bytes) -> None:
        """All of the file or nothing, on stable storage before it returns."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The same name at every try: what a kill leaves half written, the next try overwrites. The outbox lets nobody
        # else send this message meanwhile.
        unfinished = _unfinished(file)
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stem(message_id: str) -> str:
    """The part of the Message-ID before the @, which is unique by itself."""
    return re.sub(r"[^0-9A-Za-z-]", "_", message_id.partition("@")[0])


def _unfinished(file: Path) -> Path:
    return file.with_name(f".{file.name}.unfinished")


def _sms(message: OutgoingMessage) -> bytes:
    cost = segments(message.text)
    return json.dumps(
        {
            "message_id": message.id,
            "kind": message.kind,
            "to": message.recipient,
            "text": message.text,
            "encoding": cost.encoding,
            "segments": cost.count,
            "created_at": message.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        },
        ensure_ascii=False,
        indent=2,
    ).encode()
