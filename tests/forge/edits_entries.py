"""Edits of single entries: any of any dictionary replaced, added, dropped, by values that fit it or do not."""

from __future__ import annotations

import random

from fonts import unicode_map
from scene import Moves, Scene, kind, pick_object, pick_page
from state import Update
from values import Name, Ref, Stream, Value, copied, entries_of, stream

moves = Moves()
KEYS = (
    "Thumb", "Trans", "Dur", "VP", "B", "OutputIntents", "Requirements", "NeedsRendering", "Namespaces", "IDTree", "ClassMap", "Opi", "Alternates",
    "FFilter", "Mask", "SMaskInData", "Decode", "CharProcs", "RD", "LE", "CL", "RV", "Sy", "Open", "Name", "TK", "MH", "RT", "RI", "IX",
    "Type", "Subtype", "Kids", "Parent", "Fields", "Annots", "V", "DV", "AP", "AS", "N", "FT", "T", "TU", "TM", "Ff", "F", "DA", "Q", "MK",
    "Rect", "Contents", "Resources", "MediaBox", "CropBox", "Rotate", "UserUnit", "Group", "Metadata", "StructParents", "StructParent",
    "Tabs", "AA", "A", "OC", "P", "Pg", "K", "ActualText", "Alt", "E", "Lang", "S", "Encoding", "ToUnicode", "BaseFont", "Widths", "W", "DW",
    "FirstChar", "CIDToGIDMap", "DescendantFonts", "FontDescriptor", "FontFile2", "Matrix", "BBox", "Filter", "DecodeParms", "Length",
    "MarkInfo", "ViewerPreferences", "PageMode", "PageLayout", "OpenAction", "Names", "Outlines", "Version", "Extensions", "NeedAppearances",
    "SigFlags", "XFA", "CO", "DR", "Lock", "Perms", "DSS", "Reference", "Opt", "I", "MaxLen", "Popup", "IRT", "State", "BS", "Border",
    "Title", "Author", "ModDate", "RoleMap", "ParentTree", "SE", "SD", "D", "Dest", "URI", "ExtGState", "XObject", "Font", "Properties",
    "SMask", "ca", "BM", "Intent", "Usage", "OFF", "ON", "BaseState", "AF", "EF", "PieceInfo", "LastModified", "Count", "CA", "NM", "M",
)  # fmt: skip


def fitting(update: Update, r: random.Random, key: str) -> Value:
    """A value: often another that stands somewhere under the same key, else one of the usual suspects."""
    if r.random() < 0.45:
        same = [
            entries[key]
            for number in update.numbers()
            if (entries := entries_of(update.get(Ref(number)))) is not None and key in entries
        ]
        if same:
            return copied(r.choice(same))
    return r.choice((
        None, True, False, 0, 1, 2, 4, -1, 90, 32, 1 << 12, 1 << 13, 0.5, 100000, b"", b"9888.00", b"changed", Name("Off"), Name("Yes"),
        Name("Changed"), [], {}, [0, 0, 300, 400], [0, 0, 100, 100], [1], [1, 1, 1], {"N": Ref(1)}, {"S": Name("JavaScript"), "JS": b"1"},
        {"S": Name("URI"), "URI": b"https://example.com/"}, b"/Helv 30 Tf 1 g", "жеж", pick_object(update, r), pick_object(update, r),
        Ref(update.size + 5), Ref(3, 7), [pick_object(update, r)],
    ))  # fmt: skip


def _holder(update: Update, r: random.Random, value: Value) -> dict[str, Value] | None:
    """A dictionary of the object: itself, or one inside it."""
    entries = entries_of(value)
    while entries is not None:
        inside = [entry for entry in entries.values() if isinstance(entry, dict) and entry]
        if not inside or r.random() < 0.6:
            return entries
        entries = r.choice(inside)
    return None


@moves(3)
def entry(scene: Scene, r: random.Random) -> str | None:
    """Replaced, added, dropped, in any object."""
    target = pick_object(scene.update, r)
    if target is None:
        return None
    return change_entry(scene.update, r, target)


def change_entry(update: Update, r: random.Random, target: Ref) -> str:
    value = update.edit(target.number)
    if isinstance(value, list):
        return _change_array(update, r, target, value)
    holder = _holder(update, r, value)
    if holder is None:
        return f"{target.number} is no container"
    old = [key for key in holder if key not in ("Contents", "ByteRange") or r.random() < 0.3]
    how = r.choice(("replace", "replace", "add", "add", "drop"))
    if how == "drop" and old:
        key = r.choice(old)
        del holder[key]
    else:
        key = r.choice(old) if how == "replace" and old else r.choice(KEYS)
        holder[key] = fitting(update, r, key)
    return f"{how} /{key} of {target.number}"


def _change_array(update: Update, r: random.Random, target: Ref, value: list[Value]) -> str:
    how = r.choice(("drop", "append", "reverse", "double", "replace"))
    if how == "drop" and value:
        value.pop(r.randrange(len(value)))
    elif how == "reverse":
        value.reverse()
    elif how == "double" and value:
        value.append(r.choice(value))
    elif how == "replace" and value:
        value[r.randrange(len(value))] = fitting(update, r, "Kids")
    else:
        value.append(pick_object(update, r))
    return f"{how} in array {target.number}"


def mutate(update: Update, r: random.Random, target: Ref) -> str:
    """A change that matters for what the object is."""
    sort = kind(update.get(target))
    if sort == "font":
        return change_font(update, r, target)
    if sort in ("xobject", "content"):
        value = update.edit(target.number)
        old = value.content()
        new = r.choice(
            (
                old.replace(b"10", b"99"),
                old + b"\n1 g 0 0 900 900 re f",
                b"BT /F1 10 Tf 30 338 Td (EUR 9035.00) Tj ET",
                b"",
            )
        )
        entries = {key: item for key, item in value.entries.items() if key not in ("Filter", "DecodeParms")}
        update.changed[target.number] = stream(new, entries)
        return f"content of {target.number} exchanged"
    if sort == "struct":
        update.entries(target)[r.choice(("ActualText", "Alt", "E", "T"))] = b"The price is 1 EUR"
        return f"{target.number} speaks other words"
    if sort == "page":
        page = update.entries(target)
        other = pick_object(update, r, "content")
        page["Contents"] = other
        return f"page {target.number} has content {other}"
    return change_entry(update, r, target)


def change_font(update: Update, r: random.Random, target: Ref) -> str:
    entries = update.entries(target)
    below = entries.get("DescendantFonts")
    low = update.entries(below[0]) if isinstance(below, list) and below and isinstance(below[0], Ref) else entries
    digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    shifted = [48, *(Name(name) for name in (digits[9:] + digits[:9]))]
    match r.choice(("differences", "base", "unicode", "gids", "widths", "subtype", "program", "encoding")):
        case "differences":
            entries["Encoding"] = {
                "Type": Name("Encoding"),
                "BaseEncoding": Name("WinAnsiEncoding"),
                "Differences": shifted,
            }
            return f"/Differences of font {target.number}"
        case "base":
            entries["BaseFont"] = Name(r.choice(("Symbol", "ZapfDingbats", "Courier", "Times-Roman")))
            return f"/BaseFont of font {target.number}"
        case "unicode":
            entries["ToUnicode"] = update.add(
                stream(unicode_map({code: chr(48 + (code + 7) % 10) for code in range(16, 60)}))
            )
            return f"/ToUnicode of font {target.number}"
        case "gids":
            low["CIDToGIDMap"] = update.add(
                stream(b"".join((max(0, gid - 1)).to_bytes(2, "big") for gid in range(200)), deflate=True)
            )
            return f"/CIDToGIDMap of font {target.number}"
        case "widths":
            low["W" if low is not entries else "Widths"] = [0, [0] * 90] if low is not entries else [0] * 95
            return f"widths of font {target.number}"
        case "subtype":
            entries["Subtype"] = Name(r.choice(("TrueType", "Type1", "Type3", "Type0")))
            return f"/Subtype of font {target.number}"
        case "program":
            descriptor = low.get("FontDescriptor")
            if isinstance(descriptor, Ref):
                update.entries(descriptor).pop("FontFile2", None)
            return f"program of font {target.number} dropped"
        case _:
            entries["Encoding"] = Name(
                r.choice(("MacRomanEncoding", "StandardEncoding", "Identity-H", "Identity-V", "UniJIS-UTF16-H"))
            )
            return f"/Encoding of font {target.number}"


@moves(1.5)
def font(scene: Scene, r: random.Random) -> str | None:
    target = pick_object(scene.update, r, "font")
    return change_font(scene.update, r, target) if target else None


@moves(0.5)
def page(scene: Scene, r: random.Random) -> str:
    """What a page says of itself."""
    update = scene.update
    number = pick_page(update, r)
    entries = update.entries(number)
    match r.choice(("rotate", "box", "unit", "group", "annots", "drop", "tabs", "reorder", "double", "new", "action")):
        case "rotate":
            entries["Rotate"] = r.choice((0, 90, 180, 360))
        case "box":
            entries[r.choice(("CropBox", "MediaBox", "TrimBox", "ArtBox"))] = r.choice(
                ([0, 0, 300, 400], [0, 0, 300, 350], [10, 10, 290, 390])
            )
        case "unit":
            entries["UserUnit"] = r.choice((1, 2))
        case "group":
            entries["Group"] = {"S": Name("Transparency"), "CS": Name(r.choice(("DeviceGray", "DeviceRGB"))), "I": True}
        case "annots":
            listed = update.inner(entries, "Annots", list)
            if listed:
                r.choice((listed.reverse, listed.pop, listed.clear))()
        case "drop":
            entries.pop("Annots", None)
        case "tabs":
            entries["Tabs"] = Name(r.choice(("S", "R", "C", "W")))
        case "action":
            entries["AA"] = {"O": {"S": Name("JavaScript"), "JS": b"app.alert(1)"}}
        case how:
            tree = update.inner(update.root, "Pages")
            kids = update.inner(tree, "Kids", list)
            if how == "reorder":
                kids.reverse()
            else:
                other = Ref(number) if how == "double" else update.add(copied(update.get(Ref(number))))
                kids.insert(r.randrange(len(kids) + 1), other)
                tree["Count"] = len(kids)
    return f"page {number}: {sorted(entries)}"


@moves(3)
def document(scene: Scene, r: random.Random) -> str:
    """What the catalog and the information say."""
    update = scene.update
    root = update.root
    words = b"Amended contract: the price is 1 EUR"
    what = r.choice((
        "title", "author", "xmp", "action", "script", "labels", "outline", "viewer", "mode", "lang", "layers", "attachment", "struct",
        "rolemap", "dates", "version", "extensions", "reading", "collection", "legal", "threads", "moddate",
    ))  # fmt: skip
    info = update.trailer.get("Info")
    match what:
        case "title" | "author" | "dates" | "moddate":
            entries = update.entries(info) if isinstance(info, Ref) else {}
            entries[{"title": "Title", "author": "Author", "dates": "CreationDate", "moddate": "ModDate"}[what]] = (
                words if what in ("title", "author") else b"D:20270101000000Z"
            )
            if not isinstance(info, Ref):
                update.trailer["Info"] = update.add(entries)
        case "xmp":
            from bases import XMP

            root["Metadata"] = update.add(stream(XMP % words, {"Type": Name("Metadata"), "Subtype": Name("XML")}))
        case "action":
            root["OpenAction"] = r.choice(
                ([Ref(pick_page(update, r)), Name("Fit")], {"S": Name("URI"), "URI": b"https://example.com"})
            )
        case "script":
            script = {"S": Name("JavaScript"), "JS": b"app.alert('pay')"}
            update.inner(root, "Names")["JavaScript"] = update.add({"Names": [b"x", update.add(script)]})
        case "attachment":
            file = update.add(stream(words, {"Type": Name("EmbeddedFile")}))
            spec = update.add({"Type": Name("Filespec"), "F": b"terms.txt", "UF": b"terms.txt", "EF": {"F": file}})
            update.inner(root, "Names")["EmbeddedFiles"] = update.add({"Names": [b"terms.txt", spec]})
        case "labels":
            root["PageLabels"] = {"Nums": [0, {"P": b"Annex ", "S": Name("D"), "St": 7}]}
        case "outline":
            item = pick_object(update, r, "dictionary")
            old = root.get("Outlines")
            first = update.entry(old, "First") if old else None
            if isinstance(first, dict):
                update.entries(update.get(old)["First"])["Title"] = words
            else:
                outlines = update.add({"Type": Name("Outlines"), "Count": 1})
                item = update.add(
                    {"Title": words, "Parent": outlines, "Dest": [Ref(pick_page(update, r)), Name("Fit")]}
                )
                update.entries(outlines).update({"First": item, "Last": item})
                root["Outlines"] = outlines
        case "viewer":
            root["ViewerPreferences"] = {r.choice(("HideToolbar", "DisplayDocTitle", "HideMenubar")): True}
        case "mode":
            root["PageMode"] = Name(r.choice(("UseNone", "FullScreen", "UseAttachments", "UseOC")))
        case "lang":
            root["Lang"] = b"de"
        case "layers":
            layers = update.inner(root, "OCProperties")
            layer = pick_object(update, r, "dictionary")
            update.inner(layers, "D")[r.choice(("OFF", "ON"))] = [layer]
            update.inner(layers, "OCGs", list).append(layer)
        case "struct":
            element = pick_object(update, r, "struct")
            if element is None:
                return added_element(update, r)
            update.entries(element)[r.choice(("ActualText", "Alt", "E", "T", "Lang"))] = words
        case "reading":
            return added_element(update, r)
        case "rolemap":
            tree = root.get("StructTreeRoot")
            if isinstance(tree, Ref):
                update.entries(tree)["RoleMap"] = {"Clause": Name("Artifact"), "P": Name("NonStruct")}
        case "version":
            root["Version"] = Name(r.choice(("1.4", "2.0", "9.9")))
        case "extensions":
            root["Extensions"] = {"ADBE": {"BaseVersion": Name("1.7"), "ExtensionLevel": r.choice((3, 8))}}
        case "collection":
            root["Collection"] = {"Type": Name("Collection"), "View": Name("T")}
        case "legal":
            root["Legal"] = {"Attestation": words}
        case "threads":
            root["Threads"] = update.add([update.add({"I": {"Title": words}})])
    return f"{what} of the document"


def added_element(update: Update, r: random.Random) -> str:
    """A structure element with words of its own for a page."""
    root = update.root.get("StructTreeRoot")
    if not isinstance(root, Ref):
        root = update.root["StructTreeRoot"] = update.add({"Type": Name("StructTreeRoot"), "K": []})
        update.root["MarkInfo"] = {"Marked": True}
    words = {r.choice(("ActualText", "Alt", "E")): b"The price is 1 EUR"}
    element = update.add(
        {"Type": Name("StructElem"), "S": Name("P"), "P": root, "Pg": Ref(pick_page(update, r)), "K": 0, **words}
    )
    entries = update.entries(root)
    old = entries.get("K")
    entries["K"] = [*old, element] if isinstance(old, list) else [old, element] if old is not None else element
    return f"structure element with {sorted(words)}"


def swap_stream(value: Stream, content: bytes) -> Stream:
    return stream(content, {key: item for key, item in value.entries.items() if key not in ("Filter", "DecodeParms")})
