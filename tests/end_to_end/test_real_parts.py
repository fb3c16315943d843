"""The whole flow on the parts of a real installation: PostgreSQL, SMTP, SMS gateways, tokens, bought keys, an outside TSA."""

from __future__ import annotations

import hashlib
import io
import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from program import PROGRAM, sealtrail
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from signing_core.bulk import renewal
from signing_core.desk import Desk, Origin, Signer, background, judging, views
from signing_core.errors import CodeRejected, DocumentUnknown, LinkInvalid
from signing_core.flow import Role, Status
from signing_core.keys.ring import KeyRing
from signing_core.keys.settings import KeySettings
from signing_core.keys.tsa_server import serve
from signing_core.storage.workspace import Workspace
from signing_core.testing import AUTHOR, CLIENT, DIRECTOR, ManualClock, Play, contract, make_workspace, received
from signing_core.trust import load_trust
from signing_core.trust.workspace import of_workspace
from signing_core.verdict import DocumentVerdict
from signing_core.verification import verify

PIN = "sample-pin"
PASSPHRASE = "a passphrase of the sample trust service"


def final_of(play: Play, document_id: str) -> bytes:
    return play.workspace.objects.get(play.desk.status(document_id)["final"]["sha256"])


def passed(play: Play, document_id: str) -> DocumentVerdict:
    """The completed file, judged by its workspace and with the public folder alone."""
    final, at = final_of(play, document_id), play.workspace.clock() + timedelta(seconds=2)
    public = play.workspace.keys().public_folder
    known = verify(final, at=at, workspace_context=judging.context_of(play.workspace))
    alone = verify(final, at=at, trust=load_trust([public]))
    for verdict in (known, alone):
        assert (verdict.integrity, verdict.indication) == ("intact", "TOTAL-PASSED"), verdict.to_json()
    assert (known.registry, known.audit_log) == ("known", "included")
    return known


# (a) PostgreSQL


def test_on_postgresql(postgresql_url: str, tmp_path: Path) -> None:
    with make_workspace(tmp_path / "workspace", database_url=postgresql_url) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.to_completion(document_id)
        passed(play, document_id)
        assert len([m for m in received(workspace) if m.attachment_sha256]) == 3
        assert workspace.engine.dialect.name == "postgresql"
        with pytest.raises(DocumentUnknown):
            play.desk.status("\0")


def test_what_strangers_send_can_be_stored_on_postgresql(postgresql_url: str, tmp_path: Path) -> None:
    """PostgreSQL takes no NUL in a text; a browser may send anything."""
    with make_workspace(tmp_path / "workspace", database_url=postgresql_url) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract(1))
        play.desk.send(document_id)
        play.deliver()
        token, origin = play.token(Role.FIRST_PARTY), Origin("192.0.2.1\0", "\0\u202e" + "D" * 100_000)
        play.desk.open(token, "\0session", origin)
        challenge = play.desk.request_code(token, "\0session", origin)
        with pytest.raises(CodeRejected):
            play.desk.submit_code(token, "\0session", challenge, "\0", origin)
        for junk in ("\0", "x" * 100_000, "\udcff"):
            with pytest.raises(LinkInvalid):
                play.desk.open(junk, "session", origin)
        play.desk.decline(token, "\0session", "No\0, thanks" + "!" * 100_000, origin)
        assert play.desk.state(document_id).status is Status.DECLINED
        play.deliver()
        assert len(views.history(workspace, document_id)[-1]["type"]) > 0


# (b) Mail and SMS


class Reached(Play):
    """Parties who read their mail on the mail server and their SMS at the gateway."""

    mailbox: Any
    gateway: Any

    def texts(self, contact: str) -> list[str]:
        if "@" not in contact:
            return [text for to, text in map(sms_of, self.gateway.requests) if to == contact]
        return [
            message.get_body(("plain",)).get_content()
            for message, (_, to) in zip(self.mailbox.messages, self.mailbox.envelopes, strict=True)
            if to == [contact]
        ]

    def _last(self, role: Role, pattern: str) -> str:
        found = [match for text in self.texts(self.contact(role)) for match in re.findall(pattern, text)]
        return str(found[-1])

    def token(self, role: Role) -> str:
        return self._last(role, r"/s/([A-Za-z0-9_-]{43})")

    def code(self, role: Role) -> str:
        return self._last(role, r"\b(\d{3} \d{3})\b")


def sms_of(request: Any) -> tuple[str, str]:
    if request.headers["content-type"].startswith("application/json"):
        content = json.loads(request.body)
        return content["to"], content["text"]
    form = parse_qs(request.body.decode())
    return form["To"][0], form["Body"][0]


MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "starttls"
user = "signing"
password = "a good password"
sender = "Sample Seals <signing@example.org>"
"""
JSON_SMS = """
[sms]
kind = "json"
url = "{url}/send"
token = "a bearer token"
sender = "Sample"
"""
TWILIO_SMS = """
[sms]
kind = "twilio"
url = "{url}"
user = "AC0123"
password = "an auth token"
sender = "+491713920000"
"""


@pytest.fixture
def reached(
    blank_copy: Callable[..., Path], mail_server: Any, gateway: Any, authority: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Reached]]:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    mailbox = mail_server(tls_context=authority.server, require_starttls=True, login=True)
    opened: list[Workspace] = []

    def start(sms: str, clock: Any = None) -> Reached:
        folder = blank_copy("reached", MAIL.format(port=mailbox.port) + sms.format(url=gateway.url))
        workspace = Workspace.open(folder, **({"clock": clock} if clock else {}))
        opened.append(workspace)
        play = Reached(Desk(workspace))
        play.mailbox, play.gateway = mailbox, gateway
        return play

    yield start
    for workspace in opened:
        workspace.close()


@pytest.mark.parametrize("sms", [JSON_SMS, TWILIO_SMS], ids=["json", "twilio"])
def test_by_mail_and_sms(reached: Callable[..., Reached], sms: str) -> None:
    play = reached(sms)
    document_id = play.create(contract())
    play.to_completion(document_id)
    passed(play, document_id)
    final = final_of(play, document_id)
    attached = {
        tuple(to): next(iter(message.iter_attachments())).get_content()
        for message, (_, to) in zip(play.mailbox.messages, play.mailbox.envelopes, strict=True)
        if list(message.iter_attachments())
    }
    assert attached == {(address,): final for address in (AUTHOR.email, DIRECTOR.contact, str(CLIENT.copy_email))}
    assert play.mailbox.encrypted and all(play.mailbox.encrypted), "nothing went in the clear"
    assert {message["state"] for message in play.desk.status(document_id)["messages"]} == {"delivered"}
    assert received(play.workspace) == [], "nothing was left in the outbox folder besides"
    numbers = [message["message-id"] for message in play.mailbox.messages]
    assert len(set(numbers)) == len(numbers)


def test_a_delivery_that_fails_is_seen_and_never_counts_as_sent(reached: Callable[..., Reached]) -> None:
    clock = ManualClock()
    play = reached(JSON_SMS, clock)
    document_id = play.create(contract())
    play.desk.send(document_id)
    play.mailbox.answers["RCPT"] = ["451 try again later"]
    play.deliver()
    (link,) = play.desk.status(document_id)["messages"]
    assert (link["state"], link["delivered_at"], link["attempts"]) == ("waiting", None, 1)
    assert "451 try again later" in link["last_error"]
    assert play.mailbox.received == []
    kinds = [event.type for event in play.desk.events(document_id)]
    assert "message.delivered" not in kinds
    clock.forward(minutes=5)
    play.consent(document_id, Role.FIRST_PARTY)
    play.desk.work_on(document_id)
    for answer, state in ((429, "waiting"), (500, "uncertain")):  # after a 500 it may be on its way all the same
        play.gateway.answers += [(answer, {"error": "down"})]
        play.deliver()
        (link,) = [m for m in play.desk.status(document_id)["messages"] if m["role"] == "client"]
        assert (link["kind"], link["channel"], link["state"]) == ("link", "sms", state)
        assert link["delivered_at"] is None
        clock.forward(minutes=15)
    play.desk.resend(document_id)
    play.to_completion(document_id)
    passed(play, document_id)
    states = {m["kind"]: m["state"] for m in play.desk.status(document_id)["messages"] if m["role"] == "client"}
    assert states == {"link": "delivered", "code": "delivered", "completed": "delivered"}


def test_a_recipient_that_is_refused_for_good_is_seen(reached: Callable[..., Reached]) -> None:
    play = reached(JSON_SMS)
    document_id = play.create(contract())
    play.desk.send(document_id)
    play.mailbox.answers["RCPT"] = ["550 no such user"]
    play.deliver()
    (link,) = play.desk.status(document_id)["messages"]
    assert link["state"] == "failed"
    assert "550 no such user" in link["last_error"]
    assert play.desk.state(document_id).status is Status.AWAITING_FIRST_PARTY
    types = [event.type for event in play.desk.events(document_id)]
    assert types[-1] == "message.failed"


# (c) Keys on a token

TOKENS = """
[keys.tokens.seal]
module = "{module}"
token_label = "sealtrail"
key_label = "p256"

[keys.tokens.first-party]
module = "{module}"
token_label = "sealtrail"
key_label = "rsa"
"""


def test_with_seal_and_first_party_key_on_a_token(
    token: SimpleNamespace, blank_copy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEALTRAIL_TOKEN_PIN", PIN)
    folder = blank_copy("tokens", TOKENS.format(module=token.module))
    for purpose in ("seal", "first-party"):
        (folder / "keys" / f"{purpose}.p12").unlink()
        done = sealtrail(
            "keys", "certify-token", purpose, "--workspace", folder, environment={"SEALTRAIL_TOKEN_PIN": PIN}
        )
        assert done.returncode == 0, done.stderr
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.to_completion(document_id)
        verdict = passed(play, document_id)
        algorithms = {signature.role: signature.signature_algorithm for signature in verdict.signatures}
        assert "rsa" in str(algorithms["first-party"]).lower()
        assert "ecdsa" in str(algorithms["seal"]).lower()


# (d) and (f) Keys bought from a trust service


class Seller:
    """A trust service: a CA of its own, whose CRL is served over HTTP unless it is down."""

    def __init__(self, folder: Path, since: timedelta = timedelta()) -> None:
        """`since`: how long ago its X.509 certificates were issued."""
        self.behind = since
        self.requests: list[str] = []
        self.lists: dict[str, bytes] = {}
        self.down = False
        self.age = timedelta()
        """How long ago the list that is served was made."""
        seller = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seller.requests.append(self.path)
                own = seller.lists.get(self.path) or seller.ring.ca.crl(seller.clock() - seller.age, 1, [])
                body = b"" if seller.down else own
                self.send_response(503 if seller.down else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        settings = KeySettings(base_url=f"http://127.0.0.1:{self.server.server_address[1]}")
        self.ring = KeyRing.create(
            folder, PASSPHRASE, organisation="Sample Trust Service", clock=self.clock, settings=settings, work=10
        )
        self.behind = timedelta()

    def clock(self) -> datetime:
        return datetime.now(UTC) - self.behind

    @property
    def network(self) -> str:
        """Settings: the host of its lists is here, and may be asked."""
        return f'\n[network]\ncrl_hosts = ["127.0.0.1:{self.server.server_address[1]}"]\n'

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def sell(self, purpose: Any, key: Any = None) -> bytes:
        """A PKCS#12 file; `key` is the customer's own, made for him otherwise."""
        if key is None:
            return self.ring.export_key(purpose, PASSPHRASE)
        certificate = self.ring.ca.issue(purpose, key.public_key(), "Sample Seals GmbH", now=self.clock())
        return pkcs12.serialize_key_and_certificates(
            b"bought", key, certificate, [self.ring.ca.certificate], BestAvailableEncryption(PASSPHRASE.encode())
        )


@pytest.fixture
def seller(tmp_path: Path) -> Iterator[Seller]:
    made = Seller(tmp_path / "seller")
    yield made
    made.close()


def bring_in(folder: Path, purpose: str, data: bytes) -> None:
    file = folder.parent / f"{purpose}-bought.p12"
    file.write_bytes(data)
    done = sealtrail(
        "keys", "import", purpose, file, "--workspace", folder, environment={"SEALTRAIL_IMPORT_PASSWORD": PASSPHRASE}
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("age", [0, 6], ids=["made-now", "six-hours-old"])
def test_with_bought_keys_whose_crl_is_fetched_into_the_file(
    blank_copy: Callable[..., Path], seller: Seller, age: int
) -> None:
    folder = blank_copy("bought", seller.network)
    seller.age = timedelta(hours=age)
    company = x509.load_pem_x509_certificates((folder / "keys" / "public" / "anchors.pem").read_bytes())
    for purpose in ("first-party", "seal"):
        bring_in(folder, purpose, seller.sell(purpose))
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.to_completion(document_id)
        verdict = passed(play, document_id)
        assert seller.requests, "the list came over HTTP"
        issuers = {s.role: s.certificate.issuer for s in verdict.signatures if s.certificate}
        assert "Sample Trust Service" in issuers["seal"] and "Sample Trust Service" in issuers["first-party"]
        assert "Sample Trust Service" not in issuers["client"]
        assert {s.level for s in verdict.signatures if s.role} == {"B-LTA"}
        own_only = folder.parent / "own.pem"
        own_only.write_bytes(b"".join(c.public_bytes(Encoding.PEM) for c in company))
        half = verify(final_of(play, document_id), at=workspace.clock(), trust=load_trust([own_only]))
        assert (half.integrity, half.indication) == ("intact", "INDETERMINATE"), "the seller's anchor is missing"


def test_while_the_seller_s_crl_cannot_be_had_the_document_waits_in_sealing(
    blank_copy: Callable[..., Path], seller: Seller
) -> None:
    folder = blank_copy("bought", seller.network)
    bring_in(folder, "seal", seller.sell("seal"))
    seller.down = True
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        with pytest.raises(AssertionError, match="the document stays sealing"):
            play.to_completion(document_id)
        assert play.desk.state(document_id).status is Status.SEALING
        last = play.desk.events(document_id)[-1]
        assert (last.type, last.data["because"]) == ("sealing.delayed", "KeyUnavailable")
        assert "CRL" in str(last.data["message"])
        assert not [m for m in received(workspace) if m.attachment_sha256], "nobody was told that it is complete"
        seller.down = False
        play.to_completion(document_id)
        passed(play, document_id)


def test_with_a_bought_time_stamp_key_in_the_embedded_authority(
    blank_copy: Callable[..., Path], seller: Seller
) -> None:
    folder = blank_copy("bought", seller.network)
    bring_in(folder, "time-stamp", seller.sell("time-stamp"))
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.to_completion(document_id)
        verdict = passed(play, document_id)
        assert all(s.time_authority and s.time_authority.embedded for s in verdict.signatures)


@pytest.mark.parametrize("kind", ["rsa-3072", "p-384"])
def test_with_bought_keys_of_other_kinds(blank_copy: Callable[..., Path], seller: Seller, kind: str) -> None:
    folder = blank_copy("bought", seller.network)
    key = rsa.generate_private_key(65537, 3072) if kind == "rsa-3072" else ec.generate_private_key(ec.SECP384R1())
    for purpose in ("first-party", "seal"):
        bring_in(folder, purpose, seller.sell(purpose, key))
    with Workspace.open(folder) as workspace:
        play = Play(Desk(workspace))
        document_id = play.create(contract())
        play.to_completion(document_id)
        verdict = passed(play, document_id)
        assert ("rsa" if kind.startswith("rsa") else "ecdsa") in str(verdict.signatures[2].signature_algorithm).lower()


# (e) An outside time-stamp authority


def certified(name: str, key: Any, issuer: Any, signer: Any, *, url: str | None = None) -> x509.Certificate:
    """A root without `url`, else a time-stamp authority whose CRL is there: with nothing of Sealtrail's in it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=url is None, path_length=None), critical=True)
    )
    if url is not None:
        point = x509.DistributionPoint([x509.UniformResourceIdentifier(url)], None, None, None)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
    return builder.sign(signer, hashes.SHA256())


def test_another_authority_while_documents_are_on_their_way_and_in_the_archive(
    blank_copy: Callable[..., Path], tmp_path: Path
) -> None:
    """As docs/keys.md says it is changed: the new root beside the former one, the new address, processes started again."""
    first, second = Seller(tmp_path / "first", since=timedelta(days=30)), Seller(tmp_path / "second")
    hosts = [f"127.0.0.1:{one.server.server_address[1]}" for one in (first, second)]
    folder = blank_copy("house", f"\n[network]\ncrl_hosts = {json.dumps(hosts)}\n")
    file, roots = folder / "sealtrail.toml", folder / "roots.pem"
    settings = file.read_text()

    def change_to(url: str, *sellers: Seller) -> None:
        roots.write_bytes(b"".join(one.ring.ca.certificate.public_bytes(Encoding.PEM) for one in sellers))
        file.write_text(f'{settings}\n[time_stamps]\nurl = "{url}"\ntrust = "roots.pem"\n')

    try:
        with serve(first.ring.time_stamp_authority) as url:
            change_to(url, first)
            with Workspace.open(folder) as workspace:
                play = Play(Desk(workspace))
                archived, on_its_way = play.create(contract()), play.create(contract())
                play.to_completion(archived)
                for state in play.steps(on_its_way):
                    if state.party(Role.FIRST_PARTY).signed is not None:
                        break
        with serve(second.ring.time_stamp_authority) as url:
            change_to(url, first, second)
            with Workspace.open(folder) as workspace:
                play = Play(Desk(workspace))
                play.to_completion(on_its_way)
                (done,) = renewal.each(workspace, before=timedelta(days=20_000), only=[archived])
                assert (done.state, done.problem) == ("renewed", None)
                trust = of_workspace(workspace)
                for data in (final_of(play, on_its_way), workspace.objects.get(done.sha256)):
                    verdict = verify(data, at=workspace.clock() + timedelta(seconds=2), trust=trust)
                    assert (verdict.integrity, verdict.indication) == ("intact", "TOTAL-PASSED"), verdict.to_json()
                    assert verdict.time == "proven"
    finally:
        first.close()
        second.close()


OPENSSL_TSA = """
[tsa]
default_tsa = own
[own]
serial = {folder}/serial
signer_cert = {folder}/leaf.pem
signer_key = {folder}/key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@contextmanager
def outside_authority(seller: Seller, folder: Path) -> Iterator[str]:
    """An RFC 3161 server of somebody else: openssl answers, with its own X.509 certificate only in the token."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = certified("Sample Time Root", root_key, None, root_key)
    url = f"http://127.0.0.1:{seller.server.server_address[1]}/time.crl"
    leaf = certified("Sample Time-Stamp Authority", key, root.subject, root_key, url=url)
    now = datetime.now(UTC)
    crl = x509.CertificateRevocationListBuilder().issuer_name(root.subject).last_update(now - timedelta(hours=1))
    seller.lists["/time.crl"] = (
        crl.next_update(now + timedelta(days=7)).sign(root_key, hashes.SHA256()).public_bytes(Encoding.DER)
    )
    (folder / "time-root.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "leaf.pem").write_bytes(leaf.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(OPENSSL_TSA.format(folder=folder))
    command = ["openssl", "ts", "-reply", "-config", folder / "tsa.cnf", "-queryfile", folder / "query"]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            (folder / "query").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            body = subprocess.run(command, capture_output=True, timeout=30, check=True).stdout
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        anchor = folder / "time-root.pem"
        yield f'\n[time_stamps]\nurl = "http://127.0.0.1:{server.server_address[1]}/"\ntrust = "{anchor}"\n'
        server.shutdown()
        thread.join(5)


def certificate_text(folder: Path, final: bytes) -> str:
    """What a person reads on the certificate page: of the picture in the seal's appearance, by pdftotext."""
    reader = PdfReader(io.BytesIO(final))
    (seal,) = [a.get_object() for a in reader.pages[-1]["/Annots"] if a.get_object().get("/T") == "SealtrailSeal"]
    picture = seal["/AP"]["/N"]["/Resources"]["/XObject"]["/Picture"]
    writer = PdfWriter()
    page = writer.add_blank_page(width=600, height=850)
    content = DecodedStreamObject()
    content.set_data(b"/Picture Do")
    page[NameObject("/Contents")] = writer._add_object(content)
    page[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/XObject"): DictionaryObject({NameObject("/Picture"): picture.clone(writer)})}
    )
    file = folder / "certificate.pdf"
    writer.write(file)
    command = ["pdftotext", "-layout", file, "-"]
    return " ".join(subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout.split())


def test_with_an_outside_time_stamp_authority(blank_copy: Callable[..., Path], seller: Seller, tmp_path: Path) -> None:
    with outside_authority(seller, tmp_path) as settings:
        folder = blank_copy("outside", settings + seller.network)
        with Workspace.open(folder) as workspace:
            play = Play(Desk(workspace))
            document_id = play.create(contract())
            play.to_completion(document_id)
            final = final_of(play, document_id)
            at = workspace.clock() + timedelta(seconds=2)
            public = folder / "keys" / "public"
            verdict = verify(final, at=at, trust=load_trust([public, tmp_path / "time-root.pem"]))
            assert (verdict.integrity, verdict.indication, verdict.time) == ("intact", "TOTAL-PASSED", "proven")
            for signature in verdict.signatures:
                assert signature.time_authority is not None
                assert not signature.time_authority.embedded
                assert "Sample Time-Stamp Authority" in signature.time_authority.name
                assert "time-stamp-embedded" not in {finding.code for finding in signature.findings}
            assert "/time.crl" in seller.requests
            known = verify(final, at=at, workspace_context=judging.context_of(workspace))
            assert (known.indication, known.registry) == ("TOTAL-PASSED", "known")
            remembered = verify(final, at=at, trust=load_trust([public]))
            assert (remembered.indication, remembered.time) == ("TOTAL-PASSED", "proven"), (
                "its root is in the public folder"
            )
            alone = verify(final, at=at, trust=load_trust([public / "anchors.pem"]))
            assert (alone.integrity, alone.time) == ("intact", "claimed"), "its root was not given"
            shown = certificate_text(tmp_path, final)
            assert "127.0.0.1" in shown, "the certificate names the authority by its host"
            assert "embedded" not in shown.lower()
        file = folder / "sealtrail.toml"
        file.write_text(file.read_text().replace(settings, ""))
        with Workspace.open(folder) as without_authority:
            later = verify(final, at=at, workspace_context=judging.context_of(without_authority))
            assert (later.indication, later.time) == ("TOTAL-PASSED", "proven"), "what was stamped stays proven"


def test_the_embedded_authority_is_named_as_such_on_the_certificate(completed: Any, tmp_path: Path) -> None:
    assert "embedded" in certificate_text(tmp_path, completed.final).lower()


def test_the_embedded_authority_is_marked_in_every_verdict(completed: Any) -> None:
    verdict = verify(completed.final, at=datetime.now(UTC), trust=load_trust([completed.public]))
    for signature in verdict.signatures:
        assert signature.time_authority is not None and signature.time_authority.embedded
        assert "time-stamp-embedded" in {finding.code for finding in signature.findings}


# (g) Two workers, two processes


class Numbered(Play):
    """Each document has a client of its own."""

    number = 0

    def contact(self, role: Role) -> str:
        return f"client{self.number}@example.org" if role is Role.CLIENT else super().contact(role)

    def create_next(self) -> str:
        self.number += 1
        client = Signer("Sample Client", self.contact(Role.CLIENT))
        return self.create(contract(1), title=f"Contract {self.number}", client=client)


def two_workers(folder: Path) -> list[dict[str, Any]]:
    command = [PROGRAM, "work", "--once", "--json", "--workspace", folder]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [worker.communicate(timeout=600) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert [error for _, error in outputs] == ["", ""]
    return [json.loads(out) for out, _ in outputs]


def test_two_workers_at_the_same_moment(blank_copy: Callable[..., Path]) -> None:
    """One signature, one seal, one set of mails, whoever comes first."""
    folder = blank_copy("two")
    with Workspace.open(folder) as workspace:
        play = Numbered(Desk(workspace))
        documents = {}
        for _ in range(3):
            document_id = play.create_next()
            documents[document_id] = play.number
        for role, wanted in ((Role.FIRST_PARTY, "awaiting-client"), (Role.CLIENT, "completed")):
            for document_id, play.number in documents.items():
                if role is Role.FIRST_PARTY:
                    play.desk.send(document_id)
                play.consent(document_id, role)
            rounds = two_workers(folder)
            assert not [failure for done in rounds for failure in done["failures"]]
            assert {play.desk.state(document_id).status for document_id in documents} == {wanted}
        background.work_once(play.desk)
        for document_id in documents:
            types = [event.type for event in play.desk.events(document_id)]
            assert types.count("signature.made") == 2
            assert types.count("document.completed") == 1
            final = hashlib.sha256(final_of(play, document_id)).hexdigest()
            assert len([m for m in received(workspace) if m.attachment_sha256 == final]) == 3
            passed(play, document_id)
