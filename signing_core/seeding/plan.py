"""Who signs what and when, and what goes wrong: decided by the seed before anything is made."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from signing_core.desk import Author, Signer

_TITLES: Final = {
    "en": (
        "Service agreement",
        "Framework contract",
        "Non-disclosure agreement",
        "Maintenance contract",
        "Order confirmation",
        "Lease of equipment",
        "Consulting agreement",
        "Data processing agreement",
        "Delivery contract",
        "Settlement",
    ),
    "de": (
        "Dienstleistungsvertrag",
        "Rahmenvertrag",
        "Vertraulichkeitsvereinbarung",
        "Wartungsvertrag",
        "Auftragsbestätigung",
        "Mietvertrag über Geräte",
        "Beratungsvertrag",
        "Auftragsverarbeitungsvertrag",
        "Liefervertrag",
        "Vergleich",
    ),
}
_DEVICES: Final = ("Sample phone, Firefox", "Sample phone, Safari", "Sample tablet, Chrome", "Sample laptop, Edge")
_ENDINGS: Final = ("draft", "awaiting-first-party", "awaiting-client", "declined", "voided", "expired")
_DAYS: Final = 90

DIRECTORS: Final = (
    Signer("Sample Director One", "director.one@example.org", "Sample Seals GmbH"),
    Signer("Sample Director Two", "director.two@example.org", "Sample Seals GmbH"),
)
AUTHORS: Final = tuple(Author(f"Sample Author {n}", f"author{n}@example.org") for n in range(1, 6))


@dataclass(frozen=True)
class Story:
    """One document: how far it gets, and with whom."""

    number: int
    ending: str
    """`completed`, or the status it stays in."""
    starts_at: datetime
    title: str
    language: str
    pages: int
    author: Author
    director: Signer
    client: Signer
    device: str
    ip: str
    mark: str
    """`name`, `drawn` or `uploaded`."""
    wrong_code: bool
    stamp: bool


def stories(count: int, chance: random.Random, now: datetime, completed: float) -> list[Story]:
    """`count` documents over the last 90 days, in the order in which they begin; `completed` is the share of those."""
    return [_story(number, count, chance, now, completed) for number in range(count)]


def _story(number: int, count: int, chance: random.Random, now: datetime, completed: float) -> Story:
    language = chance.choice(("en", "en", "de"))
    age = timedelta(days=_DAYS) * (1 - (number + chance.random()) / max(count, 1))
    ending = "completed" if chance.random() < completed else chance.choice(_ENDINGS)
    if ending == "expired":
        age = max(age, timedelta(days=20))
    if ending in ("awaiting-first-party", "awaiting-client", "draft"):
        age = min(age, timedelta(days=chance.randint(1, 9)))
    by_sms = chance.random() < 0.4
    return Story(
        number=number,
        ending=ending,
        starts_at=now - age - timedelta(hours=2),
        title=f"{chance.choice(_TITLES[language])} {2600 + number}",
        language=language,
        pages=chance.choice((1, 2, 2, 3, 5)),
        author=chance.choice(AUTHORS),
        director=chance.choice(DIRECTORS),
        client=_client(number, by_sms, chance),
        device=chance.choice(_DEVICES),
        ip=f"198.51.100.{number % 250 + 1}",
        mark=chance.choice(("name", "drawn", "uploaded")),
        wrong_code=chance.random() < 0.15,
        stamp=chance.random() < 0.3,
    )


def _client(number: int, by_sms: bool, chance: random.Random) -> Signer:
    email = f"client{number:05d}@example.net"
    if not by_sms:
        return Signer(f"Sample Client {number:05d}", email)
    phone = f"+4917139{number:05d}"[:14]
    copy = email if chance.random() < 0.7 else None
    return Signer(f"Sample Client {number:05d}", phone, copy_email=copy)


def chosen(items: Sequence[Story], ending: str, count: int, chance: random.Random) -> list[Story]:
    """`count` different stories with that ending."""
    fitting = [story for story in items if story.ending == ending]
    return chance.sample(fitting, min(count, len(fitting)))
