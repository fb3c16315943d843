"""From the link in a message to the page behind it: opening a document to sign, and downloading a finished one.

GET and HEAD change nothing: mail scanners fetch every link.
"""

from __future__ import annotations

import time

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.gate import Gate, attachment
from portal.matters import NoAccess, matter_of, standing
from portal.sessions import Session, key_of, new_session
from portal.site import Site, origin_of
from signing_core.delivery import tokens
from signing_core.desk import Origin
from signing_core.errors import FlowError, LinkExpired, LinkInvalid, NotAsLogged


class LinkPages:
    def __init__(self, site: Site, gate: Gate) -> None:
        self._site = site
        self._gate = gate
        self._desk = site.desk

    def routes(self) -> list[Route]:
        return [
            Route("/s/{token}", self.landing, methods=["GET"]),
            Route("/s/{token}", self.exchange, methods=["POST"]),
            Route("/d/{token}", self.download_page, methods=["GET"]),
            Route("/d/{token}", self.download, methods=["POST"]),
        ]

    async def landing(self, request: Request) -> Response:
        return self._page(request, "s", "landing.html")

    async def download_page(self, request: Request) -> Response:
        return self._page(request, "d", "download.html")

    def _page(self, request: Request, kind: str, template: str) -> Response:
        """The same page for every address of this form: nothing is learned from it, and nothing happens.

        That the link was fetched is noted after the answer has gone out, so the time tells nothing either.
        """
        token = request.path_params["token"]
        if not tokens.is_token(token):
            return self._site.problem(request, "gone", 404)
        page = self._site.page(request, template, here="", bound=f"/{kind}/{token}")
        page.background = BackgroundTask(self._note_fetch, token, origin_of(request))
        return page

    def _note_fetch(self, token: str, origin: Origin) -> None:
        try:
            self._desk.note_fetch(token, origin)
        except (LinkInvalid, FlowError):
            return

    async def exchange(self, request: Request) -> Response:
        """The button was pressed: the token becomes a cookie, and the address a clean one."""
        started = time.monotonic()
        token, site, gate = request.path_params["token"], self._site, self._gate
        async with site.receiver.form(request) as form:
            if not tokens.is_token(token):
                return await gate.gone(request, started)
            if not site.vault.form_token_matches(form.get("csrf"), f"/s/{token}"):
                return site.problem(request, "form", 403)
        link, why = await run_in_threadpool(standing, self._desk, token)
        session = gate.session(request, key_of(token)) or new_session(token)
        if why == "used" and (await self._signed_here(session)):
            return gate.enter(request, session, "/done")
        if link is None or why is not None:
            return await gate.gone(request, started) if why == "gone" else site.problem(request, str(why), 410)
        try:
            await run_in_threadpool(self._desk.open, token, session.secret, origin_of(request))
        except (LinkInvalid, LinkExpired):
            return await gate.gone(request, started)
        except FlowError:
            return site.problem(request, "not_now", 409)
        return gate.enter(request, session, "")

    async def _signed_here(self, session: Session) -> bool:
        try:
            await run_in_threadpool(matter_of, self._desk, session)
        except NoAccess:
            return False
        return True

    async def download(self, request: Request) -> Response:
        """The file comes when the button is pressed."""
        started, token = time.monotonic(), request.path_params["token"]
        async with self._site.receiver.form(request) as form:
            if not self._site.vault.form_token_matches(form.get("csrf"), f"/d/{token}"):
                return self._site.problem(request, "form", 403)
        link = (await run_in_threadpool(standing, self._desk, token))[0] if tokens.is_token(token) else None
        if link is None or link.purpose != "download" or self._desk.clock() > link.expires_at:
            return await self._gate.gone(request, started)
        try:
            name, data = await run_in_threadpool(self._desk.download, token)
        except (LinkInvalid, LinkExpired):
            return await self._gate.gone(request, started)
        except NotAsLogged:
            return self._site.problem(request, "file", 409)
        return attachment(name, data)
