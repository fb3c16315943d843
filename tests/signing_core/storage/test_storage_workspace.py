from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from signing_core.errors import KeyUnavailable, UsageError, WorkspaceMissing
from signing_core.storage.settings_file import FILE_NAME
from signing_core.storage.workspace import Workspace

WORK = 10
"""scrypt's work, low for tests."""


@pytest.fixture(autouse=True)
def _passphrase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEALTRAIL_PASSPHRASE", "a passphrase for tests")


def test_created_and_opened(tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "w", settings={"organisation": 'Sample "Quoted" GmbH'}, key_work=WORK) as made:
        name = made.objects.put(b"x")
        identity = made.id
        public = made.keys().checkpoint.key_id
        assert not made.passphrase_made
    with Workspace.open(tmp_path / "w") as workspace:
        assert workspace.settings.organisation == 'Sample "Quoted" GmbH'
        assert workspace.objects.get(name) == b"x"
        assert workspace.id == identity
        assert workspace.keys() is workspace.keys()
        assert workspace.keys().checkpoint.key_id == public
        assert workspace.log_origin == f"localhost:8501/log/{identity}"
    assert not (tmp_path / "w" / ".unfinished").exists()
    private = [p for p in (tmp_path / "w").rglob("*") if p.is_file() and p.suffix in {".toml", ".sqlite", ".p12"}]
    assert private
    assert all(p.stat().st_mode & 0o077 == 0 for p in [tmp_path / "w", *private] if p.suffix != ".sqlite")


def test_without_a_passphrase_one_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEALTRAIL_PASSPHRASE")
    with Workspace.create(tmp_path / "w", key_work=WORK) as made:
        assert made.passphrase_made
    file = tmp_path / "w" / "secrets" / "passphrase"
    assert file.stat().st_mode & 0o777 == 0o600
    with Workspace.open(tmp_path / "w") as workspace:
        assert workspace.keys().checkpoint
    file.unlink()
    with Workspace.open(tmp_path / "w") as workspace, pytest.raises(KeyUnavailable):
        workspace.keys()


def test_an_existing_one_is_refused_and_unharmed(tmp_path: Path) -> None:
    Workspace.create(tmp_path, key_work=WORK).close()
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(UsageError, match="already"):
        Workspace.create(tmp_path, key_work=WORK)
    assert (tmp_path / FILE_NAME).read_bytes() == before
    Workspace.open(tmp_path).close()


def test_a_file_or_foreign_data_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="is a file"):
        Workspace.create(tmp_path / "file")
    (tmp_path / "objects").mkdir()
    with pytest.raises(UsageError, match="objects"):
        Workspace.create(tmp_path)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_wrong_setting_leaves_no_workspace(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="language"):
        Workspace.create(tmp_path / "w", settings={"language": "fr"})
    with pytest.raises(WorkspaceMissing):
        Workspace.open(tmp_path / "w")
    Workspace.create(tmp_path / "w", key_work=WORK).close()


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceMissing, match="sealtrail init"):
        Workspace.open(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_a_lost_database_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    Workspace.create(tmp_path, key_work=WORK).close()
    (tmp_path / "database.sqlite").unlink()
    with pytest.raises(WorkspaceMissing, match="backup"):
        Workspace.open(tmp_path)
    assert not (tmp_path / "database.sqlite").exists()


def test_a_newer_database(tmp_path: Path) -> None:
    Workspace.create(tmp_path, key_work=WORK).close()
    connection = sqlite3.connect(tmp_path / "database.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(WorkspaceMissing, match="upgrade Sealtrail"):
        Workspace.open(tmp_path)


def test_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    with Workspace.create(tmp_path / "a", settings={"database_url": postgresql_url}, key_work=WORK) as made:
        identity = made.id
    with Workspace.open(tmp_path / "a") as workspace:
        assert workspace.id == identity
    with pytest.raises(UsageError, match="another workspace"):
        Workspace.create(tmp_path / "b", settings={"database_url": postgresql_url}, key_work=WORK)


_KILLED = """
import json, os, signal, sys, traceback
from signing_core.storage.workspace import Workspace
import signing_core.keys.ring, alembic.command
def create(folder, left, url):
    def watch(event, args):
        nonlocal left
        if event in ("open", "os.rename", "os.mkdir", "os.remove", "sqlite3.connect"):
            if event == "open" and "w" not in str(args[1]) and not (int(args[2]) & (os.O_CREAT | os.O_WRONLY)):
                return
            if folder not in str(args[0]):
                return
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    Workspace.create(folder, settings={"database_url": url} if url else None, key_work=10)
for line in sys.stdin:
    child = os.fork()
    if not child:
        try:
            create(*json.loads(line))
            os._exit(0)
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""A program that makes a workspace for each line, in a fork that begins with everything loaded."""

Killed = Callable[[Path, int, str], int]


@pytest.fixture
def killed() -> Iterator[Killed]:
    """Creates a workspace in a process that is killed at a change in the folder; gives its exit code."""
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None and program.stdout is not None

        def create(folder: Path, step: int, url: str) -> int:
            program.stdin.write(json.dumps([str(folder), step, url]) + "\n")
            program.stdin.flush()
            return int(program.stdout.readline())

        yield create


def _create_killed(killed: Killed, folder: Path, step: int, url: str = "") -> bool:
    """Whether the creation was killed, at its `step`-th change in the folder; then opens or creates the workspace."""
    ended = killed(folder, step, url)
    assert ended in (0, -signal.SIGKILL)
    try:
        Workspace.open(folder).close()
    except WorkspaceMissing:
        assert ended
        Workspace.create(folder, settings={"database_url": url} if url else None, key_work=WORK).close()
    with Workspace.open(folder) as workspace:
        assert workspace.keys().seal
    return ended != 0


@pytest.mark.slow
def test_a_killed_creation_leaves_no_half_workspace(tmp_path: Path, killed: Killed) -> None:
    step = 0
    while _create_killed(killed, tmp_path / str(step), step):
        shutil.rmtree(tmp_path / str(step))
        step += 1 if step < 8 else 4
    assert step > 20


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 9, 16, 40])
def test_a_killed_creation_on_postgresql(tmp_path: Path, killed: Killed, postgresql_url: str, step: int) -> None:
    assert _create_killed(killed, tmp_path / "w", step, postgresql_url)
