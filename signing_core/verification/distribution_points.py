"""Where CRLs are said to be, prepared for comparison (RFC 5280, 4.2.1.13, 5.2.5 and 6.3.3 (b))."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from signing_core.pki import der
from signing_core.pki.x509_certificates import CRL_POINTS, X509, name_key

_URI: Final = 0x86
_DIRECTORY_NAME: Final = 0xA4


@dataclass(frozen=True)
class Point:
    """One place where a certificate's status may be looked for."""

    names: frozenset[bytes]
    all_reasons: bool


@lru_cache(maxsize=1024)
def points(certificate: X509) -> tuple[Point, ...]:
    """Those for CRLs of the certificate's own issuer, the one that every certificate has among them: the issuer's name.

    A point whose cRLIssuer is somebody else is for indirect CRLs and left out. An extension that cannot be read has none.
    """
    implied = Point(frozenset((_directory(certificate.issuer_key),)), True)
    _, encoded = certificate.extensions.get(CRL_POINTS, (False, b""))
    try:
        nodes = der.children(der.read(encoded)) if encoded else []
        found = [_point(node, certificate.issuer_key) for node in nodes]
    except (ValueError, IndexError):
        found = []
    return (implied, *(point for point in found if point is not None))


def _point(node: der.Node, issuer_key: bytes) -> Point | None:
    names: frozenset[bytes] = frozenset()
    all_reasons = True
    for part in der.children(node):
        if part.tag == 0xA0:
            names = point_names(part, issuer_key)
        elif part.tag == 0x81:
            all_reasons = False
        elif part.tag == 0xA2 and _directory(issuer_key) not in _general_names(part):
            return None
    return Point(names, all_reasons)


def point_names(node: der.Node, issuer_key: bytes) -> frozenset[bytes]:
    """Of a DistributionPointName in its tag; a relative one belongs to the issuer with this prepared name.

    Raises `DerError`, `IndexError`.
    """
    choice = der.children(node)[0]
    if choice.tag == 0xA1:
        relative = der.encode(der.SEQUENCE, der.encode(der.SET, choice.content))
        return frozenset((_directory(issuer_key + name_key(relative)),))
    return _general_names(choice)


def _general_names(node: der.Node) -> frozenset[bytes]:
    return frozenset(_general_name(name) for name in der.children(node))


def _general_name(node: der.Node) -> bytes:
    if node.tag == _DIRECTORY_NAME:
        return _directory(name_key(node.content))
    if node.tag == _URI:
        # RFC 5280, 7.4: scheme and host in any case, escapes for what they stand for.
        start, separator, rest = node.content.decode("latin-1").partition("://")
        host, slash, path = rest.partition("/")
        return f"uri {start.lower()}{separator}{host.lower()}{slash}{unquote(path)}".encode()
    return node.encoded


def _directory(prepared: bytes) -> bytes:
    return b"name " + prepared
