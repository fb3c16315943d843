"""Looking at pages in a real browser: pictures in light and dark, axe-core, reflow, large text, zoom; drawing by hand."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any

import fontpkg
from PIL import Image, ImageDraw

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}
KINDS = ("phone-light", "phone-dark", "desktop-light", "desktop-dark")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
SCREENSHOTS = os.environ.get("PORTAL_SCREENSHOTS")
"""A folder to write pictures of the pages to, such as docs/images/portal; without it none are taken."""


def press(page: Any, name: str, *, exact: bool = False) -> None:
    """Press a button that leads to another page, and be there: what is looked for at once would be looked for on the page
    that is being left, and what the server does with the form would not be done yet."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=exact).click()


def examine(page: Any, name: str) -> None:
    """A page in light and dark, on a phone and a desktop: pictures where wanted, judged by axe-core, narrow, large, zoomed."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        if SCREENSHOTS:
            # In a picture of the whole page the bar that sticks to the window's end would stand in its middle.
            page.evaluate("for (const bar of document.querySelectorAll('.act')) bar.style.position = 'static'")
            for device, size in (("phone", PHONE), ("desktop", DESKTOP)):
                if f"{device}-{scheme}" not in kinds(name):
                    continue
                page.set_viewport_size(size)
                keep(page.screenshot(full_page=True, animations="disabled", scale="css"), name, device, scheme)
            page.evaluate("for (const bar of document.querySelectorAll('.act')) bar.style.position = ''")
        page.set_viewport_size(PHONE)
        if scheme == "dark" and name.startswith("de/"):
            continue  # what differs in the dark are colours, and they are those of the English page
        said = complaints(
            page,
            {"type": "tag", "values": RULES} if scheme == "light" else {"type": "rule", "values": ["color-contrast"]},
        )
        assert said == [], f"{name}, {scheme}: {said}"
    page.emulate_media(color_scheme="light")
    # Reflow at 320 CSS pixels (WCAG 1.4.10); text of twice the size (1.4.4); a desktop at 200 % zoom.
    for width, text in ((320, "100%"), (390, "200%"), (640, "100%")):
        page.set_viewport_size({"width": width, "height": 450 if width == 640 else 800})
        page.evaluate("size => { document.documentElement.style.fontSize = size }", text)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width, text)
        # Nothing is cut off: what holds text is as wide as it needs to be.
        cut = page.evaluate(
            "[...document.querySelectorAll('h1, h2, p, dt, dd, button, a, label, summary')]"
            ".filter(each => each.offsetParent && !each.matches('.skip') && each.scrollWidth > each.clientWidth + 1"
            " && getComputedStyle(each).display !== 'inline').map(each => each.outerHTML.slice(0, 120))"
        )
        assert cut == [], (name, width, text, cut)
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size(PHONE)


def kinds(name: str) -> tuple[str, ...]:
    """The pictures of a page that the docs hold: of the German ones, those on a phone."""
    return ("phone-light",) if name.startswith("de/") else KINDS


def complaints(page: Any, rules: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What axe-core finds wrong, with the elements."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found.response["violations"]]


def keep(picture: bytes, name: str, device: str, scheme: str) -> None:
    """A picture for the docs: few colours, no more height than a reader wants."""
    assert SCREENSHOTS
    file = Path(SCREENSHOTS) / f"{name}-{device}-{scheme}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.crop((0, 0, image.width, min(image.height, 1600)))
    image.quantize(64, dither=Image.Dither.NONE).save(file, optimize=True)


def fonts(folder: Path) -> str:
    """A fontconfig file under which every machine shows pages in the same font: that of the authenticity certificate."""
    file = folder / "fonts.conf"
    here = {Path(str(each.path)).parent for each in fontpkg.families()["noto-sans"].files}
    aliases = (
        "".join(
            f"<alias binding='strong'><family>{name}</family><prefer><family>Noto Sans</family></prefer></alias>"
            for name in ("system-ui", "sans-serif", "sans", "DejaVu Sans")
        )
        + "<match><edit name='family' mode='append_last'><string>Noto Sans</string></edit></match>"
    )
    folders = "".join(f"<dir>{each}</dir>" for each in (*sorted(here), "/usr/share/fonts"))
    file.write_text(
        f"<?xml version='1.0'?><!DOCTYPE fontconfig SYSTEM 'fonts.dtd'><fontconfig>{folders}"
        f"<cachedir>{folder / 'fonts'}</cachedir>{aliases}</fontconfig>"
    )
    return str(file)


def _handwriting() -> list[list[tuple[float, float]]]:
    """Three strokes like somebody's name, in parts of the drawing field."""
    loops = [
        (0.14 + 0.46 * t + 0.035 * math.sin(9.5 * math.pi * t), 0.55 - (0.26 - 0.17 * t) * math.cos(9.5 * math.pi * t))
        for t in (n / 90 for n in range(91))
    ]
    capital = [
        (0.19 - 0.07 * math.sin(4 * t), 0.3 + 0.5 * t - 0.08 * math.cos(5 * t)) for t in (n / 30 for n in range(31))
    ]
    flourish = [
        (0.12 + 0.72 * t, 0.84 - 0.09 * math.sin(math.pi * t) - 0.1 * t * t) for t in (n / 20 for n in range(21))
    ]
    return [capital, loops, flourish]


STROKES = _handwriting()


def draw(page: Any) -> None:
    """The strokes with the mouse, in the drawing field of the signature page."""
    box = page.locator("#drawing").bounding_box()
    for stroke in STROKES:
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*at[0])
        page.mouse.down()
        for point in at[1:]:
            page.mouse.move(*point)
        page.mouse.up()


def ink(width: int = 900, height: int = 420) -> bytes:
    """A photo of a signature: dark strokes on not quite white paper."""
    image = Image.new("RGB", (width, height), (236, 233, 226))
    pen = ImageDraw.Draw(image)
    for stroke in STROKES:
        pen.line([(x * width, y * height) for x, y in stroke], fill=(25, 30, 70), width=11, joint="curve")
    written = io.BytesIO()
    image.save(written, "JPEG", quality=90)
    return written.getvalue()
