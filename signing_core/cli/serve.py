"""`sealtrail serve`: dashboard and public pages on one local port, background work included."""

from __future__ import annotations

import importlib.util
import os
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from signing_core.cli.common import open_desk, workspace_option
from signing_core.errors import UsageError

if TYPE_CHECKING:
    from signing_core.desk import Desk

_ROUND_SECONDS = 1.0
_DEMO = Path(".sealtrail") / "demo"
"""Below the current folder; made once and kept."""


_SERVER: dict[str, Any] = {"log_level": "warning", "server_header": False, "date_header": True, "proxy_headers": False}
"""For uvicorn. Nothing names the program, and forwarded headers of strangers are not believed."""


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option(
    "--tls", is_flag=True, help="Serve over HTTPS to this network, with a certificate made for it: for a phone."
)
@click.option("--no-work", is_flag=True, help="Leave background work to `sealtrail work`.")
@click.option("--demo", is_flag=True, help="Serve a workspace of 200 sample documents, made on the first start.")
@workspace_option
def command(folder: Path | None, port: int, tls: bool, no_work: bool, demo: bool, workspace: Path) -> None:
    """Serve the dashboard and the public pages: signing, verification, CRL. Without --tls on this machine only.

    The dashboard needs the extra sealtrail[dashboards]; without it the public pages are served alone.

    Links lead to the base_url of the settings; where that is this machine, to the address that is served.

    \b
    Example: sealtrail serve /srv/sealtrail --port 8501
    """
    try:
        import uvicorn

        from portal.app import PATHS, create_app
    except ImportError as error:
        raise UsageError(f"The pages need the extra sealtrail[portal]; {error.name} is not installed.") from None

    host = _address_in_network() if tls else "127.0.0.1"
    address = f"https://{host}:{port}" if tls else f"http://localhost:{port}"
    if demo:
        if tls or folder is not None:
            raise UsageError("--demo serves its own workspace on this machine only; leave out --tls and the folder.")
        _serve_demonstration(address, port)
        return
    folder = folder or workspace
    _lead_links_to(address, folder)
    desk = open_desk(folder)
    options: dict[str, Any] = {}
    if tls:
        from signing_core.cli import local_tls

        certificate, key, fingerprint = local_tls.certificate_for(folder / "secrets", host)
        options = {"ssl_certfile": certificate, "ssl_keyfile": key}
        click.echo(f"The browser will warn of a certificate that it does not know; its SHA-256 is {fingerprint}.")
    stop = threading.Event()
    worker = threading.Thread(target=_work, args=(desk, stop), name="background work")
    click.echo(f"Sealtrail is at {address} – verification at {address}/verify. End it with Ctrl+C.")
    if not no_work:
        worker.start()
    try:
        uvicorn.run(
            _with_dashboard(create_app(desk), PATHS, folder),
            host="0.0.0.0" if tls else "127.0.0.1",  # noqa: S104  asked for by --tls
            port=port,
            **_SERVER,
            **options,
        )
    finally:
        stop.set()
        if not no_work:
            worker.join()
        desk.workspace.close()


def _with_dashboard(pages: Any, paths: tuple[str, ...], folder: Path, *, demo: bool = False) -> Any:
    """The public pages with the dashboard beside them, where its extra is installed."""
    if not _dashboard_installed():
        click.echo("The dashboard needs the extra sealtrail[dashboards]; the public pages are served alone.", err=True)
        return pages
    from dashboards.beside import with_dashboard

    return with_dashboard(pages, paths, folder, demo=demo)


def _dashboard_installed() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("streamlit", "dashboards"))


def _serve_demonstration(address: str, port: int) -> None:
    """Answers at once; while the sample documents are made, on the first start, the page says how far that is.

    There is no background work: what was made up is stuck or expired on purpose, and would be repaired before anybody saw it.
    """
    import uvicorn

    from portal.app import PATHS, create_app
    from signing_core.seeding import demonstration

    if not _dashboard_installed():
        raise UsageError("The demonstration is one of the dashboard; install the extra sealtrail[dashboards].")
    from dashboards.preparing import Preparing

    folder = _DEMO.absolute()
    opened: list[Desk] = []

    def make(progress: Callable[[str, int, int], None]) -> Any:
        with _Bars(progress) as bars:
            demonstration.prepare(folder, progress=bars)
        _lead_links_to(address, folder)
        opened.append(open_desk(folder))
        return _with_dashboard(create_app(opened[0]), PATHS, folder, demo=True)

    click.echo(f"Sealtrail is at {address} – the demonstration. End it with Ctrl+C.")
    if not folder.exists():
        click.echo(
            f"Making {demonstration.DOCUMENTS} sample documents in {folder}, once: about a minute on a quiet machine of two "
            "cores. The page says how far it is."
        )
    try:
        uvicorn.run(
            Preparing(make),
            host="127.0.0.1",
            port=port,
            **_SERVER,
        )
    finally:
        for desk in opened:
            desk.workspace.close()


class _Bars:
    """Progress for the page, and as bars on a terminal."""

    def __init__(self, also: Callable[[str, int, int], None]) -> None:
        self._also = also
        self._bars: dict[str, Any] = {}

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_: object) -> None:
        for bar in self._bars.values():
            bar.close()

    def __call__(self, what: str, done: int, of: int) -> None:
        from tqdm import tqdm

        self._also(what, done, of)
        if what not in self._bars:
            self._bars[what] = tqdm(total=of, desc=what, file=sys.stderr, disable=not sys.stderr.isatty())
        self._bars[what].update(done - self._bars[what].n)


def _work(desk: Desk, stop: threading.Event) -> None:
    """Rounds of background work until told to stop. A failed round is reported and the next one tried."""
    from signing_core.desk import background, endings

    daily = endings.Daily()
    while not stop.is_set():
        try:
            for failure in [*background.work_once(desk).failures, *daily.lines(desk.workspace)]:
                click.echo(f"sealtrail: {failure}", err=True)
        except Exception as error:
            click.echo(f"sealtrail: background work failed with {type(error).__name__}; it is tried again.", err=True)
        stop.wait(_ROUND_SECONDS)


def _lead_links_to(address: str, folder: Path) -> None:
    """Links in messages must lead to what is served, unless the settings name a public host."""
    from signing_core.storage.settings import Settings

    base_url = Settings.load(folder).base_url
    if base_url.partition("://")[2].partition("/")[0].rpartition(":")[0] in ("localhost", "127.0.0.1", ""):
        os.environ["SEALTRAIL_BASE_URL"] = address
        if base_url != address:
            click.echo(f"Links of other commands lead to {base_url}; with SEALTRAIL_BASE_URL={address} they lead here.")


def _address_in_network() -> str:
    """The address under which a phone in the same network finds this machine; nothing is sent to learn it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
