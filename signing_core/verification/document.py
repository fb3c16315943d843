"""Verification of one document, as a list of steps in the order of ETSI EN 319 102-1.

(1) structure: revisions, signatures, unexplained bytes (`signing_core.pdf.revisions`);
(2) each signature by itself: format, signing X.509 certificate, digest, signature value, its time-stamps (`examination`);
(3) validation data: what the file and the caller give for chains and revocation (`validation_data`, `trust`);
(4) time: which time-stamps are proof, and in what window each signature was made (`times`);
(5) chains: path, validity, revocation in that window (`chains`);
(6) changes since each signed revision (`changes`);
(7) the verdict of each signature (`conclusion`), its level (`levels`);
(8) what makes a document one of ours: roles, seal, QR code, prefix, registry, audit log (`our_documents`);
(9) the fold: a document is as good as its worst signature (`signing_core.verdict.fold`).

`verify` never raises for what a document contains: a part that fails becomes `indeterminate` with the finding
`internal-error`, and the verdict is never better for it.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final, TypeVar

from signing_core import __version__
from signing_core.errors import UsageError
from signing_core.pdf.revisions import FileStructure, Limits, SignatureRecord, parse
from signing_core.pki.x509_certificates import X509
from signing_core.policy import Policy
from signing_core.trust import TrustStore
from signing_core.verdict import (
    CertificateVerdict,
    DocumentVerdict,
    Finding,
    Integrity,
    Severity,
    SignatureVerdict,
    SubIndication,
    TimeAxis,
    fold,
    worst_integrity,
)
from signing_core.verification import (
    believed,
    file_content,
    findings,
    gathering,
    levels,
    our_documents,
    scanned,
    validation_data,
    whole_file,
)
from signing_core.verification.chains import ChainVerdict, Surroundings, judge, worst
from signing_core.verification.conclusion import ChangesSince, Role, conclude, from_structure
from signing_core.verification.context import WorkspaceContext
from signing_core.verification.examination import Examined, examine
from signing_core.verification.file_content import TooLarge
from signing_core.verification.revocation import Material
from signing_core.verification.signed_content import Hasher
from signing_core.verification.times import Timeline
from signing_core.verification.undecided import undecided

if TYPE_CHECKING:
    from signing_core.verification.changes.analysis import History

_log = logging.getLogger(__name__)
_MAX_SIGNATURES: Final = 500
T = TypeVar("T")
_NOTHING: Final = TrustStore()


def verify(
    source: bytes | str | os.PathLike[str],
    *,
    at: datetime,
    policy: Policy | None = None,
    trust: TrustStore | None = None,
    revocation: Material | None = None,
    password: str | None = None,
    workspace_context: WorkspaceContext | None = None,
    online: bool = False,
    limits: Limits | None = None,
) -> DocumentVerdict:
    """Judge one PDF for the time `at` (aware).

    Args:
        source: the file's bytes, or its path.
        policy: the default policy when None.
        trust: anchors, seals and public keys; None judges integrity alone (`trust` is then `unknown`).
        revocation: CRLs and OCSP responses besides those in the file.
        password: for encrypted files.
        workspace_context: own anchors, registry and audit log of a workspace.
        online: whether CRLs and OCSP responses may be fetched over HTTP.

    Never raises for what the file contains or for a file that cannot be read; `UsageError` for a naive `at`, and for a `trust`
    that contradicts what the workspace knows.
    """
    if at.tzinfo is None:
        raise UsageError("The time to judge for has no offset; give an aware datetime.")
    started = perf_counter()
    run = _Run(at, policy or Policy(), trust or _NOTHING, revocation or Material(), password, workspace_context, online)
    path = None if isinstance(source, bytes) else os.fspath(source)
    try:
        data = source if isinstance(source, bytes) else file_content.read(Path(source), (limits or Limits()).file_bytes)
    except TooLarge as error:
        return run.too_large(path, error, started)
    except OSError as error:
        return run.unreadable(path, findings.make("unreadable", error.strerror or type(error).__name__), started)
    except MemoryError:
        return run.unreadable(path, findings.make("limit-exceeded", "memory"), started)
    try:
        return run.document(data, path, limits, started)
    except MemoryError:
        return run.unreadable(path, findings.make("limit-exceeded", "memory"), started, data)
    except Exception as error:
        # The promise is that no file gets an exception; what went wrong is for the log, without the file's content.
        _log.debug("verification failed", exc_info=True)
        return run.unreadable(path, findings.make("internal-error", type(error).__name__), started, data)


class _Run:
    """One document under one set of rules."""

    def __init__(
        self,
        at: datetime,
        policy: Policy,
        trust: TrustStore,
        revocation: Material,
        password: str | None,
        context: WorkspaceContext | None,
        online: bool,
    ) -> None:
        self._at = at
        self._policy = policy
        self._context = context
        self._trust = believed.both(trust, context.trust if context else _NOTHING)
        self._revocation = revocation
        self._password = password
        self._online = online
        self._findings: list[Finding] = []
        self._document = Integrity.UNSIGNED
        self._history: History | None = None
        self._roots: dict[int, X509] = {}
        """The anchor that a signature's chain leads to, by index."""

    # -- steps --------------------------------------------------------------------------------------------------------

    def document(self, data: bytes, path: str | None, limits: Limits | None, started: float) -> DocumentVerdict:
        hasher = Hasher(data)
        # (1) structure
        structure = parse(data, password=self._password, limits=limits)
        records = structure.signatures[:_MAX_SIGNATURES]
        self._file(structure, data)
        # (2) each signature by itself, with the X.509 certificates that the file holds (3)
        none: tuple[validation_data.Store, ...] = ()
        stores = self._guarded(lambda: validation_data.stores(structure), none) if records else none
        stored = tuple(dict.fromkeys(c for store in stores for c in store.certificates))
        others = (*stored, *self._trust.others, *self._trust.stamp_anchors)
        examined = [self._examined(record, index, hasher, others) for index, record in enumerate(records)]
        # (3) validation data
        pool = gathering.certificates(examined, others)
        inside = gathering.revocation_data(examined, stores)
        around = Surroundings(
            self._policy,
            self._trust.anchors,
            self._trust.stamp_anchors,
            pool,
            inside + self._revocation,
            self._fetcher(),
            self._trust.listed,
        )
        # (4) time
        timeline = Timeline(examined, around, self._at)
        found = self._guarded(lambda: our_documents.marks(structure, records), our_documents.Marks())
        signatures = tuple(
            self._signature(item, examined, structure, hasher, stores, inside, around, timeline, found.roles)
            for item in examined
        )
        # (8) documents of ours
        sha256 = hasher.prefix_sha256(len(data))
        ours = self._ours(found, structure, examined, sha256)
        # (9) the fold
        if examined and inside.unreadable:
            self._note("revocation-unreadable", str(inside.unreadable))
        folded = fold(signatures, document=self._document)
        if folded.integrity is Integrity.UNSIGNED:
            self._note("no-signature")
            scan = self._guarded(lambda: scanned.judge(structure, self._trust.store, self._password), None)
            if scan is not None:
                self._note(*scan)
        signed = bool(signatures)
        return DocumentVerdict(
            tool_version=__version__,
            policy=self._policy.reference(),
            at=self._at,
            path=path,
            sha256=sha256,
            size=len(data),
            pages=self._guarded(lambda: structure.pages, None),
            encrypted=structure.encrypted,
            document_id=found.document_id,
            integrity=folded.integrity,
            trust=folded.trust,
            time=self._time(signatures, timeline, examined) if signed else None,
            indication=folded.indication,
            sub_indication=folded.sub_indication,
            signatures=signatures,
            certificate=ours.certificate,
            registry=ours.registry,
            audit_log=ours.audit_log,
            findings=tuple(dict.fromkeys(self._findings)),
            elapsed_ms=_elapsed(started),
        )

    def _file(self, structure: FileStructure, data: bytes) -> None:
        """What the file as a whole allows to say."""
        self._findings += [from_structure(problem) for problem in structure.problems]
        code = self._guarded(lambda: whole_file.why_undecided(structure, data), None)
        if code is not None:
            self._worse(Integrity.INDETERMINATE, code)
        if structure.damaged and structure.signatures:
            self._note("structure-damaged")
        if len(structure.signatures) > _MAX_SIGNATURES:
            self._worse(Integrity.INDETERMINATE, "limit-exceeded", f"{len(structure.signatures)} signatures")

    def _examined(self, record: SignatureRecord, index: int, hasher: Hasher, others: tuple[X509, ...]) -> Examined:
        failed = Examined(record, index, None, SubIndication.CUSTOM, notes=(("internal-error", ""),))
        return self._guarded(lambda: examine(record, index, hasher, others), failed)

    def _fetcher(self) -> Callable[[X509, X509], Material] | None:
        if not self._online:
            return None
        from signing_core.verification.online import Fetcher

        return Fetcher(lambda code, detail: self._note(code, detail)).fetch

    def _signature(
        self,
        item: Examined,
        examined: Sequence[Examined],
        structure: FileStructure,
        hasher: Hasher,
        stores: Sequence[validation_data.Store],
        inside: Material,
        around: Surroundings,
        timeline: Timeline,
        roles: dict[int, Role],
    ) -> SignatureVerdict:
        # (5) chains
        timing = timeline.timing(item)
        token, tokens = timeline.token(item), timeline.own(item)
        chain: ChainVerdict | None = None
        if item.token is not None:
            chain = token.chain if token else None
        elif item.certificates:
            chain = self._guarded(lambda: worst([judge(c, timing.window, around) for c in item.certificates]), None)
        if chain and chain.path.anchored:
            self._roots[item.index] = chain.path.certificates[-1]
        # (6) changes
        unexplained = structure.unexplained_after(item.ends_at)
        changes = self._changes(item, structure, bool(unexplained))
        if unexplained and changes.level != "forbidden":
            # The change analysis says so itself; this holds where it could not be asked.
            detail = f"bytes {unexplained[0].start} to {unexplained[0].end}"
            changes = ChangesSince("forbidden", (*changes.findings, findings.make("change-unexplained-bytes", detail)))
        # (7) level and verdict
        covering = [
            other
            for other in examined
            if other.token is not None and other is not item and other.intact and other.ends_at > item.ends_at
            and (other.record.covered_revision or 0) >= item.record.revision
        ]  # fmt: skip
        return conclude(
            item,
            role=roles.get(item.index),
            level=levels.level(item, chain, [t.chain for t in tokens if t.chain], covering, stores, inside),
            timing=timing,
            chain=chain,
            own_token=token,
            tokens=(*tokens, *timeline.inside(item)),
            changes=changes,
            covered_sha256=hasher.prefix_sha256(min(item.ends_at, len(structure.data))) if item.ends_at else None,
            policy=self._policy,
            extra=levels.profile_notes(item),
        )

    def _changes(self, item: Examined, structure: FileStructure, unexplained: bool) -> ChangesSince:
        covered = item.record.covered_revision
        if item.record.coverage in ("partial", "invalid") or covered is None:
            return ChangesSince("unknown")
        if item.record.coverage == "whole-file" and not unexplained:
            return ChangesSince("none")
        from signing_core.verification.changes import analysis

        failed = ChangesSince("unknown", (findings.make("internal-error", "change analysis"),))

        def analysed() -> ChangesSince:
            if self._history is None:  # of this document, shared by its signatures and gone with it
                self._history = analysis.History(structure)
            report = analysis.judge(self._history, covered, item.index)
            return ChangesSince(report.level.value, tuple(from_structure(finding) for finding in report.findings))

        return self._guarded(analysed, failed)

    def _ours(
        self,
        found: our_documents.Marks,
        structure: FileStructure,
        examined: Sequence[Examined],
        sha256: str,
    ) -> our_documents.OurAxis:
        nothing = our_documents.OurAxis(CertificateVerdict(), None, None, False, ())

        def asked() -> our_documents.OurAxis:
            return our_documents.judge(
                found,
                structure=structure,
                examined=examined,
                roots=self._roots,
                sha256=sha256,
                trust=self._trust.store,
                context=self._context,
                password=self._password,
            )

        axis = self._guarded(asked, nothing)
        for code, detail in axis.notes:
            self._note(code, detail)
        if axis.altered:
            self._document = Integrity.ALTERED
        return axis

    @staticmethod
    def _time(signatures: Sequence[SignatureVerdict], timeline: Timeline, examined: Sequence[Examined]) -> TimeAxis:
        if any(timeline.timing(item).inconsistent for item in examined):
            return TimeAxis.INCONSISTENT
        main = [s for s in signatures if s.kind == "signature"] or signatures
        return TimeAxis.PROVEN if all(s.proven_time for s in main) else TimeAxis.CLAIMED

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _note(self, code: str, detail: str = "", *, severity: Severity | None = None) -> None:
        self._findings.append(findings.make(code, detail, severity=severity))

    def _worse(self, integrity: Integrity, code: str, detail: str = "") -> None:
        self._document = worst_integrity((self._document, integrity))
        if all(finding.code != code for finding in self._findings):
            self._note(code, detail)

    def _guarded(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            return work()
        except (Exception, RecursionError) as error:
            _log.debug("a step of the verification failed", exc_info=True)
            self._worse(Integrity.INDETERMINATE, "internal-error", type(error).__name__)
            return otherwise

    def too_large(self, path: str | None, error: TooLarge, started: float) -> DocumentVerdict:
        """The verdict for a file that is not read at all."""
        self._note("limit-file-size", str(error))
        return replace(self.unreadable(path, findings.make("limit-exceeded", "size"), started), size=error.size)

    def unreadable(
        self, path: str | None, finding: Finding, started: float, data: bytes | None = None
    ) -> DocumentVerdict:
        """The verdict for what could not be judged at all."""
        return replace(
            undecided(path, self._at, self._policy, *self._findings, finding),
            sha256=hashlib.sha256(data).hexdigest() if data is not None else None,
            size=len(data) if data is not None else None,
            elapsed_ms=_elapsed(started),
        )


def _elapsed(started: float) -> float:
    return round((perf_counter() - started) * 1000, 3)
