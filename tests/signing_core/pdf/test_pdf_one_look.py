"""A prepared document shows the same on every screen and on paper, and does nothing by itself."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pdf_parts import coloured_look, form_x_object, one_page, stream
from pypdf import PdfReader

from signing_core.errors import DocumentRefused
from signing_core.pdf import forms, intake, preparation_notes, render
from signing_core.pdf.prepare import prepare

CONFIGURATION = b"/OCProperties << /OCGs [20 0 R 21 0 R] /D << /Order [20 0 R 21 0 R] %s >> >>"
GROUP = b"<< /Type /OCG /Name (%s) %s >>"
LAYERED = (
    b"BT /F1 20 Tf 60 700 Td (The price is) Tj ET /OC /L0 BDC BT /F1 20 Tf 200 700 Td (1000 EUR) Tj ET EMC "
    b"/OC /L1 BDC 0.5 0 0 0.5 0 0 cm 0 0 1 rg 100 100 40 40 re f BT /F1 20 Tf 400 1400 Td (9000 EUR) Tj ET EMC "
    b"/P <</MCID 0>> BDC BT /F1 20 Tf 120 1300 Td (the end) Tj ET EMC"
)


def layered(state: bytes, content: bytes = LAYERED, usage: bytes = b"", **more: bytes) -> bytes:
    return one_page(
        catalog=CONFIGURATION % state,
        content=content,
        resources=b"/Properties << /L0 20 0 R /L1 21 0 R /L2 22 0 R >> " + more.pop("resources", b""),
        o20=GROUP % (b"Screen", b""),
        o21=GROUP % (b"Paper", usage),
        **{"o22": b"<< /Type /OCMD /OCGs [20 0 R 21 0 R] /P /AllOn >>", **more},
    )


def annotated(*annotations: bytes, **more: bytes) -> bytes:
    return one_page(
        page=b"/Annots [ " + b" ".join(annotations) + b" ]",
        o30=coloured_look(b"0 0 1"),
        o31=coloured_look(b"1 0 0"),
        **more,
    )


def prepared(source: bytes, steps) -> tuple[bytes, tuple[str, ...]]:
    """The document after preparation and what is told; nothing in it is left that could show something else."""
    intake.inspect(source, name="offer.pdf")
    made = prepare(source, steps.request_for())
    assert not re.search(rb"/OCG\b|/OCMD|/OCProperties|JavaScript|Launch|SetOCGState|/Hide|/AA\b|Rendition", made.data)
    for code in made.told:
        assert all(preparation_notes.sentence(code, language) for language in ("en", "de"))
    return made.data, made.told


def refused(source: bytes, steps) -> str:
    with pytest.raises(DocumentRefused) as error:
        intake.inspect(source, name="offer.pdf")
        prepare(source, steps.request_for())
    return error.value.code


def colour_at(data: bytes, x: float, y: float) -> tuple[int, int, int]:
    """Of page 1, in points from the bottom left of the page as it was."""
    picture = render.render(data, 1, dpi=72)
    colour = picture.getpixel((round(x), round(842 - y)))
    assert isinstance(colour, tuple)
    if shutil.which("mutool"):
        shown = subprocess.run(
            ["mutool", "draw", "-q", "-r", "72", "-F", "ppm", "-o", "-", "/dev/stdin", "1"],
            input=data,
            capture_output=True,
        )
        if shown.returncode == 0 and shown.stdout:
            from PIL import Image

            other = Image.open(io.BytesIO(shown.stdout)).convert("RGB").getpixel((round(x), round(842 - y)))
            assert max(abs(a - b) for a, b in zip(colour, other, strict=True)) < 40
    return colour


def test_what_a_hidden_layer_draws_is_left_out_and_what_it_moves_stays(steps):
    data, told = prepared(layered(b"/OFF [21 0 R]"), steps)
    text = render.text(data, 1)
    assert "1000 EUR" in text and "9000" not in text and "the end" in text
    assert told == ("layers",)
    assert colour_at(data, 60, 60) == (255, 255, 255)
    assert b"/MCID 0" in PdfReader(io.BytesIO(data)).pages[0].get_contents().get_data()


def test_layers_that_are_all_shown_are_flattened(steps):
    data, told = prepared(layered(b"/ON [20 0 R 21 0 R]"), steps)
    assert "9000" in render.text(data, 1) and told == ("layers",)
    assert colour_at(data, 60, 60) == (0, 0, 255)


@pytest.mark.parametrize(
    ("state", "usage"),
    [
        (b"/OFF [21 0 R] /AS [<< /Event /Print /Category [/Print] /OCGs [21 0 R] >>]", b"/Usage << /Print << /PrintState /ON >> >>"),
        (b"/OFF [21 0 R]", b"/Usage << /Print << /PrintState /ON >> >>"),
        (b"", b"/Usage << /View << /ViewState /OFF >> >>"),
        (b"", b"/Usage << /View << /ViewState /ON >> /Print << /PrintState /OFF >> >>"),
        (b"/AS [<< /Event /View /Category [/Zoom] /OCGs [21 0 R] >>]", b"/Usage << /Zoom << /min 2 >> >>"),
        (b"/OFF [21 0 R]", b"/Intent /Design"),
        (b"/ON [21 0 R] /OFF [21 0 R]", b""),
    ],
)  # fmt: skip
def test_layers_that_differ_between_screen_and_paper_are_refused(steps, state, usage):
    assert refused(layered(state, usage=usage), steps) == "layers"


def test_a_layer_that_differs_but_is_used_nowhere_does_not_matter(steps):
    source = layered(b"", b"BT /F1 20 Tf 60 700 Td (plain) Tj ET", b"/Usage << /Print << /PrintState /OFF >> >>")
    assert "plain" in render.text(prepared(source, steps)[0], 1)


@pytest.mark.parametrize(
    ("membership", "shown"),
    [
        (b"/P /AllOn", False),
        (b"/P /AnyOn", True),
        (b"/P /AnyOff", True),
        (b"/P /AllOff", False),
        (b"/VE [/And 20 0 R [/Not 21 0 R]]", True),
        (b"/VE [/Or [/Not 20 0 R] 21 0 R]", False),
    ],
)
def test_membership_dictionaries(steps, membership, shown):
    content = b"/OC /L2 BDC BT /F1 20 Tf 60 700 Td (both) Tj ET EMC"
    source = layered(b"/OFF [21 0 R]", content, o22=b"<< /Type /OCMD /OCGs [20 0 R 21 0 R] %s >>" % membership)
    assert ("both" in render.text(prepared(source, steps)[0], 1)) == shown


def test_layers_of_forms_images_and_appearances(steps):
    inside = b"/OC /L0 BDC BT /F1 9 Tf 5 20 Td (inside) Tj ET EMC"
    source = layered(
        b"/OFF [20 0 R]",
        b"q 1 0 0 1 60 500 cm /X0 Do Q q 1 0 0 1 60 400 cm /X1 Do Q",
        resources=b"/XObject << /X0 23 0 R /X1 24 0 R >>",
        o23=form_x_object(inside, resources=b"<< /Font << /F1 5 0 R >> /Properties << /L0 20 0 R >> >>"),
        o24=stream(b"1 0 0 rg 0 0 90 90 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 90 90] /OC 20 0 R"),
    )
    data, _ = prepared(source, steps)
    assert "inside" not in render.text(data, 1) and colour_at(data, 80, 420) == (255, 255, 255)


def test_text_that_follows_hidden_text_of_its_line_is_refused(steps):
    content = b"BT /F1 20 Tf 60 700 Td (The price is ) Tj /OC /L0 BDC (not ) Tj EMC (1000 EUR) Tj ET"
    assert refused(layered(b"/OFF [20 0 R]", content), steps) == "layers"
    assert "not 1000" in render.text(prepared(layered(b"", content), steps)[0], 1)


def test_hidden_images_shadings_and_quoted_lines(steps):
    content = (
        b"BT /F1 20 Tf 20 TL 60 700 Td /OC /L0 BDC (a) ' 1 2 (b\\)) \" EMC (c) ' ET "
        b"/OC /L0 BDC BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI 10 10 50 50 re S EMC 0 1 0 rg 10 10 50 50 re f"
    )
    data, _ = prepared(layered(b"/OFF [20 0 R]", content), steps)
    text = render.text(data, 1)
    assert "c" in text and "a" not in text.split("Document")[0] and colour_at(data, 30, 30) == (0, 255, 0)


def test_a_field_on_a_hidden_layer_stays_hidden_also_when_the_form_is_filled(steps):
    widget = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (price) /V (9000) /F 4 /Rect [60 300 260 360] /OC 21 0 R "
        b"/DA (/F1 12 Tf 0 g) /AP << /N 30 0 R >> >>"
    )
    source = one_page(
        catalog=CONFIGURATION % b"/OFF [21 0 R]" + b" /AcroForm << /Fields [32 0 R] >>",
        page=b"/Annots [32 0 R]",
        o20=GROUP % (b"a", b""), o21=GROUP % (b"b", b""), o30=coloured_look(b"0 0 1"), o32=widget,
    )  # fmt: skip
    assert colour_at(prepared(source, steps)[0], 160, 330) == (255, 255, 255)
    filled = forms.fill(source, {"price": "12"}, name="form")
    assert "12" not in render.text(prepared(filled, steps)[0], 1).split("Document")[0]


STAMP = b"<< /Type /Annot /Subtype /Stamp /Rect [60 300 260 360] %s >>"


@pytest.mark.parametrize(
    ("entries", "colour", "code"),
    [
        (b"/F 4 /AP << /N 30 0 R >>", (0, 0, 255), None),
        (b"/F 36 /AP << /N 30 0 R >>", (255, 255, 255), "only-on-paper"),
        (b"/F 292 /AP << /N 30 0 R >>", (255, 255, 255), "only-on-paper"),
        (b"/F 2 /AP << /N 30 0 R >>", (255, 255, 255), "hidden-annotations"),
        (b"/F 0 /AP << /N 30 0 R >>", (0, 0, 255), "only-on-screen"),
        (b"/F 260 /AP << /N 30 0 R >>", (0, 0, 255), "other-looks"),
        (b"/F 4 /AP << /N 30 0 R /R 31 0 R /D 31 0 R >>", (0, 0, 255), "other-looks"),
        (b"/F 4 /AP << /N << /A 30 0 R /B 31 0 R >> >> /AS /A", (0, 0, 255), None),
    ],
)
def test_annotations_have_the_look_of_the_screen(steps, entries, colour, code):
    data, told = prepared(annotated(STAMP % entries), steps)
    assert colour_at(data, 160, 330) == colour
    assert told == ((code,) if code else ())
    for annotation in PdfReader(io.BytesIO(data)).pages[0]["/Annots"]:
        annotation = annotation.get_object()
        if annotation["/Subtype"] == "/Stamp":
            assert annotation["/F"] == 4 and set(annotation["/AP"]) == {"/N"} and "/AS" not in annotation


@pytest.mark.parametrize("kind", [b"/Screen", b"/Movie", b"/Sound", b"/3D", b"/RichMedia"])
def test_media_stop_at_their_poster(steps, kind):
    media = (
        b"<< /Type /Annot /Subtype %s /F 4 /Rect [60 300 260 360] /AP << /N 30 0 R >> /RichMediaContent << >> >>" % kind
    )
    data, told = prepared(annotated(media), steps)
    assert told == ("media",) and colour_at(data, 160, 330) == (0, 0, 255)
    kinds = {a.get_object()["/Subtype"] for a in PdfReader(io.BytesIO(data)).pages[0]["/Annots"]}
    assert kinds == {"/Widget"}


LINK = b"<< /Type /Annot /Subtype /Link /F 4 /Rect [60 300 260 360] /Border [0 0 0] /A %s >>"


@pytest.mark.parametrize(
    ("action", "kept", "code"),
    [
        (b"<< /S /URI /URI (https://example.org/) >>", True, None),
        (b"<< /S /GoTo /D [3 0 R /Fit] >>", True, None),
        (b"<< /S /Named /N /NextPage >>", True, None),
        (b"<< /S /Named /N /Print >>", False, "actions"),
        (b"<< /S /URI /URI (https://example.org/) /Next << /S /Hide /T (x) >> >>", True, "actions"),
        (b"<< /S /SetOCGState /State [/Toggle 20 0 R] >>", False, "actions"),
        (b"<< /S /Hide /T (x) >>", False, "actions"),
        (b"<< /S /SubmitForm /F (https://example.org) >>", False, "actions"),
        (b"<< /S /ResetForm >>", False, "actions"),
        (b"<< /S /GoToR /F (other.pdf) /D [0 /Fit] >>", False, "actions"),
        (b"<< /S /GoToE /D [0 /Fit] /T << /R /C /N (x) >> >>", False, "actions"),
        (b"<< /S /Launch /F (calc.exe) >>", False, "actions"),
        (b"<< /S /Rendition /OP 0 >>", False, "actions"),
        (b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>", False, "scripts"),
    ],
)
def test_links_lead_somewhere_and_do_nothing_else(steps, action, kept, code):
    data, told = prepared(annotated(LINK % action, o20=GROUP % (b"a", b"")), steps)
    link = next(a.get_object() for a in PdfReader(io.BytesIO(data)).pages[0]["/Annots"] if "/Border" in a.get_object())
    assert ("/A" in link) == kept and told == ((code,) if code else ())


def test_an_action_where_none_belongs_is_found_in_what_is_written(steps):
    assert refused(one_page(page=b"/B << /S /JavaScript /JS (x) >>"), steps) == "active-content"


def test_streams_whose_content_is_elsewhere_are_refused(steps):
    source = one_page(
        content=None,
        resources=b"/XObject << /X 40 0 R >>",
        o40=stream(b"", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9] /F (page.txt)"),
    )
    assert refused(source, steps) == "external-content"


def test_alternates_of_images_are_left_out(steps):
    image = stream(
        b"\x00", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 %s"
    )
    source = one_page(
        content=b"q 50 0 0 50 60 300 cm /X Do Q",
        resources=b"/XObject << /X 40 0 R >>",
        o40=image.replace(b"%s", b"/Alternates [<< /Image 41 0 R /DefaultForPrinting true >>]"),
        o41=image.replace(b"%s", b"").replace(b"\x00", b"\xff"),
    )
    data, told = prepared(source, steps)
    assert told == ("other-pictures",) and b"Alternates" not in data and colour_at(data, 80, 330) == (0, 0, 0)


def test_pages_do_not_turn_by_themselves_and_preferences_choose_no_pages(steps):
    source = one_page(
        catalog=b"/ViewerPreferences << /PrintPageRange [1 1] /FitWindow true >> /PageMode /UseOC "
        b"/OpenAction << /S /GoTo /D [3 0 R /Fit] >>",
        page=b"/Dur 1 /Trans << /S /Fly >>",
    )
    data, _ = prepared(source, steps)
    assert not re.search(rb"/Dur|/Trans\b|PrintPageRange|/UseOC", data) and b"/FitWindow" in data
    assert PdfReader(io.BytesIO(data)).root_object["/OpenAction"][1] == "/Fit"


def test_a_portfolio_is_refused_with_what_to_do(steps):
    with pytest.raises(DocumentRefused, match="take the files out of it") as error:
        intake.inspect(one_page(catalog=b"/Collection << /View /D >>"), name="offer.pdf")
    assert error.value.code == "portfolio"


def test_embedded_files_are_listed_wherever_they_are(steps):
    specification = b"<< /Type /Filespec /F (%s) /UF (%s) /EF << /F 41 0 R >> >>"
    pin = b"<< /Type /Annot /Subtype /FileAttachment /F 4 /Rect [10 10 30 30] /FS 43 0 R >>"
    source = one_page(
        catalog=b"/Names << /EmbeddedFiles << /Names [(a) 42 0 R] >> >>",
        page=b"/Annots [44 0 R]",
        o41=stream(b"terms", b"/Type /EmbeddedFile"),
        o42=specification % (b"terms.txt", b"terms.txt"),
        o43=specification % (b"plan.txt", b"plan.txt"),
        o44=pin,
    )
    made = prepare(source, steps.request_for())
    assert [(one.name, one.length) for one in made.embedded] == [("plan.txt", 5), ("terms.txt", 5)]
    assert intake.inspect(source, name="x").attachments == made.embedded and made.told == ("attachments",)


def test_the_documentation_has_every_code():
    text = (Path(__file__).parents[3] / "docs" / "preparing.md").read_text()
    listed = re.findall(r"(?m)^\| `([a-z-]+)` \|", text)
    assert tuple(listed) == preparation_notes.CODES


def test_what_is_told_has_an_order_of_its_own():
    assert preparation_notes.in_order(["scripts", "layers", "scripts"]) == ("layers", "scripts")
