"""One exception for each document or file, named after the gravest of what was found, and shown without being obeyed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from signing_core.bulk import file_cases, inventory, report, results, signatures
from signing_core.bulk.exceptions import Case, Cases
from signing_core.bulk.ledger import Ledger
from signing_core.bulk.results import Results
from signing_core.bulk.watched import Watched
from signing_core.controls import CATALOGUE, ControlFinding
from signing_core.errors import UsageError
from signing_core.findings import Standing, key_of
from signing_core.storage.workspace import Workspace
from signing_core.testing import contract
from signing_core.verdict import Finding


def test_one_case_for_each_subject_named_after_the_gravest() -> None:
    cases = Cases()
    cases.add("D1", "log-disagrees", "The audit log says: missing.", document_id="D1", batch="b1")
    cases.add("D1", "stored-file-changed", "The object hashes to another value.", document_id="D1", batch="b2")
    cases.add("D1", "stored-file-changed", "The object hashes to another value.", document_id="D1", batch="b2")
    cases.add("F1", "duplicate-file", "2 files are the same.", files=["a.pdf", "b.pdf"])
    first, second = cases.sorted({})
    assert (first.subject, first.code, first.batches) == ("D1", "stored-file-changed", ["b1", "b2"])
    assert first.codes == ["log-disagrees", "stored-file-changed"]
    assert (second.code, second.severity) == ("duplicate-file", "warning")


def test_a_finding_was_looked_for_when_the_newest_results_that_have_it_were_made() -> None:
    cases = Cases()
    night, week = datetime(2026, 11, 25, 2, tzinfo=UTC), datetime(2026, 11, 22, 1, tzinfo=UTC)
    cases.made_at |= {"b1": night, "audit_log": week}
    both = {"code": "event-changed", "message": "Event 7 is changed.", "document_id": "D1", "evidence": ["event 7"]}
    cases.add("D1", **both, batch="b1")
    cases.add("D1", **both, source="audit_log")
    cases.add("audit-log", "log-inconsistent", "Another root.", evidence=["log checkpoint-root 9"], source="audit_log")
    assert [cases.looked_at(one) for one in cases.findings()] == [night, week]


@pytest.mark.parametrize(
    ("stands", "shown", "last"),
    [
        ("accepted", "accepted", True),
        ("false-alarm", "false-alarm", True),
        ("proposed", "proposed", False),  # a second person has not agreed yet
        ("fixed", "open", False),  # what is still found is not fixed
    ],
)
def test_what_stands_about_its_findings_settles_a_case(stands: Standing, shown: str, last: bool) -> None:
    cases = Cases()
    cases.add("D1", "stuck", "The document has been in sealing since yesterday.", document_id="D1")
    cases.add("D2", "completed-not-mailed", "The finished document has not reached the client.", document_id="D2")
    found = cases.sorted({key_of(one): stands for one in cases.findings() if one.code == "stuck"})
    assert {case.subject: case.disposition for case in found} == {"D1": shown, "D2": "open"}
    assert (found[-1].subject == "D1") is last


def test_a_case_is_settled_when_all_that_counts_of_it_is() -> None:
    cases = Cases()
    cases.add("D1", "stored-file-changed", "It hashes to another value.", document_id="D1", evidence=["object a"])
    cases.add("D1", "parties-share-ip", "Both consents came from one IP address.", document_id="D1")
    cases.add("D1", "parties-share-device", "With the same device.", document_id="D1")  # a remark
    first, second, _ = cases.findings()
    (case,) = cases.sorted({key_of(first): "accepted"})
    assert not case.settled
    (case,) = cases.sorted({key_of(first): "accepted", key_of(second): "false-alarm"})
    assert (case.settled, case.disposition) == (True, "accepted")


def test_a_mere_remark_is_no_exception() -> None:
    cases = Cases()
    cases.add("D1", "parties-share-device", "Both consents came with the same device.", document_id="D1")
    assert cases.sorted({}) == []
    assert len(list(cases.findings())) == 1  # it is on the work list


def verdict(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "integrity": "intact",
        "indication": "INDETERMINATE",
        "sub_indication": None,
        "encrypted": False,
        "trust": "trusted",
        "findings": [],
        "signatures": [{"intact": True, "changes": "permitted", "findings": []}],
        "certificate": {"present": False, "sealed_by_us": None, "qr": "absent", "prefix": "not-checked"},
    }
    return good | changes


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"integrity": "unsigned", "indication": None}, "file-unsigned"),
        ({"integrity": "indeterminate", "encrypted": True}, "file-encrypted"),
        ({"trust": "untrusted"}, "file-foreign"),
        ({"sub_indication": "NO_CERTIFICATE_CHAIN_FOUND"}, "file-foreign"),
        ({"integrity": "altered", "trust": "untrusted"}, "file-foreign"),  # whole, under somebody else's seal
        (
            {"integrity": "altered", "trust": "untrusted", "signatures": [{"intact": False, "changes": "none"}]},
            "file-altered",
        ),
        ({"integrity": "altered", "signatures": [{"intact": True, "changes": "forbidden"}]}, "file-altered"),
        ({"sub_indication": "REVOKED"}, "file-revoked-certificate"),
        ({"sub_indication": "REVOKED_NO_POE"}, "file-revoked-certificate"),
        ({"sub_indication": "OUT_OF_BOUNDS_NO_POE"}, "file-expired-certificate"),
        ({"sub_indication": "EXPIRED"}, "file-expired-certificate"),
        ({"sub_indication": "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"}, "file-not-judged"),
    ],
)
def test_a_verdict_is_called_by_its_cause(changes: dict[str, Any], code: str) -> None:
    assert file_cases.code_of(verdict(**changes)) == code


def test_a_verdict_in_a_line_says_the_reason_first() -> None:
    registry = Finding("registry-mismatch", "error", "The registry knows another content.").to_json()
    page = Finding("change-page-content", "error", "Page 1 was changed.", None, 6, 1).to_json()
    weak = Finding("algorithm-weak", "warning", "SHA-1.").to_json()
    row = verdict(
        integrity="altered", findings=[weak, registry], signatures=[{"findings": [page]}, {"findings": [page]}]
    )
    assert file_cases.said(row).endswith(" Page 1 was changed. The registry knows another content.")


def test_every_code_says_what_to_do() -> None:
    for kind in CATALOGUE.values():
        assert kind.meaning.endswith(".")
        assert kind.action.endswith(".")


def test_keys_of_batches_cannot_lead_elsewhere(tmp_path: Path) -> None:
    for key in ("../../etc", "2026-11-25/inbox-1/..", "2026-11-25/other-001", "x/inbox-001"):
        with pytest.raises(UsageError, match="not the key of a batch"):
            Results(tmp_path).batch(key)


def test_a_hostile_file_name_is_only_ever_text(blank_copy: Callable[..., Path]) -> None:
    name = 'x"><script>alert(1)<\u200f#strong[|*_\x01\n\U0001f600\U00013000.pdf'
    folder = blank_copy()
    (folder / "inbox").mkdir()
    (folder / "inbox" / name.replace("/", "")).write_bytes(contract(1))
    store, watched = Results(folder / "results"), Watched(str(folder / "inbox"))
    with Workspace.open(folder) as workspace, Ledger(store.folder / "intake.sqlite") as ledger:
        from signing_core.bulk import certificates, intake, reconciling, registry

        (batch,) = intake.take_in(workspace, ledger, Watched(watched.url, watched.settled * 0))
        inventory.make(workspace, store, ledger, watched, batch.key)
        signatures.make(workspace, store, watched, batch.key, signatures.Work())
        certificates.make(store, batch.key)
        registry.make(workspace, store, batch.key)
        reconciling.make(workspace, store, batch.key)
        made = report.make(workspace, store, ledger, run_id="test-run")
        assert [case.files for case in made.cases] == [[name]]
        assert "<script" not in made.html.read_text()
        assert r"\u200f#strong[|*_\x01\n" in made.html.read_text()
        assert made.pdf.read_bytes().startswith(b"%PDF")
        again = report.make(workspace, store, ledger, run_id="test-run")
    assert again.folder == made.folder
    assert results.context_of(store.folder / "exceptions.parquet")["run"] == "test-run"


def test_the_report_speaks_german(blank_copy: Callable[..., Path]) -> None:
    folder = blank_copy()
    settings = folder / "sealtrail.toml"
    settings.write_text('language = "de"\n' + settings.read_text())
    with Workspace.open(folder) as workspace, Ledger(folder / "results" / "intake.sqlite") as ledger:
        made = report.make(workspace, Results(folder / "results"), ledger, run_id="leer")
    assert "Nichts braucht Aufmerksamkeit" in made.html.read_text()


def test_a_case_lists_its_evidence_once() -> None:
    found = [ControlFinding("stuck", "D1", message, ("event 3",)) for message in ("It waits.", "It waits still.")]
    case = Case("D1", findings=found)
    assert case.row()["evidence"] == ["event 3"]
