"""URLs as they may be shown: without who logs in and with what, and without a query, which can hold a key.

What cannot be taken in is named in the ledger, the report, the work list and the log of a run, and all of these are passed on.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

_USER: Final = re.compile(r"(?<=://)(?:[^/?#]*@|[^/?#@]*:(?!\d*(?:[/?#]|$))[^@]*@)")
"""Before the host. The second: a password in which a slash was not written as %2F; nothing opens such a URL, but it is shown."""
_QUERY: Final = re.compile(r"\?.*", re.DOTALL)
_CHAIN: Final = "::"
"""Between the URLs of a chain of fsspec (`simplecache::https://...`)."""


def shown(url: str) -> str:
    if "://" not in url:
        return url  # a path
    return _CHAIN.join(_QUERY.sub("", _USER.sub("", one)) for one in url.split(_CHAIN))


def secrets(url: str) -> list[str]:
    """What of the URL is nobody else's business, in the spellings in which a library may repeat it; the longest first."""
    if "://" not in url:
        return []
    found: set[str] = set()
    for one in url.split(_CHAIN):
        for user in _USER.findall(one):
            name, _, password = user[:-1].partition(":")
            found |= {user, user[:-1], *_spellings(password or name)}
        for query in _QUERY.findall(_USER.sub("", one)):
            found |= {query, *(spelling for _, value in parse_qsl(query[1:]) for spelling in _spellings(value))}
    return sorted(found - {""}, key=lambda one: (-len(one), one))


def without_secrets(text: str, url: str) -> str:
    """What a library says, without what of the URL may not be shown."""
    text = text.replace(url, shown(url))
    for one in secrets(url):
        text = text.replace(one, "" if one[-1] == "@" or one[0] == "?" else "***")
    return text


def _spellings(value: str) -> set[str]:
    plain = unquote(value)
    return {value, plain, quote(plain), quote(plain, safe="")}
