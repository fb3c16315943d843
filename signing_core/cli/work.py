"""`sealtrail work`: background work until it is stopped, or once."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from signing_core.cli.common import json_option, open_desk, print_json, workspace_option


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now, then end.")
@click.option(
    "--every", type=click.FloatRange(0.2, 3600), default=2.0, show_default=True, help="Seconds between rounds."
)
@workspace_option
@json_option
def command(once: bool, every: float, workspace: Path, as_json: bool) -> None:
    """Deliver the outbox, sign and seal what waits, expire, remind, and keep the audit log's checkpoints fresh.

    It may be killed at any time: nothing is lost and nothing is done twice. Several may run.

    \b
    Example: sealtrail work --workspace /srv/sealtrail
    """
    from dataclasses import asdict

    from signing_core.desk import background, endings

    desk = open_desk(workspace)
    stop, daily = threading.Event(), endings.Daily()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    while not stop.is_set():
        done = background.work_once(desk)
        if as_json and (once or not done.idle):
            print_json(asdict(done))
        elif not as_json and (once or not done.idle):
            click.echo(
                f"signed {done.signed}, completed {done.completed}, waiting {done.waiting}, delivered {done.delivered}, "
                f"not delivered {done.undelivered}, expired {done.expired}, reminded {done.reminded}"
            )
        for failure in [*done.failures, *daily.lines(desk.workspace)]:
            click.echo(f"sealtrail: {failure}", err=True)
        if once:
            break
        stop.wait(every)
