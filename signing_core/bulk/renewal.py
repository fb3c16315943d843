"""Renewal of archive time-stamps, before their X.509 certificate or algorithm ends (ETSI EN 319 142-1, 5.5).

The completed file stays what registry, audit log and mail name. The renewed one begins with it byte for byte, adds validation data
and the next document time-stamp, is judged by our own verifier before it counts, and is recorded as the file of a step of its own
(`renewed-1`, ...) and in an event `document.renewed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from asn1crypto import cms as asn1_cms
from cryptography import x509

from signing_core.audit_log import events
from signing_core.controls.history import renewed_files
from signing_core.desk import judging, records
from signing_core.errors import SealRejected, SealtrailError
from signing_core.flow import Status
from signing_core.keys import chains, distribution, register
from signing_core.policy import Policy
from signing_core.storage.database import reading, writing
from signing_core.storage.locks import document_lock
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.verdict import Indication, Integrity

RENEWED: Final = "document.renewed"
BEFORE: Final = timedelta(days=90)
"""Time for somebody to notice that the authority does not answer."""


@dataclass
class Renewals:
    renewed: dict[str, str] = field(default_factory=dict)
    """Document id and SHA-256 of the renewed file."""
    not_due: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Document id, and why; tried again the next time."""


def renew_due(workspace: Workspace, *, before: timedelta = BEFORE, policy: Policy | None = None) -> Renewals:
    """Renew every completed document whose archive time-stamp ends within `before`."""
    done = Renewals()
    for document_id in list(_completed(workspace)):
        try:
            with document_lock(workspace, document_id):
                sha256 = renew(workspace, document_id, before=before, policy=policy)
        except SealtrailError as error:
            done.failed[document_id] = str(error)
            continue
        if sha256 is None:
            done.not_due += 1
        else:
            done.renewed[document_id] = sha256
    return done


def renew(
    workspace: Workspace, document_id: str, *, before: timedelta = BEFORE, policy: Policy | None = None
) -> str | None:
    """The SHA-256 of the renewed file, or None when it is not due. The caller holds the document's lock.

    Raises `TimeStampUnavailable`, `KeyUnavailable`, `ObjectMissing`, `ObjectDamaged`, and `SealRejected` when our own
    verifier does not pass the result.
    """
    from signing_core.pdf import preserve

    now, rules = workspace.clock(), policy or Policy()
    count, sha256 = _newest(workspace, document_id)
    data = workspace.objects.get(sha256)
    token = _last_time_stamp(data)
    if token is not None and ends(token, rules) > now + before:
        return None
    stamps = workspace.time_stamps
    ring = workspace.keys()
    known = _certificates(token) if token is not None else []
    pool = [*known, *ring.time_stamp_authority.chain, *ring.trust_anchors, *workspace.time_stamp_anchors]
    members = [*known, *(issuer for one in known for issuer in chains.issuers(one, pool)), ring.ca.certificate]
    members = list(dict.fromkeys(members))
    with writing(workspace.engine) as connection:
        crl = register.issue_crl(connection, ring.ca, now)
    others = [one for one in members if one != ring.ca.certificate and not chains.issued_by(one, ring.ca.certificate)]
    fetched = distribution.fetch_crls(others, members, now=now)
    renewed = preserve.preserve(data, certificates=members, crls=[crl.der, *fetched], time_stamps=stamps)
    stored = workspace.objects.put(renewed.data)
    _check(workspace, document_id, stored, max(workspace.clock(), crl.this_update))
    with writing(workspace.engine) as connection:
        records.add_file(connection, document_id, f"renewed-{count + 1}", stored, renewed.length, now)
        events.append(
            connection,
            type=RENEWED,
            time=now,
            document_id=document_id,
            actor="system",
            data={"sha256": stored, "length": renewed.length, "before": sha256, "authority": stamps.name},
        )
    return stored


def ends(token: bytes, policy: Policy) -> datetime:
    """When an RFC 3161 token stops to be proof: its signer's X.509 certificate runs out, or its digest counts no more."""
    signed = asn1_cms.ContentInfo.load(token)["content"]
    signer = signed["signer_infos"][0]
    digests = {signer["digest_algorithm"]["algorithm"].native}
    digests.add(signed["encap_content_info"]["content"].parsed["message_imprint"]["hash_algorithm"]["algorithm"].native)
    serial = signer["sid"].chosen["serial_number"].native if signer["sid"].name == "issuer_and_serial_number" else None
    mine = [one for one in _certificates(token) if serial is None or one.serial_number == serial]
    life = [one.not_valid_after_utc for one in mine]
    return min([*life, *(policy.judge_digest(one).until for one in digests)], default=datetime.max.replace(tzinfo=UTC))


def _check(workspace: Workspace, document_id: str, sha256: str, now: datetime) -> None:
    from signing_core.verification import verify

    verdict = verify(workspace.objects.get(sha256), at=now, trust=judging.trust_of(workspace))
    if verdict.integrity is not Integrity.INTACT or verdict.indication is not Indication.TOTAL_PASSED:
        raise SealRejected(
            f"The renewed file of document {document_id} does not pass our own verifier: {verdict.integrity}, "
            f"{verdict.indication} {verdict.sub_indication or ''}; the file before stays in use."
        )


def _completed(workspace: Workspace) -> Iterator[str]:
    query = sa.select(documents.c.id).where(documents.c.status == str(Status.COMPLETED)).order_by(documents.c.id)
    with reading(workspace.engine) as connection:
        yield from connection.execute(query).scalars().all()


def _newest(workspace: Workspace, document_id: str) -> tuple[int, str]:
    """How often it was renewed, and the SHA-256 of the last renewed file, else of the completed one."""
    with reading(workspace.engine) as connection:
        renewed = renewed_files(connection, [document_id]).get(document_id, ())
        query = sa.select(documents.c.final_sha256).where(documents.c.id == document_id)
        return len(renewed), renewed[-1] if renewed else str(connection.scalar(query))


def _last_time_stamp(data: bytes) -> bytes | None:
    from signing_core.pdf import revisions

    found = [one for one in revisions.parse(data).signatures if one.sub_filter == "ETSI.RFC3161"]
    return max(found, key=lambda one: one.revision).contents if found else None


def _certificates(token: bytes) -> list[x509.Certificate]:
    signed = asn1_cms.ContentInfo.load(token)["content"]
    return [
        x509.load_der_x509_certificate(one.chosen.dump()) for one in signed["certificates"] if one.name == "certificate"
    ]
