"""Every kind of document keeps its look, gains its strip and its fields, and can be signed through to the end."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageFilter
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, NameObject

from signing_core.errors import DocumentRefused, UsageError
from signing_core.pdf import names, render, strips
from signing_core.pdf.places import Placement
from signing_core.pdf.prepare import Attachment, FieldRequest, prepare

DPI = 72

KINDS = {
    "plain": lambda make: make.contract(),
    "turned_90": lambda make: make.rotated(90),
    "turned_180": lambda make: make.rotated(180),
    "turned_270": lambda make: make.rotated(270),
    "attributes_on_pages_only": lambda make: make.inherited(),
    "cropped": lambda make: make.cropped(),
    "cropped_and_turned": lambda make: make.cropped(90),
    "mixed_sizes": lambda make: make.mixed(),
    "user_unit": lambda make: make.user_unit(),
    "hybrid_cross_references": lambda make: make.hybrid(),
    "object_streams": lambda make: make.qpdf(make.contract(), "--object-streams=generate"),
    "linearised": lambda make: make.qpdf(make.contract(), "--linearize"),
    "bytes_before_the_header": lambda make: b"HTTP/1.1 200 OK\r\n\r\n" + make.contract(),
    "offsets_from_the_start_of_the_file": lambda make: _shifted(make.contract(), b"\xef\xbb\xbf \n"),
    "corrupt_xmp": lambda make: make.corrupt_xmp(),
    "annotations": lambda make: make.annotated(),
    "unbalanced_states": lambda make: make.unbalanced(),
    "form": lambda make: make.form(),
    "full_to_the_edge": lambda make: make.contract(lines=56, to_the_edge=True),
}


def _shifted(data: bytes, prefix: bytes) -> bytes:
    """The same file with something before its header and every offset counted from the start of the file."""
    head, tail = data.rsplit(b"\nxref\n", 1)
    lines = tail.split(b"\n")
    moved = []
    for line in lines:
        if len(line.strip()) == 18 and line.strip().endswith(b" n"):
            line = b"%010d 00000 n " % (int(line[:10]) + len(prefix))
        moved.append(line)
    body = prefix + head + b"\nxref\n" + b"\n".join(moved)
    at = body.rindex(b"startxref") + 10
    end = body.index(b"\n", at)
    return body[:at] + b"%d" % (int(body[at:end]) + len(prefix)) + body[end:]


@pytest.fixture(scope="module", params=list(KINDS))
def kind(request, make, steps):
    source = KINDS[request.param](make)
    return request.param, source, steps.complete(source)


def _same(before: Image.Image, after: Image.Image) -> bool:
    """Equal, but for the rounding of positions to pixels: where one is dark, the other is not white within two pixels."""
    for one, other in ((before, after), (after, before)):
        near = other.convert("L").filter(ImageFilter.MinFilter(5)).point(lambda v: 255 if v > 235 else 0)
        dark = one.convert("L").point(lambda v: 255 if v < 110 else 0)
        if ImageChops.multiply(near, dark).getbbox():
            return False
    return True


def test_nothing_of_any_page_is_covered_or_changed(kind):
    name, source, flow = kind
    for page in range(1, render.page_count(source) + 1):
        before, after = render.render(source, page, dpi=DPI), render.render(flow.prepared, page, dpi=DPI)
        assert after.height > before.height and abs(after.width - before.width) <= 1
        top = after.crop((0, 0, before.width, before.height))
        if name == "annotations" and page == 1:  # PDFium draws a comment without an appearance in its own ways
            top, before = top.crop((0, 0, 590, 350)), before.crop((0, 0, 590, 350))
        assert _same(before, top), (name, page)


def test_the_strip_is_upright_below_every_page(kind):
    _, source, flow = kind
    pages = render.page_count(source)
    for page in range(1, pages + 1):
        before, after = render.render(source, page, dpi=200), render.render(flow.prepared, page, dpi=200)
        strip = after.crop((0, after.height - round((after.height - before.height) * 0.9), after.width, after.height))
        assert strip.convert("L").getextrema()[0] < 140
        text = render.text(flow.prepared, page)
        assert f"page {page} of {pages + 1}" in text and "Document 01JTESTDOCUMENT00000000001" in text


def test_the_marks_are_upright_inside_the_visible_page(kind):
    _, source, flow = kind
    last = render.page_count(source)
    empty, signed = render.render(flow.prepared, last, dpi=DPI), render.render(flow.final.data, last, dpi=DPI)
    assert empty.size == signed.size
    found = ImageChops.difference(empty, signed).getbbox()
    assert found is not None
    x0, y0, x1, y1 = found
    assert x0 > 0 and y0 > 0 and x1 < signed.width and y1 < signed.height
    assert empty.crop(found).convert("L").getextrema() == (255, 255)  # what the marks cover was blank before


def test_the_mark_reads_from_left_to_right_however_the_page_is_turned(make, steps):
    upright = steps.complete(make.contract(1, size=(842, 595), lines=5))
    reference = _mark(upright, 1)
    for angle in (90, 180, 270):
        size = (595, 842) if angle in (90, 270) else (842, 595)
        turned = steps.complete(make.rotated(angle, pages=1, size=size, lines=5))
        assert _same(reference.resize((220, 72)), _mark(turned, 1).resize((220, 72))), angle


def _mark(flow, page: int) -> Image.Image:
    difference = ImageChops.difference(
        render.render(flow.prepared, page, dpi=72), render.render(flow.final.data, page, dpi=72)
    )
    box = difference.crop((0, 0, difference.width // 2, difference.height)).getbbox()
    assert box is not None
    return render.render(flow.final.data, page, dpi=72).crop(box)


def test_the_result_is_one_clean_revision_that_qpdf_finds_nothing_wrong_with(kind, make):
    _, _, flow = kind
    assert flow.prepared.startswith(b"%PDF-1.7\n") and flow.prepared.count(b"startxref") == 1
    make.qpdf(flow.prepared, "--qdf")  # raises on a warning
    make.qpdf(flow.final.data, "--qdf")


def test_document_id_title_and_language_are_written(make, steps):
    request = steps.request_for(language="de", title="Vertrag über Żółć & <Größe>")
    prepared = prepare(make.corrupt_xmp(), request)
    reader = PdfReader(io.BytesIO(prepared.data))
    assert reader.metadata[names.DOCUMENT_ID_KEY] == request.document_id
    assert (reader.metadata.title, reader.metadata.producer) == (request.title, "Sealtrail")
    assert reader.root_object["/Lang"] == "de"
    assert reader.xmp_metadata.dc_title == {"x-default": request.title}
    assert "Dokument 01JTEST" in render.text(prepared.data, 1) and "Seite 1 von 3" in render.text(prepared.data, 1)
    assert prepared.pages == 3 and set(prepared.fields) == {"first-party", "client", "seal"}


@pytest.mark.parametrize(
    ("size", "paper"),
    [
        ((612, 792), (612, 792)), ((792, 612), (612, 792)), ((612, 1008), (612, 1008)), ((611, 791), (612, 792)),
        ((595, 842), (595.276, 841.89)), ((420, 595), (595.276, 841.89)), ((1224, 792), (612, 792)),
    ],
)  # fmt: skip
def test_the_certificate_page_has_the_paper_of_the_document(make, steps, size, paper):
    made = prepare(make.contract(1, size=size, lines=3), steps.request_for())
    last = PdfReader(io.BytesIO(made.data)).pages[-1]
    assert (last.mediabox.width, last.mediabox.height) == pytest.approx(paper, abs=0.01)
    assert (made.fields["seal"].width_pt, made.fields["seal"].height_pt) == pytest.approx(paper, abs=0.01)


def test_the_same_request_gives_the_same_bytes(make, steps):
    assert prepare(make.form(), steps.request_for()) == prepare(make.form(), steps.request_for())


def test_earlier_revisions_and_orphans_are_left_behind(make, steps):
    source = make.contract(1)
    secret = b"\n99 0 obj\n(a deleted sentence)\nendobj\n"
    at = source.rindex(b"startxref")
    prepared = prepare(source[:at] + secret + source[at:], steps.request_for()).data
    assert b"deleted sentence" not in prepared


def test_the_certificate_page_holds_nothing_but_its_field(make, steps):
    prepared = prepare(make.contract(), steps.request_for())
    page = PdfReader(io.BytesIO(prepared.data)).pages[-1]
    assert "/Contents" not in page and len(page["/Annots"]) == 1
    assert [float(v) for v in page["/Annots"][0]["/Rect"]] == [float(v) for v in page["/MediaBox"]]
    assert page["/Annots"][0]["/T"] == names.SEAL_FIELD and "/V" not in page["/Annots"][0]


def test_marks_go_where_they_are_wanted(make, steps):
    for source in (make.contract(), make.rotated(90), make.cropped(270), make.user_unit()):
        wanted = Placement(page=1, x=30, y=40, width=150, height=50)
        request = steps.request_for(
            fields=(FieldRequest("first-party", "Sample GmbH", wanted), FieldRequest("client", "Sample Client"))
        )
        flow = steps.complete(source, request)
        unit = float(PdfReader(io.BytesIO(source)).pages[0].get("/UserUnit", 1))
        difference = ImageChops.difference(
            render.render(flow.prepared, 1, dpi=72), render.render(flow.client.data, 1, dpi=72)
        )
        upper = difference.crop((0, 0, difference.width, round(100 / unit)))
        x0, y0, x1, y1 = upper.getbbox()
        # PDFium does not scale by /UserUnit, so on its pictures a point is smaller by it.
        assert (x0 * unit, y0 * unit) == pytest.approx((30 + 3, 40 + 3), abs=3 * unit)
        assert ((x1 - x0) * unit, (y1 - y0) * unit) == pytest.approx((150 - 6, 50 - 6), abs=4 * unit)


@pytest.mark.parametrize(
    "placement",
    [
        Placement(0, 10, 10, 50, 50),
        Placement(3, 10, 10, 50, 50),
        Placement(1, -1, 10, 50, 50),
        Placement(1, 10, 10, 0, 50),
        Placement(1, 500, 10, 100, 50),
        Placement(1, 10, 800, 50, 50),
    ],
)
def test_a_mark_outside_its_page_is_refused(make, steps, placement):
    fields = (FieldRequest("first-party", "Sample GmbH", placement),)
    with pytest.raises(UsageError):
        prepare(make.contract(), steps.request_for(fields=fields))


@pytest.mark.parametrize("roles", [("seal",), ("witness",), ("client", "client")])
def test_roles_that_do_not_exist_are_refused(make, steps, roles):
    with pytest.raises(UsageError):
        prepare(make.contract(), steps.request_for(fields=tuple(FieldRequest(role, "x") for role in roles)))


def test_a_page_grows_only_where_there_is_no_blank_space(make, steps):
    roomy = prepare(make.contract(1), steps.request_for()).data
    full = prepare(make.contract(1, lines=56, to_the_edge=True), steps.request_for()).data
    heights = [float(PdfReader(io.BytesIO(data)).pages[0].mediabox.height) for data in (roomy, full)]
    assert heights[0] == pytest.approx(841.89 + strips.HEIGHT_PT)
    assert heights[1] > heights[0] + 72


def test_a_free_text_comment_without_an_appearance_is_shown(make, steps):
    prepared = prepare(make.annotated(), steps.request_for()).data
    area = render.render(prepared, 1, dpi=72).crop((302, 842 - 328, 418, 842 - 302))
    assert area.convert("L").getextrema()[0] < 120


def test_links_outlines_and_comments_survive(make, steps):
    def outline(writer):
        writer.add_outline_item(title="Second page", page_number=1)

    source = make.changed(make.annotated(), outline)
    reader = PdfReader(io.BytesIO(prepare(source, steps.request_for()).data))
    kinds = sorted(str(annotation.get_object()["/Subtype"]) for annotation in reader.pages[0]["/Annots"])
    assert kinds == ["/FreeText", "/Highlight", "/Link", "/Link", "/Text"]
    (item,) = reader.outline
    assert reader.get_destination_page_number(item) == 1
    target = next(a.get_object()["/Dest"] for a in reader.pages[0]["/Annots"] if "/Dest" in a.get_object())
    assert isinstance(target, ArrayObject) and list.__getitem__(target, 0) == reader.pages[1].indirect_reference


def test_the_structure_of_a_tagged_document_survives(steps):
    from signing_core.pdf import samples

    reader = PdfReader(io.BytesIO(prepare(samples.contract_pdf("en"), steps.request_for()).data))
    assert reader.root_object["/MarkInfo"]["/Marked"].value is True
    waiting, pages = [reader.root_object["/StructTreeRoot"]], set()
    seen = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, IndirectObject):
            if node.idnum in seen:
                continue
            seen.add(node.idnum)
            node = node.get_object()
        if isinstance(node, DictionaryObject):
            if "/Pg" in node:
                pages.add(node.raw_get("/Pg").idnum)
            waiting.extend(dict.values(DictionaryObject({k: v for k, v in node.items() if k == "/K"})))
        elif isinstance(node, ArrayObject):
            waiting.extend(list.__iter__(node))
    assert pages == {page.indirect_reference.idnum for page in reader.pages}  # with the certificate page and its field


def test_a_page_that_is_listed_twice_becomes_two(make, steps):
    def twice(writer):
        kids = writer.root_object["/Pages"]["/Kids"]
        kids.append(list.__getitem__(kids, 0))

    reader = PdfReader(io.BytesIO(prepare(make.changed(make.contract(2), twice), steps.request_for()).data))
    assert len({page.indirect_reference.idnum for page in reader.pages}) == len(reader.pages) == 4


def test_an_original_is_embedded_beside_files_that_are_there_already(make, steps):
    def add(writer):
        writer.add_attachment("terms.txt", b"terms")

    source = make.changed(make.contract(), add)
    attach = Attachment("Original.pdf", b"%PDF original", "The original")
    prepared = prepare(source, steps.request_for(attach=attach))
    assert PdfReader(io.BytesIO(prepared.data)).attachments == {
        "Original.pdf": [b"%PDF original"],
        "terms.txt": [b"terms"],
    }


def test_names_that_are_not_ascii_still_find_their_resources(make, steps):
    def rename(writer):
        page = writer.pages[0]
        fonts = page["/Resources"]["/Font"]
        content = page["/Contents"].get_object()
        for key in list(fonts):
            fonts[NameObject("/F\u00e9")] = fonts.raw_get(key)
            del fonts[key]
            changed = content.get_data().replace(key.encode() + b" ", b"/F\xe9 ")
        stream = type(content)()
        from pypdf.generic import DecodedStreamObject

        stream = DecodedStreamObject()
        stream.set_data(changed)
        page[NameObject("/Contents")] = writer._add_object(stream)

    source = make.changed(make.contract(1), rename)
    prepared = prepare(source, steps.request_for()).data
    before, after = render.render(source, 1, dpi=DPI), render.render(prepared, 1, dpi=DPI)
    assert "line 1" in render.text(prepared, 1)
    assert _same(before, after.crop((0, 0, before.width, before.height)))


def test_what_intake_would_refuse_for_its_structure_cannot_be_prepared(make, steps):
    with pytest.raises(DocumentRefused):
        prepare(make.contract()[:-300], steps.request_for())
    with pytest.raises(DocumentRefused):
        prepare(make.encrypted("secret", "owner"), steps.request_for())


@pytest.mark.slow
def test_five_hundred_pages(make, steps):
    flow = steps.complete(make.contract(500))
    assert render.page_count(flow.final.data) == 501
    assert "page 500 of 501" in render.text(flow.final.data, 500)


@pytest.mark.slow
def test_forty_megabytes(make, steps):
    source = make.big(40)
    flow = steps.complete(source)
    assert len(flow.final.data) - len(source) < 200_000
