"""`sealtrail verify`: signed PDFs, ours and everybody else's, one or a million."""

from __future__ import annotations

import gc
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from signing_core.cli.common import workspace_option
from signing_core.errors import UsageError

if TYPE_CHECKING:
    from signing_core.cli.comparing import Comparing
    from signing_core.policy import Policy
    from signing_core.trust import TrustStore
    from signing_core.verdict import DocumentVerdict
    from signing_core.verification.batch import Limits, Rules
    from signing_core.verification.context import WorkspaceContext
    from signing_core.verification.journal import Journal

_NAMED = 5
"""Files left out that are named."""
_FORMATS = ("table", "jsonl", "csv", "parquet", "html")


class _Time(click.ParamType[datetime]):
    """RFC 3339, or a date, which is its beginning in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no time; write 2026-01-31 or 2026-01-31T12:00:00+01:00", param, ctx)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    default=None,
    show_default="table on a terminal, jsonl in a pipe",
    help="How to report the verdicts.",
)
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to FILE, which appears only when it is whole.",
)
@click.option("--at", metavar="TIME", type=_Time(), help="Judge for this time instead of now.")
@click.option(
    "--trust",
    metavar="FILE_OR_DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="X.509 anchors in PEM or DER, our seals and public keys; repeatable.",
)
@click.option(
    "--certificates",
    metavar="FILE_OR_DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="X.509 certificates of intermediates that files do not bring; no anchors; repeatable.",
)
@click.option(
    "--revocation",
    metavar="FILE_OR_DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="CRLs and OCSP responses; repeatable.",
)
@click.option(
    "--policy", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="TOML or JSON."
)
@click.option(
    "--jobs", "-j", metavar="N", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes."
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0.1, 86_400),
    default=60.0,
    show_default=True,
    help="Most processor time for one document.",
)
@click.option(
    "--password-file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The first line is the password of encrypted files.",
)
@click.option(
    "--journal",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Keep verdicts in FILE, so that a run that was cut off goes on where it was.",
)
@click.option(
    "--compare",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write into DIR what each signer saw, as PDF, beside pictures of the pages that differ from it now.",
)
@click.option("--online", is_flag=True, help="Ask CRL and OCSP servers. Without it nothing touches the network.")
@click.option("--language", type=click.Choice(["en", "de"]), default="en", show_default=True, help="Of table and HTML.")
@workspace_option
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    kind: str | None,
    output: Path | None,
    at: datetime | None,
    trust: tuple[Path, ...],
    certificates: tuple[Path, ...],
    revocation: tuple[Path, ...],
    policy: Path | None,
    jobs: int,
    timeout: float,
    password_file: Path | None,
    journal: Path | None,
    compare: Path | None,
    online: bool,
    language: str,
    workspace: Path,
) -> None:
    """Verify PDFs, folders of PDFs and globs, with or without a workspace.

    Ends with 0 when every document is intact and, where anchors were given, TOTAL-PASSED; with 1 otherwise.

    \b
    Example: sealtrail verify contracts/ --trust anchors/ --jobs 4 --format html --output report.html
    """
    gc.set_threshold(20_000, 20, 20)  # nearly all that is loaded now stays until the end
    from signing_core.verification.batch import Limits, verify_many
    from signing_core.verification.reports import writer
    from signing_core.verification.reports.interface import atomic

    gc.freeze()  # so that neither this process nor the workers forked from it look through it again
    files = _files(paths)
    done = _journal(journal)
    given = _believed(trust, certificates, policy)
    opener = _opener(context, workspace, given[0])
    rules = _rules(at or (done.at if done else None), *given, revocation, password_file, online, opener)
    chosen = kind or ("table" if output is None and sys.stdout.isatty() else "jsonl")
    if chosen == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("A Parquet file is not for a terminal; give --output FILE", context)
    in_order = True
    limits = Limits(seconds=timeout)
    with ExitStack() as stack:
        stream: IO[bytes] = stack.enter_context(atomic(output)) if output else sys.stdout.buffer
        report = writer(chosen, stream, language=language, colour=output is None and sys.stdout.isatty())
        if done:
            done.begin(rules)
            stack.callback(done.close)
        put_on_record = stack.enter_context(_recorder(workspace if opener else None))
        verdicts = verify_many(files, rules, jobs=jobs, limits=limits, known=done.known if done else None)
        compared = _comparing(compare, len(files), limits, rules.password, language)
        for verdict in _with_progress(verdicts, len(files), quiet=output is None and sys.stdout.isatty()):
            report.write(verdict)
            put_on_record(verdict)
            if compared:
                compared.add(verdict)
            if done:
                done.add(verdict)
            in_order = in_order and verdict.in_order
        report.close()
    context.exit(0 if in_order else 1)


def _comparing(
    folder: Path | None, total: int, limits: Limits, password: str | None, language: str
) -> Comparing | None:
    if folder is None:
        return None
    from signing_core.cli.comparing import Comparing  # pictures and what they need: costly to load

    return Comparing(folder, total, limits, password, language)


def _files(given: tuple[str, ...]) -> list[str]:
    """Every file once for each time it was named, folders and globs in sorted order."""
    import glob

    found: list[str] = []
    left_out: list[str] = []
    for name in given:
        path = Path(name)
        if path.is_dir():
            inside = _inside(path, left_out)
            if not inside:
                raise UsageError(f"The folder {name} holds no PDF; give one that does.")
            found += inside
        elif not path.exists() and glob.has_magic(name):
            matching = sorted(p for p in glob.glob(name, recursive=True) if Path(p).is_file())  # noqa: PTH207
            if not matching:
                raise UsageError(f"The pattern {name} matches no file; check it.")
            found += matching
        else:
            found.append(name)  # one that is not there gets its verdict like any other: unreadable
    _say_left_out(left_out)
    return found


def _inside(folder: Path, left_out: list[str]) -> list[str]:
    """Every PDF below a folder by its first bytes, and what is named .pdf without being one; others go to `left_out`.

    What cannot be read, folders included, gets its verdict too, and so does a link named .pdf that leads nowhere. Links to
    folders are not followed, so there are no circles.
    """
    found: list[str] = []
    for place, _, names in os.walk(folder, onerror=lambda error: found.append(error.filename)):
        for name in names:
            path = str(Path(place, name))
            (found if name.lower().endswith(".pdf") or _may_be_pdf(path) else left_out).append(path)
    return sorted(found)


def _may_be_pdf(path: str) -> bool:
    """Whether %PDF- stands among the first 1,024 bytes, where viewers look for it; a file that cannot be read may be one."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - archives have millions of names
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            return b"%PDF-" in file.read(1024)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _say_left_out(left_out: list[str]) -> None:
    """One line on what a folder holds besides."""
    if not left_out:
        return
    files = "1 file that is" if len(left_out) == 1 else f"{len(left_out)} files that are"
    named = ", ".join(sorted(left_out)[:_NAMED])
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    shown = "".join(c if c.isprintable() else "\N{MIDDLE DOT}" for c in f"left out: {files} no PDF: {named}{more}")
    click.echo(shown.encode("utf-8", "backslashreplace").decode(), err=True)


def _believed(
    trust: tuple[Path, ...], certificates: tuple[Path, ...], policy_file: Path | None
) -> tuple[TrustStore, Policy]:
    from signing_core import policy as policies
    from signing_core.trust.files import load_certificates, load_trust

    policy: Policy = policies.load(policy_file) if policy_file else policies.Policy()
    store = load_trust([*trust, *(Path(entry) for entry in policy.anchors)])
    return store.with_certificates(load_certificates(certificates)), policy


def _rules(
    at: datetime | None,
    believed: TrustStore,
    policy: Policy,
    revocation: tuple[Path, ...],
    password_file: Path | None,
    online: bool,
    opener: Callable[[], WorkspaceContext] | None,
) -> Rules:
    from signing_core.verification import load_revocation
    from signing_core.verification.batch import Rules

    data = load_revocation(revocation)
    return Rules(
        at=at or datetime.now(UTC),
        policy=policy,
        trust=believed,
        crls=tuple(crl.der for crl in data.crls),
        ocsps=tuple(ocsp.der for ocsp in data.ocsps),
        password=_password(password_file),
        online=online,
        context=opener,
    )


def _journal(path: Path | None) -> Journal | None:
    if path is None:
        return None
    from signing_core.verification.journal import Journal

    return Journal(path)


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        lines = file.read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise UsageError(f"The password file {file} is not UTF-8 text; save it as UTF-8.") from None
    if not lines or not lines[0]:
        raise UsageError(f"The password file {file} is empty; its first line has to be the password.")
    return lines[0]


def _opener(context: click.Context, folder: Path, believed: TrustStore) -> Callable[[], WorkspaceContext] | None:
    """How a worker process opens the workspace: one that was named, or the current folder if it is one."""
    named = context.get_parameter_source("workspace") is not ParameterSource.DEFAULT
    if not named and not any(folder.glob("*.toml")):
        return None  # settings are costly to load, and most folders are no workspace
    from signing_core.storage.settings_file import FILE_NAME

    if not named and not (folder / FILE_NAME).is_file():
        return None
    from signing_core.cli.common import open_workspace
    from signing_core.trust.workspace import of_workspace

    with open_workspace(folder) as opened:  # what is wrong with it is said here, once, and not by every worker
        believed + of_workspace(opened)
    return partial(_open, str(folder.absolute()))


@contextmanager
def _recorder(folder: Path | None) -> Iterator[Callable[[DocumentVerdict], None]]:
    """With a workspace, each check of one of its documents becomes an event of the audit log."""
    if folder is None:
        yield lambda verdict: None
        return
    from signing_core.cli.common import open_workspace
    from signing_core.desk import verifying

    with open_workspace(folder) as workspace:

        def put(verdict: DocumentVerdict) -> None:
            if verdict.document_id is not None and verdict.registry in ("known", "prefix", "mismatch"):
                verifying.record(workspace, verdict.document_id, verdict, actor="verifier", via="command")

        yield put


def _open(folder: str) -> WorkspaceContext:
    from signing_core.desk.judging import context_of
    from signing_core.storage.workspace import Workspace

    return context_of(Workspace.open(folder))


def _with_progress(verdicts: Iterator[DocumentVerdict], total: int, *, quiet: bool) -> Iterator[DocumentVerdict]:
    """A bar with rate and remaining time on a terminal, unless the results themselves are shown there."""
    if quiet or total < 2 or not sys.stderr.isatty():
        yield from verdicts
        return
    from tqdm import tqdm

    tqdm.monitor_interval = 0  # its thread would keep workers from being forked
    wide = os.get_terminal_size(sys.stderr.fileno()).columns > 0  # some terminals do not know their size
    with tqdm(
        total=total,
        unit=" documents",
        file=sys.stderr,
        dynamic_ncols=wide,
        ncols=None if wide else 80,
        nrows=None if wide else 24,
        smoothing=0.05,
    ) as bar:
        for verdict in verdicts:
            yield verdict
            bar.update()
