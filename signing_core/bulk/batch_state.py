"""Where a batch stands: which results it has, and whether they are of the newest reading of its files. Read once for all who ask."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from signing_core.bulk import results
from signing_core.bulk.batch_views import STEPS
from signing_core.bulk.ledger import Batch
from signing_core.bulk.results import Results

_NIGHTLY: Final = timedelta(hours=26)
"""A day, and two hours for a night that took its time."""


@dataclass(frozen=True)
class BatchState:
    batch: Batch
    inventory: str | None
    """When the newest inventory was made, as the results made of it name it."""
    whole: bool
    """Everything was made, of the newest inventory, and that has everything that the batch has."""
    there: frozenset[str]
    """Steps with results."""
    current: frozenset[str]
    """Steps with results that are of the newest inventory."""
    policy: tuple[str, str] | None
    """Id and SHA-256 of the policy of the verdicts."""

    def left_behind(self, now: datetime, *, under_way: bool) -> str | None:
        """Why the results are not those of the last night: a step that fails leaves what it made before."""
        looked = datetime.fromisoformat(self.inventory) if self.inventory else self.batch.made_at
        missing = [step for step in STEPS if step not in self.there]
        old = [step for step in STEPS if step in self.there - self.current]
        late = abs(now - looked) > _NIGHTLY  # a clock that was wrong for a night dates it ahead
        if old and (late or not under_way):
            return f"Of the files as they were read at {looked:%Y-%m-%d %H:%M} UTC there is no new {', no new '.join(old)}: that step failed."
        if not late:
            return None
        if missing:
            return f"It came in at {self.batch.made_at:%Y-%m-%d %H:%M} UTC and has no {', no '.join(missing)} yet."
        return f"Its files were read last at {looked:%Y-%m-%d %H:%M} UTC; every night was to look at them anew."


def state_of(store: Results, batch: Batch) -> BatchState:
    there = frozenset(step for step in STEPS if store.of(batch.key, step).is_file())
    told = {step: results.context_of(store.of(batch.key, step)) for step in STEPS}
    inventory = told["inventory"].get("at")
    current = frozenset(step for step in there if step == "inventory" or told[step].get("inventory") == inventory)
    policy = told["signatures"].get("policy")
    return BatchState(
        batch,
        inventory,
        current == frozenset(STEPS) and told["inventory"].get("addition") == batch.last,
        there,
        current,
        (policy["id"], policy["sha256"]) if policy else None,
    )
