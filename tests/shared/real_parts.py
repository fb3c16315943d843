"""Real parts of the outside world, thrown away afterwards: a mail server, an SMS gateway, a PKCS#11 token, PostgreSQL.

Fixtures for every test; `tests/conftest.py` makes them known.
"""

from __future__ import annotations

import asyncio
import getpass
import ipaddress
import json
import os
import pwd
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Authority:
    """A throwaway certificate for 127.0.0.1, and contexts for both ends."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    file: Path
    """Its certificate in PEM, for programs that are told by SSL_CERT_FILE whom to trust."""


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sample mail server")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("authority")
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())
    public = folder / "authority.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(server, client, public)


@dataclass
class Mailbox:
    """A handler of aiosmtpd that keeps what it receives and answers as it is told."""

    received: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    """For `MAIL`, `RCPT`, `DATA`: answers to give instead of taking it, one for each time."""
    logins: list[str] = field(default_factory=list)
    on_data: Callable[[SMTP], Any] | None = None
    host: str = ""
    port: int = 0

    def _answer(self, step: str) -> str | None:
        waiting = self.answers.get(step)
        return waiting.pop(0) if waiting else None

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._answer("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if answer := self._answer("RCPT"):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if answer := self._answer("DATA"):
            return answer
        assert isinstance(envelope.content, bytes)
        self.received.append(envelope.content)
        self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        self.encrypted.append(session.ssl is not None)
        if self.on_data is not None:
            result = self.on_data(server)
            if hasattr(result, "__await__"):
                await result
        return "250 queued as 4711"

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(data, policy=SMTP_POLICY) for data in self.received]  # type: ignore[misc]

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"signing", b"a good password")
        self.logins.append("good" if good else "bad")
        return AuthResult(success=good, handled=False)


MailServer = Callable[..., Mailbox]


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """Starts servers on free ports of loopback. Options are aiosmtpd's; `implicit_tls` is a context for all of it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    servers: list[asyncio.Server] = []

    def start(*, login: bool = False, implicit_tls: ssl.SSLContext | None = None, **options: Any) -> Mailbox:
        mailbox = Mailbox()
        if login:
            options |= {"authenticator": mailbox.authenticate, "auth_required": True}

        async def serve() -> asyncio.Server:
            return await loop.create_server(
                lambda: SMTP(mailbox, loop=loop, **options), "127.0.0.1", 0, ssl=implicit_tls
            )

        server = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
        servers.append(server)
        mailbox.host, mailbox.port = server.sockets[0].getsockname()[:2]
        return mailbox

    yield start

    async def stop() -> None:
        for server in servers:
            server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpGateway:
    """Keeps requests, answers from a list: (status, body), or a function that does what it likes with the connection."""

    requests: list[Request] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def gateway() -> Iterator[HttpGateway]:
    kept = HttpGateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept.requests.append(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            answer = kept.answers.pop(0) if kept.answers else (200, {"id": "gw-1", "sid": "SM1"})
            if callable(answer):
                answer(self)
                return
            status, value = answer
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()
    thread.join(5)


SOFTHSM = next(
    (p for p in map(Path, ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
                           "/usr/local/lib/softhsm/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"))
     if p.exists()),
    None,
)  # fmt: skip
PIN = "sample-pin"


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A SoftHSM 2 token with key pairs named `p256`, `rsa`, `ed25519` and `ca`, and two pairs both named `twice`."""
    if SOFTHSM is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM 2 is not installed")
    pkcs11 = pytest.importorskip("pkcs11")
    from pkcs11.util.ec import encode_named_curve_parameters

    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    for label in ("sealtrail", "other"):
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", "sample-so-pin"],
            check=True, capture_output=True, timeout=600,
        )  # fmt: skip
    session = pkcs11.lib(str(SOFTHSM)).get_token(token_label="sealtrail").open(rw=True, user_pin=PIN)
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    for label in ("p256", "ca", "twice", "twice"):
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        parameters.generate_keypair(store=True, label=label)
    session.generate_keypair(pkcs11.KeyType.RSA, 3072, store=True, label="rsa")
    edwards = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
    parameters = session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, edwards, local=True)
    parameters.generate_keypair(store=True, label="ed25519", mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN)
    session.close()
    yield SimpleNamespace(module=SOFTHSM, folder=folder)
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _owner() -> str | None:
    """PostgreSQL refuses to run as root: who runs it then."""
    if os.geteuid() != 0:
        return getpass.getuser()
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return None


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A server on a Unix socket of its own, without any network, stopped by its process id; gives its database URL."""
    programs, owner = _programs(), _owner()
    if programs is None or owner is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    as_owner = {"user": owner} if os.geteuid() == 0 else {}
    folder = Path(tempfile.mkdtemp(prefix="stpg", dir="/tmp"))  # the path of a socket is short
    if as_owner:
        shutil.chown(folder, owner)
    data = folder / "data"
    try:
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "sealtrail", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=600, **as_owner,
        )  # fmt: skip
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off",
                 "-c", "max_connections=60"],
                stdout=log, stderr=log, cwd=folder, **as_owner,
            )  # fmt: skip
        try:
            url = f"postgresql+psycopg://sealtrail@/postgres?host={folder}"
            _wait(server, url, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown
            server.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    engine = sa.create_engine(url)
    for _ in range(300):
        try:
            with engine.connect():
                break
        except sa.exc.OperationalError:
            if server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}") from None
            time.sleep(0.1)
    engine.dispose()


@pytest.fixture
def postgresql_url(postgresql_server: str) -> Iterator[str]:
    """The URL of a new, empty PostgreSQL database."""
    name = f"test_{uuid.uuid4().hex}"
    server = sa.create_engine(postgresql_server, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield sa.make_url(postgresql_server).set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    server.dispose()
