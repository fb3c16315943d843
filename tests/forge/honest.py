"""Honest steps, written as common software writes them: signatures, fills, ticks, comments, validation data, upkeep.

Each asks what the signatures so far permit (ISO 32000-2:2020, 12.8.2.2 and 12.8.2.4) and does nothing where it is not permitted.
"""

from __future__ import annotations

import random
from typing import Final

from bases import CLIENT_BOX, XMP
from honest_fields import fill, full_name, tick
from scene import Moves, Scene, Signed, box_of, pick_page
from signing import HELVETICA, Box, Signing, appearance, new_field, sign, validation_data
from state import Update
from values import Name, Ref, Value, copied, entries_of, stream, text_string

moves = Moves()
FREE: Final[tuple[Box, ...]] = ((30, 80, 130, 98), (150, 82, 280, 98), (200, 376, 290, 396), (30, 12, 140, 34))
"""Where no page has anything."""


def style_of(scene: Scene, r: random.Random) -> str:
    """Most software goes on as the file began; some write tables behind anything, tables of everything, hybrid files."""
    own = scene.update.before.style
    if own == "table":
        return r.choice(("table", "table", "table", "full", "alone", "hybrid"))
    return r.choice((own, own, own, "stream", "table"))


def _mark(scene: Scene, r: random.Random, box: Box, by: str) -> Ref:
    """How a signature looks: words, a line of a pen, a scan with its paper; in layers, as Acrobat and iText have them."""
    words = b"BT /Helv 8 Tf 2 %d Td (Signed by %s) Tj ET" % (int((box[3] - box[1]) / 2), by.encode())
    pen = b"0 0 0.6 RG 1 w 4 4 m 30 14 l 60 3 l 90 12 l S"
    ground = b"1 g 0 0 300 60 re f 0 g " if r.random() < 0.3 else b""
    drawn = appearance(scene.update, box, ground + r.choice((words, pen, words + b" " + pen)))
    if r.random() < 0.6:
        return drawn
    for layers in ({"n0": appearance(scene.update, box, b"% DSBlank"), "n2": drawn}, {"FRM": None}):
        inner = {name: below or drawn for name, below in layers.items()}
        drawn = appearance(scene.update, box, b" ".join(b"q 1 0 0 1 0 0 cm /%s Do Q" % name.encode() for name in inner))
        scene.update.entries(drawn)["Resources"] = {"XObject": inner}
    return drawn


def _apart(update: Update, field: Ref, page: int) -> Ref:
    """The field and its widget as two objects, as some libraries write them; the widget."""
    entries = update.entries(field)
    widget = {
        key: entries.pop(key)
        for key in ("Type", "Subtype", "Rect", "F", "P", "AP", "MK", "StructParent")
        if key in entries
    }
    below = update.add({**widget, "Parent": field})
    entries["Kids"] = [below]
    listed = update.inner(update.entries(page), "Annots", list)
    listed[listed.index(field)] = below
    return below


def _upkeep(scene: Scene, r: random.Random) -> None:
    """What programs write beside: dates, defaults, what was inherited, the type of a dictionary."""
    update = scene.update
    if scene.permission == 1:
        return
    info = update.trailer.get("Info")
    if r.random() < 0.3 and isinstance(info, Ref):
        update.entries(info)["ModDate"] = b"D:20270101000000+01'00'"
    if r.random() < 0.15:
        page = update.entries(pick_page(update, r))
        for key in ("MediaBox", "Resources", "Rotate"):
            inherited = update.entry(page.get("Parent"), key)
            if key not in page and inherited is not None:
                page[key] = copied(inherited)
    if r.random() < 0.1 and isinstance(update.root.get("MarkInfo"), dict):
        update.root["MarkInfo"] = {"Type": Name("MarkInfo"), **update.root["MarkInfo"]}


def _tagged(scene: Scene, field: Ref, page: int) -> None:
    """A tagged document grows an element for a new field (14.7.5.4)."""
    update = scene.update
    root = update.root.get("StructTreeRoot")
    if not isinstance(root, Ref) or update.entry(root, "K", "S") != "Document":
        return
    top = update.entries(root)["K"]
    element = update.add(
        {
            "Type": Name("StructElem"),
            "S": Name("Form"),
            "P": top,
            "Pg": Ref(page),
            "K": {"Type": Name("OBJR"), "Obj": field, "Pg": Ref(page)},
        }
    )
    update.inner(update.entries(top), "K", list).append(element)
    key = update.entries(root).get("ParentTreeNextKey", 1)
    update.inner(update.inner(update.entries(root), "ParentTree"), "Nums", list).extend((key, element))
    update.entries(root)["ParentTreeNextKey"] = key + 1
    update.entries(field)["StructParent"] = key


def _finish(scene: Scene, r: random.Random, field: Ref, how: Signing, new: bool, widget: Ref | None = None) -> None:
    _upkeep(scene, r)
    state = sign(scene.update, field, how, style_of(scene, r))
    value = state.objects[field.number]["V"].number
    scene.events.append(Signed((widget or field).number, value, new, how.stamp))
    scene.checkpoint(state, how)


@moves(2)
def sign_new_field(scene: Scene, r: random.Random) -> str | None:
    """In one save, or the field first and the signature in the next; visible, or not."""
    if scene.permission == 1:
        return None
    update, page = scene.update, pick_page(scene.update, r)
    box = r.choice((*FREE, (0, 0, 0, 0)))
    if any(_overlap(box, other) for other in _boxes(update, page)):
        box = (0, 0, 0, 0)
    by = r.choice(("Bob", "Eve"))
    field = new_field(update, page, box, scene.unique("signer"))
    if r.random() < 0.5:
        _tagged(scene, field, page)
    how = Signing(by, lock={"Action": Name("All")} if r.random() < 0.1 else None)
    if r.random() < 0.15:
        entries = update.entries(page)
        if isinstance(entries.get("Annots"), list):
            entries["Annots"] = update.add(entries["Annots"])
    widget = _apart(update, field, page) if r.random() < 0.15 and "StructParent" not in update.entries(field) else field
    if r.random() < 0.15:
        fonts = update.inner(update.inner(update.form, "DR"), "Font")
        fonts.setdefault("HeBo", update.add({**HELVETICA, "BaseFont": Name("Helvetica-Bold")}))
    saves = 1
    if r.random() < 0.3:
        saves = 2
        if r.random() < 0.3:
            update.entries(widget)["MK"] = {}
        scene.save(style_of(scene, r))
    if box[2] > box[0]:
        scene.update.entries(widget)["AP"] = {"N": _mark(scene, r, box, by)}
    _finish(scene, r, field, how, new=True, widget=widget)
    return f"{by} in {saves} saves at {box}, page {page}"


@moves(2)
def sign_empty_field(scene: Scene, r: random.Random) -> str | None:
    update = scene.update
    empty = [
        Ref(n)
        for n in update.numbers()
        if isinstance(value := update.get(Ref(n)), dict) and value.get("FT") == "Sig" and "V" not in value and value.get("Subtype") == "Widget"
        and _may(scene, full_name(update, Ref(n)))
    ]  # fmt: skip
    if scene.permission == 1 or not empty:
        return None
    field = r.choice(empty)
    entries = update.entries(field)
    box = box_of(entries.get("Rect")) or CLIENT_BOX
    entries["AP"] = {"N": _mark(scene, r, box, "Bob")}
    if r.random() < 0.3:
        entries["MK"] = {}
    if r.random() < 0.2:
        entries["F"] = 132
    lock = update.get(entries.get("Lock"))  # the author's, which the signature has to take over (12.7.5.5)
    if not isinstance(lock, dict):
        lock = {"Action": Name("All")} if r.random() < 0.15 else None
    _finish(scene, r, field, Signing("Bob", lock=lock), new=False)
    return f"field {field.number}"


@moves(1)
def time_stamp(scene: Scene, r: random.Random) -> str:
    update = scene.update
    page = update.pages()[0]
    field = new_field(update, page, (0, 0, 0, 0), scene.unique("stamp"))
    if r.random() < 0.5 and scene.permission != 1:
        _tagged(scene, field, page)
    _finish(scene, r, field, Signing(stamp=True), new=True)
    return f"document time-stamp {field.number}"


@moves(1.5)
def store(scene: Scene, r: random.Random) -> str:
    validation_data(scene.update, vri=r.random() < 0.5, indirect=r.random() < 0.6, deflate=r.random() < 0.7)
    if r.random() < 0.3:
        scene.update.root["Extensions"] = {"ESIC": {"BaseVersion": Name("1.7"), "ExtensionLevel": 5}}
    if r.random() < 0.3:
        _upkeep(scene, r)
    style = style_of(scene, r)
    scene.save(style)
    return f"validation data, {style}"


@moves(3)
def fill_text(scene: Scene, r: random.Random) -> str | None:
    said = (
        None
        if scene.permission == 1 or scene.locked
        else fill(scene, r, lambda field: _may(scene, full_name(scene.update, field)))
    )
    if said:
        _upkeep(scene, r)
        scene.save(style_of(scene, r))
    return said


@moves(2)
def tick_box(scene: Scene, r: random.Random) -> str | None:
    said = (
        None
        if scene.permission == 1 or scene.locked
        else tick(scene, r, lambda field: _may(scene, full_name(scene.update, field)))
    )
    if said:
        _upkeep(scene, r)
        scene.save(style_of(scene, r))
    return said


@moves(2)
def comment(scene: Scene, r: random.Random) -> str | None:
    """A reader's comment with its look, as viewers write it, perhaps with a pop-up.

    Words are marked and underlined, never struck out: whether what is struck out is still there, is left open by decision.
    """
    if scene.permission in (1, 2):
        return None
    update, page = scene.update, pick_page(scene.update, r)
    sort = r.choice(("Text", "Highlight", "FreeText", "Square", "Ink", "Underline", "Stamp"))
    taken = _boxes(update, page)
    free = [place for place in FREE if not any(_overlap(place, other) for other in taken)]
    if not free:
        return None
    box: Box = r.choice(free)
    if sort in ("Highlight", "Underline"):
        box = (30, 334, 200, 350)
    width, height = box[2] - box[0], box[3] - box[1]
    contents = {
        "Text": b"1 1 0 rg 0 0 16 16 re f 0 G 2 8 m 14 8 l S", "Highlight": b"/M gs 1 1 0 rg 0 0 %g %g re f" % (width, height),
        "FreeText": b"BT /Helv 8 Tf 2 5 Td (Please check) Tj ET", "Square": b"1 0 0 RG 1 1 %g %g re S" % (width - 2, height - 2),
        "Ink": b"0 0 1 RG 2 2 m 20 14 l 40 3 l S",
        "Underline": b"0 0.5 0 RG 0.7 w 0 1 m %g 1 l S" % width, "Stamp": b"1 0 0 RG 1 1 60 14 re S BT /Helv 8 Tf 4 4 Td (SEEN) Tj ET",
    }  # fmt: skip
    look = appearance(update, box, contents[sort])
    update.entries(look)["Resources"] = {
        **update.entries(look)["Resources"],
        "ExtGState": {"M": {"BM": Name("Multiply")}},
    }
    entries: dict[str, Value] = {
        "Type": Name("Annot"), "Subtype": Name(sort), "Rect": list(box), "F": 28 if sort == "Text" and scene.start.base != "turned" else 4, "P": Ref(page),
        "Contents": text_string(r.choice(("Please check.", "prüfen: żółć"))), "T": b"Reader", "NM": scene.unique("c").encode(),
        "M": b"D:20270101000000Z", "AP": {"N": look}, "C": [1, 1, 0], "CreationDate": b"D:20270101000000Z",
    }  # fmt: skip
    if sort in ("Highlight", "Underline"):
        entries["QuadPoints"] = [box[0], box[3], box[2], box[3], box[0], box[1], box[2], box[1]]
    if sort == "FreeText":
        entries["DA"] = b"/Helv 8 Tf 0 g"
    note = update.add(entries)
    scene.comments.append((note.number, len(scene.checkpoints)))
    update.list_annotation(page, note)
    if r.random() < 0.4:
        popup = update.add(
            {
                "Type": Name("Annot"),
                "Subtype": Name("Popup"),
                "Rect": [200, 250, 290, 320],
                "Parent": note,
                "F": 28,
                "Open": False,
            }
        )
        update.entries(note)["Popup"] = popup
        update.list_annotation(page, popup)
    _upkeep(scene, r)
    scene.save(style_of(scene, r))
    return f"{sort} {note.number} on page {page}"


@moves(1)
def own_comment(scene: Scene, r: random.Random) -> str | None:
    """A reader edits or deletes a comment that nobody signed."""
    mine = [number for number, signed in scene.comments if signed == len(scene.checkpoints)]
    if not mine or scene.permission in (1, 2):
        return None
    update, number = scene.update, r.choice(mine)
    if r.random() < 0.5:
        entries = update.entries(number)
        entries |= {"Contents": b"Please check. Done.", "M": b"D:20270102000000Z"}
        scene.save(style_of(scene, r))
        return f"edited {number}"
    scene.comments = [pair for pair in scene.comments if pair[0] != number]
    gone = {
        number,
        *(n for n in update.numbers() if isinstance(v := update.get(Ref(n)), dict) and v.get("Parent") == Ref(number)),
    }
    for page in update.pages():
        listed = update.entry(Ref(page), "Annots")
        if isinstance(listed, list) and any(isinstance(item, Ref) and item.number in gone for item in listed):
            kept = update.inner(update.entries(page), "Annots", list)
            kept[:] = [item for item in kept if not (isinstance(item, Ref) and item.number in gone)]
    if r.random() < 0.5:
        update.freed |= gone
    scene.save(style_of(scene, r) if not update.freed else None)
    return f"deleted {sorted(gone)}"


@moves(0.8)
def information(scene: Scene, r: random.Random) -> str | None:
    if scene.permission == 1:
        return None
    update = scene.update
    info = update.trailer.get("Info")
    if isinstance(info, Ref):
        update.entries(info).update({"ModDate": b"D:20270101000000Z", "Producer": b"Sample Editor 3"})
    if r.random() < 0.5:
        old = update.root.get("Metadata")
        packet = stream(XMP % b"Sample contract", {"Type": Name("Metadata"), "Subtype": Name("XML")})
        if isinstance(old, Ref):
            update.changed[old.number] = packet
        else:
            update.root["Metadata"] = update.add(packet)
    scene.save(style_of(scene, r))
    return "dates and producer"


def _may(scene: Scene, name: bytes) -> bool:
    """Whether no lock of a signature so far names the field."""
    if scene.locked:
        return False
    for value in scene.update.before.objects.values():
        entries = entries_of(value) or {}
        lock = entries.get("Lock")
        if not isinstance(lock, dict) or not entries.get("V"):
            continue
        fields = lock.get("Fields", [])
        action = lock.get("Action")
        if action == "All" or (action == "Include" and name in fields) or (action == "Exclude" and name not in fields):
            return False
    return True


def _boxes(update: Update, page: int) -> list[Box]:
    return [
        box
        for item in update.view().annotations(page)
        if (box := box_of((entries_of(update.get(item)) or {}).get("Rect")))
    ]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
