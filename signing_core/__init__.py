"""Sealtrail's domain: three-phase signing, sealing, verification and the audit log.

What programs and notebooks use most stands here and is loaded when it is asked for::

    import signing_core

    verdict = signing_core.verify("contract.pdf", at=now, trust=signing_core.load_trust([Path("anchors")]))
    codes = signing_core.scan(image)
    workspace = signing_core.Workspace.open("/srv/sealtrail")
    desk = signing_core.Desk(workspace)
    trail = signing_core.AuditTrail.of(workspace, document_id)
    report = signing_core.verify_archive(workspace)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from signing_core.audit_log.log import AuditLog
    from signing_core.audit_log.proofs import Proof
    from signing_core.audit_log.trail import AuditTrail
    from signing_core.auditing.archive import verify_archive
    from signing_core.certificate.scan import scan
    from signing_core.desk import Author, Desk, NewDocument, Origin, Signer
    from signing_core.desk.verifying import stored_file
    from signing_core.display import Conclusion, Picture
    from signing_core.storage.workspace import Workspace
    from signing_core.trust import load_trust
    from signing_core.verdict import DocumentVerdict
    from signing_core.verification import verify
    from signing_core.verification.batch_report import BatchReport

__version__: Final = "0.1.0"
"""Of this program and of its distribution; every verdict says it."""

_HOME = {
    "AuditLog": "audit_log.log",
    "AuditTrail": "audit_log.trail",
    "Author": "desk",
    "BatchReport": "verification.batch_report",
    "Conclusion": "display",
    "Desk": "desk",
    "DocumentVerdict": "verdict",
    "NewDocument": "desk",
    "Origin": "desk",
    "Picture": "display",
    "Proof": "audit_log.proofs",
    "Signer": "desk",
    "Workspace": "storage.workspace",
    "load_trust": "trust",
    "scan": "certificate.scan",
    "stored_file": "desk.verifying",
    "verify": "verification",
    "verify_archive": "auditing.archive",
}

__all__ = [
    "AuditLog",
    "AuditTrail",
    "Author",
    "BatchReport",
    "Conclusion",
    "Desk",
    "DocumentVerdict",
    "NewDocument",
    "Origin",
    "Picture",
    "Proof",
    "Signer",
    "Workspace",
    "load_trust",
    "scan",
    "stored_file",
    "verify",
    "verify_archive",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
