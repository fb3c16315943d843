"""What every page behind a link goes through: the cookie that opens it, the form token of what it sends, its problems.

A link's token is exchanged for a cookie at once, so it stands in no further address. The address names the link by a key
that opens nothing without the cookie.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from portal.bodies import Form, UploadRefused
from portal.matters import Matter, NoAccess, matter_of
from portal.sessions import LIFETIME, Session
from portal.site import Site
from portal.workers import WorkFailed
from signing_core.errors import FlowError, KeyEnds, LinkExpired, LinkInvalid, NotAsLogged, StepLocked

FLOOR_SECONDS: Final = 0.05
"""An unknown and an expired link are answered no sooner than this, so that the time tells nothing either."""

MOST_COOKIES: Final = 20
"""Links kept open in one browser: somebody who signs all day must not outgrow what a proxy takes of headers (8 kB)."""

Handler = Callable[[Request, Matter], Awaitable[Response]]
Taker = Callable[[Request, Matter, Form], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Gate:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._prefix = f"{'__Host-' if site.secure else ''}sealtrail-"

    # Cookies

    def session(self, request: Request, key: str) -> Session | None:
        sealed = request.cookies.get(self._prefix + key)
        return self._site.vault.open_session(sealed, key) if sealed else None

    def enter(self, request: Request, session: Session, where: str) -> Response:
        """On to a page of the matter, with the cookie for it."""
        response = self.to(session.key, where)
        for name in self._too_many(request, session.key):
            response.delete_cookie(name, path="/", secure=self._site.secure, httponly=True, samesite="strict")
        response.set_cookie(
            self._prefix + session.key,
            self._site.vault.seal_session(replace(session, opened_at=int(self._site.desk.clock().timestamp()))),
            max_age=LIFETIME,
            path="/",
            secure=self._site.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    def _too_many(self, request: Request, key: str) -> list[str]:
        """The names of the oldest cookies beyond `MOST_COOKIES`, and of those that nobody here sealed."""
        aged = []
        for name, sealed in request.cookies.items():
            of = name.removeprefix(self._prefix)
            if of not in (name, key, "language"):
                session = self._site.vault.open_session(sealed, of)
                aged.append((session.opened_at if session else 0, name))
        return [name for opened, name in sorted(aged, reverse=True)[MOST_COOKIES - 1 :]]

    def to(self, key: str, where: str) -> Response:
        return RedirectResponse(self._site.url(f"/sign/{key}{where}"), status_code=303)

    # Requests

    def see(self, handler: Handler, *, ended: bool = False) -> Endpoint:
        """A GET or HEAD; `ended` says that the page is for those who have signed."""

        @functools.wraps(handler)
        async def seen(request: Request) -> Response:
            session = self.session(request, request.path_params["key"])
            return await self._with_matter(request, session, handler, ended)

        return seen

    def take(self, handler: Taker) -> Endpoint:
        """A POST: its form is read only for a browser with a session, and heeded only with the session's form token."""

        @functools.wraps(handler)
        async def taken(request: Request) -> Response:
            key = request.path_params["key"]
            session = self.session(request, key)
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
            matter = await run_in_threadpool(matter_of, site.desk, session)
            if matter.signed and not ended:
                return self.to(session.key, "/done")
            if ended and not matter.signed:
                return self.to(session.key, "")
            return await handler(request, matter)
        except NoAccess as no:
            return site.problem(request, no.problem, 404 if no.problem == "gone" else 410)
        except StepLocked as locked:
            return site.problem(request, "locked", 429, until=locked.until, back=back)
        except (LinkInvalid, LinkExpired):
            return site.problem(request, "gone", 404)
        except KeyEnds:
            return site.problem(request, "key_ends", 503, back=back)
        except UploadRefused as refused:
            return site.problem(request, refused.problem, refused.status, back=back)
        except NotAsLogged:
            return site.problem(request, "file", 409)
        except WorkFailed:
            return site.problem(request, "work", 422, back=back)
        except FlowError:
            return site.problem(request, "not_now", 409, back=back)

    # Responses

    def page(self, request: Request, template: str, matter: Matter, **facts: Any) -> Response:
        return self._site.page(
            request,
            template,
            language=self.language(request, matter),
            matter=matter,
            path=f"/sign/{matter.session.key}",
            csrf=self._site.vault.form_token(matter.session.secret),
            **facts,
        )

    def language(self, request: Request, matter: Matter) -> str:
        return self._site.language(request, matter.person.language)

    async def gone(self, request: Request, started: float) -> Response:
        """The answer for an unknown and for an expired link; `started` is when the request came, by the monotonic clock."""
        await asyncio.sleep(max(0.0, started + FLOOR_SECONDS - time.monotonic()))
        return self._site.problem(request, "gone", 404)


def attachment(name: str, data: bytes) -> Response:
    from urllib.parse import quote

    return Response(
        data,
        media_type="application/pdf",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{quote(name)}"},
    )
