"""Looks at a PDF before it is taken in, and refuses what cannot be signed in good conscience.

A signature says "this is what I saw". Files that show different things to different people in ways that preparing them cannot
settle, or that carry somebody else's signature, which our own changes would break, are refused with one sentence and a stable
code. What preparing takes out, such as JavaScript, is told and not refused:

========================  ================================================================================
code                      the file
========================  ================================================================================
`empty`                   has no bytes
`too-large`               is larger than `source.MAX_BYTES` or has too many objects
`not-a-pdf`               has no PDF header
`damaged`                 is cut off or cannot be read
`no-pages`                has no page
`too-many-pages`          has more than `source.MAX_PAGES` pages
`password`                opens only with a password
`restricted`              may not be changed, by the will of its owner
`xfa`                     is an XFA form without pages of its own
`signed`                  is signed or certified already
`portfolio`               is a cover sheet with files behind it
`layers`                  has layers that differ between screen, paper and programs
`active-content`          holds actions or media in a place where they cannot be taken out
`external-content`        takes content from other files, or has some for printers only
========================  ================================================================================

**Files with an owner password only.** They open without a password but say what may be done with them. These permissions
are respected as far as they concern what we do: such a file is taken in when its owner allows changes (bit 4), or
assembling (bit 11) together with filling in forms or commenting, either of which covers signing (bit 9 or 6; ISO
32000-2, table 22). Otherwise it is refused as `restricted`. What is prepared of it is not encrypted any more, since
everybody must be able to check a signed document with any program; a wish that recipients neither print nor copy does
not survive that, which the author is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from pypdf.constants import UserAccessPermissions
from pypdf.generic import ArrayObject, DictionaryObject, TextStringObject

from signing_core.errors import DocumentRefused
from signing_core.pdf import attachments, cover, form_fields, preparation_notes
from signing_core.pdf.attachments import EmbeddedFile
from signing_core.pdf.one_look import settle
from signing_core.pdf.source import MAX_BYTES, Source


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of a file that can be taken in."""

    pages: int
    title: str | None
    """From the document information dictionary, None where it has none."""

    language: str | None
    """The catalog's /Lang, such as `de-DE`."""

    form_fields: int
    """How many fields can be filled in; `prepare` draws them into the pages as they are."""

    attachments: tuple[EmbeddedFile, ...]
    """The files embedded in it, by name."""

    restricted: bool
    """True for a file with an owner password; its restrictions are not part of the prepared document."""

    told: tuple[str, ...]
    """Codes of `preparation_notes`: what preparing it will change."""


def inspect(data: bytes, *, name: str) -> Inspection:
    """Looks at the whole file. Raises `DocumentRefused`; its sentences call the file `name`."""
    source = Source(data, name=name)
    admit(source)
    with source.guarded():
        fillable = [field for field in form_fields.find(source).values() if not field.read_only]
    title = source.get(source.info, "/Title")
    language = source.get(source.root, "/Lang")
    told = settle(source).told
    files = attachments.embedded(source)
    return Inspection(
        pages=len(source.pages),
        title=_text(title),
        language=_text(language),
        form_fields=len(fillable),
        attachments=files,
        restricted=source.encrypted,
        told=preparation_notes.in_order(told | {"attachments"} if files else told),
    )


def admit(source: Source) -> None:
    """Refuses an opened file that may not be changed, or of which something else than its pages would be signed or broken.

    Whoever takes pages out of a file asks here: what is made of them does not show any more what the file was.
    """
    if source.encrypted:
        _check_permissions(source)
    root = source.root
    form = source.get(root, "/AcroForm")
    form = form if isinstance(form, DictionaryObject) else DictionaryObject()
    _check_xfa(source, form, source.get(form, "/Fields"))
    if not source.pages:
        source.refuse("has no pages; export the document again and take that", "no-pages")
    _check_signatures(source)
    if "/Collection" in root:
        source.refuse(
            "is a portfolio, whose cover sheet is not what is signed; take the files out of it and create a document "
            "of each",
            "portfolio",
        )


def _check_permissions(source: Source) -> None:
    with source.guarded():
        granted = source.reader.user_access_permissions
    if granted is None:  # not even the empty user password opens it
        source.refuse("is protected by a password; save a copy without it and take that", "password")
    may_change = UserAccessPermissions.MODIFY in granted
    may_assemble = UserAccessPermissions.ASSEMBLE_DOC in granted
    may_sign = bool(granted & (UserAccessPermissions.FILL_FORM_FIELDS | UserAccessPermissions.ADD_OR_MODIFY))
    if not (may_change or (may_assemble and may_sign)):
        source.refuse(
            "may not be changed or signed, by the will of its owner; ask for a copy without that restriction",
            "restricted",
        )


def _check_xfa(source: Source, form: DictionaryObject, fields: Any) -> None:
    if source.get(form, "/XFA") is None:
        return
    dynamic = source.get(source.root, "/NeedsRendering")
    if (
        not isinstance(fields, ArrayObject)
        or not fields
        or (dynamic is not None and bool(getattr(dynamic, "value", False)))
    ):
        source.refuse("is an XFA form, which only few programs can show; print it to a PDF and take that", "xfa")


def _check_signatures(source: Source) -> None:
    """Walks the whole file."""
    permissions = source.get(source.root, "/Perms")
    if isinstance(permissions, DictionaryObject) and source.get(permissions, "/DocMDP") is not None:
        _refuse_signed(source)
    for entry in source.objects():
        if "/V" in entry:
            value = source.get(entry, "/V")
            if isinstance(value, DictionaryObject) and ("/ByteRange" in value or "/Contents" in value):
                _refuse_signed(source)


def _refuse_signed(source: Source) -> NoReturn:
    source.refuse(
        "is signed or certified already, and anything added would break that; take it as an attachment of a cover "
        "document instead",
        "signed",
    )


def _text(value: Any) -> str | None:
    return str(value).strip() or None if isinstance(value, TextStringObject) else None


def wrap_signed(data: bytes, *, name: str, title: str, language: str = "en", moment: datetime | None = None) -> bytes:
    """A cover document that carries a signed file as an attachment, unchanged: what to take in in its place.

    `name` is the attached file's, `title` stands on the cover. The attachment may be any file; it is not looked into.
    Raises `DocumentRefused` when it is empty or too large.
    """
    if not data:
        raise DocumentRefused(f"{name} is empty; get the file again.", code="empty")
    if len(data) > MAX_BYTES:
        raise DocumentRefused(
            f"{name} is larger than the {MAX_BYTES // 1_000_000} MB taken in; make it smaller.", code="too-large"
        )
    return cover.wrap(data, name=name, title=title, language=language, moment=moment)
