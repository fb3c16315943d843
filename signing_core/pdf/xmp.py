"""The XMP packet of a prepared document (ISO 16684-1).

The packet of the source is kept, with title, language, identifier, producer and date as they are now, and with the claims that
stay true: see `conformance`. A packet that cannot be read is replaced.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final
from xml.dom import minidom
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from signing_core.pdf.names import PRODUCER

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_PDF: Final = "http://ns.adobe.com/pdf/1.3/"
_XMP: Final = "http://ns.adobe.com/xap/1.0/"
_XMP_MM: Final = "http://ns.adobe.com/xap/1.0/mm/"
_REPLACED: Final = frozenset(
    (
        (_DC, "title"), (_DC, "language"), (_DC, "identifier"), (_PDF, "Producer"), (_XMP, "ModifyDate"),
        (_XMP, "MetadataDate"), (_XMP, "Thumbnails"), (_XMP_MM, "InstanceID"), (_XMP_MM, "History"),
    )
)  # fmt: skip
_MOST_BYTES: Final = 1 << 20
_ILLEGAL: Final = dict.fromkeys([*range(0x20), 0xFFFE, 0xFFFF]) | {0x09: " ", 0x0A: " ", 0x0D: " "}


def packet(
    title: str,
    language: str,
    document_id: str,
    *,
    kept: bytes | None = None,
    without: frozenset[str] = frozenset(),
    modified: datetime | None = None,
) -> bytes:
    """The packet as UTF-8: title, language, identifier, producer and date, and what `kept`, a packet, says besides.

    Properties of the namespaces `without` are left out.
    """
    try:
        others = _others(kept, without)
    except RecursionError:  # elements in one another without end
        others = ""
    return _packet(title, language, document_id, others, modified)


def _packet(title: str, language: str, document_id: str, others: str, modified: datetime | None) -> bytes:
    title, language, document_id = (escape(text.translate(_ILLEGAL)) for text in (title, language, document_id))
    changed = (
        f"<xmp:ModifyDate>{modified.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</xmp:ModifyDate>\n"
        if modified is not None
        else ""
    )
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="{RDF}">
<rdf:Description rdf:about="" xmlns:dc="{_DC}" xmlns:pdf="{_PDF}" xmlns:xmp="{_XMP}">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<dc:identifier>{document_id}</dc:identifier>
<pdf:Producer>{escape(PRODUCER)}</pdf:Producer>
{changed}</rdf:Description>
{others}</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>""".encode("utf-8", "replace")


def value(content: bytes | None, namespace: str, key: str) -> str | None:
    """A simple property of a packet, None where it has none or cannot be read."""
    for description in _descriptions(content):
        if description.hasAttributeNS(namespace, key):
            return str(description.getAttributeNS(namespace, key)).strip()
        for child in description.childNodes:
            if child.namespaceURI == namespace and child.localName == key:
                return "".join(node.data for node in child.childNodes if node.nodeType == node.TEXT_NODE).strip()
    return None


def _others(content: bytes | None, without: frozenset[str]) -> str:
    """The descriptions of a packet, without what is said anew."""
    parts = []
    for description in _descriptions(content):
        for name in list(description.attributes.keys()):
            attribute = description.attributes[name]
            if _is_left_out(attribute, without):
                description.removeAttributeNode(attribute)
        for child in list(description.childNodes):
            if child.nodeType != child.ELEMENT_NODE or _is_left_out(child, without):
                description.removeChild(child)
        said = [
            name for name, _ in description.attributes.items() if not name.startswith("xmlns") and name != "rdf:about"
        ]
        if description.childNodes or said:
            for prefix, namespace in _in_scope(description).items():
                description.setAttribute(f"xmlns:{prefix}", namespace)
            parts.append(description.toxml() + "\n")
    return "".join(parts)


def _is_left_out(node: minidom.Node, without: frozenset[str]) -> bool:
    return (node.namespaceURI, node.localName) in _REPLACED or node.namespaceURI in without


def _in_scope(element: minidom.Element) -> dict[str, str]:
    """The namespace prefixes that elements around it have declared."""
    found: dict[str, str] = {}
    node = element.parentNode
    while node is not None and node.nodeType == node.ELEMENT_NODE:
        for name, namespace in node.attributes.items():
            if name.startswith("xmlns:") and not element.hasAttribute(name):
                found.setdefault(name[6:], namespace)
        node = node.parentNode
    return found


def _descriptions(content: bytes | None) -> list[minidom.Element]:
    """The top rdf:Description elements of a packet; none of one that cannot be read."""
    if not content or len(content) > _MOST_BYTES:
        return []
    encoding = "utf-16" if content[:2] in (b"\xfe\xff", b"\xff\xfe") else "utf-8-sig"
    try:
        text = content.decode(encoding).strip("\0 \t\r\n\ufeff")
        if re.search("<!(DOCTYPE|ENTITY)|encoding=", text):  # nothing is defined in it, and nothing fetched for it
            return []
        document = minidom.parseString(text.encode())  # noqa: S318
    except (ExpatError, ValueError, LookupError):
        return []
    top = document.documentElement
    roots = [one for one in (top, *_elements(top)) if one is not None and _is_rdf(one, "RDF")]
    return [one for one in _elements(roots[0]) if _is_rdf(one, "Description")] if roots else []


def _elements(parent: minidom.Element | None) -> list[minidom.Element]:
    return [child for child in parent.childNodes if isinstance(child, minidom.Element)] if parent is not None else []


def _is_rdf(element: minidom.Element, name: str) -> bool:
    return (element.namespaceURI, element.localName) == (RDF, name)
