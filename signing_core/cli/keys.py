"""`sealtrail keys`: what the workspace signs with, and how it is replaced."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, cast

import click

from signing_core.cli.common import json_option, open_workspace, print_json, workspace_option
from signing_core.errors import KeyUnavailable, UsageError

if TYPE_CHECKING:
    from signing_core.keys.settings import Purpose, Statement
    from signing_core.storage.workspace import Workspace

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_RENEWABLE: Final[tuple[Purpose | Statement, ...]] = ("first-party", "seal", "time-stamp", "qr", "checkpoint")
_WHERE: Final = {
    "company": "file",
    "bought": "file, bought",
    "token": "token",
    "bought-token": "token, bought",
}
_BOUGHT = click.Choice(["first-party", "seal", "time-stamp"])


@click.group()
def command() -> None:
    """The workspace's keys: show, renew, succeed, import, use a token, revoke, trust another house."""


@command.command()
@workspace_option
@json_option
def show(workspace: Path, as_json: bool) -> None:
    """Every key of the house over time: in use and former, from when until when, and where its X.509 certificate ends.

    \b
    Example: sealtrail keys show
    """
    from signing_core.keys.timeline import timeline

    opened = open_workspace(workspace)
    ring = opened.keys()
    rows = timeline(ring)
    if as_json:
        print_json({"keys": [row.to_json() for row in rows], "public_folder": str(ring.public_folder)})
        return
    table = [("key", "state", "from", "until", "certificate ends", "where", "id")]
    table += [
        (
            row.purpose,
            row.state,
            _day(row.used_from),
            _day(row.used_until),
            _day(row.ends),
            _WHERE[row.place] if row.place else "",
            row.id[:16],
        )
        for row in rows
    ]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(table[0]))]
    for cells in table:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    for row in rows:
        if row.problem:
            click.echo(f"{row.purpose}: {row.problem}")
    click.echo(f"What verifiers need is in {ring.public_folder}.")


@command.command()
@click.argument(
    "paths", metavar="FILE_OR_DIR...", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True)
)
@click.option("--yes", is_flag=True, help="Do not ask: the fingerprints were compared.")
@workspace_option
def trust(paths: tuple[Path, ...], yes: bool, workspace: Path) -> None:
    """Know another house's documents from now on, by its public folder. They are then in order, and never ours.

    Its fingerprints are shown: compare them with that house by another way (a call, a letter) before you say yes.

    \b
    Example: sealtrail keys trust received/public
    """
    from signing_core.keys.headed_pem import PURPOSES
    from signing_core.trust import load_trust
    from signing_core.trust.files import written
    from signing_core.trust.workspace import of_workspace

    opened = open_workspace(workspace)
    known, given = of_workspace(opened), load_trust(paths)
    houses = [house for house in given.houses if house.of(*PURPOSES)]
    if not houses or any(house.id == known.own for house in houses):
        what = (
            "is this workspace's own house"
            if houses
            else "names no house: give the public folder as that house hands it out"
        )
        raise UsageError(f"{paths[0]} {what}.")
    both = known.joined(given)
    both.check()
    for house in (one for one in both.houses if one.id in {house.id for house in houses}):
        before = next(({(p.purpose, p.content) for p in one.parts} for one in known.houses if one.id == house.id), None)
        click.echo(f"{house.name} (house {house.id})" + ("" if before is None else ", known already"))
        for part in house.parts:
            if part.purpose is not None:
                new = before is not None and (part.purpose, part.content) not in before
                click.echo(f"  {part.purpose:<22}{part.sha256.hex()}" + ("  NEW" if new else ""))
        if not yes:
            click.confirm("Were these fingerprints compared with that house by another way?", abort=True)
        opened.keys().add_house(house.id, written(house))
        click.echo(f"Documents of {house.name} are known from now on.")


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
@click.argument("purpose", type=click.Choice([*_RENEWABLE, "all"]))
@click.option("--company-ca", is_flag=True, help="Put a key of the company CA in the place of a bought one.")
@workspace_option
@json_option
def renew(purpose: str, company_ca: bool, workspace: Path, as_json: bool) -> None:
    """Make a new key in place of the one in use, whose public part is kept: what it signed stays provable.

    With `all` every key that the company CA certified or that has no X.509 certificate; bought keys and those on tokens are
    left, and it is said what is to be done about them. Running processes use the new key from their next step on.

    \b
    Example: sealtrail keys renew seal
    """
    opened = open_workspace(workspace)
    ring = opened.keys()
    wanted = _RENEWABLE if purpose == "all" else (cast("Purpose | Statement", purpose),)
    left = {one: why for one in wanted if purpose == "all" and (why := _left(opened, one)) is not None}
    renewed = [one for one in wanted if one not in left]
    for one in renewed:
        ring.renew(one, in_place_of_bought=company_ca)
    _record_issued(opened)
    if as_json:
        print_json({"renewed": renewed, "left": left})
        return
    for one in renewed:
        click.echo(f"The {one} key is new; documents signed with the former one stay valid.")
    for one, why in left.items():
        click.echo(f"The {one} key is as it was: {why}.")
    click.echo(f"Hand out {ring.public_folder} again to those who verify without this workspace.")


@command.command()
@click.argument("what", type=click.Choice(["ca"]))
@click.option("--again", is_flag=True, help="Also where the company CA in use was made within the last day.")
@workspace_option
@json_option
def succeed(what: str, again: bool, workspace: Path, as_json: bool) -> None:
    """Make the company CA's successor: a new root beside the former ones, and new keys under it.

    The former CA's key is kept for its CRLs, and its root stays an anchor: documents signed before and those on their way
    stay valid. Cut off, it is finished by the next run.

    \b
    Example: sealtrail keys succeed ca
    """
    from signing_core.keys.ca import name_of

    opened = open_workspace(workspace)
    ring = opened.keys()
    done = ring.succeed_ca(again=again)
    _record_issued(opened)
    if as_json:
        print_json(
            {
                "ca": name_of(done.new),
                "former": [name_of(one) for one in done.former],
                "renewed": done.renewed,
                "to_certify": done.to_certify,
                "bought": done.bought,
                "public_folder": str(ring.public_folder),
            }
        )
        return
    click.echo(f"The company CA is {name_of(done.new)}, {done.new.subject.rfc4514_string()}.")
    for one in done.renewed:
        click.echo(f"The {one} key is new, under the new root.")
    for purpose in done.to_certify:
        click.echo(
            f"The {purpose} key on the token is still under a former root: run `sealtrail keys certify-token {purpose}`."
        )
    for purpose in done.bought:
        click.echo(f"The {purpose} key is bought and stays as it is.")
    click.echo(
        f"Hand out {ring.public_folder} again, and have the new root trusted where the former one is; never take a former "
        "one away. Back up the key ring now."
    )


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
    _record_issued(opened)  # by a command that was cut off
    now = opened.clock()
    with writing(opened.engine) as connection:
        fresh = register.revoke(connection, serial, at=now, reason=reason)
        issuer = register.issuer_of(connection, serial)
        ca = next((ca for ca in opened.keys().cas if ca.name == issuer), None)
        if ca is None:
            raise KeyUnavailable(
                f"{serial} was issued by {issuer}, whose key is not in the key ring, so no CRL can say that it is revoked; "
                "restore the key from a backup and run this again."
            )
        register.issue_crl(connection, ca, now)
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
    """So that what the company CA issued for the workspace's own keys can be revoked, and its CRL is there at once."""
    from signing_core.desk import background
    from signing_core.keys import register
    from signing_core.storage.database import writing

    with writing(workspace.engine) as connection:
        for ca, purpose, certificate in workspace.keys().issued():
            register.record_issued(connection, ca, certificate, purpose=purpose)
    background.refresh_crls(workspace, workspace.clock())


def _left(workspace: Workspace, purpose: Purpose | Statement) -> str | None:
    """Why `renew all` leaves a key alone, and what to do about it."""
    ring = workspace.keys()
    if purpose == "qr" or purpose == "checkpoint":
        return "it is on a token; make a new one there" if purpose in ring.settings.tokens else None
    match ring.place(purpose):
        case "company":
            return None
        case "bought":
            return f"it is bought; import its successor with `sealtrail keys import {purpose} FILE`"
        case "token":
            return f"it is on a token; make a new one there and run `sealtrail keys certify-token {purpose}`"
        case "bought-token":
            return "it is on a token and bought; put the successor there, and its X.509 certificate into the settings"


def _day(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d}" if time else ""
