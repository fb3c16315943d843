"""Verifications are events too: who checked which document, when, how, with which verdict."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import events
from signing_core.audit_log.events import Event
from signing_core.audit_log.findings import Finding
from signing_core.storage.schema import audit_events

VERIFIED = "document.verified"
REPEATED = 3
"""So many failed checks of one document within `WINDOW` become a finding for its owner."""
WINDOW = timedelta(days=7)


def record(
    connection: sa.Connection,
    *,
    document_id: str | None,
    method: str,
    sha256: str | None,
    integrity: str,
    indication: str | None,
    time: datetime,
    actor: str = "verifier",
    details: Mapping[str, Any] | None = None,
    personal: Mapping[str, Any] | None = None,
) -> Event:
    """Append the event of one verification.

    `method`: `upload`, `qr`, `command`, `batch`, ...; `sha256` of what was checked; `integrity` and `indication` as in the
    verdict; `personal`: who asked (name, address of the machine), kept beside the log.
    """
    return events.append(
        connection,
        type=VERIFIED,
        time=time,
        actor=actor,
        document_id=document_id,
        data={
            "method": method,
            "sha256": sha256,
            "integrity": integrity,
            "indication": indication,
            **(details or {}),
        },
        personal=personal,
    )


def failed(event: Event) -> bool:
    """Whether a verification event is of a check that failed: altered, or a document of ours that does not verify."""
    return event.data.get("integrity") == "altered" or event.data.get("indication") == "TOTAL-FAILED"


def repeated_failures(
    connection: sa.Connection, *, now: datetime, window: timedelta = WINDOW, at_least: int = REPEATED
) -> dict[str, Finding]:
    """For each document that failed repeatedly within `window` before `now`: the finding for its owner."""
    query = events.EVENTS.where(audit_events.c.type == VERIFIED, audit_events.c.time >= now - window)
    found: dict[str, list[Event]] = {}
    for event in events.select(connection, query):
        if event.document_id is not None and failed(event):
            found.setdefault(event.document_id, []).append(event)
    return {
        document: Finding(
            "repeated-failed-checks",
            f"Document {document} failed {len(failures)} checks since {failures[0].time:%Y-%m-%d %H:%M} UTC: "
            "altered copies of it may be about.",
            failures[-1].seq,
            "warning",
        )
        for document, failures in found.items()
        if len(failures) >= at_least
    }
