"""A seeded workspace, made once for all test processes: it takes half a minute."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ARCHIVE = {
    "changed-byte": "stored-file-changed",
    "swapped-certificate-page": "registry-differs-from-log",
    "missing-file": "stored-file-missing",
    "log-event-edited": "event-changed",
    "mail-with-another-attachment": "mailed-file-differs",
    "same-contact-twice": "parties-share-contact",
    "stuck-in-sealing": "stuck",
}
"""The planted defects of the archive, and the control that has to find each."""


DOCUMENTS = 24
SEED = 7


@dataclass(frozen=True)
class Seeded:
    folder: Path
    """To be read only; `seeded_copy` gives one to work on."""
    planted: tuple[dict[str, Any], ...]

    def document(self, kind: str) -> str:
        """The id of the document that carries the defect of this kind."""
        return str(next(one["document_id"] for one in self.planted if one["kind"] == kind))


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Seeded:
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "seeded"
    shared.mkdir(exist_ok=True)
    planted = shared / "planted.json"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not planted.exists():
            from signing_core.seeding import seed

            shutil.rmtree(shared / "workspace", ignore_errors=True)
            seed(shared / "workspace", documents=DOCUMENTS, seed=SEED, planted=planted)
    return Seeded(shared / "workspace", tuple(json.loads(planted.read_text())["planted"]))


@pytest.fixture
def seeded_copy(seeded: Seeded, tmp_path: Path) -> Callable[[], Path]:
    """A copy of the seeded workspace to work on."""

    def copy() -> Path:
        return Path(shutil.copytree(seeded.folder, tmp_path / "seeded"))

    return copy
