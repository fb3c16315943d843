"""A state of a file written out anew, clean: one revision, one table, every object once, as it was read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from signing_core.pdf.structure.values import Ref, Stream, Value

if TYPE_CHECKING:
    from signing_core.pdf.structure.document import FileStructure

_ODD: Final = re.compile(rb"[^!-~]|[#%()<>\[\]{}/]")


def rewritten(structure: FileStructure, revision: int) -> bytes | None:
    """Everything that the catalog leads to. None for encrypted files. Raises `LimitReached`."""
    root = structure.trailer(revision).get("Root")
    if structure.encrypted or not isinstance(root, Ref):
        return None
    out = bytearray(b"%PDF-2.0\n")
    places: dict[int, int] = {}
    pending = [root.number]
    while pending:
        number = pending.pop()
        if number in places:
            continue
        structure.budget.step()
        value = structure.value(number, revision)
        places[number] = len(out)
        out += b"%d 0 obj\n" % number
        _write(structure, revision, value, out, pending)
        out += b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    out += b"".join(b"%d 1\n%010d 00000 n \n" % (number, places[number]) for number in sorted(places))
    out += b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (max(places) + 1, root.number, start)
    return bytes(out)


def _write(structure: FileStructure, revision: int, value: Value, out: bytearray, met: list[int]) -> None:
    """Append a value. What refers to an object by a generation that it does not have is null (7.3.10)."""
    if isinstance(value, Stream):
        body = structure.data[value.start : value.end]
        _write(structure, revision, {**value.dict, "Length": len(body)}, out, met)
        out += b"\nstream\n" + body + b"\nendstream"
    elif isinstance(value, Ref):
        entry = structure.entry(value.number, revision)
        there = not entry.free and (entry.stream != 0 or entry.generation == value.generation)
        out += b" %d 0 R" % value.number if there else b" null"
        met += [value.number] if there else []
    elif isinstance(value, dict):
        out += b"<<"
        for key, item in value.items():
            out += b"/" + _name(key) + b" "
            _write(structure, revision, item, out, met)
        out += b">>"
    elif isinstance(value, list):
        out += b"["
        for item in value:
            out += b" "
            _write(structure, revision, item, out, met)
        out += b"]"
    elif isinstance(value, str):
        out += b"/" + _name(value)
    elif isinstance(value, bytes):
        out += b"<" + value.hex().encode() + b">"
    elif isinstance(value, bool):
        out += b"true" if value else b"false"
    elif isinstance(value, int):
        out += b"%d" % value
    elif isinstance(value, float):
        out += f"{value:.10f}".rstrip("0").encode() + b"0"
    else:
        out += b"null"


def _name(name: str) -> bytes:
    raw = name.encode("latin-1", "replace")
    return _ODD.sub(lambda match: b"#%02x" % match[0][0], raw)
