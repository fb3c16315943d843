"""The one driver of all controls: which documents there are, what is looked for in each, and what was found.

Pipelines, work list and notebooks all look through here, so that what one of them finds, all of them find. A document is one of
ours when any record says so: whoever deletes its row in the registry has the log, the list of files and the X.509
certificates against him.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal

import sqlalchemy as sa

from signing_core.audit_log.files import MAKING
from signing_core.controls import log_rules
from signing_core.controls.catalogue import FLOW, RECONCILIATION
from signing_core.controls.finding import ControlFinding
from signing_core.controls.history import History, histories
from signing_core.controls.reconciliation import Reconciliation, reconcile, reconcile_without_row, standing
from signing_core.controls.rules import check
from signing_core.flow import Status
from signing_core.storage.database import reading
from signing_core.storage.schema import audit_events, document_files, documents, issued_certificates
from signing_core.storage.workspace import Workspace

OF_THE_PRINTED: Final = frozenset(
    ("certificate-differs-from-log", "certificate-not-compared", "revisions-beyond-steps")
)
"""What only the costly part finds: setting the certificate again, and reading the revisions of a completed file."""
_OF_A_FILE: Final = frozenset(
    ("stored-file-missing", "stored-file-changed", "file-differs-from-log", "revisions-beyond-steps")
)
"""What is looked for in the file of a document that is not completed."""
_TOGETHER: Final = 400

Part = Literal["all", "flow", "archive"]
"""`flow`: the controls of the process, and the files of documents that are not completed; `archive`: the reconciliation of those that
are."""


@dataclass(frozen=True)
class Looked:
    """One document, looked at."""

    document_id: str
    history: History | None
    """None when the registry has no such document."""
    flow: tuple[ControlFinding, ...]
    """What the controls of the process found, and what is wrong with the file of a document that is not completed."""
    reconciliation: Reconciliation | None
    """Of a document that is completed by registry or log, or that the registry has lost."""
    codes: frozenset[str]
    """What was looked for."""

    @property
    def findings(self) -> tuple[ControlFinding, ...]:
        """Everything found, each once."""
        archive = self.reconciliation.findings if self.reconciliation else ()
        return tuple(dict.fromkeys((*self.flow, *archive)))


def population(workspace: Workspace, *, after: str = "", most: int | None = None) -> list[str]:
    """The ids of all documents that any record knows, sorted; at most `most` of those after `after`.

    Registry, audit log (what made a document: others may ask about an id that is nobody's), stored files, X.509 certificates.
    """
    log = sa.func.coalesce(audit_events.c.type, "").in_(sorted(MAKING))  # by document, and not by the index of types
    sources: list[tuple[sa.Column[Any], sa.ColumnElement[bool]]] = [
        (documents.c.id, sa.true()),
        (audit_events.c.document_id, log),
        (document_files.c.document_id, sa.true()),
        (issued_certificates.c.document_id, sa.true()),
    ]
    found: set[str] = set()
    with reading(workspace.engine) as connection:
        for column, condition in sources:
            query = sa.select(column).distinct().where(column > after, condition).order_by(column)
            rows = connection.execute(query.limit(most) if most is not None else query).scalars()
            found.update(one for one in rows if isinstance(one, str))
    return sorted(found)[:most]


def in_parts(workspace: Workspace, *, together: int = _TOGETHER) -> Iterator[list[str]]:
    """The whole population, some hundred ids at a time."""
    last = ""
    while ids := population(workspace, after=last, most=together):
        yield ids
        last = ids[-1]


def look(
    workspace: Workspace,
    document_ids: Sequence[str],
    *,
    now: datetime,
    part: Part = "all",
    printed: Callable[[History], bool] = lambda _: True,
) -> Iterator[Looked]:
    """Look at these documents, in their order.

    `printed` says of a document whether its certificate is set again too (40 ms) and its revisions are read. Raises what is a
    fault of the run and says nothing of a document.
    """
    for start in range(0, len(document_ids), _TOGETHER):
        some = document_ids[start : start + _TOGETHER]
        read = {history.document_id: history for history in histories(workspace, some)}
        lost = {one.document_id: one for one in reconcile_without_row(workspace, [o for o in some if o not in read])}
        for document_id in some:
            if document_id in read:
                yield _look_at(workspace, read[document_id], now, part, printed)
            elif document_id in lost:
                codes = frozenset(RECONCILIATION) - OF_THE_PRINTED
                yield Looked(document_id, None, (), lost[document_id], codes)


def by_codes(looked: Sequence[Looked]) -> Iterator[tuple[frozenset[str], list[Looked]]]:
    """What was looked at, in groups in which the same was looked for."""
    ordered = sorted(looked, key=lambda one: sorted(one.codes))
    for codes, group in groupby(ordered, key=lambda one: one.codes):
        yield codes, list(group)


def _look_at(
    workspace: Workspace, history: History, now: datetime, part: Part, printed: Callable[[History], bool]
) -> Looked:
    flow: list[ControlFinding] = []
    codes: set[str] = set()
    reconciliation: Reconciliation | None = None
    completed = history.row.status == Status.COMPLETED or history.logged("document.completed") is not None
    if part != "archive":
        flow += [*check(history, now), *log_rules.facts_differ(history)]
        codes |= {*FLOW, *log_rules.CODES}
        if not completed:
            flow += standing(workspace, history)
            codes |= _OF_A_FILE
    if part != "flow" and completed:
        with_page = printed(history)
        reconciliation = next(reconcile(workspace, [history], now=now, printed=with_page))
        codes |= RECONCILIATION.keys() - (frozenset() if with_page else OF_THE_PRINTED)
    return Looked(history.document_id, history, tuple(flow), reconciliation, frozenset(codes))
