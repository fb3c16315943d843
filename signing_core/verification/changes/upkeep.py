"""What software keeps up to date beside the content: validation data, metadata, extensions (12.8.4.3, 14.3, 7.12)."""

from __future__ import annotations

import re
from typing import Final

from signing_core.pdf.structure.values import Ref, Stream, Value
from signing_core.verification.changes.change import Kind
from signing_core.verification.changes.ledger import Use
from signing_core.verification.changes.walk import NOTED, SAME, Place, Rule, Walk, stated, uncovered

_MAX_DEPTH: Final = 8
_DATA: Final = ("Certs", "CRLs", "OCSPs")
_STORE: Final = frozenset({"Type", "VRI", *_DATA})
_VRI: Final = frozenset({"Type", "Cert", "CRL", "OCSP", "TU", "TS"})
_EXTENSION: Final = frozenset({"Type", "BaseVersion", "ExtensionLevel", "URL", "ExtensionRevision"})
_BOOKKEEPING: Final = frozenset({"ModDate"})
"""What every program writes into the information dictionary when it saves (14.3.3)."""
_XMP_DATE: Final = rb"[0-9][0-9T:.Z+-]{3,34}"
_XMP_BOOKKEEPING: Final = re.compile(
    rb"<(xa?m?p:(?:ModifyDate|MetadataDate))\s*>" + _XMP_DATE + rb"</\1\s*>"
    rb"|\sxa?m?p:(?:ModifyDate|MetadataDate)\s*=\s*(?:\"" + _XMP_DATE + rb"\"|'" + _XMP_DATE + rb"')"
)
_DATE: Final = re.compile(rb"D:\d{4,14}(?:Z(?:00'?00'?)?|[+-]\d\d'?(?:\d\d'?)?)?")
_SPACE: Final = re.compile(rb">\s+<|\s+$|^\s+")


def compare_validation_data(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/DSS: dictionaries, arrays and streams of validation data (Tables 260 to 262). They may come and be replaced."""
    before, after, where = walk.open(old, new, place, Use.VALIDATION)
    if after is None:
        if before is None:
            return SAME
        message = "The validation data (DSS) was removed."
        return walk.note(Kind.VALIDATION, "change-validation-data-removed", message, place, warning=True)
    if not isinstance(after, dict) or not _is_store(walk, after):
        return walk.forbid("change-validation-data", "/DSS holds something that is no validation data.", where)
    walk.take_in(new, Use.VALIDATION, old)
    gone = sum(len(_streams(walk, before, key, False) - _streams(walk, after, key, True)) for key in _DATA)
    if gone:
        message = f"{gone} items of the validation data (DSS) were removed."
        walk.note(Kind.VALIDATION, "change-validation-data-removed", message, where, warning=True)
    return walk.note(Kind.VALIDATION, "change-validation-data", "Validation data (DSS) was added.", where)


def _is_store(walk: Walk, store: dict[str, Value]) -> bool:
    after = walk.pair.after
    lists = all(_all_streams(walk, store.get(key)) for key in _DATA)
    entries = after(store.get("VRI"))
    known = not set(store) - _STORE and after(store.get("Type")) in (None, "DSS")
    items = [after(entry) for entry in entries.values()] if isinstance(entries, dict) else []
    kept_apart = isinstance(entries, dict | None) and all(
        isinstance(i, str | bytes) or _is_entry(walk, i) for i in items
    )
    return lists and known and kept_apart


def _is_entry(walk: Walk, item: Value) -> bool:
    after = walk.pair.after
    if not isinstance(item, dict) or set(item) - _VRI:
        return False
    lists = all(_all_streams(walk, item.get(key)) for key in ("Cert", "CRL", "OCSP"))
    plain = not isinstance(after(item.get("TU")), dict | list | Stream)
    return lists and plain and isinstance(after(item.get("TS")), Stream | None)


def _all_streams(walk: Walk, value: Value) -> bool:
    listed = walk.pair.after(value)
    if listed is None:
        return True
    streams = [walk.pair.after(item) for item in listed] if isinstance(listed, list) else []
    plain = all(
        isinstance(stream, Stream | None) and "Subtype" not in getattr(stream, "dict", {}) for stream in streams
    )
    return isinstance(listed, list) and plain


def _streams(walk: Walk, store: Value, key: str, new: bool) -> set[bytes]:
    pair = walk.pair
    resolve, revision = (pair.after, pair.later) if new else (pair.before, pair.signed)
    listed = resolve(store.get(key)) if isinstance(store, dict) else None
    bodies = set()
    for item in listed if isinstance(listed, list) else ():
        stream = resolve(item)
        body = pair.structure.decoded(stream, revision) if isinstance(stream, Stream) else None
        bodies.add(body or b"")
    return bodies - {b""}


def compare_metadata(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """The XMP packet of the document (14.3.2)."""
    before, after, where = walk.open(old, new, place, Use.METADATA)
    if walk.same(old, new, Use.METADATA):
        return SAME
    if after is not None and (not isinstance(after, Stream) or walk.pair.after(after.dict.get("Subtype")) != "XML"):
        return walk.forbid("change-metadata", "The document's /Metadata is no XMP stream.", where)
    walk.take_in(new, Use.METADATA, old)
    was, now = _packet(walk, before, False), _packet(walk, after, True)
    alike = isinstance(after, Stream) and walk.pair.structure.decodes_alike(after, walk.pair.later)
    kind = Kind.VALIDATION if was is not None and was == now and alike else Kind.UPKEEP
    return walk.note(kind, "change-metadata", "The document's XMP metadata was changed.", where)


def _packet(walk: Walk, stream: Value, new: bool) -> bytes | None:
    """The packet without what every program writes into it when it saves."""
    body = None
    if isinstance(stream, Stream):
        body = walk.pair.structure.decoded(stream, walk.pair.later if new else walk.pair.signed)
    if body is None or b"<!--" in body or b"<![CDATA[" in body:
        return body
    return _SPACE.sub(lambda m: b"><" if m[0][:1] == b">" else b"", _XMP_BOOKKEEPING.sub(b"", body))


def compare_information(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/Info (14.3.3): simple values only."""
    before, after, where = walk.open(old, new, place, Use.METADATA)
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        return walk.forbid("change-information", "The document information was replaced by something else.", where)
    before, after = before or {}, after or {}
    changed = [
        key
        for key in sorted(before.keys() | after.keys())
        if not walk.same(before.get(key), after.get(key), Use.METADATA)
    ]
    values = [walk.pair.after(after.get(key)) for key in changed]
    if not all(isinstance(value, bytes | str | None) for value in values):
        return walk.forbid("change-information", "The document information holds more than texts and names.", where)
    walk.take_in(after, Use.METADATA, before)
    if not changed:
        return SAME
    dated = all(isinstance(value, bytes) and _DATE.fullmatch(value) for value in values)
    kind = Kind.VALIDATION if dated and _BOOKKEEPING.issuperset(changed) else Kind.UPKEEP
    listed = ", ".join("/" + key for key in changed[:20])
    return walk.note(kind, "change-information", f"Document information was changed: {listed}.", where)


def compare_extensions(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/Extensions (7.12): names and numbers that tell which version a file needs."""
    if walk.same(old, new, Use.SETTINGS):
        return SAME
    pending: list[tuple[Value, int]] = [(new, _MAX_DEPTH)]
    while pending:
        item, left = pending.pop()
        value = walk.open(None, item, place, Use.SETTINGS)[1]
        strange = isinstance(value, dict) and left < _MAX_DEPTH and not _EXTENSION.issuperset(value)
        strange |= left == _MAX_DEPTH and not isinstance(value, dict | None)
        if isinstance(value, Stream) or strange or (left <= 0 and isinstance(value, dict | list)):
            return walk.forbid("change-extensions", "/Extensions holds more than names and numbers.", place)
        walk.pair.structure.budget.step()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        pending.extend((part, left - 1) for part in inner)
    return walk.note(Kind.VALIDATION, "change-extensions", "The extensions dictionary was changed.", place)


def compare_marks(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/MarkInfo (14.7.1): what differs has to be a boolean; signing software marks documents as tagged."""
    before, after, where = walk.open(old, new, place, Use.SETTINGS)
    if not isinstance(before, dict | None) or not isinstance(after, dict | None):
        return walk.forbid("change-catalog", "The document catalog's /MarkInfo was replaced.", where)
    walk.entries(before or {}, after or {}, where, _MARKS, uncovered)
    return NOTED


def _boolean(walk: Walk, old: Value, new: Value, place: Place) -> str | None:
    if not isinstance(walk.pair.after(new), bool | None) or isinstance(new, Ref):
        return uncovered(walk, old, new, place)
    return walk.note(Kind.UPKEEP, "change-catalog", "What the document says of its tags was changed.", place)


def compare_permissions(walk: Walk, old: Value, new: Value, place: Place) -> str:
    """/Perms (12.8.6): a certification may come; nothing may go but usage rights, which only enable features of a viewer."""
    before, after, where = walk.open(old, new, place, Use.SIGNATURE)
    if not isinstance(after, dict | None) or not isinstance(before, dict | None):
        return walk.forbid("change-permissions", "The /Perms dictionary was replaced.", where)
    walk.entries(before or {}, after or {}, where, _PERMISSIONS, uncovered)
    return NOTED


def _certification(walk: Walk, old: Value, new: Value, place: Place) -> str:
    if old is None:
        signature = walk.pair.after(new)
        if isinstance(signature, dict) and "Contents" in signature:
            walk.take_in(new, Use.SIGNATURE)
            return walk.note(Kind.FORM, "change-permissions", "A certification came after other signatures.", place)
        return walk.forbid("change-permissions", "/Perms /DocMDP leads to something that is no signature.", place)
    if walk.same(old, new, Use.SIGNATURE):
        return SAME
    return walk.forbid("change-permissions", "The certification that /Perms leads to was exchanged or removed.", place)


def _usage_rights(walk: Walk, old: Value, new: Value, place: Place) -> str:
    if walk.same(old, new, Use.SIGNATURE):
        return SAME
    if walk.pair.after(new) is None:
        return walk.note(Kind.UPKEEP, "change-permissions", "Usage rights (/UR3) were taken out.", place)
    return walk.forbid("change-permissions", "Usage rights (/UR3) were added or exchanged.", place)


_MARKS: Final[dict[str, Rule]] = {
    **dict.fromkeys(("Marked", "UserProperties", "Suspects"), _boolean),
    "Type": stated("MarkInfo"),
}
_PERMISSIONS: Final[dict[str, Rule]] = {"DocMDP": _certification, "UR3": _usage_rights, "UR": _usage_rights}
