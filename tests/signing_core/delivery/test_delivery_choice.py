"""From settings to channels."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from signing_core.delivery.channels import choice
from signing_core.delivery.channels.folder import FolderChannel
from signing_core.delivery.channels.sms_json import JsonSmsChannel
from signing_core.delivery.channels.sms_twilio import TwilioSmsChannel
from signing_core.delivery.channels.smtp import SmtpChannel
from signing_core.errors import UsageError
from signing_core.storage.settings import Settings


def chosen(tmp_path: Path, **settings: Any) -> Any:
    return choice.from_settings(Settings.load(tmp_path, **settings), tmp_path)


def test_with_nothing_set_everything_goes_to_the_outbox_folder(tmp_path: Path) -> None:
    channels = chosen(tmp_path, organisation="Sample Company")
    assert isinstance(channels.email, FolderChannel) and channels.email is channels.sms
    assert channels.email.folder == tmp_path / "outbox"
    assert channels.of("email") is channels.email and channels.of("sms") is channels.sms


def test_mail_by_smtp_sms_still_to_the_folder(tmp_path: Path) -> None:
    channels = chosen(
        tmp_path,
        mail={"host": "mail.example.org", "user": "me", "password": "secret", "sender": "Signing <s@example.org>"},
    )
    assert isinstance(channels.email, SmtpChannel) and isinstance(channels.sms, FolderChannel)
    assert (channels.email.host, channels.email.port, channels.email.security) == ("mail.example.org", 587, "starttls")
    assert (channels.sender.address, channels.sender.name, channels.sender.domain) == (
        "s@example.org", "Signing", "example.org",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sms", "kind"),
    [
        ({"kind": "json", "url": "https://gateway.example.org/send", "token": "secret"}, JsonSmsChannel),
        ({"kind": "twilio", "user": "AC1", "password": "secret", "sender": "Sample"}, TwilioSmsChannel),
    ],
)
def test_sms_by_a_gateway(tmp_path: Path, sms: dict[str, Any], kind: type) -> None:
    channels = chosen(tmp_path, sms=sms)
    assert isinstance(channels.sms, kind) and isinstance(channels.email, FolderChannel)
    assert "secret" not in repr(channels)


def test_a_sender_without_a_name_takes_the_organisations(tmp_path: Path) -> None:
    sender = chosen(tmp_path, organisation="Müller & Söhne", mail={"sender": "s@example.org"}).sender
    assert (sender.address, sender.name) == ("s@example.org", "Müller & Söhne")


@pytest.mark.parametrize("sender", ["", "nobody", "a@b\r\nBcc: x@y.z", "a b@example.org", "ä@example.org"])
def test_a_sender_must_be_an_address(tmp_path: Path, sender: str) -> None:
    with pytest.raises(UsageError, match=r"mail\.sender"):
        chosen(tmp_path, mail={"sender": sender})


@pytest.mark.parametrize(
    "settings",
    [
        {"mail": {"host": "mail.example.org", "security": "none"}},
        {"sms": {"kind": "json", "url": "http://gateway.example.org/send"}},
    ],
)
def test_nothing_crosses_a_network_in_the_clear(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="in the clear"):
        chosen(tmp_path, **settings)


def test_who_uses_the_folder_does_not_pay_for_http() -> None:
    code = "import sys, signing_core.delivery.channels.choice, signing_core.delivery.outbox; print('http.client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
