"""Edits of how an update is stored: generations, freed numbers, several versions of an object, odd bytes (7.3.10, 7.5)."""

from __future__ import annotations

import random

from edits_entries import fitting, mutate
from scene import Moves, Scene, pick_object
from values import Name, Ref, copied, entries_of, stream, written

moves = Moves()


@moves(1)
def restored(scene: Scene, r: random.Random) -> str | None:
    """An object is put back to what it was when it was signed: an edit made and undone."""
    changed = [
        n for n, value in scene.update.before.objects.items() if scene.signed.objects.get(n) not in (None, value)
    ]
    for number in changed[: r.choice((1, 2, 20))]:
        scene.update.changed[number] = copied(scene.signed.objects[number])
    return f"restored {changed}" if changed else None


@moves(1)
def generation(scene: Scene, r: random.Random) -> str | None:
    target = pick_object(scene.update, r)
    if target is None:
        return None
    said = mutate(scene.update, r, target) if r.random() < 0.7 else "as it is"
    scene.update.edit(target.number)
    scene.update.generations[target.number] = r.choice((1, 2, 65535))
    return f"generation of {target.number}, {said}"


@moves(0.7)
def freed(scene: Scene, r: random.Random) -> str | None:
    target = pick_object(
        scene.update, r, "widget", "annotation", "font", "xobject", "content", "struct", "signature", "array"
    )
    if target is None:
        return None
    scene.update.freed.add(target.number)
    return f"{target.number} freed"


@moves(0.7)
def rewritten(scene: Scene, r: random.Random) -> str:
    """Objects written once more, as they are."""
    numbers = r.sample(scene.update.numbers(), min(len(scene.update.numbers()), r.choice((1, 3, 10))))
    for number in numbers:
        scene.update.edit(number)
    return f"{numbers} rewritten"


@moves(0.7)
def unreferenced(scene: Scene, r: random.Random) -> str | None:
    """An object stream that no table knows of holds another version of an object."""
    target = pick_object(scene.update, r, "page", "font", "catalog", "widget", "dictionary")
    if target is None:
        return None
    body = written(scene.update.get(target)).replace(b"10", b"99")
    head = b"%d 0 " % target.number
    scene.update.add(stream(head + body, {"Type": Name("ObjStm"), "N": 1, "First": len(head)}))
    return f"hidden version of {target.number}"


@moves(0.5)
def catalog_copy(scene: Scene, r: random.Random) -> str:
    """The trailer names another catalog, the same or a changed one."""
    copy = scene.update.add(copied(scene.update.get(scene.update.trailer["Root"])))
    said = mutate(scene.update, r, copy) if r.random() < 0.5 else "as it was"
    scene.update.trailer["Root"] = Ref(copy.number)
    return f"catalog {copy.number}, {said}"


@moves(0.8)
def two_versions(scene: Scene, r: random.Random) -> str | None:
    """A hybrid file whose table and stream name different versions of an object."""
    update = scene.update
    target = pick_object(update, r, "page", "font", "widget", "content", "xobject", "annotation", "dictionary")
    if target is None:
        return None
    kept = copied(update.get(target))
    said = mutate(update, r, target)
    fresh = update.changed.get(target.number, kept)
    first, second = (kept, fresh) if r.random() < 0.6 else (fresh, kept)
    update.changed[target.number] = first
    update.alternatives[target.number] = second
    return f"second version of {target.number}: {said}"


@moves(0.8)
def wrong_numbers(scene: Scene, r: random.Random) -> str | None:
    """Cross-reference data that is slightly wrong, which one reader takes as it is and another one repairs."""
    target = pick_object(scene.update, r, "page", "font", "widget", "content", "xobject", "annotation", "dictionary")
    if target is None:
        return None
    said = mutate(scene.update, r, target) if r.random() < 0.7 else "as it is"
    scene.update.edit(target.number)
    where = r.choice(("Size", "Prev", "startxref", str(target.number)))
    scene.update.odd[where] = r.choice((-1, 1, 2, -20, 7, -1000))
    return f"{where} is off by {scene.update.odd[where]}; {target.number}: {said}"


@moves(1)
def entry_twice(scene: Scene, r: random.Random) -> str | None:
    """A dictionary has an entry twice; readers take the first or the last."""
    target = pick_object(
        scene.update, r, "page", "font", "widget", "annotation", "dictionary", "catalog", "struct", "signature"
    )
    if target is None:
        return None
    before = entries_of(scene.update.get(target)) or {}
    keys = [key for key in before if key not in ("ByteRange", "Contents") or "Rect" in before]
    if not keys:
        return None
    key = r.choice(keys)
    kept = before[key]
    entries = scene.update.entries(target)
    other = fitting(scene.update, r, key)
    first, second = (kept, other) if r.random() < 0.7 else (other, kept)
    entries.pop(key)
    entries[key] = first
    scene.update.doubled[target.number] = (key, second)
    return f"/{key} of {target.number} twice"


@moves(0.5)
def escaped_names(scene: Scene, r: random.Random) -> str | None:
    target = pick_object(scene.update, r)
    if target is None:
        return None
    said = mutate(scene.update, r, target) if r.random() < 0.5 else "as it is"
    scene.update.edit(target.number)
    scene.update.escaped.add(target.number)
    return f"names of {target.number} escaped, {said}"


@moves(0.7)
def wrong_length(scene: Scene, r: random.Random) -> str | None:
    """A stream that ends somewhere else than its /Length says."""
    target = pick_object(scene.update, r, "content", "xobject", "stream")
    if target is None:
        return None
    value = scene.update.edit(target.number)
    plain = {key: item for key, item in value.entries.items() if key not in ("Filter", "DecodeParms")}
    content, more = (
        value.content(),
        r.choice((b"\nendstream\nendobj\n", b"\n1 g 0 0 900 900 re f\n", b"\nBT /F1 10 Tf 30 338 Td (9) Tj ET")),
    )
    scene.update.changed[target.number] = stream(content + more if r.random() < 0.7 else content, plain)
    scene.update.lengths[target.number] = r.choice((-len(more), -len(more), -5, 5, -len(content), 100000))
    return f"/Length of {target.number} is off by {scene.update.lengths[target.number]}"


@moves(0.7)
def trailer(scene: Scene, r: random.Random) -> str:
    update = scene.update
    key, value = r.choice((
        ("Info", pick_object(update, r, "dictionary")), ("ID", [b"other identifier", b"x"]), ("Encrypt", {"Filter": Name("Standard"), "V": 0}),
        ("Encrypt", pick_object(update, r, "dictionary")), ("Root", pick_object(update, r, "catalog")), ("AuthCode", {"MACLocation": Name("Standalone")}),
        ("Info", None), ("Size", 3),
    ))  # fmt: skip
    if value is None:
        update.trailer.pop(key, None)
    else:
        update.trailer[key] = value
    return f"/{key} of the trailer"


@moves(0.5)
def named_in_two_places(scene: Scene, r: random.Random) -> str | None:
    """Entries of an object are moved into one of its own, or taken out of it: nothing is said otherwise."""
    target = pick_object(scene.update, r, "page", "widget", "annotation", "dictionary", "font")
    entries = scene.update.entries(target) if target else {}
    inside = [key for key, value in entries.items() if isinstance(value, (dict, list))]
    outside = [
        key
        for key, value in entries.items()
        if isinstance(value, Ref) and key not in ("P", "Parent", "V", "Pages", "StructTreeRoot")
    ]
    if inside and r.random() < 0.7:
        key = r.choice(inside)
        entries[key] = scene.update.add(entries[key])
    elif outside:
        key = r.choice(outside)
        value = scene.update.get(entries[key])
        if not isinstance(value, (dict, list)):
            return None
        entries[key] = copied(value)
    else:
        return None
    return f"/{key} of {target.number if target else 0} direct or not"
