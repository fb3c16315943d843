"""Issued X.509 certificates and CRLs in the database. Every function works in the caller's transaction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.errors import KeyUnavailable, UsageError
from signing_core.keys.ca import REASONS, CompanyCA, Revoked
from signing_core.keys.profiles import IssuePurpose
from signing_core.storage.schema import issued_certificates, revocation_lists

_LOCK = 0x5EA1C21  # of this project and of nothing else in the database: who numbers the next CRL


@dataclass(frozen=True, slots=True)
class RevocationList:
    issuer: str
    number: int
    der: bytes
    this_update: datetime
    next_update: datetime


def serial_text(certificate: x509.Certificate) -> str:
    """The serial number as the table has it: lower-case hexadecimal without leading zeros."""
    return f"{certificate.serial_number:x}"


def record_issued(
    connection: sa.Connection,
    ca: CompanyCA,
    certificate: x509.Certificate,
    *,
    purpose: IssuePurpose,
    document_id: str | None = None,
) -> None:
    """Before a signature made with it leaves the process. Recording the same one again changes nothing."""
    serial = serial_text(certificate)
    known = connection.execute(
        sa.select(issued_certificates.c.serial).where(issued_certificates.c.serial == serial)
    ).first()
    if known is None:
        connection.execute(
            issued_certificates.insert().values(
                serial=serial,
                issuer=ca.name,
                purpose=purpose,
                document_id=document_id,
                der=certificate.public_bytes(Encoding.DER),
                not_before=certificate.not_valid_before_utc,
                not_after=certificate.not_valid_after_utc,
            )
        )


def issuer_of(connection: sa.Connection, serial: str) -> str | None:
    """The name of the CA that issued the X.509 certificate with this serial number in hexadecimal."""
    table = issued_certificates
    found: str | None = connection.execute(
        sa.select(table.c.issuer).where(table.c.serial == serial.lower().lstrip("0"))
    ).scalar()
    return found


def revoke(connection: sa.Connection, serial: str, *, at: datetime, reason: str) -> bool:
    """Marks an X.509 certificate as revoked; the next CRL says so. False when it was revoked before (which stays).

    `serial` in hexadecimal, `reason` a key of `ca.REASONS`. Raises `UsageError` for an unknown reason, `KeyUnavailable`
    for an unknown serial number.
    """
    if reason not in REASONS:
        raise UsageError(f"{reason!r} is no reason for revocation; one of {', '.join(REASONS)} is.")
    serial = serial.lower().lstrip("0")
    changed = connection.execute(
        issued_certificates.update()
        .where(issued_certificates.c.serial == serial, issued_certificates.c.revoked_at.is_(None))
        .values(revoked_at=at, revocation_reason=reason)
    ).rowcount
    if changed:
        return True
    known = sa.select(issued_certificates.c.serial).where(issued_certificates.c.serial == serial)
    if connection.execute(known).first() is None:
        raise KeyUnavailable(f"No X.509 certificate with the serial number {serial} was issued here.")
    return False


def latest_crl(connection: sa.Connection, issuer: str) -> RevocationList | None:
    """The list with the highest number of the CA named `issuer` (`CompanyCA.name`)."""
    table = revocation_lists
    row = connection.execute(
        sa.select(table).where(table.c.issuer == issuer).order_by(table.c.number.desc()).limit(1)
    ).first()
    return None if row is None else RevocationList(row.issuer, row.number, row.der, row.this_update, row.next_update)


def crl_due(connection: sa.Connection, ca: CompanyCA, now: datetime) -> bool:
    """Whether half of the latest list's life is over, something was revoked since, or there is none."""
    latest = latest_crl(connection, ca.name)
    if latest is None or now >= latest.this_update + (latest.next_update - latest.this_update) / 2:
        return True
    table = issued_certificates
    revoked = sa.select(sa.func.count()).where(table.c.issuer == ca.name, table.c.revoked_at.is_not(None))
    return connection.execute(revoked).scalar_one() != len(x509.load_der_x509_crl(latest.der))


def issue_crl(
    connection: sa.Connection, ca: CompanyCA, now: datetime, *, after: datetime | None = None
) -> RevocationList:
    """Makes, stores and returns the next list, complete, its number one above the last.

    `after`: the time in a time-stamp that this list is to be younger than. A CRL knows whole seconds only, so cut-off
    thisUpdate may fall before a time-stamp of the same second; it is then rounded up instead, by less than a second.
    Raises `KeyUnavailable` when `after` is more than `clock_skew` in the future: one of the clocks is wrong then.
    """
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    latest = latest_crl(connection, ca.name)
    this_update = now.astimezone(UTC).replace(microsecond=0)
    if after is not None and this_update < after:
        if after - now > ca.settings.clock_skew:
            raise KeyUnavailable("A time-stamp lies in the future of this machine's clock; correct the clock.")
        this_update = datetime.fromtimestamp(math.ceil(after.timestamp()), UTC)
    if latest is not None and this_update < latest.this_update <= this_update + timedelta(seconds=1):
        this_update = latest.this_update  # the last one was rounded up: time in CRLs does not run backwards
    table = issued_certificates
    rows = connection.execute(
        sa.select(table.c.serial, table.c.revoked_at, table.c.revocation_reason)
        .where(table.c.issuer == ca.name, table.c.revoked_at.is_not(None))
        .order_by(table.c.revoked_at, table.c.serial)
    )
    revoked = [Revoked(int(row.serial, 16), row.revoked_at, row.revocation_reason) for row in rows]
    number = latest.number + 1 if latest is not None else 1
    made = RevocationList(
        issuer=ca.name,
        number=number,
        der=ca.crl(this_update, number, revoked),
        this_update=this_update,
        next_update=this_update + ca.settings.crl_lifetime,
    )
    connection.execute(
        revocation_lists.insert().values(
            issuer=made.issuer,
            number=made.number,
            der=made.der,
            this_update=made.this_update,
            next_update=made.next_update,
        )
    )
    return made


def first_crl_after(connection: sa.Connection, issuer: str, at: datetime) -> RevocationList | None:
    """The earliest list of the CA named `issuer` that is not older than `at`."""
    table = revocation_lists
    row = connection.execute(
        sa.select(table).where(table.c.issuer == issuer, table.c.this_update >= at).order_by(table.c.number).limit(1)
    ).first()
    return None if row is None else RevocationList(row.issuer, row.number, row.der, row.this_update, row.next_update)
