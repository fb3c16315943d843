"""From a consent to a signature: X.509 certificate, signature and time-stamp are made together.

Whatever fails on the way (most often the time-stamp authority), the consent stays recorded and the document stays in
*signing*; background work tries again. Nothing is signed twice: the document is locked while its signature is made, and only
the one that is recorded counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography.hazmat.primitives.hashes import SHA256

from signing_core import marks
from signing_core.audit_log.log import AuditLog
from signing_core.desk import logged_facts, logged_file, records, secrets, steps
from signing_core.desk.people import LABELS
from signing_core.desk.proven_time import Remembering
from signing_core.flow import Role, State
from signing_core.flow.commands import EventType, RecordSignature
from signing_core.keys import register
from signing_core.keys.interface import SigningKey
from signing_core.pdf.succession import Stage
from signing_core.storage.database import reading
from signing_core.storage.identifiers import new_id
from signing_core.storage.workspace import Workspace

_REASONS = {
    "en": {Role.FIRST_PARTY: "Signed for the first party", Role.CLIENT: "Signed by the client"},
    "de": {
        Role.FIRST_PARTY: "Für die erste Partei unterzeichnet",
        Role.CLIENT: "Von der Kundin / dem Kunden unterzeichnet",
    },
}


def sign(workspace: Workspace, state: State, now: datetime) -> State:
    """Make the signature that `state` waits for. The caller holds the document's lock.

    A checkpoint over the consent comes first: no key is used for what could still be rewritten.

    Raises `TimeStampUnavailable`, `KeyUnavailable`, `NotAsLogged` or `LogInconsistent`; then the document is as it was.
    """
    from signing_core.pdf import sign as pdf_sign

    role = state.turn
    if role is None:
        raise ValueError(f"document {state.document_id} waits for no signature")
    AuditLog(workspace).checkpoint(now)
    unsigned = logged_file.read(workspace, state.document_id, state.document_sha256)
    # One CA for certificate and CRL, whatever another process does meanwhile.
    ring = workspace.keys()
    ca, stamps = ring.ca, Remembering(workspace.time_stamps)
    with reading(workspace.engine) as connection:
        row = records.load(connection, state.document_id)
        logged_facts.check(connection, row, State.from_json(row.state), pictures_of=role)
        people = records.parties(connection, state.document_id)
        given = records.marks_of(connection, state.document_id, role)
    person = people[role]
    field = row.fields[role]
    appearance = marks.appearance(
        _mark(given["signature"]),
        width_pt=field["width_pt"],
        height_pt=field["height_pt"],
        name=person.name,
        label=LABELS[row.language][role],
        signed_at=now.astimezone(workspace.zone),
        language=row.language,
        stamp=_mark(given["stamp"]) if "stamp" in given else None,
    )
    one_time = ca.issue_one_time(person.name, person.pseudonym, now=now) if role is Role.CLIENT else None
    key: SigningKey = one_time or ring.first_party
    try:
        signed = pdf_sign.sign(
            unsigned,
            role=role,
            key=key,
            time_stamps=stamps,
            appearance=appearance,
            summary=f"{_REASONS[row.language][role]}: {person.name}",
            signed_at=now,
            reason=_REASONS[row.language][role],
            name=person.name,
            certify=role is Role.FIRST_PARTY,
        )
    finally:
        if one_time is not None:
            one_time.destroy()
    kept = workspace.objects.get(workspace.objects.put(signed.data))
    logged_file.check_next(workspace, state.document_id, kept, Stage(role, signed.sha256, signed.length))

    certificate_id = new_id(now)
    token, next_link = secrets.new_link(workspace, now)
    command = RecordSignature(
        role,
        signed.sha256,
        signed.length,
        link=next_link if role is Role.FIRST_PARTY else None,
        certificate_id=certificate_id if role is Role.CLIENT else None,
    )

    def also(connection: sa.Connection, taken: steps.Taken) -> Mapping[str, Any]:
        records.add_file(connection, state.document_id, role, signed.sha256, signed.length, now)
        if role is Role.FIRST_PARTY:
            return {}
        register.record_issued(connection, ca, key.certificate, purpose="client", document_id=state.document_id)
        # Issued after the client's time-stamp and inside the X.509 certificate's life: it says that the certificate was
        # good when it was used, and with expiredCertsOnCRL goes on saying so.
        register.issue_crl(connection, ca, workspace.clock(), after=stamps.time)
        return {"certificate_id": certificate_id, "prefix_sha256": signed.sha256, "prefix_length": signed.length}

    facts = steps.Remarks(
        {
            "x509_sha256": key.certificate.fingerprint(SHA256()).hex(),
            "time_stamped_at": stamps.time.isoformat(),
            "time_authority": stamps.name,
            "time_authority_embedded": stamps.embedded,
            **({"certificate_id": certificate_id} if role is Role.CLIENT else {}),
        }
    )
    taken = steps.take(
        workspace,
        state.document_id,
        lambda _: steps.Prepared(command, link_token=token),
        actor="system",
        now=now,
        remarks={EventType.SIGNATURE_MADE: facts},
        also=also,
    )
    return taken.state


def _mark(row: sa.Row[Any]) -> marks.Mark:
    return marks.Mark(row.kind, row.media_type, row.data)
