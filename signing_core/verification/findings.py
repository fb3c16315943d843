"""Every finding code there is, with its weight, what it means and what an analyst should do about it.

Codes are stable: one is never given another meaning. docs/findings.md is written from here (`markdown`), and a test holds
the two together. Codes of the change analysis and of the structure parser are listed here as well, so that this is the
one place to look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from signing_core.verdict import Finding, Severity
from signing_core.verification.findings_catalogue import SECTIONS


@dataclass(frozen=True, slots=True)
class Meaning:
    code: str
    severity: Severity
    message: str
    """What the finding says; a colon and the particulars follow where there are any."""
    action: str
    """What to do about it."""
    section: str


CATALOGUE: Final[dict[str, Meaning]] = {
    code: Meaning(code, severity, message, action, section)
    for section, rows in SECTIONS.items()
    for code, severity, message, action in rows
}


def make(
    code: str,
    detail: str = "",
    *,
    field: str | None = None,
    revision: int | None = None,
    page: int | None = None,
    severity: Severity | None = None,
) -> Finding:
    """A finding with its catalogued message, the particulars appended. Raises `KeyError` for a code that is not listed."""
    meaning = CATALOGUE[code]
    message = f"{meaning.message}: {detail}." if detail else f"{meaning.message}."
    return Finding(code, severity or meaning.severity, message, field, revision, page)


def markdown() -> str:
    """The content of docs/findings.md."""
    lines = [
        "# Findings",
        "",
        "Every finding that `sealtrail verify` can report. Codes are stable. An *error* decides a verdict, a *warning* asks",
        "for a look, *info* is for the record. This page is written from `signing_core/verification/findings_catalogue.py`.",
        "",
    ]
    for section in SECTIONS:
        lines += [f"## {section}", "", "| code | severity | meaning | what to do |", "|---|---|---|---|"]
        lines += [
            f"| `{m.code}` | {m.severity} | {m.message}. | {m.action} |"
            for m in CATALOGUE.values()
            if m.section == section
        ]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown())
