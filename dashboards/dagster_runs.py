"""Starting and seeing runs through Dagster's GraphQL interface."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from dashboards.words import t
from signing_core.errors import UsageError

VARIABLE: Final = "SEALTRAIL_DAGSTER"
"""Base address of Dagster's web server, such as http://localhost:3000."""
_SECONDS: Final = 10.0

_JOBS: Final = """
{ repositoriesOrError { ... on RepositoryConnection { nodes {
  name location { name } jobs { name description
    partitionKeysOrError(limit: 200, reverse: true) { ... on PartitionKeys { partitionKeys } } } } } ... on PythonError { message } } }
"""
_RUNS: Final = """
query($limit: Int!) { runsOrError(limit: $limit) { ... on Runs { results {
  runId jobName status startTime endTime } } ... on PythonError { message } } }
"""
_LAUNCH: Final = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }
"""


@dataclass(frozen=True)
class Job:
    repository: str
    location: str
    name: str
    description: str
    partitions: tuple[str, ...]
    """The newest batches it can be run for; empty when it is not run by batch, or there is none."""


@dataclass(frozen=True)
class Started:
    run_id: str
    job: str
    status: str
    started_at: datetime | None
    ended_at: datetime | None


def address() -> str:
    return (os.environ.get(VARIABLE) or "http://localhost:3000").rstrip("/")


def jobs() -> list[Job]:
    """The jobs that can be started. Raises `UsageError` when Dagster does not answer."""
    answer = _ask(_JOBS, {})["repositoriesOrError"]
    return [
        Job(
            node["name"],
            node["location"]["name"],
            job["name"],
            job["description"] or "",
            tuple(job["partitionKeysOrError"].get("partitionKeys", ())),
        )
        for node in answer.get("nodes", ())
        for job in node["jobs"]
        if not job["name"].startswith("__")
    ]


def latest(limit: int = 10) -> list[Started]:
    """The newest runs. Raises `UsageError`."""
    answer = _ask(_RUNS, {"limit": limit})["runsOrError"]
    return [
        Started(run["runId"], run["jobName"], run["status"].lower(), _time(run["startTime"]), _time(run["endTime"]))
        for run in answer.get("results", ())
    ]


def start(job: Job, *, partition: str | None = None, tags: dict[str, str] | None = None) -> str:
    """Start a run, of a batch where the job is run by batch; returns its id. Raises `UsageError` saying why it could not be started."""
    selector = {"repositoryName": job.repository, "repositoryLocationName": job.location, "pipelineName": job.name}
    given = {**(tags or {}), **({"dagster/partition": partition} if partition else {})}
    held = [{"key": key, "value": value} for key, value in given.items()]
    params = {"selector": selector, "mode": "default", "executionMetadata": {"tags": held}}
    answer = _ask(_LAUNCH, {"params": params})["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        why = (
            answer.get("message")
            or "; ".join(one["message"] for one in answer.get("errors", ()))
            or answer["__typename"]
        )
        raise UsageError(t("Dagster did not start {job}: {why}", job=job.name, why=why.splitlines()[0]))
    return str(answer["run"]["runId"])


def _ask(query: str, variables: dict[str, Any]) -> dict[str, Any]:
    url = f"{address()}/graphql"
    try:
        answer = httpx.post(url, json={"query": query, "variables": variables}, timeout=_SECONDS)
        answer.raise_for_status()
        content: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        raise UsageError(
            t(
                "Dagster does not answer at {address}; start it with `make pipelines`, or set {variable} to its address.",
                address=address(),
                variable=VARIABLE,
            )
        ) from None
    if content.get("errors"):
        raise UsageError(t("Dagster refused the question: {why}", why=content["errors"][0].get("message", "")))
    data: dict[str, Any] = content["data"]
    return data


def _time(value: float | None) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if value else None
