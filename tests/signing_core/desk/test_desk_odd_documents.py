"""Odd but legal documents, put together at random, through the whole chain: taken in, signed twice, sealed, and nothing of them lost.

What is odd: entries of other types than usual, direct where they are mostly references and the other way round, inherited, in
several revisions, on layers (ISO 32000-2:2020).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from desk_steps import NAMES, REQUEST
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_parts import contract_objects, original, stream, update

from signing_core.desk import rehearsal
from signing_core.pdf import render

TEXT = b"BT /F1 11 Tf 1 0 0 1 60 700 Tm (The price is 1000 Euro.) Tj 0 -20 Td (It is due on the first.) Tj ET"
LATER = b"BT /F1 11 Tf 1 0 0 1 60 500 Tm (A later line.) Tj ET"
ON_A_LAYER = b"/OC /L BDC BT /F1 11 Tf 1 0 0 1 60 400 Tm (On a layer.) Tj ET EMC"

CATALOG = (
    b"/MarkInfo << /Type /MarkInfo /Marked true >>",
    b"/MarkInfo << /Marked false /LetterspaceFlags 0 >>",
    b"/MarkInfo 40 0 R",
    b"/PageLayout /TwoColumnRight /PageMode /UseNone",
    b"/ViewerPreferences << /DisplayDocTitle true /Direction /R2L /NumCopies 2 >>",
    b"/Lang (fr-CA)",
    b"/Lang <FEFF00640065>",
    b"/Version /1.4",
    b"/PageLabels << /Nums [0 << /S /r /St 3 >>] >>",
    b"/Dests << /Here [3 0 R /Fit] >> /OpenAction [3 0 R /XYZ null null 0]",
    b"/OpenAction << /S /GoTo /D (There) >> /Names << /Dests 41 0 R >>",
    b"/Outlines 42 0 R",
    b"/URI << /Base (https://example.org/) >>",
    b"/Metadata 44 0 R",
    b"/Extensions << /ADBE << /BaseVersion /1.7 /ExtensionLevel 8 >> >>",
    b"/PieceInfo << /Sample << /LastModified (D:20260101) /Private [1 2.5 null true (x)] >> >>",
    b"/Unknown#20Entry (kept or not) % a comment\n",
    b"/AcroForm << /Fields [] >>",
)
ANNOTATIONS = (
    b"<< /Type /Annot /Subtype /Link /Rect [60 690 120 710] /Border [0 0 0] /A << /S /URI /URI (https://example.org) >> >>",
    b"<< /Subtype /Link /Rect [120. 690. 60. 710.] /Border [0 0 1 [3 2]] /Dest [3 0 R /Fit] /H /N >>",
    b"<< /Type /Annot /Subtype /Text /Rect [400 700 420 720] /Contents (A note) /F 28 /T (Somebody) /Open false >>",
    b"<< /Type /Annot /Subtype /Highlight /Rect [58 695 200 715] /QuadPoints [60 712 198 712 60 697 198 697] /C [1 1 0] /F 4 >>",
    b"<< /Type /Annot /Subtype /Square /Rect [300 600 360 640] /C [1 0 0] /BS << /W 2 /S /D /D [3 1] >> /F 4 /AP << /N 43 0 R >> >>",
)  # fmt: skip
MORE = {
    40: b"<< /Marked 45 0 R >>",
    41: b"<< /Names [(There) 46 0 R] >>",
    42: b"<< /Type /Outlines /First 47 0 R /Last 47 0 R /Count -1 >>",
    43: stream(b"1 0 0 RG 2 w 1 1 58 38 re S", b"/Type /XObject /Subtype /Form /BBox [0 0 60 40] /Matrix [1 0 0 1 0 0]"),
    44: stream(b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'/><?xpacket end='w'?>",
               b"/Type /Metadata /Subtype /XML"),
    45: b"true",
    46: b"<< /D [3 0 R /FitH 700] >>",
    47: b"<< /Title <FEFF004F006E0065> /Parent 42 0 R /Dest (There) /F 3 /C [0 0 1] >>",
}  # fmt: skip


@dataclass(frozen=True)
class Odd:
    source: bytes
    lines: tuple[str, ...]
    """Of text, that the first page shows."""
    upright_note: bool
    """There is a note that does not turn with its page in some programs. Prepared, it does in all."""


@st.composite
def documents(draw: st.DrawFn) -> Odd:
    pick = lambda *choices: draw(st.sampled_from(choices))  # noqa: E731
    objects = {number: contract_objects()[number] for number in (2, 5, 6, 7, 12)}
    objects |= MORE
    layer = pick(None, "on", "off", "on by base state")
    content = TEXT + (b"\n" + ON_A_LAYER if layer else b"")
    lines = ["The price is 1000 Euro.", "It is due on the first."] + (
        ["On a layer."] if layer not in (None, "off") else []
    )

    entries = draw(st.lists(st.sampled_from(CATALOG), max_size=5, unique_by=lambda entry: entry.split()[0]))
    if layer:
        default = {"on": b"/ON [50 0 R]", "off": b"/OFF [50 0 R]", "on by base state": b"/BaseState /ON"}[layer]
        entries.append(b"/OCProperties << /OCGs [50 0 R] /D << %s /Order [[(Layers) 50 0 R]] >> >>" % default)
        objects[50] = b"<< /Type /OCG /Name (Notes) /Intent [/View /Design] >>"
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R " + b"\n".join(entries) + b" >>"

    box = pick(b"[0 0 595 842]", b"[595 842 0 0]", b"[-10. -20.5 585 822]", b"48 0 R", b"[0 0 1191 842]")
    objects[48] = b"[0 0 595.28 841.89]"
    inherited, page = [], [b"/Type /Page /Parent 2 0 R"]
    pick(inherited, page).append(b"/MediaBox " + box)
    if turned := pick(0, 0, 90, 180, 270, -90, 450):
        pick(inherited, page).append(b"/Rotate %d" % turned)
    if pick(False, True):
        page.append(b"/CropBox [20 30 560 800]")
    if pick(False, False, True):
        page.append(b"/UserUnit 1.5")
    properties = b" /Properties << /L 50 0 R >>" if layer else b""
    resources = b"<< /Font << /F1 5 0 R >>%s /ProcSet [/PDF /Text] >>" % properties
    if pick(False, True):
        objects[49], resources = resources, b"49 0 R"
    pick(inherited, page).append(b"/Resources " + resources)
    where = content.index(b" Tj") + 3  # between two operators
    match pick("one", "two", "array of its own", "empty ones between"):
        case "one":
            objects[4] = stream(content, compress=pick(False, True))
            page.append(b"/Contents 4 0 R")
        case "two":
            objects |= {4: stream(content[:where]), 51: stream(content[where:], compress=True)}
            page.append(b"/Contents [4 0 R 51 0 R]")
        case "array of its own":
            objects |= {4: stream(content), 51: b"[4 0 R]"}
            page.append(b"/Contents 51 0 R")
        case _:
            objects |= {4: stream(content), 51: stream(b"")}
            page.append(b"/Contents [51 0 R 4 0 R 51 0 R]")
    notes = draw(st.lists(st.sampled_from(ANNOTATIONS), max_size=3, unique=True))
    if notes:
        named = []
        for number, note in enumerate(notes, 52):
            objects[number] = note
            named.append(pick(note, b"%d 0 R" % number))
        listed = b"[" + b" ".join(named) + b"]"
        objects[56] = listed
        page.append(b"/Annots " + pick(listed, b"56 0 R"))
    objects[3] = b"<< " + b" ".join(page) + b" >>"
    objects[2] = objects[2][:-2] + b" ".join(inherited) + b" >>"
    xref = pick("table", "stream")
    source = original(objects, xref=xref, packed=xref == "stream" and pick(False, True))
    if pick(False, True):
        lines.append("A later line.")
        more = {
            90: stream(LATER),
            3: objects[3].replace(b"/Contents ", b"/Before ")[:-2] + b"/Contents [4 0 R 90 0 R] >>",
        }
        if b"/Contents 4 0 R" in objects[3]:
            source = update(source, more, xref=xref)
        else:
            lines.pop()
    return Odd(source, tuple(lines), bool(turned) and any(b"/Subtype /Text" in note for note in notes))


def words(data: bytes) -> set[str]:
    """Of the first page; their order is that of the reading direction."""
    return set(re.findall(r"\w+", render.text(data, 1)))


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=40)
@given(odd=documents())
def test_an_odd_document_is_taken_in_whole(odd: Odd) -> None:
    shown = set(re.findall(r"\w+", " ".join(odd.lines)))
    assert shown <= words(odd.source)
    taken = rehearsal.take_in(odd.source, REQUEST, "offer.pdf", NAMES, True)
    after = words(taken["data"])
    assert shown <= after
    assert "layer" in shown or "layer" not in after
    assert not taken["differences"] or odd.upright_note
