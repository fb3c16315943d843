"""Where things are when nothing is configured: a kept folder beside the code, which no version control sees."""

import argparse
import fcntl
import os
import re
import shlex
import signal
import socket
import sys
from pathlib import Path

from signing_core.errors import SealtrailError, UsageError
from signing_core.storage.durable import make_folder, write_file
from signing_core.storage.locks import file_lock
from signing_core.storage.settings_file import FILE_NAME
from signing_core.storage.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / ".sealtrail"
SAMPLE = KEPT / "workspace"
HOME = KEPT / "dagster"
_DOCUMENTS = 24


def workspace_path() -> Path:
    """SEALTRAIL_WORKSPACE, else the sample workspace."""
    named = os.environ.get("SEALTRAIL_WORKSPACE")
    return Path(named).absolute() if named else SAMPLE


def is_missing_sample(path: Path) -> bool:
    """Whether this is the sample workspace and it was not made yet."""
    return path == SAMPLE and not (path / FILE_NAME).is_file()


def make_sample(path: Path = SAMPLE) -> None:
    """Seed the sample workspace unless it is there; what was planted is listed beside it."""
    from signing_core.seeding import seed

    if not path.parent.is_dir():
        path.parent.mkdir(parents=True)
    with file_lock(path.parent / "seeding.lock", wait=600):
        if (path / FILE_NAME).is_file():
            return
        # A seeding that was killed left a workspace without its story's end; it is made anew beside and renamed.
        unfinished = path.with_name(f"{path.name}.unfinished")
        if unfinished.exists():
            import shutil

            shutil.rmtree(unfinished)
        seed(unfinished, documents=_DOCUMENTS, planted=path.parent / "planted.json")
        unfinished.rename(path)


def make_home() -> Path:
    """The kept DAGSTER_HOME: pools, limits and what is kept of ticks are in its dagster.yaml, to be changed there."""
    for folder in (KEPT, HOME):
        make_folder(folder)
    settings = HOME / "dagster.yaml"
    if not settings.exists():
        write_file(settings, (Path(__file__).parent / "dagster.yaml").read_bytes(), mode=0o644)
    return HOME


def main(arguments: list[str]) -> None:
    """Webserver and daemon on the sample workspace or SEALTRAIL_WORKSPACE; other arguments go to `dagster dev`."""
    parser = argparse.ArgumentParser(prog="make pipelines", add_help=False)
    parser.add_argument("-p", "--port", default="3000")
    chosen, others = parser.parse_known_args(arguments)
    try:
        _start(chosen.port, others)
    except SealtrailError as error:
        sys.exit(str(error))


def _start(port: str, others: list[str]) -> None:
    _must_be_free(port)
    home = Path(os.environ.get("DAGSTER_HOME") or make_home())
    os.environ["DAGSTER_HOME"] = str(home)
    _hold(home, port)
    path = workspace_path()
    if is_missing_sample(path):
        _say(f"Making a sample workspace of {_DOCUMENTS} documents in {path} ...")
        make_sample(path)
    with Workspace.open(path):  # what keeps it from being opened is said here, not by every sensor anew
        pass
    _say(f"Dagster will be at http://localhost:{port} in some ten seconds. End it with Ctrl+C.")
    _say(f"Its reports lead to the dashboard: sealtrail serve {shlex.quote(str(path))}")
    os.chdir(ROOT)
    # In the background of a script SIGINT is ignored; by it Dagster ends its processes, which would then never end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # `dagster dev` says at every start that another command took its place, which needs another layout of the project.
    told = [os.environ.get("PYTHONWARNINGS"), "ignore:Function `dev_command` is superseded"]
    os.environ["PYTHONWARNINGS"] = ",".join(one for one in told if one)
    program = str(Path(sys.executable).parent / "dagster")
    command = [program, "dev", "-w", "workspace.yaml", "-p", port, "--log-level", "warning", *others]
    os.execv(program, command)  # noqa: S606


def _must_be_free(port: str) -> None:
    """Dagster itself would go on without its webserver."""
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port):
        raise UsageError(f"{port} is no port; name one from 1 to 65535, such as `make pipelines PORT=3001`.")
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            asked.bind(("127.0.0.1", int(port)))
        except (OSError, OverflowError) as error:
            raise UsageError(
                f"Port {port} cannot be used ({error}); name another one, such as `make pipelines PORT=3001`."
            ) from error


def _hold(home: Path, port: str) -> None:
    """One Dagster at a time in a DAGSTER_HOME: two daemons would ask for everything twice. Held as long as this process lives."""
    if not (home.is_absolute() and home.is_dir()):
        raise UsageError(f"DAGSTER_HOME is {home}; it has to be the absolute path of a folder that is there.")
    file = home / "running"
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; give DAGSTER_HOME a folder that can be written to.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        where = os.read(descriptor, 200).decode(errors="replace")
        raise UsageError(
            f"Dagster is at work in {home} already, {where or 'and starting'}; end it first, or set another DAGSTER_HOME."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"as process {os.getpid()} on port {port}".encode(), 0)
    os.set_inheritable(descriptor, True)  # `dagster dev` takes this process over; those that it starts do not get it


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
