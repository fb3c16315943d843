"""Files that nobody here wrote, held against what independent sources say of them."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing_core.verdict import DocumentVerdict
from signing_core.verification.batch import Limits, Rules, verify_many

CORPUS = Path(__file__).parents[4] / "shared/corpus/signed"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of foreign files is not beside the project"),
]
HONEST_AT_LEAST, CAUGHT_AT_LEAST = 95, 23


@pytest.fixture(scope="module")
def judged() -> list[tuple[dict[str, str], DocumentVerdict]]:
    with (CORPUS / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    rules = Rules(datetime(2026, 11, 25, tzinfo=UTC))
    verdicts = verify_many([CORPUS / row["file"] for row in rows], rules, jobs=2, limits=Limits(seconds=60))
    return list(zip(rows, verdicts, strict=True))


def test_no_forged_or_broken_file_is_called_intact_or_unsigned(judged) -> None:
    wrong = [r["file"] for r, v in judged if r["expect_doc"] == "reject" and v.integrity in ("intact", "unsigned")]
    assert wrong == []


def test_honest_files_are_called_intact(judged) -> None:
    intact = [r["file"] for r, v in judged if r["expect_doc"] == "accept" and v.integrity == "intact"]
    assert len(intact) >= HONEST_AT_LEAST


def test_forged_files_are_called_altered_and_not_merely_open(judged) -> None:
    altered = [r["file"] for r, v in judged if r["expect_doc"] == "reject" and v.integrity == "altered"]
    assert len(altered) >= CAUGHT_AT_LEAST


def test_every_file_has_an_answer_without_a_fault_of_ours(judged) -> None:
    faults = {
        r["file"]: f.code
        for r, v in judged
        for f in (*v.findings, *(f for s in v.signatures for f in s.findings))
        if f.code in ("internal-error", "worker-died", "limit-exceeded")
    }
    assert faults == {}


def test_unsigned_files_are_not_called_signed(judged) -> None:
    signed = [
        r["file"] for r, v in judged if r["expect_doc"] == "none" and any(s.kind == "signature" for s in v.signatures)
    ]
    assert signed == []


def test_signature_counts(judged) -> None:
    wrong = []
    for row, verdict in judged:
        wanted = row["expect_n_signatures"]
        count = sum(s.kind == "signature" for s in verdict.signatures)
        if wanted.isdigit() and row["expect_doc"] in ("accept", "reject") and count != int(wanted):
            wrong.append((row["file"], count, wanted))
    assert wrong == []
