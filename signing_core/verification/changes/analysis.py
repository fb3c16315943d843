"""Entry points of the change analysis."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from signing_core.pdf.revisions import FileStructure, Finding, Lock, Severity
from signing_core.pdf.structure import pages
from signing_core.pdf.structure.budget import LimitReached
from signing_core.pdf.structure.values import Ref
from signing_core.verification.changes.mentions import Mentions, ParsedMentions, ScannedMentions
from signing_core.verification.changes.report import ChangeLevel, ChangeReport, Difference
from signing_core.verification.changes.step import Change, Kind
from signing_core.verification.changes.update import appearance_numbers, changed_numbers, compare_fast, compare_full

Way = Literal["fast", "full", "naive"]


class History:
    """The changes of every revision of one file, each analysed once, whoever asks."""

    def __init__(self, structure: FileStructure, way: Way | None = None) -> None:
        self.structure = structure
        self.way = way
        self._steps: dict[int, list[Change]] = {}
        self._scanned: ScannedMentions | None = None
        self._scanned_from = 0
        """The first revision whose numbers, and those of all later ones, were searched for."""
        self._parsed: ParsedMentions | None = None
        self.ways: dict[int, Way] = {}
        """Which way answered, by revision."""

    def step(self, revision: int) -> list[Change]:
        """What `revision` changed against the one before."""
        if revision not in self._steps:
            self._steps[revision] = self._analyse(revision)
        return self._steps[revision]

    def _analyse(self, revision: int) -> list[Change]:
        if self.way in (None, "fast"):
            changes = compare_fast(self.structure, revision, self._scan(revision))
            if changes is not None:
                self.ways[revision] = "fast"
                return changes
            if self.way == "fast":
                return [Change(Kind.UNKNOWN, "change-not-judged", "The fast way cannot tell.")]
        self.ways[revision] = self.way or "full"
        return compare_full(self.structure, revision, self._parse(), naive=self.way == "naive")

    def _scan(self, revision: int) -> ScannedMentions:
        if self._scanned is not None and revision >= self._scanned_from:
            return self._scanned
        numbers: set[int] = set()
        for later in range(revision, len(self.structure.revisions) + 1):
            numbers |= changed_numbers(self.structure, later)
            form = self.structure.form(later - 1)
            numbers |= form.numbers
            for field in form.fields:
                for widget in field.widgets:
                    if widget.ref is not None and widget.ref.number in numbers:
                        numbers |= appearance_numbers(self.structure, widget.dict, later - 1)
                        page = self.structure.resolve(widget.dict.get("P"), later - 1)
                        if isinstance(page, dict) and isinstance(page.get("Annots"), Ref):
                            numbers.add(page["Annots"].number)
        self._scanned, self._scanned_from = ScannedMentions(self.structure, numbers), revision
        return self._scanned

    def _parse(self) -> Mentions:
        if self._parsed is None:
            self._parsed = ParsedMentions(self.structure)
        return self._parsed


@lru_cache(maxsize=2)
def history(structure: FileStructure) -> History:
    """The history of a file. The last two are kept: one file is asked about several times in a row."""
    return History(structure)


def since(structure: FileStructure, revision: int, *, signature: int | None = None) -> ChangeReport:
    """Judge what every revision after `revision` did, under the rules that signatures up to it set.

    Args:
        structure: from `signing_core.pdf.revisions.parse`.
        revision: the revision a signature covers (`SignatureRecord.covered_revision`).
        signature: index into `structure.signatures` of the signature to judge for; without it the rules of all
            signatures that cover `revision` apply.

    Never raises for what the file contains.
    """
    return judge(history(structure), revision, signature)


def judge(steps: History, revision: int, signature: int | None = None) -> ChangeReport:
    """`since`, with the analysis to use."""
    structure = steps.structure
    if not structure.revisions or not 1 <= revision <= len(structure.revisions):
        return _unknown("change-not-judged", "There is no such revision to compare with.")
    findings: list[Finding] = []
    level = ChangeLevel.NONE
    permission, locks = _rules(structure, revision, signature)
    end = structure.revisions[revision - 1].end
    for span in structure.unexplained_after(end):
        level = ChangeLevel.FORBIDDEN
        findings.append(
            Finding(
                "change-unexplained-bytes",
                Severity.ERROR,
                f"Bytes {span.start} to {span.end} came after signing and belong to no revision ({span.what}).",
            )
        )
    for number in structure.beyond(revision)[:10] if end < len(structure.data) else ():
        if structure.location(number, len(structure.revisions)) is None:
            continue
        level = ChangeLevel.FORBIDDEN
        findings.append(
            Finding(
                "change-object-beyond-revision",
                Severity.ERROR,
                f"Object {number} of the signed revision lies behind its end, where anything could be put later.",
                revision=revision,
            )
        )
    before = structure.budget.start()
    try:
        for number in range(revision + 1, len(structure.revisions) + 1):
            changes = steps.step(number)
            level = max(level, ChangeLevel.PERMITTED, key=_ORDER.index)
            for change in changes:
                verdict, finding = _judged(change, number, permission, locks)
                level = max(level, verdict, key=_ORDER.index)
                findings.append(finding)
            for owner, item in structure.misplaced:
                if owner == number:
                    level = ChangeLevel.FORBIDDEN
                    findings.append(
                        Finding(
                            "change-misplaced-object",
                            Severity.ERROR,
                            f"Object {item} is not where its cross-reference entry says: viewers may show different things.",
                            revision=number,
                        )
                    )
    except LimitReached as error:
        structure.limit(error)
        unknown = _unknown("change-not-judged", f"The changes could not be judged: {error}.")
        level = max(level, ChangeLevel.UNKNOWN, key=_ORDER.index)
        findings += unknown.findings
    finally:
        structure.budget.stop(before)
    if not structure.readable and level is not ChangeLevel.FORBIDDEN and revision < len(structure.revisions):
        level = ChangeLevel.UNKNOWN
        findings += _unknown(
            "change-not-judged", "The file cannot be read as a whole, so its changes cannot be judged."
        ).findings
    return ChangeReport(level, tuple(dict.fromkeys(findings)))


_ORDER = [ChangeLevel.NONE, ChangeLevel.PERMITTED, ChangeLevel.UNKNOWN, ChangeLevel.FORBIDDEN]


def _unknown(code: str, message: str) -> ChangeReport:
    return ChangeReport(ChangeLevel.UNKNOWN, (Finding(code, Severity.WARNING, message),))


def _rules(structure: FileStructure, revision: int, signature: int | None) -> tuple[int | None, list[Lock]]:
    """(the strictest DocMDP /P, all locks) that bind a signature covering `revision`."""
    permission: int | None = None
    locks: list[Lock] = []
    for index, record in enumerate(structure.signatures):
        own = index == signature if signature is not None else record.covered_revision == revision
        binding = own or (record.certification and record.revision <= revision)
        if not binding:
            continue
        if record.doc_mdp is not None:
            permission = record.doc_mdp if permission is None else min(permission, record.doc_mdp)
        locks += record.field_mdp
    return permission, locks


def _judged(change: Change, revision: int, permission: int | None, locks: list[Lock]) -> tuple[ChangeLevel, Finding]:
    def finding(severity: Severity, reason: str = "") -> Finding:
        message = change.message if not reason else f"{change.message.rstrip('.')}: {reason}."
        return Finding(change.code, severity, message, change.field, revision, change.page)

    kind = change.kind
    if kind is Kind.FORBIDDEN:
        return ChangeLevel.FORBIDDEN, finding(Severity.ERROR)
    if kind is Kind.UNKNOWN:
        return ChangeLevel.UNKNOWN, finding(Severity.WARNING)
    refused = ""
    if kind is Kind.FORM:
        if permission == 1:
            refused = "the certification permits no changes"
        elif change.field is not None and not change.new_field and any(lock.covers(change.field) for lock in locks):
            refused = "an earlier signature locked this field"
    elif kind is Kind.ANNOTATION and permission not in (None, 3):
        refused = "the certification permits no annotations"
    elif kind is Kind.ANNOTATION_EDIT and permission != 3:
        refused = "it changes what the signer saw"
    if refused:
        return ChangeLevel.FORBIDDEN, finding(Severity.ERROR, refused)
    return ChangeLevel.PERMITTED, finding(Severity.INFO)


def difference(structure: FileStructure, revision: int) -> Difference:
    """Pages, fields and annotations that differ between `revision` and the newest state.

    A change that reaches every page (resources of the page tree, say) is listed for the first page only.
    """
    steps = history(structure)
    shown: set[int] = set()
    fields: dict[str, None] = {}
    annotations: dict[str, None] = {}
    pages_before: int | None = None
    before = structure.budget.start()
    try:
        pages_before = pages.count(structure, revision)
        for number in range(revision + 1, len(structure.revisions) + 1):
            for change in steps.step(number):
                if change.page is not None:
                    shown.add(change.page)
                if change.field is not None:
                    fields[change.field] = None
                if change.annotation is not None:
                    annotations[f"page {change.page}: {change.annotation}"] = None
    except LimitReached as error:
        structure.limit(error)
    finally:
        structure.budget.stop(before)
    return Difference(tuple(sorted(shown)), pages_before, structure.pages, tuple(fields), tuple(annotations))
