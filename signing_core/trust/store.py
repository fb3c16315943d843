"""The store: houses, and what was given without one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

from signing_core.errors import UsageError
from signing_core.pki import x509_certificates
from signing_core.trust.house import KEY_LENGTH, House, Part

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
        """Both; the same house of both once. What stands above a part is text, which anybody can write: who of two sources says
        more of a house than the other may be somebody else, who takes its name for parts of his own.

        Raises `UsageError` when the two say different things of one house, unless the one that says less is what a workspace was
        not told of by the other; and when two houses claim the same authority or key.
        """
        if self.own is None or self.own != other.own:
            known = {house.id: house for house in other.houses}
            for house in self.houses:
                if house.id in known:
                    _agree(house, known[house.id], self.own, other.own)
        both = self.joined(other)
        both.check()
        return both

    def joined(self, other: TrustStore) -> TrustStore:
        """Both, of one source: the files of one folder."""
        known: dict[str, House] = {}
        for house in (*self.houses, *other.houses):
            known[house.id] = _joined(known.get(house.id, replace(house, parts=())), house)
        return TrustStore(
            tuple(known.values()),
            _joined(self.loose, other.loose),
            self.own or other.own,
            tuple(dict.fromkeys(self.lists + other.lists)),
            tuple(dict.fromkeys(self.certificates + other.certificates)),
        )

    def check(self) -> None:
        """Raises `UsageError` when two houses claim the same authority or key: one of them is not what it says."""
        whose: dict[bytes, House] = {}
        for house in self.houses:
            for content in house.of("company-ca", "qr", "checkpoint"):
                certificate = x509_certificates.parse(content) if len(content) > KEY_LENGTH else None
                key = certificate.spki if certificate else content
                first = whose.setdefault(key, house)
                if first.id != house.id:
                    raise UsageError(
                        f"{_said(first)} and {_said(house)} claim the same authority or key: one of them is not what it says. "
                        "Ask both by another way, and give the public folder of one alone."
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


def _agree(one: House, other: House, own: str | None, others_own: str | None) -> None:
    """Raises `UsageError` when two sources say different things of a house; a workspace's is the one that is believed."""
    more, less = ({(part.purpose, part.content) for part in house.parts if part.purpose} for house in (one, other))
    if more == less or (own and less < more) or (others_own and more < less):
        return
    if house_id := own or others_own:
        advice = (
            "this workspace's own house with parts that it never had; ask who made the file"
            if one.id == house_id
            else "a house that this workspace knows with other parts; make them known with `sealtrail keys trust`, or leave it out"
        )
        raise UsageError(f"What was given names {_said(one)}, {advice}.")
    raise UsageError(
        f"Two of the files or folders that were given say different things of {_said(one)}: one is older, or not its own. "
        "Give the one that was compared with that house, alone."
    )


def _said(house: House) -> str:
    return f"{house.name} (house {house.id})"


def _joined(one: House, other: House) -> House:
    """One house of what two rooms know of it. Those with a time first and by it, so that the newest stays first."""
    parts: dict[tuple[object, bytes], Part] = {}
    for part in (*one.parts, *other.parts):
        parts.setdefault((part.purpose, part.content), part)
    timed = sorted((p for p in parts.values() if p.used_from), key=lambda p: p.used_from or 0, reverse=True)
    return replace(one, parts=(*timed, *(p for p in parts.values() if p.used_from is None)))
