from __future__ import annotations

import asyncio
import hashlib
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms, tsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing_core.errors import TimeStampUnavailable
from signing_core.keys import oids, rfc3161
from signing_core.keys.ring import KeyRing
from signing_core.keys.time_stamping import EmbeddedAuthority, HttpAuthority
from signing_core.keys.tsa_server import serve

IMPRINT = hashlib.sha256(b"data").digest()


def _openssl(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["openssl", "ts", *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False, **options
    )  # type: ignore[call-overload,no-any-return]


def _authority(kind: str, ring: KeyRing, request: pytest.FixtureRequest) -> EmbeddedAuthority:
    if kind == "p256":
        return ring.time_stamp_authority
    return EmbeddedAuthority(request.getfixturevalue("rsa_authority_key"), clock=ring._clock)


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_openssl_verifies_a_token(kind: str, ring: KeyRing, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    authority = _authority(kind, ring, request)
    (tmp_path / "token").write_bytes(authority.time_stamp(IMPRINT))
    verify = ("-verify", "-in", tmp_path / "token", "-token_in", "-CAfile", ring.public_folder / "anchors.pem")
    at = ("-attime", int(ring._clock().timestamp()) + 1)
    good = _openssl(*verify, "-digest", IMPRINT.hex(), *at)
    assert good.returncode == 0, good.stderr
    other = _openssl(*verify, "-digest", hashlib.sha256(b"other").hexdigest(), *at)
    assert other.returncode != 0
    assert "message imprint mismatch" in other.stderr


@pytest.mark.parametrize("digest", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize(
    "options", [("-cert",), (), ("-cert", "-no_nonce"), ("-cert", "-tspolicy", oids.TIME_STAMP_POLICY)]
)
def test_openssl_asks_over_http_and_verifies_the_answer(
    ring: KeyRing, tmp_path: Path, digest: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "data").write_bytes(b"data")
    made = _openssl("-query", "-data", tmp_path / "data", f"-{digest}", *options, "-out", tmp_path / "query")
    assert made.returncode == 0, made.stderr
    with serve(ring.time_stamp_authority) as url:
        reply = _post(url, (tmp_path / "query").read_bytes())
    (tmp_path / "reply").write_bytes(reply)
    untrusted = () if "-cert" in options else ("-untrusted", ring.public_folder / "time-stamp.pem")
    verified = _openssl(
        "-verify", "-in", tmp_path / "reply", "-queryfile", tmp_path / "query", *untrusted,
        "-CAfile", ring.public_folder / "anchors.pem", "-attime", int(ring._clock().timestamp()) + 1,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr
    shown = _openssl("-reply", "-in", tmp_path / "reply", "-text").stdout
    assert "Status: Granted." in shown
    assert f"Policy OID: {oids.TIME_STAMP_POLICY}" in shown
    assert "Accuracy: 0x01 seconds" in shown
    has_certificates = bool(rfc3161.TimeStampResp.load(reply)["time_stamp_token"]["content"]["certificates"].native)
    assert has_certificates is ("-cert" in options)


def _post(url: str, body: bytes, kind: str = "application/timestamp-query") -> bytes:
    query = urllib.request.Request(url, body, {"Content-Type": kind})
    with urllib.request.urlopen(query, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "application/timestamp-reply"
        return bytes(answer.read())


def test_a_token_holds_what_rfc_3161_asks_for(ring: KeyRing) -> None:
    token = cms.ContentInfo.load(ring.time_stamp_authority.time_stamp(IMPRINT), strict=True)
    signed = token["content"]
    assert signed["version"].native == "v3"
    info = signed["encap_content_info"]["content"].parsed
    assert info["version"].native == "v1"
    assert info["policy"].dotted == oids.TIME_STAMP_POLICY
    assert info["message_imprint"]["hashed_message"].native == IMPRINT
    assert info["gen_time"].native == ring._clock()  # the fraction included
    assert info["accuracy"]["seconds"].native == 1
    assert info["nonce"].native > 0
    assert info["serial_number"].native.bit_length() == 121
    [signer] = signed["signer_infos"]
    attributes = {attribute["type"].native: attribute["values"][0] for attribute in signer["signed_attrs"]}
    assert set(attributes) == {"content_type", "message_digest", "signing_certificate_v2"}
    [certificate] = signed["certificates"]
    identified = attributes["signing_certificate_v2"]["certs"][0]
    assert identified["cert_hash"].native == hashlib.sha256(certificate.chosen.dump()).digest()
    assert identified["issuer_serial"]["serial_number"].native == certificate.chosen.serial_number
    assert info["tsa"].chosen == certificate.chosen.subject


@pytest.mark.parametrize("kind", ["p256", "rsa"])
def test_pyhanko_accepts_a_token(kind: str, ring: KeyRing, request: pytest.FixtureRequest) -> None:
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
    from pyhanko.sign.validation.status import TimestampSignatureStatus
    from pyhanko_certvalidator import ValidationContext

    token = cms.ContentInfo.load(_authority(kind, ring, request).time_stamp(IMPRINT))
    roots = [asn1_x509.Certificate.load(ring.ca.certificate.public_bytes(Encoding.DER))]
    context = ValidationContext(trust_roots=roots, moment=ring._clock())
    found = asyncio.run(validate_tst_signed_data(token["content"], context, lambda _algorithm: IMPRINT))
    status = TimestampSignatureStatus(**found)
    assert status.intact
    assert status.valid
    assert status.trusted
    assert status.timestamp == ring._clock()


def test_serial_numbers_and_nonces_differ(ring: KeyRing) -> None:
    infos = [
        cms.ContentInfo.load(ring.time_stamp_authority.time_stamp(IMPRINT))["content"]["encap_content_info"]["content"].parsed
        for _ in range(20)
    ]  # fmt: skip
    assert len({info["serial_number"].native for info in infos}) == 20
    assert len({info["nonce"].native for info in infos}) == 20


def test_an_authority_whose_x509_certificate_is_over_does_not_time_stamp(ring: KeyRing, clock: Callable) -> None:  # type: ignore[type-arg]
    authority = ring.time_stamp_authority
    clock.now += timedelta(days=11 * 365)  # type: ignore[attr-defined]
    with pytest.raises(TimeStampUnavailable, match="not valid"):
        authority.time_stamp(IMPRINT)
    reply = rfc3161.TimeStampResp.load(authority.respond(rfc3161.new_request(IMPRINT).dump()))
    assert reply["status"]["fail_info"].native == {"time_not_available"}


def test_an_imprint_of_another_length_is_a_mistake_of_the_caller(ring: KeyRing) -> None:
    for authority in (ring.time_stamp_authority, HttpAuthority("http://127.0.0.1:9")):
        with pytest.raises(ValueError, match="32 bytes"):
            authority.time_stamp(b"x" * 20)


def _query(**changes: object) -> bytes:
    fields: dict[str, object] = {
        "version": "v1",
        "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": IMPRINT},
    }
    return bytes(tsp.TimeStampReq(fields | changes).dump())


@pytest.mark.parametrize(
    ("query", "failure"),
    [
        (b"", "bad_data_format"),
        (b"\x30\x80", "bad_data_format"),
        (_query() + b"\x00", "bad_data_format"),
        (_query(version="v2"), "bad_request"),
        (_query(req_policy="1.2.3.4"), "unaccepted_policy"),
        (_query(message_imprint={"hash_algorithm": {"algorithm": "sha1"}, "hashed_message": b"x" * 20}), "bad_alg"),
        (_query(message_imprint={"hash_algorithm": {"algorithm": "1.2.3"}, "hashed_message": b"x" * 32}), "bad_alg"),
        (_query(message_imprint={"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": b"x"}), "bad_data_format"),
        (_query(extensions=[{"extn_id": "1.2.3", "extn_value": b"x"}]), "unaccepted_extensions"),
    ],
)  # fmt: skip
def test_a_bad_query_is_refused_with_its_reason(ring: KeyRing, query: bytes, failure: str) -> None:
    reply = rfc3161.TimeStampResp.load(ring.time_stamp_authority.respond(query), strict=True)
    assert reply["status"]["status"].native == "rejection"
    assert reply["status"]["fail_info"].native == {failure}
    assert reply["time_stamp_token"].native is None


def test_openssl_reads_a_refusal(ring: KeyRing, tmp_path: Path) -> None:
    (tmp_path / "reply").write_bytes(ring.time_stamp_authority.respond(_query(req_policy="1.2.3.4")))
    shown = _openssl("-reply", "-in", tmp_path / "reply", "-text").stdout
    assert "Status: Rejected." in shown
    assert "not supported by the TSA" in shown


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=80), st.integers(0, 60), st.integers(0, 255))
def test_whatever_is_asked_there_is_an_answer(ring: KeyRing, junk: bytes, position: int, value: int) -> None:
    changed = bytearray(_query())
    changed[position % len(changed)] = value
    for query in (junk, bytes(changed)):
        reply = rfc3161.TimeStampResp.load(ring.time_stamp_authority.respond(query), strict=True)
        assert reply["status"]["status"].native in ("granted", "rejection")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(position=st.integers(0, 10**6), value=st.integers(1, 255), cut=st.booleans())
def test_a_reply_with_one_byte_changed_or_cut_off_is_refused_or_still_true(
    ring: KeyRing, position: int, value: int, cut: bool
) -> None:
    request = rfc3161.new_request(IMPRINT)
    reply = bytearray(ring.time_stamp_authority.respond(request.dump()))
    position %= len(reply)
    if cut:
        del reply[position:]
    else:
        reply[position] ^= value
    try:
        checked = rfc3161.check_response(bytes(reply), request, anchors=ring.trust_anchors)
    except rfc3161.TokenInvalid:
        return
    # What no signature covers may differ (the status, algorithm parameters): what counts may not.
    assert checked.time == ring._clock()
    assert checked.certificate == ring.time_stamp_authority.certificate


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_junk_is_no_reply(junk: bytes) -> None:
    with pytest.raises(rfc3161.TokenInvalid):
        rfc3161.check_response(junk, rfc3161.new_request(IMPRINT))


@pytest.mark.parametrize(
    ("method", "kind", "body", "status"),
    [
        ("GET", None, None, 405),
        ("POST", "text/plain", b"x", 415),
        ("POST", "application/timestamp-query", b"x" * 70_000, 413),
    ],
)
def test_the_server_refuses_what_is_no_query(
    ring: KeyRing, method: str, kind: str | None, body: bytes | None, status: int
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    with serve(ring.time_stamp_authority) as url:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method), timeout=10)
        caught.value.close()
        assert caught.value.code == status
        assert HttpAuthority(url).time_stamp(IMPRINT)


def test_the_server_is_gone_afterwards(ring: KeyRing) -> None:
    with serve(ring.time_stamp_authority) as url:
        pass
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=5)
