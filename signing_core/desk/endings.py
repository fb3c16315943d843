"""What ends when: the X.509 certificates with which the house signs and time-stamps now.

Whoever warns, refuses or shows asks this module: sending, consents, background work, `sealtrail doctor`, the dashboard.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from cryptography import x509

from signing_core.audit_log import anchors
from signing_core.errors import KeyEnds, KeyUnavailable
from signing_core.flow import Role
from signing_core.keys import chains, rfc3161
from signing_core.keys.settings import PURPOSES, Place, Purpose
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace

Ends = Literal["ca", "first-party", "seal", "time-stamp", "authority", "authority-root"]
"""Our own keys; the X.509 certificate with which the outside time-stamp authority signed last; the roots it is trusted by."""

THRESHOLDS: Final = (7, 30, 90)
"""Days before the end at which somebody is told, most urgent first."""


@dataclass(frozen=True, slots=True)
class Ending:
    key: Ends
    name: str
    """The subject's common name."""
    place: Place | Literal["outside"]
    ends: datetime
    """Of a bought key: its own end or that of its issuers, whatever comes first."""

    def ended(self, at: datetime) -> bool:
        return at > self.ends

    def threshold(self, now: datetime) -> int | None:
        """0 after the end, else the days of the nearest threshold that was reached; None when there is time."""
        if self.ended(now):
            return 0
        return next((days for days in THRESHOLDS if self.ends - now <= timedelta(days=days)), None)

    def days(self, now: datetime) -> int:
        """Whole days left, negative after the end."""
        return (self.ends - now) // timedelta(days=1)

    @property
    def way(self) -> str:
        """What to do: a key of `WAYS`."""
        if self.key in ("authority", "authority-root"):
            return self.key
        if self.key == "ca":
            return "succeed-token" if self.place == "token" else "succeed"
        return {"company": "renew", "bought": "buy", "token": "certify", "bought-token": "buy-token"}[self.place]

    @property
    def way_on(self) -> str:
        """What to do, as an imperative without a full stop."""
        return WAYS[self.way].format(key=self.key)

    def sentence(self, now: datetime) -> str:
        """That it ends or ended, and what to do."""
        text = ENDED if self.ended(now) else ENDS
        day = f"{self.ends:%Y-%m-%d}"
        return text.format(what=WHAT[self.key], name=self.name, day=day, days=self.days(now)) + f"; {self.way_on}."


ENDED: Final = "The X.509 certificate of {what} ({name}) ended on {day}"
ENDS: Final = "The X.509 certificate of {what} ({name}) ends on {day} (days left: {days})"
WHAT: Final[Mapping[str, str]] = {
    "ca": "the company CA",
    "first-party": "the first party's key",
    "seal": "the seal",
    "time-stamp": "the embedded time-stamp authority",
    "authority": "the outside time-stamp authority",
    "authority-root": "the outside time-stamp authority's root",
}
WAYS: Final[Mapping[str, str]] = {
    "renew": "run `sealtrail keys renew {key}`",
    "succeed": "run `sealtrail keys succeed ca`",
    "succeed-token": "make a key for its successor on the token, name it in the settings, and run `sealtrail keys certify-token ca` "
    "and `sealtrail keys succeed ca`",
    "certify": "run `sealtrail keys certify-token {key}`",
    "buy": "buy the next one and run `sealtrail keys import {key} FILE`",
    "buy-token": "buy the next X.509 certificate for the token and name its file (keys.tokens.{key}.certificate_file)",
    "authority": "ask the authority when it changes its key, or name another one (time_stamps.url in sealtrail.toml)",
    "authority-root": "add the authority's next root to the file that time_stamps.trust names, or name another authority",
}


def endings(workspace: Workspace) -> list[Ending]:
    """All of them, the first to end first. Raises `KeyUnavailable` when there is one that cannot be read."""
    found = [_own(workspace, purpose) for purpose in PURPOSES if _used(workspace, purpose)]
    return sorted([*found, *_outside(workspace)], key=lambda one: one.ends)


def due(workspace: Workspace) -> list[Ending]:
    """Those that somebody has to be told of now."""
    now = workspace.clock()
    return [one for one in endings(workspace) if one.threshold(now) is not None]


def needed_to_send(workspace: Workspace, document_id: str) -> Callable[[datetime], None]:
    """Raises `KeyEnds` when a key that the document needs ends before its deadline, given to what is returned."""
    known = _readable(workspace, PURPOSES)

    def check(deadline: datetime) -> None:
        for one in known:
            if one.ended(deadline):
                verb = "ended" if one.ended(workspace.clock()) else "ends"
                raise KeyEnds(
                    f"Document {document_id} was not sent: the X.509 certificate of {WHAT[one.key]} {verb} on "
                    f"{one.ends:%Y-%m-%d}, before the document's deadline on {deadline:%Y-%m-%d}; {one.way_on}, then send it again."
                )

    return check


def check_consent(workspace: Workspace, document_id: str, role: Role) -> None:
    """Raises `KeyEnds` when a key has ended that is needed between this consent and the sealed document."""
    now = workspace.clock()
    purposes = [one for one in PURPOSES if one != "first-party" or role is Role.FIRST_PARTY]
    for one in _readable(workspace, purposes):
        if one.ended(now):
            raise KeyEnds(
                f"Document {document_id} cannot be signed now: the X.509 certificate of {WHAT[one.key]} ended on "
                f"{one.ends:%Y-%m-%d}. Nothing was signed; {one.way_on}, then the party can go on."
            )


_LOOK_AGAIN: Final = timedelta(minutes=10)


class Daily:
    """Sentences for the log of a process that runs on: each key and threshold once a day."""

    def __init__(self) -> None:
        self._said: dict[tuple[Ends, int], datetime] = {}
        self._looked: datetime | None = None

    def lines(self, workspace: Workspace) -> list[str]:
        now, lines = workspace.clock(), list[str]()
        if self._looked is not None and timedelta() <= now - self._looked < _LOOK_AGAIN:
            return lines
        self._looked = now
        try:
            known = due(workspace)
        except KeyUnavailable:
            return []  # said by the work that needs the key
        for one in known:
            key = (one.key, one.threshold(now) or 0)
            if key not in self._said or now - self._said[key] >= timedelta(days=1):
                self._said[key] = now
                lines.append(one.sentence(now))
        return lines


def _readable(workspace: Workspace, purposes: Collection[Purpose]) -> list[Ending]:
    """A key that cannot be read now is no reason to refuse: what needs it waits for it, as for an authority."""
    found = []
    for purpose in purposes:
        if _used(workspace, purpose):
            try:
                found.append(_own(workspace, purpose))
            except KeyUnavailable:
                continue
    return sorted(found, key=lambda one: one.ends)


def _used(workspace: Workspace, purpose: Purpose) -> bool:
    return purpose != "time-stamp" or workspace.settings.time_stamps.url is None


def _own(workspace: Workspace, purpose: Purpose) -> Ending:
    ring = workspace.keys()
    certificate = ring.certificate(purpose)
    place = ring.place(purpose)
    # The end of the company CA is one of its own.
    chain = ring.chain(purpose) if place in ("bought", "bought-token") else ()
    return Ending(purpose, _name(certificate), place, _first_end([certificate, *chain]))


def _outside(workspace: Workspace) -> list[Ending]:
    """What is known of the authority that is asked over HTTP: by its last token over a checkpoint, and by the settings."""
    if workspace.settings.time_stamps.url is None:
        return []
    with reading(workspace.engine) as connection:
        last = anchors.latest(connection, workspace.log_origin, ("time-stamp",), by=workspace.time_stamps.name)
    found, roots = list[Ending](), list(workspace.authority_roots)
    if last is not None:
        try:
            signer, *others = rfc3161.certificates(last.evidence)
        except ValueError:
            pass  # verifying the log says so
        else:
            found.append(Ending("authority", _name(signer), "outside", signer.not_valid_after_utc))
            # Of several roots, those before and after a change, the one that it leads to now.
            roots = [one for one in chains.issuers(signer, [*others, *roots]) if one in roots] or roots
    if roots:
        root = max(roots, key=lambda one: one.not_valid_after_utc)
        found.append(Ending("authority-root", _name(root), "outside", root.not_valid_after_utc))
    return found


def _first_end(certificates: Iterable[x509.Certificate]) -> datetime:
    return min(certificate.not_valid_after_utc for certificate in certificates)


def _name(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.subject.rfc4514_string()
