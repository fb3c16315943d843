"""A witness: cosigns a log's checkpoints as long as each continues the one before (c2sp.org/tlog-witness).

It is meant to run elsewhere, under other credentials than the log: own key, own store, no access to the database. Its
answers to `POST /add-checkpoint`:

====  =============================================================================================
200   the cosignature line; the new checkpoint was stored durably before
400   the request cannot be read, or the old size is larger than the checkpoint
403   no signature by a key that is known for this log
404   a log that it does not know
409   the old size is not the one it cosigned last (the body says which, `text/x.tlog.size`), or the same
      size with another root
422   the consistency proof does not verify
====  =============================================================================================
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from signing_core.audit_log import notes, tree
from signing_core.audit_log.checkpoint import Checkpoint, decimal, hash_of
from signing_core.audit_log.notes import COSIGNATURE, NoteInvalid, Verifier
from signing_core.errors import KeyUnavailable, UsageError
from signing_core.keys.software import key_id
from signing_core.storage.durable import make_folder, write_file
from signing_core.storage.locks import file_lock

MAX_BODY = 64 * 1024
MAX_PROOF_LINES = 63
SIZE_TYPE = "text/x.tlog.size"
PASSPHRASE_VARIABLE = "SEALTRAIL_WITNESS_PASSPHRASE"  # noqa: S105

_KEY, _DESCRIPTION = "witness-key.pem", "witness.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


class _Key:
    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @property
    def public_key(self) -> Ed25519PublicKey:
        return self._private.public_key()

    @property
    def key_id(self) -> bytes:
        return key_id(self.public_key)

    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)


class Witness:
    """A witness with its folder: key, name, known logs, and for each log what it cosigned last."""

    def __init__(
        self, folder: Path, name: str, key: _Key, logs: Sequence[Verifier], clock: Callable[[], datetime]
    ) -> None:
        self.folder = folder
        self.name = name
        self.logs = tuple(logs)
        self._key = key
        self._clock = clock
        self._lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, name: str, *, clock: Callable[[], datetime]) -> Witness:
        """A new witness named `name` (a URL without scheme), knowing no log yet.

        The key is encrypted when SEALTRAIL_WITNESS_PASSPHRASE is set. Raises `UsageError` when there is one already or the
        name cannot be one.
        """
        if (folder / _KEY).exists():
            raise UsageError(f"There is a witness in {folder} already.")
        private = Ed25519PrivateKey.generate()
        try:
            Verifier(name, private.public_key(), COSIGNATURE)
        except NoteInvalid as error:
            raise UsageError(f"The witness cannot be named {name}: {error}.") from None
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        secret = os.environ.get(PASSPHRASE_VARIABLE)
        protection = BestAvailableEncryption(secret.encode()) if secret else NoEncryption()
        write_file(folder / _DESCRIPTION, json.dumps({"name": name, "logs": []}, indent=1).encode())
        write_file(folder / _KEY, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection))
        return cls(folder, name, _Key(private), (), clock)

    @classmethod
    def open(cls, folder: Path, *, clock: Callable[[], datetime]) -> Witness:
        """Raises `UsageError` when there is none, `KeyUnavailable` when its key cannot be read."""
        try:
            description = json.loads((folder / _DESCRIPTION).read_text())
            logs = [Verifier.from_vkey(text) for text in description["logs"]]
            name = str(description["name"])
        except FileNotFoundError:
            raise UsageError(f"There is no witness in {folder}; make one with --init NAME.") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{folder / _DESCRIPTION} is damaged ({error}); correct it or restore a backup.") from None
        secret = os.environ.get(PASSPHRASE_VARIABLE)
        try:
            private = load_pem_private_key((folder / _KEY).read_bytes(), secret.encode() if secret else None)
        except (OSError, ValueError, TypeError):
            raise KeyUnavailable(
                f"The witness's key {folder / _KEY} cannot be read; check the file and {PASSPHRASE_VARIABLE}."
            ) from None
        if not isinstance(private, Ed25519PrivateKey):
            raise KeyUnavailable(f"{folder / _KEY} is not an Ed25519 key.")
        return cls(folder, name, _Key(private), logs, clock)

    @property
    def verifier(self) -> Verifier:
        """What a log's operator configures as this witness's key."""
        return Verifier(self.name, self._key.public_key, COSIGNATURE)

    def add_log(self, verifier: Verifier) -> None:
        """Know a log from now on, or a further key of it. The name of the key is the log's origin."""
        if verifier in self.logs:
            return
        self.logs = (*self.logs, verifier)
        values = {"name": self.name, "logs": [log.vkey for log in self.logs]}
        write_file(self.folder / _DESCRIPTION, json.dumps(values, indent=1).encode())

    def latest(self, origin: str) -> Checkpoint | None:
        """What was cosigned last for that log."""
        try:
            return Checkpoint.of(notes.parse(self._file(origin).read_bytes()))
        except FileNotFoundError:
            return None

    def add_checkpoint(self, body: bytes) -> Answer:
        """The answer to one request; steps in the order of the specification."""
        # (1) the request's form
        try:
            old, proof, note = _parse_request(body)
            checkpoint = Checkpoint.of(note)
        except NoteInvalid as error:
            return Answer(400, f"{error}\n")
        # (2) the log, and a signature of it
        keys = [log for log in self.logs if log.name == checkpoint.origin]
        if not keys:
            return Answer(404, "this witness does not know that log\n")
        try:
            notes.verified(note, keys)
        except NoteInvalid as error:
            return Answer(403, f"{error}\n")
        # (3) the sizes
        if old > checkpoint.size:
            return Answer(400, "the old size is larger than the checkpoint\n")
        # From comparing with what was cosigned last to storing the new one, nobody else may come in between.
        with self._lock, file_lock(self.folder / ".lock", wait=30) as alone:
            if not alone:
                return Answer(503, "busy\n")
            last = self.latest(checkpoint.origin)
            known = last.size if last else 0
            if old != known:
                return Answer(409, f"{known}\n", SIZE_TYPE)
            # (4) continuity
            refused = _continues(last, checkpoint, old, proof)
            if refused:
                return refused
            # (5) store, then answer
            line = notes.cosign(note.text, self.name, self._key, now=self._clock())
            write_file(self._file(checkpoint.origin), str(note.plus([line])).encode())
        return Answer(200, str(line))

    def _file(self, origin: str) -> Path:
        folder = self.folder / "logs"
        make_folder(folder)
        return folder / (hashlib.sha256(origin.encode()).hexdigest() + ".checkpoint")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(witness: Witness, host: str, port: int) -> ThreadingHTTPServer:
    """An HTTP server for the witness, bound and not yet running; `serve_forever` runs it, port 0 chooses one."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30
        disable_nagle_algorithm = True
        server_version = "sealtrail-witness"
        sys_version = ""

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != "/add-checkpoint":
                self._answer(Answer(404, "POST add-checkpoint is what this server answers\n"), close=True)
            elif not length.isdigit() or int(length) > MAX_BODY:
                self._answer(Answer(400, "the request has no length or is too long\n"), close=True)
            else:
                self._answer(witness.add_checkpoint(self.rfile.read(int(length))))

        def do_GET(self) -> None:
            """The verifier key, for whoever sets the witness up."""
            self._answer(Answer(200, witness.verifier.vkey + "\n") if self.path == "/" else Answer(404, "\n"))

        def _answer(self, answer: Answer, *, close: bool = False) -> None:
            data = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(data)))
            if close:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: who asked when stands in the checkpoints kept."""

    return _Server((host, port), Handler)


def _parse_request(body: bytes) -> tuple[int, list[bytes], notes.Note]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise NoteInvalid("the request is not UTF-8") from None
    head, separator, rest = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or not lines[0].startswith("old "):
        raise NoteInvalid("a request is an old size, a proof, an empty line and a checkpoint")
    if len(lines) - 1 > MAX_PROOF_LINES:
        raise NoteInvalid("the proof is too long")
    old = decimal(lines[0].removeprefix("old "))
    return old, [hash_of(line) for line in lines[1:]], notes.parse(rest)


def _continues(last: Checkpoint | None, new: Checkpoint, old: int, proof: list[bytes]) -> Answer | None:
    """Why the new checkpoint is not cosigned, or None."""
    if last is None or old == 0:
        if last is not None and new.size == 0 and new.root != last.root:
            return Answer(409, "0\n", SIZE_TYPE)
        return Answer(422, "the proof from size 0 is empty\n") if proof else None
    if old == new.size and last.root != new.root:
        return Answer(409, f"{last.size}\n", SIZE_TYPE)
    try:
        tree.verify_consistency(old, new.size, proof, last.root, new.root)
    except tree.ProofInvalid as error:
        return Answer(422, f"{error}\n")
    return None
