"""The audit notebooks: paired, without outputs, and run on a seeded workspace whose planted defects they have to find."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import pytest
from notebook_runs import Ran
from seeded import ARCHIVE, Seeded

from signing_core import Workspace, frames, sampling
from signing_core.auditing import notebooks

FOLDER = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(file.stem for file in FOLDER.glob("*.ipynb"))


def test_there_are_six_and_the_command_knows_them() -> None:
    assert len(NAMES) == 6
    assert sorted(notebooks.available()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_no_output_is_stored_and_the_script_says_the_same(name: str) -> None:
    notebook = jupytext.read(FOLDER / f"{name}.ipynb")
    script = jupytext.read(FOLDER / f"{name}.py")
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook.cells)
    told = [
        [(cell.cell_type, cell.source, cell.metadata.get("tags")) for cell in one.cells] for one in (notebook, script)
    ]
    assert told[0] == told[1], f"run `jupytext --sync notebooks/{name}.py`"


def query(folder: Path, sql: str) -> list[Any]:
    with sqlite3.connect(f"file:{folder / 'database.sqlite'}?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.slow
def test_the_whole_archive_has_the_planted_exceptions_and_no_other(
    seeded: Seeded, seeded_copy: Callable[[], Path]
) -> None:
    """As the command runs it: executed copy in the object store, its hash in the audit log."""
    folder = seeded_copy()
    program = [sys.executable, "-c", "from signing_core.cli import main; main()"]
    command = [*program, "audit", "notebook", "monthly_archive", "-p", "month", "all", "--json", "-w", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    said = json.loads(done.stdout)
    figures = said["conclusion"]["figures"]
    assert figures["completed"] == query(folder, "SELECT count(*) FROM documents WHERE status = 'completed'")[0][0]
    assert set(figures["documents_with_exceptions"]) == {seeded.document(kind) for kind in ARCHIVE}
    assert set(ARCHIVE.values()) <= set(figures["codes"])
    assert figures["registry_and_log_differ"] == 0
    assert figures["log_errors"] > 0
    with Workspace.open(folder) as workspace:
        kept = workspace.objects.get(said["sha256"])
        runs = frames.runs(workspace)
    assert notebooks.conclusion_of(kept) == said["conclusion"]
    assert runs["sha256"].tolist() == [said["sha256"]]
    assert runs["run"].notna().all()
    assert not runs["in_order"].any()
    assert b"example.net" not in kept
    assert b"Sample Client" not in kept


@pytest.mark.slow
def test_a_month_has_what_was_planted_in_it(ran: Ran, seeded: Seeded) -> None:
    workspace, found = ran.workspace, ran.conclusions
    figures = found["monthly_archive"]["figures"]
    with Workspace.open(workspace) as opened:
        since, until = frames.period(figures["month"], opened.zone)
        completed = frames.documents(opened, since=since, until=until, completed=True)
        begun = frames.documents(opened, since=since, until=until)
    inside = {*completed["document_id"], *begun["document_id"]}
    assert figures["completed"] == len(completed)
    assert set(figures["documents_with_exceptions"]) == {seeded.document(kind) for kind in ARCHIVE} & inside


@pytest.mark.slow
def test_the_contested_document_is_the_changed_one(ran: Ran, seeded: Seeded) -> None:
    conclusion = ran.conclusions["contested_document"]
    figures = conclusion["figures"]
    assert not conclusion["in_order"]
    assert figures["document"] == seeded.document("changed-byte")
    assert figures["integrity"] == "altered"
    assert "kept file final" in figures["differing"]
    assert all("event" not in what or "stored file" in what for what in figures["differing"])
    assert figures["trail_in_order"]
    assert figures["events_proven"] == figures["events"]


@pytest.mark.slow
def test_the_sample_is_projected(ran: Ran, seeded: Seeded) -> None:
    workspace, found = ran.workspace, ran.conclusions
    figures = found["attribute_sampling"]["figures"]
    archive = [row[0] for row in query(workspace, "SELECT id FROM documents WHERE status = 'completed'")]
    planted = {seeded.document(kind) for kind in ARCHIVE} & set(archive)
    assert figures["population"] == len(archive)
    assert figures["tables_agree"]
    assert figures["chosen"] == sampling.select(archive, figures["sample"], figures["seed"])
    assert set(figures["deviating"]) == planted & set(figures["chosen"])
    result = sampling.evaluate(figures["sample"], figures["deviations"], population=len(archive))
    assert figures["at_most"] == result.at_most
    assert found["attribute_sampling"]["in_order"] == (result.upper_limit <= 0.10)


@pytest.mark.slow
def test_the_evidence_pack_holds_alone(ran: Ran) -> None:
    conclusion = ran.conclusions["evidence_pack"]
    assert conclusion["in_order"], conclusion
    figures = conclusion["figures"]
    assert figures["checks"] >= 10
    assert figures["events_included"] == figures["events"] > 10
    source = (FOLDER / "evidence_pack.py").read_text()
    assert "\nimport signing_core" not in source
    assert "\nfrom signing_core" not in source


@pytest.mark.slow
def test_the_scans_are_sorted_into_known_and_others(ran: Ran, seeded: Seeded) -> None:
    figures = ran.conclusions["paper_scans"]["figures"]
    assert not figures["samples"]
    assert figures["files"] == 9
    # The code on a swapped page is genuine, of the document it was taken from: paper alone cannot show the swap.
    assert figures["in_order"] == [
        f"{kind}.png" for kind in ("blur", "fax", "jpeg", "perspective", "rotation", "swapped")
    ]
    assert figures["not_in_order"] == {
        "blank.png": ["nothing read"], "no-picture.txt": ["nothing read"], "other-company.png": ["unknown-key"],
    }  # fmt: skip
    assert seeded.document("same-contact-twice") in figures["documents"]
    assert seeded.document("swapped-certificate-page") not in figures["documents"]


@pytest.mark.slow
def test_times_and_codes_are_those_of_the_database(ran: Ran) -> None:
    workspace, found = ran.workspace, ran.conclusions
    figures = found["signing_times"]["figures"]
    assert figures["documents"] == query(workspace, "SELECT count(*) FROM documents")[0][0]
    assert figures["statuses"] == dict(query(workspace, "SELECT status, count(*) FROM documents GROUP BY 1"))
    assert figures["steps"]["completed"] == figures["statuses"]["completed"]
    assert (
        figures["codes_wrong"] == query(workspace, "SELECT count(*) FROM audit_events WHERE type = 'code.wrong'")[0][0]
    )
    states = [json.loads(state) for (state,) in query(workspace, "SELECT state FROM documents")]
    signed = [state[key] for state in states for key in ("first_party", "client") if state[key].get("signed")]
    assert figures["signatures"] == len(signed)


@pytest.mark.slow
def test_with_no_photos_the_scans_are_samples_and_the_conclusion_says_so(
    seeded_copy: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Workspace.open(seeded_copy()) as workspace:
        conclusion = notebooks.run(workspace, "paper_scans", {}).conclusion
    assert conclusion["figures"]["samples"]
    assert conclusion["figures"]["files"] == 18
    assert "SAMPLE photos" in conclusion["statement"]
    assert conclusion["in_order"], conclusion


@pytest.mark.slow
@pytest.mark.parametrize("name", ["monthly_archive", "signing_times"])
def test_a_month_without_any_document_has_a_conclusion_too(
    name: str, seeded_copy: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Workspace.open(seeded_copy()) as workspace:
        conclusion = notebooks.run(workspace, name, {"month": "2019-01"}).conclusion
    assert conclusion["statement"].startswith(("0 documents were completed", "0 of 0 documents were completed"))
    json.dumps(conclusion, allow_nan=False)
    # The log is judged as a whole, whatever the month.
    assert conclusion["figures"].get("criteria_not_met", ["5"]) == ["5"]


@pytest.mark.parametrize("name", NAMES)
def test_plots_have_words_and_prose_comes_before_every_section(name: str) -> None:
    """Pictures through `Picture`, which asks for an alternative text; a table through `frames.listing`, which cuts nothing off."""
    notebook = jupytext.read(FOLDER / f"{name}.ipynb")
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert "pyplot" not in code
    assert code.count("Picture.of(") == code.count("alt=")
    assert notebook.cells[0].source.startswith("# ")
    assert all(f"**{word}.**" in notebook.cells[0].source for word in ("Question", "Criteria", "Procedure"))
    assert "## Conclusion" in notebook.cells[-2].source or "## Conclusion" in notebook.cells[-3].source


def test_the_pictures_of_the_page_are_there() -> None:
    docs = FOLDER.parent / "docs"
    named = re.findall(r"images/notebooks/[a-z-]+\.png", (docs / "notebooks.md").read_text())
    assert len(set(named)) == 7
    assert {f"images/notebooks/{file.name}" for file in (docs / "images" / "notebooks").iterdir()} == set(named)
