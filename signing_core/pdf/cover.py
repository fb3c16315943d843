"""A cover document for a file that must stay as it is, such as one that is signed already.

What the parties sign is then the cover, and with it the embedded original, byte for byte: its name, size and SHA-256 stand
on the page, and the embedded file is inside what every signature covers.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from signing_core import typesetting
from signing_core.pdf import attachments, objects
from signing_core.pdf.attachments import Attachment
from signing_core.pdf.objects import NewObjects
from signing_core.pdf.source import Source

_WORDS: Final = {
    "en": {
        "lead": "This document consists of this page and of the file attached to it, which is part of it.",
        "file": "Attached file",
        "size": "Size",
        "bytes": "bytes",
        "hash": "SHA-256",
        "how": "To see the attached file, open the list of attachments (paper-clip) of your PDF viewer. A signature on "
        "this document covers the attached file as well. Signatures inside the attached file stay as they are.",
    },
    "de": {
        "lead": "Dieses Dokument besteht aus dieser Seite und der ihr beigefügten Datei, die Bestandteil ist.",
        "file": "Beigefügte Datei",
        "size": "Größe",
        "bytes": "Byte",
        "hash": "SHA-256",
        "how": "Die beigefügte Datei finden Sie in der Liste der Anhänge (Büroklammer) Ihres PDF-Programms. Eine "
        "Unterschrift unter diesem Dokument umfasst auch die beigefügte Datei. Unterschriften in der beigefügten Datei "
        "bleiben, wie sie sind.",
    },
}

_SOURCE: Final = """
#let d = json(bytes(sys.inputs.data))
#set page(paper: "a4", margin: (x: 2.5cm, top: 3cm, bottom: 2.5cm))
#set text(font: d.fonts, size: 10.5pt, lang: d.language)
#set par(leading: 0.75em)
#text(size: 20pt, weight: 600, d.title)
#v(0.8cm)
#d.words.lead
#v(0.4cm)
#let hash = d.sha256.clusters().chunks(16).map(part => part.join()).join(box())
#table(
  columns: (auto, 1fr), stroke: none, inset: (x: 0pt, y: 5pt), column-gutter: 1.2em,
  table.hline(stroke: 0.5pt + luma(70%)),
  text(fill: luma(40%), d.words.file), text(weight: 600, d.name),
  text(fill: luma(40%), d.words.size), [#d.size #d.words.bytes],
  text(fill: luma(40%), d.words.hash), text(size: 9pt, hash),
  table.hline(stroke: 0.5pt + luma(70%)),
)
#v(0.4cm)
#text(size: 9pt, fill: luma(30%), d.words.how)
"""


def wrap(data: bytes, *, name: str, title: str, language: str = "en", moment: datetime | None = None) -> bytes:
    """A PDF of one A4 page that names `data` and carries it as an embedded file called `name`."""
    page = typesetting.compile_pdf(
        _SOURCE,
        {
            "title": title,
            "language": language,
            "fonts": typesetting.text_families(),
            "name": name,
            "size": f"{len(data):,}".replace(",", "\u202f"),
            "sha256": hashlib.sha256(data).hexdigest(),
            "words": _WORDS.get(language, _WORDS["en"]),
        },
    )
    source = Source(page, name=title)
    new = NewObjects()
    root = source.root
    attachments.embed(source, root, Attachment(name, data), new, moment)
    root[objects.name("/PageMode")] = objects.name("/UseAttachments")
    return objects.write(
        version="1.7",
        root=new.add(root),
        info=None,
        identifier=hashlib.sha256(page + data).digest()[:16],
        resolve=lambda reference: reference.pdf.get_object(reference),
    )
