"""Where a document's PDF comes from when it is not given as one: files of other kinds, or a template of the directory with data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signing_core.errors import DocumentRefused, UsageError
from signing_core.storage import directory
from signing_core.storage.bounds import MOST_UPLOAD_MEGABYTES
from signing_core.storage.database import reading, writing
from signing_core.storage.settings import Settings
from signing_core.storage.workspace import Workspace

if TYPE_CHECKING:
    from signing_core.pdf.conversion import Converted


@dataclass(frozen=True)
class FromTemplate:
    pdf: bytes
    template_id: str
    template_name: str


def from_files(workspace: Workspace, files: Sequence[tuple[str, bytes]], *, form: bool = False) -> Converted:
    """The PDF of files with their names: a PDF as it is, pictures as pages, a text set by LibreOffice.

    With `form`, its controls are fields to be filled in. Raises `DocumentRefused`, `UsageError`.
    """
    from signing_core.pdf import conversion

    settings = workspace.settings
    check_size(settings, files[0][0] if len(files) == 1 else "What is given", sum(len(data) for _, data in files))
    return conversion.to_pdf([conversion.File(*file) for file in files], paper=settings.paper, form=form)


def check_size(settings: Settings, name: str, size: int) -> None:
    """Raises `DocumentRefused` for more bytes than the settings allow."""
    if size > settings.limits.upload_bytes:
        raise DocumentRefused(
            f"{name} has {size / 1e6:,.1f} MB, more than the {settings.limits.upload_megabytes} MB "
            "that limits.upload_megabytes allows; make it smaller, or have the limit raised, which goes to "
            f"{MOST_UPLOAD_MEGABYTES} MB.",
            code="too-large",
        )


def template_kind(source: bytes) -> directory.TemplateKind:
    """What a file can be a template as, by its content."""
    from signing_core.pdf import conversion

    return "typst" if conversion.kind(source) is None else "pdf-form"


def add_template(
    workspace: Workspace,
    name: str,
    source: bytes,
    *,
    kind: directory.TemplateKind,
    fields: list[Any] | None = None,
) -> directory.Template:
    """Store a template, or its next version. `fields` are declared for Typst and read from the form otherwise.

    A text with controls, as Word's forms have, is as good as a PDF form. Raises `UsageError` or `DocumentRefused` for a source or
    fields that cannot be used; nothing is stored then.
    """
    from signing_core.pdf import foreign, templates

    if kind == "typst":
        declared = [templates.TemplateField.from_json(field).to_json() for field in fields or []]
        _utf8(source, name)
    else:
        source = from_files(workspace, [(name, source)], form=True).pdf
        declared = foreign.declared(source, name=name)
        if not declared:
            raise UsageError(f"{name} has no form fields; create documents from it directly, without a template.")
    sha256 = workspace.objects.put(source)
    with writing(workspace.engine) as connection:
        return directory.add_template(
            connection, name=name, kind=kind, source_sha256=sha256, fields=declared, now=workspace.clock()
        )


def from_template(
    workspace: Workspace, name: str, data: Mapping[str, Any], *, version: int | None = None, language: str = "en"
) -> FromTemplate:
    """The template's PDF with its data. Raises `UsageError` for an unknown template, `DataRefused` for unfit data."""
    from signing_core.pdf import foreign, templates

    with reading(workspace.engine) as connection:
        found = directory.template(connection, name, version)
    source = workspace.objects.get(found.source_sha256)
    if found.kind == "pdf-form":
        pdf = foreign.fill(source, data, name=name)
    else:
        fields = [templates.TemplateField.from_json(field) for field in found.fields]
        pdf = foreign.typeset(_utf8(source, name), data, fields, language=language, name=name)
    return FromTemplate(pdf, found.id, found.name)


def _utf8(source: bytes, name: str) -> str:
    try:
        return source.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"The template {name} is not UTF-8 text; save it as UTF-8.") from None
