"""A throwaway company for tests, notebooks, benchmarks and the demo: workspace, documents, and parties who sign.

The parties act only through what they would see: links and codes are read from the messages in the outbox folder.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from signing_core import marks
from signing_core.desk import Author, Desk, NewDocument, Origin, Signer
from signing_core.desk import notices as _notices
from signing_core.flow import Role, State, Status
from signing_core.marks import Mark
from signing_core.storage.workspace import Workspace

ORGANISATION = "Sample Seals GmbH"
AUTHOR = Author("Sample Author", "author@example.org")
DIRECTOR = Signer("Sample Director", "director@example.org", ORGANISATION)
CLIENT = Signer("Sample Client", "+491713920012", copy_email="client@example.org")
STROKES = [
    [(10.0 + t, 60 - 28 * abs(((t / 14) % 2) - 1) + 6 * ((t / 30) % 1)) for t in range(0, 120, 3)],
    [(18.0 + t, 66.0 - 0.08 * t) for t in range(0, 130, 6)],
]
"""Two strokes of a pen, as a drawing area would send them."""

_LINK = re.compile(r"/s/([A-Za-z0-9_-]{43})")
_CODE = re.compile(r"\b(\d{3} \d{3})\b")
_CHEAP_KEYS = 10
"""log2 of scrypt's N: keys that protect nothing need not be slow to open."""


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or datetime.now(UTC).replace(microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **amount: float) -> datetime:
        """Move by `timedelta(**amount)`."""
        self.now += timedelta(**amount)
        return self.now


def make_workspace(folder: Path, *, clock: Callable[[], datetime] | None = None, **settings: Any) -> Workspace:
    """A new workspace of the sample company at `folder`, its messages going to the outbox folder."""
    given = {"organisation": ORGANISATION, "base_url": "https://sign.example.org", **settings}
    more: dict[str, Any] = {"clock": clock} if clock else {}
    return Workspace.create(folder, settings=given, first_party=DIRECTOR.name, key_work=_CHEAP_KEYS, **more)


@dataclass(frozen=True)
class Received:
    """A message as its recipient sees it."""

    to: str
    kind: str
    text: str = field(repr=False)
    message_id: str
    attachment_sha256: str | None = None


def received(workspace: Workspace) -> list[Received]:
    """The messages in the outbox folder, in the order in which they were put there."""
    return list(reversed(list(_newest_first(workspace))))


def token_for(workspace: Workspace, to: str) -> str:
    """The token of the newest link sent to a contact."""
    return _newest(workspace, to, _LINK)


def code_for(workspace: Workspace, to: str) -> str:
    """The newest code sent to a contact, grouped as in the message."""
    return _newest(workspace, to, _CODE)


def wrong(code: str) -> str:
    """A code that is another one for certain."""
    return f"{(int(code.replace(' ', '')) + 1) % 1_000_000:06d}"


class Play:
    """Takes a document through the phases, from wherever it stands: what a run that was interrupted left is gone on with."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.workspace = desk.workspace

    def create(self, source: bytes, *, title: str = "Service agreement", **more: Any) -> str:
        new = {"author": AUTHOR, "first_party": DIRECTOR, "client": CLIENT, **more}
        return self.desk.create(NewDocument(source=source, title=title, **new))

    def deliver(self) -> None:
        _notices.deliver(self.workspace)

    def contact(self, role: Role) -> str:
        return (DIRECTOR if role is Role.FIRST_PARTY else CLIENT).contact

    def token(self, role: Role) -> str:
        """Of the newest link that the party received."""
        return token_for(self.workspace, self.contact(role))

    def code(self, role: Role) -> str:
        """The newest that the party received."""
        return code_for(self.workspace, self.contact(role))

    def mark(self, role: Role) -> Mark:
        return marks.from_name(DIRECTOR.name) if role is Role.FIRST_PARTY else marks.drawn(STROKES)

    def to_completion(self, document_id: str) -> State:
        """Every step that is still missing, until the document is completed and its messages are out."""
        for state in self.steps(document_id):
            if state.status is Status.COMPLETED:
                self.deliver()
                return state
        raise AssertionError("the steps end with a completed document")

    def steps(self, document_id: str) -> Iterator[State]:
        """One step at a time; yields the state after each."""
        while (state := self.desk.state(document_id)).status is not Status.COMPLETED:
            match state.status:
                case Status.DRAFT:
                    self.desk.send(document_id)
                case Status.AWAITING_FIRST_PARTY | Status.AWAITING_CLIENT:
                    self._act(state)
                case Status.SIGNING | Status.SEALING:
                    if self.desk.work_on(document_id).status is state.status:
                        last = self.desk.events(document_id)[-1]
                        raise AssertionError(f"the document stays {state.status}: {last.data.get('message')}")
                case other:
                    raise AssertionError(f"the document is {other}")
            yield self.desk.state(document_id)
        yield state

    def consent(self, document_id: str, role: Role) -> None:
        """Everything a party does, from opening the link to giving the signature."""
        while (state := self.desk.state(document_id)).party(role).consent is None:
            self._act(state)

    def _act(self, state: State) -> None:
        role = state.turn
        assert role is not None  # noqa: S101  somebody's turn in both statuses that lead here
        self.deliver()
        token = self.token(role)
        session, party = f"session-{role}", state.party(role)
        origin = Origin(ip="192.0.2.17" if role is Role.CLIENT else "192.0.2.3", device=f"sample device ({role})")
        if party.opened_at is None:
            self.desk.open(token, session, origin)
        elif party.confirmation is not None:
            self.desk.sign(token, session, self.mark(role), origin)
        elif party.challenge is not None:
            self.desk.submit_code(token, session, party.challenge.id, self.code(role), origin)
        else:
            self.desk.request_code(token, session, origin)


def contract(pages: int = 2, *, text: str = "Sample contract") -> bytes:
    """A small PDF with a few lines on every A4 page."""
    from signing_core import typesetting

    template = "#let data = json(bytes(sys.inputs.data))\n" + "\n#pagebreak()\n".join(
        f"= #data.text\nPage {number} of {pages}." for number in range(1, pages + 1)
    )
    return typesetting.compile_pdf(template, {"text": text})


def _newest(workspace: Workspace, to: str, pattern: re.Pattern[str]) -> str:
    for message in _newest_first(workspace):
        if message.to == to and (found := pattern.findall(message.text)):
            return str(found[-1])
    raise LookupError(f"no message to {to} holds what was looked for")


def _newest_first(workspace: Workspace) -> Iterator[Received]:
    folder = workspace.resolve(workspace.settings.outbox_folder)
    if not folder.is_dir():
        return
    entries = [entry for entry in os.scandir(folder) if entry.name.endswith((".eml", ".json"))]
    for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime_ns, reverse=True):
        yield _read(Path(entry.path))


@lru_cache(maxsize=4096)
def _read(file: Path) -> Received:
    if file.suffix == ".json":
        content = json.loads(file.read_text())
        return Received(content["to"], content["kind"], content["text"], content["message_id"])
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain",))
    attached = next(iter(message.iter_attachments()), None)
    return Received(
        message["to"].addresses[0].addr_spec,
        "email",
        body.get_content() if body else "",
        message["message-id"].strip("<>"),
        hashlib.sha256(attached.get_content()).hexdigest() if attached else None,
    )
