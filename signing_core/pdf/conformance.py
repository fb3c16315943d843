"""Which standards a document says that it follows, and which of that can stay once it is prepared and signed.

PDF/A-2 and -3 (ISO 19005-2 and -3) stay: what is added keeps to them, with embedded fonts that have Unicode maps (6.2.11),
colours by ICC profile (6.2.4), appearances of one state (6.3.3) and no action (6.5). PDF/A-1 (ISO 19005-1) rests on PDF 1.4, PDF/A-4
(ISO 19005-4) allows no document information dictionary: a signed document cannot keep to either. PDF/UA-1 (ISO 14289-1) stays where
the document is tagged: what is added is in its structure tree or an artifact (7.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from signing_core.pdf import xmp

PDF_A: Final = "http://www.aiim.org/pdfa/ns/id/"
PDF_UA: Final = "http://www.aiim.org/pdfua/ns/id/"


@dataclass(frozen=True, slots=True)
class Conformance:
    """`without` are the namespaces of claims that cannot stay; `told` has codes of `preparation_notes`."""

    without: frozenset[str]
    told: frozenset[str]


def judged(packet: bytes | None, *, tagged: bool, attached: bool) -> Conformance:
    """By a document's own XMP packet. `attached`: whether a file is embedded by us, which PDF/A-2 does not allow (6.8)."""
    part = xmp.value(packet, PDF_A, "part")
    level = xmp.value(packet, PDF_A, "conformance") or ""
    without, told = set(), set()
    possible = part == "3" or (part == "2" and not attached)
    if part is not None and not (possible and (tagged or level.upper() != "A")):
        without.add(PDF_A)
        told.add("pdfa-lost")
    if xmp.value(packet, PDF_UA, "part") is not None and not tagged:
        without.add(PDF_UA)
        told.add("pdfua-lost")
    return Conformance(frozenset(without), frozenset(told))
