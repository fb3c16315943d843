"""The dashboard as a server on loopback, and a real browser before it."""

from __future__ import annotations

import io
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import servers
from PIL import Image
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

SCREENSHOTS = os.environ.get("DASHBOARD_SCREENSHOTS")
"""A folder to write pictures of the pages to, such as docs/images/dashboard; without it none are taken."""
WIDE = {"width": 1360, "height": 900}


@contextmanager
def dashboard(
    folder: Path, *, port: int | None = None, secrets: Path | None = None, **environment: str
) -> Iterator[str]:
    """The dashboard of a workspace until the block ends; gives its address."""
    port = port or servers.free_port()
    with servers.running(servers.dashboard(port, secrets), port, SEALTRAIL_WORKSPACE=str(folder), **environment):
        yield f"http://localhost:{port}"


class _Script:
    """What a page and the server say to each other about runs of the script, as Streamlit's protocol has it."""

    def __init__(self, page: Any) -> None:
        self.asked = 0
        self.finished = False
        page.on("request", self._left)
        page.on("websocket", self._opened)

    def _left(self, request: Any) -> None:
        if request.is_navigation_request():
            self.finished = False

    def _opened(self, socket: Any) -> None:
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, frame: Any) -> None:
        if isinstance(frame, bytes) and BackMsg.FromString(frame).WhichOneof("type") == "rerun_script":
            self.asked += 1
            self.finished = False

    def _received(self, frame: Any) -> None:
        message = ForwardMsg.FromString(frame) if isinstance(frame, bytes) else ForwardMsg()
        if message.WhichOneof("type") == "new_session":
            self.finished = False
        elif message.WhichOneof("type") == "script_finished":
            self.finished = message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN


_scripts: WeakKeyDictionary[Any, _Script] = WeakKeyDictionary()


def watch(page: Any) -> Any:
    """Before its first address, so that `settled` and `rerun` know what its script does."""
    _scripts[page] = _Script(page)
    return page


def settled(page: Any) -> None:
    """Until the script has run to its end and everything is drawn."""
    script = _scripts[page]
    until(page, lambda: script.finished, "the script does not end")
    # Two frames later the browser has taken in what came before the end.
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']", timeout=60_000)
    page.wait_for_selector("[data-testid='stStatusWidget']", state="detached", timeout=60_000)
    page.wait_for_selector("[data-testid='stSkeleton']", state="detached", timeout=60_000)


@contextmanager
def rerun(page: Any) -> Iterator[None]:
    """What is done in the block makes the script run: waits until it was asked for, has run, and is drawn."""
    script = _scripts[page]
    before = script.asked
    yield
    until(page, lambda: script.asked > before, "nothing asked the script to run")
    settled(page)


def until(page: Any, condition: Callable[[], bool], otherwise: str) -> None:
    """Waits for what becomes true in the page or between page and server."""
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends, otherwise
        page.wait_for_timeout(20)  # this is when Playwright tells what was said


def choose(page: Any, label: str, option: str | re.Pattern[str]) -> None:
    """Choose in a select box, with the keyboard as anybody can."""
    page.get_by_label(label, exact=False).first.click()
    with rerun(page):
        page.get_by_role("option", name=option).first.click()


def picture(page: Any, name: str, *, whole: bool = False, dark: bool = False) -> None:
    """A picture of the window, or of all that it shows when it is high, where they are wanted for the docs."""
    if not SCREENSHOTS:
        return
    if whole:  # the page scrolls inside of the window
        page.set_viewport_size({**WIDE, "height": 1480})
    settled(page)
    page.mouse.move(5, 5)
    page.wait_for_timeout(400)  # charts and images have an entrance
    keep(
        page.screenshot(animations="disabled", scale="css"),
        Path(SCREENSHOTS) / f"{name}{'-dark' if dark else ''}.png",
    )
    page.set_viewport_size(WIDE)


def keep(taken: bytes, file: Path) -> None:
    """Few colours: they are in everybody's clone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(file, optimize=True)
