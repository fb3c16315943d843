"""The signing pages, the same for first party and client: open, read, code, signature, confirm, done; or decline.

GET and HEAD change nothing. A link's token is exchanged for a cookie at once, so it stands in no further address.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from portal import signature_form
from portal.matters import ENDED_OTHERWISE, Matter, NoAccess, matter_of, standing
from portal.sessions import LIFETIME, Session, key_of, new_session
from portal.site import Site, origin_of
from portal.uploads import Form, UploadRefused
from portal.workers import WorkFailed
from signing_core.delivery import codes, tokens
from signing_core.desk import Origin
from signing_core.errors import (
    CodeExpired,
    CodeMissing,
    CodeRejected,
    FlowError,
    LinkExpired,
    LinkInvalid,
    SendingLimited,
    StepLocked,
)
from signing_core.flow import Status

PAGES_AT_ONCE: Final = 12
"""Pictures of document pages on one page of ours."""
_DPI: Final = {"1": 96.0, "2": 160.0}
"""About 790 and 1,320 pixels of an A4 page's width."""
_CACHE_BYTES: Final = 64 << 20
_FLOOR_SECONDS: Final = 0.05
"""An unknown and an expired link are answered no sooner than this, so that the time tells nothing either."""

Handler = Callable[[Request, Matter], Awaitable[Response]]
Taker = Callable[[Request, Matter, Form], Awaitable[Response]]


class SigningPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._desk = site.desk
        self._pictures: OrderedDict[tuple[str, int, str], tuple[bytes, int, int]] = OrderedDict()
        self._marks = signature_form.SignatureForm(site)

    def routes(self) -> list[Route]:
        see, take = self._see, self._take
        return [
            Route("/s/{token}", self.landing, methods=["GET"]),
            Route("/s/{token}", self.exchange, methods=["POST"]),
            Route("/sign/{key}", see(self.read), methods=["GET"]),
            Route("/sign/{key}/page/{number:int}", see(self.picture), methods=["GET"]),
            Route("/sign/{key}/text", see(self.text), methods=["GET"]),
            Route("/sign/{key}/original", see(self.original), methods=["GET"]),
            Route("/sign/{key}/code", see(self.code), methods=["GET"]),
            Route("/sign/{key}/code", take(self.request_code), methods=["POST"]),
            Route("/sign/{key}/confirm", see(self.to_code), methods=["GET"]),
            Route("/sign/{key}/confirm", take(self.submit_code), methods=["POST"]),
            Route("/sign/{key}/signature", see(self.signature), methods=["GET"]),
            Route("/sign/{key}/signature", take(self.choose), methods=["POST"]),
            Route("/sign/{key}/preview", take(self.preview), methods=["POST"]),
            Route("/sign/{key}/consent", see(self.to_signature), methods=["GET"]),
            Route("/sign/{key}/consent", take(self.consent), methods=["POST"]),
            Route("/sign/{key}/done", see(self.done, ended=True), methods=["GET"]),
            Route("/sign/{key}/state", see(self.state, ended=True), methods=["GET"]),
            Route("/sign/{key}/document", see(self.document, ended=True), methods=["GET"]),
            Route("/sign/{key}/decline", see(self.decline_form), methods=["GET"]),
            Route("/sign/{key}/decline", take(self.decline), methods=["POST"]),
            Route("/d/{token}", self.download_page, methods=["GET"]),
            Route("/d/{token}", self.download, methods=["POST"]),
        ]

    # From the link to the cookie

    async def landing(self, request: Request) -> Response:
        """The same page for every address of this form: nothing is learned from it, and nothing happens.

        That the link was fetched is noted after the answer has gone out, so the time tells nothing either.
        """
        token = request.path_params["token"]
        if not tokens.is_token(token):
            return self._site.problem(request, "gone", 404)
        page = self._site.page(request, "landing.html", here="", bound=f"/s/{token}")
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
        token, site = request.path_params["token"], self._site
        async with site.receiver.form(request) as form:
            if not tokens.is_token(token):
                return await self._gone(request, started)
            if not site.vault.form_token_matches(form.get("csrf"), f"/s/{token}"):
                return site.problem(request, "form", 403)
        link, why = await run_in_threadpool(standing, self._desk, token)
        session = self._session(request, key_of(token)) or new_session(token)
        if why == "used" and (await self._signed_here(session)):
            return self._enter(session, "/done")
        if link is None or why is not None:
            return await self._gone(request, started) if why == "gone" else site.problem(request, str(why), 410)
        try:
            await run_in_threadpool(self._desk.open, token, session.secret, origin_of(request))
        except (LinkInvalid, LinkExpired):
            return await self._gone(request, started)
        except FlowError:
            return site.problem(request, "not_now", 409)
        return self._enter(session, "")

    async def _signed_here(self, session: Session) -> bool:
        try:
            await run_in_threadpool(matter_of, self._desk, session)
        except NoAccess:
            return False
        return True

    async def _gone(self, request: Request, started: float) -> Response:
        await asyncio.sleep(max(0.0, started + _FLOOR_SECONDS - time.monotonic()))
        return self._site.problem(request, "gone", 404)

    def _enter(self, session: Session, where: str) -> Response:
        response = self._to(session.key, where)
        response.set_cookie(
            self._cookie(session.key),
            self._site.vault.seal_session(session),
            max_age=LIFETIME,
            path="/",
            secure=self._site.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    def _cookie(self, key: str) -> str:
        return f"{'__Host-' if self._site.secure else ''}sealtrail-{key}"

    def _session(self, request: Request, key: str) -> Session | None:
        sealed = request.cookies.get(self._cookie(key))
        return self._site.vault.open_session(sealed, key) if sealed else None

    def _to(self, key: str, where: str) -> Response:
        return RedirectResponse(self._site.url(f"/sign/{key}{where}"), status_code=303)

    # What every page behind the cookie goes through

    def _see(self, handler: Handler, *, ended: bool = False) -> Callable[[Request], Awaitable[Response]]:
        @functools.wraps(handler)
        async def seen(request: Request) -> Response:
            session = self._session(request, request.path_params["key"])
            return await self._with_matter(request, session, handler, ended)

        return seen

    def _take(self, handler: Taker) -> Callable[[Request], Awaitable[Response]]:
        """A POST: its form is read only for a browser with a session, and heeded only with the session's form token."""

        @functools.wraps(handler)
        async def taken(request: Request) -> Response:
            key = request.path_params["key"]
            session = self._session(request, key)
            if session is None:
                return self._site.problem(request, "session", 403)
            async with self._site.receiver.form(request) as form:
                if not self._site.vault.form_token_matches(form.get("csrf"), session.secret):
                    return self._site.problem(request, "form", 403, back=f"/sign/{key}")

                async def handle(request: Request, matter: Matter) -> Response:
                    return await handler(request, matter, form)

                return await self._with_matter(request, session, handle, False)

        return taken

    async def _with_matter(self, request: Request, session: Session | None, handler: Handler, ended: bool) -> Response:
        site = self._site
        if session is None:
            return site.problem(request, "session", 403)
        back = f"/sign/{session.key}"
        try:
            matter = await run_in_threadpool(matter_of, self._desk, session)
            if matter.signed and not ended:
                return self._to(session.key, "/done")
            if ended and not matter.signed:
                return self._to(session.key, "")
            return await handler(request, matter)
        except NoAccess as no:
            return site.problem(request, no.problem, 404 if no.problem == "gone" else 410)
        except StepLocked as locked:
            return site.problem(request, "locked", 429, until=locked.until, back=back)
        except (LinkInvalid, LinkExpired):
            return site.problem(request, "gone", 404)
        except UploadRefused as refused:
            return site.problem(request, refused.problem, refused.status, back=back)
        except WorkFailed:
            return site.problem(request, "work", 422, back=back)
        except FlowError:
            return site.problem(request, "not_now", 409, back=back)

    def _page(self, request: Request, template: str, matter: Matter, **facts: Any) -> Response:
        return self._site.page(
            request,
            template,
            language=self._site.language(request, matter.person.language),
            matter=matter,
            path=f"/sign/{matter.session.key}",
            csrf=self._site.vault.form_token(matter.session.secret),
            **facts,
        )

    # Reading

    async def read(self, request: Request, matter: Matter) -> Response:
        pages = matter.row.pages - 1  # the last one is reserved for the authenticity certificate
        first = _first_page(request, pages)
        numbers = range(first, min(first + PAGES_AT_ONCE, pages + 1))
        _, width, height = await self._picture(matter, first, "1")
        return self._page(
            request, "read.html", matter, pages=pages, numbers=numbers, width=width, height=height, step=PAGES_AT_ONCE
        )

    async def picture(self, request: Request, matter: Matter) -> Response:
        number, scale = request.path_params["number"], request.query_params.get("x", "1")
        if not 1 <= number < matter.row.pages or scale not in _DPI:
            return self._site.problem(request, "missing", 404)
        data, _, _ = await self._picture(matter, number, scale)
        return Response(data, media_type="image/webp")

    async def _picture(self, matter: Matter, number: int, scale: str) -> tuple[bytes, int, int]:
        key = (matter.state.document_sha256, number, scale)
        if key not in self._pictures:
            file = await run_in_threadpool(self._desk.shown_file, matter.session.token)
            made = await self._on_file({"do": "page", "page": number, "dpi": _DPI[scale]}, file)
            self._pictures[key] = (base64.b64decode(made["data"]), made["width"], made["height"])
            while sum(len(picture[0]) for picture in self._pictures.values()) > _CACHE_BYTES:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(key)
        return self._pictures[key]

    async def _on_file(self, job: dict[str, Any], data: bytes) -> Any:
        from portal.uploads import memory_file

        with memory_file(data) as descriptor:
            return await self._site.pages.run(job, descriptor)

    async def text(self, request: Request, matter: Matter) -> Response:
        pages = matter.row.pages - 1
        first = _first_page(request, pages)
        numbers = list(range(first, min(first + PAGES_AT_ONCE, pages + 1)))
        file = await run_in_threadpool(self._desk.shown_file, matter.session.token)
        texts = await self._on_file({"do": "text", "pages": numbers}, file)
        return self._page(
            request, "text.html", matter, pages=pages, texts=list(zip(numbers, texts, strict=True)), step=PAGES_AT_ONCE
        )

    async def original(self, request: Request, matter: Matter) -> Response:
        from signing_core.desk.views import file_name

        data = await run_in_threadpool(self._desk.shown_file, matter.session.token)
        return _attachment(file_name(matter.row.title, matter.row.id), data)

    # The code

    async def code(self, request: Request, matter: Matter) -> Response:
        if matter.mine:
            return self._to(matter.session.key, "/signature")
        return self._code_page(request, matter)

    def _code_page(
        self, request: Request, matter: Matter, error: str | None = None, status: int = 200, **values: Any
    ) -> Response:
        here = f"/sign/{matter.session.key}/code"
        return self._page(request, "code.html", matter, status=status, error=error, values=values, here=here)

    async def request_code(self, request: Request, matter: Matter, form: Form) -> Response:
        try:
            await run_in_threadpool(
                self._desk.request_code, matter.session.token, matter.session.secret, origin_of(request)
            )
        except SendingLimited as limited:
            if matter.challenge is None or form.get("again"):
                until = limited.until.astimezone(self._site.workspace.zone).strftime("%H:%M:%S %Z")
                return self._code_page(request, matter, "code_limited", 429, until=until)
        return self._to(matter.session.key, "/code")

    async def to_code(self, request: Request, matter: Matter) -> Response:
        return self._to(matter.session.key, "/code")

    async def submit_code(self, request: Request, matter: Matter, form: Form) -> Response:
        if codes.normalise(form.get("code")) is None:
            return self._code_page(request, matter, "code_format", 422)
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
                return self._to(session.key, "/signature")  # the other tab was first
            if isinstance(error, CodeRejected):
                return self._code_page(request, now, "code_wrong_sent" if error.replacement_sent else "code_wrong", 422)
            return self._code_page(
                request, now, "code_expired" if isinstance(error, CodeExpired) else "code_missing", 422
            )
        return self._to(session.key, "/signature")

    # The signature

    async def to_signature(self, request: Request, matter: Matter) -> Response:
        return self._to(matter.session.key, "/signature")

    async def signature(self, request: Request, matter: Matter) -> Response:
        if not matter.mine:
            return self._to(matter.session.key, "/code")
        return await self._signature_page(request, matter, {}, {})

    async def _signature_page(
        self, request: Request, matter: Matter, given: dict[str, str], errors: dict[str, str], status: int = 200
    ) -> Response:
        preview = await self._marks.preview(given.get("name") or matter.person.name, given.get("style", ""))
        return self._page(
            request,
            "signature.html",
            matter,
            status=status,
            given=given,
            errors=errors,
            preview=preview,
            scripts=("signature.js",),
            connect=True,
            here=f"/sign/{matter.session.key}/signature",
        )

    async def preview(self, request: Request, matter: Matter, form: Form) -> Response:
        """The signature from a name, for the live preview: a data URL, empty when the name cannot be set."""
        return JSONResponse({"image": await self._marks.preview(form.get("name"), form.get("style"))})

    async def choose(self, request: Request, matter: Matter, form: Form) -> Response:
        if not matter.mine:
            return self._to(matter.session.key, "/code")
        given = {name: form.get(name) for name in ("kind", "name", "style", "strokes", "stamp", "email")}
        if form.get("preview"):
            return await self._signature_page(request, matter, {**given, "kind": "name"}, {})
        language = self._site.language(request, matter.person.language)
        chosen, errors = await self._marks.choose(matter, form, language)
        if chosen is None:
            return await self._signature_page(request, matter, given, errors, 422)
        return self._confirm_page(request, matter, chosen)

    def _confirm_page(
        self, request: Request, matter: Matter, chosen: dict[str, Any], error: str | None = None
    ) -> Response:
        return self._page(
            request,
            "confirm.html",
            matter,
            status=422 if error else 200,
            mark=_data_url(chosen["mark"]),
            stamp=_data_url(chosen["stamp"]) if chosen["stamp"] else None,
            email=chosen["email"],
            sealed=self._site.vault.seal(chosen, f"choice {matter.session.secret}"),
            error=error,
            here=f"/sign/{matter.session.key}/signature",
        )

    async def consent(self, request: Request, matter: Matter, form: Form) -> Response:
        session = matter.session
        chosen = self._site.vault.open(form.get("choice"), f"choice {session.secret}")
        if chosen is None:
            return self._to(session.key, "/signature")
        if form.get("agree") != "yes":
            return self._confirm_page(request, matter, chosen, "confirm_missing")
        try:
            await run_in_threadpool(
                self._desk.sign,
                session.token,
                session.secret,
                signature_form.mark_from(chosen["mark"]),
                origin_of(request),
                stamp=signature_form.mark_from(chosen["stamp"]) if chosen["stamp"] else None,
                copy_email=chosen["email"] or None,
            )
        except (CodeExpired, CodeMissing):
            return self._code_page(request, matter, "code_expired", 422)
        return self._to(session.key, "/done")

    # Done

    async def done(self, request: Request, matter: Matter) -> Response:
        return self._page(
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
        return _attachment(name, data)

    # Declining

    async def decline_form(self, request: Request, matter: Matter) -> Response:
        return self._page(request, "decline.html", matter, error=None, reason="")

    async def decline(self, request: Request, matter: Matter, form: Form) -> Response:
        reason = form.get("reason").strip()
        if not reason:
            return self._page(request, "decline.html", matter, status=422, error="decline_missing", reason="")
        session = matter.session
        await run_in_threadpool(self._desk.decline, session.token, session.secret, reason[:2000], origin_of(request))
        return self._page(request, "declined.html", matter, here="/verify")

    # Download links

    async def download_page(self, request: Request) -> Response:
        """The same page for every address of this form; the file comes when the button is pressed."""
        token = request.path_params["token"]
        if not tokens.is_token(token):
            return self._site.problem(request, "gone", 404)
        page = self._site.page(request, "download.html", here="", bound=f"/d/{token}")
        page.background = BackgroundTask(self._note_fetch, token, origin_of(request))
        return page

    async def download(self, request: Request) -> Response:
        started, token = time.monotonic(), request.path_params["token"]
        async with self._site.receiver.form(request) as form:
            if not self._site.vault.form_token_matches(form.get("csrf"), f"/d/{token}"):
                return self._site.problem(request, "form", 403)
        link = (await run_in_threadpool(standing, self._desk, token))[0] if tokens.is_token(token) else None
        if link is None or link.purpose != "download" or self._desk.clock() > link.expires_at:
            return await self._gone(request, started)
        name, data = await run_in_threadpool(self._desk.download, token)
        return _attachment(name, data)


def _first_page(request: Request, pages: int) -> int:
    text = request.query_params.get("from", "1")
    return min(max(int(text), 1), pages) if text.isdecimal() and len(text) < 6 else 1


def _attachment(name: str, data: bytes) -> Response:
    from urllib.parse import quote

    return Response(
        data,
        media_type="application/pdf",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )


def _data_url(mark: dict[str, str]) -> str:
    return f"data:{mark['media_type']};base64,{mark['data']}"
