"""Files embedded in a PDF (ISO 32000-2, 7.11.4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from pypdf.generic import ArrayObject, ByteStringObject, DictionaryObject

from signing_core.pdf import objects
from signing_core.pdf.objects import NewObjects, dictionary, name, number, string
from signing_core.pdf.source import Source

_MAX_NODES = 10_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file to be embedded: its name, its bytes and what it is."""

    name: str
    data: bytes
    description: str = ""
    media_type: str = "application/pdf"


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
