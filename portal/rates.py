"""How often one address may ask: token buckets in a table that all processes of one machine share.

The table is a file of fixed size, mapped into memory: nobody can make it grow, it costs no write to the database, and it
outlives a restart. A caller's bucket is found by a keyed hash, in two places, of which the emptier counts: two callers
share one only where both places collide, and nobody can choose whom to collide with.

What must hold whatever the machine (codes, tries, links) is counted by the flow, in the database.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import ipaddress
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_SLOTS: Final = 1 << 17
_SLOT: Final = struct.Struct("<dd")
"""Requests counted and not yet forgiven; when that was, by the monotonic clock."""
_KEY: Final = 32
_CLOCK_BACK: Final = 1.0
"""Seconds. A time further ahead is of before the machine was started anew."""


@dataclass(frozen=True)
class Rate:
    burst: int
    """Requests that may come at once."""
    per_minute: float
    """Requests that may follow, in the long run."""


RATES: Final[Mapping[str, Rate]] = {
    "link": Rate(60, 60),
    "code": Rate(30, 20),
    "upload": Rate(20, 12),
    "frame": Rate(60, 60),
    "page": Rate(400, 400),
}
"""By kind of request, for each address, which may be a whole office. A frame is a picture of a camera that looks for a QR code."""


class Table:
    """The buckets; in `file`, or without one for this process alone."""

    def __init__(self, file: Path | None = None) -> None:
        size = _KEY + _SLOTS * _SLOT.size
        if file is None:
            self._descriptor, self._memory = -1, mmap.mmap(-1, size)
            self._memory[:_KEY] = os.urandom(_KEY)
            return
        self._descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with self._alone():
            if os.fstat(self._descriptor).st_size != size:
                os.ftruncate(self._descriptor, 0)
                os.pwrite(self._descriptor, os.urandom(_KEY), 0)
                os.ftruncate(self._descriptor, size)  # the rest is a hole until it is used
            self._memory = mmap.mmap(self._descriptor, size)

    def take(self, caller: str, rate: Rate, clock: Callable[[], float]) -> float:
        """Counts a request of the caller; 0 when it may go on, else the seconds until one may."""
        digest = hashlib.blake2b(caller.encode("utf-8", "replace"), key=self._memory[:_KEY], digest_size=8).digest()
        places = [_KEY + (n % _SLOTS) * _SLOT.size for n in struct.unpack("<II", digest)]
        with self._alone():
            now = clock()
            counted = [self._counted(place, rate, now) for place in places]
            least = min(counted)
            if least + 1 > rate.burst:
                return (least + 1 - rate.burst) * 60 / rate.per_minute
            for place, count in zip(places, counted, strict=True):
                _SLOT.pack_into(self._memory, place, max(count, least + 1), now)
        return 0.0

    def _counted(self, place: int, rate: Rate, now: float) -> float:
        counted: tuple[float, float] = _SLOT.unpack_from(self._memory, place)
        count, at = counted
        if at > now + _CLOCK_BACK:
            return 0.0
        return max(0.0, count - max(0.0, now - at) * rate.per_minute / 60)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        if self._descriptor < 0:
            yield
            return
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Limiter:
    def __init__(
        self,
        rates: Mapping[str, Rate] = RATES,
        table: Table | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rates = rates
        self._table = table or Table()
        self._clock = clock

    def wait(self, kind: str, address: str) -> float:
        """Counts a request; 0 when it may go on, else the seconds until one may."""
        return self._table.take(f"{kind} {group(address)}", self._rates[kind], self._clock)

    def close(self) -> None:
        self._table.close()


def group(address: str) -> str:
    """Who counts as one caller: an IPv4 address, or the /64 network that one subscriber of IPv6 has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
