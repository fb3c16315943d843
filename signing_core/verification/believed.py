"""A trust store as chains need it: parsed, with what is an anchor told from what only helps to build a chain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from signing_core.pdf import trusted_lists
from signing_core.pki.x509_certificates import X509
from signing_core.pki.x509_certificates import parse as parse_x509
from signing_core.trust import House, TrustStore
from signing_core.verification.issuer_signatures import issued_by
from signing_core.verification.listed import NOTHING_LISTED, Listed, from_list


@dataclass(frozen=True, eq=False)
class Believed:
    store: TrustStore
    anchors: frozenset[X509]
    """For signatures of documents."""
    stamp_anchors: frozenset[X509]
    """For time-stamps: these, and the roots of outside authorities, which vouch for nothing else."""
    others: tuple[X509, ...]
    """They help to build chains and are not trusted for themselves."""
    listed: Listed = NOTHING_LISTED


_KEPT: Final[dict[tuple[int, int], tuple[TrustStore, TrustStore, Believed]]] = {}
"""By identity, for as long as the process judges by the same stores: to compare lists of thousands of services costs more
than a verdict. The stores are held, so no other can take their place in memory."""


def both(given: TrustStore, own: TrustStore) -> Believed:
    """What was given and what a workspace knows."""
    key = (id(given), id(own))
    if key not in _KEPT:
        if len(_KEPT) > 16:
            _KEPT.clear()
        _KEPT[key] = (given, own, believed(given + own))
    return _KEPT[key][2]


def believed(store: TrustStore) -> Believed:
    """Certification authorities of no house are anchors; other X.509 certificates of none only when nothing else that is of none
    issued them. Those of houses are what the house says they are."""
    loose = list(_parsed(part.content for part in store.loose.parts if not part.is_key))
    authorities = [certificate for certificate in loose if _is_authority(certificate)]
    pinned = {c for c in loose if c in authorities or not (_signs_lists(c) or _issued_by_one(c, authorities))}
    roots = set(_parsed(content for house in store.houses for content in house.of("company-ca", "anchor")))
    outside = set(_parsed(content for house in store.every for content in house.of("time-stamp-authority")))
    every = _parsed(part.content for house in store.every for part in house.parts if not part.is_key)
    anchors = frozenset(roots | (pinned - outside))
    stamp_anchors = anchors | outside
    others = (*every, *_parsed(store.certificates))
    return Believed(
        store,
        anchors,
        stamp_anchors,
        tuple(c for c in dict.fromkeys(others) if c not in stamp_anchors),
        sum(map(from_list, store.lists), Listed()),
    )


@lru_cache(maxsize=64)
def fingerprints(house: House, *purposes: str) -> frozenset[bytes]:
    """SHA-256 of the house's X.509 certificates of these purposes."""
    return house.fingerprints(*purposes)  # type: ignore[arg-type]


def _parsed(contents: Iterable[bytes]) -> tuple[X509, ...]:
    return tuple(certificate for content in contents if (certificate := parse_x509(content)) is not None)


def _issued_by_one(certificate: X509, authorities: list[X509]) -> bool:
    return any(a.subject_key == certificate.issuer_key and issued_by(certificate, a) for a in authorities)


def _signs_lists(certificate: X509) -> bool:
    """Whether it is the X.509 certificate of a trusted list's scheme operator, who signs no documents with it."""
    return trusted_lists.TSL_SIGNING in (certificate.extended_key_usage or ())


def _is_authority(certificate: X509) -> bool:
    constraints = certificate.basic_constraints
    return constraints[0] if constraints is not None else certificate.version < 3 and certificate.self_issued
