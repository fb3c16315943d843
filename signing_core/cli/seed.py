"""`sealtrail seed`: a workspace to try things on."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from signing_core.cli.common import json_option, print_json


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option("--documents", type=click.IntRange(20, 100_000), default=50, show_default=True)
@click.option("--seed", "seed_", type=int, default=1, show_default=True, help="The same seed makes the same stories.")
@click.option(
    "--planted", type=click.Path(path_type=Path, dir_okay=False), help="Where the list of planted defects goes."
)
@json_option
def command(directory: Path, documents: int, seed_: int, planted: Path | None, as_json: bool) -> None:
    """Make a workspace of completed and running documents with one planted defect of each kind.

    The list of what was planted goes to the file of --planted, outside the workspace.

    \b
    Example: sealtrail seed sample --documents 100 --planted planted.json
    """
    from tqdm import tqdm

    from signing_core.seeding import KINDS, seed

    with tqdm(total=documents, unit="document", file=sys.stderr, disable=not sys.stderr.isatty()) as bar:
        found = seed(
            directory,
            documents=documents,
            seed=seed_,
            planted=planted,
            progress=lambda done, _: bar.update(done - bar.n),
        )
    if as_json:
        print_json({"workspace": str(directory), "documents": documents, "planted": len(found)})
        return
    click.echo(f"Made {documents} documents in {directory} with {len(found)} planted defects:")
    for one in found:
        click.echo(f"  {one.kind}: {KINDS[one.kind]}")
