"""HTML elements whose contents are escaped, and the card that carries the stylesheet."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib import resources
from typing import Final

_VOID: Final = frozenset({"img"})


class Html(str):
    """Markup that is safe to write as it is."""

    __slots__ = ()


def text(value: object) -> Html:
    """Any value as escaped text; `Html` stays what it is. Control and bidirectional characters become visible dots."""
    if isinstance(value, Html):
        return value
    return Html(escape("".join(c if c.isprintable() or c in "\n\t" else "·" for c in str(value))))


def element(name: str, *content: object, **attributes: str | bool | None) -> Html:
    """`element("td", "a < b", cls="number")`; `cls` is written as `class`, an attribute that is None or False is left out."""
    written = "".join(
        f" {'class' if key == 'cls' else key.replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{''.join(text(part) for part in content)}</{name}>")


def card(*content: object) -> Html:
    """What a `_repr_html_` returns: the content in its frame, with the stylesheet, because outputs stand on their own."""
    return element("div", Html(f"<style>{stylesheet()}</style>"), *content, cls="sealtrail")


@cache
def stylesheet() -> str:
    """The one stylesheet. Every rule begins with `.sealtrail`, so that nothing else in the notebook changes."""
    return (resources.files("signing_core.display") / "display.css").read_text("utf-8")
