"""Both tables of docs/signing-flow.md, run row by row against the state machine."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing_core.errors import FlowError
from signing_core.flow import Channel, Role, State, apply, draft
from signing_core.flow import commands as c
from signing_core.flow.commands import EventType

PAGE = Path(__file__).parents[3] / "docs" / "signing-flow.md"
T0 = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
EXPIRES = T0 + timedelta(days=14)


def table(heading: str) -> list[dict[str, str]]:
    section = PAGE.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")
    ]
    return [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def link(text: str) -> c.NewLink:
    return c.NewLink(hashed(text), EXPIRES)


def new_draft() -> State:
    channels = {Role.FIRST_PARTY: Channel.EMAIL, Role.CLIENT: Channel.SMS}
    return draft("DOC", hashed("prepared"), channels=channels, now=T0, expires_at=EXPIRES)


def consented(state: State, role: Role, now: datetime) -> State:
    token = state.party(role).link.token_hash
    state, _ = apply(state, c.RequestCode(role, token, "session", c.NewCode("c1", "right")), now)
    state, _ = apply(state, c.SubmitCode(role, token, "session", "c1", "right", c.NewCode("c2", "x")), now)
    state, _ = apply(state, c.GiveConsent(role, token, "session", "drawn", False), now)
    return state


def states() -> dict[str, State]:
    """One state for each row of the first table, all reached at T0."""
    found = {"draft": new_draft()}
    found["awaiting-first-party"] = apply(found["draft"], c.Send(link("first")), T0)[0]
    found["signing (first party)"] = consented(found["awaiting-first-party"], Role.FIRST_PARTY, T0)
    signature = c.RecordSignature(Role.FIRST_PARTY, hashed("one"), 1000, link=link("client"))
    found["awaiting-client"] = apply(found["signing (first party)"], signature, T0)[0]
    found["signing (client)"] = consented(found["awaiting-client"], Role.CLIENT, T0)
    signature = c.RecordSignature(Role.CLIENT, hashed("two"), 2000, certificate_id="CERT")
    found["sealing"] = apply(found["signing (client)"], signature, T0)[0]
    found["completed"] = apply(found["sealing"], c.RecordCompletion(hashed("three"), 3000), T0)[0]
    waiting = found["awaiting-client"]
    token = waiting.client.link.token_hash
    found["declined"] = apply(waiting, c.Decline(Role.CLIENT, token, "session", "not agreed"), T0)[0]
    found["expired"] = apply(waiting, c.Expire(), EXPIRES + timedelta(seconds=1))[0]
    found["voided"] = apply(waiting, c.Void("sent by mistake"), T0)[0]
    return found


def step(name: str, state: State) -> tuple[State, datetime]:
    """`state` after the step `name`, taken by the party whose turn it is, at a time that suits the step."""
    role = state.turn or Role.CLIENT
    party = state.party(role)
    token = party.link.token_hash if party.link else hashed("client")
    later = T0 + timedelta(minutes=5)
    if name == "consent" and state.status.startswith("awaiting"):
        state, _ = apply(state, c.RequestCode(role, token, "session", c.NewCode("c9", "right")), later)
        typed = c.SubmitCode(role, token, "session", "c9", "right", c.NewCode("c10", "x"))
        state, _ = apply(state, typed, later)
    commands = {
        "send": c.Send(link("again")),
        "open": c.OpenLink(role, token, "session"),
        "code": c.RequestCode(role, token, "session", c.NewCode("c9", "right")),
        "consent": c.GiveConsent(role, token, "session", "name", False),
        "signature": c.RecordSignature(role, hashed("s"), 5000, link=link("client"), certificate_id="CERT"),
        "completion": c.RecordCompletion(hashed("f"), 9000),
        "decline": c.Decline(role, token, "session", "not agreed"),
        "void": c.Void("a mistake", cause="it could not be sealed" if state.status == "sealing" else None),
        "expire": c.Expire(),
        "remind": c.Remind(link("reminder")),
        "resend": c.Resend(link("resend")),
        "replace-contact": c.ReplaceContact(role, Channel.EMAIL, link("elsewhere")),
        "unlock": c.Unlock(role),
    }
    now = EXPIRES + timedelta(seconds=1) if name == "expire" else later
    return apply(state, commands[name], now)[0], now


CELLS = [
    (row["status"], name, expected)
    for row in table("Steps by status")
    for name, expected in row.items()
    if name != "status"
]


@pytest.mark.parametrize(("status", "name", "expected"), CELLS, ids=[f"{s}:{n}" for s, n, _ in CELLS])
def test_step_by_status(status: str, name: str, expected: str) -> None:
    before = states()[status]
    if expected == "-":
        with pytest.raises(FlowError) as refused:
            step(name, before)
        assert not re.search(r"(first|awaiting)-", str(refused.value))  # a sentence, in words
    else:
        assert step(name, before)[0].status == expected


def test_the_table_names_every_status_and_every_step() -> None:
    rows = table("Steps by status")
    assert {row["status"] for row in rows} == set(states())
    submit_code_has_its_own_table = 1
    assert len(rows[0]) - 1 == len(c.Command.__args__) - submit_code_has_its_own_table


def seconds(text: str) -> timedelta:
    minutes, rest = text.split(":")
    return timedelta(minutes=int(minutes), seconds=int(rest))


@pytest.mark.parametrize("row", table("Codes"), ids=lambda row: " / ".join(list(row.values())[:3]))
def test_code_row(row: dict[str, str]) -> None:
    role = Role.CLIENT
    state = states()["awaiting-client"]
    token = state.client.link.token_hash
    situation = row["situation"]
    page = "live"
    if situation != "none asked for":
        request = c.RequestCode(role, token, "session", c.NewCode("live", "right"))
        state, _ = apply(state, request, T0)
    if before := re.search(r"(\d) wrong before", situation):
        state = state.with_party(replace(state.client, wrong_tries=int(before[1])))
    if "stale page" in situation:
        page = "earlier"
    session = "another" if "other session" in situation else "session"
    if situation == "already confirmed":
        state, _ = apply(state, c.SubmitCode(role, token, session, "live", "right", c.NewCode("n", "n")), T0)
    if situation == "locked":
        state = state.with_party(replace(state.client, wrong_tries=4))
        state, _ = apply(state, c.SubmitCode(role, token, session, "live", "bad", c.NewCode("n", "n")), T0)
    if situation == "replaced by a newer one":
        newer = c.RequestCode(role, token, session, c.NewCode("newer", "newer"))
        state, _ = apply(state, newer, T0 + timedelta(minutes=1))
        page = "newer"
    if situation == "link replaced":
        state, _ = apply(state, c.Resend(link("newest")), T0 + timedelta(minutes=2))
    if situation == "contact replaced":
        command = c.ReplaceContact(role, Channel.EMAIL, link("elsewhere"))
        state, _ = apply(state, command, T0 + timedelta(minutes=2))

    now = T0 + seconds(row["at"])
    typed = {"right": "right", "wrong": "bad", "old": "right"}[row["typed"]]
    try:
        state, events = apply(state, c.SubmitCode(role, token, session, page, typed, c.NewCode("new", "new")), now)
    except FlowError as error:
        answer, events = error.code, ()
    else:
        kinds = {event.type for event in events}
        answer = (
            "confirmed"
            if EventType.CODE_CONFIRMED in kinds
            else "step-locked"
            if EventType.STEP_LOCKED in kinds
            else "code-wrong"
        )
    messages = sum(event.type is EventType.CODE_ISSUED for event in events)
    seen = (answer, str(state.client.wrong_tries), str(messages), "yes" if state.client.challenge else "no")
    assert seen == (row["answer"], row["wrong tries"], row["new messages"], row["live afterwards"])


def test_ten_wrong_tries_from_one_page_are_five_judged_one_replacement_then_locked() -> None:
    role = Role.CLIENT
    state = states()["awaiting-client"]
    token = state.client.link.token_hash
    state, _ = apply(state, c.RequestCode(role, token, "session", c.NewCode("live", "right")), T0)
    judged = sent = locked = 0
    for number in range(10):
        typed = c.SubmitCode(role, token, "session", "live", "bad", c.NewCode(f"n{number}", f"n{number}"))
        try:
            state, events = apply(state, typed, T0 + timedelta(seconds=1))
        except FlowError as error:
            locked += error.code == "step-locked"
            continue
        judged += sum(event.type is EventType.CODE_WRONG for event in events)
        sent += sum(event.type is EventType.CODE_ISSUED for event in events)
    assert (judged, sent, locked) == (5, 1, 5)
