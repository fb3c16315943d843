from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from asn1crypto import core
from hypothesis import given
from hypothesis import strategies as st

from signing_core.keys import der


@given(st.integers(-(2**200), 2**200))
def test_integers_are_encoded_as_asn1crypto_does(value: int) -> None:
    assert der.integer(value) == core.Integer(value).dump()


@given(st.binary(max_size=70_000))
def test_octet_strings_are_encoded_as_asn1crypto_does(value: bytes) -> None:
    assert der.tlv(der.OCTET_STRING, value) == core.OctetString(value).dump()


@given(st.lists(st.integers(0, 2**128), max_size=8), st.integers(0, 2), st.integers(0, 39))
def test_object_identifiers_are_encoded_as_asn1crypto_does(arcs: list[int], first: int, second: int) -> None:
    dotted = ".".join(map(str, (first, second, *arcs)))
    assert der.object_identifier(dotted) == core.ObjectIdentifier(dotted).dump()


@given(st.datetimes(datetime(1950, 1, 1), datetime(9000, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001
def test_times_are_utc_to_the_millisecond(naive: datetime, hours: int) -> None:
    at = naive.replace(tzinfo=timezone(timedelta(hours=hours)))
    encoded = der.generalized_time(at)
    assert core.GeneralizedTime.load(encoded).native == at.replace(microsecond=at.microsecond // 1000 * 1000)
    text = encoded[2:].decode()
    assert text.endswith("Z")
    assert "." not in text or text[-2] != "0"


def test_a_whole_second_has_no_fraction() -> None:
    assert der.generalized_time(datetime(2026, 5, 20, 10, 0, 0, 999, UTC))[2:] == b"20260520100000Z"
    assert der.generalized_time(datetime(2026, 5, 20, 10, 0, 0, 120_000, UTC))[2:] == b"20260520100000.12Z"
