"""`sealtrail renew`: archive time-stamps, before they end."""

from __future__ import annotations

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signing_core.cli.common import Duration, json_option, open_workspace, print_json, workspace_option
from signing_core.errors import StepNotAllowed

if TYPE_CHECKING:
    from signing_core.bulk.renewal import Renewals
    from signing_core.storage.workspace import Workspace


@click.command()
@click.argument("documents", metavar="[DOCUMENT]...", nargs=-1)
@click.option(
    "--before", type=Duration(), default="90d", show_default=True, help="Renew what ends within this time: 90d, 12h."
)
@click.option("--dry-run", is_flag=True, help="Only say what is due.")
@workspace_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    documents: tuple[str, ...],
    before: timedelta,
    dry_run: bool,
    workspace: Path,
    as_json: bool,
) -> None:
    """Give completed documents the next archive time-stamp before theirs ends; the file before stays a prefix of the new one.

    Without a DOCUMENT the whole archive is looked at. Each renewed file is verified before it counts. Interrupted, the next run
    goes on. Exit status 1 when a document could not be renewed.

    \b
    Example: sealtrail renew --dry-run
    """
    from signing_core.policy import Policy

    opened = open_workspace(workspace)
    _check(opened, documents)
    done = _renew(opened, set(documents) or None, before, dry_run)
    until = {one: stamp and stamp.proof_until(Policy()).isoformat() for one, stamp in done.due.items()}
    if as_json:
        print_json({"renewed": done.renewed, "due": until, "not_due": done.not_due, "failed": done.failed})
    else:
        for document_id, end in until.items():
            proves = f"its archive time-stamp proves until {end[:10]}" if end else "it has no archive time-stamp"
            click.echo(f"{document_id} is due: {proves}.")
        for document_id, sha256 in done.renewed.items():
            click.echo(f"{document_id} renewed, SHA-256 {sha256}")
        for document_id, problem in done.failed.items():
            click.echo(f"sealtrail: {document_id}: {problem}", err=True)
        click.echo(
            f"renewed {len(done.renewed)}, due {len(done.due)}, not due {done.not_due}, failed {len(done.failed)}"
        )
    context.exit(1 if done.failed else 0)


def _check(workspace: Workspace, documents: tuple[str, ...]) -> None:
    """Raises `DocumentUnknown`, `StepNotAllowed`."""
    from signing_core.desk import records
    from signing_core.flow import Status
    from signing_core.flow.values import spoken
    from signing_core.storage.database import reading

    with reading(workspace.engine) as connection:
        for document_id in documents:
            status = Status(records.load(connection, document_id).status)
            if status is not Status.COMPLETED:
                raise StepNotAllowed(
                    f"Document {document_id} is {spoken(status)}; only a completed one has an archive time-stamp."
                )


def _renew(workspace: Workspace, only: set[str] | None, before: timedelta, dry_run: bool) -> Renewals:
    from tqdm import tqdm

    from signing_core.bulk import renewal

    done = renewal.Renewals()
    total = len(only) if only is not None else renewal.completed(workspace)
    with tqdm(total=total, unit="document", file=sys.stderr, disable=not sys.stderr.isatty()) as bar:
        if only is None and not dry_run and importlib.util.find_spec("pyarrow") is not None:
            # What earlier runs and the pipelines read of each file is in a table, and only what is new is read.
            from signing_core.bulk.results import Results

            return renewal.renew_due(workspace, Results(workspace.path / "results"), before=before, progress=bar.update)
        for one in renewal.each(workspace, before=before, only=only, dry_run=dry_run):
            done.add(one)
            bar.update()
    return done
