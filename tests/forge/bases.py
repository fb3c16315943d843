"""Documents that nobody signed yet: small, of every structure that updates are tried on.

Every page is 300 by 400 points, so that a case is cheap to draw. The text is made of sentences and amounts whose change would matter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final

from fonts import embedded, simple_embedded
from signing import HELVETICA, appearance, usage_rights
from state import State, Update, empty
from values import Name, Ref, Stream, Value, stream, text_string

WIDTH, HEIGHT = 300, 400
LINES: Final = (
    "Contract 2025-0417 between Sample Ltd and Client",
    "The buyer pays EUR 1035.00 until 10 May 2027.",
    "Penalty: 10 EUR for each day, at most 7.5 %.",
    "The work is NOT approved before the final test.",
    "All claims end after 24 months.",
)
SIGN_BOX: Final = (30, 40, 140, 75)
CLIENT_BOX: Final = (160, 40, 270, 75)
DA: Final = b"/Helv 9 Tf 0 g"


class Base:
    """A document in the making: two pages of text and an empty form."""

    def __init__(self, font: Callable[[Update], tuple[Ref, Callable[[str], bytes]]] | None = None) -> None:
        self.update = Update(empty())
        update = self.update
        tree = update.add({"Type": Name("Pages"), "Kids": [], "Count": 0})
        root = update.add({"Type": Name("Catalog"), "Pages": tree})
        info = update.add({"Title": b"Sample contract", "Author": b"Sample Author", "ModDate": b"D:20260101000000Z"})
        update.trailer |= {"Root": root, "Info": info}
        self.font, self.codes = font(update) if font else (update.add(dict(HELVETICA)), _literal)
        self.helvetica = update.add(dict(HELVETICA)) if font else self.font
        self.tree = tree
        update.root["AcroForm"] = update.add({"Fields": [], "DA": DA, "DR": {"Font": {"Helv": self.helvetica}}})
        self.pages = [self.page(LINES), self.page(("Annex 1: prices", "Item A 12.50", "Item B 80.00", "Sum 92.50"))]

    def page(self, lines: tuple[str, ...], extra: bytes = b"", marked: bool = False) -> Ref:
        update = self.update
        content = self.text(lines, marked) + extra
        page = update.add(
            {
                "Type": Name("Page"),
                "Parent": self.tree,
                "MediaBox": [0, 0, WIDTH, HEIGHT],
                "Contents": update.add(stream(content)),
                "Resources": {"Font": {"F1": self.font}},
            }
        )
        kids = update.entries(self.tree)
        kids["Kids"].append(page)
        kids["Count"] += 1
        return page

    def text(self, lines: tuple[str, ...], marked: bool = False) -> bytes:
        shown = b""
        for number, line in enumerate(lines):
            piece = b"BT /F1 10 Tf 30 %d Td %s Tj ET\n" % (360 - 22 * number, self.codes(line))
            shown += b"/P <</MCID %d>> BDC\n%sEMC\n" % (number, piece) if marked else piece
        return shown

    def content(self, page: int, more: bytes) -> None:
        reference = self.update.entries(self.pages[page])["Contents"]
        old = self.update.get(reference)
        self.update.changed[reference.number] = Stream(old.entries, old.data + more)

    def resources(self, page: int, kind: str, name: str, value: Value) -> None:
        self.update.inner(self.update.inner(self.update.entries(self.pages[page]), "Resources"), kind)[name] = value

    def field(self, kind: str, name: str, box: tuple[float, ...], page: int = 0, **more: Value) -> Ref:
        field = self.update.add(
            {
                "Type": Name("Annot"),
                "Subtype": Name("Widget"),
                "FT": Name(kind),
                "T": text_string(name),
                "F": 4,
                "P": self.pages[page],
                "Rect": list(box),
                **more,
            }
        )
        self.update.list_field(field)
        self.update.list_annotation(self.pages[page].number, field)
        return field

    def annotation(self, subtype: str, box: tuple[float, ...], page: int = 0, **more: Value) -> Ref:
        entries = {"Type": Name("Annot"), "Subtype": Name(subtype), "F": 4, "Rect": list(box), "P": self.pages[page]}
        annotation = self.update.add({**entries, **more})
        self.update.list_annotation(self.pages[page].number, annotation)
        return annotation


def _literal(text: str) -> bytes:
    from values import written

    return written(text.encode("cp1252"))


def plain() -> Update:
    base = Base()
    base.field("Sig", "client", CLIENT_BOX)
    return base.update


def untouched() -> Update:
    """No field, no annotation, the form not even there."""
    base = Base()
    base.update.root.pop("AcroForm")
    return base.update


def form() -> Update:
    base = Base()
    update = base.update
    base.field("Tx", "name", (30, 220, 140, 236), DA=DA)
    base.field("Tx", "amount", (160, 220, 270, 236), DA=DA, V=b"10.00", AP={"N": _shown(update, 110, b"10.00")})
    base.field("Tx", "digits", (30, 196, 140, 212), DA=DA, MaxLen=8, Ff=1 << 24)
    base.field("Tx", "lines", (160, 180, 270, 212), DA=DA, Ff=1 << 12)
    _ticks(base)
    base.field("Ch", "choice", (30, 132, 140, 148), DA=DA, Ff=1 << 17, Opt=[b"red", b"green", [b"b", b"blue"]])
    parent = update.add({"FT": Name("Tx"), "T": b"party", "DA": DA, "Kids": []})
    update.list_field(parent)
    for page, box in ((0, (160, 132, 270, 148)), (1, (30, 220, 140, 236))):
        widget = base.annotation("Widget", box, page, Parent=parent)
        update.entries(parent)["Kids"].append(widget)
    calculated = base.field(
        "Tx", "total", (160, 100, 270, 116), DA=DA, AA={"F": _script(b"AFNumber_Format(2, 0, 0, 0, '', true);")}
    )
    update.form["CO"] = [calculated]
    base.field("Sig", "client", CLIENT_BOX)
    base.field("Sig", "director", (30, 40, 140, 75), 1)
    return update


def _script(code: bytes) -> dict[str, Value]:
    return {"S": Name("JavaScript"), "JS": code}


def _shown(update: Update, width: float, text: bytes) -> Ref:
    return appearance(update, (0, 0, width, 16), b"/Tx BMC q BT /Helv 9 Tf 0 g 2 4.5 Td (%s) Tj ET Q EMC" % text)


def _ticks(base: Base) -> None:
    update = base.update
    on = appearance(update, (0, 0, 12, 12), b"q 0 g 2 2 m 10 10 l 2 10 m 10 2 l S Q")
    off = appearance(update, (0, 0, 12, 12), b"q 0.5 G 1 1 10 10 re S Q")
    base.field("Btn", "agreed", (30, 160, 42, 172), AS=Name("Off"), V=Name("Off"), AP={"N": {"Yes": on, "Off": off}})
    radio = update.add({"FT": Name("Btn"), "Ff": 1 << 15, "T": b"pay", "V": Name("Off"), "Kids": []})
    update.list_field(radio)
    for number, name in enumerate(("cash", "card")):
        box = (60 + 20 * number, 160, 72 + 20 * number, 172)
        widget = base.annotation("Widget", box, Parent=radio, AS=Name("Off"), AP={"N": {name: on, "Off": off}})
        update.entries(radio)["Kids"].append(widget)


def tagged() -> Update:
    base = Base()
    update = base.update
    page = base.pages[0]
    content = update.entries(page)["Contents"]
    update.changed[content.number] = stream(base.text(LINES, marked=True))
    root = update.add({"Type": Name("StructTreeRoot"), "ParentTreeNextKey": 1, "RoleMap": {"Clause": Name("P")}})
    document = update.add({"Type": Name("StructElem"), "S": Name("Document"), "P": root, "K": []})
    elements = []
    for number in range(len(LINES)):
        more = {"ActualText": LINES[2].encode()} if number == 2 else {"Alt": b"Clause"} if number == 3 else {}
        kind = Name("H1") if not number else Name("Clause") if number == 4 else Name("P")
        elements.append(
            update.add({"Type": Name("StructElem"), "S": kind, "P": document, "Pg": page, "K": number, **more})
        )
    update.entries(document)["K"] = list(elements)
    update.entries(root).update({"K": document, "ParentTree": update.add({"Nums": [0, list(elements)]})})
    update.entries(page)["StructParents"] = 0
    outlines = update.add({"Type": Name("Outlines"), "Count": 1})
    item = update.add({"Title": b"Contract", "Parent": outlines, "Dest": [page, Name("Fit")], "SE": elements[0]})
    update.entries(outlines).update({"First": item, "Last": item})
    update.root.update(
        {
            "StructTreeRoot": root,
            "MarkInfo": {"Type": Name("MarkInfo"), "Marked": True},
            "Outlines": outlines,
            "Lang": b"en",
        }
    )
    base.annotation(
        "Link",
        (30, 356, 130, 370),
        Border=[0, 0, 0],
        A={"S": Name("GoTo"), "D": [page, Name("Fit")], "SD": [elements[0], Name("Fit")]},
    )
    base.field("Sig", "client", CLIENT_BOX)
    return update


def fonts() -> Update:
    """An embedded composite font, a simple one with /Differences, a Type 3 font."""
    base = Base(embedded)
    update = base.update
    simple, codes = simple_embedded(update)
    base.resources(0, "Font", "F2", simple)
    base.content(0, b"BT /F2 10 Tf 30 240 Td %s Tj ET\n" % codes("Deposit 5510 EUR"))
    bar = update.add(stream(b"500 0 0 0 400 700 d1 0 0 400 700 re f"))
    dot = update.add(stream(b"500 0 0 0 400 700 d1 100 100 200 200 re f"))
    drawn = update.add(
        {
            "Type": Name("Font"),
            "Subtype": Name("Type3"),
            "FontBBox": [0, 0, 500, 700],
            "FontMatrix": [0.001, 0, 0, 0.001, 0, 0],
            "CharProcs": {"a": bar, "b": dot},
            "Encoding": {"Type": Name("Encoding"), "Differences": [97, Name("a"), Name("b")]},
            "FirstChar": 97,
            "LastChar": 98,
            "Widths": [500, 500],
            "Resources": {},
        }
    )
    base.resources(1, "Font", "F3", drawn)
    base.content(1, b"BT /F3 12 Tf 30 240 Td (abab) Tj ET\n")
    differing = update.add(
        {
            **HELVETICA,
            "Encoding": {
                "Type": Name("Encoding"),
                "BaseEncoding": Name("WinAnsiEncoding"),
                "Differences": [128, Name("Euro")],
            },
        }
    )
    base.resources(1, "Font", "F4", differing)
    base.content(1, b"BT /F4 10 Tf 30 260 Td (Paid: 480 \\200) Tj ET\n")
    base.field("Tx", "name", (30, 220, 140, 236), DA=DA)
    base.field("Sig", "client", CLIENT_BOX)
    return update


def graphics() -> Update:
    """XObjects, a picture, a layer, a pattern, a graphics state."""
    base = Base()
    update = base.update
    shared = appearance(update, (0, 0, 110, 20), b"BT /Helv 10 Tf 2 4 Td (Owed: 10 EUR) Tj ET", {"Helv": base.font})
    base.resources(0, "XObject", "X1", shared)
    picture = update.add(
        stream(
            bytes(range(0, 256, 4)),
            {
                "Type": Name("XObject"), "Subtype": Name("Image"), "Width": 8, "Height": 8, "ColorSpace": Name("DeviceGray"),
                "BitsPerComponent": 8,
            },
        )
    )  # fmt: skip
    base.resources(0, "XObject", "I1", picture)
    layer = update.add({"Type": Name("OCG"), "Name": b"Draft"})
    base.resources(0, "Properties", "L1", layer)
    update.root["OCProperties"] = {"OCGs": [layer], "D": {"ON": [layer], "Order": [layer]}}
    base.resources(0, "ExtGState", "G1", update.add({"Type": Name("ExtGState"), "ca": 0.5, "CA": 1}))
    base.content(
        0,
        b"q 1 0 0 1 30 220 cm /X1 Do Q q 30 0 0 30 200 220 cm /I1 Do Q\n/OC /L1 BDC BT /F1 10 Tf 30 200 Td (Layer 77.00) Tj ET EMC\n"
        b"q /G1 gs 0 0 1 rg 160 140 60 30 re f Q\n",
    )
    base.content(
        1, b"BT /F1 10 Tf 30 120 Td (Signature client: ...........................) Tj ET 30 100 m 200 100 l S\n"
    )
    base.field("Sig", "client", CLIENT_BOX)
    base.field("Sig", "dotted", (105, 116, 240, 150), 1)
    return update


def commented() -> Update:
    base = Base()
    update = base.update
    yellow = appearance(update, (0, 0, 16, 16), b"1 1 0 rg 0 0 16 16 re f 0 G 2 8 m 14 8 l S")
    note = base.annotation(
        "Text", (270, 340, 286, 356), Contents=b"Please read", T=b"Author", NM=b"n1", AP={"N": yellow}
    )
    popup = base.annotation("Popup", (180, 250, 290, 330), Parent=note, Open=False)
    update.entries(note)["Popup"] = popup
    typed = appearance(update, (0, 0, 120, 16), b"BT /Helv 9 Tf 2 4 Td (Draft of 3 May) Tj ET")
    base.annotation("FreeText", (30, 180, 150, 196), Contents=b"Draft of 3 May", DA=DA, AP={"N": typed})
    base.annotation(
        "Link", (30, 356, 130, 370), Border=[0, 0, 0], A={"S": Name("URI"), "URI": b"https://example.org/terms"}
    )
    base.annotation(
        "Square",
        (200, 100, 240, 130),
        1,
        C=[1, 0, 0],
        AP={"N": appearance(update, (0, 0, 40, 30), b"1 0 0 RG 1 1 38 28 re S")},
    )
    base.field("Sig", "client", CLIENT_BOX)
    return update


def indirect() -> Update:
    """Everything that may be an object of its own is one; inherited page attributes; /Contents in pieces."""
    base = Base()
    update = base.update
    resources = update.add({"Font": update.add({"F1": base.font})})
    tree = update.entries(base.tree)
    tree["MediaBox"], tree["Resources"] = [0, 0, WIDTH, HEIGHT], resources
    for page in base.pages:
        entries = update.entries(page)
        del entries["MediaBox"], entries["Resources"]
        entries["Contents"] = update.add([entries["Contents"], update.add(stream(b"q 0.8 G 20 20 260 360 re S Q\n"))])
        entries["Annots"] = update.add([])
    base.field("Tx", "name", (30, 220, 140, 236), DA=DA)
    base.field("Sig", "client", CLIENT_BOX)
    form = update.form
    form["Fields"] = update.add(form["Fields"])
    form["DR"] = update.add({"Font": update.add(form["DR"]["Font"])})
    update.root["Metadata"] = update.add(
        stream(XMP % b"Sample contract", {"Type": Name("Metadata"), "Subtype": Name("XML")})
    )
    update.root["PageLabels"] = {"Nums": [0, {"S": Name("D")}]}
    update.root["Names"] = update.add({"Dests": update.add({"Names": [b"start", [base.pages[0], Name("Fit")]]})})
    return update


def scanned() -> Update:
    """Pages that are pictures, with nothing that could be read as text."""
    base = Base()
    update = base.update
    for index, page in enumerate(base.pages):
        rows = bytearray(b"\xff" * 150 * 200)
        for line in range(8):
            for column in range(15, 130 - 7 * (line % 3)):
                if (column * (line + 3 + index)) % 7 < 4:
                    for row in range(20 + 14 * line, 25 + 14 * line):
                        rows[row * 150 + column] = 40
        picture = update.add(
            stream(
                bytes(rows),
                {
                    "Type": Name("XObject"), "Subtype": Name("Image"), "Width": 150, "Height": 200, "ColorSpace": Name("DeviceGray"),
                    "BitsPerComponent": 8,
                },
                deflate=True,
            )
        )  # fmt: skip
        base.resources(index, "XObject", "Scan", picture)
        reference = update.entries(page)["Contents"]
        update.changed[reference.number] = stream(b"q 300 0 0 400 0 0 cm /Scan Do Q\n")
    base.field("Sig", "client", CLIENT_BOX)
    return update


def turned() -> Update:
    """Pages that are turned, cut, and begin elsewhere than at zero; a tree of two levels; fields with names of two parts."""
    base = Base()
    update = base.update
    inner = update.add({"Type": Name("Pages"), "Parent": base.tree, "Kids": list(base.pages), "Count": 2, "Rotate": 90})
    update.entries(base.tree)["Kids"] = [inner]
    for page, entries in ((page, update.entries(page)) for page in base.pages):
        entries["Parent"] = inner
        if page == base.pages[1]:
            entries.update({"Rotate": 270, "MediaBox": [-20, -20, 320, 420], "CropBox": [0, 0, WIDTH, HEIGHT]})
    group = update.add({"T": b"party", "Kids": []})
    update.list_field(group)
    for kind, name, box in (("Tx", "name", (30, 220, 140, 236)), ("Sig", "client", CLIENT_BOX)):
        field = base.annotation("Widget", box, FT=Name(kind), T=text_string(name), Parent=group, DA=DA)
        update.entries(group)["Kids"].append(field)
    return update


def reader_enabled(style: str) -> State:
    """With usage rights, as a server gives them (12.8.6)."""
    return usage_rights(form(), style)


XMP: Final = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    b'<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>'
    b'<?xpacket end="w"?>'
)

BASES: Final[dict[str, Callable[[], Update]]] = {
    "plain": plain, "untouched": untouched, "form": form, "tagged": tagged, "fonts": fonts, "graphics": graphics,
    "commented": commented, "indirect": indirect, "scanned": scanned, "turned": turned,
}  # fmt: skip


NAMES: Final = (*BASES, "reader-enabled")


@cache
def base(name: str, style: str) -> State:
    if name == "reader-enabled":
        return reader_enabled(style)
    return BASES[name]().save(style)
