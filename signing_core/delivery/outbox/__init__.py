"""Messages wait here from the transaction that decided on them until a channel has taken them.

States: `waiting` -> `sending` -> `delivered`, `failed`, back to `waiting` (to be tried again), or `uncertain` (the other
side may have it; to be tried again under the same Message-ID). `cancelled` from any of them but `delivered` and `failed`.

Rules:

1. A message is enqueued in the transaction of the step that needs it: both or neither.
2. Only the holder of the message's claim (`claims`) sends it, after a compare-and-set to `sending` that is committed first.
3. Found in `sending` while nobody holds the claim, its sender has died. An idempotent channel simply does it again:
   exactly once. With any other the message is `uncertain` and sent again: at least once, never lost.
4. Content rests encrypted and is erased in every final state (`delivered`, `failed`, `cancelled`).
5. What ends (a code, a link) is not sent after its end; it is then `failed`, which is visible and never counts as sent.
6. A change of state and what `on_outcome` writes about it are one transaction.
"""

from signing_core.delivery.outbox.retry import RetryPolicy
from signing_core.delivery.outbox.sending import OnOutcome, Outcome, deliver_due
from signing_core.delivery.outbox.waiting import (
    KEEP,
    Entry,
    State,
    cancel,
    enqueue,
    forget_sent,
    next_due,
    of_document,
)

__all__ = [
    "KEEP",
    "Entry",
    "OnOutcome",
    "Outcome",
    "RetryPolicy",
    "State",
    "cancel",
    "deliver_due",
    "enqueue",
    "forget_sent",
    "next_due",
    "of_document",
]
