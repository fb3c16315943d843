"""What a CRL or an OCSP response says of one X.509 certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

ON_HOLD: Final = "on hold"
REMOVED: Final = "removed from CRL"
_REASONS: Final = (
    "unspecified", "key compromise", "CA compromise", "affiliation changed", "superseded", "cessation of operation",
    ON_HOLD, "", REMOVED, "privilege withdrawn", "AA compromise",
)  # fmt: skip


def reason(number: int) -> str:
    """A CRLReason (RFC 5280, 5.3.1) in words, empty when it is none."""
    return _REASONS[number] if 0 <= number < len(_REASONS) else ""


STAYS_GOOD: Final = frozenset({"unspecified", "affiliation changed", "superseded", "cessation of operation"})
"""RFC 3161, section 4, 1.: revoked for these, what an authority or a responder signed before stays good."""

CLOCKS: Final = timedelta(minutes=5)
"""How far clocks may be apart: what authorities published or stamped this much later than the time judged for counts. CRLs
have whole seconds, so even one clock alone can be ahead of itself."""


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
    all_reasons: bool = True
    """False when it lists those revoked for some reasons only: then it may revoke and shows nobody good."""

    @property
    def on_hold(self) -> bool:
        return self.revoked_at is not None and self.reason == ON_HOLD

    def shows_good_at(self, use: datetime, expiry: datetime) -> bool:
        """Whether it shows that a certificate was not revoked when used at this time."""
        if self.revoked_at is not None:
            return self.revoked_at > use and self.all_reasons
        if self.this_update < use and (self.next_update is None or self.next_update < use):
            return False
        return self.lists_nobody_like(expiry)

    def lists_nobody_like(self, expiry: datetime) -> bool:
        """Whether a certificate that expires then would be listed if it were revoked, and is not."""
        if self.revoked_at is not None or not self.all_reasons:
            return False
        if self.this_update > expiry:
            return self.covers_expired_since is not None and self.covers_expired_since <= expiry
        return True


def against(found: Sequence[Entry], used: datetime, known: datetime, expiry: datetime) -> Entry | None:
    """The newest entry that speaks against a use at `used` that is known to have been made by `known`, None when none does.

    Every revocation counts whatever is said later, but for two. For some reasons what was signed before it stays good. And a
    hold ends: it counts from its date until the first newer word that the certificate is good (RFC 5280, 5.3.1).
    `found` is newest first.
    """

    def holds(entry: Entry, moment: datetime) -> bool:
        released = any(
            entry.this_update < other.this_update <= moment + CLOCKS and other.lists_nobody_like(expiry)
            for other in found
        )
        return entry.revoked_at is not None and entry.revoked_at <= moment and not released

    for entry in found:
        if entry.revoked_at is None or entry.revoked_at > known:
            continue
        if entry.on_hold:
            if holds(entry, used) or holds(entry, known):
                return entry
        elif used >= entry.revoked_at or entry.reason not in STAYS_GOOD:
            return entry
    return None
