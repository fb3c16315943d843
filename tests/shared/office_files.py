"""Texts of word processors, made by hand: DOCX, ODT and RTF, with links, macros and passwords."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_ODF = "urn:oasis:names:tc:opendocument:xmlns"


def package(parts: Mapping[str, str | bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return written.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def field(instruction: str) -> str:
    kinds = [f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end")]
    command = f'<w:r><w:instrText xml:space="preserve"> {instruction} </w:instrText></w:r>'
    return f"<w:p>{kinds[0]}{command}{kinds[1]}<w:r><w:t>kept</w:t></w:r>{kinds[2]}</w:p>"


def linked(relation: str) -> str:
    """A picture that is not in the document."""
    return (
        '<w:p><w:r><w:drawing><wp:inline><wp:extent cx="1800000" cy="1800000"/><wp:docPr id="1" name="x"/><a:graphic>'
        f'<a:graphicData uri="{_DRAWING}/picture"><pic:pic><pic:nvPicPr><pic:cNvPr id="1" name="x"/><pic:cNvPicPr/>'
        f'</pic:nvPicPr><pic:blipFill><a:blip r:link="{relation}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
        '<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="1800000" cy="1800000"/></a:xfrm><a:prstGeom prst="rect">'
        "<a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )


def docx(*body: str, links: Mapping[str, str] | None = None, more: Mapping[str, bytes] | None = None) -> bytes:
    relations = "".join(
        f'<Relationship Id="{key}" Type="{_OFFICE}/image" Target="{target}" TargetMode="External"/>'
        for key, target in (links or {}).items()
    )
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return package(
        {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
            f'ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="{main}"/></Types>',
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
            "word/_rels/document.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{relations}</Relationships>',
            "word/document.xml": f'<w:document xmlns:w="{_WORD}" xmlns:r="{_OFFICE}" xmlns:a="{_DRAWING}/main" '
            f'xmlns:wp="{_DRAWING}/wordprocessingDrawing" xmlns:pic="{_DRAWING}/picture"><w:body>{"".join(body)}'
            '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/></w:sectPr></w:body></w:document>',
            **(more or {}),
        }
    )


def odt(
    body: str, *, before: str = "", more: Mapping[str, str] | None = None, kind: str = "text", manifest: str = ""
) -> bytes:
    spaces = " ".join(f'xmlns:{short}="{_ODF}:{short}:1.0"' for short in ("office", "text", "script"))
    spaces += f' xmlns:draw="{_ODF}:drawing:1.0" xmlns:svg="{_ODF}:svg-compatible:1.0"'
    spaces += ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dom="http://www.w3.org/2001/xml-events"'
    media = f"application/vnd.oasis.opendocument.{kind}"
    listed = {"/": media, "content.xml": "text/xml", **dict.fromkeys(more or {}, "text/xml")}
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="{of}">{manifest}</manifest:file-entry>'
        for name, of in listed.items()
    )
    return package(
        {
            "mimetype": media,
            "content.xml": f'<office:document-content {spaces} office:version="1.2">{before}<office:body><office:text>{body}'
            "</office:text></office:body></office:document-content>",
            "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{_ODF}:manifest:1.0" manifest:version="1.2">'
            f"{entries}</manifest:manifest>",
            **(more or {}),
        }
    )


def odt_links(*targets: str) -> bytes:
    frame = '<text:p><draw:frame text:anchor-type="paragraph" svg:width="4cm" svg:height="4cm">{}</draw:frame></text:p>'
    body = ""
    for number, target in enumerate(targets):
        link = f'xlink:href="{target}" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"'
        body += "".join(frame.format(f"<draw:{kind} {link}/>") for kind in ("image", "object", "floating-frame"))
        body += f'<text:section text:name="s{number}"><text:section-source {link}/><text:p>kept</text:p></text:section>'
    return odt(body)


def odt_with_macro(path: str) -> bytes:
    """One that changes its text and writes a file when it is opened."""
    library = "http://openoffice.org/2000/library"
    basic = (
        f'Sub Main\nOpen "{path}" For Output As #1\nPrint #1, "ran"\nClose #1\n'
        'ThisComponent.Text.setString("changed by a macro")\nEnd Sub'
    )
    listener = (
        '<office:scripts><office:event-listeners><script:event-listener script:language="ooo:script" script:event-name="dom:load" '
        'xlink:href="vnd.sun.star.script:Standard.Module1.Main?language=Basic&amp;location=document" xlink:type="simple"/>'
        "</office:event-listeners></office:scripts>"
    )
    more = {
        "Basic/script-lc.xml": f'<library:libraries xmlns:library="{library}"><library:library library:name="Standard" '
        'library:link="false"/></library:libraries>',
        "Basic/Standard/script-lb.xml": f'<library:library xmlns:library="{library}" library:name="Standard" '
        'library:readonly="false" library:passwordprotected="false"><library:element library:name="Module1"/></library:library>',
        "Basic/Standard/Module1.xml": '<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" '
        f'script:language="StarBasic">{basic}</script:module>',
    }
    return odt("<text:p>Before the macro</text:p>", before=listener, more=more)


def rtf(*instructions: str, text: str = "Sample agreement") -> bytes:
    fields = "".join(rf"{{\field{{\*\fldinst{{{one}}}}}{{\fldrslt kept}}}}\par " for one in instructions)
    return rf"{{\rtf1\ansi {text}\par {fields}}}".encode("ascii")


def compound(*streams: str, flags: int = 0) -> bytes:
    """The directory of a compound file ([MS-CFB]) with streams of these names, a Word document's with the flags of its FIB."""
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    header[30] = 9
    directory = b""
    for name in ("Root Entry", *streams):
        text = name.encode("utf-16-le") + b"\0\0"
        entry = text.ljust(64, b"\0") + struct.pack("<HBB", len(text), 5 if name == "Root Entry" else 2, 1)
        directory += entry.ljust(116, b"\0") + struct.pack("<IQ", 4, 4096)
    fib = (bytes(10) + struct.pack("<H", flags)).ljust(4096, b"\0")
    return bytes(header) + directory.ljust(4 * 512, b"\0") + fib
