"""`sealtrail party` and `sealtrail template`: the directory."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from signing_core.cli.common import json_option, open_workspace, print_json, read_json, workspace_option

if TYPE_CHECKING:
    from signing_core.storage.directory import PartyKind

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group()
def party() -> None:
    """The directory of parties."""


@party.command("add")
@click.argument("name")
@click.option(
    "--contact", "contacts_given", multiple=True, required=True, help="E-mail address or mobile number; repeatable."
)
@click.option("--organisation")
@click.option("--kind", type=click.Choice(["first-party", "client", "both"]), default="client", show_default=True)
@click.option("--language", type=click.Choice(["en", "de"]), default="en", show_default=True)
@workspace_option
@json_option
def add_party(
    name: str,
    contacts_given: tuple[str, ...],
    organisation: str | None,
    kind: str,
    language: str,
    workspace: Path,
    as_json: bool,
) -> None:
    """Add a party.

    \b
    Example: sealtrail party add "Sample Client" --contact +491713920012 --contact client@example.org
    """
    from signing_core.delivery import contacts
    from signing_core.storage import directory
    from signing_core.storage.database import writing

    opened = open_workspace(workspace)
    parsed = [contacts.parse(text, region=opened.settings.phone_region) for text in contacts_given]
    with writing(opened.engine) as connection:
        entry = directory.add_party(
            connection,
            kind=cast("PartyKind", kind),
            name=name,
            language=language,
            now=opened.clock(),
            organisation=organisation,
            email=next((one.value for one in parsed if one.kind == "email"), None),
            phone=next((one.value for one in parsed if one.kind == "sms"), None),
        )
    if as_json:
        print_json({"party_id": entry.id, "name": entry.name})
    else:
        click.echo(f"Added {entry.name} as {entry.id}.")


@party.command("list")
@click.argument("text", default="")
@workspace_option
@json_option
def list_parties(text: str, workspace: Path, as_json: bool) -> None:
    """Parties whose name, organisation or contact contains TEXT; all without it.

    \b
    Example: sealtrail party list sample
    """
    from signing_core.delivery import contacts
    from signing_core.storage import directory
    from signing_core.storage.database import reading

    with reading(open_workspace(workspace).engine) as connection:
        found = directory.parties(connection, text)
    rows = [
        {
            "party_id": entry.id,
            "name": entry.name,
            "organisation": entry.organisation,
            "kind": entry.kind,
            "contacts": [contacts.mask(value) for value in (entry.phone, entry.email) if value],
            "language": entry.language,
        }
        for entry in found
    ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['party_id']}  {row['name']}  {row['organisation'] or ''}  {', '.join(row['contacts'] or [])}")
    if not rows:
        click.echo("No parties found.")


@click.group()
def template() -> None:
    """The directory of templates."""


@template.command("add")
@click.argument("name")
@click.argument("source", type=_FILE)
@click.option("--fields", "fields_file", type=_FILE, help="JSON list of a Typst template's fields.")
@workspace_option
@json_option
def add_template(name: str, source: Path, fields_file: Path | None, workspace: Path, as_json: bool) -> None:
    """Add a Typst template, a PDF form or a text with controls (Word, OpenDocument), or the next version of one.

    \b
    Example: sealtrail template add services services.typ --fields services.json
    """
    from signing_core.desk import sources

    given = source.read_bytes()
    fields = read_json(fields_file, list) if fields_file else None
    made = sources.add_template(
        open_workspace(workspace),
        name,
        given,
        kind=sources.template_kind(given),
        fields=fields,
    )
    if as_json:
        print_json({"template": made.name, "version": made.version, "fields": made.fields})
    else:
        click.echo(f"{made.name} is now version {made.version}, with {len(made.fields)} fields.")


@template.command("list")
@workspace_option
@json_option
def list_templates(workspace: Path, as_json: bool) -> None:
    """The newest version of every template.

    \b
    Example: sealtrail template list
    """
    from signing_core.storage import directory
    from signing_core.storage.database import reading

    with reading(open_workspace(workspace).engine) as connection:
        found = directory.templates(connection)
    if as_json:
        rows = [dataclasses.asdict(entry) | {"created_at": entry.created_at.isoformat()} for entry in found]
        print_json(rows)
        return
    for entry in found:
        names = ", ".join(json.dumps(field["name"], ensure_ascii=False) for field in entry.fields)
        click.echo(f"{entry.name}  version {entry.version}  {entry.kind}  fields: {names or 'none'}")
    if not found:
        click.echo("No templates.")
