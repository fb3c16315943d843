"""Deciding on findings. Nobody closes alone: one person proposes what to make of it, another one agrees.

Every step is an event of the audit log, also the try of one person to be both.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from signing_core.access import Access, Right
from signing_core.audit_log import events as audit
from signing_core.errors import AccessDenied, ConcurrentChange, UsageError
from signing_core.storage.database import reading, writing
from signing_core.storage.schema import findings

DISPOSITIONS: Final = ("accepted", "fixed", "false-alarm")


def assign(access: Access, finding_id: str, *, assignee: str | None, due_at: datetime | None) -> None:
    """Say who looks after a finding, and until when. Raises `AccessDenied`, `UsageError`, `ConcurrentChange`."""
    row = _load(access, finding_id)
    changes = {"assignee": (assignee or "").strip().lower() or None, "due_at": due_at}
    if (row.assignee, row.due_at) == (changes["assignee"], due_at):
        return
    due = due_at.isoformat() if due_at else None
    _take(access, row, "finding.assigned", changes, {"due_at": due}, {"assignee": changes["assignee"] or ""})


def propose(access: Access, finding_id: str, disposition: str, reason: str) -> None:
    """Propose to close a finding as accepted, fixed or false alarm.

    Raises `AccessDenied`, `UsageError` without a reason or for a closed finding, `ConcurrentChange`.
    """
    row = _load(access, finding_id)
    if disposition not in DISPOSITIONS:
        raise UsageError(f"A finding is closed as {', '.join(DISPOSITIONS)}; {disposition} is none of these.")
    if not reason.strip():
        raise UsageError("Say why: the reason is what a second person agrees to, and what an auditor reads.")
    if row.state == "closed":
        raise UsageError(f"The finding {finding_id} is closed already.")
    now = access.workspace.clock()
    changes = {
        "state": "proposed",
        "disposition": disposition,
        "reason": reason.strip()[:4000],
        "proposed_by": access.person.subject,
        "proposed_at": now,
    }
    _take(access, row, "finding.proposed", changes, {"disposition": disposition}, {"reason": reason.strip()[:4000]})


def close(access: Access, finding_id: str) -> None:
    """Agree to what another person proposed; this closes the finding.

    Raises `AccessDenied` for the person who proposed, `UsageError` when nothing is proposed, `ConcurrentChange`.
    """
    row = _load(access, finding_id)
    if row.state != "proposed":
        raise UsageError(f"Nothing is proposed for the finding {finding_id}; first somebody has to say what it is.")
    if row.proposed_by == access.person.subject:
        access.deny(Right.DECIDE, row.document_id, because="four-eyes")
        raise AccessDenied("The person who proposed it cannot close the finding; a second person has to agree.")
    now = access.workspace.clock()
    changes = {"state": "closed", "closed_by": access.person.subject, "closed_at": now}
    _take(access, row, "finding.closed", changes, {"disposition": row.disposition}, {"proposed_by": row.proposed_by})


def send_back(access: Access, finding_id: str, reason: str) -> None:
    """Disagree with what was proposed: the finding is open again. Raises as `propose`."""
    row = _load(access, finding_id)
    if row.state != "proposed":
        raise UsageError(f"Nothing is proposed for the finding {finding_id}, so nothing can be sent back.")
    if not reason.strip():
        raise UsageError("Say why it is sent back.")
    changes = {"state": "open", "disposition": None, "reason": None, "proposed_by": None, "proposed_at": None}
    _take(access, row, "finding.sent-back", changes, {}, {"reason": reason.strip()[:4000]})


def _load(access: Access, finding_id: str) -> sa.Row[Any]:
    with reading(access.workspace.engine) as connection:
        row = connection.execute(sa.select(findings).where(findings.c.id == finding_id)).one_or_none()
    access.require(Right.DECIDE, document_id=row.document_id if row is not None else None)
    if row is None:
        raise UsageError(f"There is no finding {finding_id}.")
    return row


def _take(
    access: Access,
    row: sa.Row[Any],
    type: str,
    changes: Mapping[str, Any],
    data: Mapping[str, Any],
    personal: Mapping[str, Any],
) -> None:
    with writing(access.workspace.engine) as connection:
        changed = connection.execute(
            sa.update(findings)
            .where(findings.c.id == row.id, findings.c.version == row.version)
            .values(version=row.version + 1, **changes)
        )
        if changed.rowcount != 1:
            raise ConcurrentChange(f"Somebody else decided on the finding {row.id} at the same moment; look again.")
        audit.append(
            connection,
            type=type,
            time=access.workspace.clock(),
            document_id=row.document_id,
            actor=access.actor,
            data={"finding": row.id, "code": row.code, **data},
            personal={"person": access.person.subject, **personal},
        )
