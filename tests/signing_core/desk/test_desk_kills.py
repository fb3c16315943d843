"""Killed at every point, gone on with: one completed document, one certificate, one message for each party."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from signing_core.testing import contract

PROGRAM = Path(__file__).with_name("killed_flow.py")
PARTS = 4
MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "none"
"""


def run(blank: Path, work: Path, first: int, step: int) -> list[dict[str, Any]]:
    """What is to be said of each point; the last line tells how many there are."""
    command = [sys.executable, str(PROGRAM), str(blank), str(work), str(first), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1100, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert not [line for line in lines if line.get("wrong") or line.get("error")]
    assert any("points" in line for line in lines), "one run went through to its end"
    return [line for line in lines if "point" in line]


@pytest.fixture(scope="session")
def start(blank_workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills")
    shutil.copytree(blank_workspace, folder / "blank")
    (folder / "source.pdf").write_bytes(contract(1))
    return folder / "blank"


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_at_any_point_it_is_gone_on_with(start: Path, tmp_path: Path, part: int) -> None:
    """SIGKILL at every point there is, shared out among the parts."""
    assert len(run(start, tmp_path, part + 1, PARTS)) > 100 // PARTS


@pytest.mark.slow
def test_killed_with_a_mail_server(start: Path, tmp_path: Path, mail_server: Any) -> None:
    """At every fourth point: at least one mail for each party, and all of one party under the same Message-ID."""
    mailbox = mail_server()
    mail, numbers = tmp_path / "mail", itertools.count()
    mail.mkdir()

    def keep(_: Any) -> None:
        (mail / f"{next(numbers):06}.eml").write_bytes(mailbox.received[-1])

    mailbox.on_data = keep
    blank = tmp_path / "blank"
    shutil.copytree(start, blank)
    shutil.copy(start.parent / "source.pdf", tmp_path / "source.pdf")
    with (blank / "sealtrail.toml").open("a") as file:
        file.write(MAIL.format(port=mailbox.port))
    assert len(run(blank, tmp_path, 2, 4)) > 20
