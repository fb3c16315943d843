from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from signing_core.errors import UsageError
from signing_core.storage.settings import Settings, Token
from signing_core.storage.settings_file import FILE_NAME, initial_file, toml


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


def _leaves(model: type[BaseModel] = Settings, *above: str) -> list[tuple[str, ...]]:
    """Every setting that has a value of its own."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _leaves(kind, *above, name)
        else:
            found.append((*above, name))
    return found


def _toml(path: tuple[str, ...], value: str) -> str:
    *tables, name = path
    return (f"[{'.'.join(tables)}]\n" if tables else "") + f"{name} = {value}\n"


@pytest.mark.parametrize("path", [*_leaves(), *(("keys", "tokens", "seal", name) for name in Token.model_fields)])
def test_every_bad_value_is_one_sentence_with_file_setting_need_and_example(
    tmp_path: Path, path: tuple[str, ...]
) -> None:
    table = path[:3] == ("keys", "tokens", "seal")
    whole = {"module": "'a'", "token_label": "'a'", "key_label": "'a'", path[-1]: "[['zzz']]"}
    text = "".join(f"{name} = {value}\n" for name, value in whole.items()) if table else _toml(path, "[['zzz']]")
    with pytest.raises(UsageError) as caught:
        Settings.load(_write(tmp_path, f"[keys.tokens.seal]\n{text}" if table else text))
    message = str(caught.value)
    key = ".".join(path)
    assert message.startswith(f"The setting {key} from {tmp_path / FILE_NAME} cannot be used: it needs "), message
    assert "such as `" in message or " or " in message or path[-1] in ("password", "token", "tokens"), message
    said = message.replace(str(tmp_path), "")
    assert said.endswith(".") and not any(sign in said for sign in ("^", "$", "\\", "\n", "zzz", "input", "string"))


@pytest.mark.parametrize(
    ("path", "value", "needs"),
    [
        (
            ("base_url",),
            "'sign.example.org'",
            "it needs a web address that begins with https:// or http:// and has no space",
        ),
        (("base_url",), "'https://a.example/?x'", 'such as `base_url = "https://sign.example.org"`.'),
        (("public_host",), "'https://sign.example.org'", 'such as `public_host = "sign.example.org"`.'),
        (("phone_region",), "'Germany'", 'it needs a country\'s two capital letters, such as `phone_region = "DE"`.'),
        (("time_zone",), "'Berlin'", 'such as `time_zone = "Europe/Berlin"`.'),
        (("time_zone",), "'../etc/passwd'", "it needs the name of a time zone"),
        (("database_url",), "'mysql://host/name'", "it needs the address of an SQLite or PostgreSQL database"),
        (("organisation",), "''", "it needs a name of 1 to 200 characters"),
        (("mail", "port"), "0", "it needs a whole number from 1 to 65535, such as `port = 587` under [mail]."),
        (("mail", "timeout_seconds"), "0", "it needs a number above 0 and up to 300, such as `timeout_seconds = 20`"),
        (("mail", "security"), "'ssl'", 'it needs "starttls", "tls" or "none".'),
        (("mail", "sender"), "'nobody'", "it needs an e-mail address"),
        (("sms", "url"), "'gateway'", "it needs the gateway's web address"),
        (("time_stamps", "url"), "'authority'", "it needs the authority's web address"),
        (("links", "reminder_days"), "[7, 3]", "it needs different days, from 1 on, in ascending order, such as"),
        (("audit_log", "origin"), "'a b'", "it needs a name of up to 200 characters, without spaces and +"),
        (("audit_log", "witnesses"), "['x']", 'such as `witnesses = ["https://witness.example"]` under [audit_log].'),
        (("access", "administrators"), "['nobody']", "it needs a list of e-mail addresses"),
    ],
)
def test_what_a_setting_needs_is_said(tmp_path: Path, path: tuple[str, ...], value: str, needs: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.load(_write(tmp_path, _toml(path, value)))
    assert needs in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mail = 'x'", "The setting mail from {file} cannot be used: it needs settings of its own, a name and a value each, "
         "under a line `[mail]`."),
        ("[keys.tokens.foo]\nmodule = 'x'", "There is no setting keys.tokens.foo (from {file}); correct its name or remove it."),
        ("[keys.tokens.seal]\nmodule = 'x'", "The setting keys.tokens.seal.token_label is missing from {file}: it needs a text in "
         "quotes, such as `token_label = \"sealtrail\"` under [keys.tokens.seal]."),
        ("[sms]\nkind = 'twilio'", "The setting sms from {file} cannot be used: kind twilio needs user, password and sender, such as "
         "`sender = \"+4930123456\"` under [sms]."),
    ],
)  # fmt: skip
def test_tables_are_explained_too(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.load(_write(tmp_path, text))
    assert str(caught.value) == said.format(file=tmp_path / FILE_NAME)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SEALTRAIL_BASE_URL", "x", "such as SEALTRAIL_BASE_URL=https://sign.example.org."),
        ("SEALTRAIL_MAIL__PORT", "x", "it needs a whole number from 1 to 65535, such as SEALTRAIL_MAIL__PORT=587."),
        ("SEALTRAIL_LINKS__REMINDER_DAYS", "3,7", "it needs a list of whole numbers, such as SEALTRAIL_LINKS__REMINDER_DAYS=[3, 7, 12]."),
        ("SEALTRAIL_MAIL", "x", "The environment variable SEALTRAIL_MAIL cannot be used: it needs a JSON object of its settings."),
        ("SEALTRAIL_KEYS__TOKENS", "x", "The environment variable SEALTRAIL_KEYS__TOKENS cannot be used: it needs a JSON object"),
    ],
)  # fmt: skip
def test_the_environment_gets_examples_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError) as caught:
        Settings.load(tmp_path)
    assert said in str(caught.value) and name in str(caught.value)


def test_what_a_caller_gives_is_named_as_given(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        Settings.load(_write(tmp_path, "base_url = 'https://sign.example.org'\n"), base_url="example.org")
    assert str(caught.value).startswith("The setting base_url as given cannot be used: it needs a web address")


def test_every_example_can_be_used(tmp_path: Path) -> None:
    """What a message proposes is accepted."""
    for path in _leaves():
        model: Any = Settings
        for part in path[:-1]:
            model = model.model_fields[part].annotation
        field = model.model_fields[path[-1]]
        if field.examples:
            settings: Any = Settings.load(_write(tmp_path, _toml(path, toml(field.examples[0]))))
            for part in path:
                settings = getattr(settings, part)
            assert str(settings) == str(field.examples[0])


def test_the_page_describes_every_setting_with_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+?) \|", page, re.MULTILINE))
    assert set(rows) == {".".join(path) for path in _leaves()}
    for path in _leaves():
        default: Any = Settings()
        for part in path:
            default = getattr(default, part)
        if default is None:
            assert rows[".".join(path)] == "none" or path[-1] in ("public_host", "origin")
        else:
            assert rows[".".join(path)] == (f"`{toml(default)}`" if default != {} else "`{}`")


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
