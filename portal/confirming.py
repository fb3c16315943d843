"""The code: sent to the party's contact, entered in the browser that asked for it."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.bodies import Form
from portal.gate import Gate
from portal.matters import Matter, matter_of
from portal.site import Site, origin_of
from signing_core.delivery import codes
from signing_core.errors import CodeExpired, CodeMissing, CodeRejected, SendingLimited


class CodePages:
    def __init__(self, site: Site, gate: Gate) -> None:
        self._site = site
        self._gate = gate
        self._desk = site.desk

    def routes(self) -> list[Route]:
        see, take = self._gate.see, self._gate.take
        return [
            Route("/sign/{key}/code", see(self.code), methods=["GET"]),
            Route("/sign/{key}/code", take(self.request_code), methods=["POST"]),
            Route("/sign/{key}/confirm", see(self.to_code), methods=["GET"]),
            Route("/sign/{key}/confirm", take(self.submit_code), methods=["POST"]),
        ]

    async def code(self, request: Request, matter: Matter) -> Response:
        if matter.mine:
            return self._gate.to(matter.session.key, "/signature")
        return self.page(request, matter)

    def page(
        self, request: Request, matter: Matter, error: str | None = None, status: int = 200, **values: Any
    ) -> Response:
        here = f"/sign/{matter.session.key}/code"
        return self._gate.page(request, "code.html", matter, status=status, error=error, values=values, here=here)

    async def request_code(self, request: Request, matter: Matter, form: Form) -> Response:
        try:
            await run_in_threadpool(
                self._desk.request_code, matter.session.token, matter.session.secret, origin_of(request)
            )
        except SendingLimited as limited:
            if matter.challenge is None or form.get("again"):
                until = limited.until.astimezone(self._site.workspace.zone).strftime("%H:%M:%S %Z")
                return self.page(request, matter, "code_limited", 429, until=until)
        return self._gate.to(matter.session.key, "/code")

    async def to_code(self, request: Request, matter: Matter) -> Response:
        return self._gate.to(matter.session.key, "/code")

    async def submit_code(self, request: Request, matter: Matter, form: Form) -> Response:
        if codes.normalise(form.get("code")) is None:
            return self.page(request, matter, "code_format", 422)
        session = matter.session
        try:
            await run_in_threadpool(
                self._desk.submit_code,
                session.token,
                session.secret,
                form.get("challenge")[:64],
                form.get("code"),
                origin_of(request),
            )
        except (CodeRejected, CodeExpired, CodeMissing) as error:
            now = await run_in_threadpool(matter_of, self._desk, session)
            if now.mine and isinstance(error, CodeMissing):
                return self._gate.to(session.key, "/signature")  # the other tab was first
            if isinstance(error, CodeRejected):
                return self.page(request, now, "code_wrong_sent" if error.replacement_sent else "code_wrong", 422)
            return self.page(request, now, "code_expired" if isinstance(error, CodeExpired) else "code_missing", 422)
        return self._gate.to(session.key, "/signature")
