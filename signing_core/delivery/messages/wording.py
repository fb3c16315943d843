"""The words around the templates: labels, months, how a time and a number of minutes are written."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta, tzinfo
from typing import Final

from signing_core.dates import MONTHS, long_date
from signing_core.errors import UsageError

LANGUAGES: Final = ("en", "de")

LABELS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "document": "Document",
        "document_id": "Document number",
        "organisation": "From",
        "valid_until": "Valid until",
        "completed_at": "Completed",
        "attachment": "Attachment",
        "sha256": "SHA-256 of the file",
        "verify": "Check it at",
        "automatic": "This message was sent automatically by Sealtrail on behalf of {organisation}.",
        "paste": "If the button does not work, copy this address into your browser:",
    },
    "de": {
        "document": "Dokument",
        "document_id": "Dokumentnummer",
        "organisation": "Von",
        "valid_until": "Gültig bis",
        "completed_at": "Abgeschlossen",
        "attachment": "Anlage",
        "sha256": "SHA-256 der Datei",
        "verify": "Prüfen unter",
        "automatic": "Diese Nachricht wurde von Sealtrail automatisch im Auftrag von {organisation} versendet.",
        "paste": "Falls die Schaltfläche nicht funktioniert, kopieren Sie diese Adresse in Ihren Browser:",
    },
}

_NUMBERS: Final = {
    "en": ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"],
    "de": ["eine", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn"],
}


def language_of(language: str) -> str:
    """`language` if messages exist in it. Raises `UsageError`."""
    if language not in LANGUAGES:
        raise UsageError(f"There are no messages in the language {language!r}; use {' or '.join(LANGUAGES)}.")
    return language


def offset(moment: datetime, zone: tzinfo) -> str:
    """`UTC+01:00`; plain `UTC` for UTC itself."""
    delta = moment.astimezone(zone).utcoffset() or timedelta()
    minutes = int(delta.total_seconds() // 60)
    if not minutes:
        return "UTC"
    sign, minutes = ("+", minutes) if minutes > 0 else ("-", -minutes)
    return f"UTC{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def clock_time(moment: datetime, zone: tzinfo) -> str:
    """`14:05 (UTC+01:00)`. Seconds are cut, so that nobody is promised more time than there is."""
    return f"{moment.astimezone(zone):%H:%M} ({offset(moment, zone)})"


def full_time(moment: datetime, zone: tzinfo, language: str) -> str:
    """`25 November 2026, 14:05 (UTC+01:00)`, `25. November 2026, 14:05 Uhr (UTC+01:00)`."""
    local = moment.astimezone(zone)
    hour = f"{local:%H:%M} Uhr" if language == "de" else f"{local:%H:%M}"
    return f"{long_date(local, language)}, {hour} ({offset(moment, zone)})"


def short_time(moment: datetime, zone: tzinfo, language: str) -> str:
    """For text messages: `25 Nov 2026, 14:05 (UTC+01:00)`, `25.11.2026, 14:05 (UTC+01:00)`."""
    local = moment.astimezone(zone)
    if language == "de":
        return f"{local:%d.%m.%Y, %H:%M} ({offset(moment, zone)})"
    return f"{local.day} {MONTHS['en'][local.month - 1][:3]} {local.year}, {local:%H:%M} ({offset(moment, zone)})"


def minutes_in_words(minutes: int, language: str) -> str:
    """`five minutes`, `fünf Minuten`, `15 minutes`."""
    number = _NUMBERS[language][minutes - 1] if 1 <= minutes <= 10 else str(minutes)
    if language == "de":
        return f"{number} Minute" if minutes == 1 else f"{number} Minuten"
    return f"{number} minute" if minutes == 1 else f"{number} minutes"


def one_line(text: str, limit: int = 500) -> str:
    """`text` as one line of visible characters, so that no title or name can pose as a header, a line or another text.

    Line breaks and other controls become spaces; marks that turn the reading direction are dropped, joiners that
    scripts need are kept.
    """
    kept: list[str] = []
    for character in text:
        category = unicodedata.category(character)
        if character in "\u200c\u200d":
            kept.append(character)
        elif category in ("Cf", "Cs", "Co", "Cn"):
            continue
        else:
            kept.append(" " if category[0] in "CZ" else character)
    line = " ".join("".join(kept).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
