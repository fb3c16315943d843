"""`/pki/`: the X.509 certificates of company CAs, former ones included, and their latest CRLs, where the X.509 certificates say they are (RFC 5280)."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.site import Site
from signing_core.keys import ca, register
from signing_core.storage.database import reading

_KEPT = {"cache-control": "public, max-age=300"}


class Pki:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [Route("/pki/{name}", self.serve, methods=["GET"])]

    async def serve(self, request: Request) -> Response:
        stem, _, kind = request.path_params["name"].rpartition(".")
        if kind == "cer" and (der := await run_in_threadpool(self._certificate, stem)) is not None:
            return Response(der, media_type="application/pkix-cert", headers=_KEPT)
        if kind == "crl" and (crl := await run_in_threadpool(self._latest, stem)) is not None:
            return Response(crl, media_type="application/pkix-crl", headers=_KEPT)
        return self._site.problem(request, "missing", 404)

    def _certificate(self, name: str) -> bytes | None:
        """Of the company CA in use, or of a former one."""
        for anchor in self._site.workspace.keys().trust_anchors:
            if name and ca.name_of(anchor) == name:
                return anchor.public_bytes(Encoding.DER)
        return None

    def _latest(self, name: str) -> bytes | None:
        with reading(self._site.workspace.engine) as connection:
            latest = register.latest_crl(connection, name)
        return latest.der if latest else None
