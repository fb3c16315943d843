"""Paths from an X.509 certificate to a trust anchor (RFC 5280, 6.1), without time.

Signatures and constraints of a path do not change with time, validity and revocation do. So paths are built and checked
once, with the time in which all of their certificates are valid, and everything that moves is asked later (`chains`).
Name constraints and policy processing, which few paths have, are left to pyhanko-certvalidator.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from signing_core.pki.x509_certificates import (
    INHIBIT_ANY_POLICY,
    NAME_CONSTRAINTS,
    POLICY_CONSTRAINTS,
    X509,
)
from signing_core.verification.issuer_signatures import issued_by

_MAX_LENGTH: Final = 10
_MAX_STEPS: Final = 200
"""Signatures checked for one leaf: a hostile pool of look-alikes must not cost more."""
_MAX_PATHS: Final = 8
_DELEGATED: Final = (NAME_CONSTRAINTS, POLICY_CONSTRAINTS, INHIBIT_ANY_POLICY)


@dataclass(frozen=True)
class Path:
    """From the certificate itself to the anchor; complete when `anchored`."""

    certificates: tuple[X509, ...]
    anchored: bool

    @property
    def leaf(self) -> X509:
        return self.certificates[0]

    @property
    def below_anchor(self) -> tuple[X509, ...]:
        """Those whose validity and status matter: the anchor is believed as it is (RFC 5280, 6.1.1 (d))."""
        return self.certificates[:-1] if self.anchored else self.certificates

    @property
    def valid_from(self) -> datetime:
        return max((c.not_before for c in self.below_anchor), default=self.leaf.not_before)

    @property
    def valid_until(self) -> datetime:
        return min((c.not_after for c in self.below_anchor), default=self.leaf.not_after)


@dataclass(frozen=True)
class Paths:
    found: tuple[Path, ...]
    """Anchored ones that keep all constraints, nearest first."""
    partial: Path
    """The longest way up when there is none: for revocation and for naming what is missing."""
    obstacles: tuple[str, ...]
    """Why ways to an anchor were not taken, as sentences."""


def build(leaf: X509, pool: Iterable[X509], anchors: frozenset[X509]) -> Paths:
    """All ways from `leaf` to an anchor through the pool, within bounds."""
    if leaf in anchors:
        return Paths((Path((leaf,), True),), Path((leaf,), True), ())
    by_subject: dict[bytes, list[X509]] = {}
    for certificate in dict.fromkeys((*anchors, *pool)):
        by_subject.setdefault(certificate.subject_key, []).append(certificate)
    search = _Search(by_subject, anchors)
    search.climb((leaf,))
    return Paths(tuple(search.found), Path(search.longest, False), tuple(dict.fromkeys(search.obstacles)))


class _Search:
    def __init__(self, by_subject: dict[bytes, list[X509]], anchors: frozenset[X509]) -> None:
        self._by_subject = by_subject
        self._anchors = anchors
        self._steps = 0
        self.found: list[Path] = []
        self.longest: tuple[X509, ...] = ()
        self.obstacles: list[str] = []

    def climb(self, path: tuple[X509, ...]) -> None:
        if len(path) > len(self.longest):
            self.longest = path
        top = path[-1]
        candidates = [c for c in self._by_subject.get(top.issuer_key, ()) if c not in path]
        # Anchors first, then those whose key identifier fits: the usual chain is found without a wrong turn.
        candidates.sort(key=lambda c: (c not in self._anchors, not _key_fits(top, c)))
        for issuer in candidates:
            if len(self.found) >= _MAX_PATHS or self._steps >= _MAX_STEPS or len(path) >= _MAX_LENGTH:
                return
            self._steps += 1
            if not issued_by(top, issuer):
                continue
            obstacle = _obstacle(path, issuer)
            if obstacle:
                self.obstacles.append(obstacle)
                continue
            extended = (*path, issuer)
            if issuer in self._anchors:
                obstacle = _delegated(extended)
                if obstacle:
                    self.obstacles.append(obstacle)
                else:
                    self.found.append(Path(extended, True))
            else:
                self.climb(extended)


def _key_fits(child: X509, issuer: X509) -> bool:
    return child.authority_key_id is None or child.authority_key_id == issuer.subject_key_id


def _obstacle(path: tuple[X509, ...], issuer: X509) -> str | None:
    """What of RFC 5280, 6.1.4, the issuer does not keep."""
    constraints = issuer.basic_constraints
    if constraints is None and issuer.version < 3 and issuer.self_issued:
        constraints = (True, None)  # a version 1 root, which has no extensions to say so
    if constraints is None or not constraints[0]:
        return f"{issuer.subject_text} issued a certificate and is no certification authority"
    if not issuer.may_sign_certificates:
        return f"{issuer.subject_text} may not sign certificates by its key usage"
    between = sum(1 for certificate in path[1:] if not certificate.self_issued)
    if constraints[1] is not None and between > constraints[1]:
        return f"{issuer.subject_text} allows a shorter path only"
    if issuer.unknown_critical:
        return f"{issuer.subject_text} has a critical extension that is not known ({issuer.unknown_critical[0]})"
    return None


@lru_cache(maxsize=1024)
def _delegated(certificates: tuple[X509, ...]) -> str | None:
    """Name constraints and policies, by pyhanko-certvalidator; None when all is well or there are none."""
    if not any(oid in certificate.extensions for certificate in certificates[1:] for oid in _DELEGATED):
        return None
    from asn1crypto import x509 as asn1_x509
    from pyhanko_certvalidator.authority import CertTrustAnchor
    from pyhanko_certvalidator.context import ValidationContext
    from pyhanko_certvalidator.path import ValidationPath
    from pyhanko_certvalidator.policy_decl import NO_REVOCATION, AcceptAllAlgorithms, CertRevTrustPolicy
    from pyhanko_certvalidator.validate import async_validate_path

    below = certificates[:-1]
    moment = min(c.not_after for c in below) - timedelta(seconds=1)
    try:
        parsed = [asn1_x509.Certificate.load(certificate.der) for certificate in certificates]
        context = ValidationContext(
            trust_roots=[parsed[-1]],
            moment=moment,
            crls=[],
            ocsps=[],
            revinfo_policy=CertRevTrustPolicy(NO_REVOCATION),
            algorithm_usage_policy=AcceptAllAlgorithms(),
            time_tolerance=timedelta(days=36500),
        )
        path = ValidationPath(
            trust_anchor=CertTrustAnchor(parsed[-1]), interm=list(reversed(parsed[1:-1])), leaf=parsed[0]
        )
        _run(async_validate_path(context, path))
    except Exception as error:  # not kept, or too odd for that library: in neither case a path to rely on
        return f"the constraints of the path are not kept: {error or type(error).__name__}"
    return None


def _run(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run what is written asynchronously and waits for nothing: there may be an event loop around us already."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise ValueError("it waits for something")
