"""`sealtrail verify` as a program: formats, exit statuses, limits, and silence in a pipe."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import signed_samples as made
from signed_samples import How

PROGRAM = [sys.executable, "-c", "from signing_core.cli import main; main()", "verify"]


def run(*arguments: object, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("SEALTRAIL_")} | (environment or {})
    command = [*PROGRAM, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False)


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


def test_a_folder_is_looked_through_by_content_and_says_what_it_left_out(folder: Path, tmp_path: Path) -> None:
    good = (folder / "good.pdf").read_bytes()
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "upload-7").write_bytes(good)
    (tmp_path / "late.bin").write_bytes(b"\n" * 1019 + b"%PDF-1.7\n")
    (tmp_path / "too-late.bin").write_bytes(b"\n" * 1020 + b"%PDF-1.7\n")
    (tmp_path / "named.pdf").write_text("no PDF")
    (tmp_path / "notes.txt").write_text("no PDF")
    (tmp_path / "link").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    done = run(tmp_path, *AT, cwd=folder)
    verdicts = {Path(v["path"]).name: v["integrity"] for v in map(json.loads, done.stdout.splitlines())}
    assert verdicts == {"upload-7": "intact", "late.bin": "indeterminate", "named.pdf": "indeterminate"}
    left_out = [str(tmp_path / name) for name in ("link", "notes.txt", "pipe", "too-late.bin")]
    assert done.stderr == f"left out: 4 files that are no PDF: {', '.join(left_out)}\n"
    explicit = run(tmp_path / "notes.txt", *AT, cwd=folder)
    assert (json.loads(explicit.stdout)["integrity"], explicit.stderr) == ("indeterminate", "")


def test_what_is_left_out_is_one_line(tmp_path: Path, folder: Path) -> None:
    for number in range(8):
        (tmp_path / f"{number}\n.txt").write_text("no PDF")
    (tmp_path / "one.pdf").write_bytes((folder / "good.pdf").read_bytes())
    done = run(tmp_path, *AT, cwd=folder)
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("left out: 8 files that are no PDF: ")
    assert done.stderr.endswith("4\N{MIDDLE DOT}.txt and 3 more\n")


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


COSTLY = (
    "pyhanko", "pyhanko_certvalidator", "asn1crypto", "pypdf", "pypdfium2", "PIL", "numpy", "zxingcpp", "pyarrow", "sqlalchemy",
    "pydantic", "typst", "httpx", "lxml", "signxml", "rich", "tqdm", "tomllib", "cryptography.x509", "signing_core.storage",
    "signing_core.flow", "signing_core.desk", "signing_core.verification.comparison", "signing_core.verification.changes",
)  # fmt: skip
"""What takes a while to load, and is not needed to judge an ordinary signed file of somebody else."""


@pytest.mark.parametrize(
    "code",
    [
        "import signing_core.cli.verify",
        "from signing_core.cli import main\ntry: main(['verify', '../good.pdf', '--trust', '../root.pem', '--format', 'jsonl'])\n"
        "except SystemExit: pass",
        # Documents are judged in processes that are forked: what those load is seen here.
        "from datetime import UTC, datetime\nfrom signing_core.verification import verify\n"
        "verify('../good.pdf', at=datetime(2026, 6, 2, tzinfo=UTC))",
        "from datetime import UTC, datetime\nfrom signing_core.verification import verify\n"
        "verify('plain.pdf', at=datetime(2026, 6, 2, tzinfo=UTC))",
    ],
)
def test_a_small_file_needs_nothing_costly(code: str, folder: Path) -> None:
    shown = f"print('LOADED', [name for name in {COSTLY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{shown}"],
        cwd=folder / "inner",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "LOADED []"


@pytest.mark.parametrize(
    ("command", "how", "why"),
    [
        ("verify good.pdf --at 2026-06-02", ">&-", "closed"),
        ("verify good.pdf --at 2026-06-02", "<&- >&-", "closed"),
        ("verify good.pdf --at 2026-06-02", ">/dev/full", "No space left"),
        ("scan good.pdf", ">&-", "closed"),
        ("verify --help", ">&-", "closed"),
    ],
)
def test_output_that_cannot_be_written_is_one_sentence(command: str, how: str, why: str, folder: Path) -> None:
    program = f"{sys.executable} -c 'from signing_core.cli import main; main()' {command} {how}"
    done = subprocess.run(program, shell=True, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert done.stderr.startswith("sealtrail: ") and why in done.stderr


def test_closed_streams_do_not_matter_to_a_report_in_a_file(folder: Path, tmp_path: Path) -> None:
    program = (
        f"{sys.executable} -c 'from signing_core.cli import main; main()' verify good.pdf --output {tmp_path}/r.jsonl"
    )
    done = subprocess.run(f"{program} <&- >&- 2>&-", shell=True, cwd=folder, timeout=600, check=False)
    assert done.returncode == 0
    assert json.loads((tmp_path / "r.jsonl").read_text())["path"] == "good.pdf"


def test_a_file_over_the_limit_is_not_read(folder: Path, tmp_path: Path) -> None:
    with (tmp_path / "large.pdf").open("wb") as large:
        large.write(b"%PDF-1.7\n")
        large.truncate(200 << 30)  # a file with a hole: no disk has to hold it
    done = run(tmp_path / "large.pdf", "--timeout", 20, cwd=folder)
    verdict = json.loads(done.stdout)
    assert done.returncode == 1
    assert {finding["code"] for finding in verdict["findings"]} == {"limit-file-size", "limit-exceeded"}
    assert (verdict["integrity"], verdict["size"], verdict["sha256"]) == ("indeterminate", 200 << 30, None)
    assert verdict["elapsed_ms"] < 1000


def test_pipes_and_devices_are_no_documents(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pdf")
    done = run(tmp_path / "pipe.pdf", "/dev/zero", cwd=folder)
    assert [json.loads(line)["findings"][0]["code"] for line in done.stdout.splitlines()] == ["unreadable"] * 2


@pytest.mark.slow
def test_killed_in_the_middle_and_gone_on_with(folder: Path, tmp_path: Path) -> None:
    """The run's own process gets SIGKILL: no worker stays behind, and nothing that the journal has is done again."""
    documents = tmp_path / "documents"
    documents.mkdir()
    good = (folder / "good.pdf").read_bytes()
    for number in range(400):
        (documents / f"{number:03}.pdf").write_bytes(good + b"\n" * (number % 50 + 1))
    arguments = ["documents", "--jobs", "2", "--journal", "journal", "--output", "report.jsonl", *AT]
    begun = subprocess.Popen([*PROGRAM, *arguments], cwd=tmp_path, start_new_session=True)
    journal = tmp_path / "journal"
    until(lambda: journal.is_file() and journal.read_bytes().count(b"\n") > 10)
    begun.kill()
    begun.wait()
    until(lambda: not processes_of(begun.pid))
    assert not (tmp_path / "report.jsonl").exists()
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    report = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    assert [Path(verdict["path"]).name for verdict in report] == [f"{number:03}.pdf" for number in range(400)]
    assert {verdict["integrity"] for verdict in report} == {"intact"}


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def processes_of(session: int) -> list[int]:
    """Processes of a session that are not over."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in "ZX":
            found.append(int(entry.parent.name))
    return found
