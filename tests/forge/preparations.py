"""What an author plants before anybody signs: objects with two roles, things that wait under others, things nobody lists."""

from __future__ import annotations

import random

from edits_paint import BLANK, painted
from places import over_text
from scene import Moves, Scene, pick_object, pick_page
from signing import HELVETICA, appearance
from values import Name, Ref, copied, stream, text_string

moves = Moves()
OWED = b"BT /Helv 12 Tf 0 0 Td (I owe you 10 EUR) Tj ET"


@moves(2)
def resources_as_widget(scene: Scene, r: random.Random) -> str:
    """The page's /XObject dictionary is a kid of a field as well, and what it draws is called like an entry of widgets."""
    update = scene.update
    page = pick_page(update, r)
    name = r.choice(("AP", "N", "V", "MK", "Off", "A"))
    drawn = appearance(update, (0, 0, 200, 20), OWED)
    shared = update.add({name: drawn})
    entries = update.entries(page)
    update.inner(entries, "Resources")["XObject"] = shared
    parts = entries.get("Contents")
    content = update.add(stream(b"q 1 0 0 1 30 240 cm /%s Do Q" % name.encode()))
    entries["Contents"] = [*(parts if isinstance(parts, list) else [parts]), content]
    field = update.add(
        {"FT": Name(r.choice(("Tx", "Sig", "Btn"))), "T": text_string(scene.unique("note")), "Kids": [shared]}
    )
    if r.random() < 0.6:
        update.entries(shared)["Parent"] = field
    update.list_field(field)
    return f"/XObject {shared.number} of page {page} is a kid of field {field.number} and draws /{name}"


@moves(2)
def drawn_twice(scene: Scene, r: random.Random) -> str:
    """A form XObject that the page draws is the look of a field or a comment, too."""
    update = scene.update
    page = pick_page(update, r)
    drawn = appearance(update, (0, 0, 200, 20), OWED)
    entries = update.entries(page)
    update.inner(update.inner(entries, "Resources"), "XObject")["Shared"] = drawn
    parts = entries.get("Contents")
    content = update.add(stream(b"q 1 0 0 1 30 240 cm /Shared Do Q"))
    entries["Contents"] = [*(parts if isinstance(parts, list) else [parts]), content]
    sort = r.choice(("Tx", "Sig", "FreeText", "state"))
    box = [30, 80, 230, 100]
    look = {"N": {"On": drawn, "Off": drawn}} if sort == "state" else {"N": drawn}
    entries = {
        "Type": Name("Annot"),
        "Subtype": Name("FreeText" if sort == "FreeText" else "Widget"),
        "Rect": box,
        "F": 4,
        "AP": look,
    }
    if sort != "FreeText":
        entries |= {"FT": Name({"state": "Btn"}.get(sort, sort)), "T": text_string(scene.unique("twice"))}
        entries |= {"AS": Name("Off")} if sort == "state" else {"V": b"I owe you 10 EUR"} if sort == "Tx" else {}
    there = update.add(entries)
    update.list_annotation(page, there)
    if sort != "FreeText":
        update.list_field(there)
    return f"{drawn.number} is drawn by page {page} and is the look of the {sort} {there.number}"


@moves(2)
def shared_object(scene: Scene, r: random.Random) -> str | None:
    """A font, a dictionary, a stream or an array of a page stands in the form, in a field or the structure tree as well."""
    update = scene.update
    target = pick_object(update, r, "font", "content", "xobject", "array", "dictionary", "annotation")
    if target is None:
        return None
    place = r.choice(("kid", "DR", "MK", "look", "tree", "annots", "DSS", "metadata", "lock", "info"))
    match place:
        case "kid":
            field = update.add({"FT": Name("Tx"), "T": text_string(scene.unique("own")), "Kids": [target]})
            update.list_field(field)
        case "DR":
            update.inner(update.inner(update.form, "DR"), r.choice(("Font", "XObject")))["Shared"] = target
        case "tree":
            root = update.root.setdefault("StructTreeRoot", update.add({"Type": Name("StructTreeRoot"), "K": []}))
            element = update.add(
                {"Type": Name("StructElem"), "S": Name("Form"), "P": root, "K": {"Type": Name("OBJR"), "Obj": target}}
            )
            entries = update.entries(root)
            entries["K"] = (
                [entries["K"], element] if not isinstance(entries.get("K"), list) else [*entries["K"], element]
            )
        case "annots":
            update.list_annotation(pick_page(update, r), target)
        case "DSS":
            update.root["DSS"] = {"Type": Name("DSS"), "Certs": [target]}
        case "metadata":
            update.root["Metadata"] = target
        case "info":
            info = update.trailer.get("Info")
            if isinstance(info, Ref):
                update.entries(info)["Title"] = target
        case _:
            field = pick_object(update, r, "widget")
            if field is None or field == target:
                return None
            entries = update.entries(field)
            entries[{"MK": "MK", "look": "AP", "lock": "Lock"}[place]] = (
                {"I": target} if place == "MK" else {"N": target} if place == "look" else target
            )
    return f"{target.number} is {place} as well"


@moves(2)
def lies_under(scene: Scene, r: random.Random) -> str:
    """A field or a comment covers what is written, or stands invisible over it, when the document is signed."""
    update = scene.update
    pages = update.pages()
    index = r.randrange(len(pages))
    box, covers = over_text(update.before.data, index, r)
    sort = r.choice(("Tx", "Sig", "Btn", "FreeText", "Stamp"))
    entries = {
        "Type": Name("Annot"),
        "Rect": list(box),
        "F": r.choice((4, 4, 2, 0, 32)),
        "AP": {"N": painted(update, r, box, covers)},
    }
    entries["Subtype"] = Name("Widget" if sort in ("Tx", "Sig", "Btn") else sort)
    if entries["Subtype"] == "Widget":
        entries |= {"FT": Name(sort), "T": text_string(scene.unique("under"))}
    there = update.add(entries)
    update.list_annotation(pages[index], there)
    if "FT" in entries:
        update.list_field(there)
    return f"{sort} {there.number} over {covers!r}"


@moves(1.5)
def unlisted_signature(scene: Scene, r: random.Random) -> str:
    """A page shows a filled signature that the form does not list, or that is no signature of this file."""
    update = scene.update
    page = pick_page(update, r)
    key = r.choice(("ByteRange", "ByteRange", "Byte Range"))
    value = update.add({
        "Type": Name("Sig"), "Filter": Name("Adobe.PPKLite"), "SubFilter": Name(r.choice(("ETSI.CAdES.detached", "adbe.pkcs7.detached"))),
        "Name": b"The Director", key: [0, 200, 400, 200], "Contents": b"\x30\x82" + bytes(range(200)) + b"\0" * 300,
    })  # fmt: skip
    box = r.choice(BLANK)
    look = appearance(update, box, b"BT /Helv 9 Tf 2 4 Td (Signed by The Director) Tj ET")
    widget = update.add({
        "Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"), "T": text_string(scene.unique("director")), "Rect": list(box),
        "F": 4, "P": Ref(page), "V": value, "AP": {"N": look},
    })  # fmt: skip
    where = r.choice(("page", "page", "both", "kid"))
    update.list_annotation(page, widget)
    if where == "both":
        update.list_field(widget)
    elif where == "kid":
        top = update.add({"T": text_string(scene.unique("group")), "Kids": [widget]})
        update.entries(widget)["Parent"] = top
        if r.random() < 0.5:
            update.list_field(top)
    return f"signature {value.number} on page {page}, in {where}"


@moves(1)
def spare_pages(scene: Scene, r: random.Random) -> str:
    """A second page, tree or catalog that nothing names yet, or that a rarely read entry names."""
    update = scene.update
    page = pick_page(update, r)
    copy = update.add(copied(update.get(Ref(page))))
    update.entries(copy)["Contents"] = update.add(stream(b"BT /F1 10 Tf 30 300 Td (The price is 1 EUR.) Tj ET"))
    tree = update.add({"Type": Name("Pages"), "Kids": [copy], "Count": 1})
    root = update.add({**copied(update.get(update.trailer["Root"])), "Pages": tree})
    if r.random() < 0.5:
        update.root[r.choice(("PieceInfo", "Threads", "Names", "Dests"))] = r.choice((root, tree, copy))
    return f"spare page {copy.number}, tree {tree.number}, catalog {root.number}"


@moves(1)
def one_array(scene: Scene, r: random.Random) -> str:
    """One array for two things: /Annots of two pages, /Annots and /Fields, /Kids and /Annots."""
    update = scene.update
    pages = update.pages()
    first = update.entries(pages[0])
    listed = update.inner(first, "Annots", list)
    shared = first["Annots"] if isinstance(first["Annots"], Ref) else update.add(listed)
    first["Annots"] = shared
    how = r.choice(("pages", "form", "contents"))
    if how == "pages" and len(pages) > 1:
        update.entries(pages[1])["Annots"] = shared
    elif how == "form":
        update.form["Fields"] = shared
    else:
        entries = update.entries(pages[-1])
        entries["Contents"] = (
            update.add([entries["Contents"]]) if not isinstance(entries["Contents"], list) else entries["Contents"]
        )
        entries["Annots"] = entries["Contents"]
    return f"array {shared.number} for {how}"


@moves(1)
def font_of_both(scene: Scene, r: random.Random) -> str:
    """Page and form draw with one font, or one dictionary of fonts."""
    update = scene.update
    page = update.entries(pick_page(update, r))
    fonts = update.inner(update.inner(page, "Resources"), "Font")
    dictionary = update.add(dict(fonts))
    fonts.clear()
    fonts.update(update.get(dictionary))
    update.inner(page, "Resources")["Font"] = dictionary
    update.inner(update.form, "DR")["Font"] = dictionary
    update.entries(dictionary).setdefault("Helv", update.add(dict(HELVETICA)))
    return f"fonts {dictionary.number} for page and form"
