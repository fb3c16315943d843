"""What holds for every sequence of steps, legal or not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from signing_core.errors import FlowError
from signing_core.flow import Channel, Role, State, Status, apply, draft
from signing_core.flow import commands as c
from signing_core.flow.commands import EventType
from signing_core.flow.values import ENDED

T0 = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
ORDER = [
    Status.DRAFT,
    Status.AWAITING_FIRST_PARTY,
    Status.SIGNING,
    Status.AWAITING_CLIENT,
    Status.SIGNING,
    Status.SEALING,
    Status.COMPLETED,
]

roles = st.sampled_from(Role)
tokens = st.sampled_from(["live", "stale"])
sessions = st.sampled_from(["s1", "s2"])


@st.composite
def moves(draw: st.DrawFn) -> tuple[str, Role, str, str, str, int]:
    kind = draw(
        st.sampled_from(
            [
                "send",
                "open",
                "request",
                "submit",
                "submit-wrong",
                "consent",
                "signature",
                "completion",
                "decline",
                "void",
                "expire",
                "remind",
                "resend",
                "replace",
                "unlock",
                "request",
                "submit",
                "consent",
                "signature",
            ]
        )
    )
    wait = draw(st.sampled_from([0, 1, 30, 90, 301, 1900, 4000, 15 * 86400]))
    return kind, draw(roles), draw(tokens), draw(sessions), draw(st.sampled_from(["live", "old"])), wait


def command(move: tuple[str, Role, str, str, str, int], state: State, number: int, now: datetime) -> c.Command:
    kind, role, token, session, page, _ = move
    party = state.party(role)
    token_hash = party.link.token_hash if party.link and token == "live" else "0" * 64
    new_link = c.NewLink(f"link-{number}", now + timedelta(days=7))
    code = c.NewCode(f"code-{number}", f"hash-{number}")
    live = party.challenge
    challenge = live.id if live and page == "live" else "code-old"
    return {
        "send": lambda: c.Send(new_link),
        "open": lambda: c.OpenLink(role, token_hash, session),
        "request": lambda: c.RequestCode(role, token_hash, session, code),
        "submit": lambda: c.SubmitCode(role, token_hash, session, challenge, live.code_hash if live else "-", code),
        "submit-wrong": lambda: c.SubmitCode(role, token_hash, session, challenge, "wrong", code),
        "consent": lambda: c.GiveConsent(role, token_hash, session, "name", False),
        "signature": lambda: c.RecordSignature(role, f"{number:064x}", 100 + number, new_link, f"CERT-{number}"),
        "completion": lambda: c.RecordCompletion(f"{number:064x}", 1000 + number),
        "decline": lambda: c.Decline(role, token_hash, session, "no"),
        "void": lambda: c.Void("withdrawn"),
        "expire": lambda: c.Expire(),
        "remind": lambda: c.Remind(new_link),
        "resend": lambda: c.Resend(new_link),
        "replace": lambda: c.ReplaceContact(role, Channel.SMS, new_link),
        "unlock": lambda: c.Unlock(role),
    }[kind]()


@settings(max_examples=400, deadline=None)
@given(st.lists(moves(), max_size=60))
def test_every_history_keeps_the_rules(history: list[tuple[str, Role, str, str, str, int]]) -> None:
    now = T0
    channels = {Role.FIRST_PARTY: Channel.EMAIL, Role.CLIENT: Channel.SMS}
    state = draft("DOC", "a" * 64, channels=channels, now=now, expires_at=T0 + timedelta(days=14))
    signed: list[Role] = []
    for number, move in enumerate(history):
        now += timedelta(seconds=move[-1])
        before = state
        try:
            state, events = apply(state, command(move, state, number, now), now)
        except FlowError:
            assert state is before
            continue
        kinds = [event.type for event in events]
        assert events, "a step that is taken leaves at least one event"
        assert before.status not in ENDED, "nothing happens after the end"
        if before.status is not state.status and state.status in ORDER:
            assert ORDER.index(state.status, ORDER.index(before.status)) - ORDER.index(before.status) <= 3
        # (3) no consent without a confirmation in this session
        if EventType.CONSENT_GIVEN in kinds:
            party = before.party(state.turn)
            assert party.confirmation is not None
            assert party.confirmation.session == move[3]
            assert before.party(state.turn).link is not None
        signed += [event.role for event in events if event.type is EventType.SIGNATURE_MADE]
        # (4) and (5)
        assert kinds.count(EventType.CODE_ISSUED) <= 1
        for role in Role:
            party = state.party(role)
            assert 0 <= party.wrong_tries < 5
            if party.challenge:
                assert party.challenge.expires_at - party.challenge.issued_at == timedelta(minutes=5)
                assert state.turn is role
            if party.link:
                assert party.link.expires_at <= state.expires_at
            assert (party.signed is None) or (party.consent is not None)
        # (1) first party before client, each once
        assert signed in ([], [Role.FIRST_PARTY], [Role.FIRST_PARTY, Role.CLIENT])
        if state.status is Status.COMPLETED:
            assert signed == [Role.FIRST_PARTY, Role.CLIENT]
        # the value survives storage
        assert State.from_json(json.loads(json.dumps(state.to_json()))) == state
