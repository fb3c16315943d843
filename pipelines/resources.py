"""The workspace and what lies around it, opened for the length of a step."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow as pa
from pydantic import Field

from pipelines import alive, places
from signing_core import policy as policies
from signing_core.bulk.checks import Bounds
from signing_core.bulk.ledger import Ledger, Size
from signing_core.bulk.one_by_one import OF_THE_MACHINE
from signing_core.bulk.results import Results
from signing_core.bulk.signatures import Work
from signing_core.bulk.watched import Watched
from signing_core.errors import LogInconsistent, SealtrailError, UsageError, WorkspaceMissing
from signing_core.storage.durable import make_folder
from signing_core.storage.workspace import Workspace

_NOT_TO_BE_RETRIED = (UsageError, WorkspaceMissing, LogInconsistent)
_OF_THE_MACHINE = (*OF_THE_MACHINE, duckdb.Error, pa.ArrowException)
"""And a file of results that a disk has damaged."""


@dataclass(frozen=True)
class Opened:
    workspace: Workspace
    results: Results
    ledger: Ledger
    watched: Watched
    work: Work
    bounds: Bounds


class Sealtrail(dg.ConfigurableResource):
    """Where the workspace is and how its documents are judged. Everything has a default."""

    workspace: str = Field("", description="Folder of the workspace; SEALTRAIL_WORKSPACE, then the sample workspace.")
    inbox: str = Field(
        "", description="Watched folder or fsspec URL; SEALTRAIL_INBOX, then the folder `inbox` of the workspace."
    )
    dashboard: str = Field("", description="Address of the dashboard; SEALTRAIL_DASHBOARD, then http://localhost:8501.")
    policy: str = Field("", description="File of the policy; the built-in one without it.")
    jobs: int = Field(0, ge=0, description="Processes that judge a batch; one for each processor when 0.")
    settle_seconds: float = Field(2, ge=0, description="Files written to more recently are left for the next time.")
    largest_batch: int = Field(5_000, ge=1, le=5_000)
    small_batch: int = Field(500, ge=0, description="A batch of fewer is open for more until its month is over.")
    gather_minutes: float = Field(60, ge=0, description="Completed documents wait this long for others.")
    patience_minutes: float = Field(
        1, ge=0, description="New files wait this long after the last, for each time that some came in the last hour."
    )
    judge_again_after_days: float = Field(
        30, gt=0, description="Even unchanged files are judged again after this time."
    )
    failed_share: float = Field(0.2, gt=0, le=1, description="A batch in which more than this fails is stopped ...")
    failed_fewest: int = Field(50, ge=1, description="... when it has at least so many documents.")

    @property
    def path(self) -> Path:
        return Path(self.workspace).absolute() if self.workspace else places.workspace_path()

    @property
    def size(self) -> Size:
        return Size(self.largest_batch, self.small_batch)

    @property
    def dashboard_url(self) -> str:
        return self.dashboard or os.environ.get("SEALTRAIL_DASHBOARD") or "http://localhost:8501"

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Sealtrail"]:
        """A run is known to be alive as long as it has this; a sensor or a schedule is no run."""
        if context.run is None or context.instance is None:
            yield self
        else:
            with alive.held(context.instance, context.run.run_id):
                yield self

    @contextmanager
    def open(self) -> Iterator[Opened]:
        """Raises `dagster.Failure` for what another try cannot mend; everything else is left to the retry policy."""
        # Processes that judge start from a server that has loaded the verifier once.
        multiprocessing.set_forkserver_preload(["signing_core.verification.document"])
        try:
            with Workspace.open(self.path) as workspace:
                results = Results(workspace.path / "results")
                with Ledger(results.folder / "intake.sqlite") as ledger:
                    yield Opened(workspace, results, ledger, self._watched(workspace), self._work(), self._bounds())
        except _NOT_TO_BE_RETRIED as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        except SealtrailError as error:
            raise RuntimeError(str(error)) from error
        except _OF_THE_MACHINE as error:
            raise RuntimeError(_said(error, self.path)) from error

    def _watched(self, workspace: Workspace) -> Watched:
        url = self.inbox or os.environ.get("SEALTRAIL_INBOX")
        if not url:
            # A place that somebody named has to be there; this one has only to be found.
            url = str(workspace.path / "inbox")
            if not Path(url).exists():
                make_folder(Path(url))
        return Watched(url, timedelta(seconds=self.settle_seconds))

    def _work(self) -> Work:
        policy = policies.load(Path(self.policy)) if self.policy else policies.Policy()
        jobs = self.jobs or os.cpu_count() or 1
        return Work(policy, jobs=jobs, oldest=timedelta(days=self.judge_again_after_days))

    def _bounds(self) -> Bounds:
        return Bounds(self.failed_share, self.failed_fewest)


def _said(error: Exception, workspace: Path) -> str:
    """One sentence: where, what, and the way on. Whatever was written is whole, and the next run goes on from there."""
    where = getattr(error, "filename", None) or workspace
    what = getattr(error, "strerror", None) or getattr(error, "orig", None) or str(error) or type(error).__name__
    return f"{where}: {' '.join(str(what).split())}; check the path, its rights and the free space, and run it again."
