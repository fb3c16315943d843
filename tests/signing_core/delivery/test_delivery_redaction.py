from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing_core.delivery import redaction, tokens
from signing_core.delivery.channels.sms_json import JsonSmsChannel

TOKEN = "kT3v-Zq_8wXy1LmN4pQrS5tUv6WxYz7Ab8Cd9Ef0GhI"
CODE = "042917"


@pytest.fixture
def installed() -> Iterator[io.StringIO]:
    """Redaction installed, and everything that is logged anywhere as text."""
    before = logging.getLogRecordFactory()
    redaction.install()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    logging.setLogRecordFactory(before)


def clean(text: str) -> None:
    assert TOKEN not in text and TOKEN[:20] not in text
    assert CODE not in text and "042 917" not in text


@pytest.mark.parametrize(
    "line",
    [
        f"GET /s/{TOKEN} HTTP/1.1",
        f"https://sign.example.org/s/{TOKEN}?x=1#y",
        f"https://sign.example.org/d/{TOKEN}/contract.pdf",
        f"/s/{TOKEN[:20]}%2D{TOKEN[21:]}",
        f"/S/{TOKEN}",
        f"token={TOKEN}",
        f"'{TOKEN}'",
        f"{{'token': '{TOKEN}', 'code': '{CODE}'}}",
        f"code {CODE}",
        f"code={CODE}&x=1",
        "the code is 042 917.",
        "042-917",
        "code=042+917&x=1",
        "/x?code=042%20917",
        "code%20042917",
        "Your code.042917",
        f"INSERT ... [('{CODE}', 'client')]",
        f"Cookie: session={TOKEN}; Path=/",
        f"{TOKEN}{TOKEN}",
    ],
)
def test_secrets_disappear(line: str) -> None:
    clean(redaction.redact(line))


@pytest.mark.parametrize(
    "line",
    [
        "01JDOCUMENT000000000000000 completed in 1234 ms",
        "ab" * 32,  # a SHA-256
        "2026-11-25T13:00:00.123456+00:00",
        "port 49152, 12345 bytes, 1234567 bytes",
        "/s/help",
        "test_of_a_rather_long_name_that_has_no_capitals_at_all",
        "/v/ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "no. A123456",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert redaction.redact(line) == line


def test_passwords_in_urls_disappear() -> None:
    assert redaction.redact("postgresql://me:secret@db/x") == "postgresql://me:[password]@db/x"


@given(
    st.text(max_size=30),
    st.text(max_size=30),
    st.sampled_from(["/", "=", '"', " ", ":"]),
    st.sampled_from(["", " ", "?", '"']),
)
def test_a_new_token_disappears_wherever_it_stands(before: str, after: str, left: str, right: str) -> None:
    token, _ = tokens.new_token()
    assert token not in redaction.redact(before + left + token + right + (after if right else ""))


@given(st.text())
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redaction.redact(text)
    assert redaction.redact(once) == once


@given(st.text(max_size=1000))
def test_what_a_server_said_becomes_one_harmless_line(text: str) -> None:
    line = redaction.harmless(text)
    assert len(line) <= 300 and line.isprintable()


def test_addresses_and_numbers_disappear_from_what_a_server_said() -> None:
    said = redaction.harmless(
        "550 5.1.1 <erika@example.org>: unknown\r\nor +49 171 3920012, see https://x.example/s/" + TOKEN
    )
    assert said == "550 5.1.1 <[address]>: unknown or [number], see https://x.example/s/[token]"


def test_a_long_answer_is_cut_quickly() -> None:
    assert len(redaction.harmless("x" * 1_000_000)) <= 300
    assert "kT3v" not in redaction.harmless("a@b " * 497 + TOKEN * 3)


def test_every_logger_is_covered(installed: io.StringIO) -> None:
    for name in ("signing_core.desk", "httpx", "uvicorn.error", "sqlalchemy.engine", "anybody"):
        log = logging.getLogger(name)
        log.warning("opened /s/%s with %s", TOKEN, CODE)
        log.warning("opened /s/" + TOKEN)
        log.warning("%(token)s %(code)s", {"token": TOKEN, "code": CODE})
        log.warning("%r", {"code": CODE, "other": [TOKEN]})
        log.warning("%d", int("942917"))
        log.warning(RuntimeError(TOKEN))
    text = installed.getvalue()
    clean(text)
    assert "942917" not in text
    assert text.count("opened /s/[token]") == 10


def test_exceptions_and_stacks_are_covered(installed: io.StringIO) -> None:
    try:
        try:
            raise ValueError(f"no such link {TOKEN}")
        except ValueError as error:
            raise KeyError(CODE) from error
    except KeyError:
        logging.getLogger("anybody").exception("failed for /s/%s", TOKEN)
        logging.getLogger("anybody").warning("once more", exc_info=True, stack_info=True)
    text = installed.getvalue()
    clean(text)
    assert "Traceback" in text and "KeyError: '[code]'" in text and "ValueError: no such link [token]" in text


def test_no_formatter_gets_hold_of_the_exception_itself(installed: io.StringIO) -> None:
    kept: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = kept.append  # type: ignore[method-assign]
    log = logging.getLogger("anybody")
    log.addHandler(handler)
    try:
        raise ValueError(TOKEN)
    except ValueError:
        log.exception("failed")
    finally:
        log.removeHandler(handler)
    (record,) = kept
    assert record.exc_info is None
    clean(repr(vars(record)))


def test_broken_records_are_kept_and_covered(installed: io.StringIO) -> None:
    logging.getLogger("anybody").info("%d links " + TOKEN, "many")
    assert "%d links [token]" in installed.getvalue()
    clean(installed.getvalue())


def test_uvicorn_formats_its_access_lines_as_ever(installed: io.StringIO) -> None:
    record = logging.getLogger("uvicorn.access").makeRecord(
        "uvicorn.access", logging.INFO, "x.py", 1, '%s - "%s %s HTTP/%s" %d',
        ("127.0.0.1:123456", "GET", f"/s/{TOKEN}?code={CODE}", "1.1", 200), None,
    )  # fmt: skip
    assert isinstance(record.args, tuple) and len(record.args) == 5 and record.args[4] == 200
    clean(record.getMessage())
    assert '"GET /s/[token]' in record.getMessage()


def test_harmless_records_keep_their_arguments(installed: io.StringIO) -> None:
    record = logging.getLogger("uvicorn.error").makeRecord(
        "uvicorn.error", logging.INFO, "x.py", 1, "Uvicorn running on %s://%s:%d", ("http", "127.0.0.1", 8501), None
    )
    assert record.args == ("http", "127.0.0.1", 8501)


def test_installing_twice_is_once(installed: io.StringIO) -> None:
    first = logging.getLogRecordFactory()
    redaction.install()
    assert logging.getLogRecordFactory() is first


def test_a_filter_for_records_from_elsewhere() -> None:
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "opened /s/%s", (TOKEN,), None)
    assert redaction.Redaction().filter(record)
    clean(record.getMessage())


def test_no_token_of_a_url_is_logged(installed: io.StringIO, gateway: Any, sample: SimpleNamespace) -> None:
    channel = JsonSmsChannel(f"{gateway.url}/s/{TOKEN}?code={CODE}")
    channel.send(sample.outgoing(b"042 917", channel="sms", recipient="+491713920012"), now=sample.start)
    clean(installed.getvalue())
