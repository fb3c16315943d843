"""The verdict on what could not be judged at all, and which program says so."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from signing_core.policy import Policy
from signing_core.verdict import DocumentVerdict, Finding, Indication, Integrity, SubIndication


def undecided(path: str | None, at: datetime, policy: Policy, *causes: Finding) -> DocumentVerdict:
    """An indeterminate verdict on a document about which nothing is known but why."""
    return DocumentVerdict(
        tool_version=tool_version(),
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


@lru_cache(maxsize=1)
def tool_version() -> str:
    """The version of this program, `unknown` when it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("sealtrail")
    except PackageNotFoundError:
        return "unknown"
