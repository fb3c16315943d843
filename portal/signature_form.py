"""From the form of the signature page to marks: the name, the drawing, the picture; the stamp; the address for the copy."""

from __future__ import annotations

import base64
import json
from functools import lru_cache
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from portal.bodies import File, Form
from portal.matters import Matter
from portal.site import Site
from portal.words import words
from portal.workers import WorkRefused
from signing_core import marks
from signing_core.delivery import contacts
from signing_core.errors import ContactRefused, MarkRefused, TypesettingFailed, UsageError
from signing_core.marks import Mark

MAX_STROKES_TEXT: Final = 2_000_000


class _Wrong(Exception):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class SignatureForm:
    def __init__(self, site: Site) -> None:
        self._site = site

    async def preview(self, name: str, style: str) -> str:
        """A data URL of the signature from a name; empty when the name cannot be set."""
        try:
            return await run_in_threadpool(_preview, name[:200], style if style in marks.STYLES else marks.STYLES[0])
        except (MarkRefused, UsageError, TypesettingFailed):
            return ""

    async def choose(self, matter: Matter, form: Form, language: str) -> tuple[dict[str, Any] | None, dict[str, str]]:
        """What the party chose, as JSON values, or what is wrong by field."""
        try:
            return {
                "mark": await self._mark(form, language),
                "stamp": await self._stamp(matter, form, language),
                "email": self._email(matter, form, language),
            }, {}
        except _Wrong as wrong:
            return None, {wrong.field: wrong.message}

    async def _mark(self, form: Form, language: str) -> dict[str, str]:
        say = words(language)
        match form.get("kind"):
            case "name":
                style = form.get("style") if form.get("style") in marks.STYLES else marks.STYLES[0]
                return _json(await _made("name", language, marks.from_name, form.get("name"), style))
            case "drawn":
                strokes = _strokes(form.get("strokes"))
                if not strokes:
                    raise _Wrong("drawn", say["mark_missing_drawing"])
                return _json(await _made("drawn", language, marks.drawn, strokes))
            case "uploaded":
                file = form.files.get("picture") or form.files.get("photo")
                if file is None:
                    raise _Wrong("uploaded", say["mark_missing_picture"])
                return await self._picture("uploaded", form, file, "uploaded", language)
        raise _Wrong("kind", say["mark_kind_missing"])

    async def _stamp(self, matter: Matter, form: Form, language: str) -> dict[str, str] | None:
        match form.get("stamp"):
            case "made" if matter.person.organisation:
                return _json(await _made("stamp", language, marks.default_stamp, matter.person.organisation))
            case "upload":
                file = form.files.get("stamp_picture")
                if file is None:
                    raise _Wrong("stamp", words(language)["mark_missing_picture"])
                return await self._picture("stamp", form, file, "stamp", language)
        return None

    async def _picture(self, kind: str, form: Form, file: File, field: str, language: str) -> dict[str, str]:
        """Foreign bytes: only a worker looks at them."""
        try:
            job = {"do": "mark", "kind": kind}
            made: dict[str, str] = await self._site.readers.run(job, file.descriptor, caller=form.caller)
        except WorkRefused as refused:
            raise _Wrong(field, refusal(refused.code, str(refused), language)) from None
        return made

    def _email(self, matter: Matter, form: Form, language: str) -> str:
        text = form.get("email").strip()
        if not text or matter.person.channel == "email":
            return ""
        try:
            parsed = contacts.parse(text)
        except ContactRefused:
            raise _Wrong("email", words(language)["email_wrong"]) from None
        if parsed.kind != "email":
            raise _Wrong("email", words(language)["email_wrong"])
        return parsed.value


async def _made(field: str, language: str, make: Any, *arguments: Any) -> Mark:
    try:
        mark: Mark = await run_in_threadpool(make, *arguments)
    except MarkRefused as refused:
        raise _Wrong(field, refusal(refused.code, str(refused), language)) from None
    return mark


_GERMAN: Final = {
    "empty": "Da ist nichts zu sehen: geben Sie einen Namen, eine Zeichnung oder ein Bild mit Tinte an.",
    "format": "Das ist kein Bild, das wir lesen können: nehmen Sie JPEG, PNG, WebP oder HEIC.",
    "too-large": "Das ist zu groß oder zu lang: nehmen Sie etwas Kleineres.",
    "too-many-pixels": "Das Bild hat zu viele Bildpunkte: nehmen Sie ein kleineres.",
    "too-small": "Das ist zu klein, um als Unterschrift zu gelten: schreiben Sie größer.",
    "damaged": "Das Bild ist beschädigt: nehmen Sie ein anderes.",
    "animated": "Das Bild bewegt sich: nehmen Sie ein stehendes.",
    "no-paper": "Das Papier ist nicht zu erkennen: fotografieren Sie bei gutem Licht auf hellem Papier.",
    "unreadable-name": "Der Name hat Zeichen, die sich hier nicht schreiben lassen: schreiben Sie ihn anders, oder zeichnen Sie die Unterschrift.",
    "too-simple": "Das ist zu einfach, um als Unterschrift zu gelten: schreiben Sie Ihren Namenszug.",
}


def refusal(code: str | None, message: str, language: str) -> str:
    """Why a mark was refused, in the reader's language; the core speaks English."""
    return _GERMAN.get(code or "", message) if language == "de" else message


def mark_from(value: dict[str, str]) -> Mark:
    return Mark(value["kind"], value["media_type"], base64.b64decode(value["data"]))  # type: ignore[arg-type]


def _json(mark: Mark) -> dict[str, str]:
    return {"kind": mark.kind, "media_type": mark.media_type, "data": base64.b64encode(mark.data).decode()}


def _strokes(text: str) -> Any:
    if len(text) > MAX_STROKES_TEXT:
        return []
    try:
        return json.loads(text or "[]")
    except (ValueError, RecursionError):
        return []


@lru_cache(maxsize=256)
def _preview(name: str, style: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(marks.from_name(name, style).data).decode()
