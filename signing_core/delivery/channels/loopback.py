"""Whether a host is this machine: only then may links and codes go unencrypted."""

from __future__ import annotations

import ipaddress


def is_loopback(host: str) -> bool:
    """True for `localhost` and for loopback addresses. Names are not resolved: an answer may be another tomorrow."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
