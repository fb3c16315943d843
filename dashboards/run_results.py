"""Results of runs: the Parquet files that `signing_core.bulk` leaves in the workspace, read with DuckDB."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import streamlit as st

from dashboards.words import t
from signing_core.errors import UsageError
from signing_core.storage.database import reading
from signing_core.storage.workspace import Workspace

_MOST_ROWS: Final = 1_000
_MOST_RUNS: Final = 500


@dataclass(frozen=True)
class Run:
    """The verdicts of one batch."""

    name: str
    """Day and batch, such as `2026-11-25/inbox-003`."""
    path: Path
    at: datetime
    documents: int
    by_integrity: dict[str, int]

    @property
    def summary(self) -> str:
        return ", ".join(f"{number} {integrity}" for integrity, number in sorted(self.by_integrity.items()))


@dataclass(frozen=True)
class Report:
    """A report over batches, as the pipelines wrote it."""

    name: str
    at: datetime
    html: Path | None
    pdf: Path | None

    @property
    def run(self) -> str:
        """Dagster's id of the run, which the folder is named after."""
        return self.name.partition("-")[2]


def runs(workspace: Workspace, *, most: int = _MOST_RUNS) -> list[Run]:
    """The newest batches that have verdicts, the newest first."""
    base = workspace.path / "results" / "batches"
    found = sorted(((file.stat().st_mtime, str(file)) for file in base.glob("*/*/signatures.parquet")), reverse=True)
    return _counted(tuple(found[:most]), base)


@st.cache_data(max_entries=4, show_spinner=False)
def _counted(found: tuple[tuple[float, str], ...], base: Path) -> list[Run]:
    """Counted anew when a batch came or was made again."""
    if not found:
        return []
    files = [Path(name) for _, name in found]
    counted = _query(
        "SELECT filename, integrity, count(*) AS number FROM read_parquet(?, filename = true, union_by_name = true) "
        "GROUP BY filename, integrity",
        [[str(file) for file in files]],
    )
    numbers: dict[str, dict[str, int]] = {}
    for row in counted:
        numbers.setdefault(row["filename"], {})[str(row["integrity"])] = int(row["number"])
    return [
        Run(
            file.parent.relative_to(base).as_posix(),
            file,
            datetime.fromtimestamp(file.stat().st_mtime, UTC),
            sum(numbers.get(str(file), {}).values()),
            numbers.get(str(file), {}),
        )
        for file in files
    ]


def reports(workspace: Workspace, *, most: int = 100) -> list[Report]:
    """The newest reports, the newest first."""
    base = workspace.path / "results" / "reports"
    found = []
    for folder in sorted((path for path in base.glob("*") if path.is_dir()), reverse=True)[:most]:
        html, pdf = folder / "report.html", folder / "report.pdf"
        at = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        found.append(Report(folder.name, at, html if html.is_file() else None, pdf if pdf.is_file() else None))
    return found


def as_logged(workspace: Workspace, report: Report) -> dict[str, bool]:
    """By file name, whether the report's files are those whose SHA-256 an event `report.issued` of the audit log names."""
    from signing_core.bulk.report import issued  # not at the top: it loads what sets pages

    with reading(workspace.engine) as connection:
        named = [one["sha256"] for one in issued(connection) if one["run"] == report.run]
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() in [one.get(file.name) for one in named[-1:]]
        for file in (report.html, report.pdf)
        if file is not None
    }


def file_names(workspace: Workspace, evidence: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """By SHA-256, the names of the files that findings rest on and that are of no document of ours; the newest report has them."""
    wanted = {text.removeprefix("file ") for one in evidence for text in one if text.startswith("file ")}
    file = workspace.path / "results" / "exceptions.parquet"
    if not wanted or not file.is_file():
        return {}
    found = _query(
        "SELECT subject, files FROM read_parquet(?) WHERE list_contains(?, subject)", [str(file), list(wanted)]
    )
    return {row["subject"]: row["files"] for row in found}


def rows(run: Run, *, most: int = _MOST_ROWS) -> list[dict[str, Any]]:
    """Verdicts of a batch, those not intact first."""
    return _query(
        "SELECT path, integrity, indication, sub_indication, trust, registry, audit_log, document_id, sha256 "
        "FROM read_parquet(?) ORDER BY integrity = 'intact', path LIMIT ?",
        [str(run.path), most],
    )


def of_document(workspace: Workspace, document_id: str, *, most: int = 200) -> list[dict[str, Any]]:
    """Verdicts that runs gave on a document, the newest first: run, at, integrity, indication, sha256."""
    base = workspace.path / "results" / "batches"
    files = [str(file) for file in base.glob("*/*/signatures.parquet")]
    if not files:
        return []
    found = _query(
        'SELECT filename, "at", integrity, indication, sha256 '
        "FROM read_parquet(?, filename = true, union_by_name = true) "
        'WHERE document_id = ? ORDER BY "at" DESC LIMIT ?',
        [files, document_id, most],
    )
    return [{"run": Path(row.pop("filename")).parent.relative_to(base).as_posix(), **row} for row in found]


def compare(old: Run, new: Run, *, most: int = _MOST_ROWS) -> list[dict[str, Any]]:
    """Files whose verdict or content is another one, that came or that went, between two batches."""
    return _query(
        """
        SELECT coalesce(b.path, a.path) AS path, a.integrity AS before, b.integrity AS after,
               a.indication AS indication_before, b.indication AS indication_after,
               a.sha256 IS DISTINCT FROM b.sha256 AS other_content
        FROM read_parquet(?) a FULL JOIN read_parquet(?) b ON a.path = b.path
        WHERE a.integrity IS DISTINCT FROM b.integrity OR a.indication IS DISTINCT FROM b.indication
              OR a.sha256 IS DISTINCT FROM b.sha256
        ORDER BY 1 LIMIT ?
        """,
        [str(old.path), str(new.path), most],
    )


def _query(sql: str, values: list[Any]) -> list[dict[str, Any]]:
    import duckdb

    with duckdb.connect() as connection:
        try:
            answer = connection.execute(sql, values)
        except duckdb.Error as error:
            raise UsageError(t("These results cannot be read: {why}", why=str(error).splitlines()[0])) from None
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
