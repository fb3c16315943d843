"""What earlier versions made is read by this one: PDFs, pictures and packs as they are, workspaces through Alembic.

From the first release tag on, a folder below `tests/artefacts/` is never made again (`tests/artefacts/make.py`).
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from signing_core import __version__
from signing_core.audit_log import verification as log_verification
from signing_core.certificate.scan import scan
from signing_core.desk import Desk, judging
from signing_core.flow import Status
from signing_core.storage.workspace import Workspace
from signing_core.testing import Play
from signing_core.trust import load_trust
from signing_core.verdict import Indication, Integrity
from signing_core.verification import verify

ARTEFACTS = Path(__file__).parent / "artefacts"
VERSIONS = sorted(file.parent for file in ARTEFACTS.glob("*/facts.json"))


@pytest.fixture(params=VERSIONS, ids=[folder.name for folder in VERSIONS])
def kept(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def facts(kept: Path) -> dict[str, Any]:
    return dict(json.loads((kept / "facts.json").read_text()))


def test_this_versions_are_kept() -> None:
    assert __version__ in {folder.name for folder in VERSIONS}, "run tests/artefacts/make.py"


def test_the_sealed_pdf_passes(kept: Path) -> None:
    verdict = verify(kept / "sealed.pdf", at=datetime.now(UTC), trust=load_trust([kept / "public.pem"]))
    assert (verdict.integrity, verdict.indication) == (Integrity.INTACT, Indication.TOTAL_PASSED)
    found = verdict.certificate
    assert (found.sealed_by_us, found.house, found.qr, found.prefix) == (True, "Sample Seals GmbH", "valid", "match")


def test_the_picture_of_the_certificate_is_read(kept: Path) -> None:
    with Image.open(kept / "certificate.png") as picture:
        (result,) = scan(picture.convert("RGB"), trust=load_trust([kept / "public.pem"]))
    assert (result.qr, result.in_order, result.document_id) == ("valid", True, facts(kept)["completed"])


def test_the_evidence_pack_passes_by_its_own_verifier(kept: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(kept / "evidence.zip") as pack:
        pack.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    ran = subprocess.run([sys.executable, "verify.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert load_trust([folder / "certificates"]).houses[0].name == "Sample Seals GmbH"


def test_the_workspace_goes_on(kept: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(kept / "workspace.zip") as archive:
        archive.extractall(tmp_path)
    for secret in ("secrets", "keys"):
        for file in (tmp_path / "workspace" / secret).rglob("*"):
            file.chmod(0o700 if file.is_dir() else 0o600)
    with Workspace.open(tmp_path / "workspace") as workspace:
        assert log_verification.verify(workspace).in_order
        verdict = verify(kept / "sealed.pdf", at=datetime.now(UTC), workspace_context=judging.context_of(workspace))
        assert (verdict.registry, verdict.audit_log, verdict.indication) == (
            "known",
            "included",
            Indication.TOTAL_PASSED,
        )
        play = Play(Desk(workspace))
        running = facts(kept)["running"]
        if play.desk.state(running).status is Status.AWAITING_FIRST_PARTY:
            play.to_completion(running)


def test_a_folder_that_is_there_is_left_alone() -> None:
    ran = subprocess.run([sys.executable, ARTEFACTS / "make.py"], capture_output=True, text=True, check=False)
    assert (ran.returncode, "kept as it is" in ran.stderr) == (1, True)
