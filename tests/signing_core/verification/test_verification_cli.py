"""`sealtrail verify` as a program: formats, exit statuses, limits, and silence in a pipe."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import signed_samples as made
from signed_samples import How

PROGRAM = [sys.executable, "-c", "from signing_core.cli import main; main()", "verify"]


def run(*arguments: object, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("SEALTRAIL_")} | (environment or {})
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def folder(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "good.pdf").write_bytes(made.signed(world.signer, stamp=world.stamp()))
    (folder / "inner").mkdir()
    (folder / "inner" / "WEAK.PDF").write_bytes(made.signed(world.signer, How(digest="sha1")))
    (folder / "inner" / "plain.pdf").write_bytes(made.Pdf.new().data)
    (folder / "notes.txt").write_text("no PDF")
    (folder / "root.pem").write_bytes(made.pem(world.root.der))
    (folder / "root.crl").write_bytes(made.crl(world.root))
    (folder / "policy.toml").write_text('[digests]\nsha1 = "always"\n')
    return folder


AT = ["--at", "2026-06-02"]


def test_good_document_with_anchors(folder: Path) -> None:
    done = run("good.pdf", "--trust", "root.pem", "--revocation", "root.crl", *AT, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    (line,) = done.stdout.splitlines()
    verdict = json.loads(line)
    assert (verdict["integrity"], verdict["indication"], verdict["path"]) == ("intact", "TOTAL-PASSED", "good.pdf")
    assert verdict["at"] == "2026-06-02T00:00:00Z"
    assert (verdict["registry"], verdict["audit_log"]) == (None, None)


def test_without_anchors_an_intact_document_is_in_order(folder: Path) -> None:
    assert run("good.pdf", *AT, cwd=folder).returncode == 0


def test_folders_globs_and_files_in_order(folder: Path) -> None:
    done = run("good.pdf", "inner", "*.pdf", "missing.pdf", "--jobs", 2, *AT, cwd=folder)
    assert done.returncode == 1
    paths = [json.loads(line)["path"] for line in done.stdout.splitlines()]
    assert paths == ["good.pdf", "inner/WEAK.PDF", "inner/plain.pdf", "good.pdf", "missing.pdf"]


def test_policy_file(folder: Path) -> None:
    weak = run("inner/WEAK.PDF", "--trust", "root.pem", *AT, cwd=folder)
    assert (weak.returncode, json.loads(weak.stdout)["sub_indication"]) == (1, "CRYPTO_CONSTRAINTS_FAILURE_NO_POE")
    allowed = run("inner/WEAK.PDF", "--trust", "root.pem", "--policy", "policy.toml", *AT, cwd=folder)
    assert allowed.returncode == 0
    assert json.loads(allowed.stdout)["policy"]["id"] == "policy"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["*.nothing"],
        ["good.pdf", "--at", "yesterday"],
        ["good.pdf", "--trust", "notes.txt"],
        ["good.pdf", "--trust", "missing.pem"],
        ["good.pdf", "--policy", "notes.txt"],
        ["good.pdf", "--format", "xml"],
        ["good.pdf", "--jobs", "0"],
        ["good.pdf", "--unknown"],
        ["."],
    ],
    ids=str,
)
def test_wrong_usage(arguments: list[str], folder: Path, tmp_path: Path) -> None:
    cwd = tmp_path if arguments == ["."] else folder
    done = run(*arguments, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("sealtrail: ")
    assert "Traceback" not in done.stderr


def test_output_is_written_as_a_whole(folder: Path, tmp_path: Path) -> None:
    for kind in ("jsonl", "csv", "html", "table", "parquet"):
        file = tmp_path / f"report.{kind}"
        done = run(folder / "good.pdf", "--format", kind, "--output", file, *AT, cwd=folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert file.stat().st_size > 100
    nowhere = run("good.pdf", "--output", tmp_path / "missing" / "report.csv", *AT, cwd=folder)
    assert nowhere.returncode == 3
    assert nowhere.stderr.count("\n") == 1


def test_timeout_is_one_documents_verdict(folder: Path) -> None:
    done = run("good.pdf", "--timeout", "0.1", *AT, cwd=folder)
    assert done.returncode in (0, 1)
    assert json.loads(done.stdout)["integrity"] in ("intact", "indeterminate")


def test_password_file(world, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    assert run("good.pdf", "--password-file", empty, cwd=folder).returncode == 2
    given = tmp_path / "password.txt"
    given.write_text("open sesame\n")
    done = run("good.pdf", "--password-file", given, *AT, cwd=folder)
    assert done.returncode == 0
    assert "sesame" not in done.stdout + done.stderr


def on_terminal(*arguments: object, cwd: Path) -> tuple[str, int]:
    """Output and exit status with a terminal for stdout and stderr."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    process = subprocess.Popen([*PROGRAM, *map(str, arguments)], cwd=cwd, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    received = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        received += piece
    os.close(ours)
    return received.decode(), process.wait(60)


def test_on_a_terminal_a_table_and_a_progress_bar(folder: Path, tmp_path: Path) -> None:
    text, status = on_terminal("good.pdf", "--trust", "root.pem", *AT, cwd=folder)
    assert status == 0
    assert "INTACT" in text and "Sample Signer" in text
    bar, status = on_terminal(".", "--output", tmp_path / "report.csv", *AT, cwd=folder)
    assert status == 1
    assert "documents" in bar and "3/3" in bar


def test_german_table(folder: Path) -> None:
    done = run("good.pdf", "--format", "table", "--language", "de", *AT, cwd=folder)
    assert "UNVERSEHRT" in done.stdout


def test_with_a_workspace(completed, tmp_path: Path) -> None:
    file = tmp_path / "final.pdf"
    file.write_bytes(completed.final)
    done = run(file, "--workspace", completed.folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    verdict = json.loads(done.stdout)
    assert (verdict["registry"], verdict["audit_log"], verdict["trust"]) == ("known", "included", "trusted")
    inside = run(file, cwd=completed.folder)
    assert json.loads(inside.stdout)["registry"] == "known"
    assert run(file, "--workspace", tmp_path, cwd=tmp_path).returncode == 3


def test_loading_the_command_is_cheap() -> None:
    code = "import sys; import signing_core.cli.verify; print([m for m in ('pyhanko','pypdf','pypdfium2','pyarrow','sqlalchemy','rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
