"""Verdicts written down: a table, JSON lines, CSV, Parquet, a self-contained HTML page.

`writer(kind, stream)` gives an `interface.Writer`; `atomic` is a file that appears only when it is whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, Final

from signing_core.errors import UsageError
from signing_core.verification.reports.interface import Writer

FORMATS: Final = ("table", "jsonl", "csv", "parquet", "html")


def writer(kind: str, stream: IO[bytes], *, language: str = "en", colour: bool = False) -> Writer:
    """A writer of one of `FORMATS`. Raises `UsageError` for another, or when what it needs is not installed."""
    makers: dict[str, Callable[[], Writer]] = {
        "table": lambda: _table(stream, language, colour),
        "jsonl": lambda: _jsonl(stream),
        "csv": lambda: _csv(stream),
        "parquet": lambda: _parquet(stream),
        "html": lambda: _html(stream, language),
    }
    if kind not in makers:
        raise UsageError(f"There is no report format {kind!r}; choose one of {', '.join(FORMATS)}.")
    return makers[kind]()


def _table(stream: IO[bytes], language: str, colour: bool) -> Writer:
    from signing_core.verification.reports.table import TableWriter

    return TableWriter(stream, language, colour)


def _jsonl(stream: IO[bytes]) -> Writer:
    from signing_core.verification.reports.jsonl import JsonLinesWriter

    return JsonLinesWriter(stream)


def _csv(stream: IO[bytes]) -> Writer:
    from signing_core.verification.reports.rows import CsvWriter

    return CsvWriter(stream)


def _parquet(stream: IO[bytes]) -> Writer:
    try:
        from signing_core.verification.reports.parquet import ParquetWriter
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow; install it with `pip install sealtrail[parquet]`.") from error
    return ParquetWriter(stream)


def _html(stream: IO[bytes], language: str) -> Writer:
    from signing_core.verification.reports.html import HtmlWriter

    return HtmlWriter(stream, language)
