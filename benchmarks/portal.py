"""The public pages under load, beside a bare Starlette route on the same server and machine.

    python benchmarks/portal.py [--seconds 2] [--rounds 7] [--clients 8]

Everything runs on loopback and ends by itself: the pages in one process (and its workers), the clients in another, each with
an address of its own, since what is limited is limited for each address. Measured are the page of a QR code (decoding,
Ed25519, register, audit log, template) and the verification of a three-page sealed PDF by upload, both again while hostile
uploads run: slow senders, and files that are no PDF at all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
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

    unlimited = {kind: Rate(10**9, 10**9) for kind in ("link", "code", "upload", "frame", "page")}
    pages = create_app(Desk(Workspace.open(folder)), rates=unlimited)

    async def bare(request: object) -> PlainTextResponse:
        return PlainTextResponse("bare")

    app = Starlette(
        routes=[Route("/bare", bare), Mount("/", pages)],
        lifespan=lambda _: pages.router.lifespan_context(pages),
    )
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", access_log=False)


def client_at(address: str) -> httpx.AsyncClient:
    """A client with an address of its own; all of 127.0.0.0/8 is this machine (on Linux)."""
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address=address), timeout=120)


async def load(url: str, clients: int, seconds: float, body: bytes | None = None) -> tuple[list[float], float]:
    """Milliseconds of each request, and the seconds that all of them took together."""
    took: list[float] = []
    started = time.perf_counter()
    ends = started + seconds

    async def client(number: int) -> None:
        async with client_at(f"127.0.0.{number + 10}") as session:
            while (begun := time.perf_counter()) < ends:
                if body is None:
                    answer = await session.get(url)
                else:
                    answer = await session.post(url, content=body, headers={"content-type": "application/pdf"})
                answer.raise_for_status()
                took.append((time.perf_counter() - begun) * 1000)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return took, time.perf_counter() - started


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
        async with client_at("127.0.0.2") as session:
            while time.perf_counter() < ends:
                await session.post(
                    f"http://127.0.0.1:{port}/api/verify", content=garbage, headers={"content-type": "application/pdf"}
                )

    await asyncio.gather(slow(), slow(), broken())


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=2.0)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--clients", type=int, default=8)
    given = arguments.parse_args()
    sys.path.append(str(HERE.parent / "tests" / "shared"))
    import servers

    from signing_core.desk import Desk
    from signing_core.testing import Play, contract, make_workspace

    with tempfile.TemporaryDirectory() as temporary:
        port = servers.free_port()
        folder = Path(temporary) / "workspace"
        url = f"http://127.0.0.1:{port}"
        with make_workspace(folder, base_url=url) as workspace:
            play = Play(Desk(workspace))
            document_id = play.create(contract(3))
            play.to_completion(document_id)
            final = workspace.objects.get(play.desk.status(document_id)["final"]["sha256"])
            completed = next(e for e in play.desk.events(document_id) if e.type == "document.completed")
            code = f"{url}/V/{str(completed.data['qr_text']).rpartition('/')[2]}"
        with servers.running([sys.executable, __file__, "--serve", str(folder), str(port)], port) as server:
            httpx.get(code, timeout=60).raise_for_status()
            httpx.post(f"{url}/api/verify", content=final, headers={"content-type": "application/pdf"}, timeout=60)
            report(given, port, url, code, final, server.pid)


def report(given: argparse.Namespace, port: int, url: str, code: str, final: bytes, server: int) -> None:
    async def calm(url: str, clients: int, body: bytes | None = None) -> tuple[list[float], float]:
        return await load(url, clients, given.seconds, body)

    async def under_attack(url: str, clients: int, body: bytes | None = None) -> tuple[list[float], float]:
        attack = asyncio.create_task(hostile(port, time.perf_counter() + given.seconds + 0.5))
        await asyncio.sleep(0.5)
        result = await load(url, clients, given.seconds, body)
        await attack
        return result

    cases = {
        "bare Starlette route": (f"{url}/bare", given.clients, None),
        "page of a QR code": (code, given.clients, None),
        f"verification of an upload ({len(final) // 1000} kB)": (f"{url}/api/verify", 4, final),
    }
    rates: dict[tuple[str, str], list[float]] = {}
    waits: dict[tuple[str, str], list[float]] = {}
    spent: dict[tuple[str, str], list[float]] = {}
    for _ in range(given.rounds):  # in turns, so that whatever else the machine does meets all of them
        for case, (address, clients, body) in cases.items():
            for how, run in (("calm", calm), ("attacked", under_attack)):
                before = processor(server)
                took, seconds = asyncio.run(run(address, clients, body))
                rates.setdefault((case, how), []).append(len(took) / seconds)
                waits.setdefault((case, how), []).extend(took)
                spent.setdefault((case, how), []).append((processor(server) - before) * 1000 / max(1, len(took)))
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {given.clients} clients (4 for uploads), "
        f"{given.rounds} rounds of {given.seconds:g} s; medians of the rounds"
    )
    print(f"{'':40} {'a second':>9} {'median ms':>10} {'p99 ms':>8} {'server ms':>10}")
    for case in cases:
        for how in ("calm", "attacked"):
            key = case, how
            ranked = sorted(waits[key])
            p99 = ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
            print(
                f"{case if how == 'calm' else '  with hostile uploads meanwhile':40} {statistics.median(rates[key]):9.1f} "
                f"{statistics.median(ranked):10.1f} {p99:8.1f} {statistics.median(spent[key]):10.2f}"
            )


def processor(pid: int) -> float:
    """Seconds of processor time that the server's own process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.path[0] = str(HERE.parent)  # this file has the name of the package that it measures
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
