"""Which IP addresses are public: global unicast, also of what they are translated or tunnelled to.

The tables are the IANA special-purpose registries (RFC 6890) and stand here, because those of the standard library differ
between versions of Python. An address that carries another one is as public as both are.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
"""Private, shared, local, for documentation, anycast to the nearest device, multicast, reserved."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20")
)
"""Inside of global unicast: protocol assignments (Teredo, ORCHID, anycast among them), documentation, AS112."""

_CARRYING_ONLY: Final = tuple(
    IPv6Network(network)
    for network in (
        "::/96",  # IPv4-compatible (RFC 4291, 2.5.5.1)
        "::ffff:0:0/96",  # IPv4-mapped (RFC 4291, 2.5.5.2)
        "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765)
        "64:ff9b::/96",  # NAT64 (RFC 6052); the prefix for local use, 64:ff9b:1::/48 (RFC 8215), is not public
    )
)
"""As public as the IPv4 address in their last 32 bits."""

_SIX_TO_FOUR: Final = IPv6Network("2002::/16")
"""RFC 3056: the IPv4 address follows the prefix."""
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier that ends in an IPv4 address (RFC 5214, 6.1)."""
_LAST_32: Final = 0xFFFFFFFF


def is_public(address: str) -> bool:
    """Whether an address, as a resolver writes it, is global unicast. What is no address, or has a zone, is not."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return _public_4(parsed) if isinstance(parsed, IPv4Address) else _public_6(parsed)


def _public_4(address: IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC_4)


def _public_6(address: IPv6Address) -> bool:
    value = int(address)
    if address.scope_id is not None:
        return False
    if any(address in network for network in _CARRYING_ONLY):
        return _public_4(IPv4Address(value & _LAST_32))
    if address not in _GLOBAL_UNICAST or any(address in network for network in _NOT_PUBLIC_6):
        return False
    if address in _SIX_TO_FOUR and not _public_4(IPv4Address(value >> 80 & _LAST_32)):
        return False
    return (value >> 32 & _LAST_32) not in _ISATAP or _public_4(IPv4Address(value & _LAST_32))
