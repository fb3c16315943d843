"""Renewal of archive time-stamps, before their X.509 certificate or algorithm ends (ETSI EN 319 142-1, 5.5).

The completed file stays what registry, audit log and mail name. The renewed one begins with it byte for byte, adds validation data
and the next document time-stamp, is judged by our own verifier before it counts, and is recorded as the file of a step of its own
(`renewed-1`, ...) and in an event `document.renewed`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import sqlalchemy as sa
from cryptography import x509

from signing_core.audit_log import events
from signing_core.bulk import time_stamps
from signing_core.bulk.one_by_one import reason_of
from signing_core.bulk.time_stamps import TimeStamp
from signing_core.controls.history import renewed_files
from signing_core.desk import logged_file, records, validation_data
from signing_core.errors import ObjectDamaged, ObjectMissing, SealRejected
from signing_core.flow import Status
from signing_core.pdf import succession
from signing_core.pdf.succession import Stage
from signing_core.policy import Policy
from signing_core.storage.database import reading, writing
from signing_core.storage.locks import document_lock
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace
from signing_core.trust.workspace import of_workspace
from signing_core.verdict import Indication, Integrity

if TYPE_CHECKING:
    from signing_core.bulk.results import Results

RENEWED: Final = "document.renewed"
BEFORE: Final = timedelta(days=90)
"""Time for somebody to notice that the authority does not answer."""
_TOGETHER: Final = 400
"""Documents listed at once."""


@dataclass
class Renewals:
    renewed: dict[str, str] = field(default_factory=dict)
    """Document id and SHA-256 of the renewed file."""
    due: dict[str, TimeStamp | None] = field(default_factory=dict)
    """Of a dry run: documents that would be renewed."""
    not_due: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    """Document id, and why; tried again the next time."""

    def add(self, one: Outcome) -> None:
        if one.state == "renewed":
            self.renewed[one.document_id] = one.sha256
        elif one.state == "failed":
            self.failed[one.document_id] = one.problem or ""
        elif one.state == "due":
            self.due[one.document_id] = one.stamp
        else:
            self.not_due += 1


@dataclass(frozen=True)
class Outcome:
    """Of one document."""

    document_id: str
    state: Literal["renewed", "due", "not-due", "failed"]
    """`due`: it would have been renewed, in a dry run."""
    sha256: str
    """Of its newest file, as it is now."""
    stamp: TimeStamp | None
    problem: str | None = None


def renew_due(
    workspace: Workspace,
    store: Results,
    *,
    before: timedelta = BEFORE,
    policy: Policy | None = None,
    progress: Callable[[], object] = lambda: None,
) -> Renewals:
    """Renew every completed document whose archive time-stamp ends within `before`, and write `time_stamps.parquet`.

    Files that were read in an earlier night are not read again. `progress` is called after each document. Raises
    `ConcurrentChange` when another run does not come to its end.
    """
    from signing_core.bulk import results, time_stamp_table

    done, rules = Renewals(), policy or Policy()
    file = store.folder / "time_stamps.parquet"
    with results.only_writer(file, "the renewal of time-stamps"):
        known = time_stamp_table.Known(file)
        context = {"at": workspace.clock().isoformat(), "policy": rules.reference().to_json()}
        with results.appending(file, time_stamp_table.SCHEMA, context) as writer:
            rows = results.Rows(writer, time_stamp_table.SCHEMA)
            for one in each(workspace, before=before, policy=rules, known=known.of):
                done.add(one)
                rows.add(time_stamp_table.row(one.document_id, one.sha256, one.stamp, rules, one.problem))
                progress()
            rows.flush()
    return done


def each(
    workspace: Workspace,
    *,
    before: timedelta = BEFORE,
    policy: Policy | None = None,
    only: Collection[str] | None = None,
    known: Callable[[str, str], TimeStamp | None] = lambda document_id, sha256: None,
    dry_run: bool = False,
) -> Iterator[Outcome]:
    """Renew the completed documents, or of these `only` some, whose archive time-stamp ends within `before`.

    None is renewed for nothing: when the authority's own end is no later than the time-stamp's, every night would add another
    file. `known`: what an earlier run read from a file. What fails with one document is its outcome and stops no other.
    """
    rules = policy or Policy()
    prospect = time_stamps.Prospect(workspace, rules)
    due = workspace.clock() + before
    for document_id, before_it in _completed(workspace):
        if only is not None and document_id not in only:
            continue
        sha256, problem = before_it, None
        stamp = known(document_id, sha256)
        state: Literal["renewed", "due", "not-due", "failed"] = "not-due"
        try:
            stamp = stamp or _read(workspace, sha256)
            if stamp is None or stamp.proof_until(rules) <= due:
                if dry_run:
                    state = "due"
                else:
                    prospect.check(stamp)
                    sha256 = _renew(workspace, document_id, before, rules, prospect) or sha256
                    stamp = _read(workspace, sha256)
                    state = "not-due" if sha256 == before_it else "renewed"
        except Exception as error:
            state, problem = "failed", reason_of(error, f"Document {document_id}")
        yield Outcome(document_id, state, sha256, stamp, problem)


def _renew(
    workspace: Workspace, document_id: str, before: timedelta, policy: Policy, prospect: time_stamps.Prospect
) -> str | None:
    with document_lock(workspace, document_id):
        try:
            return renew(workspace, document_id, before=before, policy=policy, authority=prospect.certificates)
        except Exception as error:
            prospect.failed(error)
            raise


def renew(
    workspace: Workspace,
    document_id: str,
    *,
    before: timedelta = BEFORE,
    policy: Policy | None = None,
    authority: Iterable[x509.Certificate] | None = None,
) -> str | None:
    """The SHA-256 of the renewed file, or None when it is not due. The caller holds the document's lock.

    `authority`: the X.509 certificates that a time-stamp made now brings with it; without them one is asked for.
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
    if authority is None:
        authority = time_stamps.certificates(time_stamps.sample(workspace))
    # For the time-stamp that ends, and for the next one: another authority, or another CA's, may make it.
    known = [*(time_stamps.certificates(token) if token is not None else []), *authority]
    needed = validation_data.collect(workspace, workspace.keys(), known, now=now)
    renewed = preserve.preserve(data, certificates=needed.certificates, crls=needed.crls, time_stamps=stamps)
    stored = workspace.objects.put(renewed.data)
    logged_file.check_next(
        workspace, document_id, workspace.objects.get(stored), Stage(succession.RENEWED, stored, renewed.length)
    )
    _check(workspace, document_id, stored, max(workspace.clock(), needed.since), rules)
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

    verdict = verify(workspace.objects.get(sha256), at=now, policy=policy, trust=of_workspace(workspace))
    if verdict.integrity is not Integrity.INTACT or verdict.indication is not Indication.TOTAL_PASSED:
        raise SealRejected(
            f"The renewed file of document {document_id} does not pass our own verifier: {verdict.integrity}, "
            f"{verdict.indication} {verdict.sub_indication or ''}; the file before stays in use."
        )


def completed(workspace: Workspace) -> int:
    """How many documents there are to look at."""
    query = sa.select(sa.func.count()).select_from(documents).where(documents.c.status == str(Status.COMPLETED))
    with reading(workspace.engine) as connection:
        return int(connection.execute(query).scalar_one())


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
