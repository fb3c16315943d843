"""Requests to the pages as a server would hand them on: from any address, under any host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx


def ask(app: Any, method: str, path: str, *, address: str = "203.0.113.9", **more: Any) -> httpx.Response:
    """A request from an address of one's choice, under a Host of the caller's own making."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=(address, 50000))
        async with httpx.AsyncClient(transport=transport, base_url="https://anything.example") as client:
            return await client.request(method, path, **more)

    answer: httpx.Response = run(send)
    return answer


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """The result of a coroutine, in a thread of its own: a browser test before it may have left a running loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()
