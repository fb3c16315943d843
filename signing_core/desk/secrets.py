"""Links and codes for the parties: the secret goes into a message, its hash into the flow, and neither anywhere else."""

from __future__ import annotations

import hashlib
from datetime import datetime

from signing_core.delivery import codes, tokens
from signing_core.flow import Role, State
from signing_core.flow.commands import NewCode, NewLink
from signing_core.storage.workspace import Workspace


def new_link(workspace: Workspace, now: datetime | None = None) -> tuple[str, NewLink]:
    """The token of a new link, and the link by its hash; its life begins `now`, which is the workspace's time if not given."""
    token, token_hash = tokens.new_token()
    return token, NewLink(token_hash, (now or workspace.clock()) + workspace.settings.links.lifetime)


def new_code(workspace: Workspace, state: State, role: Role, session: str, challenge_id: str) -> tuple[str, NewCode]:
    """The digits of a new code for this party, session and file, and the code by its keyed hash."""
    digits, keyed_hash = codes.new_code(
        workspace.keys().server_key,
        document_id=state.document_id,
        role=role,
        session_hash=session_hash(session),
        document_sha256=state.document_sha256,
        challenge_id=challenge_id,
    )
    return digits, NewCode(challenge_id, keyed_hash)


def code_hash(workspace: Workspace, state: State, role: Role, session: str, challenge_id: str, digits: str) -> str:
    """The keyed hash that `digits` would have if they were this challenge's code."""
    return codes.code_hash(
        workspace.keys().server_key,
        digits,
        document_id=state.document_id,
        role=role,
        session_hash=session_hash(session),
        document_sha256=state.document_sha256,
        challenge_id=challenge_id,
    )


def session_hash(session: str) -> str:
    """By which a browser's session is known in the flow."""
    return hashlib.sha256(session.encode()).hexdigest()
