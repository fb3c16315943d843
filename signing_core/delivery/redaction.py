"""Keeps tokens and codes out of every log, whoever writes it.

`install()` puts the redaction where records are made, so it holds for every logger, handler and formatter, also for
those that a server configures later: ours, uvicorn (access lines), SQLAlchemy (parameters). What
it takes out: link tokens (runs of 43 and more URL-safe base64 characters in mixed case), whatever follows `/s/` and
`/d/` in a path, groups of six digits, and passwords in URLs. It takes out too much rather than too little.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, Final

TOKEN: Final = "[token]"  # noqa: S105 - what stands in a token's place
CODE: Final = "[code]"

_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9_-])(?=[A-Za-z0-9_-]*[a-z])(?=[A-Za-z0-9_-]*[A-Z])[A-Za-z0-9_-]{43,}")
_PATH: Final = re.compile(r"(/[sd]/)[^\s/?#\"'<>]{16,}", re.IGNORECASE)
_CODE: Final = re.compile(
    r"(?:(?<![A-Za-z0-9_])(?<!\d[.])|(?<=%20))(?:\d{6}|\d{3}(?:[ \u00a0+-]|%20)\d{3})(?![A-Za-z0-9_]|[.]\d)"
)
_PASSWORD: Final = re.compile(r"(://[^\s/:@]*:)[^\s/@]+(?=@)")

_LONGEST: Final = 2000
_ADDRESS: Final = re.compile(r"[^\s<>:;,\"'()]+@[^\s<>:;,\"'()]+")
_NUMBER: Final = re.compile(r"\+?\d[\d ()/-]{5,}\d")


def redact(text: str) -> str:
    """`text` without tokens, codes and passwords."""
    text = _PATH.sub(rf"\1{TOKEN}", text)
    text = _TOKEN.sub(TOKEN, text)
    text = _PASSWORD.sub(r"\1[password]", text)
    return _CODE.sub(CODE, text)


def harmless(text: str, limit: int = 300) -> str:
    """What a foreign server said, fit for a table and a log: one line, without addresses, numbers, tokens and codes."""
    if len(text) > _LONGEST:
        text = text[:_LONGEST].rpartition(" ")[0]  # no half of a token at the end
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    line = _NUMBER.sub("[number]", _ADDRESS.sub("[address]", redact(line)))
    return line if len(line) <= limit else line[: limit - 1] + "…"


class Redaction(logging.Filter):
    """For a handler that gets its records past `install`, for example from another process."""

    def filter(self, record: logging.LogRecord) -> bool:
        clean(record)
        return True


def install() -> None:
    """Redact every record of this process from now on. Calling it again changes nothing."""
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Factory):
        logging.setLogRecordFactory(_Factory(make))


def clean(record: logging.LogRecord) -> None:
    """Redact one record in place: message, arguments, exception, stack."""
    try:
        message = record.getMessage()
    except Exception:  # a broken format string or a broken __str__: keep what can be kept
        message = f"{record.msg!r} with unprintable arguments"
        record.msg, record.args = redact(message), ()
    redacted = redact(message)
    if redacted != message:
        if record.name == "uvicorn.access" and isinstance(record.args, tuple):
            # uvicorn's formatter takes the arguments apart by their position.
            record.args = tuple(redact(value) if isinstance(value, str) else value for value in record.args)
        else:
            record.msg, record.args = redacted, ()
    if record.exc_info and record.exc_info[0] is not None:
        # Formatters print `exc_text` where it is set, and cannot print the exception itself any more.
        record.exc_text = redact(record.exc_text or logging.Formatter().formatException(record.exc_info))
        record.exc_info = None
    elif record.exc_text:
        record.exc_text = redact(record.exc_text)
    if record.stack_info:
        record.stack_info = redact(record.stack_info)


class _Factory:
    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: Any, **keywords: Any) -> logging.LogRecord:
        record = self._make(*args, **keywords)
        clean(record)
        return record
