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

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from signing_core.audit_log.log import AuditLog
from signing_core.certificate import page, payload
from signing_core.certificate.facts import AuthorityFacts, CertificateData
from signing_core.desk import certificate_facts, logged_file, records, steps
from signing_core.desk.proven_time import Remembering
from signing_core.errors import KeyUnavailable, LogInconsistent, SealRejected
from signing_core.flow import State
from signing_core.flow.commands import EventType, RecordCompletion
from signing_core.keys import chains, distribution, register
from signing_core.keys.ring import KeyRing
from signing_core.pdf import succession
from signing_core.pdf.succession import Stage
from signing_core.storage.database import reading, writing
from signing_core.storage.workspace import Workspace


def seal(workspace: Workspace, state: State, clock: Callable[[], datetime]) -> State:
    """Seal, preserve, read back, verify and complete. The caller holds the document's lock.

    Raises `TimeStampUnavailable`, `KeyUnavailable`, `FileNotAsLogged`, `LogInconsistent` or `SealRejected`; then the document
    still waits in *sealing*.
    """
    from signing_core.pdf import preserve
    from signing_core.pdf import seal as pdf_seal

    ring = workspace.keys()
    stamps = Remembering(workspace.time_stamps)
    now = clock()
    AuditLog(workspace).checkpoint(now)
    signed = logged_file.read(workspace, state.document_id, state.document_sha256)
    with reading(workspace.engine) as connection:
        language = records.load(connection, state.document_id).language
        data = certificate_facts.gather(
            workspace,
            connection,
            state,
            now,
            seal_certificate_sha256=ring.seal.certificate.fingerprint(SHA256()).hex(),
            time_stamps=AuthorityFacts(stamps.name, stamps.embedded),
        )
    url = qr_url(workspace, data)
    sealed = pdf_seal.seal(
        signed,
        key=ring.seal,
        time_stamps=stamps,
        page=page.typeset(data, url, language),
        summary=page.summary(data, language),
        signed_at=now,
    )
    with writing(workspace.engine) as connection:
        at_signing = register.first_crl_after(connection, ring.ca.name, _client_time_stamp(data))
        now_good = register.issue_crl(connection, ring.ca, clock(), after=stamps.time)
    members = _members(workspace, ring, stamps, data)
    others = [c for c in members if c != ring.ca.certificate and not chains.issued_by(c, ring.ca.certificate)]
    final = preserve.preserve(
        sealed.data,
        certificates=members,
        crls=[
            *(crl.der for crl in (at_signing, now_good) if crl is not None),
            *distribution.fetch_crls(others, members, now=clock(), hosts=workspace.settings.network.crl_hosts),
        ],
        time_stamps=stamps,
    )
    sha256 = workspace.objects.put(final.data)
    # A CRL knows whole seconds and is younger than the time-stamp before it: it may begin within the next second.
    checked = _check(workspace, state, data, url, sha256, max(clock(), now_good.this_update))

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


def _members(workspace: Workspace, ring: KeyRing, stamps: Remembering, data: CertificateData) -> list[x509.Certificate]:
    """The X.509 certificates of all chains but the client's own: what is needed to judge the signatures later.

    A token holds its authority's X.509 certificate, seldom the chain and never the root. Our own CRL says nothing about
    bought keys and about the time-stamp authorities of others.
    """
    pool = [
        *stamps.certificates,
        *(ring.time_stamp_authority.chain if stamps.embedded else ()),
        *ring.trust_anchors,
        *workspace.time_stamp_anchors,
    ]
    issuers = [issuer for certificate in stamps.certificates for issuer in chains.issuers(certificate, pool)]
    first_party = _first_party(ring, data)
    signers = [first_party, *chains.issuers(first_party, pool), ring.seal.certificate, *ring.seal.chain]
    return list(dict.fromkeys([ring.ca.certificate, *signers, *stamps.certificates, *issuers]))


def _first_party(ring: KeyRing, data: CertificateData) -> x509.Certificate:
    """The X.509 certificate that the first party signed with; its key may have been replaced or have expired since."""
    used = next(party.x509_certificate_sha256 for party in data.parties if party.role == "first-party")
    for certificate in ring.certificates("first-party"):
        if certificate.fingerprint(SHA256()).hex() == used:
            return certificate
    raise KeyUnavailable(
        f"The X.509 certificate with which the first party signed document {data.document_id} is not in the key ring's "
        "public folder; restore it from a backup."
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


def qr_url(workspace: Workspace, data: CertificateData) -> str:
    """The text of the QR code."""
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
    return payload.to_url(payload.sign(claims, workspace.keys().qr), data.host)


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
    verdict = verify(stored, at=now, trust=judging.trust_of(workspace))
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
