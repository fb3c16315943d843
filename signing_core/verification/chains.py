"""Whether an X.509 certificate could be relied on when it was used (ETSI EN 319 102-1, 5.2.6 and 5.6.2).

The time of use is known as a window: it existed at `upper` (proven by time-stamps, or no more than that it exists now),
and it cannot be older than `lower` (it covers something that was time-stamped then). Each question is put to that side
of the window that makes the answer hold for the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Final

from signing_core.pki import der
from signing_core.pki.x509_certificates import X509
from signing_core.policy import Algorithm, Judgement, Policy
from signing_core.verdict import Indication, Revocation, SubIndication, Trust
from signing_core.verification import purposes
from signing_core.verification.algorithms import IDENTIFY_NOTHING, UnknownAlgorithm, scheme
from signing_core.verification.listed import NOTHING_LISTED, Grant, Listed, Purpose
from signing_core.verification.paths import Path, build
from signing_core.verification.revocation import Material, Sources, entries
from signing_core.verification.revocation_entry import CLOCKS, Entry, against
from signing_core.verification.signature_values import algorithm_of
from signing_core.verification.signers import Note


@dataclass(frozen=True, slots=True)
class Window:
    """When it was used."""

    upper: datetime
    proven: bool
    """Whether `upper` is proven by a time-stamp; else it is the time judged for."""
    lower: datetime | None
    at: datetime
    """The time judged for: nothing published later counts."""
    stamped: datetime | None = None
    """For time-stamp authorities: the time in the token."""


@dataclass(frozen=True)
class Surroundings:
    """What a chain may be built and judged with."""

    policy: Policy
    anchors: frozenset[X509]
    """For documents."""
    stamp_anchors: frozenset[X509]
    """For time-stamps."""
    pool: tuple[X509, ...]
    """X.509 certificates from the file and from elsewhere, none of them trusted for itself."""
    material: Material
    fetch: Callable[[X509, X509], Material] | None = None
    """Gets revocation data for a certificate and its issuer over the network; None when that is not allowed."""
    listed: Listed = NOTHING_LISTED
    """Services of trusted lists: anchors for what they are listed for, while they were granted."""

    def anchors_for(self, purpose: Purpose) -> frozenset[X509]:
        return self.anchors if purpose == "document" else self.stamp_anchors


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """`indication` TOTAL-PASSED when nothing speaks against it."""

    trust: Trust
    revocation: Revocation
    indication: Indication
    sub_indication: SubIndication | None
    notes: tuple[Note, ...]
    path: Path


_PASSED: Final = Indication.TOTAL_PASSED
_OPEN: Final = Indication.INDETERMINATE
_FAILED: Final = Indication.TOTAL_FAILED
_INDICATIONS: Final = (_PASSED, _OPEN, _FAILED)
_TRUST: Final = (Trust.TRUSTED, Trust.UNKNOWN, Trust.UNTRUSTED)
_REVOCATIONS: Final[tuple[Revocation, ...]] = ("good", "unknown", "revoked")


def judge(certificate: X509, window: Window, around: Surroundings, *, purpose: Purpose = "document") -> ChainVerdict:
    """The first path that stands, else what speaks against the nearest one."""
    # What was stamped was stamped when the token says (5.6.2.4), as long as nothing else speaks against the token.
    moment = window.stamped or window.upper
    listed = around.listed.near((certificate, *around.pool))
    granted = [grant for grant in listed if grant.holds(moment, purpose)]
    anchors = around.anchors_for(purpose)
    paths = build(certificate, around.pool, anchors.union(grant.certificate for grant in granted))
    if not paths.found:
        _, revocation, notes = _revocation(paths.partial, window, around)
        constraint = _leaf_constraint(certificate, purpose)
        notes = tuple(note for note in notes if note[0] in ("revoked", "issuer-revoked")) + (
            constraint[2] if constraint else ()
        )
        lapsed = _lapsed(certificate, around, listed, moment, purpose)
        verdict: tuple[Trust, SubIndication, tuple[Note, ...]]
        if not anchors and not around.listed.given:
            verdict = (Trust.UNKNOWN, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, (("no-anchors", ""),))
        elif lapsed is not None:
            verdict = (Trust.UNTRUSTED, SubIndication.NO_CERTIFICATE_CHAIN_FOUND, (lapsed,))
        elif paths.obstacles:
            detail = paths.obstacles[0]
            verdict = (Trust.UNTRUSTED, SubIndication.CHAIN_CONSTRAINTS_FAILURE, (("chain-constraints", detail),))
        else:
            top = paths.partial.certificates[-1].issuer_text
            verdict = (
                Trust.UNTRUSTED,
                SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
                (
                    ("chain-not-found", f"the last issuer is {top}"),
                    *(("trusted-list-incomplete", problem) for problem in around.listed.problems[:3]),
                ),
            )
        return ChainVerdict(verdict[0], revocation, _OPEN, verdict[1], verdict[2] + notes, paths.partial)
    first = _path(paths.found[0], window, around, purpose)
    if first.indication is not _PASSED:
        others = (_path(path, window, around, purpose) for path in paths.found[1:])
        first = next((judged for judged in others if judged.indication is _PASSED), first)
    return replace(first, notes=first.notes + _grounds(first.path, anchors, granted))


def worst(chains: Sequence[ChainVerdict]) -> ChainVerdict:
    """Of several SignerInfos: what speaks against any of them speaks against the signature. `chains` has one at least."""
    chosen = max(chains, key=lambda chain: _INDICATIONS.index(chain.indication))
    return replace(
        chosen,
        trust=max((chain.trust for chain in chains), key=_TRUST.index),
        revocation=max((chain.revocation for chain in chains), key=_REVOCATIONS.index),
        notes=tuple(dict.fromkeys(note for chain in chains for note in chain.notes)),
    )


def _lapsed(
    certificate: X509, around: Surroundings, listed: list[Grant], moment: datetime, purpose: Purpose
) -> Note | None:
    """Why the listed service that a path would lead to is no anchor; None when none would."""
    found = build(certificate, around.pool, frozenset(grant.certificate for grant in listed)).found if listed else ()
    if not found:
        return None
    grants = [grant for grant in listed if grant.certificate == found[0].certificates[-1]]
    nearest = max(grants, key=lambda g: (g.purpose == purpose, g.covers(moment), g.since))
    return nearest.against(moment, purpose)


def _grounds(path: Path, anchors: frozenset[X509], granted: list[Grant]) -> tuple[Note, ...]:
    """Which list the anchor of a path is from, if from any."""
    anchor = path.certificates[-1]
    if anchor in anchors:
        return ()
    return next((grant.notes() for grant in granted if grant.certificate == anchor), ())


def _path(path: Path, window: Window, around: Surroundings, purpose: Purpose) -> ChainVerdict:
    outcome, revocation, notes = _revocation(path, window, around)
    steps = (
        _leaf_constraint(path.leaf, purpose),
        _validity(path, window, good=revocation == "good"),
        outcome,
        _algorithms(path, window, around.policy),
    )
    notes = notes + tuple(note for step in steps if step for note in step[2] if note not in notes)
    for step in steps:
        if step:
            return ChainVerdict(Trust.TRUSTED, revocation, step[0], step[1], notes, path)
    return ChainVerdict(Trust.TRUSTED, revocation, _PASSED, None, notes, path)


_Step = tuple[Indication, SubIndication, tuple[Note, ...]] | None


def _leaf_constraint(leaf: X509, purpose: Purpose) -> _Step:
    notes = tuple(("critical-extension", oid) for oid in leaf.unknown_critical[:1]) + purposes.against(leaf, purpose)
    return (_OPEN, SubIndication.CHAIN_CONSTRAINTS_FAILURE, notes) if notes else None


def _validity(path: Path, window: Window, *, good: bool) -> _Step:
    used = window.stamped or window.upper
    for certificate in path.below_anchor:
        who = certificate.subject_text
        if used < certificate.not_before:
            return _FAILED, SubIndication.NOT_YET_VALID, (("not-yet-valid", who),)
        if window.upper > certificate.not_after:
            after = window.stamped if window.stamped is not None else window.lower
            if after is not None and after > certificate.not_after:
                return _FAILED, SubIndication.EXPIRED, (("expired", who),)
            sub = SubIndication.OUT_OF_BOUNDS_NOT_REVOKED if good else SubIndication.OUT_OF_BOUNDS_NO_POE
            return _OPEN, sub, (("expired-no-proof", who),)
    return None


def _revocation(path: Path, window: Window, around: Surroundings) -> tuple[_Step, Revocation, tuple[Note, ...]]:
    """The worst along the path. The anchor itself is not asked about."""
    state: Revocation = "good"
    step: _Step = None
    chain = path.certificates
    for index, certificate in enumerate(chain[:-1]):
        found, good = _status(chain[index:], window, around)
        leaf = index == 0
        if found is not None and found.revoked_at is not None:
            when = f"{certificate.subject_text} on {found.revoked_at:%Y-%m-%d %H:%M} UTC" + (
                f", {found.reason}" if found.reason else ""
            )
            if not leaf:
                return (
                    (_OPEN, SubIndication.REVOKED_CA_NO_POE, (("issuer-revoked", when),)),
                    "revoked",
                    (("issuer-revoked", when),),
                )
            after = window.stamped if window.stamped is not None else window.lower
            certain = after is not None and after >= found.revoked_at
            if found.on_hold:  # it may have been released since it was last said to be on hold
                certain = certain and (window.stamped or window.upper) <= found.this_update
            note = (("revoked", when),)
            if certain:
                return (_FAILED, SubIndication.REVOKED, note), "revoked", note
            return (_OPEN, SubIndication.REVOKED_NO_POE, note), "revoked", note
        if good:
            continue
        needed = _needed(certificate, around.policy)
        if certificate.needs_no_revocation:
            continue
        if leaf or needed:
            state = "unknown"
        if needed and step is None:
            step = (_OPEN, SubIndication.TRY_LATER, (("revocation-unknown", certificate.subject_text),))
    if len(chain) == 1 and not path.anchored:
        state = "unknown"
    return step, state, step[2] if step else ()


def _needed(certificate: X509, policy: Policy) -> bool:
    return policy.revocation == "required" or (policy.revocation == "declared" and certificate.declares_revocation)


def _sufficient(algorithm: der.Node, key: X509, made: datetime, policy: Policy) -> bool:
    """Whether what says of itself that it was signed then may be relied on. Where anybody can find collisions, no date can."""
    parsed = scheme(algorithm, None)
    return parsed.digest not in IDENTIFY_NOTHING and policy.judge(algorithm_of(parsed, key.spki)).good_at(made)


def _status(chain: tuple[X509, ...], window: Window, around: Surroundings) -> tuple[Entry | None, bool]:
    """(the entry that revokes the first of the chain, whether data shows that it was good)."""
    certificate = chain[0]
    sources = Sources(
        around.material,
        around.pool,
        window.at + CLOCKS,
        lambda other: _needed(other, around.policy),
        lambda algorithm, key, made: _sufficient(algorithm, key, made, around.policy),
        around.fetch,
    )
    # For a time-stamp, data from after the token answers; else it has to reach the time that the use is proven for.
    used = window.stamped or window.upper
    found = entries(chain, around.material, sources)
    revoking, good = _said(found, used, window, certificate)
    if not good and (revoking is None or revoking.on_hold) and around.fetch is not None:
        found += entries(chain, around.fetch(certificate, chain[1]), sources)
        found.sort(key=lambda entry: entry.this_update, reverse=True)
        revoking, good = _said(found, used, window, certificate)
    return revoking, good


def _said(found: list[Entry], used: datetime, window: Window, certificate: X509) -> tuple[Entry | None, bool]:
    revoking = against(found, used, window.upper, certificate.not_after)
    good = any(entry.shows_good_at(used, certificate.not_after) for entry in found)
    return revoking, revoking is None and good


def _algorithms(path: Path, window: Window, policy: Policy) -> _Step:
    chain = path.certificates
    for index, certificate in enumerate(chain[:-1]):
        judged = _chain_algorithm(certificate, chain[index + 1], policy)
        if judged is None or not judged.good_at(window.upper):
            what = f"{judged.limit if judged else 'unknown'} in the X.509 certificate of {certificate.subject_text}"
            return _OPEN, SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE, (("algorithm-weak", what),)
    return None


def _chain_algorithm(certificate: X509, issuer: X509, policy: Policy) -> Judgement | None:
    try:
        return policy.judge(_algorithm(certificate, issuer))
    except (UnknownAlgorithm, der.DerError):
        return None


@lru_cache(maxsize=1024)
def _algorithm(certificate: X509, issuer: X509) -> Algorithm:
    return algorithm_of(scheme(certificate.signature_algorithm, None), issuer.spki)
