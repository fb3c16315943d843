"""Services of European trusted lists as anchors for a time and a purpose (ETSI TS 119 612; EN 319 102-1, 5.2.6).

A certification authority that the caller gives is believed whenever it is asked about. A listed service is an anchor only
for what it is listed for, and only while its status was `granted`. No list speaks of the time after its next update.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from signing_core.pki.x509_certificates import X509
from signing_core.pki.x509_certificates import parse as parse_x509
from signing_core.verification.signers import Note

if TYPE_CHECKING:
    from signing_core.pdf.trusted_lists import TrustedList

Purpose = Literal["document", "time-stamp"]

GROUNDS: Final = frozenset({"trusted-list", "trusted-list-unchecked"})
"""Codes that say what trust rests on, and speak against nothing."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One X.509 certificate of a service, for one span of time."""

    certificate: X509
    purpose: Purpose
    since: datetime
    until: datetime | None
    """From when on the service was not granted any more; None: it was when the list was issued."""
    speaks_until: datetime
    """The next update of the list."""
    service: str
    """Its name, kind and list, for people."""
    checked: bool
    """Whether the list's signature was verified with a given X.509 certificate."""

    def holds(self, moment: datetime, purpose: Purpose) -> bool:
        return purpose == self.purpose and self.covers(moment) and moment <= self.speaks_until

    def covers(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or moment < self.until)

    def notes(self) -> tuple[Note, ...]:
        """What a verdict that rests on it should say."""
        found = (("trusted-list", f"{self.service}, granted {self._span}"),)
        return found if self.checked else (*found, ("trusted-list-unchecked", self.service))

    def against(self, moment: datetime, purpose: Purpose) -> Note:
        """Why it is no anchor."""
        if purpose != self.purpose:
            return "service-not-granted", f"{self.service} is listed for something else than this"
        if self.covers(moment):
            return "trusted-list-expired", f"{self.service}, next update {self.speaks_until:%Y-%m-%d}"
        return "service-not-granted", f"{self.service}, granted {self._span}, used {moment:%Y-%m-%d}"

    @property
    def _span(self) -> str:
        return f"since {self.since:%Y-%m-%d}" + (f" until {self.until:%Y-%m-%d}" if self.until else "")


@dataclass(frozen=True)
class Listed:
    """All services of the lists that were given."""

    grants: tuple[Grant, ...] = ()
    problems: tuple[str, ...] = ()
    """Entries of lists that could not be read."""
    given: bool = False
    """Whether there was a list at all, with services or without."""

    def __add__(self, other: Listed) -> Listed:
        return Listed(
            tuple(dict.fromkeys(self.grants + other.grants)),
            tuple(dict.fromkeys(self.problems + other.problems)),
            self.given or other.given,
        )

    @cached_property
    def _by_subject(self) -> dict[bytes, list[Grant]]:
        found: dict[bytes, list[Grant]] = {}
        for grant in self.grants:
            found.setdefault(grant.certificate.subject_key, []).append(grant)
        return found

    def near(self, certificates: Iterable[X509]) -> list[Grant]:
        """Those that a path from one of these may lead to: a country lists hundreds, and few matter for one signature."""
        if not self.grants:
            return []
        open_names = {name for c in certificates for name in (c.subject_key, c.issuer_key)}
        found: dict[Grant, None] = {}
        seen: set[bytes] = set()
        while open_names:
            name = open_names.pop()
            seen.add(name)
            for grant in self._by_subject.get(name, ()):
                found[grant] = None
                open_names |= {grant.certificate.issuer_key} - seen
        return list(found)


NOTHING_LISTED: Final = Listed()


def from_list(content: TrustedList) -> Listed:
    """What one list grants."""
    grants: list[Grant] = []
    problems = list(content.problems)
    for service in content.services:
        what = (
            f"{service.name} ({service.kind}, trusted list {content.territory or '??'} no. {content.sequence or '?'})"
        )
        for encoded in service.certificates:
            certificate = parse_x509(encoded)
            if certificate is None:
                problems.append(f"the X.509 certificate of {what} cannot be read")
                continue
            grants.append(
                Grant(
                    certificate=certificate,
                    purpose="document" if service.kind == "CA/QC" else "time-stamp",
                    since=service.since,
                    until=service.until,
                    speaks_until=content.next_update or content.issued,
                    service=what,
                    checked=content.operator is not None,
                )
            )
    return Listed(tuple(grants), tuple(problems), given=True)
