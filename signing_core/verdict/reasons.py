"""Which findings come first: what decided, in the order in which somebody who has to act on it would ask.

(0) How the document ended, and that it is an earlier state of one; (1) the signed bytes are others, or the value is not the signer's; (2) what was changed after signing, pages first; (3) what a
signature covers; (4) what a document of ours says of itself; (5) everything else; (6) registry and audit log, which only
repeat that something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from signing_core.verdict.finding import Finding
from signing_core.verdict.terms import Integrity

_SEVERITIES: Final = {"error": 0, "warning": 1, "info": 2}
_GROUPS: Final = (
    ("digest-mismatch", "signature-value-invalid"),
    ("change", "signature-shared-later", "signature-name-reused"),
    ("byte-range-", "contents-", "coverage-", "signature-hidden"),
    ("seal-", "house", "qr-", "prefix-"),
)
"""Beginnings of codes, by group."""
_FIRST: Final = ("document-", "registry-prefix")
"""What a warning says of the whole document: it makes the others plain."""
_LAST: Final = ("registry-", "audit-log-")


def by_use(findings: Iterable[Finding], integrity: Integrity) -> list[Finding]:
    """Each finding once, the first one the reason for the verdict; equals stay in the order that they were made in."""
    return sorted(dict.fromkeys(findings), key=lambda finding: _rank(finding, integrity))


def _rank(finding: Finding, integrity: Integrity) -> tuple[int, int, bool]:
    group = next((index for index, codes in enumerate(_GROUPS) if finding.code.startswith(codes)), len(_GROUPS))
    severity = _SEVERITIES[finding.severity]
    # What could not be judged is a warning by itself, and the whole reason where it left the verdict open.
    if group == 1 and finding.severity == "warning" and integrity is Integrity.INDETERMINATE:
        severity = 0
    first = next((index for index, codes in enumerate(_FIRST) if finding.code.startswith(codes)), None)
    if first is not None:
        return severity, first - len(_FIRST), False
    last = finding.code.startswith(_LAST)
    return severity, group + last, finding.page is None
