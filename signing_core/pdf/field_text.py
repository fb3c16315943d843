"""The appearance of a filled form field (ISO 32000-2, 12.7.4.3), set with Typst."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

from signing_core import typesetting
from signing_core.errors import DataRefused, TypesettingFailed
from signing_core.pdf import form_fields, typeset
from signing_core.pdf.form_fields import FormField, Widget
from signing_core.pdf.geometry import Box, upright
from signing_core.pdf.objects import NewObjects, array, number
from signing_core.pdf.source import Source

_DEFAULT_SIZE: Final = 12.0
_LEAST_SIZE: Final = 4.0  # points: smaller cannot be read on paper

# Text is made smaller until it fits; what would have to be too small is reported by the number of its entry.
_SOURCE: Final = """
#let data = json(bytes(sys.inputs.data))
#let color(parts) = if parts == none { none } else { rgb(..parts.map(part => part * 100%)) }
#let fail(index) = panic("no room in entry " + str(index) + ".")
#let sides = (left: left, center: center, right: right)
#let lines(value) = value.split("\\n").join(linebreak())
#let styled(entry, size, body) = text(size: size, fill: color(entry.color), dir: if entry.rtl { rtl } else { ltr }, body)
#let single(entry, index) = context {
  let room = entry.width * 1pt - 2 * entry.inset * 1pt
  let size = entry.size * 1pt
  let needed = measure(styled(entry, size, entry.text)).width
  if needed > room { size = size * (room / needed) * 0.995 }
  if size < data.least * 1pt { fail(index) }
  place(horizon + start, dx: entry.inset * 1pt, box(width: room,
    align(sides.at(entry.align), box(styled(entry, size, entry.text)))))
}
#let multi(entry, index) = context {
  let room = entry.width * 1pt - 2 * entry.inset * 1pt
  let height = entry.height * 1pt - 2 * entry.inset * 1pt
  let size = entry.size * 1pt
  let body(size) = block(width: room, align(sides.at(entry.align), { set par(leading: 0.5em, spacing: 0.5em); styled(entry, size, lines(entry.text)) }))
  let fits(size) = measure(body(size)).height <= height and measure(width: room, body(size)).width <= room + 0.1pt
  while not fits(size) and size >= data.least * 1pt { size = size * 0.93 }
  if size < data.least * 1pt { fail(index) }
  place(top + start, dx: entry.inset * 1pt, dy: entry.inset * 1pt, body(size))
}
#let comb(entry, index) = {
  let cell = entry.width * 1pt / entry.cells
  for (at, character) in entry.text.clusters().enumerate() {
    place(horizon + start, dx: cell * at, box(width: cell, align(center, box(styled(entry, calc.min(entry.size * 1pt, cell * 1.2), character)))))
  }
}
#set text(font: data.fonts, top-edge: "ascender", bottom-edge: "descender")
#for (index, entry) in data.entries.enumerate() {
  page(width: entry.width * 1pt, height: entry.height * 1pt, margin: 0pt, fill: none, {
    if entry.fill != none or entry.border > 0 {
      let line = if entry.border > 0 { entry.border * 2pt + color(entry.stroke) } else { none }
      place(rect(width: 100%, height: 100%, fill: color(entry.fill),
        stroke: if entry.underlined { (bottom: line) } else { line }))
    }
    if entry.mark == "cross" {
      let inset = calc.min(entry.width, entry.height) * 0.2pt
      let (w, h) = (entry.width * 1pt, entry.height * 1pt)
      place(line(start: (inset, inset), end: (w - inset, h - inset), stroke: 1pt + color(entry.color)))
      place(line(start: (inset, h - inset), end: (w - inset, inset), stroke: 1pt + color(entry.color)))
    } else if entry.text != "" {
      if entry.cells > 0 { comb(entry, index) } else if entry.multiline { multi(entry, index) } else { single(entry, index) }
    } else { hide[.] }
  })
}
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One widget to be drawn: which, whose, turned how far, and what the template needs to know."""

    widget: DictionaryObject
    field: str
    turn: int
    data: dict[str, Any]


def entry(source: Source, field: FormField, widget: DictionaryObject, text: str) -> Entry:
    """What a text or choice field shows in one of its widgets."""
    data, turn = _surroundings(source, widget)
    size, color = _default_appearance(form_fields.inherited(source, widget, "/DA"))
    several = field.multiline or "\n" in text
    height = data["height"]
    quadding = form_fields.inherited(source, widget, "/Q")
    rtl = _right_to_left(text)
    side = {1: "center", 2: "right"}.get(quadding if isinstance(quadding, int) else 0, "right" if rtl else "left")
    data |= {
        "text": text,
        "size": size or (_DEFAULT_SIZE if several else max(_LEAST_SIZE, min(_DEFAULT_SIZE, height * 0.7))),
        "color": color,
        "align": side,
        "rtl": rtl,
        "multiline": several,
        "cells": field.max_length if field.comb else 0,
    }
    return Entry(widget, field.name, turn, data)


def draw(entries: Sequence[Entry]) -> dict[int, StreamObject]:
    """Appearance streams by `id()` of the widget's dictionary. Raises `DataRefused` where a text has no room."""
    if not entries:
        return {}
    try:
        pdf = typesetting.compile_pdf(
            _SOURCE,
            {"entries": [one.data for one in entries], "fonts": typesetting.text_families(), "least": _LEAST_SIZE},
        )
    except TypesettingFailed as error:
        found = re.search(r"no room in entry (\d+)\.", str(error))
        if found is None:
            raise
        field = entries[int(found[1])].field
        raise DataRefused(
            f"The field {field} has no room for its text, not even in the smallest print; shorten it.", field=field
        ) from None
    result = {}
    for one, form in zip(entries, typeset.form_xobjects(pdf), strict=True):
        matrix, _, _ = upright(one.turn, one.data["width"], one.data["height"])
        form[NameObject("/Matrix")] = array(*(number(value) for value in matrix))
        result[id(one.widget)] = form
    return result


def marks(source: Source, widgets: Iterable[Widget]) -> dict[int, StreamObject]:
    """Crosses for buttons that are on, and borders of those that are off, where they have no appearance of their own."""
    entries = []
    for widget in widgets:
        node = widget.dictionary
        if _shows(source, node):
            continue
        mark = "" if source.get(node, "/AS") in (None, "/Off") else "cross"
        data, turn = _surroundings(source, node)
        data |= {
            "text": "",
            "mark": mark,
            "color": _default_appearance(form_fields.inherited(source, node, "/DA"))[1],
        }
        entries.append(Entry(node, "", turn, data))
    return draw(entries)


def free_texts(source: Source, annotations: Iterable[Any], new: NewObjects) -> Iterator[Box]:
    """Gives free-text comments without an appearance one, since programs differ in whether they show them without, and in how.

    Their /Rect, one by one. A comment whose text has no room or no font is left as it is.
    """
    for item in annotations:
        node = source.resolve(item)
        if source.get(node, "/Subtype") != "/FreeText" or source.get(node, "/AP") is not None:
            continue
        text = form_fields.text(source.get(node, "/Contents")).replace("\r\n", "\n").replace("\r", "\n")
        if typesetting.unsupported(text):
            continue
        data, _ = _surroundings(source, node)
        size, color = _default_appearance(source.get(node, "/DA"))
        data |= {
            "text": text, "size": size or _DEFAULT_SIZE, "color": color, "rtl": _right_to_left(text), "multiline": True,
            "align": {1: "center", 2: "right"}.get(source.get(node, "/Q"), "left"), "cells": 0,
            "fill": _color(source, source.get(node, "/C")), "stroke": color,
        }  # fmt: skip
        try:
            form = draw([Entry(node, "", 0, data)])[id(node)]
        except DataRefused:
            continue
        node[NameObject("/AP")] = DictionaryObject({NameObject("/N"): new.add(form)})
        if (rectangle := source.box(node.raw_get("/Rect")) if "/Rect" in node else None) is not None:
            yield rectangle


def _shows(source: Source, widget: DictionaryObject) -> bool:
    appearance = source.get(widget, "/AP")
    normal = source.get(appearance, "/N") if isinstance(appearance, DictionaryObject) else None
    state = source.get(widget, "/AS")
    # A button with appearances needs none for being off.
    return isinstance(normal, DictionaryObject) and (
        isinstance(normal, StreamObject) or state in (*normal, None, "/Off")
    )


def _surroundings(source: Source, widget: DictionaryObject) -> tuple[dict[str, Any], int]:
    """Size, background and border of a widget, and by how many degrees its content is turned."""
    rectangle = source.box(widget.raw_get("/Rect")) if "/Rect" in widget else None
    width, height = (rectangle.width, rectangle.height) if rectangle is not None else (1.0, 1.0)
    raw = source.get(widget, "/MK")
    look = raw if isinstance(raw, DictionaryObject) else DictionaryObject()
    turn = source.get(look, "/R")
    turn = int(turn) % 360 if isinstance(turn, int) and turn % 90 == 0 else 0
    if turn in (90, 270):
        width, height = height, width
    stroke = _color(source, source.get(look, "/BC"))
    style = source.get(widget, "/BS")
    thickness = source.get(style, "/W") if isinstance(style, DictionaryObject) else None
    border = float(thickness) if isinstance(thickness, int | float) else 1.0
    border = border if stroke is not None or source.get(widget, "/Subtype") == "/FreeText" else 0.0
    return {
        "width": width,
        "height": height,
        "fill": _color(source, source.get(look, "/BG")),
        "stroke": stroke,
        "border": border,
        "underlined": isinstance(style, DictionaryObject) and source.get(style, "/S") == "/U",
        "inset": min(border + 2.0, width / 6, height / 6),
        "mark": "",
        "text": "",
    }, turn


def _color(source: Source, raw: Any) -> list[float] | None:
    if not isinstance(raw, ArrayObject):
        return None
    return _rgb([float(value) for value in (source.resolve(item) for item in raw) if isinstance(value, int | float)])


def _rgb(parts: list[float]) -> list[float] | None:
    """DeviceGray, DeviceRGB or DeviceCMYK as red, green, blue from 0 to 1 (ISO 32000-2, 10.4.2)."""
    parts = [min(1.0, max(0.0, part)) for part in parts]
    if len(parts) == 1:
        return parts * 3
    if len(parts) == 3:
        return parts
    if len(parts) == 4:
        return [1 - min(1.0, part + parts[3]) for part in parts[:3]]
    return None


def _default_appearance(raw: Any) -> tuple[float, list[float]]:
    """Font size (0 for automatic) and text colour of a /DA string (12.7.4.3)."""
    text = form_fields.text(raw)
    size = re.search(r"(-?\d*\.?\d+)\s+Tf\b", text)
    colors = re.findall(r"((?:\d*\.?\d+\s+)+)(?:g|rg|k)\b", text)
    color = _rgb([float(part) for part in colors[-1].split()]) if colors else None
    return min(abs(float(size[1])), 200.0) if size else 0.0, color or [0.0, 0.0, 0.0]


def _right_to_left(text: str) -> bool:
    """By the first character with a direction (UAX #9, rules P2 and P3)."""
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((one in ("R", "AL") for one in directions if one in ("L", "R", "AL")), False)
