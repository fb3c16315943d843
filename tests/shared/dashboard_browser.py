"""The dashboard as a server on loopback, and a real browser before it."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import servers
from PIL import Image

SCREENSHOTS = os.environ.get("DASHBOARD_SCREENSHOTS")
"""A folder to write pictures of the pages to, such as docs/images/dashboard; without it they are taken and thrown away."""
WIDE = {"width": 1360, "height": 900}


@contextmanager
def dashboard(
    folder: Path, *, port: int | None = None, secrets: Path | None = None, **environment: str
) -> Iterator[str]:
    """The dashboard of a workspace until the block ends; gives its address."""
    port = port or servers.free_port()
    with servers.running(servers.dashboard(port, secrets), port, SEALTRAIL_WORKSPACE=str(folder), **environment):
        yield f"http://localhost:{port}"


def settled(page: Any) -> None:
    """Until the script has run and everything is drawn."""
    page.wait_for_timeout(300)  # what was clicked has to begin
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']", timeout=60_000)
    page.wait_for_selector("[data-testid='stStatusWidget']", state="detached", timeout=60_000)
    page.wait_for_selector("[data-testid='stSkeleton']", state="detached", timeout=60_000)


def choose(page: Any, label: str, option: str | re.Pattern[str]) -> None:
    """Choose in a select box, with the keyboard as anybody can."""
    box = page.get_by_label(label, exact=False).first
    box.click()
    page.get_by_role("option", name=option).first.click()
    settled(page)


def picture(page: Any, name: str, *, whole: bool = False, dark: bool = False) -> bytes:
    """A picture of the window, or of all that it shows when it is high; kept for the docs where they are wanted."""
    if whole:  # the page scrolls inside of the window
        page.set_viewport_size({**WIDE, "height": 1480})
    settled(page)
    page.mouse.move(5, 5)
    page.wait_for_timeout(400)  # charts and images have an entrance
    taken: bytes = page.screenshot(animations="disabled", scale="css")
    page.set_viewport_size(WIDE)
    if SCREENSHOTS:
        keep(taken, Path(SCREENSHOTS) / f"{name}{'-dark' if dark else ''}.png")
    return taken


def keep(taken: bytes, file: Path) -> None:
    """Few colours: they are in everybody's clone."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.open(io.BytesIO(taken)).convert("RGB").quantize(96, dither=Image.Dither.NONE).save(file, optimize=True)
