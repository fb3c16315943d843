"""The signature and the consent: choose how it looks, see it, tick the box, sign."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portal import signature_form
from portal.bodies import Form
from portal.confirming import CodePages
from portal.gate import Gate
from portal.matters import Matter
from portal.site import Site, origin_of
from portal.words import words
from signing_core.errors import CodeExpired, CodeMissing


class ConsentPages:
    def __init__(self, site: Site, gate: Gate, codes: CodePages) -> None:
        self._site = site
        self._gate = gate
        self._codes = codes
        self._marks = signature_form.SignatureForm(site)

    def routes(self) -> list[Route]:
        see, take = self._gate.see, self._gate.take
        return [
            Route("/sign/{key}/signature", see(self.signature), methods=["GET"]),
            Route("/sign/{key}/signature", take(self.choose), methods=["POST"]),
            Route("/sign/{key}/preview", take(self.preview), methods=["POST"]),
            Route("/sign/{key}/consent", see(self.to_signature), methods=["GET"]),
            Route("/sign/{key}/consent", take(self.consent), methods=["POST"]),
        ]

    async def to_signature(self, request: Request, matter: Matter) -> Response:
        return self._gate.to(matter.session.key, "/signature")

    async def signature(self, request: Request, matter: Matter) -> Response:
        if not matter.mine:
            return self._gate.to(matter.session.key, "/code")
        return await self._signature_page(request, matter, {}, {})

    async def _signature_page(
        self, request: Request, matter: Matter, given: dict[str, str], errors: dict[str, str], status: int = 200
    ) -> Response:
        preview = await self._marks.preview(given.get("name") or matter.person.name, given.get("style", ""))
        return self._gate.page(
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
            return self._gate.to(matter.session.key, "/code")
        given = {name: form.get(name) for name in ("kind", "name", "style", "strokes", "stamp", "email")}
        if form.get("preview"):
            return await self._signature_page(request, matter, {**given, "kind": "name"}, {})
        language = self._gate.language(request, matter)
        chosen, errors = await self._marks.choose(matter, form, language)
        if chosen is None:
            return await self._signature_page(request, matter, given, errors, 422)
        return self._confirm_page(request, matter, chosen)

    def _confirm_page(
        self, request: Request, matter: Matter, chosen: dict[str, Any], error: str | None = None
    ) -> Response:
        return self._gate.page(
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
            return self._gate.to(session.key, "/signature")
        if form.get("agree") != "yes":
            return self._confirm_page(request, matter, chosen, "confirm_missing")
        try:
            await run_in_threadpool(
                self._site.desk.sign,
                session.token,
                session.secret,
                signature_form.mark_from(chosen["mark"]),
                origin_of(request),
                stamp=signature_form.mark_from(chosen["stamp"]) if chosen["stamp"] else None,
                copy_email=chosen["email"] or None,
                agreed=words(self._gate.language(request, matter))["confirm_text"],
            )
        except (CodeExpired, CodeMissing):
            return self._codes.page(request, matter, "code_expired", 422)
        return self._gate.to(session.key, "/done")


def _data_url(mark: dict[str, str]) -> str:
    return f"data:{mark['media_type']};base64,{mark['data']}"
