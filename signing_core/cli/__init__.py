"""`sealtrail`: the command line. Each command lives in a module of its own, loaded only when it is called.

Exit status: 0 all is well; 1 the work was done and at least one document is not in order; 2 wrong usage; 3 the work could
not be done. An error is one sentence on stderr.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence

import click

from signing_core import __version__
from signing_core.delivery import redaction
from signing_core.errors import SealtrailError

_COMMANDS = {
    "audit": ("signing_core.cli.audit", "The audit log: verify, checkpoint, prove, export."),
    "create": ("signing_core.cli.create", "Create a document from a PDF, a form or a template."),
    "demo": (
        "signing_core.cli.demo",
        "A real document through all three phases, verified, and one changed byte caught.",
    ),
    "doctor": ("signing_core.cli.doctor", "What needs an operator, and the way on."),
    "events": ("signing_core.cli.documents:events", "What happened to a document."),
    "fetch": ("signing_core.cli.documents:fetch", "Write a document's file, the newest or that of a step."),
    "forget": ("signing_core.cli.audit:forget", "Erase a party's personal data; every proof stays valid."),
    "init": ("signing_core.cli.init", "Make a new workspace: database, objects, company CA and keys."),
    "keys": ("signing_core.cli.keys", "The workspace's keys: show, renew, succeed, import, revoke."),
    "list": ("signing_core.cli.documents:list_", "The workspace's documents."),
    "party": ("signing_core.cli.directory:party", "The directory of parties."),
    "remind": ("signing_core.cli.documents:remind", "Remind the party whose turn it is."),
    "renew": ("signing_core.cli.renew", "Give documents the next archive time-stamp before theirs ends."),
    "replace-contact": ("signing_core.cli.documents:replace_contact", "Reach a party elsewhere from now on."),
    "resend": ("signing_core.cli.documents:resend", "Send the party whose turn it is a new link."),
    "scan": ("signing_core.cli.scan", "Read and verify certificates' QR codes, offline."),
    "seed": ("signing_core.cli.seed", "Make a workspace of sample documents with planted defects."),
    "send": ("signing_core.cli.documents:send", "Send a draft to the first party."),
    "serve": ("signing_core.cli.serve", "Dashboard and public pages on one local port, background work included."),
    "status": ("signing_core.cli.documents:status", "Where a document stands."),
    "template": ("signing_core.cli.directory:template", "The directory of templates."),
    "unlock": ("signing_core.cli.documents:unlock", "Open a step that wrong codes locked."),
    "verify": ("signing_core.cli.verify", "Verify signed PDFs: ours and everybody else's."),
    "void": ("signing_core.cli.documents:void", "Withdraw a document."),
    "work": ("signing_core.cli.work", "Background work: outbox, sealing, expiry, reminders."),
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute or "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, _COMMANDS[name][1]) for name in self.list_commands(ctx)])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="sealtrail")
def sealtrail() -> None:
    """Sign documents in three phases, and prove years later that they are authentic and unchanged.

    Every command that works on a workspace takes --workspace DIR; without it SEALTRAIL_WORKSPACE, then the current
    folder.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """The `sealtrail` program."""
    _open_standard_streams()
    redaction.install()
    try:
        status = sealtrail.main(args=arguments, prog_name="sealtrail", standalone_mode=False)
        sys.stdout.flush()  # what cannot be written is said here; at the end of the process it would be too late
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        status = 2
    except click.ClickException as error:
        click.echo(f"sealtrail: {_sentence(error)}", err=True)
        status = 2 if isinstance(error, click.UsageError) else 3
    except click.Abort:
        click.echo("sealtrail: stopped.", err=True)
        status = 3
    except SealtrailError as error:
        click.echo(f"sealtrail: {error}", err=True)
        status = error.exit_status
    except BrokenPipeError:
        _drop_output()
        status = 3
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        advice = "check the path, its rights and the free space"
        if error.errno == errno.EBADF and not where:
            where, advice = "standard output: ", "it is closed, so there is nowhere to print to"
        click.echo(f"sealtrail: {where}{error.strerror or error}; {advice}.", err=True)
        _drop_output()
        status = 3
    except Exception as error:
        if os.environ.get("SEALTRAIL_DEBUG"):
            raise
        click.echo(
            f"sealtrail: an unexpected {type(error).__name__} stopped this; nothing was half-written. "
            "Set SEALTRAIL_DEBUG=1, run it again and report what it prints.",
            err=True,
        )
        status = 3
    sys.exit(status if isinstance(status, int) else 0)


def _open_standard_streams() -> None:
    """Stand-ins for streams that the caller closed (`>&-`): else the next file to be opened gets what is printed.

    Printing to one that is missing fails, as for any program, instead of being lost without a word.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_RDONLY))
    if sys.stdout is None:
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")


def _drop_output() -> None:
    """Nothing more can be written, so that the end of the process must not try again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _sentence(error: click.ClickException) -> str:
    text = error.format_message().strip()
    if isinstance(error, click.UsageError) and error.ctx is not None:
        text = f"{text.rstrip('.')}. See `{error.ctx.command_path} --help`."
    return text
