"""PDFs of every kind that is met in the wild, made here.

qpdf (Debian package `qpdf`) makes object streams, linearised and encrypted files.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText, Highlight, Link, Text
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    RectangleObject,
    TextStringObject,
)
from reportlab.lib.colors import black, white
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

A4 = (595.276, 841.89)


def contract(pages: int = 2, *, size: tuple[float, float] = A4, lines: int = 20, to_the_edge: bool = False) -> bytes:
    """Text on white; `to_the_edge` frames the page so that anything covered or cut off is seen to be missing."""
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=size, invariant=True)
    width, height = size
    for number in range(pages):
        page.setFont("Helvetica", 10)
        for line in range(lines):
            page.drawString(
                50, height - 60 - line * 14, f"Page {number + 1}, line {line + 1}: the parties agree as follows."
            )
        if to_the_edge:
            page.setFont("Helvetica", 6)
            page.drawString(2, 2, "bottom left edge")
            page.drawRightString(width - 2, 2, "bottom right edge")
            page.drawString(2, height - 7, "top left edge")
            page.drawRightString(width - 2, height - 7, "top right edge")
            page.rect(0.5, 0.5, width - 1, height - 1)
        page.showPage()
    page.save()
    return buffer.getvalue()


def changed(data: bytes, change: Callable[[PdfWriter], None]) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def rotated(angle: int, **options: object) -> bytes:
    def turn(writer: PdfWriter) -> None:
        for page in writer.pages:
            page[NameObject("/Rotate")] = NumberObject(angle)

    return changed(contract(to_the_edge=True, **options), turn)  # type: ignore[arg-type]


def inherited() -> bytes:
    """MediaBox, Rotate and Resources stand on /Pages only."""

    def move(writer: PdfWriter) -> None:
        root = writer.root_object["/Pages"]
        for page in writer.pages:
            resources = page.raw_get("/Resources")
            for key in ("/MediaBox", "/Rotate", "/Resources", "/CropBox"):
                page.pop(key, None)
        root[NameObject("/MediaBox")] = RectangleObject((0, 0, *A4))
        root[NameObject("/Rotate")] = NumberObject(90)
        root[NameObject("/Resources")] = resources

    return changed(contract(to_the_edge=True), move)


def cropped(rotate: int = 0) -> bytes:
    """A CropBox inside a MediaBox whose origin is not 0, with content outside of what is seen."""

    def crop(writer: PdfWriter) -> None:
        for page in writer.pages:
            content = DecodedStreamObject()
            inner = page["/Contents"].get_object().get_data()
            content.set_data(
                b"1 0 0 rg -100 -100 900 100 re f -100 842 900 100 re f -100 -100 100 1100 re f 596 -100 100 1100 re f 0 g "
                + inner
            )
            page[NameObject("/Contents")] = writer._add_object(content)
            page[NameObject("/MediaBox")] = RectangleObject((-100, -100, 700, 950))
            page[NameObject("/CropBox")] = RectangleObject((0, 0, *A4))
            if rotate:
                page[NameObject("/Rotate")] = NumberObject(rotate)

    return changed(contract(to_the_edge=True), crop)


def mixed() -> bytes:
    writer = PdfWriter()
    for size in ((842, 1191), (420, 595), (200, 120), (595, 842)):
        lines = 3 if size[1] < 200 else 20
        for page in PdfReader(io.BytesIO(contract(1, size=size, lines=lines, to_the_edge=True))).pages:
            writer.add_page(page)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def user_unit(unit: float = 2.0) -> bytes:
    def scale(writer: PdfWriter) -> None:
        for page in writer.pages:
            page[NameObject("/UserUnit")] = FloatObject(unit)

    return changed(contract(1, size=(300, 420), lines=5, to_the_edge=True), scale)


def annotated() -> bytes:
    """Comments, a highlight, a link inside the document: everything that lives on a page but is no form."""

    def add(writer: PdfWriter) -> None:
        writer.add_annotation(0, Text(rect=(500, 700, 520, 720), text="a comment", open=True))
        writer.add_annotation(0, FreeText(text="free text", rect=(300, 300, 420, 330), font_size="14pt"))
        quads = ArrayObject([FloatObject(v) for v in (50, 790, 300, 790, 50, 778, 300, 778)])
        writer.add_annotation(0, Highlight(rect=(50, 778, 300, 790), quad_points=quads))
        writer.add_annotation(0, Link(rect=(50, 700, 200, 720), target_page_index=1))
        writer.add_annotation(0, Link(rect=(50, 650, 200, 670), url="https://example.org/"))

    return changed(contract(), add)


def with_files(**files: bytes) -> bytes:
    """With files embedded, `terms=b"..."` as terms.txt, and a script besides."""

    def add(writer: PdfWriter) -> None:
        for name, data in files.items():
            writer.add_attachment(f"{name}.txt", data)

    return changed(javascript("open action"), add)


def corrupt_xmp() -> bytes:
    def add(writer: PdfWriter) -> None:
        stream = DecodedStreamObject()
        stream.set_data(b"<?xpacket begin='' id=''?><x:xmpmeta><rdf:RDF><unclosed \xff\xfe</x:xmp")
        stream[NameObject("/Type")] = NameObject("/Metadata")
        stream[NameObject("/Subtype")] = NameObject("/XML")
        writer.root_object[NameObject("/Metadata")] = writer._add_object(stream)

    return changed(contract(), add)


def unbalanced() -> bytes:
    """One page restores more than it saved, the next leaves a scaled state behind."""

    def wreck(writer: PdfWriter) -> None:
        for page, (before, after) in zip(
            writer.pages, ((b"Q Q ", b""), (b"q 3 0 0 3 0 0 cm Q q q ", b" q 2 0 0 2 9 9 cm")), strict=True
        ):
            content = DecodedStreamObject()
            content.set_data(before + page["/Contents"].get_object().get_data() + after)
            page[NameObject("/Contents")] = writer._add_object(content)

    return changed(contract(), wreck)


def hybrid() -> bytes:
    """A classic table for old readers whose /XRefStm names what is in an object stream (ISO 32000-2, 7.5.8.4)."""
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    offsets: dict[int, int] = {}

    def put(number: int, body: bytes) -> None:
        offsets[number] = len(out)
        out.extend(b"%d 0 obj\n%s\nendobj\n" % (number, body))

    text = b"BT /F1 24 Tf 60 700 Td (From an object stream) Tj ET"
    put(1, b"<</Type/Catalog/Pages 2 0 R>>")
    put(2, b"<</Type/Pages/Kids[3 0 R]/Count 1>>")
    put(3, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources 6 0 R/Contents 4 0 R>>")
    put(4, b"<</Length %d>>\nstream\n%s\nendstream" % (len(text), text))
    hidden = [(6, b"<</Font<</F1 7 0 R>>>>"), (7, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")]
    head, body = b"", b""
    for number, content in hidden:
        head += b"%d %d " % (number, len(body))
        body += content + b" "
    put(
        5,
        b"<</Type/ObjStm/N 2/First %d/Length %d>>\nstream\n%s\nendstream" % (len(head), len(head + body), head + body),
    )
    offsets[8] = len(out)
    entries = bytes([2, 0, 0, 5, 0]) + bytes([2, 0, 0, 5, 1])
    out.extend(
        b"8 0 obj\n<</Type/XRef/Size 9/W[1 3 1]/Index[6 2]/Length %d/Root 1 0 R>>\nstream\n%s\nendstream\nendobj\n"
        % (len(entries), entries)
    )
    table = len(out)
    out.extend(b"xref\n0 9\n0000000000 65535 f \n")
    for number in range(1, 9):
        out.extend(b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n")
    out.extend(b"trailer\n<</Size 9/Root 1 0 R/XRefStm %d>>\nstartxref\n%d\n%%%%EOF\n" % (offsets[8], table))
    return bytes(out)


def big(megabytes: int = 40) -> bytes:
    """A scan that cannot be compressed."""
    side = int((megabytes * 1024 * 1024 / 3) ** 0.5)
    picture = Image.frombytes("RGB", (side, side), os.urandom(side * side * 3))
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=A4, pageCompression=0)
    page.drawImage(ImageReader(picture), 50, 300, 400, 400)
    page.showPage()
    page.save()
    return buffer.getvalue()


def form() -> bytes:
    """Every kind of field."""
    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, pagesize=A4, invariant=True)
    fields = page.acroForm
    page.drawString(50, 800, "Application form")
    fields.textfield(name="name", x=50, y=740, width=250, height=22, borderColor=black, fillColor=white, fontSize=11)
    fields.textfield(name="city", x=50, y=710, width=250, height=22, maxlen=200)
    fields.textfield(name="notes", x=50, y=600, width=250, height=90, fieldFlags="multiline", fontSize=10, maxlen=20000)
    fields.textfield(name="iban", x=50, y=560, width=440, height=22, maxlen=22, fieldFlags="comb")
    fields.textfield(name="kept", x=50, y=530, width=200, height=20, value="kept value")
    fields.checkbox(name="agree", x=50, y=500, size=16)
    fields.checkbox(name="newsletter", x=90, y=500, size=16)
    fields.radio(name="pay", value="card", x=50, y=470, size=16)
    fields.radio(name="pay", value="bank", x=90, y=470, size=16)
    fields.choice(
        name="country", x=50, y=430, width=150, height=20, options=[("Germany", "DE"), ("Austria", "AT")], value="DE"
    )
    fields.listbox(
        name="topics",
        x=250,
        y=380,
        width=150,
        height=60,
        options=["a", "b", "c"],
        value=["a"],
        fieldFlags="multiSelect",
    )
    page.showPage()
    page.save()
    return buffer.getvalue()


def with_catalog(**entries: object) -> bytes:
    def add(writer: PdfWriter) -> None:
        for key, value in entries.items():
            writer.root_object[NameObject("/" + key)] = value

    return changed(contract(1), add)


def javascript(where: str) -> bytes:
    action = DictionaryObject(
        {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    )
    launch = DictionaryObject({NameObject("/S"): NameObject("/Launch"), NameObject("/F"): TextStringObject("calc.exe")})

    def add(writer: PdfWriter) -> None:
        root, page = writer.root_object, writer.pages[0]
        if where == "open action":
            root[NameObject("/OpenAction")] = action
        elif where == "document action":
            root[NameObject("/AA")] = DictionaryObject({NameObject("/WC"): action})
        elif where == "names":
            tree = DictionaryObject(
                {NameObject("/Names"): ArrayObject([TextStringObject("x"), writer._add_object(action)])}
            )
            root[NameObject("/Names")] = DictionaryObject({NameObject("/JavaScript"): tree})
        elif where == "page action":
            page[NameObject("/AA")] = DictionaryObject({NameObject("/O"): action})
        elif where == "annotation":
            link = Link(rect=(0, 0, 50, 50), url="https://example.org/")
            link[NameObject("/A")] = writer._add_object(action)
            writer.add_annotation(0, link)
        elif where == "chained action":
            link = Link(rect=(0, 0, 50, 50), url="https://example.org/")
            link["/A"][NameObject("/Next")] = ArrayObject([action])
            writer.add_annotation(0, link)
        elif where == "launch":
            link = Link(rect=(0, 0, 50, 50), url="https://example.org/")
            link[NameObject("/A")] = launch
            writer.add_annotation(0, link)
        elif where == "outline":
            writer.add_outline_item(title="here", page_number=0)
            root["/Outlines"]["/First"].get_object()[NameObject("/A")] = action
        else:
            raise ValueError(where)

    return changed(contract(1), add)


def xfa(*, with_fields: bool) -> bytes:
    template = DecodedStreamObject()
    template.set_data(b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'/>")

    def add(writer: PdfWriter) -> None:
        root = writer.root_object
        form_dictionary = root.get("/AcroForm", DictionaryObject({NameObject("/Fields"): ArrayObject()})).get_object()
        form_dictionary[NameObject("/XFA")] = writer._add_object(template)
        root[NameObject("/AcroForm")] = form_dictionary

    return changed(form() if with_fields else contract(1), add)


def qpdf(data: bytes, *options: str) -> bytes:
    if shutil.which("qpdf") is None:
        pytest.fail("This test needs qpdf: apt-get install qpdf")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.pdf"), Path(folder, "out.pdf")
        source.write_bytes(data)
        subprocess.run(["qpdf", *options, str(source), str(target)], check=True, capture_output=True, timeout=600)
        return target.read_bytes()


def encrypted(user: str, owner: str, *permissions: str) -> bytes:
    return qpdf(contract(), "--encrypt", user, owner, "256", *permissions, "--")
