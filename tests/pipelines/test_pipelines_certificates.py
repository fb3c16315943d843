"""The bulk jobs through Dagster: configuration in, counts and reasons out."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pipeline_runs import Runs

from pipelines.defs import certificates
from signing_core.desk import sources, views
from signing_core.storage.workspace import Workspace


@pytest.fixture
def runs(completed: Any, tmp_path: Path, instance: dg.DagsterInstance) -> Runs:
    return Runs(Path(shutil.copytree(completed.folder, tmp_path / "workspace")), instance)


def metadata(runs: Runs, asset: Any, config: dg.Config | None = None) -> dict[str, Any]:
    name = asset.key.to_user_string()
    more = {"run_config": dg.RunConfig(ops={name: config})} if config else {}
    done = runs.materialize([asset], **more)
    assert done.success
    return {key: value.value for key, value in done.asset_materializations_for_node(name)[0].metadata.items()}


def test_creation_reports_bad_rows_and_makes_the_good_ones(
    blank_copy: Callable[..., Path], instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runs = Runs(blank_copy(), instance)
    with Workspace.open(runs.folder) as workspace:
        source = b"#let data = json(bytes(sys.inputs.data))\n= Lease of #data.fields.flat"
        sources.add_template(workspace, "lease", source, kind="typst", fields=["flat"])
    table = tmp_path / "leases.csv"
    table.write_text("client_name,client_contact,flat\nSample Client A,a@example.net,1a\nSample Client B,nobody,2b\n")
    config = certificates.Creation(
        table=str(table),
        template="lease",
        author="Sample Author",
        author_email="author@example.org",
        first_party="Sample Director",
        first_party_contact="director@example.org",
    )
    found = metadata(runs, certificates.created_documents, config)
    assert (found["documents"], found["made_now"], found["bad_rows"]) == (1, 1, 1)
    (bad,) = found["first_bad_rows"].records
    assert (bad.data["row"], bad.data["column"]) == ("3", "client_contact")
    assert metadata(runs, certificates.created_documents, config)["made_now"] == 0


def test_a_table_cannot_write_into_the_page_that_shows_its_bad_rows(
    blank_copy: Callable[..., Path], instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runs = Runs(blank_copy(), instance)
    with Workspace.open(runs.folder) as workspace:
        sources.add_template(workspace, "lease", b"= Lease", kind="typst", fields=["flat"])
    table = tmp_path / "leases.csv"
    link = "[log in](https://example.net) <img src=x> | `code`"
    table.write_text(f"client_name,client_contact,flat,<b>{link}\nSample Client A,a@example.net,1a,{link}\n")
    config = certificates.Creation(
        table=str(table),
        template="lease",
        author="Sample Author",
        author_email="author@example.org",
        first_party="Sample Director",
        first_party_contact="director@example.org",
    )
    found = metadata(runs, certificates.created_documents, config)
    assert found["bad_rows"] == 1
    assert isinstance(
        found["first_bad_rows"], dg.TableMetadataValue
    )  # plain texts, where Markdown would be links and pictures
    (bad,) = found["first_bad_rows"].records
    assert bad.data.keys() == {"row", "column", "cause"}


@pytest.mark.parametrize("place", ["row", "field", "language", "first party"])
def test_nothing_of_a_row_or_a_contact_is_in_the_events_of_a_run(
    blank_copy: Callable[..., Path], instance: dg.DagsterInstance, tmp_path: Path, place: str
) -> None:
    """They are kept by Dagster, where `sealtrail forget` reaches nothing."""
    wrong = "max.mustermann@exa;mple.de"
    runs = Runs(blank_copy(), instance)
    with Workspace.open(runs.folder) as workspace:
        field = {"name": "flat", "type": "integer"}
        sources.add_template(workspace, "lease", b"= Lease", kind="typst", fields=[field])
    table = tmp_path / "leases.csv"
    row = {"client_contact": "a@example.net", "flat": "1", "language": "en"}
    row |= {"row": {"client_contact": wrong}, "field": {"flat": wrong}, "language": {"language": wrong}}.get(place, {})
    table.write_text(f"client_name,{','.join(row)}\nMax Mustermann,{','.join(row.values())}\n")
    config = certificates.Creation(
        table=str(table),
        template="lease",
        author="Sample Author",
        author_email="author@example.org",
        first_party="Sample Director",
        first_party_contact=wrong if place == "first party" else "director@example.org",
    )
    done = runs.materialize(
        [certificates.created_documents], run_config=dg.RunConfig(ops={"created_documents": config})
    )
    assert done.success == (place != "first party")
    events = "\n".join(dg.serialize_value(event) for event in instance.all_logs(done.run_id))
    assert "created_documents" in events
    assert "mustermann" not in events.lower()
    if done.success:
        (bad,) = runs.results.folder.glob("created/*/bad_rows.csv")
        assert (wrong in bad.read_text()) == (place != "field")


def test_a_wrong_table_is_not_tried_again(runs: Runs, tmp_path: Path) -> None:
    config = certificates.Creation(
        table=str(tmp_path / "none.csv"), template="lease", author="Sample Author", author_email="author@example.org"
    )
    done = runs.materialize(
        [certificates.created_documents], run_config=dg.RunConfig(ops={"created_documents": config})
    )
    assert not done.success
    kinds = [event.event_type_value for event in done.all_events]
    assert "STEP_UP_FOR_RETRY" not in kinds


def test_a_reissue_of_nothing_is_wrong_and_not_tried_again(runs: Runs) -> None:
    config = dg.RunConfig(ops={"reissued_documents": certificates.Reissue(documents=[])})
    done = runs.materialize([certificates.reissued_documents], run_config=config)
    assert not done.success
    assert "STEP_UP_FOR_RETRY" not in [event.event_type_value for event in done.all_events]
    (failed,) = [event for event in done.all_events if event.event_type_value == "STEP_FAILURE"]
    assert "The list of documents is empty" in str(failed.step_failure_data.user_failure_data)


def test_reissue_sealing_and_renewal(runs: Runs, completed: Any) -> None:
    config = certificates.Reissue(documents=[completed.document_id, "0" * 26])
    found = metadata(runs, certificates.reissued_documents, config)
    assert (found["reissued"], found["made_now"], found["failed"]) == (1, 1, 1)
    assert metadata(runs, certificates.reissued_documents, config)["made_now"] == 0
    with Workspace.open(runs.folder) as workspace:
        successor = found["successors"][completed.document_id]
        assert views.status(workspace, successor)["supersedes"] == completed.document_id
    assert metadata(runs, certificates.sealed_documents)["completed"] == 0
    with Workspace.open(runs.folder) as workspace:
        ring = workspace.keys()
        before = ring.time_stamp_authority.certificate.not_valid_after_utc
        while ring.time_stamp_authority.certificate.not_valid_after_utc <= before:
            time.sleep(0.2)  # X.509 certificates know whole seconds
            ring.renew("time-stamp")
    found = metadata(runs, certificates.renewed_time_stamps, certificates.Renewal(before_days=36_500))
    assert found["renewed"] == 1
    assert found["failed"] == 0
