"""The log's side of a witness: asks for the cosignature of a checkpoint (c2sp.org/tlog-witness) and keeps it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from signing_core.audit_log import anchors, notes, proofs
from signing_core.audit_log.anchors import Anchor
from signing_core.audit_log.notes import Note, NoteInvalid, Verifier
from signing_core.audit_log.signer import RESOLVE, Issued
from signing_core.errors import LogInconsistent, WitnessUnavailable
from signing_core.network import RequestFailed, ask
from signing_core.storage.database import reading

TIMEOUT_SECONDS = 15.0
_MAX_ANSWER = 64 * 1024


def submit(
    engine: sa.Engine, issued: Issued, url: str, verifiers: Sequence[Verifier], *, now: datetime
) -> list[Anchor]:
    """Have the checkpoint cosigned by the witness at `url`; returns the new anchors.

    Raises `WitnessUnavailable`, and `LogInconsistent` when the witness knows of another history of this log.
    """
    checkpoint = issued.checkpoint
    with reading(engine) as connection:
        have = [a for a in anchors.of_checkpoint(connection, checkpoint) if a.kind == "witness"]
        # Which of the known witnesses answers at this address is not known before it does.
        last = anchors.latest(connection, checkpoint.origin, ("witness",)) if len(verifiers) == 1 else None
    if len(have) >= len(verifiers) > 0:
        return []
    old = last.size if last else 0
    for _ in range(3):
        status, kind, text = _ask(engine, issued, old, url)
        if status == 200:
            return _keep(engine, issued, text, verifiers, {a.by for a in have}, url, now=now)
        if status != 409 or kind != "text/x.tlog.size":
            break
        known = int(text) if text.strip().isdigit() and len(text) < 20 else -1
        if known > checkpoint.size or known == old:
            raise LogInconsistent(
                f"The witness {url} cosigned a checkpoint of {known} events that this log of {checkpoint.size} events "
                f"does not continue. {RESOLVE}"
            )
        if known < 0:
            break
        old = known
    if status == 422:
        raise LogInconsistent(
            f"The witness {url} holds a checkpoint of {old} events that this log does not continue. {RESOLVE}"
        )
    if status in (403, 404):
        what = f"a log named {checkpoint.origin}" if status == 404 else "the key that signs this log"
        raise WitnessUnavailable(
            f"The witness {url} does not know {what} (HTTP status {status}): give it what `sealtrail audit key` prints, "
            "with `--add-log` there, and then run `sealtrail audit checkpoint` again."
        )
    raise WitnessUnavailable(f"The witness {url} answered with HTTP status {status}; try again later.")


def request(old: int, proof: Sequence[bytes], note: Note) -> bytes:
    """The body of an add-checkpoint request."""
    lines = [f"old {old}", *(base64.b64encode(value).decode() for value in proof)]
    return ("\n".join(lines) + "\n\n" + str(note)).encode()


def _ask(engine: sa.Engine, issued: Issued, old: int, url: str) -> tuple[int, str, str]:
    size = issued.checkpoint.size
    with reading(engine) as connection:
        proof = proofs.consistency(connection, old, size) if 0 < old <= size else ()
    try:
        answer = ask(
            url.rstrip("/") + "/add-checkpoint",
            by_operator=True,
            seconds=TIMEOUT_SECONDS,
            largest=_MAX_ANSWER,
            body=request(old, proof, issued.note),
            headers={"Content-Type": "text/plain; charset=utf-8"},
        )
    except RequestFailed as error:
        raise WitnessUnavailable(f"The witness {url} could not be reached ({error.reason}).") from error
    return answer.status, answer.content_type, answer.body.decode("utf-8", "replace")


def _keep(
    engine: sa.Engine,
    issued: Issued,
    text: str,
    verifiers: Sequence[Verifier],
    have: set[str],
    url: str,
    *,
    now: datetime,
) -> list[Anchor]:
    try:
        lines = [notes.parse_line(line) for line in text.removesuffix("\n").split("\n")]
        found = notes.verified(Note(issued.note.text, tuple(lines)), verifiers)
    except NoteInvalid as error:
        raise WitnessUnavailable(
            f"The witness {url} gave no cosignature by a key of the setting audit_log.witness_keys: {error}."
        ) from None
    return [
        anchors.add(engine, issued.checkpoint, "witness", verifier.name, str(line).encode(), now=now)
        for verifier, line in found
        if verifier.name not in have
    ]
