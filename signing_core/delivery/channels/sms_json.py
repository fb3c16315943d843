"""SMS through any gateway that takes a POST with a JSON object. The names of its fields can be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signing_core.delivery.channels.http import Gateway
from signing_core.delivery.channels.interface import OutgoingMessage, Receipt
from signing_core.delivery.redaction import harmless


@dataclass(frozen=True)
class Fields:
    """What the gateway calls things; None leaves a thing out."""

    recipient: str = "to"
    text: str = "text"
    sender: str | None = "from"
    reference: str | None = "reference"
    """Gets the Message-ID, for the gateway to tell repetitions by; it is in the header `Idempotency-Key` as well."""
    validity: str | None = "validity_seconds"
    """Gets the seconds until the code or the link ends."""
    answer_id: str = "id"
    """In the gateway's answer: what it calls the message."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """Further members of every request."""


class JsonSmsChannel:
    """A generic JSON gateway. Taken is what it answers with 2xx."""

    name = "sms-json"
    idempotent = False  # nobody promises that Idempotency-Key is heeded

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        user: str | None = None,
        password: str | None = None,
        sender: str | None = None,
        fields: Fields | None = None,
        timeout: float = 20.0,
    ) -> None:
        """`token` is sent as a bearer token (RFC 6750), `user` and `password` by basic authentication (RFC 7617)."""
        self._gateway = Gateway(url, timeout=timeout)
        self._token = token
        self._auth = (user, password or "") if user is not None else None
        self._sender = sender
        self._fields = fields or Fields()

    def __repr__(self) -> str:
        return f"JsonSmsChannel({self._gateway.host!r})"

    def send(self, message: OutgoingMessage, *, now: datetime) -> Receipt:
        names = self._fields
        body = dict(names.always) | {names.recipient: message.recipient, names.text: message.text}
        if names.sender and self._sender:
            body[names.sender] = self._sender
        if names.reference:
            body[names.reference] = message.id
        if names.validity and message.expires_at:
            body[names.validity] = max(1, int((message.expires_at - now).total_seconds()))
        headers = {"Idempotency-Key": message.id}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        answer = self._gateway.post(headers=headers, body=body, auth=self._auth)
        if not 200 <= answer.status < 300:
            raise self._gateway.refused(answer)
        reference = answer.values.get(names.answer_id)
        return Receipt(harmless(str(reference), 120) if isinstance(reference, str | int) else None)
