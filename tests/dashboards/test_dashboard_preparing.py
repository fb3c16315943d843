"""The server that answers while what it is to serve is being made."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from dashboard_parts import told

from dashboards.preparing import Preparing
from signing_core.seeding import altered, demonstration
from signing_core.storage.database import reading
from signing_core.storage.schema import documents
from signing_core.storage.workspace import Workspace


class Real:
    """An application that says `here`, and remembers its life."""

    def __init__(self) -> None:
        self.life: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.life.append("began")
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.life.append("ended")
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})


def live(app: Preparing, during: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """The application's life as a server leads it."""

    async def run() -> None:
        to, of = asyncio.Queue[Any](), asyncio.Queue[Any]()
        life = asyncio.create_task(app({"type": "lifespan"}, to.get, of.put))
        await to.put({"type": "lifespan.startup"})
        assert (await of.get())["type"] == "lifespan.startup.complete"
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            await during(client)
        await to.put({"type": "lifespan.shutdown"})
        await asyncio.wait_for(life, 60)
        assert (await of.get())["type"] == "lifespan.shutdown.complete"

    asyncio.run(run())


async def until(client: httpx.AsyncClient, text: str) -> httpx.Response:
    ends = time.monotonic() + 60
    while text not in (answer := await client.get("/")).text:
        assert time.monotonic() < ends, f"{text} is never said: {answer.text}"
        await asyncio.sleep(0.01)
    return answer


def test_it_says_how_far_it_is_and_goes_on_by_itself() -> None:
    go, real = threading.Event(), Real()

    def make(progress: Callable[[str, int, int], None]) -> Any:
        progress("documents", 57, 200)
        assert go.wait(60)
        return real

    async def during(client: httpx.AsyncClient) -> None:
        waiting = await until(client, "57 / 200")
        assert waiting.status_code == 503
        assert "http-equiv='refresh'" in waiting.text and "aria-label='Documents'" in waiting.text
        german = await client.get("/documents", headers={"accept-language": "de-DE,de;q=0.9"})
        assert "Die Vorführung wird angelegt" in german.text
        go.set()
        assert (await until(client, "here")).status_code == 200
        assert real.life == ["began"]

    live(Preparing(make), during)
    assert real.life == ["began", "ended"]


def test_a_failure_is_said() -> None:
    def make(_: object) -> Any:
        raise OSError("the disk is <full>")

    async def during(client: httpx.AsyncClient) -> None:
        answer = await until(client, "could not be made")
        assert "the disk is &lt;full&gt;" in answer.text

    live(Preparing(make), during)


@pytest.mark.slow
def test_the_demonstration_holds_what_an_analyst_is_to_find(tmp_path: Path, show: Callable[..., Any]) -> None:
    """The same as `sealtrail serve --demo` makes, smaller."""
    told_of: list[tuple[str, int, int]] = []
    folder = tmp_path / "demo"
    assert demonstration.prepare(folder, documents=25, progress=lambda *one: told_of.append(one))
    assert not demonstration.prepare(folder, documents=25)
    assert {what for what, _, _ in told_of} == {"documents", "verifications", "controls"}
    assert "25 found" in told(show(folder, "documents"))
    assert "stored-file-changed" in str(show(folder, "findings").main)
    (row,) = [one for one in _documents(folder) if one.title == altered.TITLE]
    assert "Page 1 shows something else" in told(show(folder, "document", id=row.id, view="seen"))
    assert "There is no preview" not in told(show(folder, "directory", dirview="templates"))


def _documents(folder: Path) -> list[Any]:
    with Workspace.open(folder) as workspace, reading(workspace.engine) as connection:
        return list(connection.execute(sa.select(documents)))
