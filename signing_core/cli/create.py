"""`sealtrail create`: from a PDF, pictures or a text, from a form with data, or from a template with data."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signing_core.cli.common import Duration, json_option, open_desk, print_json, read_json, workspace_option
from signing_core.errors import UsageError

if TYPE_CHECKING:
    from signing_core.desk import Signer
    from signing_core.pdf.conversion import MadeFrom
    from signing_core.pdf.places import Place
    from signing_core.storage.workspace import Workspace

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False, readable=True)


@click.command()
@click.argument("files", metavar="[FILE]...", type=_FILE, nargs=-1)
@click.option("--template", help="Create it from this template of the directory instead of a file.")
@click.option("--data", "data_file", type=_FILE, help="JSON file with the values of a form's or template's fields.")
@click.option("--title", help="What the document is called in messages; by default the file's name.")
@click.option("--author", "author_name", required=True, help="The employee's name.")
@click.option("--author-email", required=True)
@click.option(
    "--first-party", metavar="NAME_OR_ID", required=True, help="Who signs first, or an entry of the directory."
)
@click.option("--first-party-contact", metavar="CONTACT", help="E-mail address or mobile number.")
@click.option("--first-party-organisation", metavar="NAME")
@click.option("--client", metavar="NAME_OR_ID", required=True, help="Who signs second, or an entry of the directory.")
@click.option("--client-contact", metavar="CONTACT", help="E-mail address or mobile number.")
@click.option("--client-organisation", metavar="NAME")
@click.option(
    "--client-email", metavar="ADDRESS", help="Where the finished PDF goes when the client is reached by SMS."
)
@click.option(
    "--place",
    "placed",
    metavar="ROLE=WHERE",
    multiple=True,
    help="Where first-party or client signs: PAGE:X,Y[,WIDTH,HEIGHT] in millimetres from the top left corner, field:NAME or "
    "text:PHRASE. By default where {{sign:client}} is printed, in the document's own signature fields, or on the last page.",
)
@click.option("--language", type=click.Choice(["en", "de"]))
@click.option("--expires-in", type=Duration(), help="How long the parties have, such as 14d.")
@click.option("--embed-signed", is_flag=True, help="Embed an already signed PDF as attachment of a cover document.")
@workspace_option
@json_option
def command(
    files: tuple[Path, ...],
    template: str | None,
    data_file: Path | None,
    title: str | None,
    author_name: str,
    author_email: str,
    first_party: str,
    first_party_contact: str | None,
    first_party_organisation: str | None,
    client: str,
    client_contact: str | None,
    client_organisation: str | None,
    client_email: str | None,
    placed: tuple[str, ...],
    language: str | None,
    expires_in: timedelta | None,
    embed_signed: bool,
    workspace: Path,
    as_json: bool,
) -> None:
    """Create a document as a draft: from a PDF, from a Word, OpenDocument or RTF text (set by LibreOffice), or from pictures
    (JPEG, PNG, HEIC, TIFF, WebP), which become its pages in the order given.

    \b
    Example: sealtrail create contract.pdf --author "Sample Author" --author-email author@example.org
             --first-party "Sample Director" --first-party-contact director@example.org
             --client "Sample Client" --client-contact +491713920012 --json
    """
    from signing_core.desk import Author, NewDocument, sources

    if bool(files) == (template is not None):
        raise UsageError("Give either files or --template NAME; a document comes from one of them.")
    where = _places(placed)
    desk = open_desk(workspace)
    values: dict[str, Any] | None = read_json(data_file, dict) if data_file else None
    template_id: str | None = None
    made_from: MadeFrom | None = None
    if template is not None:
        made = sources.from_template(
            desk.workspace, template, values or {}, language=language or desk.workspace.settings.language
        )
        pdf, template_id, name = made.pdf, made.template_id, made.template_name
    else:
        name = files[0].stem
        pdf, made_from = _from_files(desk.workspace, files, values, title or name, embed_signed, language)
    new = NewDocument(
        source=pdf,
        title=title or name,
        author=Author(author_name, author_email),
        first_party=replace(
            _signer(desk.workspace, first_party, first_party_contact, first_party_organisation, None, "first-party"),
            placement=where.get("first-party"),
        ),
        client=replace(
            _signer(desk.workspace, client, client_contact, client_organisation, client_email, "client"),
            placement=where.get("client"),
        ),
        language=language,
        expires_in=expires_in,
        source_name=files[0].name if files else name,
        made_from=made_from,
        template_id=template_id,
        template_data={key: str(value) for key, value in values.items()} if values else None,
    )
    document_id = desk.create(new)
    status = desk.status(document_id)
    if as_json:
        print_json(status)
    else:
        for change in status["changed_in_preparing"]:
            click.echo(change["en"])
        for file in status["embedded_files"]:
            click.echo(f"  {file['name']} ({file['length']:,} bytes)")
        click.echo(f"Created {document_id} as a draft; `sealtrail send {document_id}` sends it to the first party.")
        for program, page in desk.events(document_id)[0].data["unlike"]:
            click.echo(
                f"{program} draws page {page} another way than that of the source; look at it before it is sent.",
                err=True,
            )


def _from_files(
    workspace: Workspace,
    files: tuple[Path, ...],
    values: dict[str, Any] | None,
    title: str,
    embed_signed: bool,
    language: str | None,
) -> tuple[bytes, MadeFrom | None]:
    from signing_core.desk import sources
    from signing_core.pdf import foreign, intake

    name = files[0].name
    made = sources.from_files(workspace, [(file.name, file.read_bytes()) for file in files], form=values is not None)
    pdf = made.pdf
    if values is not None:
        pdf = foreign.fill(pdf, values, name=name)
    elif embed_signed:
        pdf = intake.wrap_signed(pdf, name=name, title=title, language=language or "en")
    return pdf, made.made_from


def _places(placed: tuple[str, ...]) -> dict[str, Place]:
    from signing_core.flow import Role
    from signing_core.pdf import places

    where: dict[str, Place] = {}
    for text in placed:
        role, _, place = text.partition("=")
        if role not in list(Role) or role in where:
            raise UsageError(
                f"--place {text} does not name a role; give first-party=WHERE and client=WHERE, each once."
            )
        where[role] = places.parse(place)
    return where


def _signer(
    workspace: Any, name: str, contact: str | None, organisation: str | None, copy_email: str | None, role: str
) -> Signer:
    from signing_core.desk import Signer
    from signing_core.storage import directory
    from signing_core.storage.database import reading

    if contact is not None:
        return Signer(name, contact, organisation, copy_email)
    with reading(workspace.engine) as connection:
        found = [one for one in directory.parties(connection) if name in (one.id, one.name)]
    if len(found) > 1:
        raise UsageError(f"{len(found)} parties are called {name}; give the id that `sealtrail party list` shows.")
    entry = found[0] if found else None
    if entry is None:
        raise UsageError(
            f"{name} is not in the directory of parties; give --{role}-contact, or add it with `sealtrail party add`."
        )
    reached = entry.phone or entry.email
    if reached is None:
        raise UsageError(f"{entry.name} has no contact in the directory; give --{role}-contact.")
    return Signer(
        entry.name,
        reached,
        organisation or entry.organisation,
        copy_email or (entry.email if entry.phone else None),
        entry.language,
        party_id=entry.id,
    )
