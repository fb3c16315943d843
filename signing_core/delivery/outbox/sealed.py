"""Message contents at rest: AES-256-GCM with a key derived from the server key, bound to their row of the outbox.

Whoever reads or copies the database sees when which kind of message goes for which document, not to whom or what it
says; a content moved to another row does not open.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from signing_core.delivery.messages.content import Content
from signing_core.delivery.secrecy import OUTBOX, derive
from signing_core.errors import KeyUnavailable

_NONCE = 12


@dataclass(frozen=True)
class Envelope:
    """Everything of a message that is personal or secret."""

    recipient: str = field(repr=False)
    recipient_name: str = field(repr=False)
    content: Content
    attachment_name: str | None = None


def seal(server_key: bytes, envelope: Envelope, *, message_id: str, attachment_sha256: str | None) -> bytes:
    """Nonce and ciphertext."""
    content = envelope.content
    plain = json.dumps(
        {
            "recipient": envelope.recipient,
            "recipient_name": envelope.recipient_name,
            "attachment_name": envelope.attachment_name,
            "kind": content.kind,
            "language": content.language,
            "subject": content.subject,
            "text": content.text,
            "html": content.html,
            "sms": content.sms,
            "expires_at": content.expires_at.isoformat() if content.expires_at else None,
        }
    ).encode()
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(derive(server_key, OUTBOX)).encrypt(nonce, plain, _bound_to(message_id, attachment_sha256))


def unseal(server_key: bytes, sealed: bytes, *, message_id: str, attachment_sha256: str | None) -> Envelope:
    """The envelope again. Raises `KeyUnavailable` when key, row and content do not belong together."""
    cipher = AESGCM(derive(server_key, OUTBOX))
    try:
        plain = cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound_to(message_id, attachment_sha256))
    except (InvalidTag, ValueError):
        raise KeyUnavailable(
            f"Message {message_id} does not open with this workspace's server key; put the right key in place."
        ) from None
    values = json.loads(plain)
    expires_at = values.pop("expires_at")
    return Envelope(
        recipient=values.pop("recipient"),
        recipient_name=values.pop("recipient_name"),
        attachment_name=values.pop("attachment_name"),
        content=Content(**values, expires_at=datetime.fromisoformat(expires_at) if expires_at else None),
    )


def _bound_to(message_id: str, attachment_sha256: str | None) -> bytes:
    return f"{message_id}\n{attachment_sha256 or ''}".encode()
