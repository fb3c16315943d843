"""What PDF/A-2 and -3 (ISO 19005-2, -3) and PDF/UA-1 (ISO 14289-1) ask of what Sealtrail adds to a document, clause by clause.

Rules of our own over pypdf's reading of a file, not a validator: what a source brings is looked at as well, but not in full.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

ALLOWED_ACTIONS = {"/GoTo", "/URI", "/Named"}


def _objects(reader: PdfReader) -> Iterator[tuple[int, DictionaryObject]]:
    seen: set[int] = set()
    waiting: list[tuple[int, Any]] = [(0, reader.trailer)]
    while waiting:
        number, value = waiting.pop()
        if isinstance(value, IndirectObject):
            if value.idnum in seen:
                continue
            seen.add(value.idnum)
            number, value = value.idnum, value.get_object()
        if isinstance(value, DictionaryObject):
            yield number, value
            waiting.extend((number, one) for one in dict.values(value))
        elif isinstance(value, ArrayObject):
            waiting.extend((number, one) for one in list.__iter__(value))


def pdf_a(data: bytes) -> list[str]:
    """Broken clauses of ISO 19005-2."""
    reader = PdfReader(io.BytesIO(data))
    root, broken = reader.trailer["/Root"], []

    def rule(holds: bool, clause: str, what: str) -> None:
        if not holds:
            broken.append(f"{clause}: {what}")

    rule(data.startswith(b"%PDF-1.7\n%") and min(data[10:14]) > 127, "6.1.2", "header and a comment of four high bytes")
    rule("/ID" in reader.trailer and "/Encrypt" not in reader.trailer, "6.1.3", "/ID and no /Encrypt")
    rule(
        not {"/OCProperties", "/AA", "/Requirements", "/NeedsRendering"} & set(root),
        "6.4, 6.9, 6.11",
        "catalog entries",
    )
    intents = [intent.get_object() for intent in root.get("/OutputIntents", ())]
    profiles = {intent["/DestOutputProfile"]["/N"] for intent in intents if "/DestOutputProfile" in intent}
    metadata = root["/Metadata"]
    packet = metadata._data
    rule("/Filter" not in metadata, "6.6.2.1", "metadata is not filtered")
    rule(re.search(rb"pdfaid:part>[23]<", packet) is not None, "6.6.4", "pdfaid:part")
    for number, entry in _objects(reader):
        where = f"object {number}"
        if isinstance(entry, StreamObject):
            rule(not {"/F", "/FFilter", "/FDecodeParms"} & set(entry), "6.1.7.1", f"external stream, {where}")
            rule(entry.get("/Filter") != "/LZWDecode", "6.1.7.2", f"LZW, {where}")
            subtype = entry.get("/Subtype")
            rule(not (subtype == "/Image" and "/Alternates" in entry), "6.2.8", f"/Alternates, {where}")
            rule(subtype != "/PS" and "/Ref" not in entry and "/OPI" not in entry, "6.2.9", f"XObject, {where}")
            if subtype == "/Form":
                rule("/Resources" in entry, "6.2.2", f"form without resources, {where}")
                _colours(entry.get_data(), profiles, rule, where)
        if entry.get("/Type") == "/Font" and entry.get("/Subtype") != "/Type3":
            _font(entry, rule, where)
        if entry.get("/Type") == "/ExtGState":
            opaque = (
                float(entry.get("/ca", 1)) == float(entry.get("/CA", 1)) == 1
                and entry.get("/SMask", "/None") == "/None"
            )
            rule(opaque and entry.get("/BM", "/Normal") == "/Normal", "6.2.10", f"transparency, {where}")
            rule("/TR" not in entry, "6.2.5", f"transfer function, {where}")
        if "/S" in entry and ("/URI" in entry or "/JS" in entry or ("/Type" in entry and entry["/Type"] == "/Action")):
            rule(entry["/S"] in ALLOWED_ACTIONS, "6.5.1", f"action {entry['/S']}, {where}")
    for page in reader.pages:
        for annotation in (one.get_object() for one in page.get("/Annots", ())):
            kind = annotation["/Subtype"]
            rule(kind not in ("/3D", "/Sound", "/Screen", "/Movie", "/RichMedia"), "6.3.1", str(kind))
            flags = annotation.get("/F", 0)
            rule(
                kind == "/Popup" or (flags & 4 and not flags & (1 | 2 | 32 | 256)), "6.3.2", f"flags {flags} of {kind}"
            )
            left, bottom, right, top = (float(edge) for edge in annotation["/Rect"])
            if kind not in ("/Popup", "/Link") and left != right and bottom != top:
                rule(set(annotation.get("/AP", ())) == {"/N"}, "6.3.3", f"appearance of {annotation.get('/T', kind)}")
            if kind == "/Widget":
                rule(not {"/A", "/AA"} & set(annotation), "6.4.1", "action of a widget")
    form = root.get("/AcroForm", DictionaryObject())
    rule("/XFA" not in form and not form.get("/NeedAppearances"), "6.4.1", "form entries")
    return broken


def _colours(content: bytes, profiles: set[int], rule: Any, where: str) -> None:
    content = re.sub(rb"\((?:\\.|[^\\()])*\)", b"()", content)
    rgb = re.search(rb"(?<![\w/])(rg|RG)\b|/DeviceRGB\b", content)
    cmyk = re.search(rb"(?<=[\d.] )(k|K)\b|/DeviceCMYK\b", content)
    grey = re.search(rb"(?<=[\d.] )(g|G)\b|/DeviceGray\b", content)
    rule(not rgb or 3 in profiles, "6.2.4.3", f"DeviceRGB, {where}")
    rule(not cmyk or 4 in profiles, "6.2.4.3", f"DeviceCMYK, {where}")
    rule(not grey or bool(profiles), "6.2.4.3", f"DeviceGray, {where}")


def _font(font: DictionaryObject, rule: Any, where: str) -> None:
    if font["/Subtype"] in ("/CIDFontType0", "/CIDFontType2"):
        return
    inner = font["/DescendantFonts"][0].get_object() if font["/Subtype"] == "/Type0" else font
    descriptor = inner.get("/FontDescriptor", DictionaryObject()).get_object()
    rule(bool({"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor)), "6.2.11.4.1", f"font not embedded, {where}")
    rule(font["/Subtype"] != "/Type0" or "/ToUnicode" in font, "6.2.11.7.2", f"no Unicode map, {where}")


def pdf_ua(data: bytes) -> list[str]:
    """Broken clauses of ISO 14289-1."""
    reader = PdfReader(io.BytesIO(data))
    root, broken = reader.trailer["/Root"], []

    def rule(holds: bool, clause: str, what: str) -> None:
        if not holds:
            broken.append(f"{clause}: {what}")

    rule(b"pdfuaid:part" in root["/Metadata"]._data and b"dc:title" in root["/Metadata"]._data, "5, 7.1", "metadata")
    rule(root.get("/MarkInfo", {}).get("/Marked") is not None, "7.1", "/MarkInfo")
    rule(bool(root["/ViewerPreferences"]["/DisplayDocTitle"]), "7.1", "/DisplayDocTitle")
    rule(bool(root.get("/Lang")), "7.2", "/Lang")
    tree = dict(_numbers(root["/StructTreeRoot"]["/ParentTree"]))
    for number, page in enumerate(reader.pages, 1):
        entry = tree.get(page.get("/StructParents"))
        entries = entry.get_object() if entry is not None else []
        content = page.get_contents()
        for where, unmarked, identifiers in _marked(content.get_data() if content is not None else b""):
            rule(not unmarked, "7.1", f"content that is neither tagged nor an artifact, page {number}: {where}")
            for identifier in identifiers:
                rule(identifier < len(entries), "7.1", f"MCID {identifier} without an element, page {number}")
        for annotation in (one.get_object() for one in page.get("/Annots", ())):
            left, bottom, right, top = (float(edge) for edge in annotation["/Rect"])
            if annotation["/Subtype"] == "/Popup" or left == right or bottom == top:
                continue
            element = tree.get(annotation.get("/StructParent"))
            kind = element.get_object()["/S"] if element is not None else None
            wanted = {"/Widget": "/Form", "/Link": "/Link"}.get(annotation["/Subtype"], "/Annot")
            rule(kind == wanted, "7.18.1, 7.18.4", f"{annotation.get('/T', '')} in {kind}, page {number}")
            rule(annotation["/Subtype"] != "/Widget" or bool(annotation.get("/TU")), "7.18.1", f"no /TU, page {number}")
            rule(page.get("/Tabs") == "/S", "7.18.3", f"/Tabs, page {number}")
    for _, entry in _objects(reader):
        if entry.get("/Type") == "/OBJR":
            rule(bool(entry.get("/Obj")), "7.1", "an element leads to an object that is gone")
    return broken


def _numbers(node: Any) -> Iterator[tuple[int, Any]]:
    node = node.get_object()
    items = list(list.__iter__(node.get("/Nums", ArrayObject())))
    yield from zip(items[::2], items[1::2], strict=True)
    for kid in node.get("/Kids", ()):
        yield from _numbers(kid)


_MARK = re.compile(
    rb"\((?:\\.|[^\\()])*\)|/(\w+)\s*(?:<<((?:[^<>]|<[^<>]*>)*)>>|/\w+)?\s*\b(BDC|BMC)\b|\b(EMC)\b|\b(Do|Tj|TJ|f\*?|S|B\*?|b\*?|s|sh)(?=[\s\]]|$)"
)


def _marked(content: bytes) -> Iterator[tuple[str, bool, list[int]]]:
    """Each painting operator: what it is, whether it is outside of all marked content; and the identifiers in use."""
    depth, identifiers = 0, []
    for found in _MARK.finditer(content):
        if found[3]:
            depth += 1
            if found[2] and (identifier := re.search(rb"/MCID\s+(\d+)", found[2])):
                identifiers.append(int(identifier[1]))
        elif found[4]:
            depth -= 1
        elif found[5]:
            yield found[5].decode(), depth == 0, []
    yield "", False, identifiers
