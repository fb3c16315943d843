"""What holds for the project as a whole: set-up, lock files, import cost, and what the pages for people say."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import click
import pytest

import signing_core

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("build", "base", "dev")
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")


def _name(requirement: str) -> str:
    """The distribution's name in normal form (PEP 503)."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def _lock(which: str) -> str:
    return (ROOT / "requirements" / f"{which}.txt").read_text(encoding="utf-8")


def _pins(which: str) -> dict[str, set[str]]:
    """Distribution: its versions, more than one where they differ by Python version."""
    pins: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", _lock(which), re.MULTILINE):
        pins.setdefault(_name(name), set()).add(version)
    return pins


def _extras() -> dict[str, list[str]]:
    extras: dict[str, list[str]] = PYPROJECT["project"]["optional-dependencies"]
    return extras


def _tracked() -> list[Path]:
    """What belongs to the repository: by git, or, in an unpacked archive, everything that no tool made."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        files = [ROOT / name for name in listed.split("\0") if name]
    else:
        files = [
            file for file in ROOT.rglob("*") if not any(part.startswith(".") for part in file.parts[len(ROOT.parts) :])
        ]
    return [file for file in files if file.is_file()]


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"requirements_{name}", ROOT / "requirements" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


# Lock files


@pytest.mark.parametrize("which", LOCKS)
def test_lock_files_name_no_place_to_fetch_from(which: str) -> None:
    assert not re.search(
        r"://|^\s*-|--(index|extra-index|find-links|trusted-host)\b| @ ", _without_hashes(_lock(which)), re.MULTILINE
    )


def _without_hashes(lock: str) -> str:
    return re.sub(r" *\\?\n +--hash=sha256:[0-9a-f]{64}", "", lock)


@pytest.mark.parametrize("which", LOCKS)
def test_every_pin_is_exact_and_hashed(which: str) -> None:
    entries = [
        line for line in _without_hashes(_lock(which)).splitlines() if line and not line.lstrip().startswith("#")
    ]
    assert entries
    assert all(re.fullmatch(r"[a-z0-9._-]+==[^\s;]+( ; .+)?", entry) for entry in entries)
    blocks = re.split(r"^(?=[a-z0-9])", _lock(which), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(entries)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_locks_hold_what_the_project_asks_for() -> None:
    needed = {_name(requirement) for requirement in PYPROJECT["project"]["dependencies"]}
    assert needed | {_name(r) for r in _extras()["zbar"]} <= _pins("base").keys(), "run `make lock`"
    assert needed | {_name(r) for extra in _extras().values() for r in extra} <= _pins("dev").keys(), "run `make lock`"
    assert {_name(requirement) for requirement in PYPROJECT["build-system"]["requires"]} <= _pins("build").keys()


def test_the_demo_runs_on_what_was_tested() -> None:
    dev = _pins("dev")
    assert {name: versions for name, versions in _pins("base").items() if dev.get(name) != versions} == {}


def test_every_import_is_asked_for() -> None:
    """What a module imports is named in pyproject.toml, and not only there because something else happens to need it."""
    core = {_name(requirement) for requirement in PYPROJECT["project"]["dependencies"]}
    everything = core | {_name(r) for extra in _extras().values() for r in extra} | {"setuptools"}
    places = packages_distributions()
    ours = {folder.name for folder in ROOT.iterdir() if folder.is_dir()}
    missing = {}
    for file in _tracked():
        if file.suffix != ".py":
            continue
        own = {path.stem for folder in (file.parent, ROOT / "tests" / "shared") for path in folder.iterdir()}
        for module in _imported(file) - set(sys.stdlib_module_names) - ours - own:
            distributions = {_name(name) for name in places.get(module, [module])}
            if not distributions & everything:
                missing.setdefault(module, str(file.relative_to(ROOT)))
    assert missing == {}


def _imported(file: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


# Set-up


def test_a_missing_compiler_is_said_in_one_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = _script("environment")
    monkeypatch.setattr(environment.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    said = environment._missing()
    assert said
    assert "C compiler" in said
    assert "`sudo apt-get install gcc libc6-dev`" in said
    assert "\n" not in said


def test_missing_headers_are_said_in_one_sentence_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = _script("environment")
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(environment.sysconfig, "get_path", lambda _: str(tmp_path))
    said = environment._missing()
    assert said
    assert f"`sudo apt-get install python{sys.version_info.major}.{sys.version_info.minor}-dev`" in said


def test_a_missing_venv_module_is_said_in_one_sentence_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = _script("environment")
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
    said = environment._missing()
    assert said
    assert f"`sudo apt-get install python{sys.version_info.major}.{sys.version_info.minor}-venv`" in said


def test_what_pip_says_of_a_failure_names_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = _script("environment")
    words = "ERROR: no match at " + "https:" + "//packages.example.org/simple/ for this"
    failing = subprocess.CompletedProcess([], 1, "", words)
    monkeypatch.setattr(environment.subprocess, "run", lambda *_, **__: failing)
    assert environment._pip(Path("python"), "-r", "x") == "ERROR: no match at (address) for this"


def test_a_changed_lock_is_installed_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment = _script("environment")
    locks = tmp_path / "requirements"
    locks.mkdir()
    for name in ("requirements/build.txt", "requirements/base.txt", "requirements/dev.txt", "pyproject.toml"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    for name, value in {"ROOT": tmp_path, "LOCKS": locks, "VENV": tmp_path}.items():
        monkeypatch.setattr(environment, name, value)
    monkeypatch.setattr(environment, "_works", lambda _: True)
    assert not environment._is_done("base")
    environment._stamp("dev").write_text(environment._key("dev"), encoding="utf-8")
    assert environment._is_done("dev")
    assert environment._is_done("base"), "the larger environment serves the demo too"
    (locks / "dev.txt").write_text("newer", encoding="utf-8")
    assert not environment._is_done("dev")
    assert not environment._is_done("base")


def test_programs_that_cannot_be_installed_are_said_with_their_checks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    programs = _script("programs")
    absent = programs.Program("sample-tools", lambda: False, "signatures judged by a sample")
    monkeypatch.setattr(programs, "PROGRAMS", (absent,))
    monkeypatch.setattr(programs.os, "geteuid", lambda: 1000)
    assert programs.main() == 0
    said = capsys.readouterr().out
    assert said.startswith("Left out: signatures judged by a sample")
    assert "`sudo apt-get install sample-tools`" in said


def test_ci_runs_what_contributors_run() -> None:
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert run.read_text(encoding="utf-8").rstrip().endswith("make --no-print-directory test")


# The tree


@pytest.mark.parametrize(
    "folder", ["signing_core", "pipelines", "portal", "dashboards", "notebooks", "benchmarks", "tests", "docs"]
)
def test_the_house_has_its_rooms(folder: str) -> None:
    assert any(file.is_relative_to(ROOT / folder) for file in _tracked())


def test_no_file_names_a_place_of_one_machine() -> None:
    # Written in pieces, for this file is searched as well.
    places = [
        "/" + "work/",
        "/" + "root/",
        "/home" + "/",
        "/" + "Users/",
        "/opt" + "/pypi",
        "pypi" + ".org/simple",
        "/tmp" + "/w/",
    ]
    named = {}
    for file in _tracked():
        text = file.read_bytes()
        if b"\0" in text[:4096]:
            continue
        for place in places:
            if place.encode() in text:
                named[str(file.relative_to(ROOT))] = place
    assert named == {}


# Import cost


def test_importing_the_core_is_cheap_and_pulls_in_nothing_built_on_it() -> None:
    code = (
        "import sys, time; started = time.process_time(); import signing_core; "
        "print(time.process_time() - started, *sys.modules)"
    )
    took = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        seconds, *modules = done.stdout.split()
        took.append(float(seconds))
    assert min(took) < 0.3
    assert {name.split(".")[0] for name in modules} & {
        "dagster",
        "streamlit",
        "pandas",
        "pyhanko",
        "typst",
        "sqlalchemy",
    } == set()


# Pages for people


@pytest.mark.parametrize("page", PAGES)
def test_make_commands_on_the_pages_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    assert named <= targets
    if page == "README.md":
        assert {"demo", "test"} <= named


@pytest.mark.parametrize("page", PAGES)
def test_links_on_the_pages_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_sealtrail_commands_and_options_on_the_readme_exist() -> None:
    from signing_core.cli import sealtrail

    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(
        r"^.*?\bsealtrail ([a-z]+) (.*)$", "\n".join(re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)), re.MULTILINE
    )
    assert len(lines) >= 6
    for name, rest in lines:
        command = sealtrail.get_command(click.Context(sealtrail), name)
        assert command, name
        options = {option for parameter in command.params for option in parameter.opts}
        given = set(re.findall(r"(?<!\S)--[a-z-]+", rest.split("|")[0]))
        assert given <= options, f"sealtrail {name}"


def test_the_changelog_knows_this_version() -> None:
    assert signing_core.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
