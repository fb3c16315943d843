"""Until when a time-stamp proves: by each of its algorithms, not by its digests alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from signing_core.bulk import time_stamps
from signing_core.keys.ring import KeyRing
from signing_core.keys.software import SoftwareKey
from signing_core.keys.time_stamping import EmbeddedAuthority
from signing_core.policy import Policy

NOW = datetime(2026, 12, 1, tzinfo=UTC)


def token(tmp_path: Any, key: Any) -> bytes:
    ring = KeyRing.create(tmp_path / "keys", "correct horse battery", organisation="Sample", clock=lambda: NOW, work=10)
    certificate = ring.ca.issue("time-stamp", key.public_key(), "Sample Times", now=NOW)
    authority = EmbeddedAuthority(SoftwareKey(key, certificate, (ring.ca.certificate,)), clock=lambda: NOW)
    return authority.time_stamp(b"\0" * 32)


@pytest.mark.parametrize(
    ("key", "until"),
    [
        (rsa.generate_private_key(65537, 2048), datetime(2029, 1, 1, tzinfo=UTC)),
        (rsa.generate_private_key(65537, 3072), datetime(2029, 1, 1, tzinfo=UTC)),  # PKCS #1 v1.5 ends as well
        (ec.generate_private_key(ec.SECP256R1()), None),
    ],
    ids=["rsa-2048", "rsa-3072", "p-256"],
)
def test_it_proves_as_long_as_the_weakest_of_its_algorithms_suffices(tmp_path: Any, key: Any, until: Any) -> None:
    stamp = time_stamps.read(token(tmp_path, key))
    assert stamp.proof_until(Policy()) == (until or stamp.certificate_ends)
    assert stamp.certificate_ends > NOW + timedelta(days=3000)


def test_what_cannot_be_read_proves_nothing_already() -> None:
    for content in (b"", b"junk", b"\x30\x03\x02\x01\x01"):
        assert time_stamps.read(content).proof_until(Policy()) < NOW
