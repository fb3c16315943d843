"""The verification pages: a QR code's own page, the upload of a PDF or a photo, the camera. No login, nothing kept."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from portal import verdicts
from portal.bodies import File, Form, UploadRefused
from portal.site import Site
from portal.workers import WorkFailed, WorkRefused
from signing_core.certificate.scan import ScanResult

_LONGEST_PAYLOAD: Final = 400
"""Characters of base32; ours have under 320."""
MAX_FRAME: Final = 500_000
"""Bytes of a picture that the camera's page sends; its own have under a tenth of that."""


class VerificationPages:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/verify", self.form, methods=["GET"]),
            Route("/verify", self.upload, methods=["POST"]),
            Route("/verify/frame", self.frame, methods=["POST"]),
            *(Route(f"/{letter}", self.home, methods=["GET"]) for letter in "Vv"),
            *(Route(f"/{letter}/", self.home, methods=["GET"]) for letter in "Vv"),
            *(Route(f"/{letter}/{{payload}}", self.code, methods=["GET"]) for letter in "Vv"),
            *(Route(f"/{letter}/{{payload}}", self.compare, methods=["POST"]) for letter in "Vv"),
        ]

    async def home(self, request: Request) -> Response:
        return RedirectResponse(self._site.url("/verify"), status_code=307)

    async def form(self, request: Request) -> Response:
        return self._form(request)

    def _form(self, request: Request, error: str | None = None) -> Response:
        return self._site.page(
            request,
            "verify.html",
            status=422 if error else 200,
            error=error,
            host=self._site.settings.host,
            scripts=("camera.js",),
            connect=True,
            camera=True,
        )

    # A code

    async def code(self, request: Request) -> Response:
        result, payload = await self._judged(request)
        return await self._code_page(request, result, payload)

    async def _judged(self, request: Request) -> tuple[ScanResult, str]:
        payload = request.path_params["payload"].upper()[: _LONGEST_PAYLOAD + 1]
        text = f"HTTPS://{self._site.settings.host}/V/{payload}".upper()
        return await run_in_threadpool(self._site.judge.text, text), payload

    async def _code_page(
        self,
        request: Request,
        result: ScanResult,
        payload: str,
        *,
        found_in: verdicts.FoundIn = "address",
        error: str | None = None,
        status: int | None = None,
    ) -> Response:
        desk, language = self._site.desk, self._site.language(request)
        verdict = await run_in_threadpool(verdicts.of_code, desk, result, payload, found_in=found_in)
        facts = None
        if verdict.page in ("genuine", "superseded") and verdict.document_id:
            facts = await run_in_threadpool(verdicts.certificate, desk, verdict.document_id, language)
        return self._site.page(
            request,
            "code_verdict.html",
            status=status or (404 if verdict.page == "foreign" and found_in == "address" else 200),
            verdict=verdict,
            certificate=facts,
            error=error,
            host=self._site.settings.host,
            here=f"/V/{payload}" if found_in == "address" else "/verify",
        )

    async def compare(self, request: Request) -> Response:
        """A PDF held against a code: is it the file that the certificate was issued for?"""
        result, payload = await self._judged(request)
        try:
            async with self._site.receiver.form(request) as form:
                if not self._site.vault.form_token_matches(form.get("csrf"), f"/V/{payload}"):
                    return self._site.problem(request, "form", 403, back=f"/V/{payload}")
                file = form.files.get("file")
                if file is None or result.qr != "valid" or result.signed_prefix is None:
                    return await self._code_page(request, result, payload, error="v_none", status=422)
                found = await self._examine(form, file, result.signed_prefix.length)
        except (UploadRefused, WorkFailed) as error:
            return self._refused(request, error, f"/V/{payload}")
        if found["verdict"] is None:
            return self._answer(request, "not_readable", "warn")
        return await self._file_page(
            request, found["verdict"], prefix=found["prefix_sha256"], expected=result.signed_prefix.sha256
        )

    # A file

    async def upload(self, request: Request) -> Response:
        try:
            async with self._site.receiver.form(request) as form:
                if not self._site.vault.form_token_matches(form.get("csrf"), "/verify"):
                    return self._site.problem(request, "form", 403, back="/verify")
                file = form.files.get("file") or form.files.get("photo")
                if file is None:
                    return self._form(request, "v_none")
                found = await self._examine(form, file)
        except (UploadRefused, WorkFailed) as error:
            return self._refused(request, error, "/verify")
        codes = sorted(found["codes"], key=lambda code: not code["ours"])
        verdict = found["verdict"]
        if codes and (verdict is None or codes[0]["ours"]):
            result = await run_in_threadpool(self._site.judge.text, codes[0]["text"])
            payload = str(codes[0]["text"]).strip().rstrip("/").rpartition("/")[2].upper()
            return await self._code_page(request, result, payload, found_in="photo" if verdict is None else "pdf")
        if verdict is not None:
            return await self._file_page(request, verdict)
        return self._answer(request, "not_readable" if found["why"] else "no_code", "warn")

    async def frame(self, request: Request) -> Response:
        """The texts of the QR codes in a picture of the camera, for browsers that cannot read codes themselves."""
        async with self._site.receiver.form(request) as form:
            if not self._site.vault.form_token_matches(form.get("csrf"), "/verify"):
                return self._site.problem(request, "form", 403, back="/verify")
            file = form.files.get("picture")
            if file is None or file.size > MAX_FRAME:
                return self._site.problem(request, "too-large" if file else "malformed", 413 if file else 400)
            try:
                found = await self._site.readers.run({"do": "codes"}, file.descriptor, caller=form.caller)
            except (WorkFailed, WorkRefused):
                found = []
        return JSONResponse({"texts": [code["text"] for code in found]})

    async def _examine(self, form: Form, file: File, prefix_length: int | None = None) -> dict[str, Any]:
        job = {"do": "examine", "at": self._site.desk.clock().isoformat(), "prefix_length": prefix_length}
        try:
            found: dict[str, Any] = await self._site.readers.run(job, file.descriptor, caller=form.caller)
        except WorkRefused as refused:
            raise WorkFailed(str(refused.code)) from None
        return found

    async def _file_page(
        self, request: Request, verdict: dict[str, Any], *, prefix: str | None = None, expected: str | None = None
    ) -> Response:
        desk = self._site.desk
        language = self._site.language(request)
        result = await run_in_threadpool(
            verdicts.of_file, desk, verdict, language, prefix_sha256=prefix, expected_prefix=expected
        )
        address = None
        if result.page in ("authentic", "superseded", "log"):
            address = await run_in_threadpool(verdicts.certificate_address, desk, verdict["document_id"])
        return self._site.page(request, "file_verdict.html", result=result, v=verdict, address=address, here="/verify")

    def _answer(self, request: Request, page: str, tone: verdicts.Tone) -> Response:
        return self._site.page(
            request,
            "code_verdict.html",
            verdict=verdicts.CodeVerdict(page, tone, ""),
            certificate=None,
            error=None,
            host=self._site.settings.host,
            here="/verify",
        )

    def _refused(self, request: Request, error: UploadRefused | WorkFailed, back: str) -> Response:
        if isinstance(error, UploadRefused):
            return self._site.problem(request, error.problem, error.status, back=back)
        return self._site.problem(request, "work", 422, back=back)
