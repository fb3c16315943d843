"""Nothing else in the core opens a connection by itself."""

from __future__ import annotations

import ast
from pathlib import Path

import signing_core

ROOT = Path(signing_core.__file__).parent
ELSEWHERE = {
    "delivery/channels/smtp.py": "smtplib",
    "delivery/channels/deadline.py": "socket",
    "cli/serve.py": "socket",
    # pairs of sockets between a process and the one it started, which has no network
    "limited/calling.py": "socket",
    "limited/channel.py": "socket",
    "limited/worker.py": "socket",
}
"""Mail, the end of waiting for it, and a server's own port."""
CLIENTS = {"socket", "http.client", "urllib.request", "smtplib", "ftplib", "telnetlib", "xmlrpc"}


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_one_door() -> None:
    clients = {
        path.relative_to(ROOT).as_posix(): ", ".join(sorted(imported(path) & CLIENTS))
        for path in ROOT.rglob("*.py")
        if imported(path) & CLIENTS and path.parent != ROOT / "network"
    }
    assert clients == ELSEWHERE
