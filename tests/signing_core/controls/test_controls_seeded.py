"""On a seeded workspace the controls and the reconciliation find what was planted in the archive, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from seeded import Seeded

from signing_core.controls import CATALOGUE, ControlFinding, look
from signing_core.desk import views
from signing_core.storage.workspace import Workspace

EXPECTED = {
    "changed-byte": {"stored-file-changed"},
    "swapped-certificate-page": {"registry-differs-from-log", "certificate-differs-from-log"},
    "missing-file": {"stored-file-missing"},
    "log-event-edited": {"event-changed"},
    "mail-with-another-attachment": {"mailed-file-differs"},
    "same-contact-twice": {"parties-share-contact"},
    "stuck-in-sealing": {"stuck"},
}


@pytest.fixture(scope="module")
def found(seeded: Seeded) -> Iterator[list[ControlFinding]]:
    now = datetime.now(UTC)
    with Workspace.open(seeded.folder) as workspace:
        ids = [row["document_id"] for row in views.listing(workspace)]
        looked = list(look(workspace, ids, now=now))
    yield [finding for one in looked for finding in one.findings]


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_planted_defect_is_found(seeded: Seeded, found: list[ControlFinding], kind: str) -> None:
    document_id = seeded.document(kind)
    assert {finding.code for finding in found if finding.document_id == document_id} == EXPECTED[kind]


def test_nothing_else_is_found(seeded: Seeded, found: list[ControlFinding]) -> None:
    defective = {seeded.document(kind) for kind in EXPECTED}
    assert not [finding for finding in found if finding.document_id not in defective]


def test_a_party_is_named_in_words(seeded: Seeded, found: list[ControlFinding]) -> None:
    document_id = seeded.document("mail-with-another-attachment")
    (mailed,) = [finding for finding in found if finding.document_id == document_id]
    # Whose message it is is drawn anew each time.
    assert re.match(r"The message to the (first party|client|author) carries ", mailed.message)


def test_findings_say_what_they_rest_on(found: list[ControlFinding]) -> None:
    for finding in found:
        assert finding.message.endswith(".")
        assert "first-party" not in finding.message
        assert finding.to_json()["severity"] == CATALOGUE[finding.code].severity
