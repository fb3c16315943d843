"""Verifications are events too: who checked which document, when, how, with which verdict."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from signing_core.audit_log import events
from signing_core.audit_log.events import Event

VERIFIED = "document.verified"


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
