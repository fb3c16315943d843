"""What must hold of a batch before anything is built on it; each gives the problem as a sentence, or None.

A batch that fails one of these says more about the run than about its documents: a disk that is not mounted, a trust setting that
was lost. It is stopped, and the report names the batch instead of its thousands of documents.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from signing_core.bulk import results
from signing_core.bulk.batch_views import STEPS
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results


@dataclass(frozen=True)
class Bounds:
    """Above `share` of a batch, of at least `fewest` documents, failing is the run's fault until shown otherwise."""

    share: float = 0.2
    fewest: int = 50


BOUNDS: Final = Bounds()
_NOT_READ: Final = "unreadable"
"""There for the inventory, gone, another one or not to be had when it was judged: nothing was seen of the file."""
NO_END: Final = frozenset(("limit-exceeded", "worker-died", "internal-error", _NOT_READ))
"""Codes of findings that say more about the machine at that hour than about the file: it is judged again the next time. One or
two such files are the files' own."""
_FEW: Final = 2


def inventory_complete(store: Results, ledger: Ledger, key: str, bounds: Bounds = BOUNDS) -> str | None:
    """Every file that the batch had when it was read is listed, and not a large share is gone or cannot be read."""
    read_with = results.context_of(store.of(key, "inventory")).get("addition")
    expected = len(ledger.contents(ledger.batch(key), up_to=read_with))
    states = Counter(row["state"] for row in results.rows_of(store.of(key, "inventory"), ["state"]))
    if states.total() != expected:
        return f"The inventory lists {states.total()} of {expected} documents."
    missing, unreadable = states["missing"], states["unreadable"]
    if _above(missing + unreadable, expected, bounds):
        if not missing:
            return f"{unreadable} of {expected} files cannot be read; set their permissions right."
        what = f"missing ({missing}) or cannot be read ({unreadable})" if unreadable else "missing"
        return f"{missing + unreadable} of {expected} files are {what}; see whether the store is there."
    return None


def verdict_for_every_document(store: Results, key: str) -> str | None:
    inventory = results.rows_of(store.of(key, "inventory"), ["sha256", "state"])
    wanted = {row["sha256"] for row in inventory if row["state"] == "present"}
    have = {row["sha256"] for row in results.rows_of(store.of(key, "signatures"), ["sha256"])}
    missing = len(wanted - have)
    if missing:
        return f"{missing} of {len(wanted)} files have no verdict; run the batch again."
    return None


def failed_within_bounds(store: Results, key: str, bounds: Bounds = BOUNDS) -> str | None:
    count = failed = unended = unread = 0
    for row in results.rows_in(store.of(key, "signatures"), ["integrity", "indication", "findings"]):
        count += 1
        failed += not in_order(row["integrity"], row["indication"])
        codes = {one["code"] for one in row["findings"]}
        unended += not NO_END.isdisjoint(codes)
        unread += _NOT_READ in codes
    if unended > max(_FEW, bounds.share * count):
        if unread > unended - unread:
            what, see = f"{unread} of {count} files could not be read when they were judged", "the store is there"
        else:
            what = f"Judging {unended} of {count} files came to no end"
            see = "the machine has memory and time to spare"
        return f"{what}; see whether {see}, and run the batch again."
    if _above(failed, count, bounds):
        return f"{failed} of {count} files are not in order, more than the {bounds.share:.0%} that is believed."
    return None


def problem(store: Results, ledger: Ledger, key: str, bounds: Bounds = BOUNDS) -> str | None:
    """The first of the above that does not hold, of the newest inventory and what was made from it so far."""
    made = ((step, store.of(key, step)) for step in STEPS)
    if damaged := [step for step, file in made if file.exists() and not results.whole(file)]:
        return f"The file of its {damaged[0]} cannot be read or is damaged; run the batch again."
    if not store.of(key, "inventory").is_file():
        return None
    found = inventory_complete(store, ledger, key, bounds)
    if (
        found is None
        and results.context_of(store.of(key, "signatures")).get("inventory") == store.made_of(key)["inventory"]
    ):
        found = verdict_for_every_document(store, key) or failed_within_bounds(store, key, bounds)
    return found


def withdrawals_whole(store: Results, key: str) -> str | None:
    """The lists of what was withdrawn can be read. They are evidence and nothing is built on them: one that is damaged stops nothing."""
    damaged = [file for file in store.withdrawals(key) if not results.whole(file)]
    if damaged:
        several = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        return (
            f"The list of withdrawn files {damaged[0]}{several} cannot be read or is damaged, and nothing makes it anew; put back a "
            "copy from a backup: its SHA-256 is in the audit event files.withdrawn."
        )
    return None


def in_order(integrity: str, indication: str | None) -> bool:
    return integrity == "intact" and indication == "TOTAL-PASSED"


def _above(count: int, of: int, bounds: Bounds) -> bool:
    return of >= bounds.fewest and count > bounds.share * of
