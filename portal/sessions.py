"""What a browser keeps of a link: one sealed cookie for each link it opened, and the form tokens made from it.

The server keeps nothing. The cookie holds the link's token and the browser's own secret (`session` of the desk), encrypted
with a key made from the workspace's server key, so several processes serve one party and a restart loses nobody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LIFETIME: Final = 24 * 3600
"""Seconds that a browser keeps the cookie of a link."""

_NONCE: Final = 12


@dataclass(frozen=True)
class Session:
    """A link opened in one browser."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    """The desk's `session`: codes and confirmations belong to it."""
    opened_at: int = 0
    """Seconds since 1970."""

    @property
    def key(self) -> str:
        return key_of(self.token)


def key_of(token: str) -> str:
    """What stands for a link in clean URLs: says which one it is and opens nothing."""
    return hashlib.sha256(b"sealtrail portal link\0" + token.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def new_session(token: str) -> Session:
    return Session(token, base64.urlsafe_b64encode(os.urandom(24)).decode())


class Vault:
    """Seals what travels through a browser, and makes the tokens that forms carry."""

    def __init__(self, server_key: bytes) -> None:
        self._aead = AESGCM(_derived(server_key, b"sealtrail portal sealing"))
        self._mac = _derived(server_key, b"sealtrail portal forms")

    def seal(self, value: Any, purpose: str) -> str:
        """A JSON value as URL-safe text that only `open` with the same purpose reads."""
        nonce = os.urandom(_NONCE)
        sealed = self._aead.encrypt(nonce, json.dumps(value, separators=(",", ":")).encode(), purpose.encode())
        return base64.urlsafe_b64encode(nonce + sealed).decode().rstrip("=")

    def open(self, text: str, purpose: str) -> Any | None:
        """The value, or None for whatever was not sealed here for this purpose."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            return json.loads(self._aead.decrypt(data[:_NONCE], data[_NONCE:], purpose.encode()))
        except (ValueError, InvalidTag):
            return None

    def seal_session(self, session: Session) -> str:
        return self.seal([session.token, session.secret, session.opened_at], f"session {session.key}")

    def open_session(self, text: str, key: str) -> Session | None:
        value = self.open(text, f"session {key}")
        return Session(*value) if value else None

    def form_token(self, bound_to: str) -> str:
        """For a hidden field; `bound_to` is the session's secret, or the path of a form that has no session."""
        return hmac.new(self._mac, bound_to.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def form_token_matches(self, given: str, bound_to: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.form_token(bound_to).encode())


def _derived(server_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(server_key)
