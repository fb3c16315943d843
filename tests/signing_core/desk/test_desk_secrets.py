"""Tokens and codes are in the messages and nowhere else: not in a table, a file or a log, while they live or after."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from signing_core.desk import Desk, Origin
from signing_core.errors import CodeRejected
from signing_core.flow import Role
from signing_core.testing import DIRECTOR, Play, code_for, received, token_for, wrong


def secrets_in(play: Play) -> set[str]:
    found: set[str] = set()
    for message in received(play.workspace):
        found |= set(re.findall(r"/[sd]/([A-Za-z0-9_-]{43})", message.text))
        for grouped in re.findall(r"\b(\d{3} \d{3})\b", message.text):
            found |= {grouped, grouped.replace(" ", "")}
    return found


def assert_nowhere(workspace: Path, secrets: set[str], log: str) -> None:
    assert len(secrets) >= 3
    for file in workspace.rglob("*"):
        if not file.is_file() or file.is_relative_to(workspace / "outbox"):
            continue
        content = file.read_bytes()
        for secret in secrets:
            # Six digits in a row occur by chance in hashes and coordinates: a code counts where no other digit touches it.
            pattern = rb"(?<![0-9a-fA-F.])" + re.escape(secret.encode()) + rb"(?![0-9a-fA-F.])"
            if file.suffix == ".pdf" or "objects" in file.parts:
                pattern = re.escape(secret.encode()) if len(secret) == 43 else b"(?!)"
            assert not re.search(pattern, content), f"{file} holds a secret"
    for secret in secrets:
        assert secret not in log


def test_after_a_whole_flow(play: Play, desk: Desk, source: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    document_id = play.create(source)
    play.to_completion(document_id)
    assert_nowhere(desk.workspace.path, secrets_in(play), caplog.text)


def test_while_links_and_codes_are_live(
    play: Play, desk: Desk, source: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    document_id = play.create(source)
    desk.send(document_id)
    play.deliver()
    token = token_for(desk.workspace, DIRECTOR.contact)
    origin = Origin("192.0.2.1", "a browser")
    challenge = desk.request_code(token, "session", origin)
    play.deliver()
    with pytest.raises(CodeRejected) as refused:
        desk.submit_code(token, "session", challenge, wrong(code_for(desk.workspace, DIRECTOR.contact)), origin)
    desk.replace_contact(
        document_id, Role.FIRST_PARTY, "elsewhere@example.org"
    )  # leaves a message waiting in the outbox
    assert_nowhere(desk.workspace.path, secrets_in(play), caplog.text + str(refused.value))


def test_reprs_hold_no_secret(play: Play, desk: Desk, source: bytes) -> None:
    from signing_core.desk import steps
    from signing_core.flow.commands import NewLink, Send

    prepared = steps.Prepared(Send(NewLink("hash", desk.clock())), link_token="T" * 43, code_digits="123456")
    assert "T" * 43 not in repr(prepared)
    assert "123456" not in repr(prepared)
