"""A real PostgreSQL server for the whole run, where its programs are installed, and an engine on either database."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from signing_core.storage import migrations
from signing_core.storage.database import make_engine


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
            check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=120, **as_owner,
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


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database; tests that use it run on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'database.sqlite'}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def database_engine(empty_database_url: str) -> Iterator[sa.Engine]:
    """An engine on a database with all tables, once per kind of database."""
    engine = make_engine(empty_database_url)
    migrations.bring_up_to_date(engine)
    yield engine
    engine.dispose()
