"""The XMP packet of a prepared document (ISO 16684-1).

The packet of the source is not taken over: it may be damaged, and claims in it, such as PDF/A conformance, are not ours
to repeat for changed pages. What it says beyond the document information dictionary, which is kept, is lost.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

from signing_core.pdf.names import PRODUCER

_ILLEGAL = dict.fromkeys([*range(0x20), 0xFFFE, 0xFFFF]) | {0x09: " ", 0x0A: " ", 0x0D: " "}


def packet(title: str, language: str, document_id: str) -> bytes:
    """The packet as UTF-8: title, language, identifier and producer."""
    title, language, document_id = (escape(text.translate(_ILLEGAL)) for text in (title, language, document_id))
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<dc:identifier>{document_id}</dc:identifier>
<pdf:Producer>{escape(PRODUCER)}</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>""".encode("utf-8", "replace")
