"""The document security store (ETSI EN 319 142-1, 5.4.2): X.509 certificates, CRLs and OCSP responses in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from signing_core.pdf.revisions import FileStructure
from signing_core.pdf.structure.values import Stream
from signing_core.pki.x509_certificates import X509
from signing_core.pki.x509_certificates import parse as parse_x509

_MOST: Final = 4_000
"""Entries looked at in one store."""


@dataclass(frozen=True)
class Store:
    """What one revision's /DSS holds."""

    revision: int
    certificates: tuple[X509, ...] = ()
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()

    @property
    def has_revocation_data(self) -> bool:
        return bool(self.crls or self.ocsps)


def stores(structure: FileStructure) -> tuple[Store, ...]:
    """One for each revision that changed it, oldest first: earlier entries count although a later update dropped them."""
    found: list[Store] = []
    reader = _Reader(structure)
    before: tuple[object, ...] = ()
    for revision in structure.revisions:
        dictionary = structure.resolve(structure.catalog(revision.number).get("DSS"), revision.number)
        if not isinstance(dictionary, dict):
            continue
        parts = reader.parts(dictionary, revision.number)
        # Objects are parsed once, so what is unchanged is the very same object.
        if len(parts) == len(before) and all(a is b for a, b in zip(parts, before, strict=True)):
            continue
        before = parts
        found.append(reader.store(dictionary, revision.number))
    return tuple(found)


class _Reader:
    def __init__(self, structure: FileStructure) -> None:
        self._structure = structure
        self._bodies: dict[int, bytes | None] = {}

    def parts(self, dictionary: dict[str, object], revision: int) -> tuple[object, ...]:
        resolve = self._structure.resolve
        return (dictionary, *(resolve(dictionary.get(name), revision) for name in ("Certs", "CRLs", "OCSPs", "VRI")))

    def store(self, dictionary: dict[str, object], revision: int) -> Store:
        resolve = self._structure.resolve
        entries: dict[str, list[bytes]] = {"Certs": [], "CRLs": [], "OCSPs": []}
        for name, found in entries.items():
            self._collect(dictionary.get(name), revision, found)
        related = resolve(dictionary.get("VRI"), revision)
        for value in list(related.values())[:_MOST] if isinstance(related, dict) else []:
            one = resolve(value, revision)
            if isinstance(one, dict):
                for name in entries:
                    self._collect(one.get(name.removesuffix("s")), revision, entries[name])
        certificates = (parse_x509(encoded) for encoded in dict.fromkeys(entries["Certs"]))
        return Store(
            revision,
            tuple(dict.fromkeys(c for c in certificates if c)),
            tuple(dict.fromkeys(entries["CRLs"])),
            tuple(dict.fromkeys(entries["OCSPs"])),
        )

    def _collect(self, value: object, revision: int, into: list[bytes]) -> None:
        listed = self._structure.resolve(value, revision)
        for entry in listed[:_MOST] if isinstance(listed, list) else []:
            stream = self._structure.resolve(entry, revision)
            if isinstance(stream, Stream) and len(into) < _MOST:
                if stream.start not in self._bodies:
                    self._bodies[stream.start] = self._structure.decoded(stream, revision)
                body = self._bodies[stream.start]
                if body:
                    into.append(body)
