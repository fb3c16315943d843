"""How it ends for a party: signed, with what happens next and the document once it is sealed; or declined."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portal.bodies import Form
from portal.gate import Gate, attachment
from portal.matters import ENDED_OTHERWISE, Matter
from portal.site import Site, origin_of
from signing_core.flow import Status


class EndingPages:
    def __init__(self, site: Site, gate: Gate) -> None:
        self._site = site
        self._gate = gate
        self._desk = site.desk

    def routes(self) -> list[Route]:
        see, take = self._gate.see, self._gate.take
        return [
            Route("/sign/{key}/done", see(self.done, ended=True), methods=["GET"]),
            Route("/sign/{key}/state", see(self.state, ended=True), methods=["GET"]),
            Route("/sign/{key}/document", see(self.document, ended=True), methods=["GET"]),
            Route("/sign/{key}/decline", see(self.decline_form), methods=["GET"]),
            Route("/sign/{key}/decline", take(self.decline), methods=["POST"]),
        ]

    async def done(self, request: Request, matter: Matter) -> Response:
        return self._gate.page(
            request,
            "done.html",
            matter,
            status_name=str(matter.state.status),
            delayed=matter.row.work_failures > 0,
            ended=matter.state.status in ENDED_OTHERWISE,
            scripts=("wait.js",),
            connect=True,
        )

    async def state(self, request: Request, matter: Matter) -> Response:
        return JSONResponse({"status": str(matter.state.status), "delayed": matter.row.work_failures > 0})

    async def document(self, request: Request, matter: Matter) -> Response:
        if matter.state.status is not Status.COMPLETED:
            return self._site.problem(request, "not_ready", 409, back=f"/sign/{matter.session.key}/done")
        name, data = await run_in_threadpool(self._desk.download, matter.session.token)
        return attachment(name, data)

    async def decline_form(self, request: Request, matter: Matter) -> Response:
        return self._gate.page(request, "decline.html", matter, error=None, reason="")

    async def decline(self, request: Request, matter: Matter, form: Form) -> Response:
        reason = form.get("reason").strip()
        if not reason:
            return self._gate.page(request, "decline.html", matter, status=422, error="decline_missing", reason="")
        session = matter.session
        await run_in_threadpool(self._desk.decline, session.token, session.secret, reason[:2000], origin_of(request))
        return self._gate.page(request, "declined.html", matter, here="/verify")
