"""What both SMS gateways share: one POST, its answer judged by how far it came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from signing_core.delivery.channels.loopback import is_loopback
from signing_core.errors import DeliveryFailed, UsageError
from signing_core.network import NotAnswered, NotAsked, ask

_MAX_ANSWER: Final = 65_536  # bytes; a gateway that says more says nothing of use


@dataclass(frozen=True)
class Answer:
    status: int
    values: Mapping[str, Any]
    """The JSON object of the answer, empty when it was none."""


class Gateway:
    """An HTTP endpoint of an SMS provider. Its error messages name the host and the status, never what was said: a
    gateway's answer may repeat the text of the message."""

    def __init__(self, url: str, *, timeout: float) -> None:
        """`timeout` in seconds, for the whole of one request."""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise UsageError("The SMS gateway's url is not a URL; correct the settings.") from None
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise UsageError("The SMS gateway's url must begin with https://; correct the settings.")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise UsageError(
                f"SMS through {parts.hostname} would cross the network in the clear, links and codes included; use https."
            )
        self.host = parts.hostname
        self._url = url
        self._timeout = timeout

    def post(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """JSON or a form. Raises `DeliveryFailed` when there is no answer; every answer with a status is returned."""
        kind = "application/json" if form is None else "application/x-www-form-urlencoded"
        content = json.dumps(body or {}) if form is None else urlencode(form)
        try:
            answer = ask(
                self._url,
                by_operator=True,
                seconds=self._timeout,
                largest=_MAX_ANSWER,
                body=content.encode(),
                headers={"Content-Type": kind, **(headers or {})},
                auth=auth,
            )
            return Answer(answer.status, _object(answer.body))
        except NotAsked as error:
            raise DeliveryFailed(f"The SMS gateway {self.host} could not be reached ({error.reason}).") from None
        except NotAnswered as error:
            if error.status is not None:  # what it says beside the status is decoration
                return Answer(error.status, {})
            raise DeliveryFailed(
                f"The SMS gateway {self.host} did not say whether it took the message ({error.reason}).",
                handed_over=True,
            ) from None

    def refused(self, answer: Answer, *, code: object = None) -> DeliveryFailed:
        """The failure that an answer other than 2xx stands for.

        4xx is final for this message, but for those that speak of our account or of haste. After a 5xx from inside the
        gateway the message may be on its way.
        """
        status = answer.status
        detail = f"status {status}" + (f", code {code}" if isinstance(code, int) else "")
        if status in (401, 403, 407):
            return DeliveryFailed(f"The SMS gateway {self.host} did not accept our credentials ({detail}).")
        final = 400 <= status < 500 and status not in (402, 404, 405, 408, 421, 425, 429)
        return DeliveryFailed(
            f"The SMS gateway {self.host} did not take the message ({detail}).",
            permanent=final,
            handed_over=status in (408, 500, 502, 504),
        )


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
