"""`/pki/`: the company CA's X.509 certificate and its latest CRL, where the X.509 certificates say they are (RFC 5280)."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.site import Site
from signing_core.keys import register
from signing_core.storage.database import reading

_KEPT = {"cache-control": "public, max-age=300"}


class Pki:
    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        return [Route("/pki/{name}", self.serve, methods=["GET"])]

    async def serve(self, request: Request) -> Response:
        ca, name = self._site.workspace.keys().ca, request.path_params["name"]
        if name == f"{ca.name}.cer":
            der = ca.certificate.public_bytes(Encoding.DER)
            return Response(der, media_type="application/pkix-cert", headers=_KEPT)
        if name == f"{ca.name}.crl" and (crl := await run_in_threadpool(self._latest)) is not None:
            return Response(crl, media_type="application/pkix-crl", headers=_KEPT)
        return self._site.problem(request, "missing", 404)

    def _latest(self) -> bytes | None:
        with reading(self._site.workspace.engine) as connection:
            latest = register.latest_crl(connection, self._site.workspace.keys().ca.name)
        return latest.der if latest else None
