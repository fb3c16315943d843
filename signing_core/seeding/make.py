"""Makes the workspace: every story is played with a clock of its own time, then the defects are planted."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image, ImageDraw

from signing_core import marks, testing
from signing_core.desk import Desk, NewDocument, Origin, notices
from signing_core.errors import CodeRejected, UsageError
from signing_core.flow import Role, Status
from signing_core.seeding import defects
from signing_core.seeding.defects import Planted
from signing_core.seeding.hurried import hurried
from signing_core.seeding.plan import Story, stories
from signing_core.storage.durable import write_file
from signing_core.storage.workspace import Workspace

_Progress = Callable[[int, int], None]


def seed(
    folder: Path,
    *,
    documents: int,
    seed: int = 1,
    completed: float = 0.8,
    planted: Path | None = None,
    now: datetime | None = None,
    progress: _Progress | None = None,
) -> list[Planted]:
    """A new workspace at `folder` with `documents` documents and one defect of each kind.

    `completed` is the share of documents that get as far as that, apart from the few that carry defects.
    `planted` is a JSON file for the list of defects; it must not be inside the workspace. `progress` is called with
    documents made and documents in all. The same seed makes the same stories and the same defects (keys and hashes are
    new each time). Raises `UsageError`.
    """
    if documents < defects.FEWEST_DOCUMENTS:
        raise UsageError(
            f"Seeding needs at least {defects.FEWEST_DOCUMENTS} documents for one defect of each kind; give more."
        )
    if planted is not None and planted.absolute().is_relative_to(folder.absolute()):
        raise UsageError(
            f"The list of what was planted must lie outside the workspace; name a file that is not in {folder}."
        )
    chance = random.Random(seed)  # noqa: S311  reproducible stories, nothing secret
    end = (now or datetime.now(UTC)).replace(microsecond=0)
    plan = stories(documents, chance, end, completed)
    plan = defects.cast(plan, chance)
    clock = testing.ManualClock(min(story.starts_at for story in plan) - timedelta(days=1))
    workspace = testing.make_workspace(folder, clock=clock, time_zone="Europe/Berlin")
    with workspace, hurried(workspace):
        player = _Player(workspace, clock)
        for done, story in enumerate(sorted(plan, key=lambda story: story.starts_at), start=1):
            player.play(story)
            if progress is not None:
                progress(done, documents)
        clock.now = end
        player.finish()
        found = defects.plant(workspace, clock, player.made, plan, chance)
    if planted is not None:
        planted.parent.mkdir(parents=True, exist_ok=True)
        listed = {"seed": seed, "planted": [one.to_json() for one in found]}
        write_file(planted, (json.dumps(listed, indent=1, ensure_ascii=False) + "\n").encode())
    return found


class _Player:
    """Plays stories; `made` maps a story's number to its document id."""

    def __init__(self, workspace: Workspace, clock: testing.ManualClock) -> None:
        self.workspace = workspace
        self.clock = clock
        self.desk = Desk(workspace)
        self.made: dict[int, str] = {}
        self._sources: dict[tuple[str, int], bytes] = {}

    def play(self, story: Story) -> None:
        self.clock.now = max(self.clock.now, story.starts_at)
        document_id = self.desk.create(
            NewDocument(
                source=self._source(story),
                title=story.title,
                author=story.author,
                first_party=story.director,
                client=story.client,
                language=story.language,
                expires_in=timedelta(days=14),
            )
        )
        self.made[story.number] = document_id
        if story.ending == "draft":
            return
        self.desk.send(document_id)
        self._deliver(minutes=1)
        if story.ending == "awaiting-first-party" or story.ending == "expired":
            return
        if not self._sign(document_id, story, Role.FIRST_PARTY) or story.ending == "awaiting-client":
            return
        self._sign(document_id, story, Role.CLIENT)

    def finish(self) -> None:
        """What background work would have done meanwhile: documents whose time is over expire."""
        for document_id in self.made.values():
            state = self.desk.state(document_id)
            if (
                state.status in (Status.AWAITING_FIRST_PARTY, Status.AWAITING_CLIENT)
                and self.clock() > state.expires_at
            ):
                self.desk.expire(document_id)
        self._deliver(minutes=0)

    def _sign(self, document_id: str, story: Story, role: Role) -> bool:
        """The party's whole step; False when it ended the document instead."""
        person = story.director if role is Role.FIRST_PARTY else story.client
        origin = Origin(ip="203.0.113.10", device="Sample laptop, Firefox")
        if role is Role.CLIENT:
            origin = Origin(ip=story.ip, device=story.device)
        session = f"{document_id}-{role}"
        token = testing.token_for(self.workspace, person.contact)
        self.clock.forward(minutes=7)
        self.desk.open(token, session, origin)
        if story.ending in ("declined", "voided") and role is Role.CLIENT:
            if story.ending == "declined":
                self.desk.decline(token, session, "The terms have to be changed first.", origin)
            else:
                self.desk.void(document_id, "Replaced by a newer version.")
            self._deliver(minutes=1)
            return False
        challenge = self.desk.request_code(token, session, origin)
        self._deliver(seconds=3)
        code = testing.code_for(self.workspace, person.contact)
        if story.wrong_code:
            try:
                self.desk.submit_code(token, session, challenge, testing.wrong(code), origin)
            except CodeRejected:
                self._deliver(seconds=20)
            code = testing.code_for(self.workspace, person.contact)
        self.clock.forward(seconds=25)
        self.desk.submit_code(token, session, challenge, code, origin)
        self.clock.forward(seconds=40)
        stamp = marks.default_stamp(testing.ORGANISATION) if story.stamp and role is Role.FIRST_PARTY else None
        kind = "name" if role is Role.FIRST_PARTY else story.mark
        self.desk.sign(token, session, _mark(kind, person.name), origin, stamp=stamp)
        if role is Role.CLIENT and story.ending == "stuck-in-sealing":
            defects.sign_but_do_not_seal(self.desk, document_id)
            return True
        self.desk.work_on(document_id)
        self._deliver(seconds=5)
        return True

    def _deliver(self, **later: float) -> None:
        self.clock.forward(**later)
        notices.deliver(self.workspace)

    def _source(self, story: Story) -> bytes:
        key = (story.language, story.pages)
        if key not in self._sources:
            heading = {"en": "Sample agreement", "de": "Mustervertrag"}[story.language]
            self._sources[key] = testing.contract(story.pages, text=heading)
        return self._sources[key]


def _mark(kind: str, name: str) -> marks.Mark:
    if kind == "drawn":
        return marks.drawn(testing.STROKES)
    if kind == "name":
        return marks.from_name(name)
    picture = Image.new("RGB", (600, 240), "white")
    ImageDraw.Draw(picture).line(
        [(60, 180), (160, 60), (240, 190), (330, 70), (420, 170), (540, 110)], fill=(20, 30, 90), width=9
    )
    data = io.BytesIO()
    picture.save(data, "PNG")
    return marks.uploaded(data.getvalue())
