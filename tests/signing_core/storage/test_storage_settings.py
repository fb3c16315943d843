from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core.errors import UsageError
from signing_core.storage.settings import FILE_NAME, Settings, initial_file


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("SEALTRAIL_"):
            monkeypatch.delenv(name)


def _write(folder: Path, text: str) -> Path:
    (folder / FILE_NAME).write_text(text)
    return folder


def test_defaults_work_with_nothing_configured(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path)
    assert settings.mail.host is None
    assert settings.sms.kind == "none"
    assert settings.links.lifetime_days == 14
    assert settings.host == "localhost:8501"
    assert settings.time_stamps.url is None


def test_environment_before_file_before_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(tmp_path, 'organisation = "File"\nlanguage = "de"\n[mail]\nhost = "file.example"\nport = 25\n')
    monkeypatch.setenv("SEALTRAIL_ORGANISATION", "Environment")
    monkeypatch.setenv("SEALTRAIL_MAIL__HOST", "environment.example")
    monkeypatch.setenv("SEALTRAIL_LINKS__REMINDER_DAYS", "[1, 2]")
    settings = Settings.load(tmp_path)
    assert (settings.organisation, settings.language) == ("Environment", "de")
    assert (settings.mail.host, settings.mail.port, settings.mail.security) == ("environment.example", 25, "starttls")
    assert settings.links.reminder_days == (1, 2)
    assert Settings.load(tmp_path, organisation="Given").organisation == "Given"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("organization = 'x'", "organization"),
        ("[mail]\nhots = 'x'", "mail.hots"),
        ("[mail]\nport = 'many'", "mail.port"),
        ("[mail]\nport = 0", "mail.port"),
        ("language = 'fr'", "language"),
        ("[sms]\nkind = 'json'", "kind json needs url"),
        ("[links]\nreminder_days = [7, 3]", "links.reminder_days"),
        ("mail = 'x'", "mail"),
        ("phone_region = 'Germany'", "phone_region"),
        ("base_url = 'example.org'", "base_url"),
        ("= nonsense", "is not TOML"),
        ("organisation = 'a'\norganisation = 'b'", "is not TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.load(_write(tmp_path, text))
    message = str(caught.value)
    assert str(tmp_path / FILE_NAME) in message
    assert said in message
    assert "\n" not in message.partition("is not TOML")[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SEALTRAIL_MAIL__PORT", "many"),
        ("SEALTRAIL_LANGUAGE", "fr"),
        ("SEALTRAIL_MAIL__HOTS", "x"),
        ("SEALTRAIL_MAIL", "{"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    _write(tmp_path, "[mail]\nhost = 'mail.example'\n")
    with pytest.raises(UsageError) as caught:
        Settings.load(tmp_path)
    assert name.removeprefix("SEALTRAIL_").lower() in str(caught.value).lower().replace(".", "__")
    assert FILE_NAME not in str(caught.value)


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    secret = "correct horse battery staple"
    settings = Settings.load(_write(tmp_path, f"[mail]\npassword = '{secret}'\n"))
    assert secret not in repr(settings)
    with pytest.raises(UsageError) as caught:
        Settings.load(_write(tmp_path, f"[mail]\npassword = ['{secret}']\n"))
    assert secret not in str(caught.value)
    assert caught.value.__cause__ is None


def test_an_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        Settings.load(tmp_path)


@given(st.text(max_size=40).filter(lambda text: "\r" not in text), st.integers(1, 65535))
def test_the_file_of_a_new_workspace_says_what_was_given(name: str, port: int) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    given_values = {"organisation": name, "mail": {"host": name, "port": port}, "links": {"reminder_days": [1, 2]}}
    assert tomllib.loads(initial_file(given_values)) == given_values
