from __future__ import annotations

import base64
import dataclasses
import warnings
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing_core.certificate import payload
from signing_core.certificate.payload import QrClaims, QrStatus
from signing_core.errors import UsageError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import cwt

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ulids = st.builds(
    lambda first, rest: first + rest, st.sampled_from("01234567"), st.text(CROCKFORD, min_size=25, max_size=25)
)
claims = st.builds(
    QrClaims,
    issuer=st.from_regex(r"[a-z][a-z0-9-]{0,9}\.example", fullmatch=True),
    issued_at=st.integers(0, 4_102_444_800).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    certificate_id=ulids,
    document_id=ulids,
    prefix_sha256=st.binary(min_size=32, max_size=32),
    prefix_length=st.integers(1, 2**32 - 1),
    signers=st.integers(1, 255),
    sequence=st.integers(0, 2**32 - 1),
)


@pytest.fixture(scope="module")
def one(facts: Any, claims_of: Any) -> QrClaims:
    return claims_of(facts)


@given(claims)
def test_what_is_signed_is_read_back(sample_key: Any, made: QrClaims) -> None:
    signed = payload.sign(made, sample_key)
    assert len(signed) < 200
    verdict = payload.verify(signed, [sample_key.public_key])
    assert (verdict.status, verdict.reason) == (QrStatus.VALID, "ok")
    assert verdict.claims == made
    assert verdict.key_id == sample_key.key_id


@given(claims, st.sampled_from(["sign.example.org", "localhost:8501", "[2001:db8::1]", "a.b-c.example"]))
def test_text_and_payload_are_one_to_one(sample_key: Any, made: QrClaims, host: str) -> None:
    signed = payload.sign(made, sample_key)
    text = payload.to_url(signed, host)
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:/.-[]")
    assert payload.from_text(text) == signed
    spread = "\n".join(text.lower()[i : i + 60] for i in range(0, len(text), 60))
    parsed = payload.parse_text(f" {spread}\t")
    assert parsed is not None
    assert parsed.payload == signed
    assert parsed.host == host


@given(st.data())
def test_no_changed_bit_goes_unnoticed(sample_key: Any, one: QrClaims, data: st.DataObject) -> None:
    signed = bytearray(payload.sign(one, sample_key))
    position = data.draw(st.integers(0, len(signed) - 1))
    signed[position] ^= data.draw(st.integers(1, 255))
    assert payload.verify(bytes(signed), [sample_key.public_key]).status is not QrStatus.VALID


@given(st.data())
def test_mutated_payloads_are_judged_and_never_raise(sample_key: Any, one: QrClaims, data: st.DataObject) -> None:
    signed = payload.sign(one, sample_key)
    start = data.draw(st.integers(0, len(signed)))
    end = data.draw(st.integers(start, len(signed)))
    changed = signed[:start] + data.draw(st.binary(max_size=12)) + signed[end:]
    verdict = payload.verify(changed, [sample_key.public_key])
    assert (verdict.status is QrStatus.VALID) == (changed == signed)


@settings(max_examples=300)
@given(st.binary(max_size=260), st.booleans())
def test_any_bytes_are_judged(sample_key: Any, noise: bytes, ours: bool) -> None:
    data = (b"\xd2\x84" if ours else b"") + noise
    verdict = payload.verify(data, [sample_key.public_key])
    assert verdict.status in ((QrStatus.INVALID,) if data.startswith(b"\xd2\x84") else (QrStatus.FOREIGN,))


@given(st.text(max_size=400))
def test_any_text_is_taken(text: str) -> None:
    payload.from_text(text)
    payload.from_text("HTTPS://SIGN.EXAMPLE.ORG/V/" + text)


def test_cwt_reads_what_we_write(sample_key: Any, one: QrClaims) -> None:
    key = cwt.COSEKey.new({1: 1, -1: 6, 2: sample_key.key_id, 3: -8, -2: sample_key.public_key.public_bytes_raw()})
    read = cwt.decode(payload.sign(one, sample_key), key)
    assert read[1] == "sign.example.org"
    assert read[6] == int(one.issued_at.timestamp())
    assert read[-65537][1:] == [one.prefix_sha256, one.prefix_length, one.signers, one.sequence]
    assert len(read[7]) == len(read[-65537][0]) == 16


def test_we_read_what_cwt_writes(sample_key: Any, one: QrClaims) -> None:
    raw = sample_key.private.private_bytes_raw()
    public = sample_key.public_key.public_bytes_raw()
    key = cwt.COSEKey.new({1: 1, -1: 6, 2: sample_key.key_id, 3: -8, -2: public, -4: raw})
    ours = payload.sign(one, sample_key)
    body = cbor2.loads(ours).value[2]
    theirs = cwt.COSE.new().encode(body, key, protected={1: -8, 4: sample_key.key_id})
    assert theirs == ours
    assert payload.verify(theirs, [sample_key.public_key]).claims == one


def resigned(key: Any, body: Any, *, protected: Any = None, unprotected: Any = None, tag: int = 18) -> bytes:
    """A COSE_Sign1 with a right signature over whatever is given."""
    header = cbor2.dumps({1: -8, 4: key.key_id}) if protected is None else protected
    content = body if isinstance(body, bytes) else cbor2.dumps(body)
    signature = key.sign(cbor2.dumps(["Signature1", header, b"", content]))
    return cbor2.dumps(cbor2.CBORTag(tag, [header, {} if unprotected is None else unprotected, content, signature]))


def body_of(signed: bytes) -> dict[int, Any]:
    return dict(cbor2.loads(cbor2.loads(signed).value[2]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda b: {**b, 1: ""}, "malformed"),
        (lambda b: {**b, 1: b"sign"}, "malformed"),
        (lambda b: {**b, 1: "two\nlines"}, "malformed"),
        (lambda b: {**b, 6: -1}, "malformed"),
        (lambda b: {**b, 6: 1.5}, "malformed"),
        (lambda b: {**b, 6: True}, "malformed"),
        (lambda b: {**b, 7: b"short"}, "malformed"),
        (lambda b: {**b, 4: 1}, "malformed"),
        (lambda b: {k: v for k, v in b.items() if k != 7}, "malformed"),
        (lambda b: {**b, -65537: [*b[-65537], 0]}, "malformed"),
        (lambda b: {**b, -65537: [b[-65537][0], b[-65537][1][:31], *b[-65537][2:]]}, "malformed"),
        (lambda b: {**b, -65537: [*b[-65537][:2], 0, *b[-65537][3:]]}, "malformed"),
        (lambda b: {**b, -65537: [*b[-65537][:3], True, b[-65537][4]]}, "malformed"),
        (lambda b: [1, 2, 3], "malformed"),
    ],
)
def test_signed_but_unfit_claims_are_refused(sample_key: Any, one: QrClaims, change: Any, reason: str) -> None:
    body = body_of(payload.sign(one, sample_key))
    verdict = payload.verify(resigned(sample_key, change(body)), [sample_key.public_key])
    assert (verdict.status, verdict.reason) == (QrStatus.INVALID, reason)


def test_other_encodings_of_the_same_claims_are_refused(sample_key: Any, one: QrClaims) -> None:
    signed = payload.sign(one, sample_key)
    body = body_of(signed)
    keys = [sample_key.public_key]
    canonical = cbor2.dumps(body)
    assert payload.verify(resigned(sample_key, canonical), keys).status is QrStatus.VALID
    backwards = cbor2.dumps(dict(reversed(list(body.items()))))
    long_key = canonical.replace(b"\x06\x1a", b"\x18\x06\x1a", 1)
    doubled = bytes([canonical[0] + 1]) + canonical[1:] + b"\x06\x1a\x00\x00\x00\x01"
    doubled_same = bytes([canonical[0] + 1]) + canonical[1:] + b"\x01" + cbor2.dumps(body[1])
    for other in (backwards, long_key, canonical + b"\x00", doubled, doubled_same):
        assert other != canonical
        assert payload.verify(resigned(sample_key, other), keys).status is QrStatus.INVALID
    header = cbor2.dumps({4: sample_key.key_id, 1: -8})
    assert payload.verify(resigned(sample_key, canonical, protected=header), keys).reason == "not-canonical"
    for unprotected in ({4: sample_key.key_id}, {99: "x"}):
        assert payload.verify(resigned(sample_key, canonical, unprotected=unprotected), keys).status is QrStatus.INVALID
    for end in (b"\x00", b"\xff"):
        assert payload.verify(signed + end, keys).status is QrStatus.INVALID
    assert payload.verify(resigned(sample_key, canonical, tag=98), keys).status is QrStatus.FOREIGN


def test_another_algorithm_is_refused_even_when_the_signature_verifies(sample_key: Any, one: QrClaims) -> None:
    body = body_of(payload.sign(one, sample_key))
    header = cbor2.dumps({1: -7, 4: sample_key.key_id})
    verdict = payload.verify(resigned(sample_key, body, protected=header), [sample_key.public_key])
    assert (verdict.status, verdict.reason) == (QrStatus.INVALID, "algorithm")


def test_an_oversized_payload_is_neither_written_nor_read(sample_key: Any, one: QrClaims) -> None:
    long = dataclasses.replace(one, issuer="x" * 19, prefix_length=2**40, sequence=2**40)
    with pytest.raises(UsageError, match="of 199"):
        payload.sign(long, sample_key)
    assert len(payload.sign(dataclasses.replace(long, prefix_length=2**32 - 1, sequence=2**32 - 1), sample_key)) == 199
    body = {**body_of(payload.sign(one, sample_key)), 1: "x" * 40}
    assert payload.verify(resigned(sample_key, body), [sample_key.public_key]).reason == "too-long"


def test_a_key_that_was_not_given_is_named_and_not_guessed(sample_key: Any, another_key: Any, one: QrClaims) -> None:
    signed = payload.sign(one, another_key)
    for keys in ([], [sample_key.public_key]):
        verdict = payload.verify(signed, keys)
        assert verdict.status is QrStatus.UNKNOWN_KEY
        assert verdict.key_id == another_key.key_id
        assert verdict.claims is not None and verdict.claims.issuer == "sign.example.org"


def test_another_key_under_our_key_id_is_invalid(sample_key: Any, another_key: Any, one: QrClaims) -> None:
    header = cbor2.dumps({1: -8, 4: sample_key.key_id})
    forged = resigned(another_key, body_of(payload.sign(one, sample_key)), protected=header)
    verdict = payload.verify(forged, [another_key.public_key, sample_key.public_key])
    assert (verdict.status, verdict.reason) == (QrStatus.INVALID, "signature")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issuer", ""),
        ("issuer", "x" * 20),
        ("issuer", "a\u202eb"),
        ("issued_at", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("issued_at", datetime(1969, 1, 1, tzinfo=UTC)),
        ("certificate_id", "01kaxb2m5t4qw8z3n6v7c9d0ef"),
        ("document_id", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        ("document_id", "1234"),
        ("prefix_sha256", b"\x00" * 31),
        ("prefix_length", 0),
        ("signers", 256),
        ("sequence", -1),
    ],
)
def test_unfit_claims_are_not_signed(sample_key: Any, one: QrClaims, field: str, value: Any) -> None:
    with pytest.raises(UsageError):
        payload.sign(dataclasses.replace(one, **{field: value}), sample_key)


def test_the_host_is_reported_and_not_part_of_the_signature(sample_key: Any, one: QrClaims) -> None:
    text = payload.to_url(payload.sign(one, sample_key), "sign.example.org").replace(
        "SIGN.EXAMPLE.ORG", "S1GN.EXAMPLE.ORG"
    )
    parsed = payload.parse_text(text)
    assert parsed is not None and parsed.host == "s1gn.example.org"
    assert payload.verify(parsed.payload, [sample_key.public_key]).status is QrStatus.VALID


@pytest.mark.parametrize(
    ("host", "issuer"),
    [
        ("Sign.Example.org", "sign.example.org"),
        ("localhost:8501", "localhost:8501"),
        ("certificates.sample-bank.example.org", "…xyviohk3jfj67mfj"),
    ],
)
def test_an_issuer_stands_for_its_host_and_no_other(sample_key: Any, one: QrClaims, host: str, issuer: str) -> None:
    assert payload.issuer_of(host) == issuer
    assert payload.belongs(host, issuer)
    assert not payload.belongs(host + ".evil.example", issuer)
    assert not payload.belongs("evil.example", issuer)
    assert not payload.belongs("evil" + host, issuer)
    assert not payload.belongs("evil-bank.example.org", issuer)
    assert payload.verify(
        payload.sign(dataclasses.replace(one, issuer=issuer), sample_key), [sample_key.public_key]
    ).claims == dataclasses.replace(one, issuer=issuer)


@pytest.mark.parametrize("host", ["sign.example.org/x", "sign example", "münchen.example", "a_b.example", ""])
def test_hosts_that_do_not_fit_are_refused(host: str) -> None:
    with pytest.raises(UsageError):
        payload.to_url(b"\xd2\x84", host)


def test_texts_of_another_form_are_foreign(sample_key: Any, one: QrClaims) -> None:
    good = payload.to_url(payload.sign(one, sample_key), "sign.example.org")
    for text in (
        "",
        "HTTPS://SIGN.EXAMPLE.ORG/V/",
        good.replace("HTTPS", "HTTP"),
        good.replace("/V/", "/W/"),
        good.replace("SIGN", "USER@SIGN"),
        good + "=",
        good + "1",
        good + "?A=B",
        good + "\u200b",
        good[:-1] + chr(ord(good[-1]) + 1) if good[-1] != "Z" else good + "A",
        "x" * 3000,
    ):
        assert payload.from_text(text) is None, text


def test_left_over_bits_must_be_zero() -> None:
    whole = base64.b32encode(b"\xd2").decode().rstrip("=")
    assert payload.from_text(f"HTTPS://A.EXAMPLE/V/{whole}") == b"\xd2"
    other = whole[:-1] + "J"
    assert base64.b32decode(other + "======") == b"\xd2"
    assert payload.from_text(f"HTTPS://A.EXAMPLE/V/{other}") is None


def test_times_are_whole_seconds_in_any_zone(sample_key: Any, one: QrClaims) -> None:
    local = one.issued_at.astimezone() + timedelta(microseconds=999_999)
    read = payload.verify(payload.sign(dataclasses.replace(one, issued_at=local), sample_key), [sample_key.public_key])
    assert read.claims == one
