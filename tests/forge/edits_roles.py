"""Edits that name an object of the signed file from somewhere else, in a role that it did not have, and mostly change it then."""

from __future__ import annotations

import random

from edits_entries import mutate
from edits_paint import BLANK, anywhere, painted
from scene import Moves, Scene, pick_object, pick_page
from values import Name, Ref, Stream, Value, stream, text_string

moves = Moves()


def _target(scene: Scene, r: random.Random) -> Ref | None:
    kinds = (
        "font",
        "font",
        "xobject",
        "content",
        "signature",
        "widget",
        "annotation",
        "struct",
        "array",
        "dictionary",
        "page",
        "stream",
    )
    return pick_object(scene.update, r, *r.sample(kinds, 3)) or pick_object(scene.update, r)


def _then(scene: Scene, r: random.Random, target: Ref, said: str) -> str:
    """Half of the time, what was named is changed in the same update."""
    if r.random() < 0.55:
        return f"{said}, then {mutate(scene.update, r, target)}"
    return said


def _field(scene: Scene, r: random.Random, **more: Value) -> Ref:
    entries = {"FT": Name(r.choice(("Sig", "Tx", "Btn", "Ch"))), "T": text_string(scene.unique("role")), **more}
    if r.random() < 0.4:
        borrowed = pick_object(scene.update, r, "signature")
        if borrowed:
            entries["V"] = borrowed
    field = scene.update.add(entries)
    scene.update.list_field(field)
    return field


@moves(5)
def kid_of_field(scene: Scene, r: random.Random) -> str | None:
    """A new field, or one that is there, lists the object among its kids, at any depth."""
    target = _target(scene, r)
    if target is None:
        return None
    update = scene.update
    old = pick_object(update, r, "widget") if r.random() < 0.25 else None
    parent = old or _field(scene, r)
    for _ in range(r.choice((0, 0, 1, 2))):
        node = update.add({"Parent": parent})
        update.inner(update.entries(parent), "Kids", list).append(node)
        parent = node
    update.inner(update.entries(parent), "Kids", list).append(target)
    if r.random() < 0.4 and target.number not in (parent.number,):
        update.entries(target)["Parent"] = parent
    return _then(scene, r, target, f"{target.number} is a kid of field {parent.number}")


@moves(2)
def listed_as_field(scene: Scene, r: random.Random) -> str | None:
    target = _target(scene, r)
    if target is None:
        return None
    scene.update.list_field(target)
    return _then(scene, r, target, f"{target.number} is a field")


@moves(4)
def listed_as_annotation(scene: Scene, r: random.Random) -> str | None:
    target = _target(scene, r) if r.random() < 0.6 else pick_object(scene.update, r, "widget", "annotation")
    if target is None:
        return None
    page = pick_page(scene.update, r)
    scene.update.list_annotation(page, target)
    return _then(scene, r, target, f"{target.number} is an annotation of page {page}")


@moves(2)
def value_of_field(scene: Scene, r: random.Random) -> str | None:
    target = _target(scene, r)
    if target is None:
        return None
    update = scene.update
    field = pick_object(update, r, "widget") if r.random() < 0.6 else None
    if field is None:
        field = _field(scene, r)
    if r.random() < 0.3:
        target = pick_object(update, r, "signature") or target
    update.entries(field)["V"] = target
    return _then(scene, r, target, f"{target.number} is the value of field {field.number}")


@moves(3)
def look_of_annotation(scene: Scene, r: random.Random) -> str | None:
    target = _target(scene, r)
    if target is None:
        return None
    update = scene.update
    holder = pick_object(update, r, "widget", "annotation") if r.random() < 0.6 else None
    if holder is None:
        holder = update.add({"Type": Name("Annot"), "Subtype": Name("Widget"), "FT": Name("Sig"), "T": text_string(scene.unique("role")),
                             "Rect": list(r.choice(BLANK)), "F": 4})  # fmt: skip
        update.list_field(holder)
        update.list_annotation(pick_page(update, r), holder)
    if holder == target:
        return None
    entries = update.entries(holder)
    match r.choice(("N", "N", "states", "D", "itself", "icon")):
        case "states":
            entries["AP"] = {"N": {"Yes": target, "Off": target}}
        case "itself":
            entries["AP"] = target
        case "icon":
            entries["MK"] = {"I": target}
        case key:
            entries["AP"] = {key: target}
    return _then(scene, r, target, f"{target.number} is the look of {holder.number}")


@moves(2)
def tag(scene: Scene, r: random.Random) -> str | None:
    """In the structure tree: as a kid, as the object of an OBJR, as an element of the parent tree."""
    target = _target(scene, r)
    if target is None:
        return None
    update = scene.update
    root = update.root.get("StructTreeRoot")
    if not isinstance(root, Ref):
        root = update.root["StructTreeRoot"] = update.add({"Type": Name("StructTreeRoot"), "K": []})
    parent = pick_object(update, r, "struct") or root
    entries = update.entries(parent)
    kids = entries.get("K")
    listed = list(kids) if isinstance(kids, list) else [kids] if kids is not None else []
    object_reference: Value = {"Type": Name("OBJR"), "Obj": target, "Pg": Ref(pick_page(update, r))}
    element = {"Type": Name("StructElem"), "S": Name("Form"), "P": parent, "K": object_reference}
    if r.random() < 0.3:
        element |= {r.choice(("ActualText", "Alt", "E", "T")): b"The price is 1 EUR"}
    listed.insert(r.randrange(len(listed) + 1), r.choice((target, object_reference, update.add(element))))
    entries["K"] = listed
    return _then(scene, r, target, f"{target.number} is a kid of the structure element {parent.number}")


@moves(3)
def resource(scene: Scene, r: random.Random) -> str | None:
    """Under a name of a page's, the form's or an appearance's resources."""
    target = _target(scene, r)
    if target is None:
        return None
    update = scene.update
    holder = pick_object(update, r, "page", "xobject") if r.random() < 0.7 else None
    if holder is None:
        resources, where = update.inner(update.form, "DR"), "the form"
    else:
        resources, where = update.inner(update.entries(holder), "Resources"), str(holder.number)
    kind = r.choice(("Font", "XObject", "ExtGState", "Properties", "Pattern", "ColorSpace", "Shading"))
    names = update.inner(resources, kind)
    name = r.choice((*names, "New")) if r.random() < 0.7 else "New"
    names[name] = target
    return _then(scene, r, target, f"{target.number} is {kind} {name} of {where}")


@moves(0.7)
def page_content(scene: Scene, r: random.Random) -> str | None:
    target = _target(scene, r)
    if target is None:
        return None
    page = pick_page(scene.update, r)
    entries = scene.update.entries(page)
    old = entries.get("Contents")
    parts = [*old] if isinstance(old, list) else [old]
    parts.insert(r.randrange(len(parts) + 1), target)
    entries["Contents"] = r.choice((parts, target))
    return _then(scene, r, target, f"{target.number} is content of page {page}")


@moves(2.5)
def upkeep(scene: Scene, r: random.Random) -> str | None:
    """Where updates write without much ado: validation data, information, permissions, locks, names."""
    target = _target(scene, r)
    if target is None:
        return None
    update = scene.update
    place = r.choice((
        "certs", "vri", "info", "info-itself", "perms", "metadata", "names", "outlines", "layers", "af", "co", "extensions", "action",
        "piece", "dests", "lock", "labels", "dss",
    ))  # fmt: skip
    root = update.root
    match place:
        case "certs":
            update.inner(update.inner(root, "DSS"), r.choice(("Certs", "CRLs", "OCSPs")), list).append(target)
        case "vri":
            update.inner(update.inner(root, "DSS"), "VRI")["A" * 40] = r.choice(({"Cert": [target]}, target))
        case "dss":
            root["DSS"] = target
        case "info":
            old = update.trailer.get("Info")
            if not isinstance(old, Ref):
                return None
            update.entries(old)[r.choice(("Title", "Note", "Trapped"))] = target
        case "info-itself":
            update.trailer["Info"] = target
        case "perms":
            update.inner(root, "Perms")[r.choice(("DocMDP", "UR3"))] = target
        case "lock":
            field = pick_object(update, r, "widget")
            if field is None:
                return None
            update.entries(field)[r.choice(("Lock", "SV", "Parent", "P", "Popup", "IRT", "StructParent", "MK"))] = (
                target
            )
        case "co":
            update.inner(update.form, "CO", list).append(target)
        case other:
            key = {
                "metadata": "Metadata", "names": "Names", "outlines": "Outlines", "layers": "OCProperties", "af": "AF",
                "extensions": "Extensions", "action": "OpenAction", "piece": "PieceInfo", "dests": "Dests", "labels": "PageLabels",
            }[other]  # fmt: skip
            root[key] = [target] if other == "af" else target
    return _then(scene, r, target, f"{target.number} in {place}")


@moves(3)
def planted(scene: Scene, r: random.Random) -> str | None:
    """What the author planted is put to use: another stream where it draws, another content, any other change."""
    if not scene.planted:
        return None
    update, target = scene.update, Ref(r.choice(scene.planted))
    entries = update.entries(target)
    drawn = [key for key, value in entries.items() if isinstance(value, Ref) and isinstance(update.get(value), Stream)]
    if not drawn or r.random() < 0.3:
        return f"planted: {mutate(update, r, target)}"
    key = r.choice(drawn)
    old = update.get(entries[key])
    words = b"BT /Helv 12 Tf 0 0 Td (I owe you 1,000,000 EUR) Tj ET"
    plain = {name: item for name, item in old.entries.items() if name not in ("Filter", "DecodeParms")}
    entries[key] = update.add(stream(words, plain))
    return f"planted: /{key} of {target.number} draws something else"


@moves(2)
def borrowed_value(scene: Scene, r: random.Random) -> str | None:
    """A new field whose value is a signature that is there; its widget, any number of levels down, paints."""
    update = scene.update
    value = pick_object(update, r, "signature")
    if value is None:
        return None
    page = pick_page(update, r)
    box, covers = anywhere(scene, r, page)
    top = parent = update.add({"FT": Name("Sig"), "T": text_string(scene.unique("borrowed")), "V": value})
    depth = r.choice((0, 1, 2, 2, 3))
    for _ in range(depth):
        node = update.add({"Parent": parent})
        update.entries(parent)["Kids"] = [node]
        parent = node
    update.entries(parent).update({
        "Type": Name("Annot"), "Subtype": Name("Widget"), "P": Ref(page), "F": r.choice((4, 132)), "Rect": list(box),
        "AP": {"N": painted(update, r, box, covers)},
    })  # fmt: skip
    update.list_field(top)
    update.list_annotation(page, parent)
    return f"value {value.number} of the new field {top.number}, widget {depth} down, over {covers!r}"


@moves(0.5)
def painted_object(scene: Scene, r: random.Random) -> str | None:
    """An object of the signed file becomes an appearance in place, and is listed as somebody's."""
    target = _target(scene, r)
    if target is None:
        return None
    update = scene.update
    new = painted(update, r, BLANK[0])
    update.changed[target.number] = update.changed.pop(new.number)
    return f"{target.number} is an appearance now"
