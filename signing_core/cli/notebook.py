"""`sealtrail audit notebook`: an audit notebook run as a periodic report and kept as evidence."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from signing_core.cli.common import json_option, open_workspace, print_json, workspace_option


@click.command()
@click.argument("name", required=False)
@click.option(
    "--parameter", "-p", "parameters", nargs=2, multiple=True, metavar="NAME VALUE", help="A parameter; repeatable."
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a copy of the executed notebook here.",
)
@workspace_option
@json_option
def command(
    name: str | None, parameters: tuple[tuple[str, str], ...], output: Path | None, workspace: Path, as_json: bool
) -> None:
    """Run an audit notebook, keep the executed copy as evidence, and put its hash into the audit log.

    Without NAME, the notebooks that there are. NAME can be a .ipynb file of your own. Ends with 1 when the audit's
    conclusion is that something is not in order.

    \b
    Example: sealtrail audit notebook monthly_archive -p month 2026-11
    """
    from signing_core.auditing import notebooks
    from signing_core.errors import UsageError

    if name is None:
        for known in notebooks.available():
            click.echo(known)
        return
    if output is not None and not output.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {output.parent}; make it, or choose another for the copy.")
    with open_workspace(workspace) as opened:
        done = notebooks.run(opened, name, dict(parameters), progress=not as_json and sys.stderr.isatty())
    if output is not None:
        output.write_bytes(done.data)
    if as_json:
        print_json({"name": done.name, "sha256": done.sha256, "event": done.event.seq, "conclusion": done.conclusion})
    else:
        click.echo(done.conclusion["statement"])
        click.echo(f"Kept as {done.sha256}, in the audit log as event {done.event.seq}.")
    if not done.in_order:
        sys.exit(1)
