"""The pieces that cards are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from signing_core.display.tags import Html, element

Tone = Literal["good", "bad", "warn", "calm"]
_BRIEF: Final = 28
"""Characters of what is not broken into lines: a time, the id of a document."""


def badge(words: object, tone: Tone) -> Html:
    """A word or two on a coloured ground; the words alone say everything that the colour does."""
    return element("span", words, cls=f"badge {tone}")


def paragraph(*content: object, cls: str | None = None) -> Html:
    return element("p", *content, cls=cls)


def facts(pairs: Mapping[str, object]) -> Html:
    """Names and values, one under the other; what is None is `not recorded`."""
    rows = (
        element("tr", element("th", name, scope="row"), element("td", _value(value))) for name, value in pairs.items()
    )
    return element("table", element("tbody", *rows))


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "") -> Html:
    """A table with a header row; numbers are set to the right."""
    body = [element("tr", *(element("td", _value(value), cls=_set(value)) for value in row)) for row in rows]
    header = element("tr", *(element("th", name, scope="col") for name in head))
    said = (element("caption", caption),) if caption else ()
    return element("table", *said, element("thead", header), element("tbody", *body))


def fold(title: object, *content: object, opened: bool = False) -> Html:
    """Content that opens on a click, without any script."""
    return element("details", element("summary", title), *content, open=opened)


def short(digest: str, length: int = 16) -> Html:
    """The beginning of a hash in fixed pitch, the whole of it as its title."""
    if len(digest) <= length:
        return element("code", digest)
    return element("code", f"{digest[:length]}…", title=digest, cls="brief")


def moment(time: datetime) -> str:
    """`2026-11-25 14:03:07.120 UTC`."""
    return f"{time.astimezone(UTC).isoformat(sep=' ', timespec='milliseconds').removesuffix('+00:00')} UTC"


def _set(value: object) -> str | None:
    """The class of a cell: numbers to the right, what is short (a time, an id) on one line."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    brief = isinstance(value, (bool, datetime)) or (isinstance(value, str) and len(value) <= _BRIEF)
    return "brief" if brief and not isinstance(value, Html) else None


def _value(value: object) -> object:
    if value is None:
        return element("span", "not recorded", cls="soft")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    return value
