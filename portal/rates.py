"""How often one address may ask: token buckets in memory, bounded in number.

They protect this process from one caller. What must hold across processes and restarts (codes, links, tries) is counted
by the flow, in the database.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

_MOST: Final = 50_000
"""Callers remembered; the one unheard of for longest is forgotten first."""


@dataclass(frozen=True)
class Rate:
    burst: int
    """Requests that may come at once."""
    per_minute: float
    """Requests that may follow, in the long run."""


RATES: Final[Mapping[str, Rate]] = {
    "link": Rate(30, 30),
    "code": Rate(15, 6),
    "upload": Rate(20, 12),
    "page": Rate(400, 400),
}
"""By kind of request, for each address."""


class Limiter:
    def __init__(self, rates: Mapping[str, Rate] = RATES, clock: Callable[[], float] = time.monotonic) -> None:
        self._rates = rates
        self._clock = clock
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def wait(self, kind: str, address: str) -> float:
        """Counts a request; 0 when it may go on, else the seconds until one may."""
        rate, now, caller = self._rates[kind], self._clock(), (kind, group(address))
        left, at = self._buckets.pop(caller, (float(rate.burst), now))
        left = min(float(rate.burst), left + (now - at) * rate.per_minute / 60)
        allowed = left >= 1
        self._buckets[caller] = (left - 1 if allowed else left, now)
        if len(self._buckets) > _MOST:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - left) * 60 / rate.per_minute


def group(address: str) -> str:
    """Who counts as one caller: an IPv4 address, or the /64 network that one subscriber of IPv6 has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
