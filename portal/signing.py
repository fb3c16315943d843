"""The signing pages, the same for first party and client: open, read, code, signature, confirm, done; or decline.

GET and HEAD change nothing. Each step has a module of its own; what all of them go through is in `portal.gate`.
"""

from __future__ import annotations

from starlette.routing import Route

from portal.confirming import CodePages
from portal.consenting import ConsentPages
from portal.ending import EndingPages
from portal.gate import Gate
from portal.links import LinkPages
from portal.reading import ReadingPages
from portal.site import Site


def routes(site: Site) -> list[Route]:
    gate = Gate(site)
    codes = CodePages(site, gate)
    steps = (
        LinkPages(site, gate),
        ReadingPages(site, gate),
        codes,
        ConsentPages(site, gate, codes),
        EndingPages(site, gate),
    )
    return [route for step in steps for route in step.routes()]
