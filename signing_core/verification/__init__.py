"""Judging signed PDFs: ours and everybody else's (ETSI EN 319 102-1, EN 319 142-1, ISO 32000-2).

::

    from signing_core.verification import verify, load_trust

    verdict = verify("contract.pdf", at=now, trust=load_trust([Path("anchors")]))
    verdict.integrity, verdict.indication, verdict.to_json()

`verify` judges one document and never raises for what it contains; `signing_core.verification.batch` judges many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signing_core.verification.context import LogView, Registry, WorkspaceContext
    from signing_core.verification.document import verify
    from signing_core.verification.trust import Trust, load_revocation
    from signing_core.verification.trust import load as load_trust

_HOME = {
    "LogView": ("context", "LogView"),
    "Registry": ("context", "Registry"),
    "Trust": ("trust", "Trust"),
    "WorkspaceContext": ("context", "WorkspaceContext"),
    "load_revocation": ("trust", "load_revocation"),
    "load_trust": ("trust", "load"),
    "verify": ("document", "verify"),
}

__all__ = ["LogView", "Registry", "Trust", "WorkspaceContext", "load_revocation", "load_trust", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOME[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
