"""The verdict on what could not be judged at all."""

from __future__ import annotations

from datetime import datetime

from signing_core import __version__
from signing_core.policy import Policy
from signing_core.verdict import DocumentVerdict, Finding, Indication, Integrity, SubIndication


def undecided(path: str | None, at: datetime, policy: Policy, *causes: Finding) -> DocumentVerdict:
    """An indeterminate verdict on a document about which nothing is known but why."""
    return DocumentVerdict(
        tool_version=__version__,
        policy=policy.reference(),
        at=at,
        path=path,
        sha256=None,
        size=None,
        pages=None,
        encrypted=False,
        document_id=None,
        integrity=Integrity.INDETERMINATE,
        trust=None,
        time=None,
        indication=Indication.INDETERMINATE,
        sub_indication=SubIndication.SIGNED_DATA_NOT_FOUND,
        findings=causes,
    )
