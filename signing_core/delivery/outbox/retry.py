"""When a message is tried again, and when no more."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_random: Final = secrets.SystemRandom()


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter. With the defaults: 10 s, 20 s, 40 s, ... then every hour, for about a day."""

    first: timedelta = timedelta(seconds=10)
    longest: timedelta = timedelta(hours=1)
    attempts: int = 32
    jitter: float = 0.2
    """As a share of the delay, either way, so that what failed together does not return together."""

    def delay(self, attempts: int) -> timedelta:
        """How long to wait after the `attempts`-th try (from 1)."""
        delay = min(self.first * float(2 ** min(attempts - 1, 30)), self.longest)
        return delay * (1 + self.jitter * _random.uniform(-1, 1))
