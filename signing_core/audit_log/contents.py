"""Whether an event can be read as what it says it is, asked before anything relies on its contents.

A body is stored verbatim and anybody who can write to the database can change it. One that cannot be read concerns one
document; reading it unasked would end the work on all others too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from signing_core.audit_log.events import Event


def problem(event: Event) -> str | None:
    """What is wrong with the form of an event's body, as the end of a sentence; None when every field can be relied on."""
    try:
        content = json.loads(event.body)
    except (ValueError, RecursionError):
        return "is not JSON"
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        return "is not an object with data"
    if not _text(content.get("prev")):
        return "has no hash as its predecessor"
    wrong = sorted(key for key, value in content["data"].items() if not _fits(key, value))
    return f"has a value of another kind in {', '.join(wrong[:3])}" if wrong else None


def _fits(key: str, value: Any) -> bool:
    if isinstance(value, Mapping) and "commitment" in value:
        return isinstance(value["commitment"], str)
    return _KINDS.get(key, _anything)(value)


def _anything(value: Any) -> bool:
    return True


def _text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _count(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _flag(value: Any) -> bool:
    return value is None or isinstance(value, bool)


def _time(value: Any) -> bool:
    try:
        return value is None or datetime.fromisoformat(value).tzinfo is not None
    except (TypeError, ValueError):
        return False


_KINDS: Final[dict[str, Callable[[Any], bool]]] = {
    **dict.fromkeys(
        (
            "agreed",
            "because",
            "certificate_id",
            "challenge",
            "channel",
            "client_name",
            "device",
            "first_party_name",
            "host",
            "integrity",
            "ip",
            "kind",
            "layout",
            "message",
            "organisation",
            "prepared_sha256",
            "qr_key_id",
            "qr_text",
            "role",
            "seal_x509_sha256",
            "sha256",
            "time_authority",
            "time_zone",
            "title",
            "x509_sha256",
        ),
        _text,
    ),
    "length": _count,
    "time_authority_embedded": _flag,
    **dict.fromkeys(("expires_at", "issued_at", "time_stamped_at"), _time),
}
"""What is read of `data` by name. Null is *not recorded*."""
