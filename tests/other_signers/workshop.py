"""What all drivers share: one step on one file, and where tools that are not installed system-wide are put."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from .documents import Rect
from .keys import SIGNERS, Keys

HERE: Final = Path(__file__).parent
PROGRAMS: Final = HERE / "programs"
_JARS: Final = Path("/usr/share/java")
_SECONDS: Final = 180


class ToolFailed(Exception):
    """The tool ended without a file: its own words are the message."""


class ToolMissing(Exception):
    """The tool is not here; the message says what brings it."""


@dataclass(frozen=True)
class Step:
    """One step on one file. `source` is read, `target` is written."""

    source: Path
    target: Path
    keys: Keys
    number: int = 0
    """Which signer it is, from 0."""
    visible: Rect | None = None
    """Where a new signature field shows something; None for an invisible one."""
    own_field: str | None = None
    """The empty signature field that is there for this signer."""
    plain_field: bool = False
    """Whether that field is to be signed without a picture, where the tool leaves the choice."""

    @property
    def signer(self) -> str:
        return SIGNERS[self.number]

    @property
    def new_field(self) -> str:
        return f"Signed by {self.signer}"


Action = Callable[["Workshop", Step], None]


@dataclass(frozen=True)
class Tool:
    name: str
    """As the table says it, with its version where that is known beforehand."""
    from_: str
    """Debian, PyPI or npm."""
    ready: Callable[[Workshop], None]
    """Makes the tool ready; raises `ToolMissing`."""
    sign: Action | None = None
    fill: Action | None = None
    comment: Action | None = None
    store: Action | None = None
    """Adds a DSS."""
    stamp: Action | None = None
    """Adds a document time-stamp."""
    signs_first_only: bool = False
    """Whether it can only write files anew, so that it can come first but never second."""
    needs_field: bool = False
    """Whether it signs only fields that are there."""


class Workshop:
    """Where tools are put and their programs built: PyPI's in a venv of their own, npm's in `node`, Java's in `classes`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    @cached_property
    def venv_python(self) -> Path:
        """A Python with requirements.txt installed."""
        requirements = HERE / "requirements.txt"
        venv = self.folder / "venv"
        if not _same(venv / "installed.txt", requirements):
            shutil.rmtree(venv, ignore_errors=True)
            self.run([sys.executable, "-m", "venv", venv], seconds=600)
            pip = [venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", "-r", requirements]
            self.run(pip, missing="PyPI", seconds=900)
            shutil.copyfile(requirements, venv / "installed.txt")
        return venv / "bin" / "python"

    @cached_property
    def node_modules(self) -> Path:
        """A folder with package.json installed; drivers are copied into it so that they find their packages."""
        if not shutil.which("npm"):
            raise ToolMissing("node and npm (Debian: nodejs, npm)")
        folder, package = self.folder / "node", HERE / "package.json"
        if not _same(folder / "installed.json", package):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            shutil.copyfile(package, folder / "package.json")
            npm = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
            self.run(npm, missing="npm", seconds=900, cwd=folder)
            shutil.copyfile(package, folder / "installed.json")
        return folder

    def java(self, name: str, jars: Sequence[str], arguments: Sequence[str | Path]) -> None:
        """Runs programs/NAME.java, compiled once, with the jars of Debian's Java packages."""
        classes = self.compiled(name, jars)
        self.run(
            [
                "java",
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                self._class_path(jars, classes),
                name,
                *arguments,
            ]
        )

    def compiled(self, name: str, jars: Sequence[str]) -> Path:
        if not shutil.which("javac"):
            raise ToolMissing("a Java compiler (Debian: default-jdk-headless)")
        if lacking := [jar for jar in jars if not (_JARS / jar).exists()]:
            raise ToolMissing(f"{', '.join(lacking)} in {_JARS}")
        source, classes = PROGRAMS / f"{name}.java", self.folder / "classes"
        if not _same(classes / source.name, source):
            classes.mkdir(exist_ok=True)
            path = self._class_path(jars, classes)
            self.run(["javac", "-nowarn", "-encoding", "UTF-8", "-cp", path, "-d", classes, source], seconds=300)
            shutil.copyfile(source, classes / source.name)
        return classes

    @staticmethod
    def _class_path(jars: Sequence[str], classes: Path) -> str:
        return os.pathsep.join([*(str(_JARS / jar) for jar in jars), str(classes)])

    def node(self, script: str, arguments: Sequence[str | Path]) -> None:
        """Runs programs/SCRIPT beside the npm packages."""
        folder = self.node_modules
        if not _same(folder / script, PROGRAMS / script):
            shutil.copyfile(PROGRAMS / script, folder / script)
        self.run(["node", folder / script, *arguments])

    def python(self, script: str, arguments: Sequence[str | Path]) -> None:
        """Runs programs/SCRIPT in the venv."""
        self.run([self.venv_python, PROGRAMS / script, *arguments])

    @staticmethod
    def run(
        command: Sequence[str | Path],
        *,
        missing: str | None = None,
        seconds: int = _SECONDS,
        cwd: Path | None = None,
    ) -> str:
        """What the command prints; `ToolFailed` with its last line when it fails, `ToolMissing` where `missing` names its source."""
        try:
            ended = subprocess.run(
                [str(part) for part in command],
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
                cwd=cwd,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ToolFailed(f"{type(error).__name__}") from error
        if ended.returncode == 0:
            return ended.stdout.decode(errors="replace")
        if missing is not None:
            raise ToolMissing(f"packages from {missing}")
        said = (ended.stderr + ended.stdout).decode(errors="replace").strip().splitlines()
        raise ToolFailed(_telling(said))


def _telling(lines: Sequence[str]) -> str:
    """The line of a program's last words that names the error."""
    for line in lines:
        if "Exception" in line or "Error" in line:
            return line.strip()[:200]
    return lines[-1].strip()[:200] if lines else "it says nothing"


def needs_program(*names: str, package: str) -> Callable[[Workshop], None]:
    """For `Tool.ready`: all of the programs have to be there."""

    def ready(workshop: Workshop) -> None:
        for name in names:
            if not shutil.which(name):
                raise ToolMissing(f"{name} (Debian: {package})")

    return ready


def _same(installed: Path, wanted: Path) -> bool:
    return installed.exists() and installed.read_bytes() == wanted.read_bytes()
