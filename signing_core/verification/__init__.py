"""Judging signed PDFs: ours and everybody else's (ETSI EN 319 102-1, EN 319 142-1, ISO 32000-2).

::

    from signing_core.trust import load_trust
    from signing_core.verification import verify

    verdict = verify("contract.pdf", at=now, trust=load_trust([Path("anchors")]))
    verdict.integrity, verdict.indication, verdict.to_json()

`verify` judges one document and never raises for what it contains; `signing_core.verification.batch` judges many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from signing_core.verification.context import LogView, Registry, WorkspaceContext
    from signing_core.verification.document import verify
    from signing_core.verification.revocation_files import load as load_revocation

_HOME = {
    "LogView": ("context", "LogView"),
    "Registry": ("context", "Registry"),
    "WorkspaceContext": ("context", "WorkspaceContext"),
    "load_revocation": ("revocation_files", "load"),
    "verify": ("document", "verify"),
}

__all__ = ["LogView", "Registry", "WorkspaceContext", "load_revocation", "verify"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, attribute = _HOME[name]
    return getattr(import_module(f"{__name__}.{module}"), attribute)
