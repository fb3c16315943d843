"""Servers on loopback, as processes of their own until a block ends; the dashboard among them. Benchmarks use them as well."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that the system gives to nobody else for the next minute.

    A connection to it has just been closed by its own end, which leaves the port waiting (TIME_WAIT): the system then does not
    choose it for anyone, whereas a server that asks for it by number, with SO_REUSEADDR as servers do, gets it.
    """
    with socket.socket() as listening, socket.socket() as caller:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        caller.connect(listening.getsockname())
        listening.accept()[0].close()
        return int(listening.getsockname()[1])


def answers(port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 90) -> None:
    """Wait until something listens at the port; fails with the end of the log when the process ends before."""
    ends = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < ends:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    happened = "nothing answers" if process.poll() is None else f"the process ended with {process.returncode}"
    raise AssertionError(f"port {port}: {happened}\n{log.read_text(errors='replace')[-4_000:]}")


@contextmanager
def running(
    command: Sequence[str | Path],
    port: int,
    *,
    log: Path | None = None,
    cwd: Path = ROOT,
    stop: signal.Signals = signal.SIGTERM,
    **environment: str,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server process until the block ends; what it says is in `log`, which is shown when it does not answer."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEALTRAIL_", "STREAMLIT_"))}
    with tempfile.TemporaryDirectory() as folder:
        log = log or Path(folder) / "log"
        with log.open("wb") as written:
            process = subprocess.Popen(
                command, cwd=cwd, env={**kept, **environment}, stdout=written, stderr=subprocess.STDOUT
            )
        try:
            answers(port, process, log)
            yield process
        finally:
            ended(process, stop)


def ended(process: subprocess.Popen[bytes], stop: signal.Signals = signal.SIGTERM) -> None:
    """Asks a process to end, and makes it: a test that is over leaves nothing running."""
    process.send_signal(stop)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def dashboard(port: int, secrets: Path | None = None) -> list[str]:
    """The command that runs the dashboard as in production; its workspace is said by the environment."""
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    if secrets is not None:
        options["secrets.files"] = str(secrets)
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "dashboards" / "app.py")]
    return command + [f"--{name}={value}" for name, value in options.items()]
