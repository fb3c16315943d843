"""Reading the document: its pages as pictures that fit a phone, its words as text, the PDF itself."""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.bodies import memory_file
from portal.gate import Gate, attachment
from portal.matters import Matter
from portal.site import Site
from signing_core.desk.views import file_name

PAGES_AT_ONCE: Final = 12
"""Pictures of document pages on one page of ours."""
_DPI: Final = {"1": 96.0, "2": 160.0}
"""About 790 and 1,320 pixels of an A4 page's width."""
_HYPHENS: Final = {0x02: None, 0xAD: None, 0xFFFE: None}
"""What stands for the hyphen of a divided word, once its two parts are joined again."""
_CACHE_BYTES: Final = 64 << 20


class ReadingPages:
    def __init__(self, site: Site, gate: Gate) -> None:
        self._site = site
        self._gate = gate
        self._pictures: OrderedDict[tuple[str, int, str], tuple[bytes, int, int]] = OrderedDict()

    def routes(self) -> list[Route]:
        see = self._gate.see
        return [
            Route("/sign/{key}", see(self.read), methods=["GET"]),
            Route("/sign/{key}/page/{number:int}", see(self.picture), methods=["GET"]),
            Route("/sign/{key}/text", see(self.text), methods=["GET"]),
            Route("/sign/{key}/original", see(self.original), methods=["GET"]),
        ]

    async def read(self, request: Request, matter: Matter) -> Response:
        pages = matter.row.pages - 1  # the last one is reserved for the authenticity certificate
        first = _first_page(request, pages)
        numbers = range(first, min(first + PAGES_AT_ONCE, pages + 1))
        _, width, height = await self._picture(matter, first, "1")
        return self._gate.page(
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
            file = await run_in_threadpool(self._site.desk.shown_file, matter.session.token)
            made = await self._on_file({"do": "page", "page": number, "dpi": _DPI[scale]}, file)
            self._pictures[key] = (base64.b64decode(made["data"]), made["width"], made["height"])
            while sum(len(picture[0]) for picture in self._pictures.values()) > _CACHE_BYTES:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(key)
        return self._pictures[key]

    async def _on_file(self, job: dict[str, Any], data: bytes) -> Any:
        with memory_file(data) as descriptor:
            return await self._site.pages.run(job, descriptor)

    async def text(self, request: Request, matter: Matter) -> Response:
        pages = matter.row.pages - 1
        first = _first_page(request, pages)
        numbers = list(range(first, min(first + PAGES_AT_ONCE, pages + 1)))
        file = await run_in_threadpool(self._site.desk.shown_file, matter.session.token)
        texts = await self._on_file({"do": "text", "pages": numbers}, file)
        return self._gate.page(
            request,
            "text.html",
            matter,
            pages=pages,
            texts=[(n, paragraphs(text)) for n, text in zip(numbers, texts, strict=True)],
            step=PAGES_AT_ONCE,
        )

    async def original(self, request: Request, matter: Matter) -> Response:
        data = await run_in_threadpool(self._site.desk.shown_file, matter.session.token)
        return attachment(file_name(matter.row.title, matter.row.id), data)


def paragraphs(text: str) -> list[str]:
    """The text of a page with its lines joined where they ran to the page's edge, so that a phone breaks them anew."""
    lines = [line.strip() for line in text.translate(_HYPHENS).splitlines()]
    full = 0.6 * max(map(len, lines), default=0)
    joined: list[str] = []
    runs_on = False
    for line in lines:
        if not line:
            runs_on = False
            continue
        if runs_on:
            joined[-1] += " " + line
        else:
            joined.append(line)
        runs_on = len(line) >= full and not line.endswith((".", ":"))
    return joined


def _first_page(request: Request, pages: int) -> int:
    text = request.query_params.get("from", "1")
    return min(max(int(text), 1), pages) if text.isdecimal() and len(text) < 6 else 1
