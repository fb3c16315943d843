"""What somebody outside has kept of the log: proofs beside finished PDFs, in mails and in evidence packs, and the PDFs themselves.

Whoever rewrites the log with everything that we keep of it cannot rewrite these. What such a file says is held against the log by
`verification`; here it is only read.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signing_core.audit_log import notes
from signing_core.audit_log.notes import NoteInvalid
from signing_core.audit_log.proofs import HEADER, Proof
from signing_core.errors import UsageError

_MAX_FILE: Final = 512 * 1024 * 1024
_MAX_INSIDE: Final = 2_000
"""Files of one zip that are looked at."""


@dataclass(frozen=True, slots=True)
class Outside:
    """One thing that was kept outside: a proof, or a PDF of which an event of the log names the hash."""

    name: str
    """The file, and the part of it."""
    proof: Proof | None = None
    pdf_sha256: str | None = None
    problem: str = ""
    """Why a proof cannot be read, as the end of a sentence about it."""


def load(paths: Iterable[Path]) -> list[Outside]:
    """From files and folders: `.tlog-proof` files, PDFs, mails (`.eml`) and zips with any of these, such as evidence packs.

    In a folder, other files are passed over. Raises `UsageError` for a file that was named and holds none of these.
    """
    found: list[Outside] = []
    for path in paths:
        try:
            inside = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
            before = len(found)
            for one in inside:
                if one.stat().st_size <= _MAX_FILE:
                    found += _of(str(one), one.read_bytes())
        except OSError as error:
            raise UsageError(f"The proof {path} cannot be read: {error.strerror}; check its path.") from error
        if len(found) == before:
            raise UsageError(
                f"{path} holds no proof of an audit log; give .tlog-proof files, finished PDFs, the mails that brought them "
                "(.eml), evidence packs, or folders of these."
            )
    return found


def _of(name: str, data: bytes, *, nested: bool = False) -> Iterator[Outside]:
    if data.startswith(HEADER.encode()) or name.endswith(".tlog-proof"):
        yield _proof(name, data)
    elif data[:1024].lstrip().startswith(b"%PDF-"):
        yield Outside(name, pdf_sha256=hashlib.sha256(data).hexdigest())
    elif nested:
        return
    elif zipfile.is_zipfile(io.BytesIO(data)):
        yield from _zipped(name, data)
    elif name.lower().endswith(".eml"):
        message = email.message_from_bytes(data, policy=email.policy.default)
        for part in message.iter_attachments():
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield from _of(f"{name}: {part.get_filename() or 'attachment'}", content, nested=True)


def _proof(name: str, data: bytes) -> Outside:
    try:
        return Outside(name, Proof.parse(data))
    except NoteInvalid as error:
        return Outside(name, problem=f"cannot be read: {error}")


def _zipped(name: str, data: bytes) -> Iterator[Outside]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist()[:_MAX_INSIDE]:
                longest = _MAX_FILE if entry.filename.lower().endswith(".pdf") else notes.MAX_LENGTH
                if not entry.is_dir() and entry.file_size <= longest:
                    yield from _of(f"{name}: {entry.filename}", archive.read(entry), nested=True)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        yield Outside(name, problem=f"cannot be read: {error}")
