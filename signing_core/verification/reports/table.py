"""For people at a terminal: a line for each document, what signed it, and what there is to say about it."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import IO, Final

import click

from signing_core.verdict import DocumentVerdict, SignatureVerdict
from signing_core.verification.reports.words import WORDS

_COLOURS: Final = {"intact": "green", "altered": "red", "indeterminate": "yellow", "unsigned": "blue"}
_SEVERITIES: Final = {"error": "red", "warning": "yellow"}
_MOST_FINDINGS: Final = 8


class TableWriter:
    def __init__(self, stream: IO[bytes], language: str, colour: bool) -> None:
        self._stream = stream
        self._words = WORDS[language]
        self._colour = colour
        self._counts: dict[str, int] = {}

    def write(self, verdict: DocumentVerdict) -> None:
        state = str(verdict.integrity)
        self._counts[state] = self._counts.get(state, 0) + 1
        head = self._style(f"{self._words[state]:<11}", _COLOURS[state], bold=True)
        indication = " / ".join(str(part) for part in (verdict.indication, verdict.sub_indication) if part)
        self._line(f"{head} {visible(verdict.path or '-')}" + (f"  {indication}" if indication else ""))
        for signature in verdict.signatures:
            self._line(f"            {self._signature(signature)}")
        shown = [f for f in verdict.all_findings if f.severity in _SEVERITIES]
        for finding in shown[:_MOST_FINDINGS]:
            said = verdict.why if finding is shown[0] else finding.message
            first, *rest = textwrap.wrap(visible(said or ""), 96) or [""]
            mark = self._style(f"{finding.code}", _SEVERITIES[finding.severity])
            self._line(f"            {mark}: {first}")
            for line in rest:
                self._line(f"              {line}")
        if len(shown) > _MOST_FINDINGS:
            self._line(f"            +{len(shown) - _MOST_FINDINGS}")
        self._stream.flush()

    def close(self) -> None:
        total = sum(self._counts.values())
        if total > 1:
            parts = [f"{count} {self._words[state]}" for state, count in sorted(self._counts.items())]
            self._line(f"{total} {self._words['documents']}: {', '.join(parts)}")
        self._stream.flush()

    def _signature(self, signature: SignatureVerdict) -> str:
        words = self._words
        who = visible(signature.signer or words["nobody"])
        what = words["signed by"] if signature.kind == "signature" else words["document time-stamp"]
        time = signature.proven_time or signature.claimed_time
        when = f" {words['on']} {_moment(time)}" if time else ""
        if time and signature.proven_time is None:
            when += f" ({words['says']})"
        parts = [signature.role, signature.level, words[str(signature.trust)]]
        return f"{what} {who}{when} [{', '.join(part for part in parts if part)}]"

    def _style(self, text: str, colour: str, *, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold) if self._colour else text

    def _line(self, text: str) -> None:
        self._stream.write(text.rstrip().encode("utf-8", "backslashreplace") + b"\n")


def _moment(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} +00:00"


def visible(text: str) -> str:
    """What a stranger wrote into a file or its name must not drive the terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)
