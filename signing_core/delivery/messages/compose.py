"""From the facts of a step to the words of a message, in all its forms at once.

Each template (one for each kind and language) holds the words once; the plain text and the HTML are laid out from the
same paragraphs, so they cannot say different things. Text messages are cut to a budget of segments by shortening the
title and the organisation, never the link, the code or the time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Final, Literal

import jinja2
from markupsafe import Markup

from signing_core.delivery.codes import grouped
from signing_core.delivery.messages import wording
from signing_core.delivery.messages.content import KINDS, Content, MessageKind
from signing_core.delivery.messages.gsm7 import segments, simplified

_NEEDED: Final[dict[MessageKind, tuple[str, ...]]] = {
    "link": ("link", "expires_at"),
    "reminder": ("link", "expires_at"),
    "code": ("code", "expires_at"),
    "completed": (),
    "download": ("link", "expires_at"),
    "declined": ("declined_by",),
    "voided": (),
    "expired": (),
    "contact-replaced": (),
}
_SMS_SEGMENTS: Final[dict[MessageKind, int]] = {"code": 1}
_SMS_SEGMENTS_ELSE: Final = 2
_SHORTEST: Final = 12  # a title is not cut to fewer characters: it would name nothing


def compose(
    kind: MessageKind,
    language: str,
    *,
    organisation: str,
    title: str,
    document_id: str,
    recipient_name: str = "",
    link: str | None = None,
    code: str | None = None,
    expires_at: datetime | None = None,
    valid_minutes: int = 5,
    zone: tzinfo = UTC,
    author: str = "",
    declined_by: str = "",
    reason: str = "",
    completed_at: datetime | None = None,
    attachment_name: str = "",
    file_sha256: str = "",
    verify_url: str = "",
    copy: Literal["too-large", "no-email"] | None = None,
) -> Content:
    """The message of that kind in English (`en`) or German (`de`).

    `expires_at` is when the link or the code ends; the message is not sent after it. `zone` is the zone that times are
    shown in, always with their offset. `copy` says why a `download` comes instead of the file itself. Raises
    `UsageError` for another language, `ValueError` for a kind without the facts it needs.
    """
    language = wording.language_of(language)
    if kind not in KINDS:
        raise ValueError(f"no message of the kind {kind!r}")
    given = {"link": link, "code": code, "expires_at": expires_at, "declined_by": declined_by}
    missing = [name for name in _NEEDED[kind] if not given[name]]
    if missing:
        raise ValueError(f"a message of the kind {kind} needs {', '.join(missing)}")
    if "expires_at" not in _NEEDED[kind]:
        expires_at = None
    facts: dict[str, object] = {
        "organisation": wording.one_line(organisation, 120),
        "title": wording.one_line(title, 200),
        "document_id": wording.one_line(document_id, 40),
        "recipient_name": wording.one_line(recipient_name, 120),
        "author": wording.one_line(author, 120),
        "declined_by": wording.one_line(declined_by, 120),
        "reason": wording.one_line(reason),
        "attachment_name": wording.one_line(attachment_name, 200),
        "file_sha256": file_sha256,
        "verify_url": verify_url,
        "copy": copy,
        "link": link or "",
        "code": grouped(code) if code else "",
        "minutes": wording.minutes_in_words(valid_minutes, language),
        "until": wording.full_time(expires_at, zone, language) if expires_at else "",
        "until_short": wording.short_time(expires_at, zone, language) if expires_at else "",
        "until_clock": wording.clock_time(expires_at, zone) if expires_at else "",
        "completed_at": wording.full_time(completed_at, zone, language) if completed_at else "",
    }
    return Content(
        kind=kind,
        language=language,
        subject=wording.one_line(_block(_plain(), kind, language, "subject", facts), 160),
        text=_text(kind, language, facts),
        html=_html(kind, language, facts),
        sms=_sms(kind, language, facts),
        expires_at=expires_at,
    )


def _text(kind: MessageKind, language: str, facts: Mapping[str, object]) -> str:
    labels = wording.LABELS[language]
    return (
        _plain()
        .get_template("layout.txt")
        .render(
            paragraphs=_paragraphs(_block(_plain(), kind, language, "body", facts)),
            closing=_paragraphs(_block(_plain(), kind, language, "closing", facts)),
            automatic=labels["automatic"].format(organisation=facts["organisation"]),
            rows=_rows(kind, language, facts),
            link=facts["link"],
            code=facts["code"],
        )
        .strip()
        + "\n"
    )


def _html(kind: MessageKind, language: str, facts: Mapping[str, object]) -> str:
    labels = wording.LABELS[language]
    return _markup().get_template("layout.html").render(
        language=language,
        subject=_block(_plain(), kind, language, "subject", facts),
        organisation=facts["organisation"],
        # Rendered with autoescaping: every fact in them is escaped, the words of the template are not markup.
        paragraphs=[Markup(p) for p in _paragraphs(_block(_markup(), kind, language, "body", facts))],  # noqa: S704
        closing=[Markup(p) for p in _paragraphs(_block(_markup(), kind, language, "closing", facts))],  # noqa: S704
        automatic=labels["automatic"].format(organisation=facts["organisation"]),
        paste=labels["paste"],
        rows=_rows(kind, language, facts),
        link=facts["link"],
        action=_block(_plain(), kind, language, "action", facts),
        code=facts["code"],
    )  # fmt: skip


def _sms(kind: MessageKind, language: str, facts: Mapping[str, object]) -> str:
    """The text message, its names shortened step by step until it fits its budget of segments."""
    budget = _SMS_SEGMENTS.get(kind, _SMS_SEGMENTS_ELSE)
    names = {name: simplified(str(facts[name])) for name in ("title", "organisation", "reason", "declined_by")}
    while True:
        text = simplified(_flowed(_block(_plain(), kind, language, "sms", {**facts, **names})))
        longest = max(names, key=lambda name: len(names[name]))
        if segments(text).count <= budget or len(names[longest]) <= _SHORTEST:
            return text
        names[longest] = names[longest].removesuffix("...")[:-1].rstrip() + "..."
        if len(names[longest]) <= _SHORTEST:
            names[longest] = names[longest][: _SHORTEST - 3] + "..."


def _rows(kind: MessageKind, language: str, facts: Mapping[str, object]) -> list[tuple[str, object]]:
    """The facts under the words: what it is about, so that a reader can compare it with what they know."""
    labels = wording.LABELS[language]
    rows = [
        (labels["document"], facts["title"]),
        (labels["document_id"], facts["document_id"]),
        (labels["organisation"], facts["organisation"]),
    ]
    optional = [("completed_at", "completed_at"), ("attachment", "attachment_name"), ("sha256", "file_sha256")]
    if kind != "code":  # nothing to click in a message with a code, and its end stands in the words
        optional += [("valid_until", "until"), ("verify", "verify_url")]
    return rows + [(labels[label], facts[fact]) for label, fact in optional if facts[fact]]


def _block(
    environment: jinja2.Environment, kind: MessageKind, language: str, block: str, facts: Mapping[str, object]
) -> str:
    template = environment.get_template(f"{language}/{kind}.txt")
    if block not in template.blocks:
        return ""
    return "".join(template.blocks[block](template.new_context(dict(facts)))).strip()


def _paragraphs(text: str) -> list[str]:
    return [_flowed(paragraph) for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]


def _flowed(text: str) -> str:
    return " ".join(text.split())


@cache
def _plain() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("signing_core.delivery.messages"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - plain text and SMS; the HTML has an environment of its own
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _markup() -> jinja2.Environment:
    return _plain().overlay(autoescape=True)
