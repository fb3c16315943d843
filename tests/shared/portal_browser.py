"""Looking at pages in a real browser: pictures in light and dark, axe-core, reflow, large text."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from PIL import Image

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENSHOTS = os.environ.get("PORTAL_SCREENSHOTS")
"""A folder to write pictures of the pages to, such as docs/images/portal; without it they are taken and thrown away."""


def examine(page: Any, name: str) -> None:
    """A page in light and dark, on a phone and a desktop: looked at, judged by axe-core, and made narrow and large."""
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for device, size in (("phone", PHONE), ("desktop", DESKTOP)):
            page.set_viewport_size(size)
            # In a picture of the whole page the bar that sticks to the window's end would stand in its middle.
            page.evaluate("for (const bar of document.querySelectorAll('.act')) bar.style.position = 'static'")
            picture = page.screenshot(full_page=True, animations="disabled", scale="css")
            if SCREENSHOTS:
                keep(picture, Path(SCREENSHOTS) / f"{name}-{device}-{scheme}.png")
        page.set_viewport_size(PHONE)
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]})
        said = [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found.response["violations"]]
        assert said == [], f"{name}, {scheme}: {said}"
    page.emulate_media(color_scheme="light")
    # Reflow (WCAG 1.4.10) at 320 CSS pixels, and text of twice the size (1.4.4) on a phone.
    for width, text in ((320, "100%"), (390, "200%")):
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate("size => { document.documentElement.style.fontSize = size }", text)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width, text)
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size(PHONE)


def keep(picture: bytes, file: Path) -> None:
    """A picture for the docs: few colours, no more height than a reader wants."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, 1600)))
    image.quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)
