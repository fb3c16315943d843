"""Where the signatures go: boxes that are dragged on a picture of the page, or moved by sliders, which need no mouse.

Both are one state, that of the sliders: a drag that has ended sets them, and the picture shows what they say.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Callable
from typing import Any, Final

import streamlit as st
from PIL import Image

from dashboards import pictures
from dashboards.words import t
from signing_core.pdf import render
from signing_core.pdf.places import Placement

_WIDTH, _HEIGHT = 220, 72  # points of a signature that the author places
_DPI: Final = 110
_FIRST: Final = {"first-party": (70, 620), "client": (320, 620)}
"""Points from the left and from the top, before anybody has moved anything."""

_CSS: Final = """
.sheet { position: relative; user-select: none; cursor: crosshair; line-height: 0; touch-action: pan-y; }
.sheet img { width: 100%; outline: 1px solid rgba(128,136,148,.45); outline-offset: -1px; }
.box { position: absolute; box-sizing: border-box; border: 2px solid #2456a6; background: rgba(36,86,166,.14); color: #173a73;
  cursor: move; touch-action: none; font: 600 .78rem/1.3 system-ui, sans-serif; padding: .15em .35em; overflow: hidden; }
.box.client { border-style: dashed; }
.box.held { background: rgba(36,86,166,.3); }
"""
_JS: Final = """
export default function ({ parentElement, data, setTriggerValue }) {
  let sheet = parentElement.querySelector('.sheet');
  if (!sheet) {
    sheet = document.createElement('div');
    sheet.className = 'sheet';
    const image = document.createElement('img');
    image.draggable = false;
    sheet.append(image);
    parentElement.append(sheet);
  }
  const image = sheet.querySelector('img');
  if (image.src !== data.picture) image.src = data.picture;
  image.alt = data.alt;
  const put = (box, x, y) => {
    box.dataset.x = Math.round(Math.min(Math.max(x, 0), data.page[0] - data.box[0]));
    box.dataset.y = Math.round(Math.min(Math.max(y, 0), data.page[1] - data.box[1]));
    box.style.left = 100 * box.dataset.x / data.page[0] + '%';
    box.style.top = 100 * box.dataset.y / data.page[1] + '%';
  };
  for (const place of data.places) {
    let box = sheet.querySelector(`[data-role="${place.role}"]`);
    if (!box) {
      box = document.createElement('div');
      box.className = `box ${place.role}`;
      box.dataset.role = place.role;
      sheet.append(box);
    }
    box.textContent = place.label;
    box.style.width = 100 * data.box[0] / data.page[0] + '%';
    box.style.height = 100 * data.box[1] / data.page[1] + '%';
    put(box, place.x, place.y);
  }
  let held = null, dx = 0, dy = 0;
  const at = (event) => {
    const edges = sheet.getBoundingClientRect();
    return [(event.clientX - edges.left) / edges.width * data.page[0], (event.clientY - edges.top) / edges.height * data.page[1]];
  };
  sheet.onpointerdown = (event) => {
    if (event.button !== 0) return;
    const [x, y] = at(event);
    const hit = event.composedPath().find((one) => one.dataset && one.dataset.role);
    held = hit || sheet.querySelector(`[data-role="${sheet.dataset.last || data.places[0].role}"]`);
    [dx, dy] = hit ? [x - held.dataset.x, y - held.dataset.y] : [data.box[0] / 2, data.box[1] / 2];
    if (!hit && event.pointerType !== 'mouse') { held = null; return; }  // a finger that scrolls
    held.classList.add('held');
    sheet.dataset.last = held.dataset.role;
    sheet.setPointerCapture(event.pointerId);
    put(held, x - dx, y - dy);
    event.preventDefault();
  };
  sheet.onpointermove = (event) => {
    if (!held) return;
    const [x, y] = at(event);
    put(held, x - dx, y - dy);
  };
  const drop = () => {
    if (!held) return;
    held.classList.remove('held');
    setTriggerValue('placed', { role: held.dataset.role, x: Number(held.dataset.x), y: Number(held.dataset.y) });
    held = null;
  };
  sheet.onpointerup = drop;
  sheet.onpointercancel = drop;
}
"""


def places(pdf: bytes) -> dict[str, Placement | None]:
    """Where each party signs; None without a choice of one's own: then where nothing is covered."""
    sha256 = hashlib.sha256(pdf).hexdigest()
    pages = render.page_count(pdf)
    own = st.toggle(t("Place the signatures myself"), key="own_places")
    number = int(st.number_input(t("Page"), 1, pages, pages, key="place_page"))
    if not own:
        _plain(pictures.page(sha256, number, pdf), number)
        return dict.fromkeys(_FIRST)
    picture = pictures.page(sha256, number, pdf, _DPI)
    width, height = (side * 72 / _DPI for side in Image.open(io.BytesIO(picture)).size)
    if width <= _WIDTH or height <= _HEIGHT:
        st.warning(t("This page is too small to place a signature on it."))
        _plain(picture, number)
        return dict.fromkeys(_FIRST)
    most = {"x": int(width) - _WIDTH, "y": int(height) - _HEIGHT}
    for role, first in _FIRST.items():
        for axis, value in zip("xy", first, strict=True):
            key = f"{role}_{axis}"
            st.session_state[key] = min(int(st.session_state.get(key, value)), most[axis])
    st.caption(t("Drag the signatures on the page, or use the sliders below it."))
    labels = {"first-party": t("First party"), "client": t("Client")}
    _component()(
        key="placing",
        data={
            "picture": f"data:image/png;base64,{base64.b64encode(picture).decode()}",
            "alt": t("Page {page} of the document", page=number),
            "page": [width, height],
            "box": [_WIDTH, _HEIGHT],
            "places": [
                {
                    "role": role,
                    "label": labels[role],
                    "x": st.session_state[f"{role}_x"],
                    "y": st.session_state[f"{role}_y"],
                }
                for role in _FIRST
            ],
        },
        on_placed_change=_dragged,
    )
    placed: dict[str, Placement | None] = {}
    for role, label in labels.items():
        left, right = st.columns(2)
        x = left.slider(f"{label}: {t('from the left')}", 0, most["x"], key=f"{role}_x")
        y = right.slider(f"{label}: {t('from the top')}", 0, most["y"], key=f"{role}_y")
        placed[role] = Placement(number, float(x), float(y), float(_WIDTH), float(_HEIGHT))
    return placed


def _plain(picture: bytes, number: int) -> None:
    st.image(picture, width="stretch", alt=t("Page {page} of the document", page=number))


@st.cache_resource(show_spinner=False)
def _component() -> Callable[..., Any]:
    return st.components.v2.component("signature_places", css=_CSS, js=_JS)


def _dragged() -> None:
    """What the browser says of a drag; said by anybody's browser, so it is looked at."""
    placed = st.session_state["placing"].get("placed")
    if not isinstance(placed, dict) or placed.get("role") not in _FIRST:
        return
    for axis in "xy":
        value = placed.get(axis)
        if isinstance(value, int | float) and 0 <= value <= 20_000:
            st.session_state[f"{placed['role']}_{axis}"] = int(value)
