"""Signatures and document time-stamps, written as the last thing of an update (ISO 32000-2:2020, 12.8.1, 12.8.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

import signed_samples as made
from state import State, Update
from values import Name, Raw, Ref, Value, stream, text_string, written

Box = tuple[float, float, float, float]
ROOM: Final = 1400
"""Octets for a CMS structure without time-stamp."""
_RANGE: Final = b"[0 0000000000 0000000000 0000000000]"


@cache
def signer(name: str = "Sample Signer") -> made.Identity:
    return made.issue(name, _root(), kind="p256")


@cache
def authority() -> made.Identity:
    return made.time_stamping("Sample TSA", _root(), not_after=made.NOW + 5 * made.YEAR)


@cache
def _root() -> made.Identity:
    return made.issue("Sample Root", ca=True, not_after=made.NOW + 20 * made.YEAR)


@dataclass(frozen=True)
class Signing:
    """What a signature says and restricts."""

    by: str = "Sample Signer"
    certify: int | None = None
    lock: dict[str, Any] | None = None
    """A field lock dictionary (12.7.5.5, Table 236), with /P where it restricts the whole document."""
    stamp: bool = False
    """A document time-stamp instead of a signature."""


def appearance(update: Update, box: Box, content: bytes, fonts: dict[str, Value] | None = None) -> Ref:
    """A form XObject as large as the box (8.10)."""
    entries = {
        "Type": Name("XObject"),
        "Subtype": Name("Form"),
        "BBox": [0, 0, box[2] - box[0], box[3] - box[1]],
        "Resources": {"Font": fonts or {"Helv": HELVETICA}},
    }
    return update.add(stream(content, entries))


HELVETICA: Final = {
    "Type": Name("Font"), "Subtype": Name("Type1"), "BaseFont": Name("Helvetica"), "Encoding": Name("WinAnsiEncoding"),
}  # fmt: skip


def new_field(update: Update, page: int, box: Box, name: str, **more: Value) -> Ref:
    """A signature field that is its own widget, listed in form and page."""
    field = update.add(
        {
            "Type": Name("Annot"),
            "Subtype": Name("Widget"),
            "FT": Name("Sig"),
            "T": text_string(name),
            "F": 132,
            "P": Ref(page),
            "Rect": list(box),
            **more,
        }
    )
    update.list_field(field)
    update.list_annotation(page, field)
    return field


def sign(update: Update, field: Ref, how: Signing, style: str | None = None, **more: Value) -> State:
    """The field's value becomes a signature over everything, and the update is written."""
    value = _placeholder("DocTimeStamp" if how.stamp else "Sig", "ETSI.RFC3161" if how.stamp else "ETSI.CAdES.detached")
    if not how.stamp:
        value |= {"Name": text_string(how.by), "M": made.NOW.strftime("D:%Y%m%d%H%M%SZ").encode()}
    references = _references(update, how)
    if references:
        value["Reference"] = references
    signature = update.add({**value, **more})
    update.plain.add(signature.number)
    if how.certify:
        update.root["Perms"] = {**(update.get(update.root.get("Perms")) or {}), "DocMDP": signature}
    entries = update.entries(field)
    entries["V"] = signature
    if how.lock and not how.stamp and "Lock" not in entries:
        entries["Lock"] = {"Type": Name("SigFieldLock"), **how.lock}
    update.form["SigFlags"] = 3
    return _filled(update.save(style), signature.number, how)


def usage_rights(update: Update, style: str | None = None) -> State:
    """The update written and signed to enable features of a viewer (12.8.6)."""
    rights = {"Form": [Name("FillIn"), Name("Import"), Name("Export")], "V": Name("2.2")}
    signature = update.add({**_placeholder("Sig", "adbe.pkcs7.detached"), "Reference": [_reference("UR3", rights, {})]})
    update.plain.add(signature.number)
    update.root["Perms"] = {"UR3": signature}
    return _filled(update.save(style), signature.number, Signing("Reader Extensions"))


def _placeholder(kind: str, sub_filter: str) -> dict[str, Value]:
    return {
        "Type": Name(kind), "Filter": Name("Adobe.PPKLite"), "SubFilter": Name(sub_filter), "ByteRange": Raw(_RANGE),
        "Contents": Raw(b"<" + b"0" * 2 * ROOM + b">"),
    }  # fmt: skip


def _references(update: Update, how: Signing) -> list[Value]:
    found: list[Value] = []
    if how.certify:
        found.append(_reference("DocMDP", {"P": how.certify, "V": Name("1.2")}, {}))
    if how.lock and not how.stamp:
        found.append(
            _reference(
                "FieldMDP",
                {**how.lock, "Type": Name("TransformParams"), "V": Name("1.2")},
                {"Data": update.trailer["Root"]},
            )
        )
    return found


def _reference(method: str, parameters: dict[str, Value], more: dict[str, Value]) -> dict[str, Value]:
    return {
        "Type": Name("SigRef"), "TransformMethod": Name(method), **more,
        "TransformParams": {"Type": Name("TransformParams"), **parameters},
    }  # fmt: skip


def _filled(state: State, number: int, how: Signing) -> State:
    data = state.data
    at = data.rindex(_RANGE)
    begin = data.index(b"<" + b"0" * 2 * ROOM, at)
    end = begin + 2 * ROOM + 2
    span = b"[0 %010d %010d %010d]" % (begin, end, len(data) - end)
    data = data[:at] + span + data[at + len(span) :]
    covered = data[:begin] + data[end:]
    value = made.token(authority(), covered, made.NOW) if how.stamp else made.cms(signer(how.by), covered)
    if len(value) > ROOM:
        raise ValueError(f"a signature of {len(value)} octets is larger than the {ROOM} that were left for it")
    contents = value.ljust(ROOM, b"\0")
    data = data[: begin + 1] + contents.hex().encode() + data[end - 1 :]
    entries = {**state.objects[number], "ByteRange": [0, begin, end, len(state.data) - end], "Contents": contents}
    return replace(state, data=data, objects={**state.objects, number: entries})


def validation_data(update: Update, *, vri: bool, indirect: bool, deflate: bool = True) -> None:
    """A document security store, or more in the one that is there (12.8.4.3)."""
    store = update.root.get("DSS")
    entries = update.entries(store) if isinstance(store, Ref) else update.inner(update.root, "DSS")
    entries.setdefault("Type", Name("DSS"))
    certificate = update.add(stream(_root().der, deflate=deflate))
    revoked = update.add(stream(made.crl(_root()), deflate=deflate))
    update.inner(entries, "Certs", list).append(certificate)
    update.inner(entries, "CRLs", list).append(revoked)
    if vri:
        name = re.sub(rb"[^A-F0-9]", b"", written(certificate.number.to_bytes(20, "big")).upper()).decode()
        update.inner(entries, "VRI")[name] = {"Cert": [certificate], "CRL": [revoked]}
    if indirect and not isinstance(store, Ref):
        update.root["DSS"] = update.add(entries)
