"""A server that answers at once and says how far it is, until what it is to serve has been made.

`sealtrail serve --demo` makes its sample documents this way: the browser can be opened right away, and goes on by itself.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, MutableMapping
from html import escape
from typing import Any, Final

_Scope = MutableMapping[str, Any]
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]
Progress = Callable[[str, int, int], None]
"""Told what is being made, how much of it is done, and of how much."""

_WORDS: Final = {
    "en": {
        "title": "The demonstration is being made",
        "why": "Every sample document goes through all three phases, with real keys, signatures and an audit log. "
        "This happens once; the page goes on by itself.",
        "documents": "Documents",
        "verifications": "Verifications",
        "controls": "Controls",
        "left": "about {seconds} seconds left for this step",
        "failed": "The demonstration could not be made: {why}",
    },
    "de": {
        "title": "Die Vorführung wird angelegt",
        "why": "Jedes Musterdokument durchläuft alle drei Phasen, mit echten Schlüsseln, Unterschriften und Protokoll. "
        "Das geschieht einmal; die Seite geht von selbst weiter.",
        "documents": "Dokumente",
        "verifications": "Prüfungen",
        "controls": "Kontrollen",
        "left": "noch etwa {seconds} Sekunden für diesen Schritt",
        "failed": "Die Vorführung konnte nicht angelegt werden: {why}",
    },
}
_STYLE: Final = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:16vh auto;padding:0 1.2rem}"
    "h1{font-size:1.5rem}progress{width:100%;height:1rem;accent-color:#1f8a55}p.step{margin:1.2rem 0 .2rem}"
)


class Preparing:
    """An ASGI application; `make` builds the real one in a thread, once, and tells of its progress."""

    def __init__(self, make: Callable[[Progress], App]) -> None:
        self._make = make
        self._real: App | None = None
        self._failed: str | None = None
        self._step = ("documents", 0, 0)
        self._began = time.monotonic()
        self._life: _Life | None = None

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._real is not None:
            await self._real(scope, receive, send)
        elif scope["type"] == "http":
            await self._tell(scope, send)
        else:
            await send({"type": "websocket.close", "code": 1013})  # try again later

    async def _lifespan(self, receive: _Receive, send: _Send) -> None:
        await receive()
        making = asyncio.create_task(self._prepare())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        making.cancel()
        if self._life is not None:
            await self._life.end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _prepare(self) -> None:
        made: asyncio.Future[App] = asyncio.get_running_loop().create_future()
        threading.Thread(target=self._work, args=(made,), name="demonstration", daemon=True).start()
        try:
            real = await made
            self._life = _Life(real)
            await self._life.begin()
        except Exception as error:
            self._failed = str(error) or type(error).__name__
        else:
            self._real = real

    def _work(self, made: asyncio.Future[App]) -> None:
        """In a thread that does not keep the process from ending."""
        loop = made.get_loop()
        try:
            real = self._make(self._progress)
        except Exception as error:
            _later(loop, made.set_exception, error)
        else:
            _later(loop, made.set_result, real)

    def _progress(self, what: str, done: int, of: int) -> None:
        if what != self._step[0]:
            self._began = time.monotonic()
        self._step = (what, done, of)

    async def _tell(self, scope: _Scope, send: _Send) -> None:
        accepted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1").strip().lower()
        language = "de" if accepted.startswith("de") else "en"
        body = self._page(language).encode()
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"cache-control", b"no-store"),
            (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
            (b"retry-after", b"2"),
        ]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _page(self, language: str) -> str:
        words = _WORDS[language]
        what, done, of = self._step
        shown = f"<p class='step'>{escape(words.get(what, what))}: {done} / {of or '…'}</p>"
        shown += f"<progress max='{of or 1}' value='{done}' aria-label='{escape(words.get(what, what))}'></progress>"
        if done and of:
            left = (time.monotonic() - self._began) / done * (of - done)
            shown += f"<p>{words['left'].format(seconds=max(1, round(left)))}</p>"
        if self._failed is not None:
            shown = f"<p role='alert'>{escape(words['failed'].format(why=self._failed))}</p>"
        return (
            f"<!doctype html><html lang='{language}'><meta charset='utf-8'><meta http-equiv='refresh' content='2'>"
            f"<meta name='viewport' content='width=device-width'><title>{words['title']}</title><style>{_STYLE}</style>"
            f"<h1>{words['title']}</h1><p>{words['why']}</p>{shown}</html>"
        )


class _Life:
    """The lifespan of an application, begun and ended from outside as a server would."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._in: asyncio.Queue[_Message] = asyncio.Queue()
        self._out: asyncio.Queue[_Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        self._task = asyncio.create_task(self._run(scope))
        await self._in.put({"type": "lifespan.startup"})
        answer = await self._out.get()
        if answer["type"] != "lifespan.startup.complete":
            raise RuntimeError(answer.get("message") or "the pages did not start")

    async def end(self) -> None:
        await self._in.put({"type": "lifespan.shutdown"})
        if self._task is not None:
            await asyncio.wait_for(self._task, 30)

    async def _run(self, scope: _Scope) -> None:
        await self._app(scope, self._in.get, self._out.put)


def _later(loop: asyncio.AbstractEventLoop, call: Callable[[Any], None], value: object) -> None:
    try:
        loop.call_soon_threadsafe(lambda: call(value))
    except RuntimeError:
        return  # the server has ended meanwhile
