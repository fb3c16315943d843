"""What holds for every request and every response, whichever page it is: an ASGI layer around the whole application.

(1) Over plain HTTP only this machine is served. (2) A request that changes or computes something must come from our own
pages. (3) Nobody asks too often. (4) Every response carries the security headers; what a page does not allow is forbidden.
(5) A fault is a page without details, and a line in the log.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Iterable
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.rates import Limiter

_log = logging.getLogger(__name__)

NO_CONTENT_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
"""For what is no page of ours: nothing may be loaded, framed or sent from it."""

HEADERS: Final = {
    "content-security-policy": NO_CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cache-control": "no-store",
}
"""Set unless the page says otherwise."""

STRICT_TRANSPORT: Final = "max-age=63072000"

Problem = Callable[[Request, str, int, float], Response]
"""Makes the page for a refused request: request, name of the problem, status, seconds to wait."""


class Guard:
    def __init__(self, app: ASGIApp, *, base_url: str, limiter: Limiter, problem: Problem) -> None:
        scheme, _, rest = base_url.partition("://")
        self._app = app
        self._secure = scheme == "https"
        self._origin = f"{scheme}://{rest.partition('/')[0]}".lower()
        self._limiter = limiter
        self._problem = problem

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, started = Request(scope, receive), False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._set_headers(MutableHeaders(scope=message))
            await send(message)

        try:
            refused = self._refusal(request)
            await (refused or self._app)(scope, receive, guarded)
        except Exception as error:
            _log.error(
                "%s %s failed with %s",
                scope["method"],
                kind_of_path(scope["path"]),
                type(error).__name__,
                exc_info=True,
            )
            if started:
                raise
            await self._problem(request, "fault", 500, 0)(scope, receive, guarded)

    def _refusal(self, request: Request) -> Response | None:
        address = request.client.host if request.client else ""
        if not self._secure and not _is_loopback(address):
            return self._problem(request, "insecure", 403, 0)
        if request.method not in ("GET", "HEAD", "POST"):
            return self._problem(request, "method", 405, 0)
        if request.method == "POST" and not self.from_our_page(request.headers, api=is_api(request.scope["path"])):
            return self._problem(request, "origin", 403, 0)
        for kind in _counted(request):
            if wait := self._limiter.wait(kind, address):
                return self._problem(request, "rate", 429, wait)
        return None

    def from_our_page(self, headers: Headers, *, api: bool) -> bool:
        """Whether a browser says that one of our pages sent this.

        With `no-referrer` browsers write `Origin: null` for a form, so what tells then is Sec-Fetch-Site, which no page
        can set. A program that calls the API sends neither, and has no cookie that could be abused.
        """
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin not in (None, "null") and origin.lower() != self._origin:
            return False
        if site is not None:
            return site == "same-origin" or (api and site == "none")
        return origin not in (None, "null") or (api and origin is None)

    def _set_headers(self, headers: MutableHeaders) -> None:
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if self._secure:
            headers["strict-transport-security"] = STRICT_TRANSPORT


def is_api(path: str) -> bool:
    return path.startswith("/api/")


def kind_of_path(path: str) -> str:
    """The path without what may be secret in it, for a log."""
    first = path.strip("/").partition("/")[0]
    return f"/{first}" if len(first) <= 20 else "/..."


def _counted(request: Request) -> Iterable[str]:
    path = request.scope["path"]
    yield "page"
    if path.startswith(("/s/", "/d/")):
        yield "link"
    elif request.method == "POST" and path.startswith("/sign/"):
        yield "code" if path.endswith(("/code", "/confirm")) else "page"
    elif request.method == "POST":
        yield "frame" if path == "/verify/frame" else "upload"


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
