"""A second company, whose keys are somebody else's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from signing_core.testing import make_workspace


@pytest.fixture(scope="session")
def another_company(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder: Path = tmp_path_factory.mktemp("another") / "workspace"
    make_workspace(folder, organisation="Other Seals AG").close()
    return SimpleNamespace(folder=folder, public=folder / "keys" / "public")
