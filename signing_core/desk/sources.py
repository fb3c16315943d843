"""Where a document's PDF comes from when it is not given as one: a template of the directory with data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from signing_core.errors import UsageError
from signing_core.storage import directory
from signing_core.storage.database import reading, writing
from signing_core.storage.workspace import Workspace


@dataclass(frozen=True)
class FromTemplate:
    pdf: bytes
    template_id: str
    template_name: str


def add_template(
    workspace: Workspace,
    name: str,
    source: bytes,
    *,
    kind: Literal["typst", "pdf-form"],
    fields: list[Any] | None = None,
) -> directory.Template:
    """Store a template, or its next version. `fields` are declared for Typst and read from the form otherwise.

    Raises `UsageError` or `DocumentRefused` for a source or fields that cannot be used; nothing is stored then.
    """
    from signing_core.pdf import foreign, templates

    if kind == "typst":
        declared = [templates.TemplateField.from_json(field).to_json() for field in fields or []]
        _utf8(source, name)
    else:
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
