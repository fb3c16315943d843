"""Files embedded in a PDF (ISO 32000-2, 7.11.4)."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject, StreamObject

from signing_core.pdf import objects
from signing_core.pdf.objects import NewObjects, dictionary, name, number, string
from signing_core.pdf.source import Source, content

_MAX_NODES = 10_000
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to be embedded: its name, its bytes and what it is."""

    name: str
    data: bytes
    description: str = ""
    media_type: str = "application/pdf"


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file inside a document: its name, how many bytes it has, and their SHA-256 in lower-case hexadecimal."""

    name: str
    length: int
    sha256: str


def embedded(source: Source) -> tuple[EmbeddedFile, ...]:
    """Every file that a document embeds, wherever it is, by name."""
    with source.guarded():
        files = {file for entry in source.objects() if (file := described(source, entry)) is not None}
    return tuple(sorted(files, key=lambda file: (file.name, file.sha256)))


def described(source: Source, specification: DictionaryObject) -> EmbeddedFile | None:
    """The file that a file specification (7.11.3) embeds; None where it embeds none."""
    embedded = source.get(specification, "/EF") if "/EF" in specification else None
    if not isinstance(embedded, DictionaryObject):
        return None
    streams = (source.get(embedded, key) for key in ("/UF", "/F", "/Unix", "/Mac", "/DOS"))
    stream = next((one for one in streams if isinstance(one, StreamObject)), None)
    if stream is None:
        return None
    names = (source.get(specification, key) for key in ("/UF", "/F", "/Desc"))
    called = next((name for one in names if isinstance(one, str) and (name := _shown(one))), "?")
    data = content(stream)
    return EmbeddedFile(called, len(data), hashlib.sha256(data).hexdigest())


def _shown(name: str) -> str:
    """A name as people are shown it: one line, without characters that could make it read as another."""
    kept = ("" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co") and not c.isspace() else c for c in name)
    return " ".join("".join(kept).split())[:_LONGEST_NAME]


def embed(
    source: Source, catalog: DictionaryObject, attachment: Attachment, new: NewObjects, moment: datetime | None
) -> None:
    """Adds the file to /Names /EmbeddedFiles and /AF of `catalog`, beside the files that are there already."""
    stream = new.add(
        objects.stream(
            {
                "/Type": name("/EmbeddedFile"),
                "/Subtype": name("/" + attachment.media_type),
                "/Params": dictionary(
                    {
                        "/Size": number(len(attachment.data)),
                        "/CheckSum": ByteStringObject(hashlib.md5(attachment.data, usedforsecurity=False).digest()),
                        "/ModDate": objects.date(moment),
                    }
                ),
            },
            attachment.data,
        )
    )
    specification = new.add(
        dictionary(
            {
                "/Type": name("/Filespec"),
                "/F": string(attachment.name),
                "/UF": string(attachment.name),
                "/Desc": string(attachment.description) if attachment.description else None,
                "/EF": dictionary({"/F": stream, "/UF": stream}),
                "/AFRelationship": name("/Source"),
            }
        )
    )
    names = catalog.setdefault(name("/Names"), DictionaryObject())
    files = _files(source, names)
    files.append((attachment.name, specification))
    files.sort(key=lambda item: item[0].encode("utf-16-be"))
    pairs = ArrayObject()
    for key, value in files:
        pairs.extend((string(key), value))
    names[name("/EmbeddedFiles")] = dictionary({"/Names": pairs})
    associated = source.resolve(catalog.raw_get("/AF")) if "/AF" in catalog else None
    before = list.__iter__(associated) if isinstance(associated, ArrayObject) else ()
    catalog[name("/AF")] = ArrayObject([*before, specification])


def _files(source: Source, names: DictionaryObject) -> list[tuple[str, object]]:
    """The files of a name tree, flattened."""
    result: list[tuple[str, object]] = []
    waiting = [source.get(names, "/EmbeddedFiles")]
    for _ in range(_MAX_NODES):
        if not waiting:
            break
        node = waiting.pop()
        if not isinstance(node, DictionaryObject):
            continue
        pairs = source.get(node, "/Names")
        if isinstance(pairs, ArrayObject):
            items = list(list.__iter__(pairs))
            result.extend(
                (str(source.resolve(key)), value) for key, value in zip(items[::2], items[1::2], strict=False)
            )
        kids = source.get(node, "/Kids")
        if isinstance(kids, ArrayObject):
            waiting.extend(source.resolve(kid) for kid in list.__iter__(kids))
    return result
