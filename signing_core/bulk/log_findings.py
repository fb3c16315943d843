"""What each finding of the log's replay is about: one document, or the log.

A document is named only where the replay names one of its events, and where the registry contradicts its event of completion: the
number beside any other finding is as often a size of the tree. All else is about the log and keeps its severity.

One edited event shows in many places: the tree's nodes above it, and every checkpoint that was signed since. Such findings go to the
document whose event was edited. What it cannot explain does not: nothing below it, no forged checkpoint, no warning, and no other root
where a good checkpoint over the event shows that its leaf is still the one that was signed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

EVENT_LEVEL: Final = ("event-altered", "event-columns", "event-malformed", "chain-broken", "event-unauthenticated")
"""Codes of the replay that say that this one event was changed, or the one before it."""
OF_ONE_EVENT: Final = (*EVENT_LEVEL, "registry-contradicts")
"""Codes whose number is that of an event of the document concerned."""
_OF_ITS_TIME: Final = ("time-goes-back", "time-after-anchor", "back-dated")
_OF_A_SIZE: Final = ("checkpoint-root", "proof-contradicts")
"""Codes that say that the first so many events, their number, are not those that were signed."""
_PLACES: Final = {
    "node-wrong": re.compile(r"node (\d+ of level \d+)"),
    "node-missing": re.compile(r"node (\d+ of level \d+)"),
    "checkpoint-beyond": re.compile(r"checkpoint of (\d+)"),
    "events-missing": re.compile(r"(head says \d+)"),
    "signer-memory": re.compile(r"signed (\d+ \w+)"),
    "anchor-alone": re.compile(r"anchor (by .+ over \d+)"),
    "anchor-invalid": re.compile(r"anchor (by .+ over \d+)"),
    "anchor-untrusted": re.compile(r"anchor (by .+ over \d+)"),
    "anchor-not-outside": re.compile(r"anchor (by .+ over \d+)"),
}
"""Where the number alone does not tell what a finding is about."""
_NODE: Final = re.compile(r"(\d+) of level (\d+)")
_OTHER_EVENTS: Final = re.compile(r"signed (\d+) other events")


@dataclass(frozen=True)
class LogFinding:
    document_id: str | None
    """None: it is about the log."""
    code: str
    message: str
    evidence: tuple[str, ...]
    """`event SEQ` for the first changed event of a document; else `log CODE PLACE`, of which there is one for each state of affairs."""
    source: str = "audit_log"
    """What found it: the full replay, or one of the nightly looks."""


@dataclass(frozen=True)
class _Changed:
    seq: int
    document_id: str
    earliest: int
    """Where a chain is broken, the event before may be the changed one."""
    body: bool
    """False where only what is listed beside the body was changed: it is in no hash, and the reconciliation does not compare it."""


def attributed(rows: Sequence[Mapping[str, Any]], sound: int) -> Iterator[LogFinding]:
    """The errors and warnings of a replay. `sound`: events under its largest good checkpoint."""
    changed = _changed(rows)
    bodies = [one for one in changed.values() if one.body]
    first = {one.document_id: one.seq for one in reversed(bodies)}
    causes = [one for one in bodies if one.seq >= sound]
    roots = {row["seq"]: _first_below(row["seq"], causes, sound) for row in rows if row["code"] in _OF_A_SIZE}
    for row in rows:
        if row["severity"] == "info":
            continue
        code, document, message = row["code"], row["document_id"], row["message"]
        if code in EVENT_LEVEL and document is not None:
            event = _changed_event(row, changed)
            if first.get(document) == event:
                yield LogFinding(document, "event-changed", message, (f"event {event}",))
            else:  # the reconciliation stops at the first changed body, and would call another finding of this code gone
                yield LogFinding(document, "log-disagrees", message, (f"log event {event}", f"event {event}"))
            continue
        evidence = (f"log {code} {_place(row)}",)
        if code == "registry-contradicts" and document is not None:
            yield LogFinding(document, "log-disagrees", message, (*evidence, f"event {row['seq']}"))
        elif row["severity"] != "error":
            yield LogFinding(None, "log-remark", message, evidence)
        elif cause := _cause(row, changed, causes, roots, sound):
            yield LogFinding(cause.document_id, "log-disagrees", message, (*evidence, f"event {cause.seq}"))
        else:
            yield LogFinding(None, "log-inconsistent", message, evidence)


def _changed(rows: Sequence[Mapping[str, Any]]) -> dict[int, _Changed]:
    """The changed events of documents, by number and in its order."""
    found: dict[int, _Changed] = {}
    of_document = [row for row in rows if row["code"] in EVENT_LEVEL and row["document_id"] is not None]
    bodies = {row["seq"] for row in of_document if row["code"] != "event-columns"}
    for row in sorted(of_document, key=lambda row: (row["seq"], EVENT_LEVEL.index(row["code"]))):
        seq, previous = row["seq"], row["previous"]
        if seq in found or _changed_event(row, found) != seq:
            continue
        only_chain = row["code"] == "chain-broken" and previous is not None
        found[seq] = _Changed(seq, row["document_id"], previous if only_chain else seq, seq in bodies)
    return found


def _changed_event(row: Mapping[str, Any], changed: Mapping[int, _Changed]) -> int:
    """Which event a finding is about: after a changed one, the next of its document does not chain."""
    seq: int = row["seq"]
    before = changed.get(row["previous"])
    return before.seq if row["code"] == "chain-broken" and before and before.body and seq not in changed else seq


def _cause(
    row: Mapping[str, Any],
    changed: Mapping[int, _Changed],
    causes: Sequence[_Changed],
    roots: Mapping[int, _Changed | None],
    sound: int,
) -> _Changed | None:
    """The changed event that explains a finding."""
    code, message = row["code"], row["message"]
    if code in _OF_ITS_TIME:
        return changed.get(row["seq"])
    if code in ("anchor-alone", *_OF_A_SIZE):
        return roots.get(row["seq"])
    if code == "signer-memory" and (size := _OTHER_EVENTS.search(message)):
        return _first_below(int(size[1]), causes, sound)
    if code == "node-wrong" and (node := _NODE.search(message)):
        number, level = int(node[1]), int(node[2])
        over = (one for one in causes if number in (one.seq >> level, max(one.earliest, sound) >> level))
        return next(over, None)
    return None


def _first_below(size: int, causes: Sequence[_Changed], sound: int) -> _Changed | None:
    """The first changed event among the first `size` ones: with it, their root is another one."""
    return next((one for one in causes if max(one.earliest, sound) < size), None)


def _place(row: Mapping[str, Any]) -> str:
    """What a finding is about beside its code: a number where that is enough, its sentence where there is none."""
    pattern = _PLACES.get(row["code"])
    found = pattern.search(row["message"]) if pattern else None
    if found:
        return found[1]
    return str(row["message"] if row["seq"] is None else row["seq"])
