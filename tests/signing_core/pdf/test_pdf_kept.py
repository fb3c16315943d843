"""What a document says of itself and keeps: its language, addresses, tags, and the standards that it follows."""

from __future__ import annotations

import io

import pytest
from archival_rules import pdf_a, pdf_ua
from inputs import changed, contract
from pdf_parts import coloured_look, one_page, stream
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, TextStringObject

from signing_core import typesetting
from signing_core.pdf import conformance, xmp
from signing_core.pdf.attachments import Attachment
from signing_core.pdf.prepare import prepare

TEXT = '#set document(title: "A title", author: "Sample Author")\n#set text(lang: "{}")\n= Heading\nSome words.\n'


def following(*standards: str, tagged: bool = True, language: str = "en") -> bytes:
    from datetime import UTC, datetime

    return typesetting.compile_pdf(
        TEXT.replace("{}", language),
        {},
        standards=standards,
        tagged=tagged,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def packet(data: bytes) -> bytes:
    content: bytes = PdfReader(io.BytesIO(data)).trailer["/Root"]["/Metadata"].get_data()
    return content


@pytest.mark.parametrize("standard", ["a-2b", "a-2u", "a-2a", "a-3b", "a-3u", "a-3a"])
def test_pdf_a_2_and_3_stay_so_until_the_last_signature(steps, standard):
    source = following(standard)
    assert pdf_a(source) == []
    flow = steps.complete(source)
    for data in (flow.prepared, flow.final.data):
        assert f"<pdfaid:part>{standard[2]}</pdfaid:part>".encode() in packet(data)
        assert f"<pdfaid:conformance>{standard[3].upper()}</pdfaid:conformance>".encode() in packet(data)
    assert pdf_a(flow.final.data) == []
    assert [one for one in pdf_a(flow.prepared) if not one.startswith("6.3.3")] == []  # fields are empty until signed
    assert prepare(source, steps.request_for()).told == ()


@pytest.mark.parametrize("standard", ["a-1b", "a-4"])
def test_what_cannot_stay_is_said(steps, standard):
    made = prepare(following(standard), steps.request_for())
    assert "pdfa-lost" in made.told and xmp.value(packet(made.data), conformance.PDF_A, "part") is None


def test_pdf_a_2_does_not_take_any_file_inside_pdf_a_3_does(steps):
    request = steps.request_for(attach=Attachment("a.txt", b"x"))
    assert "pdfa-lost" in prepare(following("a-2b"), request).told
    assert "pdfa-lost" not in prepare(following("a-3b"), request).told


def test_a_tagged_document_stays_tagged_as_a_whole(steps):
    source = following("ua-1")
    assert pdf_ua(source) == []
    flow = steps.complete(source)
    assert b"pdfuaid:part" in packet(flow.final.data)
    assert pdf_ua(flow.prepared) == [] and pdf_ua(flow.final.data) == []


def tagged_form() -> bytes:
    """A tagged page with a text field, a hidden one and an empty signature field."""
    widget = (
        b"<< /Type /Annot /Subtype /Widget /FT /%s /T (%s) /TU (%s) /F %d /Rect [60 %d 260 %d] /StructParent %d %s >>"
    )
    element = b"<< /Type /StructElem /S /Form /P 21 0 R /Pg 3 0 R /K << /Type /OBJR /Obj %d 0 R /Pg 3 0 R >> >>"
    metadata = xmp.packet("t", "en", "x").replace(
        b"</rdf:RDF>",
        b'<rdf:Description rdf:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/"><pdfuaid:part>1</pdfuaid:part>'
        b"</rdf:Description></rdf:RDF>",
    )
    return one_page(
        catalog=b"/MarkInfo << /Marked true >> /StructTreeRoot 20 0 R /Lang (en) /Metadata 50 0 R "
        b"/ViewerPreferences << /DisplayDocTitle true >> /AcroForm << /Fields [30 0 R 32 0 R 33 0 R] >>",
        content=b"/P <</MCID 0>> BDC BT /F1 20 Tf 60 700 Td (Text) Tj ET EMC",
        page=b"/StructParents 0 /Tabs /S /Annots [30 0 R 32 0 R 33 0 R]",
        o20=b"<< /Type /StructTreeRoot /K 21 0 R /ParentTree << /Nums [0 [22 0 R] 1 23 0 R 2 24 0 R 3 25 0 R] >> >>",
        o21=b"<< /Type /StructElem /S /Document /P 20 0 R /K [22 0 R 23 0 R 24 0 R 25 0 R] >>",
        o22=b"<< /Type /StructElem /S /P /P 21 0 R /Pg 3 0 R /K 0 >>",
        o23=element % 30,
        o24=element % 32,
        o25=element % 33,
        o30=widget % (b"Tx", b"a", b"A field", 4, 300, 320, 1, b"/V (kept) /AP << /N 31 0 R >>"),
        o31=coloured_look(b"0 0 1"),
        o32=widget % (b"Tx", b"b", b"Hidden", 2, 340, 360, 2, b""),
        o33=widget % (b"Sig", b"client", b"Sign", 4, 400, 450, 3, b""),
        o50=stream(metadata, b"/Type /Metadata /Subtype /XML"),
    )


def test_a_drawn_field_keeps_its_element_and_one_that_is_gone_is_led_to_by_none(steps):
    assert pdf_ua(tagged_form()) == []
    flow = steps.complete(tagged_form())
    assert pdf_ua(flow.prepared) == [] and pdf_ua(flow.final.data) == []
    reader = PdfReader(io.BytesIO(flow.prepared))
    elements = reader.trailer["/Root"]["/StructTreeRoot"]["/K"]["/K"]
    kids = [one.get_object()["/K"] for one in elements]
    assert len(elements) == 4 + 3 and kids[1][0]["/MCID"] == 1 and kids[2] == [] and kids[3] == []
    assert b"/Form <</MCID 1>> BDC" in reader.pages[0].get_contents().get_data()


def test_strips_are_artifacts(steps):
    page = PdfReader(io.BytesIO(prepare(contract(1), steps.request_for()).data)).pages[0]
    assert (
        b"/Artifact <</Type /Pagination /Subtype /Footer>> BDC /SealtrailStrip Do EMC" in page.get_contents().get_data()
    )


@pytest.mark.parametrize(
    ("declared", "language", "told"),
    [("fr-FR", "fr-FR", True), ("en-GB", "en-GB", False), ("", "en", False), ("no language", "en", False)],
)
def test_the_language_that_a_document_declares_stays(steps, declared, language, told):
    def declare(writer):
        writer.root_object[NameObject("/Lang")] = TextStringObject(declared)

    made = prepare(changed(contract(1), declare), steps.request_for())
    root = PdfReader(io.BytesIO(made.data)).trailer["/Root"]
    assert root["/Lang"] == language and f"<rdf:li>{language}</rdf:li>".encode() in packet(made.data)
    assert ("language" in made.told) == told


def test_the_address_that_links_start_from_stays_and_nothing_else_beside_it(steps):
    def base(writer):
        entries = {NameObject("/Base"): TextStringObject("https://example.org/a/"), NameObject("/X"): ArrayObject()}
        writer.root_object[NameObject("/URI")] = DictionaryObject(entries)

    root = PdfReader(io.BytesIO(prepare(changed(contract(1), base), steps.request_for()).data)).trailer["/Root"]
    assert root["/URI"] == {"/Base": "https://example.org/a/"}


INVOICE = b"""<?xpacket begin="\xef\xbb\xbf" id="x"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:fx="urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#">
<rdf:Description rdf:about="" fx:DocumentType="INVOICE" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Old</rdf:li></rdf:Alt></dc:title><fx:Version>1.0</fx:Version>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


def test_what_else_a_packet_says_is_kept():
    made = xmp.packet("New & <title>", "de", "id", kept=INVOICE)
    facturx = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
    assert xmp.value(made, facturx, "DocumentType") == "INVOICE" and xmp.value(made, facturx, "Version") == "1.0"
    assert b"Old" not in made and made.count(b"<dc:title>") == 1
    assert b"Version" not in xmp.packet("t", "de", "id", kept=INVOICE, without=frozenset((facturx,)))


@pytest.mark.parametrize(
    "hostile",
    [
        b"<x", b"\xff\xfe\x00", b"", INVOICE.replace(b"<x:xmpmeta", b"<!DOCTYPE a [<!ENTITY b 'c'>]><x:xmpmeta", 1),
        b"<a>" * 100_000 + b"</a>" * 100_000,
        INVOICE.replace(b"<fx:Version>", b"<fx:Version>" + b"<fx:a>" * 5000).replace(b"</fx:Version>", b"</fx:a>" * 5000 + b"</fx:Version>"),
    ],
)  # fmt: skip
def test_a_packet_that_cannot_be_read_is_replaced(hostile):
    made = xmp.packet("t", "en", "id", kept=hostile)
    assert made.count(b"rdf:about") == 1 and xmp.value(made, "http://purl.org/dc/elements/1.1/", "identifier") == "id"
