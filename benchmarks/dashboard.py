"""Every page of the dashboard with a million documents in the registry, on SQLite.

    python benchmarks/dashboard.py [--documents 1000000] [--runs 7] [--sessions 10] [--registry DIR]

The dashboard runs as in production, in a process of its own. The client speaks Streamlit's own protocol: a run is timed from
asking for a page to the message that its script has finished, so queries, drawing and sending are in it. `cold` is with all
caches emptied before each run, `warm` is the next look; `cpu` is the processor time that the server took for it, which is what
can be compared where the machine does other things besides. Memory is what the server's process grows by for each session that
has seen every page and stays open. `--registry` keeps the registry for the next time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets import Subprotocol
from websockets.sync.client import ClientConnection, connect

HERE = Path(__file__).parent
AIM_MS, AIM_MB = 300, 50


@dataclass(frozen=True)
class Look:
    """A page with what is chosen on it."""

    name: str
    page: str
    query: str = ""


def looks(real: str) -> list[Look]:
    views = ("overview", "seen", "trail", "signatures", "pages", "hashes", "checks")
    return [
        Look("Today", ""),
        Look("Documents", "documents"),
        Look("Documents: page 300", "documents", "page=300"),
        Look("Documents: awaiting the client", "documents", "status=awaiting-client"),
        Look("Documents: completed, last changed first", "documents", "status=completed&sort=updated"),
        Look("Documents: German, by title", "documents", "written=de&sort=title"),
        Look("Documents: next to expire", "documents", "sort=expiring"),
        Look("Documents: a month two years ago", "documents", "since=2024-11-01&until=2024-11-30"),
        Look("Documents: with open findings", "documents", "problems=true"),
        Look("Documents: a rare part of a title", "documents", "q=ment 0123456"),
        Look("Documents: a frequent part of a title", "documents", "q=agreement"),
        Look("Documents: a name", "documents", "q=Zoe Client 000"),
        Look("Documents: nothing found", "documents", "q=no such words"),
        Look("Documents: a contact", "documents", "q=client000123@example.net"),
        Look("Documents: an id", "documents", f"q={real}"),
        *(Look(f"Document: {view}", "document", f"id={real}&view={view}") for view in views),
        Look("Findings", "findings"),
        Look("Findings: closed, page 200", "findings", "state=closed&fpage=200"),
        Look("Verify", "check"),
        Look("New document", "new"),
        Look("Parties", "directory"),
        Look("Parties: search", "directory", "party=Company 27"),
        Look("Templates", "directory", "dirview=templates"),
        Look("Runs", "runs"),
        Look("Runs: two compared", "runs", "runview=compare"),
        Look("Audit log", "log"),
        Look("Audit log: one type", "log", "type=document.verified"),
        Look("Audit log: checkpoints", "log", "logview=checkpoints"),
        Look("Audit log: one proven", "log", "logview=prove&seq=7"),
        Look("People and roles", "people"),
    ]


class Session:
    """A browser without a screen."""

    def __init__(self, port: int) -> None:
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        self._open = ExitStack()
        opened = connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None, compression=None)
        self._socket: ClientConnection = self._open.enter_context(opened)

    def close(self) -> None:
        self._open.close()

    def empty_caches(self) -> None:
        self._socket.send(BackMsg(clear_cache=True).SerializeToString())

    def run(self, look: Look) -> float:
        """Milliseconds from asking for the page to the end of its script; raises `RuntimeError` for what a user would see fail."""
        wanted = BackMsg(rerun_script=ClientState(query_string=look.query, page_name=look.page))
        begun = time.perf_counter()
        self._socket.send(wanted.SerializeToString())
        while True:
            message = ForwardMsg.FromString(self._socket.recv(timeout=120))  # type: ignore[arg-type]
            kind = message.WhichOneof("type")
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(f"{look.name}: {message.delta.new_element.exception.message}")
            if kind == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY:
                return (time.perf_counter() - begun) * 1000


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, int]]:
    """The dashboard on a port; gives port and process id."""
    sys.path.append(str(HERE.parent / "tests" / "shared"))
    import servers

    port = servers.free_port()
    environment = {"SEALTRAIL_WORKSPACE": str(folder), "SEALTRAIL_DAGSTER": "http://127.0.0.1:9"}
    with servers.running(servers.dashboard(port), port, **environment) as server:
        yield port, server.pid


def processor(pid: int) -> float:
    """Milliseconds of processor time of all threads of another process so far: Linux's clock of a process id."""
    return time.clock_gettime((~pid << 3) | 2) * 1000


def megabytes(pid: int) -> float:
    """Resident memory of the process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--documents", type=int, default=1_000_000)
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--sessions", type=int, default=10)
    arguments.add_argument(
        "--registry", type=Path, help="made there unless it is there; else made anew and thrown away"
    )
    arguments.add_argument("--only", default="", help="pages whose name begins so")
    given = arguments.parse_args()
    import many_documents

    with tempfile.TemporaryDirectory(prefix="dashboard-") as temporary:
        folder = given.registry or Path(temporary) / "registry"
        note = folder.with_name(f"{folder.name}.real")
        if not note.exists():
            made = many_documents.make(folder, given.documents, say=lambda text: print(text, file=sys.stderr))
            note.write_text(made.real)
        with served(folder) as (port, pid):
            chosen = [look for look in looks(note.read_text()) if look.name.startswith(given.only)]
            measure(port, pid, chosen, given)


def measure(port: int, pid: int, chosen: list[Look], given: Any) -> None:
    first = Session(port)
    for look in chosen:  # modules are imported, keys opened
        first.run(look)
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given.documents:,} documents, {given.runs} runs each"
    )
    print(f"{'median of each, in ms':44} {'cold':>8} {'cpu':>6} {'warm':>8} {'cpu':>6}")
    missed = []
    for look in chosen:
        cold, warm = [], []
        for _ in range(given.runs):
            session = Session(port)
            session.empty_caches()
            for found in (cold, warm):
                begun = processor(pid)
                took = session.run(look)
                found.append((took, processor(pid) - begun))
            session.close()
        figures = [statistics.median(values) for found in (cold, warm) for values in zip(*found, strict=True)]
        if max(figures[0], figures[2]) >= AIM_MS:
            missed.append(look.name)
        print(f"{look.name:44} {figures[0]:8.0f} {figures[1]:6.0f} {figures[2]:8.0f} {figures[3]:6.0f}", flush=True)
    before = megabytes(pid)
    sessions = [Session(port) for _ in range(given.sessions)]
    for session in sessions:
        for look in chosen:
            session.run(look)
    each = (megabytes(pid) - before) / max(1, len(sessions))
    print(f"memory: {before:.0f} MB with one session, {each:.1f} MB for each of {len(sessions)} more")
    for session in (first, *sessions):
        session.close()
    told = f"missed by {', '.join(missed)}" if missed else "met by every page"
    print(f"aims: {AIM_MS} ms {told}; {AIM_MB} MB a session {'met' if each < AIM_MB else 'MISSED'}")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))  # this file has the name of the package that it measures
    main()
