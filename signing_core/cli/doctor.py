"""`sealtrail doctor`: what needs an operator, and the way on."""

from __future__ import annotations

from pathlib import Path

import click

from signing_core.cli.common import json_option, print_json, workspace_option


@click.command()
@workspace_option
@json_option
@click.pass_context
def command(context: click.Context, workspace: Path, as_json: bool) -> None:
    """Say what needs an operator, a sentence and the way on for each: keys and X.509 certificates near their end, CRLs, documents
    that wait, messages that were given up, the audit log's checkpoints and anchors, the database.

    It changes nothing. Exit status 1 when something needs an operator.

    \b
    Example: sealtrail doctor --workspace /srv/sealtrail
    """
    from signing_core.desk import health
    from signing_core.storage.workspace import Workspace

    with Workspace.open(workspace, upgrade=False) as opened:
        needs = health.examine(opened)
    if as_json:
        print_json({"needs": [need.to_json() for need in needs]})
    else:
        for need in needs:
            click.echo(f"{need.message} {need.way_on}")
        if not needs:
            click.echo("Nothing needs an operator.")
    context.exit(1 if needs else 0)
