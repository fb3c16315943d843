"""`POST /api/verify`: a PDF in, the verdict of the published contract out. No cookie, no login; nothing is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portal.bodies import UploadRefused
from portal.site import HERE, Site
from portal.words import words
from portal.workers import WorkFailed, WorkRefused

DESCRIPTION: Final = json.loads((HERE / "openapi.json").read_text("utf-8"))


def error(name: str, status: int, say: Mapping[str, str], values: Mapping[str, Any]) -> JSONResponse:
    """An error as a stable code and a sentence."""
    response = JSONResponse({"error": name, "message": say[f"p_{name}"].format(**values)}, status_code=status)
    if "seconds" in values:
        response.headers["retry-after"] = str(values["seconds"])
    if status == 405:
        response.headers["allow"] = "POST"
    return response


class Api:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [
            Route("/api/verify", self.verify, methods=["POST"]),
            Route("/api/openapi.json", self.description, methods=["GET"]),
        ]

    async def description(self, request: Request) -> Response:
        return JSONResponse(DESCRIPTION)

    async def verify(self, request: Request) -> Response:
        say = words("en")
        at = _time(request.query_params.get("at"))
        if "at" in request.query_params and at is None:
            return error("at", 400, {"p_at": "The parameter at is no RFC 3339 time with an offset."}, {})
        try:
            async with self._site.receiver.form(request) as form:
                file = form.files.get("file")
                if file is None or file.size == 0:
                    return error("no-file", 400, {"p_no-file": "Send the PDF as body, or as the form field file."}, {})
                job = {"do": "verify", "at": (at or self._site.desk.clock()).isoformat()}
                verdict = await self._site.readers.run(job, file.descriptor, caller=form.caller)
                return JSONResponse({**verdict, "path": file.name or None})
        except UploadRefused as refused:
            return error(refused.problem, refused.status, say, {})
        except (WorkFailed, WorkRefused):
            return error("work", 422, say, {})


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None
