"""What needs an operator: found without changing anything, each with a sentence and the way on.

What needs somebody who looks at documents is the work list of the findings, not this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa

from signing_core.audit_log import anchors, events, signer
from signing_core.desk import endings
from signing_core.errors import KeyUnavailable, SealtrailError
from signing_core.flow import Status
from signing_core.keys import register
from signing_core.keys.ring import KeyRing
from signing_core.keys.settings import PURPOSES, STATEMENTS
from signing_core.storage import migrations
from signing_core.storage.database import reading
from signing_core.storage.schema import document_files, documents, outbox
from signing_core.storage.workspace import Workspace

Code = Literal[
    "database-older",
    "key-unreadable",
    "key-not-published",
    "key-ends",
    "archive-ends",
    "ca-key-missing",
    "crl-outdated",
    "document-waits",
    "message-failed",
    "log-not-signed",
    "log-not-anchored",
    "not-looked-at",
]
"""What each means is in docs/operations.md."""

LONG: Final = timedelta(hours=1)
"""A document that waits for longer in *signing* or *sealing* does not wait for a moment's outage."""
_LATE: Final = 3
"""Times the promised interval, after which a checkpoint or an anchor is missing and not only due."""
_LISTED: Final = 50
"""Of one kind; the others are counted."""


@dataclass(frozen=True, slots=True)
class Need:
    code: Code
    about: str
    """A key, a document id, a CA; empty where it is the whole workspace."""
    message: str
    """One sentence."""
    way_on: str
    """The next one."""

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "about": self.about, "message": self.message, "way_on": self.way_on}


def examine(workspace: Workspace) -> list[Need]:
    """Everything, most fundamental first. A part that cannot be looked at is a need of its own."""
    older = migrations.pending(workspace.engine)
    if older:
        return [
            Need(
                "database-older",
                "",
                f"The database is of an earlier version (schema {older}), so nothing else was looked at.",
                "Make a backup and run any other command, such as `sealtrail list`, which upgrades it.",
            )
        ]
    found: list[Need] = []
    for look in (_keys, _archive, _revocation, _waiting, _messages, _log):
        found += _guarded(workspace, look)
    return found


def _guarded(workspace: Workspace, look: Callable[[Workspace], Iterator[Need]]) -> list[Need]:
    found: list[Need] = []
    try:
        found += look(workspace)
    except SealtrailError as error:
        what = look.__name__.strip("_")
        code: Code = "key-unreadable" if isinstance(error, KeyUnavailable) else "not-looked-at"
        if code == "not-looked-at" or look is _keys:  # a ring that does not open is said once
            found.append(Need(code, what, str(error), "Correct this and run `sealtrail doctor` again."))
    return found


def _keys(workspace: Workspace) -> Iterator[Need]:
    ring, now = workspace.keys(), workspace.clock()
    unreadable = False
    for name in (*PURPOSES, *STATEMENTS):
        try:
            _ = getattr(ring, name) if name in ("qr", "checkpoint") else ring.certificate(name)  # type: ignore[arg-type]
        except KeyUnavailable as error:
            unreadable = True
            yield Need("key-unreadable", name, str(error), f"The key {name} signs nothing before.")
    if unreadable:
        return
    for name in (*PURPOSES, *STATEMENTS):
        if not ring.is_published(name):
            yield Need(
                "key-not-published",
                name,
                f"The public part of the key {name} in use is not in {ring.public_folder}, so no judge knows what it signs.",
                "Restore the folder from a backup of the key ring.",
            )
    for one in endings.due(workspace):
        sentence, _, way_on = one.sentence(now).partition("; ")
        yield Need("key-ends", one.key, f"{sentence}.", f"{way_on[0].upper()}{way_on[1:]}")
    yield from _without_issuer(ring, now)


def _without_issuer(ring: KeyRing, now: datetime) -> Iterator[Need]:
    for purpose in PURPOSES:
        if purpose == "ca":
            continue
        for certificate in ring.certificates(purpose):
            orphan = ring.company_issued(certificate) and ring.issuer_of(certificate) is None
            if orphan and now < certificate.not_valid_after_utc:
                yield Need(
                    "ca-key-missing",
                    purpose,
                    f"The key of {certificate.issuer.rfc4514_string()}, a former company CA, is not in the key ring, so no CRL "
                    f"about the {purpose} certificate {certificate.serial_number:x} can be issued.",
                    "Restore its file (ca-... .p12) from a backup of the key ring.",
                )


def _archive(workspace: Workspace) -> Iterator[Need]:
    """Completed documents whose newest time-stamp is by a key of the embedded authority that is near its end.

    By when the file was made, so no file is read; `sealtrail renew --dry-run` reads them, those by other authorities too.
    """
    ring, now, until = workspace.keys(), workspace.clock(), None
    newest = sa.func.max(document_files.c.created_at)
    for certificate in ring.certificates("time-stamp"):
        start, end = certificate.not_valid_before_utc + ring.settings.clock_skew, certificate.not_valid_after_utc
        if end - now <= timedelta(days=max(endings.THRESHOLDS)):
            query = (
                sa.select(document_files.c.document_id)
                .where(sa.or_(document_files.c.step == "final", document_files.c.step.like("renewed-%")))
                .group_by(document_files.c.document_id)
                .having(sa.and_(newest >= start, newest < until if until else newest <= now))
            )
            with reading(workspace.engine) as connection:
                number = connection.execute(sa.select(sa.func.count()).select_from(query.subquery())).scalar_one()
            if number and workspace.settings.time_stamps.url is None:
                verb = "ended" if now > end else "ends"
                yield Need(
                    "archive-ends",
                    f"{certificate.serial_number:x}",
                    f"The archive time-stamps of {number} document{'' if number == 1 else 's'} are by a key whose X.509 certificate "
                    f"{verb} on {end:%Y-%m-%d}.",
                    "Run `sealtrail renew`."
                    if until
                    else "Run `sealtrail keys renew time-stamp`, then `sealtrail renew`.",
                )
        until = start


def _revocation(workspace: Workspace) -> Iterator[Need]:
    ring, now = workspace.keys(), workspace.clock()
    for ca in ring.cas:
        if now >= ca.certificate.not_valid_after_utc:
            continue
        with reading(workspace.engine) as connection:
            latest = register.latest_crl(connection, ca.name)
        end = latest.next_update if latest else ca.certificate.not_valid_before_utc + ca.settings.crl_lifetime
        if now > end:
            state = f"ended on {end:%Y-%m-%d %H:%M} UTC" if latest else "was never issued"
            yield Need(
                "crl-outdated",
                ca.name,
                f"The CRL of the company CA {ca.name} {state}.",
                "Run `sealtrail work`, which issues the next one, and see that it keeps running.",
            )


def _waiting(workspace: Workspace) -> Iterator[Need]:
    """Documents that have been in *signing* or *sealing* for long, with the reason that was recorded."""
    query = (
        sa.select(documents.c.id, documents.c.status, documents.c.updated_at)
        .where(
            documents.c.status.in_([str(Status.SIGNING), str(Status.SEALING)]),
            documents.c.updated_at < workspace.clock() - LONG,
        )
        .order_by(documents.c.updated_at)
        .limit(_LISTED)
    )
    with reading(workspace.engine) as connection:
        for row in connection.execute(query).all():
            delayed = [e for e in events.of_document(connection, row.id) if e.type == f"{row.status}.delayed"]
            why = str(delayed[-1].data.get("message", "")) if delayed else ""
            yield Need(
                "document-waits",
                row.id,
                f"Document {row.id} waits in {row.status} since {row.updated_at:%Y-%m-%d %H:%M} UTC: {why or 'nobody tried'}"
                f"{'' if why.endswith('.') else '.'}",
                "It goes on by itself when this is corrected."
                if why
                else "Run `sealtrail work`, and see that it keeps running.",
            )


def _messages(workspace: Workspace) -> Iterator[Need]:
    """Messages that were given up, unless a later one to the same party arrived or nobody waits for it any more."""
    later = outbox.alias("later")
    arrived = sa.exists().where(
        later.c.document_id == outbox.c.document_id,
        later.c.role == outbox.c.role,
        later.c.id > outbox.c.id,
        later.c.state.in_(["delivered", "waiting", "sending"]),
    )
    over = [str(status) for status in (Status.DECLINED, Status.EXPIRED, Status.VOIDED)]
    query = (
        sa.select(outbox.c.document_id, outbox.c.role, outbox.c.kind, outbox.c.last_error, documents.c.status)
        .join(documents, documents.c.id == outbox.c.document_id)
        .where(outbox.c.state == "failed", ~arrived, documents.c.status.not_in(over))
        .order_by(outbox.c.id)
        .limit(_LISTED)
    )
    with reading(workspace.engine) as connection:
        rows = connection.execute(query).all()
    for row in rows:
        party = str(row.role or "author").replace("-", " ")
        yield Need(
            "message-failed",
            row.document_id,
            f"The message {row.kind} of document {row.document_id} to the {party} was given up"
            f"{': ' + row.last_error.rstrip('.') if row.last_error else ''}.",
            _reach(row),
        )


def _reach(row: Any) -> str:
    if row.status.startswith("awaiting"):
        return (
            f"Correct the contact with `sealtrail replace-contact {row.document_id} {row.role} CONTACT`, or run "
            f"`sealtrail resend {row.document_id}`."
        )
    return f"Tell the party in another way; `sealtrail status {row.document_id}` says what was sent."


def _log(workspace: Workspace) -> Iterator[Need]:
    """Events that no checkpoint or no anchor covers although its time is long over."""
    now, origin, chosen = workspace.clock(), workspace.log_origin, workspace.settings.audit_log
    with reading(workspace.engine) as connection:
        last = signer.latest(connection, origin)
        anchor = anchors.latest(connection, origin, ("time-stamp", "embedded", "witness"))
        unsigned = events.one(connection, last.checkpoint.size if last else 0)
        bare = events.one(connection, anchor.size if anchor else 0)
    promised = timedelta(seconds=chosen.checkpoint_seconds)
    if unsigned is not None and abs(now - unsigned.time) > max(promised * _LATE, LONG):
        yield Need(
            "log-not-signed",
            "",
            f"The audit log's events since {unsigned.time:%Y-%m-%d %H:%M} UTC are under no checkpoint.",
            "Run `sealtrail work`, and see that it keeps running; `sealtrail audit checkpoint` says what hinders it.",
        )
    elif bare is not None and abs(now - bare.time) > max(timedelta(minutes=chosen.anchor_minutes) * _LATE, LONG):
        yield Need(
            "log-not-anchored",
            "",
            f"The audit log's events since {bare.time:%Y-%m-%d %H:%M} UTC are under no anchor.",
            "See why time-stamp authority or witness do not answer: run `sealtrail audit checkpoint`.",
        )
