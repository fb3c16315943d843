"""The client of RFC 3161 authorities against real HTTP servers, honest and otherwise."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import logging
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import algos, cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing_core.errors import TimeStampUnavailable, UsageError
from signing_core.keys import rfc3161, time_stamping
from signing_core.keys.interface import TimeStampAuthority
from signing_core.keys.rfc3161 import Request
from signing_core.keys.ring import KeyRing
from signing_core.keys.software import SoftwareKey
from signing_core.keys.time_stamping import EmbeddedAuthority, HttpAuthority
from signing_core.keys.token_maker import TokenMaker
from signing_core.keys.tsa_server import serve

IMPRINT = hashlib.sha256(b"data").digest()
REPLY = "application/timestamp-reply"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answer: Callable[[bytes, dict[str, str]], tuple[int, str, bytes]]
    seen: list[dict[str, str]]
    pause = 0.0
    """Seconds between two bytes of an answer."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append(dict(self.headers))
        status, kind, data = self.server.answer(body, dict(self.headers))
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if status == 302:
            self.send_header("Location", self.path)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # a client that has seen enough
            for byte in data if self.server.pause else ():
                self.wfile.write(bytes([byte]))
                time.sleep(self.server.pause)
            if not self.server.pause:
                self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def answering(answer: Callable[..., tuple[int, str, bytes]]) -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answer, server.seen = answer, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _url(server: _Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}/tsa"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_stamping, "_PAUSES", (0.0, 0.0))


def test_a_token_over_http(ring: KeyRing, clock: Callable[[], Any]) -> None:
    with serve(ring.time_stamp_authority) as url:
        authority = HttpAuthority(url, anchors=ring.trust_anchors, clock=clock)
        assert isinstance(authority, TimeStampAuthority)
        assert not authority.embedded
        assert authority.name == "127.0.0.1"
        tokens = [cms.ContentInfo.load(authority.time_stamp(IMPRINT)) for _ in range(3)]
    infos = [token["content"]["encap_content_info"]["content"].parsed for token in tokens]
    assert {info["message_imprint"]["hashed_message"].native for info in infos} == {IMPRINT}
    assert len({info["nonce"].native for info in infos}) == 3
    assert all(len(token["content"]["certificates"]) == 1 for token in tokens)


def test_several_threads_share_an_authority(ring: KeyRing) -> None:
    tokens: list[bytes] = []
    with serve(ring.time_stamp_authority) as url:
        authority = HttpAuthority(url)
        threads = [threading.Thread(target=lambda: tokens.append(authority.time_stamp(IMPRINT))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(tokens)) == 8


@pytest.mark.parametrize("in_url", [True, False])
def test_user_and_password_are_sent_and_never_shown(
    ring: KeyRing, in_url: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def answer(body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        expected = "Basic " + base64.b64encode(b"sample:p@ss word").decode()
        if headers.get("Authorization") != expected:
            return 401, "text/plain", b""
        return 200, REPLY, ring.time_stamp_authority.respond(body)

    with answering(answer) as server:
        url = _url(server)
        if in_url:
            authority = HttpAuthority(url.replace("//", "//sample:p%40ss%20word@"))
        else:
            authority = HttpAuthority(url, auth=("sample", "p@ss word"))
        assert authority.time_stamp(IMPRINT)
        wrong = HttpAuthority(url.replace("//", "//sample:wr0ng@"))
        with pytest.raises(TimeStampUnavailable, match="401") as caught:
            wrong.time_stamp(IMPRINT)
    for secret in ("p@ss", "p%40ss", "wr0ng", "sample:"):
        assert secret not in str(caught.value) + repr(wrong) + repr(authority) + wrong.name
        assert secret not in caplog.text


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
def test_a_failing_server_is_asked_three_times(ring: KeyRing, status: int) -> None:
    replies = iter([status, status, 200])

    def answer(body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        return next(replies), REPLY, ring.time_stamp_authority.respond(body)

    with answering(answer) as server:
        assert HttpAuthority(_url(server)).time_stamp(IMPRINT)
        assert len(server.seen) == 3
    with answering(lambda body, headers: (status, "text/plain", b"")) as server:
        with pytest.raises(TimeStampUnavailable, match=rf"127\.0\.0\.1 answered with HTTP status {status}"):
            HttpAuthority(_url(server)).time_stamp(IMPRINT)
        assert len(server.seen) == 3


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404])
def test_a_refusing_server_is_asked_once(status: int) -> None:
    with answering(lambda body, headers: (status, "text/plain", b"")) as server:
        with pytest.raises(TimeStampUnavailable, match=str(status)):
            HttpAuthority(_url(server)).time_stamp(IMPRINT)
        assert len(server.seen) == 1


def test_nobody_there_and_no_answer_in_time() -> None:
    with pytest.raises(TimeStampUnavailable, match=r"127\.0\.0\.1 could not be reached"):
        HttpAuthority("http://127.0.0.1:9/tsa").time_stamp(IMPRINT)
    released = threading.Event()

    def slow(body: bytes, headers: dict[str, str]) -> tuple[int, str, bytes]:
        released.wait(10)
        return 503, "text/plain", b""

    with answering(slow) as server:
        with pytest.raises(TimeStampUnavailable, match=r"no whole answer within 0\.1 s"):
            HttpAuthority(_url(server), timeout=0.1).time_stamp(IMPRINT)
        released.set()


def test_too_many_bytes_are_not_read() -> None:
    with (
        answering(lambda body, headers: (200, REPLY, b"\x30" * (1 << 20))) as server,
        pytest.raises(TimeStampUnavailable, match="too many bytes"),
    ):
        HttpAuthority(_url(server)).time_stamp(IMPRINT)


@pytest.mark.parametrize("url", ["", "ftp://tsa.example", "tsa.example/x", "http://", "http://[::1", "http://a:b:c/"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(UsageError, match="time-stamp authority's address"):
        HttpAuthority(url)


def _refused(answer: Callable[[bytes], bytes], **options: Any) -> str:
    kind = options.pop("kind", REPLY)
    with answering(lambda body, headers: (200, kind, answer(body))) as server:
        with pytest.raises(TimeStampUnavailable) as caught:
            HttpAuthority(_url(server), **options).time_stamp(IMPRINT)
        assert len(server.seen) == 1  # asking again would not help
    assert "127.0.0.1" in str(caught.value)
    return str(caught.value)


def _request(body: bytes, **changes: Any) -> Request:
    request = rfc3161.read_request(body)
    fields = {name: getattr(request, name) for name in Request.__slots__}
    return Request(**fields | changes)


def test_replies_that_answer_something_else_are_refused(ring: KeyRing) -> None:
    authority = ring.time_stamp_authority

    def with_changed(**changes: Any) -> Callable[[bytes], bytes]:
        return lambda body: rfc3161.response(authority._token(_request(body, **changes)))

    assert "another imprint" in _refused(with_changed(imprint=b"x" * 32))
    assert "another imprint" in _refused(with_changed(algorithm="sha512", imprint=b"x" * 64))
    assert "another nonce" in _refused(with_changed(nonce=7))
    assert "another nonce" in _refused(with_changed(nonce=None))
    assert "without its X.509 certificate" in _refused(with_changed(include_certificates=False))
    recorded = authority.respond(rfc3161.new_request(IMPRINT).dump())
    assert "another nonce" in _refused(lambda body: recorded)


def test_refusals_and_junk_are_told_apart(ring: KeyRing) -> None:
    assert "refused the request (bad alg)" in _refused(lambda body: rfc3161.refusal(rfc3161.Refusal("bad_alg")))
    assert "no time-stamp response" in _refused(lambda body: b"")
    assert "no time-stamp response" in _refused(lambda body: b"<html>")
    assert "no time-stamp response" in _refused(ring.time_stamp_authority.respond, kind="text/html")
    assert "without a token" in _refused(lambda body: rfc3161.TimeStampResp({"status": {"status": "granted"}}).dump())


def test_a_time_far_from_this_machines_clock_is_refused(ring: KeyRing, clock: Any) -> None:
    now = ring._clock()
    ahead = EmbeddedAuthority(ring._key("time-stamp"), clock=lambda: now + timedelta(minutes=5))
    assert "correct the clock" in _refused(ahead.respond, clock=lambda: now)
    with serve(ahead) as url:
        assert HttpAuthority(url).time_stamp(IMPRINT)
        assert HttpAuthority(url, clock=lambda: now, tolerance=timedelta(minutes=6)).time_stamp(IMPRINT)


def test_an_authority_of_others_is_refused_where_anchors_are_given(ring: KeyRing, trust_service: Any) -> None:
    answer = ring.time_stamp_authority.respond
    assert "trust anchors" in _refused(answer, anchors=[trust_service.root])
    assert "trust anchors" in _refused(answer, anchors=[])


def _signed_by(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, ring: KeyRing
) -> Callable[[bytes], bytes]:
    maker = TokenMaker(SoftwareKey(key, certificate, ()))
    return lambda body: rfc3161.response(maker.make(_request(body), at=ring._clock(), accuracy_seconds=1))


@pytest.mark.parametrize(
    ("usages", "critical"),
    [
        ((), False),
        ((ExtendedKeyUsageOID.TIME_STAMPING,), False),
        ((ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING), True),
        ((ExtendedKeyUsageOID.EMAIL_PROTECTION,), True),
    ],
)
def test_an_x509_certificate_not_for_time_stamping_alone_is_refused(
    ring: KeyRing, trust_service: Any, usages: tuple[x509.ObjectIdentifier, ...], critical: bool
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = trust_service._issue(
        "TSA", key.public_key(), trust_service.issuing, extended=usages, critical=critical
    )
    assert "not for time-stamping" in _refused(_signed_by(certificate, key, ring))


def test_a_bought_authority_with_an_intermediate_leads_to_its_anchor(ring: KeyRing, trust_service: Any) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = trust_service._issue(
        "TSA", key.public_key(), trust_service.issuing, extended=(ExtendedKeyUsageOID.TIME_STAMPING,), critical=True
    )
    bought = SoftwareKey(key, certificate, (trust_service.issuing, trust_service.root))
    with serve(EmbeddedAuthority(bought, clock=ring._clock)) as url:
        token = cms.ContentInfo.load(HttpAuthority(url, anchors=[trust_service.root]).time_stamp(IMPRINT))
    assert len(token["content"]["certificates"]) == 2  # the root is left out


def test_a_signature_by_another_key_is_refused(ring: KeyRing) -> None:
    impostor = ec.generate_private_key(ec.SECP256R1())
    assert "does not verify" in _refused(_signed_by(ring.time_stamp_authority.certificate, impostor, ring))


def _tampered(ring: KeyRing, change: Callable[[Any], None]) -> Callable[[bytes], bytes]:
    def answer(body: bytes) -> bytes:
        token = cms.ContentInfo.load(ring.time_stamp_authority._token(_request(body)))
        change(token["content"])
        return rfc3161.response(token.dump(force=True))

    return answer


def test_a_token_changed_after_signing_is_refused(ring: KeyRing) -> None:
    def later(signed: Any) -> None:
        info = signed["encap_content_info"]["content"].parsed
        info["gen_time"] = info["gen_time"].native + timedelta(hours=1)
        signed["encap_content_info"]["content"] = cms.ParsableOctetString(info.dump(force=True))

    def without_ess(signed: Any) -> None:
        signer = signed["signer_infos"][0]
        signer["signed_attrs"] = [a for a in signer["signed_attrs"] if a["type"].native != "signing_certificate_v2"]

    def without_attributes(signed: Any) -> None:
        del signed["signer_infos"][0]["signed_attrs"]

    def twice(signed: Any) -> None:
        signed["signer_infos"] = [signed["signer_infos"][0], signed["signer_infos"][0]]

    assert "content was changed" in _refused(_tampered(ring, later))
    assert "does not name its X.509 certificate" in _refused(_tampered(ring, without_ess))
    assert "does not name its X.509 certificate" in _refused(_tampered(ring, without_attributes))
    assert "another kind" in _refused(_tampered(ring, twice))


def test_another_x509_certificate_for_the_same_key_is_refused(ring: KeyRing) -> None:
    """What ESSCertIDv2 is for: issuer and serial number alone do not say which X.509 certificate it was."""
    key = ring._key("time-stamp")
    assert isinstance(key, SoftwareKey)
    own = key.certificate
    builder = (
        x509.CertificateBuilder()
        .serial_number(own.serial_number)
        .issuer_name(own.issuer)
        .subject_name(own.subject)
        .public_key(own.public_key())
        .not_valid_before(own.not_valid_before_utc)
        .not_valid_after(own.not_valid_after_utc)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), True)
    )
    twin = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.DER)

    def swap(signed: Any) -> None:
        signed["certificates"] = [cms.CertificateChoices("certificate", cms.Certificate.load(twin))]

    assert "names another X.509 certificate" in _refused(_tampered(ring, swap))


def _openssl_authority(
    folder: Path, trust_service: Any, key: Any, ess_algorithm: str, digest: str
) -> Callable[[bytes], bytes]:
    """OpenSSL's own time-stamp authority: none of our code makes these tokens."""
    usages = (ExtendedKeyUsageOID.TIME_STAMPING,)
    certificate = trust_service._issue("TSA", key.public_key(), trust_service.issuing, extended=usages, critical=True)
    (folder / "tsa.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "chain.pem").write_bytes(trust_service.issuing.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(
        "[tsa]\ndefault_tsa = one\n[one]\n"
        f"serial = {folder / 'serial'}\nsigner_cert = {folder / 'tsa.pem'}\ncerts = {folder / 'chain.pem'}\n"
        f"signer_key = {folder / 'key.pem'}\nsigner_digest = {digest}\ndefault_policy = 1.2.3.4.1\n"
        "digests = sha256, sha512\naccuracy = secs:1, millisecs:500\nclock_precision_digits = 6\n"
        f"tsa_name = yes\ness_cert_id_chain = yes\ness_cert_id_alg = {ess_algorithm}\n"
    )

    def answer(body: bytes) -> bytes:
        (folder / "query").write_bytes(body)
        subprocess.run(
            ["openssl", "ts", "-reply", "-config", folder / "tsa.cnf", "-queryfile", folder / "query", "-out",
             folder / "reply"],
            check=True, capture_output=True, timeout=600,
        )  # fmt: skip
        return (folder / "reply").read_bytes()

    return answer


@pytest.mark.parametrize("ess_algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize(
    ("kind", "digest"), [("rsa", "sha256"), ("rsa", "sha512"), ("p256", "sha256"), ("p384", "sha384")]
)
def test_tokens_of_openssls_authority_are_accepted(
    tmp_path: Path, trust_service: Any, rsa_key: rsa.RSAPrivateKey, ess_algorithm: str, kind: str, digest: str
) -> None:
    curves = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}
    key = rsa_key if kind == "rsa" else ec.generate_private_key(curves[kind])
    answer = _openssl_authority(tmp_path, trust_service, key, ess_algorithm, digest)
    with answering(lambda body, headers: (200, REPLY, answer(body))) as server:
        authority = HttpAuthority(
            _url(server), anchors=[trust_service.root], clock=lambda: datetime.now(UTC), tolerance=timedelta(seconds=10)
        )
        token = authority.time_stamp(IMPRINT)
    (tmp_path / "token").write_bytes(token)
    (tmp_path / "root.pem").write_bytes(trust_service.root.public_bytes(Encoding.PEM))
    verified = subprocess.run(
        ["openssl", "ts", "-verify", "-token_in", "-in", tmp_path / "token", "-digest", IMPRINT.hex(), "-CAfile",
         tmp_path / "root.pem"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert verified.returncode == 0, verified.stderr


def test_openssls_refusal_is_told(tmp_path: Path, trust_service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = _openssl_authority(tmp_path, trust_service, ec.generate_private_key(ec.SECP256R1()), "sha256", "sha256")
    real = rfc3161.new_request
    monkeypatch.setattr(
        rfc3161, "new_request", lambda imprint: Request("sha256", imprint, real(imprint).nonce, "1.9.9", True)
    )
    assert "refused the request (unaccepted policy)" in _refused(answer)


@pytest.mark.parametrize("genuine", [True, False])
def test_rsa_pss_is_understood(ring: KeyRing, trust_service: Any, rsa_key: rsa.RSAPrivateKey, genuine: bool) -> None:
    usages = (ExtendedKeyUsageOID.TIME_STAMPING,)
    certificate = trust_service._issue(
        "TSA", rsa_key.public_key(), trust_service.issuing, extended=usages, critical=True
    )

    class PssKey(SoftwareKey):
        def sign(self, data: bytes) -> bytes:
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            return rsa_key.sign(data if genuine else data + b"x", pss, hashes.SHA256())

    maker = TokenMaker(PssKey(rsa_key, certificate, ()))
    sha256 = {"algorithm": "sha256"}
    parameters = {
        "hash_algorithm": sha256,
        "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": sha256},
        "salt_length": 32,
    }
    maker._signature_algorithm = algos.SignedDigestAlgorithm(
        {"algorithm": "rsassa_pss", "parameters": algos.RSASSAPSSParams(parameters)}
    ).dump()

    def answer(body: bytes) -> bytes:
        return rfc3161.response(maker.make(_request(body), at=ring._clock(), accuracy_seconds=1))

    if genuine:
        with answering(lambda body, headers: (200, REPLY, answer(body))) as server:
            assert HttpAuthority(_url(server)).time_stamp(IMPRINT)
    else:
        assert "does not verify" in _refused(answer)


def test_an_answer_that_comes_byte_after_byte_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_stamping, "_PAUSES", ())
    with answering(lambda *_: (200, REPLY, b"x" * 60)) as server:
        server.pause = 0.05
        with pytest.raises(TimeStampUnavailable, match=r"no whole answer within 0\.4 s"):
            HttpAuthority(_url(server), timeout=0.4).time_stamp(IMPRINT)
