"""`sealtrail init`."""

from __future__ import annotations

from pathlib import Path

import click

from signing_core.cli.common import json_option, print_json


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--organisation",
    default="Sample Company",
    show_default=True,
    help="The first party's name in its X.509 certificates.",
)
@click.option("--first-party", help="Who signs for it, such as the managing director; by default the organisation.")
@click.option("--base-url", help="Where the public pages will be, such as https://sign.example.org.")
@click.option("--database", "database_url", help="SQLAlchemy URL; by default SQLite inside the workspace.")
@click.option("--language", type=click.Choice(["en", "de"]), default="en", show_default=True)
@json_option
def command(
    directory: Path,
    organisation: str,
    first_party: str | None,
    base_url: str | None,
    database_url: str | None,
    language: str,
    as_json: bool,
) -> None:
    """Make a new workspace: database, object store, company CA and keys.

    Keys rest encrypted under a passphrase: SEALTRAIL_PASSPHRASE if it is set, else a random one in secrets/passphrase.

    \b
    Example: sealtrail init /srv/sealtrail --organisation "Sample Company" --base-url https://sign.example.org
    """
    from signing_core.storage.workspace import Workspace

    given = {"organisation": organisation, "base_url": base_url, "database_url": database_url, "language": language}
    workspace = Workspace.create(
        directory, settings={key: value for key, value in given.items() if value is not None}, first_party=first_party
    )
    if as_json:
        print_json({"workspace": str(workspace.path), "organisation": workspace.settings.organisation})
        return
    click.echo(f"Made the workspace {workspace.path} for {workspace.settings.organisation}.")
    if workspace.passphrase_made:
        passphrase = workspace.resolve(workspace.settings.keys.passphrase_file)
        click.echo(f"The keys' passphrase is in {passphrase}: keep a copy elsewhere, without it the keys are lost.")
