"""X.500 names as text (RFC 4514), tolerant of every string type that was ever put into one."""

from __future__ import annotations

from typing import Final

from signing_core.pki import der

_LABELS: Final = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.42": "givenName",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
}
_ENCODINGS: Final = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}


def _text(value: der.Node) -> str:
    return value.content.decode(_ENCODINGS.get(value.tag, "latin-1"), "replace")


def _escape(text: str) -> str:
    shown = "".join(f"\\{c}" if c in ',+"\\<>;' else c if c.isprintable() else "�" for c in text)
    if shown[:1] in ("#", " "):
        shown = "\\" + shown
    return shown[:-1] + "\\ " if shown.endswith(" ") and len(shown) > 1 else shown


def rfc4514(name: bytes) -> str:
    """The most specific part first; what cannot be read is shown as hexadecimal digits."""
    try:
        parts = []
        for relative in der.children(der.read(name)):
            pairs = []
            for pair in der.children(relative):
                kind, value = der.children(pair)[:2]
                dotted = der.oid(kind)
                pairs.append(f"{_LABELS.get(dotted, dotted)}={_escape(_text(value))}")
            parts.append("+".join(pairs))
        return ",".join(reversed(parts))
    except (der.DerError, ValueError):
        return "#" + name.hex()


def decoded_attributes(name: bytes) -> dict[str, str]:
    """Text by attribute type (dotted), the last of each kind; empty when the name cannot be read."""
    result = {}
    try:
        for relative in der.children(der.read(name)):
            for pair in der.children(relative):
                kind, value = der.children(pair)[:2]
                result[der.oid(kind)] = "".join(c if c.isprintable() else "�" for c in _text(value))
    except (der.DerError, ValueError):
        return {}
    return result
