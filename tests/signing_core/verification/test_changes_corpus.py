"""Coverage and changes of the foreign files in ../shared/corpus, where they are beside the project."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from signing_core.pdf.revisions import FileStructure, parse
from signing_core.pdf.structure.mentions import ParsedMentions, ScannedMentions
from signing_core.verification.changes import ChangeLevel, since
from signing_core.verification.changes.analysis import compare
from signing_core.verification.changes.pair import Pair

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "signed"
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not (CORPUS / "manifest.csv").is_file(), reason="the corpus of foreign files is not there"),
]


def rows() -> list[dict[str, str]]:
    with (CORPUS / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def in_order(structure: FileStructure) -> bool:
    """Every signature covers a revision, is still in sight, and nothing forbidden or unclear came after it."""
    for index, record in enumerate(structure.signatures):
        if (
            record.covered_revision is None
            or record.hidden_in_later_revision
            or record.coverage in ("partial", "invalid")
        ):
            return False
        if since(structure, record.covered_revision, signature=index).level in (
            ChangeLevel.FORBIDDEN,
            ChangeLevel.UNKNOWN,
        ):
            return False
    return True


def opened(row: dict[str, str]) -> FileStructure:
    return parse((CORPUS / row["file"]).read_bytes())


def test_honest_files_are_in_order() -> None:
    """The one that is not has signatures with an opaque background drawn over its text, which does hide it."""
    honest = [row for row in rows() if row["expect_doc"] == "accept"]
    wrong = [row["file"] for row in honest if not in_order(opened(row))]
    assert len(honest) - len(wrong) >= 95, wrong


def test_forged_files_are_not_in_order() -> None:
    """All whose signature values are right: what is wrong with them is coverage or a later change."""
    forged = [
        row for row in rows() if row["expect_doc"] == "reject" and row["expect_crypto"] == "all" and row["attack_class"]
    ]
    assert len(forged) > 10
    passed = [row["file"] for row in forged if in_order(opened(row))]
    assert not passed


def test_unsigned_files_have_no_signatures() -> None:
    for row in rows():
        if row["expect_doc"] == "none":
            assert not [r for r in opened(row).signatures if r.kind == "signature"], row["file"]


def test_signatures_are_counted() -> None:
    wrong = []
    for row in rows():
        wanted = row["expect_n_signatures"]
        if row["expect_doc"] not in ("accept", "reject") or not wanted:
            continue
        count = sum(record.kind == "signature" for record in opened(row).signatures)
        if count < int(wanted.removeprefix(">=")) or (wanted.isdigit() and count != int(wanted)):
            wrong.append((row["file"], count, wanted))
    assert not wrong


@pytest.mark.slow
def test_both_indexes_of_references_agree() -> None:
    compared = 0
    for row in rows():
        structure = opened(row)
        last = len(structure.revisions)
        if last < 2 or last > 12 or not structure.readable:
            continue
        scanned, parsed = ScannedMentions(structure), ParsedMentions(structure)
        if scanned.doubtful:
            continue
        for revision in range(1, last):
            changes = [compare(Pair(structure, revision, last, mentions, {})) for mentions in (scanned, parsed)]
            assert changes[0] == changes[1], row["file"]
            compared += 1
    assert compared > 100


def test_no_file_takes_long() -> None:
    for row in rows():
        began = time.thread_time()
        in_order(opened(row))
        assert time.thread_time() - began < 5, row["file"]
