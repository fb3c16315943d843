"""Renewal of archive time-stamps, before their X.509 certificate or algorithm ends (ETSI EN 319 142-1, 5.5).

The completed file stays what registry, audit log and mail name. The renewed one begins with it byte for byte, adds validation data
and the next document time-stamp, is judged by our own verifier before it counts, and is recorded as the file of a step of its own
(`renewed-1`, ...) and in an event `document.renewed`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from signing_core.audit_log import events
from signing_core.bulk import results, time_stamps
from signing_core.bulk.one_by_one import reason_of
from signing_core.bulk.results import Results
from signing_core.bulk.time_stamps import TimeStamp
from signing_core.controls.history import renewed_files
from signing_core.desk import judging, logged_file, records
from signing_core.errors import ObjectDamaged, ObjectMissing, SealRejected
from signing_core.flow import Status
from signing_core.keys import chains, distribution, register
from signing_core.pdf import succession
from signing_core.pdf.succession import Stage
from signing_core.policy import Policy
from signing_core.storage.database import reading, writing
from signing_core.storage.locks import document_lock
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.verdict import Indication, Integrity

RENEWED: Final = "document.renewed"
BEFORE: Final = timedelta(days=90)
"""Time for somebody to notice that the authority does not answer."""
_TOGETHER: Final = 400
"""Documents listed at once."""


@dataclass
class Renewals:
    renewed: dict[str, str] = field(default_factory=dict)
    """Document id and SHA-256 of the renewed file."""
    not_due: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Document id, and why; tried again the next time."""


def renew_due(
    workspace: Workspace, store: Results, *, before: timedelta = BEFORE, policy: Policy | None = None
) -> Renewals:
    """Renew every completed document whose archive time-stamp ends within `before`, and write `time_stamps.parquet`.

    Files that were read in an earlier night are not read again. None is renewed for nothing: when the authority's own end is no
    later than the time-stamp's, every night would add another file. Raises `ConcurrentChange` when another run does not come to
    its end.
    """
    done, rules = Renewals(), policy or Policy()
    prospect = time_stamps.Prospect(workspace, rules)
    file = store.folder / "time_stamps.parquet"
    with results.only_writer(file, "the renewal of time-stamps"):
        known = time_stamps.Known(file)
        due = workspace.clock() + before
        context = {"at": workspace.clock().isoformat(), "policy": rules.reference().to_json()}
        with results.appending(file, time_stamps.SCHEMA, context) as writer:
            rows = results.Rows(writer, time_stamps.SCHEMA)
            for document_id, before_it in _completed(workspace):
                sha256, problem = before_it, None
                stamp = known.of(document_id, sha256)
                try:
                    stamp = stamp or _read(workspace, sha256)
                    if stamp is None or stamp.proof_until(rules) <= due:
                        prospect.check(stamp)
                        sha256 = _renew(workspace, document_id, before, rules, prospect) or sha256
                        stamp = _read(workspace, sha256)
                except Exception as error:
                    done.failed[document_id] = problem = reason_of(error, f"Document {document_id}")
                else:
                    if sha256 == before_it:
                        done.not_due += 1
                    else:
                        done.renewed[document_id] = sha256
                rows.add(time_stamps.row(document_id, sha256, stamp, rules, problem))
            rows.flush()
    return done


def _renew(
    workspace: Workspace, document_id: str, before: timedelta, policy: Policy, prospect: time_stamps.Prospect
) -> str | None:
    with document_lock(workspace, document_id):
        try:
            return renew(workspace, document_id, before=before, policy=policy)
        except Exception as error:
            prospect.failed(error)
            raise


def renew(
    workspace: Workspace, document_id: str, *, before: timedelta = BEFORE, policy: Policy | None = None
) -> str | None:
    """The SHA-256 of the renewed file, or None when it is not due. The caller holds the document's lock.

    Raises `TimeStampUnavailable`, `KeyUnavailable`, `FileNotAsLogged`, and `SealRejected` when our own verifier does not pass
    the result.
    """
    from signing_core.pdf import preserve

    now, rules = workspace.clock(), policy or Policy()
    count, sha256 = _newest(workspace, document_id)
    data = logged_file.read(workspace, document_id, sha256)
    token = time_stamps.last_token(data)
    if token is not None and time_stamps.read(token).proof_until(rules) > now + before:
        return None
    stamps = workspace.time_stamps
    ring = workspace.keys()
    known = time_stamps.certificates(token) if token is not None else []
    pool = [*known, *ring.time_stamp_authority.chain, *ring.trust_anchors, *workspace.time_stamp_anchors]
    members = [*known, *(issuer for one in known for issuer in chains.issuers(one, pool)), ring.ca.certificate]
    members = list(dict.fromkeys(members))
    with writing(workspace.engine) as connection:
        crl = register.issue_crl(connection, ring.ca, now)
    others = [one for one in members if one != ring.ca.certificate and not chains.issued_by(one, ring.ca.certificate)]
    fetched = distribution.fetch_crls(others, members, now=now, hosts=workspace.settings.network.crl_hosts)
    renewed = preserve.preserve(data, certificates=members, crls=[crl.der, *fetched], time_stamps=stamps)
    stored = workspace.objects.put(renewed.data)
    logged_file.check_next(
        workspace, document_id, workspace.objects.get(stored), Stage(succession.RENEWED, stored, renewed.length)
    )
    _check(workspace, document_id, stored, max(workspace.clock(), crl.this_update), rules)
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


def _check(workspace: Workspace, document_id: str, sha256: str, now: datetime, policy: Policy) -> None:
    from signing_core.verification import verify

    verdict = verify(workspace.objects.get(sha256), at=now, policy=policy, trust=judging.trust_of(workspace))
    if verdict.integrity is not Integrity.INTACT or verdict.indication is not Indication.TOTAL_PASSED:
        raise SealRejected(
            f"The renewed file of document {document_id} does not pass our own verifier: {verdict.integrity}, "
            f"{verdict.indication} {verdict.sub_indication or ''}; the file before stays in use."
        )


def _completed(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Completed documents by id, with the SHA-256 of the newest file; a few hundred at a time, while some are renewed."""
    last = ""
    while True:
        query = sa.select(documents.c.id, documents.c.final_sha256).where(
            documents.c.status == str(Status.COMPLETED), documents.c.id > last
        )
        with reading(workspace.engine) as connection:
            some = connection.execute(query.order_by(documents.c.id).limit(_TOGETHER)).all()
            renewed = renewed_files(connection, [row.id for row in some])
        if not some:
            return
        yield from ((row.id, renewed[row.id][-1] if row.id in renewed else str(row.final_sha256)) for row in some)
        last = some[-1].id


def _read(workspace: Workspace, sha256: str) -> TimeStamp | None:
    """The newest time-stamp of a stored file. Raises `ObjectMissing`, `ObjectDamaged`."""
    try:
        data = workspace.objects.get(sha256)
    except ValueError as error:
        raise ObjectMissing(f"The registry names no file: {error}") from error
    try:
        token = time_stamps.last_token(data)
        return time_stamps.read(token) if token is not None else None
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ObjectDamaged(f"The time-stamp in the stored file {sha256} cannot be read: {error}") from error


def _newest(workspace: Workspace, document_id: str) -> tuple[int, str]:
    """How often it was renewed, and the SHA-256 of the last renewed file, else of the completed one."""
    with reading(workspace.engine) as connection:
        renewed = renewed_files(connection, [document_id]).get(document_id, ())
        query = sa.select(documents.c.final_sha256).where(documents.c.id == document_id)
        return len(renewed), renewed[-1] if renewed else str(connection.scalar(query))
