"""The store: houses, and what was given without one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from signing_core.trust.house import House, Part

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from signing_core.keys.settings import Statement
    from signing_core.pdf.trusted_lists import TrustedList

NO_HOUSE: Final = House("", "", ())


@dataclass(frozen=True)
class TrustStore:
    """Nothing in it: who signed is then not established, and `trust` is `unknown`.

    What belongs to a house is said by the line above each PEM block (`keys.headed_pem`). Parts without one are believed
    for what they say of themselves: certification authorities are anchors, a file called `seal.pem` holds seals, and public
    keys count for QR codes and checkpoints alike.
    """

    houses: tuple[House, ...] = ()
    loose: House = NO_HOUSE
    """Parts of no house: anchors of authorities, keys of somebody."""
    own: str | None = None
    """The id of the house that "we" are: a workspace's. None without a workspace: then each house given is."""
    lists: tuple[TrustedList, ...] = ()
    """European trusted lists, whose services are anchors while they were granted."""
    certificates: tuple[bytes, ...] = ()
    """DER of intermediates that help to build chains and are trusted for nothing."""

    def __add__(self, other: TrustStore) -> TrustStore:
        """Both; the same house of both once, with the parts of both."""
        known = {house.id: house for house in self.houses}
        for house in other.houses:
            known[house.id] = _joined(known[house.id], house) if house.id in known else house
        return TrustStore(
            tuple(known.values()),
            _joined(self.loose, other.loose),
            self.own or other.own,
            tuple(dict.fromkeys(self.lists + other.lists)),
            tuple(dict.fromkeys(self.certificates + other.certificates)),
        )

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.houses or self.loose.parts or self.lists)

    def with_certificates(self, certificates: Iterable[bytes]) -> TrustStore:
        """With more intermediates that are no anchors."""
        return replace(self, certificates=tuple(dict.fromkeys((*self.certificates, *certificates))))

    @property
    def every(self) -> tuple[House, ...]:
        """The houses, and last what belongs to none."""
        return (*self.houses, self.loose)

    @property
    def own_house(self) -> House | None:
        return next((house for house in self.houses if house.id == self.own), None)

    def is_own(self, house: House) -> bool:
        """Whether "we" are this house."""
        return self.own is None or house.id == self.own

    def keys(self, purpose: Statement) -> dict[bytes, House]:
        """Raw Ed25519 public keys for `purpose`, each with the house that it belongs to."""
        found: dict[bytes, House] = {}
        for house in self.every:
            for part in house.parts:
                if part.is_key and (part.purpose == purpose or (part.purpose is None and house is self.loose)):
                    found.setdefault(part.content, house)
        return found

    def public_keys(self, purpose: Statement) -> list[Ed25519PublicKey]:
        """The same as objects of `cryptography`."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        return [Ed25519PublicKey.from_public_bytes(raw) for raw in self.keys(purpose)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything that a verdict may rest on."""
        said = [f"own {self.own}", f"lists {self.lists!r}", *sorted(c.hex() for c in self.certificates)]
        for house in self.every:
            parts = sorted(f"{part.purpose} {part.used_from} {part.content.hex()}" for part in house.parts)
            said += [f"house {house.id} {house.name}", *parts]
        return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _joined(one: House, other: House) -> House:
    """One house of what two rooms know of it. Those with a time first and by it, so that the newest stays first."""
    parts: dict[tuple[object, bytes], Part] = {}
    for part in (*one.parts, *other.parts):
        parts.setdefault((part.purpose, part.content), part)
    timed = sorted((p for p in parts.values() if p.used_from), key=lambda p: p.used_from or 0, reverse=True)
    return replace(one, parts=(*timed, *(p for p in parts.values() if p.used_from is None)))
