"""The application: `uvicorn portal.app:app` runs the pages alone, for the workspace that SEALTRAIL_WORKSPACE names.

`create_app` makes one for a desk; `sealtrail serve` does that.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal import signing
from portal.api import Api
from portal.bodies import UploadRefused
from portal.guard import Guard
from portal.pki import Pki
from portal.rates import Rate
from portal.site import HERE, STATIC, Site
from portal.uploads import MAX_FILE
from portal.verifying import VerificationPages
from signing_core.delivery import redaction
from signing_core.desk import Desk

PATHS = ("/s/", "/d/", "/sign/", "/verify", "/V/", "/v/", "/api/", "/pki/", "/static/")
"""Where the pages live, for whoever mounts them beside something else."""


def create_app(
    desk: Desk, *, rates: Mapping[str, Rate] | None = None, max_file: int = MAX_FILE, work_seconds: float = 60.0
) -> Starlette:
    """The public pages over a desk. Tokens and codes are kept out of every log of the process from now on."""
    redaction.install()
    site = Site(desk, rates=rates, max_file=max_file, work_seconds=work_seconds)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(site.start)
        try:
            yield
        finally:
            site.close()

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC or request.path_params["hash"] != site.assets[name][0]:
            return site.problem(request, "missing", 404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return Response((HERE / "static" / name).read_bytes(), media_type=STATIC[name], headers=headers)

    async def not_here(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        return site.problem(request, "method" if status == 405 else "missing", status)

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, UploadRefused)  # noqa: S101  registered for nothing else
        return site.problem(request, error.problem, error.status)

    app = Starlette(
        routes=[
            *signing.routes(site),
            *VerificationPages(site).routes(),
            *Api(site).routes(),
            *Pki(site).routes(),
            Route("/static/{hash}/{name}", static, methods=["GET"]),
        ],
        middleware=[
            Middleware(Guard, base_url=site.base_url, limiter=site.limiter, problem=site.problem),
        ],
        exception_handlers={404: not_here, 405: not_here, UploadRefused: refused},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # its redirects would be built from the Host header
    app.state.site = site
    return app


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from signing_core.storage.workspace import Workspace

    return create_app(Desk(Workspace.open(Path(os.environ.get("SEALTRAIL_WORKSPACE", ".")))))
