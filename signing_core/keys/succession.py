"""The successor of the company CA, in the same ring: a new root, and new keys under it.

(1) The successor is made and kept as `ca-next.p12`, so that no root is ever published whose key is lost.
(2) The former CA's key is kept under its name, for its CRLs.
(3) The successor's root is published beside the former ones, which stay anchors.
(4) The successor takes the place of the CA.
(5) First-party, seal and time-stamp keys that a former company CA certified get successors under the new root.

The ring opens and signs after each of them. Run again after it was cut off, it goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from signing_core.errors import UsageError
from signing_core.keys import ca as company_ca
from signing_core.keys import chains
from signing_core.keys.profiles import BACKDATED_ROOT
from signing_core.keys.ring_folder import NEXT_CA
from signing_core.keys.settings import PURPOSES, Purpose
from signing_core.keys.software import SoftwareKey, new_private_key

if TYPE_CHECKING:
    from signing_core.keys.ring import KeyRing

_AGAIN = timedelta(days=1)
"""A CA that is younger, with nothing left to do, is the result of the succession that is asked for."""


@dataclass(frozen=True, slots=True)
class Succession:
    new: x509.Certificate
    """The root in use."""
    former: tuple[x509.Certificate, ...]
    """The roots before it, newest first."""
    renewed: tuple[Purpose, ...]
    """Keys that got successors under the new root now."""
    to_certify: tuple[Purpose, ...]
    """Keys on tokens that a former company CA certified: `certify_token` is for somebody to call."""
    bought: tuple[Purpose, ...]
    """Keys that others certified: nothing changes for them."""


def succeed(ring: KeyRing, *, again: bool = False) -> Succession:
    """Make the company CA's successor, or finish what was begun. `again`: also where the last one is of today.

    A CA on a token has its successor there: with a new root by `certify_token`, this does what is left, step (5). Raises
    `UsageError` when that was not done, `ConcurrentChange` when another process is at it, `KeyUnavailable`.
    """
    with ring._files.changing():
        return _succeed(ring, again)


def _succeed(ring: KeyRing, again: bool) -> Succession:
    if not _begun(ring) and (again or not _just_done(ring)):
        if "ca" in ring.settings.tokens:
            raise UsageError(
                "The company CA is on a token: make a key for its successor there, name it in the settings and run "
                "`sealtrail keys certify-token ca`; then run this again."
            )
        ring._files.store(NEXT_CA, _successor(ring))
    if ring._files.state(NEXT_CA) is not None:
        _take_over(ring)
    renewed = _under_former(ring, on_token=False)
    for purpose in renewed:
        ring._renew(purpose)
    return Succession(
        new=ring.ca.certificate,
        former=tuple(ca.certificate for ca in ring.cas[1:]),
        renewed=tuple(renewed),
        to_certify=tuple(_under_former(ring, on_token=True)),
        bought=tuple(p for p in PURPOSES if p != "ca" and not ring.company_issued(ring.certificate(p))),
    )


def _begun(ring: KeyRing) -> bool:
    return ring._files.state(NEXT_CA) is not None or bool(_under_former(ring, on_token=False))


def _just_done(ring: KeyRing) -> bool:
    made = ring.ca.certificate.not_valid_before_utc + BACKDATED_ROOT
    return len(ring.cas) > 1 and ring._clock() - made < _AGAIN


def _successor(ring: KeyRing) -> SoftwareKey:
    private_key, about = new_private_key(), ring.description
    root = company_ca.root_certificate(
        about.organisation,
        private_key.public_key(),
        private_key,
        now=ring._clock(),
        country=about.country,
        former=ring.trust_anchors,
    )
    return SoftwareKey(private_key, root, ())


def _take_over(ring: KeyRing) -> None:
    successor, former = ring._files.load(NEXT_CA), ring._files.load("ca")
    if successor.certificate != former.certificate:
        ring._files.store(company_ca.name_of(former.certificate), former)
        ring._publish("ca", successor)
        ring._store("ca", successor)
    ring._files.remove_next_ca()


def _under_former(ring: KeyRing, *, on_token: bool) -> list[Purpose]:
    """Keys that a company CA before this one certified."""
    found: list[Purpose] = []
    for purpose in PURPOSES:
        if purpose != "ca" and (purpose in ring.settings.tokens) is on_token:
            certificate = ring.certificate(purpose)
            if ring.company_issued(certificate) and not chains.issued_by(certificate, ring.ca.certificate):
                found.append(purpose)
    return found
