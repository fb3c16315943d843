"""What both SMS gateways share: one POST, its answer judged by how far it came."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from signing_core.delivery.channels.deadline import cut_after
from signing_core.delivery.channels.loopback import is_loopback
from signing_core.errors import DeliveryFailed, UsageError

_MAX_ANSWER: Final = 65_536  # bytes; a gateway that says more says nothing of use

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(frozen=True)
class Answer:
    status: int
    values: Mapping[str, Any]
    """The JSON object of the answer, empty when it was none."""


class Gateway:
    """An HTTP endpoint of an SMS provider. Its error messages name the host and the status, never what was said: a
    gateway's answer may repeat the text of the message."""

    def __init__(self, url: str, *, timeout: float, client: httpx.Client | None = None) -> None:
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            raise UsageError("The SMS gateway's url is not a URL; correct the settings.") from None
        if parsed.scheme not in ("https", "http") or not parsed.host:
            raise UsageError("The SMS gateway's url must begin with https://; correct the settings.")
        if parsed.scheme == "http" and not is_loopback(parsed.host):
            raise UsageError(
                f"SMS through {parsed.host} would cross the network in the clear, links and codes included; use https."
            )
        self.host = parsed.host
        self._url = parsed
        self._timeout = timeout
        # One connection for each message, so that it is ours alone to cut.
        limits = httpx.Limits(max_keepalive_connections=0)
        self._client = client or httpx.Client(timeout=timeout, follow_redirects=False, limits=limits)

    def post(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """Raises `DeliveryFailed` when there is no answer; every answer with a status is returned."""
        connected: list[socket.socket] = []

        def trace(event: str, info: Mapping[str, Any]) -> None:
            if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
                connected.append(info["return_value"].get_extra_info("socket"))

        try:
            with (
                cut_after(self._timeout * 3, lambda: connected[-1] if connected else None),
                self._client.stream(
                    "POST",
                    self._url,
                    headers=headers,
                    json=body,
                    data=form,
                    auth=auth or httpx.USE_CLIENT_DEFAULT,
                    extensions={"trace": trace},
                ) as response,
            ):
                read = b""
                for chunk in response.iter_bytes():
                    read += chunk
                    if len(read) > _MAX_ANSWER:
                        break
                return Answer(response.status_code, _object(read))
        except _NOT_SENT as error:
            raise DeliveryFailed(
                f"The SMS gateway {self.host} could not be reached ({type(error).__name__})."
            ) from None
        except (httpx.HTTPError, OSError) as error:
            raise DeliveryFailed(
                f"The SMS gateway {self.host} did not say whether it took the message ({type(error).__name__}).",
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
