"""The evidence pack: one zip with everything that proves a document, checkable without us and without our code."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from importlib import resources
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signing_core.audit_log import anchors, events, signer
from signing_core.audit_log.anchors import Anchor
from signing_core.audit_log.log import AuditLog
from signing_core.audit_log.signer import Issued
from signing_core.errors import ObjectDamaged, ObjectMissing, UsageError
from signing_core.storage import schema
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace

_ALTERED = """
ATTENTION: this is not the file that was completed
--------------------------------------------------
The archive holds document.pdf with another SHA-256 than was recorded:
{stored}
It was changed after it was completed. What is said of document.pdf below does not hold,
and verify.py says so. Where it is there, as-the-client-signed-it.pdf is the file as the
client signed it: compare the two.
"""


def export(workspace: Workspace, document_id: str) -> bytes:
    """The zip file. What is not under a checkpoint yet is signed and anchored first.

    A stored file that is no longer the one that was completed is evidence too: it goes in as it is, its README says so before
    all else, and the file as the client signed it goes in beside it.

    Raises `DocumentUnknown`, `UsageError` for a document that is not completed, `ObjectMissing`.
    """
    log = AuditLog(workspace)
    telling = log.event_of(document_id)
    sha256 = telling.data.get("sha256")
    if telling.type != "document.completed" or not sha256:
        raise UsageError(f"Document {document_id} is not completed; evidence is of completed documents.")
    pdf, altered = _stored(workspace, str(sha256))
    with reading(workspace.engine) as connection:
        found = events.of_document(connection, document_id)
    if not log.covers(found[-1].seq):
        log.checkpoint_and_anchor()
    issued, held = _best_checkpoint(log, workspace.engine, found[-1].seq)
    files: dict[str, bytes] = {"document.pdf": pdf}
    if altered:
        files |= _as_signed(workspace, document_id)
    for event in found:
        files[f"events/{event.seq:09}.json"] = event.body
        files[f"proofs/{event.seq:09}.tlog-proof"] = str(log.prove(event.seq, issued)).encode()
    files["checkpoint/checkpoint.txt"] = str(issued.note).encode()
    cosignatures = [anchors.cosignature(anchor) for anchor in held if anchor.kind == "witness"]
    if cosignatures:
        files["checkpoint/cosigned.txt"] = str(issued.note.plus(cosignatures)).encode()
    stamps = [anchor for anchor in held if anchor.kind != "witness"]
    for number, anchor in enumerate(stamps, start=1):
        files[f"checkpoint/time-stamp-{number}.der"] = anchor.evidence
    files |= _keys(log, workspace)
    with reading(workspace.engine) as connection:
        files |= _revocation_lists(connection)
        files["personal.json"] = _json(_personal(connection, document_id))
    facts: dict[str, Any] = {
        "format": "sealtrail evidence 1",
        "document_id": document_id,
        "title": _title(workspace, document_id),
        "file": {
            "name": "document.pdf",
            "sha256": str(sha256),
            "named_by_event": telling.seq,
            **({"stored_sha256": hashlib.sha256(pdf).hexdigest()} if altered else {}),
        },
        "events": [{"seq": event.seq, "type": event.type} for event in found],
        "log": {"origin": issued.checkpoint.origin, "size": issued.checkpoint.size},
        "time_stamps": [
            {"file": f"checkpoint/time-stamp-{number}.der", "by": anchor.by, "embedded": anchor.kind == "embedded"}
            for number, anchor in enumerate(stamps, start=1)
        ],
        "witnesses": [anchor.by for anchor in held if anchor.kind == "witness"],
    }
    files["README.txt"] = _readme(facts)
    files["verify.py"] = (resources.files("signing_core.audit_log") / "evidence_verifier.py").read_bytes()
    facts["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    files["manifest.json"] = _json(facts)
    files["SHA256SUMS"] = "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items())
    ).encode()
    return _zip(files, f"evidence-{document_id}")


def _stored(workspace: Workspace, sha256: str) -> tuple[bytes, bool]:
    """The stored bytes, and whether they are other ones than were completed."""
    try:
        return workspace.objects.get(sha256), False
    except ObjectDamaged as damaged:
        try:
            return workspace.objects.path(sha256).read_bytes(), True
        except (OSError, ObjectMissing):
            raise damaged from None  # it cannot be read, and says why


def _as_signed(workspace: Workspace, document_id: str) -> dict[str, bytes]:
    """The file as the client signed it, where that is still what it was."""
    with reading(workspace.engine) as connection:
        query = sa.select(schema.documents.c.prefix_sha256).where(schema.documents.c.id == document_id)
        sha256 = connection.execute(query).scalar()
    if sha256 is None:
        return {}
    try:
        return {"as-the-client-signed-it.pdf": workspace.objects.get(str(sha256))}
    except (ObjectDamaged, ObjectMissing):
        return {}


def _best_checkpoint(log: AuditLog, engine: sa.Engine, seq: int) -> tuple[Issued, list[Anchor]]:
    """The first checkpoint over `seq` that somebody outside anchored; else one anchored by us; else the newest."""
    origin = log.origin
    with reading(engine) as connection:
        over = [a for a in anchors.every(connection) if a.origin == origin and a.size > seq]
        for candidates in ([a for a in over if a.outside], over):
            if candidates:
                issued = signer.at(connection, origin, candidates[0].size)
                if issued is not None:
                    return issued, anchors.of_checkpoint(connection, issued.checkpoint)
        newest = signer.latest(connection, origin)
    if newest is None or newest.checkpoint.size <= seq:
        raise UsageError(f"Event {seq} is under no checkpoint yet; run `sealtrail audit checkpoint` first.")
    return newest, []


def _keys(log: AuditLog, workspace: Workspace) -> dict[str, bytes]:
    files = {"keys/log.vkey": "".join(f"{verifier.vkey}\n" for verifier in log.verifiers()).encode()}
    witnesses = log.witnesses()
    if witnesses:
        files["keys/witnesses.vkey"] = "".join(f"{verifier.vkey}\n" for verifier in witnesses).encode()
    for number, verifier in enumerate({v.vkey.rpartition("+")[2]: v for v in log.verifiers()}.values(), start=1):
        files[f"keys/log-{number}.pem"] = verifier.public_key.public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )
    # All that was ever the house's own, as it lies in its public folder: `--trust certificates` reads it.
    return files | {
        f"certificates/{file.name}": file.read_bytes() for file in workspace.keys().public_folder.glob("*.pem")
    }


def _revocation_lists(connection: sa.Connection) -> dict[str, bytes]:
    table = schema.revocation_lists
    rows = connection.execute(sa.select(table.c.issuer, table.c.der).order_by(table.c.number))
    return {
        f"certificates/revocation-list-{number}.crl": der
        for number, der in enumerate({row.issuer: row.der for row in rows}.values(), start=1)
    }


def _personal(connection: sa.Connection, document_id: str) -> dict[str, Any]:
    """What opens the commitments in the events; erased values are listed as such."""
    table = schema.personal_data
    rows = connection.execute(sa.select(table).where(table.c.document_id == document_id).order_by(table.c.commitment))
    return {
        row.commitment: {"salt": row.salt.hex(), "value": row.value, "role": row.role}
        if row.salt is not None
        else {"erased_at": row.erased_at.isoformat()}
        for row in rows
    }


def _title(workspace: Workspace, document_id: str) -> str:
    with reading(workspace.engine) as connection:
        query = sa.select(schema.documents.c.title).where(schema.documents.c.id == document_id)
        return str(connection.execute(query).scalar() or "")


def _readme(facts: Mapping[str, Any]) -> bytes:
    template = (resources.files("signing_core.audit_log") / "evidence_readme.txt").read_text()
    stamps = [f"  {one['file']}  by {one['by']}" for one in facts["time_stamps"]]
    embedded = any(one["embedded"] for one in facts["time_stamps"])
    note = (
        "  (A time-stamp by the signing company's own authority shows no more than its own clock.)\n"
        if embedded
        else ""
    )
    altered = facts["file"].get("stored_sha256")
    warning = _ALTERED.replace("{stored}", altered) if altered else ""
    return (
        template.replace("{warning}", warning)
        .replace("{document}", str(facts["document_id"]))
        .replace("{title}", str(facts["title"]))
        .replace("{sha256}", facts["file"]["sha256"])
        .replace("{event}", str(facts["file"]["named_by_event"]))
        .replace("{origin}", facts["log"]["origin"])
        .replace("{size}", str(facts["log"]["size"]))
        .replace("{time_stamps}", "\n".join(stamps or ["  none"]) + "\n" + note)
        .replace("{witnesses}", "\n".join(f"  {name}" for name in facts["witnesses"]) or "  none")
        .encode()
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _zip(files: Mapping[str, bytes], folder: str) -> bytes:
    """Everything in one folder, names sorted and times fixed, so that the same evidence is the same file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(f"{folder}/{name}", (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
