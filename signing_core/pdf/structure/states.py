"""What each revision added, overrode and freed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from signing_core.pdf.structure.model import Revision, Span

if TYPE_CHECKING:
    from signing_core.pdf.structure.access import ObjectAccess


def revisions(access: ObjectAccess) -> tuple[Revision, ...]:
    """The revisions of a file, oldest first."""
    result = []
    containers = access.updates[0].entries.containers() if access.updates else set()
    for index, update in enumerate(access.updates, 1):
        added: set[int] = set()
        overridden: set[int] = set()
        freed: set[int] = set()
        if index == 1:
            added = update.entries.used()
        else:
            for number in update.entries:
                old, new = access.location(number, index - 1), access.location(number, index)
                if old == new:
                    continue
                (added if old is None else freed if new is None else overridden).add(number)
            # Overriding or supplying an object stream changes everything in it without a word about it.
            for container in containers & (added | overridden | freed):
                for number in _contained(access, container, index):
                    moved = access.location(number, index - 1) != access.location(number, index)
                    if moved and number not in update.entries:
                        overridden.add(number)
            containers |= update.entries.containers()
        result.append(
            Revision(
                index,
                update.start,
                update.end,
                update.end_with_eol,
                update.kind,
                frozenset(added),
                frozenset(overridden),
                frozenset(freed),
                tuple(Span(a, b, "cross-reference section") for section in update.sections for a, b in section.spans),
            )
        )
    return tuple(result)


def _contained(access: ObjectAccess, container: int, revision: int) -> set[int]:
    numbers = {n for n, e in access.updates[0].entries.other.items() if e.stream == container}
    numbers |= {n for n, later in access.later.items() for i, e in later if i <= revision and e.stream == container}
    return {n for n in numbers if access.entry(n, revision).stream == container}
