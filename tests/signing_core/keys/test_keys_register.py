from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing_core.errors import KeyUnavailable, UsageError
from signing_core.keys import register
from signing_core.keys.ring import KeyRing
from signing_core.storage.database import writing
from signing_core.storage.schema import issued_certificates, revocation_lists


def _numbers(der: bytes) -> tuple[int, datetime]:
    read = x509.load_der_x509_crl(der)
    return read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number, read.last_update_utc


def test_issued_certificates_are_recorded_once(ring: KeyRing, database_engine: sa.Engine) -> None:
    certificate = ring.ca.issue_one_time("Sample Client", "abc", now=ring._clock()).certificate
    for _ in range(2):
        with writing(database_engine) as connection:
            register.record_issued(connection, ring.ca, certificate, purpose="client", document_id="01SAMPLE")
    with writing(database_engine) as connection:
        [row] = connection.execute(sa.select(issued_certificates)).all()
    assert row.der == certificate.public_bytes(Encoding.DER)
    assert int(row.serial, 16) == certificate.serial_number
    assert row.not_after == certificate.not_valid_after_utc
    assert row.revoked_at is None


def test_what_was_revoked_stands_on_every_later_list(ring: KeyRing, database_engine: sa.Engine) -> None:
    now, ca = ring._clock(), ring.ca
    certificate = ca.issue_one_time("Sample Client", "abc", now=now).certificate
    serial = register.serial_text(certificate)
    with writing(database_engine) as connection:
        assert register.crl_due(connection, ca, now)
        register.record_issued(connection, ca, certificate, purpose="client")
        first = register.issue_crl(connection, ca, now)
        assert not register.crl_due(connection, ca, now)
        assert register.revoke(connection, serial.upper(), at=now, reason="key-compromise")
        assert register.crl_due(connection, ca, now)
        assert not register.revoke(connection, serial, at=now + timedelta(hours=1), reason="superseded")
        second = register.issue_crl(connection, ca, now + timedelta(minutes=1))
        long_after = register.issue_crl(connection, ca, now + timedelta(days=5 * 365))
    assert x509.load_der_x509_crl(first.der).get_revoked_certificate_by_serial_number(certificate.serial_number) is None
    for made in (second, long_after):
        entry = x509.load_der_x509_crl(made.der).get_revoked_certificate_by_serial_number(certificate.serial_number)
        assert entry is not None
        assert entry.revocation_date_utc == now.replace(microsecond=0)
        assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason == x509.ReasonFlags.key_compromise
    assert [_numbers(made.der)[0] for made in (first, second, long_after)] == [1, 2, 3]


def test_the_latest_list_is_the_one_with_the_highest_number(ring: KeyRing, database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        assert register.latest_crl(connection, ring.ca.name) is None
        made = [register.issue_crl(connection, ring.ca, ring._clock() + timedelta(days=n)) for n in range(12)]
        assert register.latest_crl(connection, ring.ca.name) == made[-1]
        assert register.latest_crl(connection, "ca-of-somebody-else") is None


def test_a_new_list_is_due_after_half_its_life(ring: KeyRing, database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        start = register.issue_crl(connection, ring.ca, ring._clock()).this_update
        assert not register.crl_due(connection, ring.ca, start + timedelta(days=3.49))
        assert register.crl_due(connection, ring.ca, start + timedelta(days=3.5))


def test_a_list_is_younger_than_the_time_stamp_it_is_for(ring: KeyRing, database_engine: sa.Engine) -> None:
    now = datetime(2026, 12, 1, 12, 0, 0, 900_000, UTC)
    stamped = datetime(2026, 12, 1, 12, 0, 0, 400_000, UTC)
    with writing(database_engine) as connection:
        plain = register.issue_crl(connection, ring.ca, now - timedelta(hours=1))
        rounded = register.issue_crl(connection, ring.ca, now, after=stamped)
        same_second = register.issue_crl(connection, ring.ca, now)
        later = register.issue_crl(connection, ring.ca, now + timedelta(seconds=10), after=stamped)
    assert plain.this_update == (now - timedelta(hours=1)).replace(microsecond=0)
    assert rounded.this_update == datetime(2026, 12, 1, 12, 0, 1, tzinfo=UTC) >= stamped
    assert same_second.this_update == rounded.this_update  # never backwards
    assert later.this_update == datetime(2026, 12, 1, 12, 0, 10, tzinfo=UTC)
    for made in (plain, rounded, same_second, later):
        assert _numbers(made.der) == (made.number, made.this_update)


def test_an_authority_a_little_ahead_is_followed_one_far_ahead_is_not(
    ring: KeyRing, database_engine: sa.Engine
) -> None:
    now = ring._clock()
    with writing(database_engine) as connection:
        ahead = register.issue_crl(connection, ring.ca, now, after=now + timedelta(seconds=30))
        assert ahead.this_update >= now + timedelta(seconds=30)
        with pytest.raises(KeyUnavailable, match="clock"):
            register.issue_crl(connection, ring.ca, now, after=now + timedelta(minutes=3))


def test_what_cannot_be_revoked_is_said(ring: KeyRing, database_engine: sa.Engine) -> None:
    with writing(database_engine) as connection:
        with pytest.raises(KeyUnavailable, match="abcdef"):
            register.revoke(connection, "ABCDEF", at=ring._clock(), reason="superseded")
        with pytest.raises(UsageError, match="certificate-hold"):
            register.revoke(connection, "abcdef", at=ring._clock(), reason="certificate-hold")


def test_lists_issued_at_once_get_different_numbers(ring: KeyRing, database_engine: sa.Engine) -> None:
    ca, now, failures = ring.ca, ring._clock(), list[BaseException]()

    def issue() -> None:
        try:
            for _ in range(5):
                with writing(database_engine) as connection:
                    register.issue_crl(connection, ca, now)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=issue) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with writing(database_engine) as connection:
        numbers = connection.execute(sa.select(revocation_lists.c.number)).scalars().all()
    assert sorted(numbers) == list(range(1, 21))


def test_the_first_list_after_a_time(ring: KeyRing, database_engine: sa.Engine) -> None:
    now = ring._clock()
    with writing(database_engine) as connection:
        first, second = (register.issue_crl(connection, ring.ca, now + timedelta(seconds=n)) for n in (0, 10))
        name = ring.ca.name
        assert register.first_crl_after(connection, name, now - timedelta(seconds=5)) == first
        assert register.first_crl_after(connection, name, now + timedelta(seconds=5)) == second
        assert register.first_crl_after(connection, name, now + timedelta(seconds=11)) is None
        assert register.first_crl_after(connection, "ca-of-somebody-else", now) is None
