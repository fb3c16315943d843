"""`sealtrail audit`: the audit log, and `sealtrail forget`, which erases a person beside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signing_core.cli import notebook
from signing_core.cli.common import json_option, open_workspace, print_json, workspace_option

if TYPE_CHECKING:
    from signing_core.audit_log.verification import Report


@click.group()
def command() -> None:
    """The audit log: verify it, sign and anchor it, and give others the proof."""


command.add_command(notebook.command, "notebook")


@command.command()
@click.option("--no-files", is_flag=True, help="Leave out reading and hashing every completed document.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes for a large log; by default one per processor.")
@click.option(
    "--proof",
    "brought",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="What was kept outside: a .tlog-proof, a finished PDF, a mail, an evidence pack, a folder of these; repeatable.",
)
@workspace_option
@json_option
def verify(no_files: bool, jobs: int | None, brought: tuple[Path, ...], workspace: Path, as_json: bool) -> None:
    """Recompute the whole log and compare it with everything that was signed, anchored and stored of it.

    Whoever can write to all that this workspace keeps can still not write to what others were given: --proof holds the log
    against that. Exit status 1 when something is not in order.

    \b
    Example: sealtrail audit verify --workspace /srv/sealtrail --proof ~/mails/contract.tlog-proof
    """
    from signing_core.audit_log import events, outside_proofs, verification
    from signing_core.storage.database import reading

    outside = outside_proofs.load(brought)
    with open_workspace(workspace) as opened:
        with reading(opened.engine) as connection:
            total = events.size(connection)
        hidden = as_json or not sys.stderr.isatty()
        with click.progressbar(length=total, label="Events", file=sys.stderr, hidden=hidden) as bar:
            report = verification.verify(opened, progress=bar.update, files=not no_files, jobs=jobs, outside=outside)
        if as_json:
            print_json(_report_json(report))
        else:
            _print_report(report)
    if not report.in_order:
        sys.exit(1)


@command.command()
@click.option("--anchor/--no-anchor", default=True, help="Have it time-stamped and cosigned as well.")
@click.option("--accept-restored", metavar="REASON", help="Declare that signed events are lost, and why.")
@workspace_option
@json_option
def checkpoint(anchor: bool, accept_restored: str | None, workspace: Path, as_json: bool) -> None:
    """Sign the log as it is now.

    After a restored backup this is refused, because events that were signed are missing. When no newer backup exists,
    --accept-restored declares the loss: the reason becomes an audit event, and the log goes on under a new name, so that
    nobody who holds an older checkpoint is deceived. Witnesses must be told the new key (`sealtrail audit key`).

    Exit status 1 when the checkpoint is signed, and somebody outside did not confirm it: stderr says who and what to do.

    \b
    Example: sealtrail audit checkpoint --accept-restored "disk failed, backup of Monday restored"
    """
    from signing_core.audit_log.log import AuditLog

    with open_workspace(workspace) as opened:
        log = AuditLog(opened)
        if accept_restored is not None:
            log.accept_restored(accept_restored)
        issued = log.checkpoint()
        kept = log.checkpoint_and_anchor() if anchor else None
    problems = kept.problems if kept else ()
    if accept_restored is not None:
        click.echo(f"The loss is on record; the log goes on as {issued.checkpoint.origin}.", err=True)
    for problem in problems:
        click.echo(f"sealtrail: the checkpoint is signed and kept, but not confirmed by everybody. {problem}", err=True)
    if as_json:
        print_json(
            {
                "origin": issued.checkpoint.origin,
                "size": issued.checkpoint.size,
                "root": issued.checkpoint.root.hex(),
                "note": str(issued.note),
                "anchors": [{"kind": one.kind, "by": one.by} for one in (kept.anchors if kept else ())],
                "problems": [str(problem) for problem in problems],
            }
        )
    else:
        click.echo(str(issued.note), nl=False)
    if problems:
        sys.exit(1)


@command.command()
@click.argument("document_id", metavar="DOCUMENT")
@click.option("--event", "seq", type=click.IntRange(0), help="This event instead of the one that names the file.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="A file instead of the screen.")
@workspace_option
def prove(document_id: str, seq: int | None, output: Path | None, workspace: Path) -> None:
    """The proof that an event of the document is in the log, as a C2SP tlog-proof.

    \b
    Example: sealtrail audit prove 01KAY3E0Q4 -o contract.tlog-proof
    """
    from signing_core.audit_log.log import AuditLog

    with open_workspace(workspace) as opened:
        log = AuditLog(opened)
        found = log.event_of(document_id, seq)
        if not log.covers(found.seq):
            log.checkpoint_and_anchor()
        proof = str(log.prove(found.seq))
    if output is None:
        click.echo(proof, nl=False)
    else:
        output.write_text(proof)
        click.echo(f"{output}: proof of event {found.seq} ({found.type}).")


@command.command()
@click.argument("document_id", metavar="DOCUMENT")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="By default evidence-DOCUMENT.zip here."
)
@workspace_option
def export(document_id: str, output: Path | None, workspace: Path) -> None:
    """Everything that proves a document, in one zip file that can be checked without us.

    \b
    Example: sealtrail audit export 01KAY3E0Q4 -o evidence.zip
    """
    from signing_core.audit_log import evidence

    file = output or Path(f"evidence-{document_id}.zip")
    with open_workspace(workspace) as opened:
        pack = evidence.export(opened, document_id)
    file.write_bytes(pack)
    click.echo(f"{file}: unpack it and run `python verify.py` in its folder; README.txt explains the rest.")


@command.command()
@workspace_option
def key(workspace: Path) -> None:
    """The log's public key as a C2SP verifier key, for witnesses and for everybody who checks.

    \b
    Example: sealtrail audit key
    """
    from signing_core.audit_log.log import AuditLog

    with open_workspace(workspace) as opened:
        click.echo(AuditLog(opened).verifier.vkey)


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--init", "name", metavar="NAME", help="Make a new witness of this name, such as witness.example/w1.")
@click.option("--add-log", metavar="VKEY", multiple=True, help="Know a log: what `sealtrail audit key` prints.")
@click.option("--listen", metavar="HOST:PORT", default="127.0.0.1:8600", show_default=True)
@click.option("--no-serve", is_flag=True, help="Only make or change the witness.")
def witness(folder: Path, name: str | None, add_log: tuple[str, ...], listen: str, no_serve: bool) -> None:
    """Run a witness: it cosigns a log's checkpoints as long as none contradicts an older one.

    Run it on another machine under other credentials than the log. Its key is encrypted with the passphrase in
    SEALTRAIL_WITNESS_PASSPHRASE, when that is set.

    \b
    Example: sealtrail audit witness /srv/witness --init witness.example/w1 --add-log "$(sealtrail audit key)"
    """
    from signing_core.audit_log.notes import NoteInvalid, Verifier
    from signing_core.audit_log.witness import Witness, serve
    from signing_core.errors import UsageError
    from signing_core.storage.workspace import system_clock

    opened = Witness.create(folder, name, clock=system_clock) if name else Witness.open(folder, clock=system_clock)
    for vkey in add_log:
        try:
            opened.add_log(Verifier.from_vkey(vkey))
        except NoteInvalid as error:
            raise UsageError(f"--add-log: {error}.") from None
    click.echo(opened.verifier.vkey)
    if no_serve:
        return
    host, _, port = listen.rpartition(":")
    if not port.isdigit():
        raise UsageError("--listen is HOST:PORT.")
    server = serve(opened, host or "127.0.0.1", int(port))
    click.echo(f"Listening on http://{server.server_address[0]!s}:{server.server_port}", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    finally:
        server.server_close()


@click.command()
@click.argument("party_id", metavar="PARTY")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@workspace_option
@json_option
def forget(party_id: str, yes: bool, workspace: Path, as_json: bool) -> None:
    """Erase a person's data from directory, documents, outbox folder and beside the audit log; every proof stays valid.

    \b
    Example: sealtrail forget 01KAY3E0Q4 --yes
    """
    from signing_core.audit_log import forgetting
    from signing_core.delivery.channels.folder import FolderChannel
    from signing_core.storage import directory
    from signing_core.storage.database import reading, writing

    with open_workspace(workspace) as opened:
        with reading(opened.engine) as connection:
            directory.party(connection, party_id)  # who is asked to confirm should know that there is such a party
        if not yes:
            click.confirm("This cannot be undone. Erase the party?", abort=True, err=True)
        with writing(opened.engine) as connection:
            done = forgetting.forget(
                connection,
                opened.objects,
                party_id,
                remove_message=FolderChannel(opened.resolve(opened.settings.outbox_folder)).remove,
                now=opened.clock(),
            )
    if as_json:
        print_json(
            {
                "party": done.party_id,
                "documents": list(done.documents),
                "values": done.values,
                "messages": done.messages,
                "files": done.files,
            }
        )
    else:
        click.echo(
            f"Forgotten: {done.values} personal values at {len(done.documents)} documents, {done.messages} messages kept as sent, "
            f"and {done.files} messages in the outbox folder. The signed PDFs themselves are kept."
        )


def _report_json(report: Report) -> dict[str, object]:
    anchored = report.anchored
    return {
        "in_order": report.in_order,
        "events": report.events,
        "checkpoints": report.checkpoints,
        "anchors": report.anchors,
        "proofs": report.proofs,
        "files": report.files,
        "anchored": anchored
        and {
            "size": anchored.anchor.size,
            "kind": anchored.anchor.kind,
            "by": anchored.anchor.by,
            "time": anchored.time.isoformat(),
        },
        "unprotected": report.unprotected,
        "unprotected_since": report.unprotected_since and report.unprotected_since.isoformat(),
        "findings": [finding.to_json() for finding in report.findings],
    }


def _print_report(report: Report) -> None:
    for finding in report.findings[:100]:
        click.echo(f"{finding.severity}: {finding.message} [{finding.code}]")
    if len(report.findings) > 100:
        click.echo(f"... and {len(report.findings) - 100} more; --json shows them all.")
    click.echo(
        f"Recomputed: events {report.events}, checkpoints {report.checkpoints}, anchors {report.anchors}, "
        f"proofs {report.proofs}, files {report.files}: " + ("all in order." if report.in_order else "NOT in order.")
    )
    if report.anchored is not None:
        click.echo(
            f"Protected from outside: {report.anchored.anchor.size} events, by {report.anchored.anchor.by} "
            f"at {report.anchored.time:%Y-%m-%d %H:%M:%S} UTC."
        )
    if report.unprotected and report.unprotected_since is not None:
        click.echo(
            f"UNPROTECTED: {report.unprotected} events since {report.unprotected_since:%Y-%m-%d %H:%M:%S} UTC: no outside "
            "anchor would show if they were rewritten."
        )
