"""`sealtrail scan`: certificates' QR codes from photos, scans and PDFs, verified offline."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from signing_core.cli.common import open_workspace, workspace_option

if TYPE_CHECKING:
    from signing_core.certificate.scan import ScanResult

_LABELS = {
    "en": {
        "valid": "VALID",
        "invalid": "INVALID",
        "unknown-key": "UNKNOWN KEY",
        "foreign": "NOT A CERTIFICATE",
        "none": "NOTHING READ",
        "page": "page {page}",
        "issuer": "Issuer",
        "certificate": "Certificate",
        "document": "Document",
        "issued": "Issued",
        "prefix": "Signed revision",
        "bytes": "{length} bytes, SHA-256 {sha256}",
        "key": "Key",
        "compare": "Compare by eye",
        "pages": "{title}, {pages} pages",
        "text": "Text",
        "proves": "Proves",
        "not": "Does not prove",
        "findings": "Findings",
    },
    "de": {
        "valid": "GÜLTIG",
        "invalid": "UNGÜLTIG",
        "unknown-key": "UNBEKANNTER SCHLÜSSEL",
        "foreign": "KEIN ZERTIFIKAT",
        "none": "NICHTS GELESEN",
        "page": "Seite {page}",
        "issuer": "Aussteller",
        "certificate": "Zertifikat",
        "document": "Dokument",
        "issued": "Ausgestellt",
        "prefix": "Signierte Fassung",
        "bytes": "{length} Bytes, SHA-256 {sha256}",
        "key": "Schlüssel",
        "compare": "Zu vergleichen",
        "pages": "{title}, {pages} Seiten",
        "text": "Text",
        "proves": "Bewiesen",
        "not": "Nicht bewiesen",
        "findings": "Befunde",
    },
}
_COLOURS = {"valid": "green", "invalid": "red", "unknown-key": "yellow"}


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--text", "texts", metavar="TEXT", multiple=True, help="The code's text, typed from paper; repeatable.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["table", "jsonl"]),
    default=None,
    show_default="table on a terminal, jsonl in a pipe",
    help="How to print the results.",
)
@click.option(
    "--trust",
    metavar="FILE_OR_DIR",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Public QR keys to believe, or a house's public folder; repeatable. A workspace's own are believed without it.",
)
@click.option("--language", type=click.Choice(["en", "de"]), default=None, help="Of the sentences.")
@workspace_option
@click.pass_context
def command(
    context: click.Context,
    files: tuple[Path, ...],
    texts: tuple[str, ...],
    output: str | None,
    trust: tuple[Path, ...],
    language: str | None,
    workspace: Path,
) -> None:
    """Read authenticity certificates' QR codes from photos, scans and PDFs, and verify them offline.

    Says what each code proves, what it does not, and, with the workspace that issued it, what to compare by eye. Ends
    with 0 when every file held a valid code, with 1 otherwise.

    \b
    Example: sealtrail scan photo.jpg --trust public
    """
    if not files and not texts:
        raise click.UsageError("Give at least one FILE, or --text", context)
    from signing_core.certificate.scan import Judge
    from signing_core.certificate.scan_files import scan_files

    options = _believed(context, trust, workspace, language)
    as_lines = output == "jsonl" or (output is None and not sys.stdout.isatty())
    judge = Judge(**options)
    results: Iterator[Iterable[ScanResult]] = (
        *([judge.text(text)] for text in texts),
        *(scan_files([file], **options) for file in files),
    ).__iter__()
    all_well = True
    for of_one in results:
        in_order, forged = [], False
        for result in of_one:
            in_order.append(result.in_order)
            forged = forged or result.qr == "invalid"
            if as_lines:
                click.echo(json.dumps(result.to_json(), ensure_ascii=False))
            else:
                _print(result, options["language"])
        all_well = all_well and any(in_order) and not forged
    context.exit(0 if all_well else 1)


def _believed(context: click.Context, trust: tuple[Path, ...], folder: Path, language: str | None) -> dict[str, Any]:
    """What to believe, and the registry where there is a workspace: one that was named, or the current folder if it is one."""
    from signing_core.certificate.registry import WorkspaceRegistry
    from signing_core.storage.settings_file import FILE_NAME
    from signing_core.trust import load_trust
    from signing_core.trust.workspace import of_workspace

    believed, registry = load_trust(trust), None
    named = context.get_parameter_source("workspace") is not ParameterSource.DEFAULT
    if named or (folder / FILE_NAME).is_file():
        opened = open_workspace(folder)
        language = language or opened.settings.language
        believed += of_workspace(opened)
        registry = WorkspaceRegistry(opened.engine)
    return {"trust": believed, "registry": registry, "language": language or "en"}


def _print(result: ScanResult, language: str) -> None:
    from signing_core.certificate.words import count, moment

    say = _LABELS[language]
    state = result.qr or ("foreign" if result.found else "none")
    where = ", ".join(
        part for part in (result.path, say["page"].format(page=result.page) if result.page else None) if part
    )
    click.echo(click.style(say[state], fg=_COLOURS.get(state, "red"), bold=True) + (f"  {where}" if where else ""))
    rows: list[tuple[str, str]] = []
    if not result.ours and result.text:
        rows.append((say["text"], textwrap.shorten(_visible(result.text), 300, placeholder="…")))
    if result.document_id and result.certificate_id and result.issuer and result.issued_at and result.signed_prefix:
        from datetime import UTC

        prefix = result.signed_prefix
        rows += [
            (say["issuer"], _visible(result.issuer)),
            (say["certificate"], result.certificate_id),
            (say["document"], result.document_id),
            (say["issued"], moment(result.issued_at, UTC, language)),
            (say["prefix"], say["bytes"].format(length=count(prefix.length, language), sha256=prefix.sha256)),
        ]
    if result.key_id:
        rows.append((say["key"], result.key_id))
    if result.document:
        parties = ", ".join(name for _, name in result.document.parties)
        described = say["pages"].format(title=result.document.title, pages=result.document.pages)
        rows.append((say["compare"], _visible(f"{described}, {parties}")))
    rows += [(say["proves"], sentence) for sentence in result.proves]
    rows += [(say["not"], sentence) for sentence in result.does_not_prove]
    rows += [(say["findings"], f"{finding.code}: {finding.message}") for finding in result.findings]
    before = None
    for label, text in rows:
        shown = label if label != before else ""
        before = label
        lines = textwrap.wrap(_visible(text), 90, break_on_hyphens=False) or [""]
        click.echo(f"  {shown:<18}{lines[0]}")
        for line in lines[1:]:
            click.echo(" " * 20 + line)
    click.echo()


def _visible(text: str) -> str:
    """What a stranger wrote into a code or a title must not drive the terminal."""
    return "".join(c if c.isprintable() else "·" for c in text)
