"""Servers on loopback, as processes of their own until a block ends; the dashboard among them. Benchmarks use them as well."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int, process: subprocess.Popen[bytes], seconds: float = 90) -> None:
    """Wait until something listens at the port; fails when the process ends before."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        assert process.poll() is None, f"the process ended with {process.returncode}"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at port {port}")


@contextmanager
def running(command: list[str], port: int, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server process until the block ends."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEALTRAIL_", "STREAMLIT_"))}
    process = subprocess.Popen(
        command, cwd=ROOT, env={**kept, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        answers(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(30)


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
