"""Forms and files from browsers, received within limits: of size, of time, of how many at once, altogether and of one caller."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final

from python_multipart.exceptions import FormParserError
from starlette.requests import ClientDisconnect, Request

from portal.bodies import MAX_FIELDS, MEGABYTE, Form, UploadRefused, sink_for
from portal.rates import group

MAX_FILE: Final = 50 * MEGABYTE
IDLE_SECONDS: Final = 20.0
"""Longest silence of a sender."""
LEAST_RATE: Final = 1_000
"""Bytes a second that must have arrived on average, once `IDLE_SECONDS` are over: no silence, but no progress either."""
TOTAL_SECONDS: Final = 300.0
SMALL: Final = 64_000
"""Bytes. A form without files is smaller than this, and never waits for somebody's upload."""


@dataclass(frozen=True)
class Places:
    """How many bodies are received or worked on at once; a sender above that is told to come back."""

    all: int
    each: int
    """... from one caller."""


SMALL_PLACES: Final = Places(256, 16)
LARGE_PLACES: Final = Places(32, 4)


class Receiver:
    """Reads bodies for one application; knows how many are being received and worked on."""

    def __init__(self, max_file: int = MAX_FILE) -> None:
        self._max_file = max_file
        self._taken: dict[Places, Counter[str]] = {SMALL_PLACES: Counter(), LARGE_PLACES: Counter()}

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncIterator[Form]:
        """The form of a POST; its sender's place is taken until the block ends. Raises `UploadRefused`."""
        length = request.headers.get("content-length")
        if length is not None and not length.isdecimal():
            raise UploadRefused("malformed", 400)
        if length is not None and int(length) > self._max_file + MAX_FIELDS:
            raise UploadRefused("too-large", 413)
        places = SMALL_PLACES if length is not None and int(length) <= SMALL else LARGE_PLACES
        form = Form(caller=group(request.client.host) if request.client else "")
        with self._place(places, form.caller):
            try:
                await self._read(request, form)
                yield form
            finally:
                form.close()

    @contextmanager
    def _place(self, places: Places, caller: str) -> Iterator[None]:
        taken = self._taken[places]
        if taken.total() >= places.all or taken[caller] >= places.each:
            raise UploadRefused("busy", 503)
        taken[caller] += 1
        try:
            yield
        finally:
            taken[caller] -= 1
            if not taken[caller]:
                del taken[caller]

    async def _read(self, request: Request, form: Form) -> None:
        sink = sink_for(request, form, self._max_file)
        started, received = time.monotonic(), 0
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                stream = request.stream()
                while True:
                    try:
                        chunk = await asyncio.wait_for(anext(stream), IDLE_SECONDS)
                    except StopAsyncIteration:
                        break
                    if chunk:
                        sink.write(chunk)
                    received += len(chunk)
                    elapsed = time.monotonic() - started
                    if elapsed > IDLE_SECONDS and received < LEAST_RATE * elapsed:
                        raise TimeoutError
            sink.finish()
        except TimeoutError:
            raise UploadRefused("too-slow", 408) from None
        except (FormParserError, ClientDisconnect, UnicodeError):
            raise UploadRefused("malformed", 400) from None
