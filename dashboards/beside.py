"""The dashboard and the public pages in one process, for trying out; in production each runs on its own host.

The public pages come first and untouched: their paths never pass through Streamlit's middleware, everything else never through
theirs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import streamlit as st
from starlette.applications import Starlette
from starlette.middleware import Middleware

SCRIPT: Final = Path(__file__).with_name("app.py")
_ASSETS: Final = ("/static/js/", "/static/css/", "/static/media/")
"""Streamlit's own, below a path that both use."""

_Scope = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_App = Callable[[_Scope, _Receive, _Send], Awaitable[None]]


class PublicFirst:
    """Gives what belongs to the public pages to them."""

    def __init__(self, app: _App, pages: Starlette, paths: tuple[str, ...]) -> None:
        self._app = app
        self._pages = pages
        self._paths = paths

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        path = scope.get("path", "")
        theirs = any(path == prefix.rstrip("/") or path.startswith(prefix) for prefix in self._paths)
        if scope["type"] == "http" and theirs and not path.startswith(_ASSETS):
            await self._pages(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def with_dashboard(pages: Starlette, paths: tuple[str, ...], workspace: Path, *, demo: bool = False) -> st.App:
    """One ASGI application: the public pages at their paths, the dashboard of the workspace everywhere else."""
    from dashboards.session import DEMO_VARIABLE

    os.environ["SEALTRAIL_WORKSPACE"] = str(workspace.absolute())
    if demo:
        os.environ[DEMO_VARIABLE] = "1"

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[None]:
        # Streamlit turns it on, and addresses of signing links would stand in it.
        logging.getLogger("uvicorn.access").disabled = True
        context: AbstractAsyncContextManager[Any] = pages.router.lifespan_context(pages)
        async with context:
            yield

    return st.App(SCRIPT, lifespan=lifespan, middleware=[Middleware(PublicFirst, pages=pages, paths=paths)])
