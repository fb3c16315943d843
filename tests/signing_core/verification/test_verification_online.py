"""Fetching revocation data over HTTP, from servers on this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import signed_samples as made
from signed_samples import NOW

from signing_core.pki.x509_certificates import X509, parse
from signing_core.policy import Policy
from signing_core.verdict import Indication, SubIndication
from signing_core.verification import verify
from signing_core.verification.chains import Surroundings, Window, judge
from signing_core.verification.online import Fetcher, request
from signing_core.verification.revocation import Material

Answer = Callable[[str, bytes], tuple[int, bytes]]


class Server:
    def __init__(self) -> None:
        self.answer: Answer = lambda path, body: (404, b"")
        self.asked: list[tuple[str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                outer.asked.append((self.path, body))
                status, content = outer.answer(self.path, body)
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _do

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def parsed(identity: made.Identity) -> X509:
    certificate = parse(identity.der)
    assert certificate is not None
    return certificate


def outcome(root: made.Identity, signer: made.Identity, notes: list[tuple[str, str]]) -> object:
    fetcher = Fetcher(lambda code, detail: notes.append((code, detail)), by_operator=True)
    around = Surroundings(Policy(), frozenset({parsed(root)}), frozenset(), (), Material(), fetcher.fetch)
    verdict = judge(parsed(signer), Window(NOW, False, None, NOW), around)
    return verdict.sub_indication or verdict.indication


def test_ocsp_first(server: Server) -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, ocsp_url=f"{server.url}/ocsp", crl_url=f"{server.url}/crl")
    server.answer = lambda path, body: (200, made.ocsp(signer, root))
    assert outcome(root, signer, []) is Indication.TOTAL_PASSED
    assert server.asked == [("/ocsp", request(parsed(signer), parsed(root)))]


def test_the_request_is_one_that_others_read() -> None:
    from cryptography.x509 import ocsp

    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root)
    read = ocsp.load_der_ocsp_request(request(parsed(signer), parsed(root)))
    assert read.serial_number == signer.certificate.serial_number


def test_crl_when_ocsp_gives_nothing(server: Server) -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, ocsp_url=f"{server.url}/ocsp", crl_url=f"{server.url}/crl")
    server.answer = lambda path, body: (200, made.crl(root)) if path == "/crl" else (500, b"")
    notes: list[tuple[str, str]] = []
    assert outcome(root, signer, notes) is Indication.TOTAL_PASSED
    assert notes[0][0] == "revocation-not-fetched"


def test_crl_when_ocsp_gives_an_answer_that_is_worth_nothing(server: Server) -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, ocsp_url=f"{server.url}/ocsp", crl_url=f"{server.url}/crl")
    another = made.issue("Another", root)
    by_stranger = made.ocsp(signer, root, made.issue("Stranger", ca=True))
    unknown = made.sequence(made.cert_id(signer, root), made.tlv(0x82), made.generalized(NOW))
    for answer in (made.ocsp(another, root), by_stranger, made.ocsp_response(root, unknown, produced=NOW)):
        server.answer = lambda path, body, said=answer: (200, made.crl(root) if path == "/crl" else said)
        assert outcome(root, signer, []) is Indication.TOTAL_PASSED


def test_a_responder_is_asked_about_too(server: Server) -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, ocsp_url=f"{server.url}/ocsp")
    by = made.issue("Responder", root, extended=["1.3.6.1.5.5.7.3.9"], crl_url=f"{server.url}/crl")
    for revoked, expected in (([], Indication.TOTAL_PASSED), ([(by, NOW, None)], SubIndication.TRY_LATER)):
        lists = made.crl(root, revoked)
        server.answer = lambda path, body, crl=lists: (200, made.ocsp(signer, root, by) if path == "/ocsp" else crl)
        assert outcome(root, signer, []) is expected
    assert [path for path, _ in server.asked] == ["/ocsp", "/crl"] * 2


@pytest.mark.parametrize("status", [200, 302, 404, 500])
def test_an_answer_that_is_worth_nothing(status: int, server: Server) -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, crl_url=f"{server.url}/crl")
    server.answer = lambda path, body: (status, b"no CRL")
    assert outcome(root, signer, []) is SubIndication.TRY_LATER
    assert server.asked[0][0] == "/crl"


def test_nobody_there() -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, crl_url="http://127.0.0.1:9/crl")
    notes: list[tuple[str, str]] = []
    assert outcome(root, signer, notes) is SubIndication.TRY_LATER
    assert notes


def test_private_addresses_are_not_asked(server: Server, world, codes) -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, crl_url=f"{server.url}/crl")
    server.answer = lambda path, body: (200, made.crl(root))

    trust = made.store(root.der)
    verdict = verify(made.signed(signer), at=NOW, trust=trust, online=True)
    assert verdict.sub_indication is SubIndication.TRY_LATER
    assert "revocation-not-fetched" in codes(verdict)
    assert server.asked == []


def test_offline_by_default(server: Server) -> None:
    root = made.issue("Root", ca=True)
    signer = made.issue("Signer", root, crl_url=f"{server.url}/crl", ocsp_url=f"{server.url}/ocsp")

    verify(made.signed(signer), at=NOW, trust=made.store(root.der))
    assert server.asked == []
