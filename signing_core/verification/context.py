"""What a workspace adds to a verification, behind small protocols: verification itself knows no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from signing_core.trust import TrustStore
from signing_core.verdict import AuditLogState, Ended, RegistryState


class Registry(Protocol):
    """The files that a workspace stores."""

    def lookup(self, sha256: str, document_id: str | None) -> RegistryState:
        """`known`: this very file; `prefix`: an earlier revision of one; `mismatch`: the document is known with another
        content; `unknown`. `sha256` in hexadecimal digits."""
        ...


class LogView(Protocol):
    """The audit log of a workspace, or a proof that travels with the document."""

    def inclusion(self, document_id: str, sha256: str) -> AuditLogState | None:
        """`included`: an event by which the document came to be names this file; `other-file`: such events name others;
        `missing`: it knows no such document; `inconsistent`: its events do not chain or cannot be read. None when there is
        nothing to tell by."""
        ...

    def ended(self, document_id: str) -> Ended | None:
        """How the document ended without being completed, None when it did not or nothing is known of it."""
        ...


@dataclass(frozen=True)
class WorkspaceContext:
    """`trust` is the workspace's own store; it is added to what was given."""

    trust: TrustStore = field(default_factory=TrustStore)
    registry: Registry | None = None
    audit_log: LogView | None = None
    identity: str = ""
    """Which workspace it is, for who keeps verdicts: no two have the same."""
