"""The wheel: everything that the installed program reads is in it, and it runs where there is no repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("signing_core", "pipelines", "portal", "dashboards", "notebooks")
BUILD = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, for the build writes into the tree it builds from."""
    base = tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, base / "tree" / package, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, base / "tree")
    subprocess.run([sys.executable, "-c", BUILD, str(base)], cwd=base / "tree", check=True, capture_output=True)
    [made] = base.glob("sealtrail-*.whl")
    return made


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    """The other way round too: nothing comes along that is not in the tree."""
    with zipfile.ZipFile(wheel) as held:
        inside = {name for name in held.namelist() if ".dist-info/" not in name}
    there = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(file.parts)
    }
    assert there - inside == {"notebooks/README.md"}
    assert inside - there == set()
    kinds = {Path(name).suffix for name in inside}
    assert {".typ", ".html", ".css", ".js", ".svg", ".mako", ".txt", ".json", ".toml", ".yaml", ".ipynb"} <= kinds
    assert "signing_core/py.typed" in inside
    assert "signing_core/storage/migrations/script.py.mako" in inside


@pytest.mark.slow
def test_the_installed_program_runs_a_notebook_and_works_with_no_repository(
    wheel: Path, seeded_copy: Callable[[], Path], tmp_path: Path
) -> None:
    """The wheel alone is installed; what it depends on comes from the environment of the tests, without the repository."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    [site] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as held:
        held.extractall(site)
    # As a line of a path file, so that path files in there, such as that of the editable project, are not followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    python = tmp_path / "venv" / "bin" / "python"
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [python, "-c", "from signing_core.cli import main; main()", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    where = subprocess.run(
        [python, "-c", "import signing_core; print(signing_core.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(where.stdout.strip()).is_relative_to(site)
    folder = seeded_copy()
    done = run("audit", "notebook", "signing_times", "--json", "-w", str(folder))
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["conclusion"]["figures"]["documents"] > 0
    assert len(run("audit", "notebook").stdout.splitlines()) == 6
    # Templates, migrations and samples: a whole flow from a new workspace on.
    demonstrated = run("demo", str(tmp_path / "demo"))
    assert demonstrated.returncode == 0, demonstrated.stderr
