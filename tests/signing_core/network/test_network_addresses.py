"""Which addresses are public, form by form."""

from __future__ import annotations

import pytest

from signing_core.network.addresses import is_public

PUBLIC = [
    "1.1.1.1", "9.9.9.9", "100.63.255.255", "172.32.0.1", "192.0.1.1", "223.255.255.255", "2606:4700::1111",
    "2001:4860:4860::8888", "2a00:1450:4001::1",
    "::ffff:9.9.9.9", "::9.9.9.9", "64:ff9b::9.9.9.9", "2002:909:909::1", "2606:4700::200:5efe:9.9.9.9",
]  # fmt: skip

NOT_PUBLIC = {
    "this host": "0.0.0.0",
    "this network": "0.1.2.3",
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "private 10": "10.0.0.1",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "shared with the provider": "100.64.0.1",
    "link-local, clouds' metadata": "169.254.169.254",
    "protocol assignments": "192.0.0.9",
    "documentation": "203.0.113.1",
    "relay of 6to4": "192.88.99.1",
    "benchmarks": "198.18.0.1",
    "multicast": "224.0.0.1",
    "global multicast": "233.252.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "unspecified 6": "::",
    "loopback 6": "::1",
    "link-local 6": "fe80::1",
    "with a zone": "fe80::1%lo",
    "global with a zone": "2606:4700::1111%eth0",
    "unique local": "fd00::1",
    "site-local": "fec0::1",
    "multicast 6": "ff02::1",
    "global multicast 6": "ff0e::1",
    "documentation 6": "2001:db8::1",
    "documentation 6, new": "3fff::1",
    "discard": "100::1",
    "ORCHID": "2001:20::1",
    "not allocated": "4000::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped, in hexadecimal": "::ffff:7f00:1",
    "mapped multicast": "::ffff:224.0.0.1",
    "compatible": "::127.0.0.1",
    "compatible private": "::10.0.0.1",
    "translated": "::ffff:0:127.0.0.1",
    "NAT64": "64:ff9b::127.0.0.1",
    "NAT64 metadata": "64:ff9b::169.254.169.254",
    "NAT64, in hexadecimal": "64:ff9b::a00:1",
    "NAT64 for local use": "64:ff9b:1::127.0.0.1",
    "NAT64 for local use, public inside": "64:ff9b:1::9.9.9.9",
    "6to4": "2002:7f00:1::1",
    "6to4 private": "2002:c0a8:101::",
    "Teredo": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "Teredo, public inside": "2001:0:909:909:0:0:f6f6:f6f6",
    "ISATAP": "2606:4700::5efe:10.0.0.1",
    "ISATAP, globally unique": "2606:4700::200:5efe:127.0.0.1",
    "no address": "localhost",
    "short form": "127.1",
    "one number": "2130706433",
    "octal": "0177.0.0.1",
    "nothing": "",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("form", NOT_PUBLIC)
def test_not_public(form: str) -> None:
    assert not is_public(NOT_PUBLIC[form])
