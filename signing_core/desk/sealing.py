"""From both signatures to the completed document.

(0) The log is signed as it is, and the file that it names as the client's is read back (`logged_file`).
(1) The authenticity certificate is set from the audit log and its QR code signed.
(2) The certificate page's field is signed with the seal key, the page being its appearance; the seal locks the document.
(3) A CRL issued after all signatures, the X.509 certificates and a document time-stamp are added (PAdES B-LTA).
(4) The bytes are stored, read back, and judged by our own verifier; both QR readers read the rendered page.
(5) Only then the document is completed, in one transaction with the messages to all parties.

Certificate id, signed hash and log position are recorded before, so an attempt that is repeated states the same facts; what an
interrupted one leaves is an object that nothing refers to, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from signing_core.audit_log.log import AuditLog
from signing_core.certificate import page, payload
from signing_core.certificate.facts import AuthorityFacts, CertificateData
from signing_core.desk import certificate_facts, logged_facts, logged_file, records, steps, validation_data
from signing_core.desk.proven_time import Remembering
from signing_core.errors import LogInconsistent, SealRejected
from signing_core.flow import Role, State
from signing_core.flow.commands import EventType, RecordCompletion
from signing_core.keys import register
from signing_core.keys.interface import StatementKey
from signing_core.pdf import succession
from signing_core.pdf.succession import Stage
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace
from signing_core.trust.workspace import of_workspace


def seal(workspace: Workspace, state: State, clock: Callable[[], datetime]) -> State:
    """Seal, preserve, read back, verify and complete. The caller holds the document's lock.

    Raises `TimeStampUnavailable`, `KeyUnavailable`, `NotAsLogged`, `LogInconsistent` or `SealRejected`; then the document
    still waits in *sealing*.
    """
    from signing_core.pdf import preserve
    from signing_core.pdf import seal as pdf_seal

    # One key each for the whole seal, whatever another process renews meanwhile.
    ring = workspace.keys()
    seal_key, qr_key = ring.seal, ring.qr
    stamps = Remembering(workspace.time_stamps)
    now = clock()
    AuditLog(workspace).checkpoint(now)
    signed = logged_file.read(workspace, state.document_id, state.document_sha256)
    with reading(workspace.engine) as connection:
        row = records.load(connection, state.document_id)
        language = row.language
        for role in Role:
            logged_facts.check(connection, row, State.from_json(row.state), pictures_of=role)
        data = certificate_facts.gather(
            workspace,
            connection,
            state,
            now,
            seal_certificate_sha256=seal_key.certificate.fingerprint(SHA256()).hex(),
            qr_key_id=qr_key.key_id.hex(),
            time_stamps=AuthorityFacts(stamps.name, stamps.embedded),
        )
    url = qr_url(qr_key, data)
    sealed = pdf_seal.seal(
        signed,
        key=seal_key,
        time_stamps=stamps,
        page=page.typeset(data, url, language),
        summary=page.summary(data, language),
        signed_at=now,
    )
    used = validation_data.in_file(sealed.data)
    needed = validation_data.collect(workspace, ring, [*used, *stamps.certificates], now=clock(), after=stamps.time)
    client = _client(used, data)
    with reading(workspace.engine) as connection:
        issuer = register.issuer_of(connection, register.serial_text(client)) or ring.ca.name
        at_signing = register.first_crl_after(connection, issuer, _client_time_stamp(data))
    final = preserve.preserve(
        sealed.data,
        certificates=[one for one in needed.certificates if one != client],  # it stands in its signature
        crls=[*([at_signing.der] if at_signing is not None else []), *needed.crls],
        time_stamps=stamps,
    )
    sha256 = workspace.objects.put(final.data)
    checked = _check(workspace, state, data, url, sha256, max(clock(), needed.since))

    def also(connection: sa.Connection, taken: steps.Taken) -> Mapping[str, Any]:
        records.add_file(connection, state.document_id, "final", sha256, final.length, now)
        return {"final_sha256": sha256, "final_length": final.length, "completed_at": now}

    facts = {**certificate_facts.circumstances(data, url), **checked}
    return steps.take(
        workspace,
        state.document_id,
        lambda _: steps.Prepared(RecordCompletion(sha256, final.length)),
        actor="system",
        now=clock(),
        remarks={EventType.COMPLETED: steps.Remarks(facts)},
        also=also,
    ).state


def _client(certificates: Sequence[x509.Certificate], data: CertificateData) -> x509.Certificate:
    """The one-time X.509 certificate that the client signed with."""
    used = next(party.x509_certificate_sha256 for party in data.parties if party.role == "client")
    for certificate in certificates:
        if certificate.fingerprint(SHA256()).hex() == used:
            return certificate
    raise LogInconsistent(
        f"The file of document {data.document_id} is not signed with the client's X.509 certificate that the audit log names; "
        "run `sealtrail audit verify` before anything else."
    )


def _client_time_stamp(data: CertificateData) -> datetime:
    """The CRL of the client's one-time X.509 certificate is the first one that is not older than this."""
    client = next(party for party in data.parties if party.role == "client")
    if client.time_stamped_at is None:
        raise LogInconsistent(
            f"The audit log has no time-stamp of the client's signature on document {data.document_id}; "
            "run `sealtrail audit verify` before anything else."
        )
    return client.time_stamped_at


def qr_url(key: StatementKey, data: CertificateData) -> str:
    """The text of the QR code, signed with `key`, which `data` names."""
    claims = payload.QrClaims(
        issuer=payload.issuer_of(data.host),
        issued_at=data.issued_at.replace(microsecond=0),
        certificate_id=data.certificate_id,
        document_id=data.document_id,
        prefix_sha256=bytes.fromhex(data.signed_sha256),
        prefix_length=data.signed_length,
        signers=len(data.parties),
        sequence=data.log_sequence or 0,
    )
    return payload.to_url(payload.sign(claims, key), data.host)


def _check(
    workspace: Workspace, state: State, data: CertificateData, url: str, sha256: str, now: datetime
) -> dict[str, Any]:
    """What is recorded of the check. Raises `SealRejected` when anything at all is not in order."""
    from signing_core.certificate import readback
    from signing_core.desk import judging
    from signing_core.pdf import render
    from signing_core.verification import verify

    stored = workspace.objects.get(sha256)
    logged_file.check_next(workspace, state.document_id, stored, Stage(succession.COMPLETED, sha256, len(stored)))
    verdict = verify(stored, at=now, trust=of_workspace(workspace))
    problem = judging.why_not_complete(verdict, data.document_id)
    if problem:
        raise SealRejected(f"Document {state.document_id} was sealed but our own verifier does not pass it: {problem}.")
    read = readback.read_back(render.render(stored, render.page_count(stored), dpi=readback.DPI), url)
    if not read.ok:
        raise SealRejected(f"The QR code of document {state.document_id} does not read back: {read.reason}.")
    return {
        "verified": str(verdict.indication),
        "policy": verdict.policy.sha256,
        "qr_readers": dict(read.readers),
    }
