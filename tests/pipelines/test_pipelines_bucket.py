"""A bucket is watched like a folder: over HTTP, from an object server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import s3fs
from moto.server import ThreadedMotoServer
from pipeline_runs import Runs

from signing_core.bulk.results import rows_of
from signing_core.testing import contract


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An empty bucket `arrivals`; the environment names its server, as it would in production."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sample")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sample")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    s3fs.S3FileSystem.clear_instance_cache()
    system = s3fs.S3FileSystem()
    system.call_s3("create_bucket", Bucket="arrivals", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    try:
        yield system
    finally:
        s3fs.S3FileSystem.clear_instance_cache()
        server.stop()


def test_what_is_put_into_a_bucket_becomes_verdicts(
    bucket: Any, blank_copy: Callable[..., Path], instance: dg.DagsterInstance, completed: Any
) -> None:
    runs = Runs(blank_copy(), instance, inbox="s3://arrivals/signed")
    assert runs.tick() == []  # nothing there yet, not even the folder
    bucket.pipe("arrivals/signed/2026/agreement.pdf", completed.final)
    bucket.pipe("arrivals/signed/2026/agreement again.pdf", completed.final)
    bucket.pipe("arrivals/signed/letter ü.pdf", contract(1, text="Sample letter"))
    bucket.pipe("arrivals/signed/notes.txt", b"no PDF")
    bucket.pipe("arrivals/elsewhere.pdf", contract(1))
    (first,) = runs.tick()
    assert runs.tick() == []
    assert runs.batch(first).success
    inventory = rows_of(runs.results.of(first, "inventory"))
    assert [row["name"] for row in inventory] == ["2026/agreement again.pdf", "2026/agreement.pdf", "letter ü.pdf"]
    assert len({row["sha256"] for row in inventory}) == 2
    verdicts = sorted(row["integrity"] for row in rows_of(runs.results.of(first, "signatures")))
    assert verdicts == ["intact", "unsigned"]

    bucket.pipe("arrivals/signed/letter ü.pdf", contract(1, text="Another sample letter"))
    assert runs.tick() == [first]
    bucket.rm("arrivals/signed/letter ü.pdf")
    assert runs.batch(first).success
    states = {row["name"]: row["state"] for row in rows_of(runs.results.of(first, "inventory"))}
    assert [name for name, state in states.items() if state == "missing"] == ["letter ü.pdf"]
