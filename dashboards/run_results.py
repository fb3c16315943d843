"""Results of runs, as the pipelines leave them: one folder of Parquet files for each run, read with DuckDB."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from signing_core.errors import UsageError
from signing_core.storage.workspace import Workspace

VARIABLE: Final = "SEALTRAIL_RESULTS"
"""Where the results are; by default the folder `results` of the workspace."""
_MOST_ROWS: Final = 1_000


@dataclass(frozen=True)
class Run:
    """The results of one run: one Parquet file, or a folder of them."""

    name: str
    path: Path
    at: datetime
    documents: int
    by_integrity: dict[str, int]

    @property
    def summary(self) -> str:
        return ", ".join(f"{number} {integrity}" for integrity, number in sorted(self.by_integrity.items()))


def folder(workspace: Workspace) -> Path:
    return Path(os.environ.get(VARIABLE) or workspace.path / "results")


def runs(workspace: Workspace) -> list[Run]:
    """The runs that have verdicts, the newest first."""
    base = folder(workspace)
    if not base.is_dir():
        return []
    found = [run for path in sorted(base.iterdir()) if (run := _run(path)) is not None]
    return sorted(found, key=lambda run: run.at, reverse=True)


def rows(run: Run, *, integrity: str | None = None, most: int = _MOST_ROWS) -> list[dict[str, Any]]:
    """Verdicts of a run, those not intact first."""
    where = "WHERE integrity = ?" if integrity else ""
    sql = f"""
        SELECT * FROM read_parquet(?, union_by_name = true) {where}
        ORDER BY integrity = 'intact', path LIMIT {int(most)}
    """  # noqa: S608  nothing in it comes from outside
    return _query(sql, [_files(run.path), *([integrity] if integrity else [])])


def compare(old: Run, new: Run, *, most: int = _MOST_ROWS) -> list[dict[str, Any]]:
    """Files whose verdict is another one, that came or that went, between two runs."""
    sql = f"""
        SELECT coalesce(b.path, a.path) AS path, a.integrity AS before, b.integrity AS after,
               a.indication AS indication_before, b.indication AS indication_after, a.sha256 IS DISTINCT FROM b.sha256 AS other_file
        FROM read_parquet(?, union_by_name = true) a
        FULL JOIN read_parquet(?, union_by_name = true) b ON a.path = b.path
        WHERE a.integrity IS DISTINCT FROM b.integrity OR a.indication IS DISTINCT FROM b.indication
              OR a.sha256 IS DISTINCT FROM b.sha256
        ORDER BY path LIMIT {int(most)}
    """  # noqa: S608  nothing in it comes from outside
    return _query(sql, [_files(old.path), _files(new.path)])


def _run(path: Path) -> Run | None:
    files = _files(path)
    if not files:
        return None
    try:
        counted = _query(
            "SELECT integrity, count(*) AS number FROM read_parquet(?, union_by_name = true) GROUP BY integrity", [files]
        )
    except UsageError:
        return None  # other results of a pipeline than verdicts
    by_integrity = {str(row["integrity"]): int(row["number"]) for row in counted}
    at = datetime.fromtimestamp(max(Path(file).stat().st_mtime for file in files), UTC)
    return Run(re.sub(r"\.parquet$", "", path.name), path, at, sum(by_integrity.values()), by_integrity)


def _files(path: Path) -> list[str]:
    if path.is_file():
        return [str(path)] if path.suffix == ".parquet" else []
    return sorted(str(file) for file in path.rglob("*.parquet"))


def _query(sql: str, values: list[Any]) -> list[dict[str, Any]]:
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_external_access = true")
        try:
            answer = connection.execute(sql, values)
        except duckdb.Error as error:
            raise UsageError(f"These results cannot be read as verdicts: {str(error).splitlines()[0]}") from None
        names = [column[0] for column in answer.description or ()]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
