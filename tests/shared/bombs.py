"""Small files that ask for more work than they are worth: kinds of bombs, each under a hundred kilobytes.

Each is a PDF that common programs open or at least begin to open. None is signed.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from typing import Final

from pdf_parts import contract_objects, original, sealed, signature_value, stream, update, visible


def plain(catalog: bytes = b"", page: bytes = b"", more: dict[int, bytes] | None = None) -> bytes:
    """Two pages without a form, with more entries in the catalog and on the first page."""
    objects = {number: body for number, body in contract_objects().items() if number not in (8, 9, 10, 11)}
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog
    objects[3] = objects[3].replace(b" /Annots [9 0 R 10 0 R 11 0 R]", page)
    return original(objects | (more or {}))


def _first_page(resources: bytes) -> bytes:
    page = contract_objects()[3].replace(b" /Annots [9 0 R 10 0 R 11 0 R]", b"")
    return page.replace(b"/Resources <<", b"/Resources << " + resources)


def _form(content: bytes, entries: bytes = b"") -> bytes:
    return stream(content, b"/Type /XObject /Subtype /Form /BBox [0 0 600 850] " + entries)


def deep_forms() -> bytes:
    """Form XObjects that each draw the next one ten times, ten deep."""
    more = {
        number: _form(b"/X Do " * 10, b"/Resources << /XObject << /X %d 0 R >> >>" % (number + 1))
        for number in range(30, 40)
    }
    more |= {40: _form(b"0 0 1 1 re f"), 4: stream(b"/X Do"), 3: _first_page(b"/XObject << /X 30 0 R >>")}
    return plain(more=more)


def huge_stream() -> bytes:
    """Page content of 780 MB, deflated twice."""
    body = zlib.compress(zlib.compress(b"0 0 1 1 re f " * (60 << 20), 9), 9)
    return plain(more={4: stream(body, b"/Filter [/FlateDecode /FlateDecode]")})


def huge_picture() -> bytes:
    """An image of 3.6 thousand million points."""
    picture = stream(
        zlib.compress(bytes(1 << 20), 9),
        b"/Type /XObject /Subtype /Image /Width 60000 /Height 60000 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode",
    )
    page = _first_page(b"/XObject << /X 30 0 R >>")
    return plain(more={3: page, 30: picture, 4: stream(b"500 0 0 500 0 0 cm /X Do")})


def huge_object_stream() -> bytes:
    """An object stream that says it holds a hundred million objects."""
    body = zlib.compress(zlib.compress(b"1 0 " * (100 << 20), 9), 9)
    objects = stream(body, b"/Type /ObjStm /N 100000000 /First 419430400 /Filter [/FlateDecode /FlateDecode]")
    return plain(catalog=b"/Names 31 0 R", more={30: objects})


def many_pages() -> bytes:
    """One page, three thousand times in the page tree."""
    return plain(more={2: b"<< /Type /Pages /Count 3000 /Kids [%s] >>" % (b"3 0 R " * 3000)})


def endless_pattern() -> bytes:
    """A tile of a fiftieth of a point over a whole page."""
    tiny = stream(
        b"0 0 .01 .01 re f",
        b"/Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 .02 .02] /XStep .02 /YStep .02 /Resources << >>",
    )
    page = _first_page(b"/Pattern << /P 30 0 R >>")
    return plain(more={3: page, 30: tiny, 4: stream(b"/Pattern cs /P scn 0 0 595 842 re f")})


def many_strokes() -> bytes:
    """Three million shapes over the whole page."""
    body = zlib.compress(b"0 0 m 595 842 l S 9 9 500 700 re B* " * 1_500_000, 9)
    return plain(more={4: stream(body, b"/Filter /FlateDecode")})


def deep_nesting() -> bytes:
    """Arrays in arrays, 40,000 deep."""
    return plain(catalog=b"/Deep " + b"[" * 40_000 + b"]" * 40_000)


def endless_pages() -> bytes:
    """Page tree nodes that lead to each other ten times each, eight deep, and back to the first."""
    tree = {
        number: b"<< /Type /Pages /Parent %d 0 R /Count 1000000 /Kids [%s] >>" % (number - 1, b"%d 0 R " % (number + 1) * 10)
        for number in range(30, 38)
    }  # fmt: skip
    tree[38] = b"<< /Type /Pages /Parent 37 0 R /Count 1000000 /Kids [30 0 R 3 0 R] >>"
    return plain(more={2: b"<< /Type /Pages /Count 1000000 /Kids [30 0 R] >>"} | tree)


def soft_masks() -> bytes:
    """Transparency groups under soft masks that hold groups under soft masks, fourteen deep, two of each."""
    more = {}
    for level in range(14):
        group, mask, state = 30 + 3 * level, 31 + 3 * level, 32 + 3 * level
        inner = b"/ExtGState << /G %d 0 R >> /XObject << /X %d 0 R >>" % (state + 3, group + 3)
        content = b"/G gs /X Do /G gs /X Do" if level < 13 else b"0 0 600 850 re f"
        resources = b"/Resources << %s >>" % inner if level < 13 else b""
        more[group] = _form(content, b"/Group << /S /Transparency /I true >> " + resources)
        more[mask] = _form(content, b"/Group << /S /Transparency /CS /DeviceGray >> " + resources)
        more[state] = b"<< /SMask << /S /Luminosity /G %d 0 R >> >>" % mask
    page = _first_page(b"/ExtGState << /G 32 0 R >> /XObject << /X 30 0 R >>")
    return plain(more=more | {3: page, 4: stream(b"/G gs /X Do")})


def glyphs_that_draw_themselves() -> bytes:
    """A Type 3 font whose glyph writes a hundred glyphs of the next one, five fonts deep."""
    more = {}
    for level in range(5):
        font, glyph = 30 + 2 * level, 31 + 2 * level
        inner = b"BT /F 1 Tf (%s) Tj ET" % (b"a" * 100) if level < 4 else b"0 0 1 1 re f"
        resources = b"/Resources << /Font << /F %d 0 R >> >>" % (font + 2) if level < 4 else b"/Resources << >>"
        more[glyph] = stream(b"1 0 d0 " + inner)
        more[font] = (
            b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 1 1] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 /Widths [1]"
            b" /Encoding << /Differences [97 /a] >> /CharProcs << /a %d 0 R >> %s >>" % (glyph, resources)
        )
    content = stream(b"BT /T 9 Tf 60 700 Td (%s) Tj ET" % (b"a" * 100))
    return plain(more=more | {3: _first_page(b"/Font << /T 30 0 R >>"), 4: content})


def laughing_metadata() -> bytes:
    """XMP whose entities name ten others each, nine deep."""
    names = "abcdefghij"
    entities = "".join(
        f'<!ENTITY {one} "{(f"&{names[at - 1]};" * 10) if at else "ha" * 50}">' for at, one in enumerate(names)
    )
    body = (
        f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><!DOCTYPE x [{entities}]><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:format>&j;</dc:format></rdf:Description></rdf:RDF></x:xmpmeta>'
        '<?xpacket end="w"?>'
    )
    return plain(catalog=b"/Metadata 30 0 R", more={30: stream(body.encode(), b"/Type /Metadata /Subtype /XML")})


def many_fields() -> bytes:
    """A form whose fields are each ten kids, five deep: a hundred thousand names of one widget."""
    more = {
        number: b"<< /T (f%d) /FT /Tx /Kids [%s] >>" % (number, b"%d 0 R " % (number + 1) * 10)
        for number in range(30, 35)
    }
    more[35] = b"<< /T (last) /FT /Tx /Type /Annot /Subtype /Widget /Rect [60 200 260 230] /P 3 0 R /F 4 >>"
    return plain(catalog=b"/AcroForm << /Fields [30 0 R] >>", page=b" /Annots [35 0 R]", more=more)


def huge_shading() -> bytes:
    """A function of sixteen million samples behind a shading, and a mesh of a million triangles."""
    function = stream(
        zlib.compress(bytes(4096 * 4096 * 3), 9),
        b"/FunctionType 0 /Domain [0 1 0 1] /Range [0 1 0 1 0 1] /Size [4096 4096] /BitsPerSample 8 /Filter /FlateDecode",
    )
    mesh = stream(
        zlib.compress(bytes(range(256)) * 93_750, 9),
        b"/ShadingType 4 /ColorSpace /DeviceRGB /BitsPerCoordinate 8 /BitsPerComponent 8 /BitsPerFlag 8 "
        b"/Decode [0 600 0 850 0 1 0 1 0 1] /Filter /FlateDecode",
    )
    more = {
        30: b"<< /ShadingType 1 /ColorSpace /DeviceRGB /Domain [0 1 0 1] /Matrix [600 0 0 850 0 0] /Function 31 0 R >>",
        31: function,
        32: mesh,
        3: _first_page(b"/Shading << /S 30 0 R /M 32 0 R >>"),
        4: stream(b"/S sh /M sh"),
    }
    return plain(more=more)


def huge_map() -> bytes:
    """A font whose ToUnicode map names four thousand million characters by ranges, 400,000 times."""
    body = b"begincmap 1 begincodespacerange <00000000> <FFFFFFFF> endcodespacerange " + (
        b"1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange " * 400_000
    )
    more = {
        30: b"<< /Type /Font /Subtype /Type0 /BaseFont /Sample /Encoding /Identity-H /DescendantFonts [31 0 R] /ToUnicode 32 0 R >>",
        31: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Sample /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
        b"/Supplement 0 >> /DW 1000 >>",
        32: stream(zlib.compress(body, 9), b"/Filter /FlateDecode"),
        3: _first_page(b"/Font << /T 30 0 R >>"),
        4: stream(b"BT /T 9 Tf 60 700 Td <00410042> Tj ET"),
    }
    return plain(more=more)


BOMBS: Final[list[Callable[[], bytes]]] = [
    deep_forms,
    huge_stream,
    huge_picture,
    huge_object_stream,
    many_pages,
    endless_pattern,
    many_strokes,
    deep_nesting,
    endless_pages,
    soft_masks,
    glyphs_that_draw_themselves,
    laughing_metadata,
    many_fields,
    huge_shading,
    huge_map,
]


def signed(bomb: bytes) -> bytes:
    """The bomb with a signature field that somebody filled, and a note that was put on its first page afterwards."""
    catalog = re.search(rb"\n1 0 obj\n(.*?)\nendobj", bomb, re.DOTALL)
    page = re.search(rb"\n3 0 obj\n(.*?)\nendobj", bomb, re.DOTALL)
    assert catalog is not None and page is not None
    form = catalog[1].replace(b"/Fields [", b"/Fields [90 0 R ")
    if form == catalog[1]:
        form = form[:-2] + b"/AcroForm << /Fields [90 0 R] /SigFlags 3 >> >>"
    rest = re.sub(rb" /Annots \[.*?\]", b"", page[1])[:-2]
    field = b"<< /FT /Sig /T (client) /Rect [60 100 260 160] /Type /Annot /Subtype /Widget /P 3 0 R /F 132 /V 91 0 R /AP << /N 92 0 R >> >>"
    once = update(
        bomb,
        {1: form, 3: rest + b"/Annots [90 0 R] >>", 90: field, 91: signature_value(), 92: visible()},
    )
    note = (
        b"<< /Type /Annot /Subtype /FreeText /Rect [60 300 260 360] /Contents (Sample) /DA (/F1 9 Tf) /P 3 0 R /F 4 >>"
    )
    return update(sealed(once), {3: rest + b"/Annots [90 0 R 93 0 R] >>", 93: note})
