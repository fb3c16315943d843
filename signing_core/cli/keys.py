"""`sealtrail keys`: what the workspace signs with, and how it is replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from signing_core.cli.common import json_option, open_workspace, print_json, workspace_option
from signing_core.errors import UsageError

if TYPE_CHECKING:
    from signing_core.keys.settings import Purpose
    from signing_core.storage.workspace import Workspace

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_BOUGHT = click.Choice(["first-party", "seal", "time-stamp"])


@click.group()
def command() -> None:
    """The workspace's keys: show, import, renew, export, use a token, revoke."""


@command.command()
@workspace_option
@json_option
def show(workspace: Path, as_json: bool) -> None:
    """Which X.509 certificates are in use, and until when.

    \b
    Example: sealtrail keys show
    """
    opened = open_workspace(workspace)
    ring = opened.keys()
    rows = [
        {"key": purpose, "valid_until": end.isoformat(), "on_token": purpose in opened.settings.keys.tokens}
        for purpose, end in ring.expiries().items()
    ]
    if as_json:
        print_json({"keys": rows, "public_folder": str(ring.public_folder), "qr_key_id": ring.qr.key_id.hex()})
        return
    for row in rows:
        where = "on a PKCS#11 token" if row["on_token"] else "in an encrypted file"
        click.echo(f"{row['key']:12} {where}, X.509 certificate valid until {str(row['valid_until'])[:10]}")
    click.echo(f"QR codes are signed with key {ring.qr.key_id.hex()}; public parts are in {ring.public_folder}.")


@command.command("import")
@click.argument("purpose", type=_BOUGHT)
@click.argument("file", type=_FILE)
@click.option("--password-file", type=_FILE, help="Holds the file's password; else SEALTRAIL_IMPORT_PASSWORD.")
@workspace_option
def import_(purpose: str, file: Path, password_file: Path | None, workspace: Path) -> None:
    """Use a key and X.509 certificate bought from a trust service, from a PKCS#12 file.

    \b
    Example: sealtrail keys import seal seal.p12 --password-file seal.password
    """
    password = (
        password_file.read_text().rstrip("\r\n") if password_file else os.environ.get("SEALTRAIL_IMPORT_PASSWORD")
    )
    if password is None:
        raise UsageError(f"The password of {file} is missing; give --password-file or set SEALTRAIL_IMPORT_PASSWORD.")
    kind = cast("Literal['first-party', 'seal', 'time-stamp']", purpose)
    open_workspace(workspace).keys().import_key(kind, file.read_bytes(), password)
    click.echo(f"The {purpose} key is now the one of {file}; the public part of the former one is kept.")


@command.command()
@click.argument("purpose", type=click.Choice(["first-party", "seal", "time-stamp", "qr", "checkpoint"]))
@workspace_option
def renew(purpose: str, workspace: Path) -> None:
    """Make a new key in place of the one in use, whose public part is kept.

    \b
    Example: sealtrail keys renew seal
    """
    opened = open_workspace(workspace)
    opened.keys().renew(cast("Purpose", purpose))
    _record_issued(opened)
    click.echo(f"The {purpose} key is new; documents signed with the former one stay valid.")


@command.command()
@click.argument("serial")
@click.option(
    "--reason",
    type=click.Choice(
        [
            "key-compromise",
            "affiliation-changed",
            "superseded",
            "cessation-of-operation",
            "privilege-withdrawn",
            "unspecified",
        ]
    ),
    required=True,
)
@workspace_option
def revoke(serial: str, reason: str, workspace: Path) -> None:
    """Revoke an X.509 certificate of the company CA by its hexadecimal serial number, and issue a new CRL.

    \b
    Example: sealtrail keys revoke 5f0c2a --reason key-compromise
    """
    from signing_core.keys import register
    from signing_core.storage.database import writing

    opened = open_workspace(workspace)
    now = opened.clock()
    with writing(opened.engine) as connection:
        fresh = register.revoke(connection, serial, at=now, reason=reason)
        register.issue_crl(connection, opened.keys().ca, now)
    click.echo(f"{serial} {'is revoked now' if fresh else 'was revoked before'}; a new CRL says so.")


@command.command("certify-token")
@click.argument("purpose", type=click.Choice(["ca", "first-party", "seal", "time-stamp"]))
@workspace_option
def certify_token(purpose: str, workspace: Path) -> None:
    """Issue an X.509 certificate for a key on a PKCS#11 token that the settings name.

    \b
    Example: sealtrail keys certify-token seal
    """
    opened = open_workspace(workspace)
    opened.keys().certify_token(cast("Purpose", purpose))
    _record_issued(opened)
    click.echo(f"The {purpose} key is now the one on the token.")


def _record_issued(workspace: Workspace) -> None:
    """So that what the company CA issued for the workspace's own keys can be revoked."""
    from signing_core.keys import register
    from signing_core.storage.database import writing

    ring = workspace.keys()
    with writing(workspace.engine) as connection:
        for ca, purpose, certificate in ring.issued():
            register.record_issued(connection, ca, certificate, purpose=purpose)
