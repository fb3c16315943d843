"""Commands for one document: send, status, events, void, and what an author does on the way."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from signing_core.cli.common import json_option, open_desk, open_workspace, print_json, workspace_option
from signing_core.flow.values import Status

_DOCUMENT = click.argument("document_id", metavar="DOCUMENT")


def _moved(path: Path, document_id: str, as_json: bool, said: str) -> None:
    """Deliver what the step put into the outbox, then say where the document stands."""
    from signing_core.desk import notices

    desk = open_desk(path)
    outcomes = notices.deliver(desk.workspace, document_id=document_id)
    status = desk.status(document_id)
    undelivered = [outcome for outcome in outcomes if outcome.state != "delivered"]
    if as_json:
        print_json(status)
    else:
        click.echo(f"{said} {document_id} is {status['status']}. {status['next']}")
        for outcome in undelivered:
            click.echo(f"Not delivered yet ({outcome.kind}, {outcome.channel}): {outcome.error}", err=True)


@click.command()
@_DOCUMENT
@workspace_option
@json_option
def send(document_id: str, workspace: Path, as_json: bool) -> None:
    """Send a draft to the first party.

    \b
    Example: sealtrail send 01KAY3E0Q4 --json
    """
    open_desk(workspace).send(document_id)
    _moved(workspace, document_id, as_json, "Sent:")


@click.command()
@_DOCUMENT
@workspace_option
@json_option
def resend(document_id: str, workspace: Path, as_json: bool) -> None:
    """Send the party whose turn it is a new link; the one before ends.

    \b
    Example: sealtrail resend 01KAY3E0Q4
    """
    open_desk(workspace).resend(document_id)
    _moved(workspace, document_id, as_json, "Sent again:")


@click.command()
@_DOCUMENT
@workspace_option
@json_option
def remind(document_id: str, workspace: Path, as_json: bool) -> None:
    """Remind the party whose turn it is, with a new link.

    \b
    Example: sealtrail remind 01KAY3E0Q4
    """
    open_desk(workspace).remind(document_id)
    _moved(workspace, document_id, as_json, "Reminded:")


@click.command()
@_DOCUMENT
@click.option("--reason", required=True, help="Why; it is told to those who had the document.")
@workspace_option
@json_option
def void(document_id: str, reason: str, workspace: Path, as_json: bool) -> None:
    """Withdraw a document that is not yet signed by both.

    \b
    Example: sealtrail void 01KAY3E0Q4 --reason "Replaced by a newer offer"
    """
    open_desk(workspace).void(document_id, reason)
    _moved(workspace, document_id, as_json, "Withdrawn:")


@click.command()
@_DOCUMENT
@workspace_option
@json_option
def unlock(document_id: str, workspace: Path, as_json: bool) -> None:
    """Open a step again that five wrong codes locked.

    \b
    Example: sealtrail unlock 01KAY3E0Q4
    """
    open_desk(workspace).unlock(document_id)
    _moved(workspace, document_id, as_json, "Unlocked:")


@click.command("replace-contact")
@_DOCUMENT
@click.argument("role", type=click.Choice(["first-party", "client"]))
@click.argument("contact")
@workspace_option
@json_option
def replace_contact(document_id: str, role: str, contact: str, workspace: Path, as_json: bool) -> None:
    """Reach a party elsewhere from now on: an e-mail address or a mobile number.

    \b
    Example: sealtrail replace-contact 01KAY3E0Q4 client +491713920012
    """
    from signing_core.flow import Role

    open_desk(workspace).replace_contact(document_id, Role(role), contact)
    _moved(workspace, document_id, as_json, "Contact replaced:")


@click.command()
@_DOCUMENT
@workspace_option
@json_option
def status(document_id: str, workspace: Path, as_json: bool) -> None:
    """Where a document stands, and what is next.

    \b
    Example: sealtrail status 01KAY3E0Q4 --json
    """
    from signing_core.flow.values import spoken

    found = open_desk(workspace).status(document_id)
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{found['title']}\n{found['document_id']}  {found['status']}  {found['pages']} pages\n{found['next']}\n"
    )
    for role, party in found["parties"].items():
        done = "signed " + _local(party["signed_at"]) if party["signed_at"] else "not signed"
        click.echo(f"  {spoken(role):12} {party['name']}  {party['contact']} ({party['channel']})  {done}")
        if party["locked_until"]:
            click.echo(f"  {'':12} locked until {_local(party['locked_until'])}")
    for message in found["messages"]:
        error = f"  {message['last_error']}" if message["last_error"] else ""
        to = spoken(message["role"] or "-")
        click.echo(f"  {message['kind']:12} to {to} by {message['channel']}: {message['state']}{error}")
    if found["final"]:
        click.echo(f"\n  final        SHA-256 {found['final']['sha256']}, {found['final']['length']:,} bytes")


_STEPS = ("source", "prepared", "first-party", "client", "final")
"""The files of a document in the order in which they come to be."""


@click.command()
@_DOCUMENT
@click.option("--step", type=click.Choice(_STEPS), help="Its file after this step.  [default: the newest]")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Where to write it.  [default: DOCUMENT-STEP.pdf here]"
)
@workspace_option
def fetch(document_id: str, step: str | None, output: Path | None, workspace: Path) -> None:
    """Write a document's file: the newest, or that of a step. What was signed stays, whatever became of the document.

    \b
    Example: sealtrail fetch 01KAY3E0Q4 --step client -o signed-by-both.pdf
    """
    from signing_core.errors import UsageError
    from signing_core.storage.durable import write_file

    desk = open_desk(workspace)
    found = desk.status(document_id)
    there = [known for known in _STEPS if known in found["files"]]
    if step is not None and step not in there:
        raise UsageError(f"Document {document_id} has no file of step {step}; it has: {', '.join(there)}.")
    chosen = step or there[-1]
    target = output or Path(f"{found['document_id']}-{chosen}.pdf")
    if target.exists():
        raise UsageError(f"{target} is there already; move it away, or name another file with --output.")
    if not target.absolute().parent.is_dir():
        raise UsageError(f"The folder {target.parent} for the file is not there; make it first.")
    write_file(target, desk.workspace.objects.get(found["files"][chosen]["sha256"]))
    click.echo(f"{target}: step {chosen}, SHA-256 {found['files'][chosen]['sha256']}")


@click.command()
@_DOCUMENT
@workspace_option
@json_option
def events(document_id: str, workspace: Path, as_json: bool) -> None:
    """What happened to a document, oldest first.

    With --json, one object per line and event: its canonical form, its SHA-256, and under `personal` what is kept beside
    the log.

    \b
    Example: sealtrail events 01KAY3E0Q4 --json
    """
    import json

    from signing_core.desk import views

    for event in views.history(open_workspace(workspace), document_id):
        if as_json:
            click.echo(json.dumps(event, ensure_ascii=False))
            continue
        facts = {key: value for key, value in event["data"].items() if not isinstance(value, dict) and key != "role"}
        shown = ", ".join(f"{key}={_short(value)}" for key, value in {**facts, **event["personal"]}.items())
        click.echo(f"{event['seq']:6}  {_local(event['time'])}  {event['type']:20} {event['actor']:12} {shown}")


@click.command("list")
@click.option(
    "--status", type=click.Choice([str(status) for status in Status]), help="Only documents with this status."
)
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True)
@workspace_option
@json_option
def list_(status: str | None, limit: int, workspace: Path, as_json: bool) -> None:
    """The workspace's documents, newest first.

    \b
    Example: sealtrail list --status awaiting-client
    """
    from signing_core.desk import views

    rows = views.listing(open_workspace(workspace), status, limit)
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo("No documents." if not status else f"No documents that are {status}.")
    for row in rows:
        click.echo(f"{row['document_id']}  {row['status']:20}  {_local(row['updated_at'])}  {row['title']}")


def _local(text: str) -> str:
    """Local time with its offset."""
    return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 48 else text[:47] + "…"
