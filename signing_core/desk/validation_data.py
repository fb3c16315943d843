"""What is put into a document so that its signatures and time-stamps can be judged without a network (ETSI EN 319 142-1, 5.4).

Keys, CAs and time-stamp authorities may have been replaced since the first signature in the file: the X.509 certificates in the
file itself say whose lists are needed, and never which keys are in use now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from cryptography import x509

from signing_core.keys import chains, distribution, register
from signing_core.keys.ca import CompanyCA
from signing_core.keys.ring import KeyRing
from signing_core.storage.database import writing
from signing_core.storage.workspace import Workspace


@dataclass(frozen=True)
class ValidationData:
    certificates: tuple[x509.Certificate, ...]
    crls: tuple[bytes, ...]
    """DER."""
    since: datetime
    """When the youngest list of our own begins: a CRL knows whole seconds, and that may be within the next one."""


def in_file(data: bytes) -> list[x509.Certificate]:
    """The X.509 certificates of all signatures and time-stamps in a PDF of our own, each once."""
    from signing_core.pdf import cms, revisions

    found = [one for s in revisions.parse(data).signatures for one in cms.certificates_of_signature(s.contents)]
    return [x509.load_der_x509_certificate(one) for one in dict.fromkeys(found)]


def collect(
    workspace: Workspace,
    ring: KeyRing,
    certificates: Iterable[x509.Certificate],
    *,
    now: datetime,
    after: datetime | None = None,
) -> ValidationData:
    """Issuers and fresh CRLs for all of `certificates`: our own lists are issued, those of others are fetched.

    `after`: the time of the last time-stamp, which our own lists are to be younger than. Raises `KeyUnavailable`.
    """
    given = list(certificates)
    pool = [*given, *ring.trust_anchors, *workspace.time_stamp_anchors]
    members = list(dict.fromkeys([*given, *(issuer for one in given for issuer in chains.issuers(one, pool))]))
    issuers = {one: ring.issuer_of(one) for one in members}
    ours = list(dict.fromkeys(ca.name for ca in issuers.values() if ca is not None))
    with writing(workspace.engine) as connection:
        lists = [_own(connection, ca, now, after) for ca in ring.cas if ca.name in ours]
    others = [one for one, ca in issuers.items() if ca is None]
    fetched = distribution.fetch_crls(others, members, now=now, hosts=workspace.settings.network.crl_hosts)
    return ValidationData(
        tuple(members),
        (*(one.der for one in lists), *fetched),
        max((one.this_update for one in lists), default=now),
    )


def _own(connection: sa.Connection, ca: CompanyCA, now: datetime, after: datetime | None) -> register.RevocationList:
    """A new list; the last one of a CA that has ended itself."""
    if now >= ca.certificate.not_valid_after_utc:
        last = register.latest_crl(connection, ca.name)
        if last is not None:
            return last
    return register.issue_crl(connection, ca, now, after=after)
