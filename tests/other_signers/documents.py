"""The documents that are signed: plain, tagged by Typst, tagged by Chrome, forms, and one that is certified before.

All carry the words of `AMOUNT` on the first page, and leave the strip of `slot` free of text.
"""

from __future__ import annotations

import html
import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import typst
from pyhanko import keys as pyhanko_keys
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from .keys import SIGNERS, Keys

AMOUNT: Final = "Total amount EUR 10,250.00"
FIELDS: Final = ("Supplier", "Client")
"""The empty signature fields of the documents that bring theirs, for the first and the second signer."""
TEXT: Final = "place"
BOX: Final = "agreed"
CHOICE: Final = "colour"
RADIO: Final = "delivery"
"""The form fields of the documents that are forms: a text, a check box, a choice and radio buttons."""

PAGE_HEIGHT: Final = 842
"""Of A4, in points."""

Rect = tuple[int, int, int, int]


def slot(number: int) -> Rect:
    """Where on the first page signer `number` (from 0) puts a visible signature: x1, y1, x2, y2 in points."""
    left = 50 + 170 * number
    return left, 60, left + 150, 110


COMMENT: Final[Rect] = (50, 130, 250, 160)
"""Where a comment goes: on free paper."""


@dataclass(frozen=True)
class Document:
    name: str
    make: Callable[[Path, Keys], bytes]
    form: bool = False
    """Whether it has the form fields above."""
    own_fields: bool = False
    """Whether it brings the empty signature fields of `FIELDS`."""
    certified: bool = False
    """Whether it was certified first, with /P 2 (12.8.2.2: filling in and signing are allowed, comments are not)."""


def _paragraphs() -> list[str]:
    return [
        f"{number}. The supplier delivers part {number} of the order until the end of the month, and the client pays within "
        f"{10 + number} days after delivery."
        for number in range(1, 9)
    ]


def _plain(folder: Path, keys: Keys) -> bytes:
    """Written by hand: its pages inherit box, turn and fonts from the node above them (7.7.3.4)."""
    lines = [f"1 0 0 1 50 {740 - 22 * line} Tm ({text}) Tj" for line, text in enumerate([AMOUNT, *_paragraphs()])]
    first = f"BT /F1 11 Tf {' '.join(lines)} ET".encode()
    second = b"BT /F1 11 Tf 1 0 0 1 50 740 Tm (Annex: nothing else was agreed.) Tj ET"
    box = f"/MediaBox [0 0 595.28 {PAGE_HEIGHT}] /Rotate 0 /Resources << /Font << /F1 7 0 R >> >>".encode()
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 " + box + b" >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 5 0 R >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 6 0 R >>",
        *(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content) for content in (first, second)),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title (Contract of sale) >>",
    ]
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    identifier = b"<5ea17a115ea17a115ea17a115ea17a11>"
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 8 0 R /ID [%b %b] >>\n" % (len(bodies) + 1, identifier, identifier)
    out += b"startxref\n%d\n%%%%EOF\n" % start
    return bytes(out)


def _form(folder: Path, keys: Keys) -> bytes:
    return _with_reference_stream(_form_with_table(folder))


def _with_reference_stream(data: bytes) -> bytes:
    """A file of one table, as reportlab writes it, with a cross-reference stream in its place (7.5.8)."""
    start = data.rindex(b"\nxref\n") + 1
    size = int(data[start:].split()[2])
    entries = re.findall(rb"^(\d{10}) (\d{5}) ([nf])", data[start:], re.MULTILINE)
    trailer = re.search(rb"trailer\s*<<(.*?)>>\s*startxref", data[start:], re.DOTALL)
    if len(entries) != size or trailer is None:
        raise ValueError("reportlab writes otherwise than it did")
    rows = [struct.pack(">BIH", kind == b"n", int(place), int(generation)) for place, generation, kind in entries]
    rows.append(struct.pack(">BIH", 1, start, 0))
    body = zlib.compress(b"".join(rows))
    kept = re.sub(rb"/Size \d+|%[^\n]*", b"", trailer[1])
    head = b"/Type /XRef /Size %d /W [1 4 2] /Filter /FlateDecode /Length %d" % (size + 1, len(body))
    stream = b"%d 0 obj\n<<%b %b>>\nstream\n%b\nendstream\nendobj\n" % (size, kept, head, body)
    return data[:start] + stream + b"startxref\n%d\n%%%%EOF\n" % start


def _form_with_table(folder: Path) -> bytes:
    target = folder / "drawn.pdf"
    canvas = Canvas(str(target), pagesize=A4)
    canvas.setTitle("Contract of sale")
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawString(50, 780, "Contract of sale")
    canvas.setFont("Helvetica", 11)
    canvas.drawString(50, 740, AMOUNT)
    for line, paragraph in enumerate(_paragraphs()):
        canvas.drawString(50, 700 - 22 * line, paragraph[:95])
    _draw_fields(canvas)
    canvas.showPage()
    canvas.setFont("Helvetica", 11)
    canvas.drawString(50, 780, "Annex: nothing else was agreed.")
    canvas.save()
    return target.read_bytes()


def _draw_fields(canvas: Canvas) -> None:
    for line, label in enumerate(("Place", "Agreed", "Colour", "Delivery: by post, by courier")):
        canvas.drawString(50, 480 - 40 * line, label)
    form = canvas.acroForm
    form.textfield(name=TEXT, x=250, y=470, width=200, height=24, fontName="Helvetica", fontSize=11)
    form.checkbox(name=BOX, x=250, y=432, size=20)
    form.choice(
        name=CHOICE, x=250, y=390, width=120, height=24, options=["red", "green", "blue"], value="red", fontSize=11
    )
    form.radio(name=RADIO, value="post", x=250, y=350, size=20)
    form.radio(name=RADIO, value="courier", x=290, y=350, size=20)


def _typst(folder: Path, keys: Keys) -> bytes:
    source = folder / "contract.typ"
    source.write_text(
        '#set document(title: "Contract of sale", author: "Sample")\n'
        '#set text(lang: "en", size: 11pt)\n#set page("a4", margin: (x: 50pt, top: 50pt, bottom: 180pt))\n'
        f"= Contract of sale\n{AMOUNT}\n\n== Terms <terms>\n"
        + "\n\n".join(text.replace(". ", ") ", 1) for text in _paragraphs())
        + "\n\nSee @back.\n#pagebreak()\n== Annex <annex>\nNothing else was agreed. #link(<terms>)[Back to the terms]\n"
        "#table(columns: 2, table.header[Part][Price], [1], [10,000.00], [2], [250.00])\n".replace("See @back.\n", "")
    )
    return bytes(typst.compile(str(source), pdf_standards=["ua-1"]))


def _chrome(folder: Path, keys: Keys) -> bytes:
    page, target = folder / "contract.html", folder / "contract.pdf"
    body = "".join(f"<p>{html.escape(text)}</p>" for text in _paragraphs())
    page.write_text(
        "<!doctype html><html lang=en><title>Contract of sale</title><style>@page{size:A4;margin:18mm 18mm 65mm}"
        "body{font:11pt sans-serif}</style>"
        f"<h1>Contract of sale</h1><p>{AMOUNT}</p><h2 id=terms>Terms</h2>{body}"
        "<ul><li>by post<li>by courier</ul><table><tr><th>Part<th>Price<tr><td>1<td>10,250.00</table>"
        "<h2 style='break-before:page'>Annex</h2><p>Nothing else was agreed. <a href='#terms'>Back</a></p></html>"
    )
    subprocess.run(
        [
            browser(),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder / 'profile'}",
            f"--print-to-pdf={target}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
    )
    return target.read_bytes()


def browser() -> str:
    """The name of the Chromium that is installed, or an empty one."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), "")


def _form_with_fields(folder: Path, keys: Keys) -> bytes:
    target = folder / "fields.pdf"
    with (folder / "form.pdf").open("w+b") as file:
        file.write(_form_with_table(folder))
        writer = IncrementalPdfFileWriter(file)
        for number, name in enumerate(FIELDS):
            # The widget of the second is an object of its own, as 12.7.4.1 has it where they are not merged.
            place = fields.SigFieldSpec(name, box=slot(number), combine_annotation=number == 0)
            fields.append_signature_field(writer, place)
        for _name, _value, reference in fields.enumerate_sig_fields(writer):
            for kid in map(generic.IndirectObject.get_object, reference.get_object().get("/Kids", ())):
                kid[generic.pdf_name("/Parent")] = reference
        with target.open("wb") as out:
            writer.write(out)
    return target.read_bytes()


def _certified(folder: Path, keys: Keys) -> bytes:
    target = folder / "certified.pdf"
    (folder / "uncertified.pdf").write_bytes(_form_with_fields(folder, keys))
    metadata = signers.PdfSignatureMetadata(
        field_name="Certification",
        certify=True,
        docmdp_permissions=fields.MDPPerm.FILL_FORMS,
        subfilter=fields.SigSeedSubFilter.PADES,
    )
    name = SIGNERS[0]
    signer = signers.SimpleSigner(
        signing_cert=pyhanko_keys.load_cert_from_pemder(str(keys.certificate(name))),
        signing_key=pyhanko_keys.load_private_key_from_pemder(str(keys.key(name)), passphrase=None),
        cert_registry=None,
    )
    with (folder / "uncertified.pdf").open("rb") as file, target.open("w+b") as out:
        signers.sign_pdf(IncrementalPdfFileWriter(file), metadata, signer, output=out)
    return target.read_bytes()


DOCUMENTS: Final = (
    Document("plain", _plain),
    Document("typst", _typst),
    Document("chrome", _chrome),
    Document("form", _form, form=True),
    Document("fields", _form_with_fields, form=True, own_fields=True),
    Document("certified", _certified, form=True, own_fields=True, certified=True),
)


def made(document: Document, target: Path, keys: Keys) -> Path:
    """The unsigned (or only certified) document at `target`, made when it is not there yet."""
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            target.write_bytes(document.make(Path(folder), keys))
    return target
