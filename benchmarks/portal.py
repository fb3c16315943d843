"""The public pages under load, beside a bare Starlette route on the same server and machine.

    python benchmarks/portal.py [--seconds 5] [--clients 8]

Everything runs on loopback and ends by itself: the pages in one process, the clients in another. Measured are the page of
a QR code (decoding, Ed25519, register, audit log, template), the verification of a three-page sealed PDF by upload, and
the page again while hostile uploads run: slow senders, and files that are no PDF at all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

HERE = Path(__file__).parent


def serve(folder: Path, port: int) -> None:
    """The pages without limits of rate, and one bare route beside them."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Mount, Route

    from portal.app import create_app
    from portal.rates import Rate
    from signing_core.desk import Desk
    from signing_core.storage.workspace import Workspace

    unlimited = {kind: Rate(10**9, 10**9) for kind in ("link", "code", "upload", "page")}
    pages = create_app(Desk(Workspace.open(folder)), rates=unlimited)

    async def bare(request: object) -> PlainTextResponse:
        return PlainTextResponse("bare")

    app = Starlette(
        routes=[Route("/bare", bare), Mount("/", pages)],
        lifespan=lambda _: pages.router.lifespan_context(pages),
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", access_log=False)


async def load(url: str, clients: int, seconds: float, body: bytes | None = None) -> tuple[float, float, float]:
    """Requests a second, median and 99th percentile in milliseconds."""
    took: list[float] = []
    ends = time.perf_counter() + seconds

    async def client() -> None:
        async with httpx.AsyncClient(timeout=60) as session:
            while (begun := time.perf_counter()) < ends:
                if body is None:
                    answer = await session.get(url)
                else:
                    answer = await session.post(url, content=body, headers={"content-type": "application/pdf"})
                answer.raise_for_status()
                took.append((time.perf_counter() - begun) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    ranked = sorted(took)
    rate = len(took) / (time.perf_counter() - begun)
    return rate, statistics.median(ranked), ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]


async def hostile(port: int, ends: float) -> None:
    """Two senders of a byte a second, and one of files that only look like PDF."""

    async def slow() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /api/verify HTTP/1.1\r\nHost: x\r\nContent-Type: application/pdf\r\nContent-Length: 9999999\r\n\r\n%PDF"
        )
        while time.perf_counter() < ends:
            writer.write(b" ")
            await asyncio.sleep(1)
        writer.close()

    async def broken() -> None:
        garbage = b"%PDF-1.7\n" + os.urandom(3_000_000)
        async with httpx.AsyncClient(timeout=120) as session:
            while time.perf_counter() < ends:
                await session.post(
                    f"http://127.0.0.1:{port}/api/verify", content=garbage, headers={"content-type": "application/pdf"}
                )

    await asyncio.gather(slow(), slow(), broken())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=5.0)
    arguments.add_argument("--clients", type=int, default=8)
    given = arguments.parse_args()
    from signing_core.desk import Desk
    from signing_core.testing import Play, contract, make_workspace

    with tempfile.TemporaryDirectory() as temporary, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        folder = Path(temporary) / "workspace"
        url = f"http://127.0.0.1:{port}"
        with make_workspace(folder, base_url=url) as workspace:
            play = Play(Desk(workspace))
            document_id = play.create(contract(3))
            play.to_completion(document_id)
            final = workspace.objects.get(play.desk.status(document_id)["final"]["sha256"])
            completed = next(e for e in play.desk.events(document_id) if e.type == "document.completed")
            code = f"{url}/V/{str(completed.data['qr_text']).rpartition('/')[2]}"
        server = subprocess.Popen([sys.executable, __file__, "--serve", str(folder), str(port)], cwd=HERE.parent)
        try:
            for _ in range(300):
                try:
                    httpx.get(code).raise_for_status()
                    httpx.post(
                        f"{url}/api/verify", content=final, headers={"content-type": "application/pdf"}, timeout=60
                    )
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            report(given, port, url, code, final)
        finally:
            server.terminate()
            server.wait(20)


def report(given: argparse.Namespace, port: int, url: str, code: str, final: bytes) -> None:
    async def under_attack() -> tuple[float, float, float]:
        ends = time.perf_counter() + given.seconds + 1
        attack = asyncio.create_task(hostile(port, ends))
        await asyncio.sleep(0.5)
        result = await load(code, given.clients, given.seconds)
        await attack
        return result

    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given.clients} clients, {given.seconds:g} s each")
    print(f"{'what':44} {'per second':>10} {'median ms':>10} {'p99 ms':>8}")
    for name, run in (
        ("bare Starlette route", lambda: load(f"{url}/bare", given.clients, given.seconds)),
        ("page of a QR code", lambda: load(code, given.clients, given.seconds)),
        ("page of a QR code, hostile uploads meanwhile", under_attack),
        (
            f"verification of an upload ({len(final) // 1000} kB)",
            lambda: load(f"{url}/api/verify", 4, given.seconds, final),
        ),
    ):
        rate, median, p99 = asyncio.run(run())
        print(f"{name:44} {rate:10.1f} {median:10.1f} {p99:8.1f}")


if __name__ == "__main__":
    sys.path[0] = str(HERE.parent)  # this file has the name of the package that it measures
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
