"""SMS through Twilio's Messages resource or a service with the same interface: a form, and an answer in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from signing_core.delivery.channels.http import Gateway
from signing_core.delivery.channels.interface import OutgoingMessage, Receipt
from signing_core.delivery.redaction import harmless
from signing_core.errors import DeliveryFailed, UsageError

API: Final = "https://api.twilio.com"

_ACCOUNT_CODES: Final = (20003, 20005, 20404, 20429, 21606, 21611, 21603, 63038)
"""Codes that speak of our account, sender or haste: worth another try once somebody has looked."""

_LONGEST_VALIDITY: Final = 36_000  # seconds


class TwilioSmsChannel:
    """`POST /2010-04-01/Accounts/ACCOUNT/Messages.json`."""

    name = "sms-twilio"
    idempotent = False

    def __init__(
        self,
        account: str,
        password: str,
        sender: str,
        *,
        url: str = API,
        user: str | None = None,
        timeout: float = 20.0,
    ) -> None:
        """`sender` is a number, an alphanumeric sender or the id of a messaging service (`MG...`). `user` and `password`
        are an API key and its secret; without `user`, the account and its auth token."""
        if not account.isalnum():
            raise UsageError("The account of the SMS gateway has letters and digits only; correct the settings.")
        address = f"{url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._gateway = Gateway(address, timeout=timeout)
        self._auth = (user or account, password)
        self._sender = sender

    def __repr__(self) -> str:
        return f"TwilioSmsChannel({self._gateway.host!r})"

    def send(self, message: OutgoingMessage, *, now: datetime) -> Receipt:
        service = self._sender.startswith("MG") and len(self._sender) == 34
        form = {
            "To": message.recipient,
            "Body": message.text,
            "MessagingServiceSid" if service else "From": self._sender,
        }
        if message.expires_at:
            # Not to wait longer than that in the provider's own queue.
            left = int((message.expires_at - now).total_seconds())
            form["ValidityPeriod"] = str(min(max(1, left), _LONGEST_VALIDITY))
        answer = self._gateway.post(form=form, auth=self._auth)
        code = answer.values.get("code") or answer.values.get("error_code")
        if not 200 <= answer.status < 300:
            failure = self._gateway.refused(answer, code=code)
            if code in _ACCOUNT_CODES:
                raise DeliveryFailed(str(failure), handed_over=failure.handed_over)
            raise failure
        if answer.values.get("status") in ("failed", "undelivered", "canceled"):
            shown = f", code {code}" if isinstance(code, int) else ""
            raise DeliveryFailed(
                f"The SMS gateway {self._gateway.host} gave the message up at once{shown}.", permanent=True
            )
        reference = answer.values.get("sid")
        return Receipt(harmless(reference, 120) if isinstance(reference, str) else None)
