"""What a CRL or an OCSP response says of one X.509 certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

_REASONS: Final = (
    "unspecified", "key compromise", "CA compromise", "affiliation changed", "superseded", "cessation of operation",
    "on hold", "", "removed from CRL", "privilege withdrawn", "AA compromise",
)  # fmt: skip


def reason(number: int) -> str:
    """A CRLReason (RFC 5280, 5.3.1) in words, empty when it is none."""
    return _REASONS[number] if 0 <= number < len(_REASONS) else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate's status as one piece of revocation data gives it; `revoked_at` None when it is not revoked."""

    source: str
    this_update: datetime
    next_update: datetime | None
    revoked_at: datetime | None
    reason: str
    covers_expired_since: datetime | None
    """expiredCertsOnCRL or archiveCutoff: certificates that expired after this are still listed."""

    def shows_good_at(self, use: datetime, expiry: datetime) -> bool:
        """Whether not being revoked here says anything about a use at this time."""
        if self.this_update < use and (self.next_update is None or self.next_update < use):
            return False
        if self.this_update > expiry:
            return self.covers_expired_since is not None and self.covers_expired_since <= expiry
        return True
